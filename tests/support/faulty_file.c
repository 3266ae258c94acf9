/* faulty_file.c: see faulty_file.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/faulty_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct faulty_file faulty_file;

/* The first buffer that is not empty, cut short. */
static struct iovec cut(const struct iovec *iov, int n)
{
	struct iovec one = { 0 };

	for (int i = 0; i < n && one.iov_len == 0; i++)
		one = iov[i];
	if (one.iov_len > faulty_file.max_len)
		one.iov_len = faulty_file.max_len;
	return one;
}

static ssize_t rw(long nr, int fd, const struct iovec *iov, int n, off_t off,
		  int flags, int error)
{
	struct iovec one;

	if (error) {
		errno = error;
		return -1;
	}
	if (faulty_file.max_len) {
		one = cut(iov, n);
		iov = &one;
		n = 1;
	}
	if (faulty_file.never_waits)
		flags &= ~RWF_NOWAIT;
	return syscall(nr, fd, iov, n, off, 0, flags);
}

ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	faulty_file.n_reads++;
	return rw(SYS_preadv2, fd, iov, n, off, flags, faulty_file.read_error);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
	faulty_file.n_writes++;
	return rw(SYS_pwritev2, fd, iov, n, off, flags,
		  faulty_file.write_error);
}

int fdatasync(int fd)
{
	faulty_file.n_syncs++;
	if (faulty_file.sync_error) {
		errno = faulty_file.sync_error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

int fallocate(int fd, int mode, off_t off, off_t len)
{
	faulty_file.n_allocs++;
	if (faulty_file.alloc_error) {
		errno = faulty_file.alloc_error;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, off, len);
}
