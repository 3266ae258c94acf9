/* iov.h: arrays of iovecs. What they point to may be guest memory, which
 * changes at any time: each byte is touched once, so a copy that was checked
 * is what was checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_IOV_H
#define BASE_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/attr.h"

/* Bytes in all. */
size_t iov_total(const struct iovec *iov, unsigned n);

/* Copies the first `len` bytes out. False: there are fewer, and what `dst`
 * holds is not to be used. */
WUR bool iov_gather(const struct iovec *iov, unsigned n, void *dst, size_t len);

/* Copies `len` bytes in, as far as there is room. Returns how many. */
size_t iov_scatter(const struct iovec *iov, unsigned n, const void *src,
		   size_t len);

/* Drops the first `len` bytes of *n iovecs at *iov, of which there are at
 * least so many: changes the array in place, and moves on in it. */
void iov_skip(struct iovec **iov, unsigned *n, size_t len);

#endif
