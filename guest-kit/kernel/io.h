/* io.h: where the bytes of a read go, or those of a write come from: pieces
 * of the program's memory (struct iovec of the Linux ABI), or of the kernel's
 * for calls that move bytes between files. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_IO_H
#define KERNEL_IO_H

#include "kernel/types.h"

#define IO_VECS_MAX 1024
#define IO_LEN_MAX  0x7ffff000ull /* what Linux moves in one call */

struct io_vec {
	uint64_t base, len; /* base: gva, or a pointer of the kernel's */
};

struct io {
	const struct io_vec *vec; /* borrowed; the current one first */
	unsigned n;
	bool kernel;
	uint64_t off;  /* into vec[0] */
	uint64_t left; /* bytes from here to the end, all pieces */
	struct io_vec one;
};

/* One piece of the program's memory, unchecked; len is cut to IO_LEN_MAX. */
void io_user(struct io *io, uint64_t gva, uint64_t len);
/* One piece of the kernel's. */
void io_kernel(struct io *io, void *p, uint64_t len);
/* Several pieces of the program's, copied by the caller into vec, which
 * stays. -EINVAL: one is beyond SSIZE_MAX; -EFAULT: beyond what a program can
 * have. Cut to IO_LEN_MAX. */
WUR int io_vectors(struct io *io, const struct io_vec *vec, unsigned n);

/* No more than len bytes from here on. */
static inline void io_limit(struct io *io, uint64_t len)
{
	io->left = min_u64(io->left, len);
}

/* Moves at most len bytes to (put) or from (get) where io stands, and io on.
 * Bytes moved: min(len, io->left) unless a piece cannot be touched; -EFAULT
 * if there was nothing before that. Never sleeps. */
WUR int64_t io_put(struct io *io, const void *src, uint64_t len);
WUR int64_t io_get(struct io *io, void *dst, uint64_t len);
WUR int64_t io_zero(struct io *io, uint64_t len);

#endif
