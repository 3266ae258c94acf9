/* gmem.h: guest memory. Three doors (read, write, span), each bounded, and a
 * way to give pages back (discard).
 *
 * Nobody holds a typed pointer into guest memory. The guest may change any
 * byte at any time, so every value that decides something is loaded once.
 * All functions are safe from any thread while the gmem lives. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEM_GMEM_H
#define MEM_GMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/attr.h"
#include "mem/layout.h"

struct err;

#define GMEM_REGIONS_MAX 2
#define GMEM_HUGE_LEN    (2ull << 20) /* a huge page, here and in the guest */

struct gmem_region {
	gpa_t base;
	uint64_t len;
	uint8_t *host; /* owned by the gmem when `owned` */
};

struct gmem {
	struct gmem_region region[GMEM_REGIONS_MAX];
	unsigned n_regions;
	bool owned; /* host memory was mapped by gmem_init */
};

/*
 * Maps `len` bytes (a multiple of 4 KiB, at most LAYOUT_MEM_MAX) of zeroed,
 * private, lazily allocated memory and lays it out around the hole. Guest and
 * host addresses agree modulo GMEM_HUGE_LEN. -EINVAL, -ENOMEM.
 */
WUR int gmem_init(struct gmem *m, uint64_t len, struct err *err);

/* Transparent huge pages behind what gmem_init mapped, or none whatever the
 * host does for others. -EINVAL: this kernel has none. */
WUR int gmem_set_huge(const struct gmem *m, bool huge);

/*
 * Puts a file's first `len` bytes (a multiple of 4 KiB) where guest memory was,
 * without reading them: the guest sees the file's pages, and gets a copy of
 * each it writes to. For a gmem of gmem_init, before a guest runs; the file
 * must not get shorter. -EFAULT: not within one region; the host's errors.
 */
WUR int gmem_map_file(const struct gmem *m, gpa_t gpa, size_t len, int fd);

/* A gmem over bytes the caller owns: one region. For tests and fuzzing. */
void gmem_init_borrowed(struct gmem *m, gpa_t base, void *host, uint64_t len);

/* Unmaps what gmem_init mapped. Accepts a zeroed gmem. */
void gmem_fini(struct gmem *m);

uint64_t gmem_total(const struct gmem *m);

/* All return 0 or -EFAULT; on failure nothing was transferred. A range lies
 * within one region; len 0 is valid anywhere. */
WUR int gmem_read(const struct gmem *m, gpa_t gpa, void *dst, size_t len);
WUR int gmem_write(const struct gmem *m, gpa_t gpa, const void *src,
		   size_t len);
WUR int gmem_zero(const struct gmem *m, gpa_t gpa, size_t len);

/* The host address range of a guest range, to hand to the kernel or to the
 * gload/gstore functions below. Valid until gmem_fini. */
WUR int gmem_span(const struct gmem *m, gpa_t gpa, size_t len,
		  struct iovec *ret_span);

/*
 * Gives the pages that lie wholly inside a span (of gmem_span, or of a chain)
 * back to the host: *ret_len bytes, which read as zeros from now on. Spans and
 * iovecs stay valid; whoever uses one there finds zeros, too. -EFAULT: the
 * span is not within one region. Other errors: the host would not (locked
 * memory, -EINVAL). Costs a system call, and for every page that is used
 * again a fault. Pages of gmem_map_file read as the file again.
 */
WUR int gmem_discard(const struct gmem *m, const struct iovec *span,
		     uint64_t *ret_len);

/* True when [gpa, gpa+len) is RAM within one region. */
bool gmem_has(const struct gmem *m, gpa_t gpa, uint64_t len);

/* Single loads and stores of little-endian scalars inside a span; `p` must
 * be aligned to the scalar. Each happens exactly once. */
uint16_t gload16(const void *p);
uint32_t gload32(const void *p);
uint64_t gload64(const void *p);
uint16_t gload16_acquire(const void *p);
void gstore16(void *p, uint16_t v);
void gstore32(void *p, uint32_t v);
void gstore16_release(void *p, uint16_t v);

#endif
