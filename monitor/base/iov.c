/* iov.c: see iov.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/iov.h"

#include <stdint.h>
#include <string.h>

#include "base/check.h"

size_t iov_total(const struct iovec *iov, unsigned n)
{
	size_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

bool iov_gather(const struct iovec *iov, unsigned n, void *dst, size_t len)
{
	uint8_t *to = dst;

	for (unsigned i = 0; i < n && len > 0; i++) {
		const size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;

		memcpy(to, iov[i].iov_base, part);
		to += part;
		len -= part;
	}
	__asm__ volatile("" ::: "memory"); /* one load of each byte */
	return len == 0;
}

size_t iov_scatter(const struct iovec *iov, unsigned n, const void *src,
		   size_t len)
{
	const uint8_t *from = src;
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		const size_t left = len - done;
		const size_t part =
			iov[i].iov_len < left ? iov[i].iov_len : left;

		memcpy(iov[i].iov_base, from + done, part);
		done += part;
	}
	return done;
}

void iov_skip(struct iovec **iov, unsigned *n, size_t len)
{
	struct iovec *io = *iov;

	while (*n > 0 && len >= io->iov_len) {
		len -= io->iov_len;
		io++;
		--*n;
	}
	*iov = io;
	if (len == 0)
		return;
	CHECK(*n > 0);
	io->iov_base = (uint8_t *)io->iov_base + len;
	io->iov_len -= len;
}
