/* file.c: see file.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

#define COPY_LEN 65536 /* bytes at a time */

int file_read_at(int fd, uint64_t off, void *dst, size_t len)
{
	uint8_t *to = dst;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		to += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write_at(int fd, uint64_t off, const void *src, size_t len)
{
	const uint8_t *from = src;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int file_copy(int from, uint64_t from_off, int to, uint64_t to_off,
	      uint64_t len)
{
	uint8_t buf[COPY_LEN];

	while (len > 0) {
		size_t n = len < sizeof(buf) ? (size_t)len : sizeof(buf);
		int code = file_read_at(from, from_off, buf, n);

		if (code == 0)
			code = file_write_at(to, to_off, buf, n);
		if (code != 0)
			return code;
		from_off += n;
		to_off += n;
		len -= n;
	}
	return 0;
}
