/* stop.h: a stopped program, as its guest kernel described it
 * (guest-kit/include/abi/debug.h), copied out once and checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_STOP_H
#define DEBUG_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "guest-kit/include/abi/debug.h"
#include "mem/layout.h"

struct err;
struct gmem;

/* Everything in here keeps the limits of abi/debug.h: counts, areas in order
 * and below STOP_GVA_END, names within the strings. thread[0] is the one that
 * stopped. */
struct stop {
	const struct gmem *mem;
	gpa_t gpa; /* of the guest's structure */
	struct debug_stop s;
	struct debug_thread *thread; /* s.n_threads */
	struct debug_area *area;     /* s.n_areas */
	char *strings;
};

#define STOP_GVA_END    0x800000000000ull /* the program's half */
#define STOP_FPU_MIN    512u              /* FXSAVE */
#define STOP_XSAVE_MIN  576u              /* ... and the header */
#define STOP_XSTATE_BV  512u
#define STOP_FPU_MAX    16384u
#define STOP_SIGNAL_MAX 64u

/* Room for the largest stop, so that none needs memory later. */
WUR int stop_init(struct stop *s, const struct gmem *mem, struct err *err);
void stop_fini(struct stop *s); /* accepts a zeroed one */

/* The stop at gpa. -EFAULT, -EPROTO: it is not one; *s holds nothing then. */
WUR int stop_load(struct stop *s, gpa_t gpa);
/* Registers, actions, the signal and the request go back to the guest. */
void stop_store(const struct stop *s);

/* NULL: there is none. */
struct debug_thread *stop_thread(const struct stop *s, uint32_t tid);
const struct debug_area *stop_area(const struct stop *s, uint64_t gva);
/* "" for a mapping of no file. */
const char *stop_area_name(const struct stop *s, const struct debug_area *a);

/* The program's memory. How many bytes from gva on could be read; what does
 * not exist yet is zeros. */
WUR size_t stop_read(const struct stop *s, uint64_t gva, void *buf, size_t len);
/* Some of it is a file's, and not in memory. */
bool stop_lacks(const struct stop *s, uint64_t gva, size_t len);
/*
 * 0; -EAGAIN: first the guest has to make the program's own page at *ret_gva;
 * -EFAULT: nothing can be written there. Some of it may be written. `force`:
 * the guest was asked; a page it cannot write to may be somebody else's, too.
 */
WUR int stop_write(const struct stop *s, uint64_t gva, const void *buf,
		   size_t len, bool force, uint64_t *ret_gva);

/* The thread's FXSAVE or XSAVE area: how many bytes there are, at most `len`;
 * 0: it has none that can be read. */
WUR size_t stop_read_fpu(const struct stop *s, const struct debug_thread *t,
			 void *buf, size_t len);
/* The first `len` bytes of it. 0 or -EFAULT. */
WUR int stop_write_fpu(const struct stop *s, const struct debug_thread *t,
		       const void *buf, size_t len);

#endif
