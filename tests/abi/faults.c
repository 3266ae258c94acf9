/* faults.c: bad pointers, lengths and descriptors, given to one call after
 * the other: an error, never more. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "abi.h"

static char buf[4096] __attribute__((aligned(8)));

/* Addresses no call may follow: low, not canonical, the kernel's, the last */
static const unsigned long bad[] = { 8,
				     0x7ffffffff000,
				     0x800000000000,
				     0xffff800000000000,
				     0xffffc00000000000,
				     -8ul };

static const char *answer(long ret)
{
	static char text[32];

	if (ret == -1)
		return errname(errno);
	snprintf(text, sizeof(text), "%ld", ret);
	return text;
}

#define EACH(call)                                           \
	do {                                                 \
		printf("%s:", #call);                        \
		for (size_t i_ = 0; i_ < COUNT(bad); i_++) { \
			unsigned long p = bad[i_];           \
                                                             \
			printf(" %s", answer(call));         \
		}                                            \
		puts("");                                    \
	} while (0)

static void pointers(void)
{
	int fd, ep = epoll_create1(0), s[2], t[2];
	struct iovec v = { buf, 10 };

	enter_dir();
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	NEED(write(fd, buf, 100));
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, t));
	NEED(write(s[0], "some bytes", 10));
	EACH(syscall(SYS_pread64, fd, p, 10, 0));
	EACH(syscall(SYS_pwrite64, fd, p, 10, 0));
	EACH(syscall(SYS_writev, fd, p, 1));
	EACH((v.iov_base = (void *)p, syscall(SYS_pwritev, fd, &v, 1, 0, 0)));
	EACH(syscall(SYS_open, p, O_RDONLY));
	EACH(syscall(SYS_stat, p, buf));
	EACH(syscall(SYS_fstat, fd, p));
	EACH(syscall(SYS_newfstatat, AT_FDCWD, "f", p, 0));
	EACH(syscall(SYS_readlink, "f", p, 0));
	EACH(syscall(SYS_getcwd, p, 4096));
	EACH(syscall(SYS_pipe2, p, 0));
	EACH(syscall(SYS_poll, p, 1, 0));
	EACH(syscall(SYS_ppoll, 0, 0, p, 0, 8));
	EACH(syscall(SYS_select, 1, p, 0, 0, 0));
	EACH(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, s[0], p));
	EACH(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p));
	EACH(syscall(SYS_nanosleep, p, 0));
	EACH(syscall(SYS_rt_sigaction, SIGUSR1, p, 0, 8));
	EACH(syscall(SYS_rt_sigaction, SIGUSR1, 0, p, 8));
	EACH(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, 0, 8));
	EACH(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, p, 8));
	EACH(syscall(SYS_sigaltstack, p, 0));
	EACH(syscall(SYS_futex, p, 0, 0, 0, 0, 0));
	EACH(syscall(SYS_uname, p));
	EACH(syscall(SYS_sysinfo, p));
	EACH(syscall(SYS_getrusage, 0, p));
	EACH(syscall(SYS_prlimit64, 0, 7, p, 0));
	EACH(syscall(SYS_prlimit64, 0, 7, 0, p));
	EACH(syscall(SYS_getrandom, p, 8, 0));
	EACH(syscall(SYS_getdents64, ep, p, 100));
	EACH(syscall(SYS_recvfrom, s[1], p, 4, MSG_PEEK, 0, 0));
	EACH(syscall(SYS_sendto, s[0], p, 4, 0, 0, 0));
	EACH(syscall(SYS_sendto, t[0], p, 4, 0, 0, 0));
	EACH(syscall(SYS_sendmsg, s[0], p, 0));
	EACH(syscall(SYS_recvmsg, s[0], p, MSG_DONTWAIT));
	EACH((*(int *)buf = 16, syscall(SYS_getsockname, s[0], p, buf)));
	EACH(syscall(SYS_getsockname, s[0], buf, p));
	EACH(syscall(SYS_connect, s[0], p, 16));
	EACH((*(int *)buf = 4,
	      syscall(SYS_getsockopt, s[0], SOL_SOCKET, SO_TYPE, p, buf)));
	EACH(syscall(SYS_setsockopt, s[0], SOL_SOCKET, SO_KEEPALIVE, p, 4));
	EACH(syscall(SYS_mincore, buf - ((uintptr_t)buf & 4095), 4096, p));
	EACH(syscall(SYS_ioctl, s[0], 0x541b, p));
	EACH(syscall(SYS_fcntl, fd, F_GETLK, p));
	EACH(syscall(SYS_sendfile, s[0], fd, p, 1));
	EACH(syscall(SYS_utimensat, AT_FDCWD, "f", p, 0));
	EACH(syscall(SYS_statfs, "f", p));
	EACH(syscall(SYS_rename, "f", p));
	EACH(syscall(SYS_timerfd_settime, ep, 0, p, 0));
	EACH(syscall(SYS_setitimer, 0, p, 0));
	EACH(syscall(SYS_set_robust_list, p, 5));
	EACH(syscall(SYS_sched_getaffinity, 0, 128, p));
	NEED(unlink("f"));
	leave_dir();
}

static void borders(void)
{
	/* what lies half in a mapping is done by half, or not at all */
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd, q[2];

	NEED((long)p);
	NEED(munmap(p + 4096, 4096));
	memset(p, 'b', 4096);
	enter_dir();
	NEED(pipe(q));
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	SHOW(pwrite(fd, p + 4090, 100, 0));
	SHOW(pwrite(fd, p + 4095, 1, 0));
	SHOW(write(q[1], p + 4096, 1));
	memcpy(p + 4094, "f", 2);
	SHOW(access(p + 4094, F_OK));
	memcpy(p + 4095, "f", 1);
	SHOW(access(p + 4095, F_OK));
	SHOW(mprotect(p, 4096, PROT_READ));
	SHOW(pread(fd, p, 1, 0));
	SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p));
	SHOW(mprotect(p, 4096, PROT_NONE));
	SHOW(pwrite(fd, p, 1, 0));
	SHOW(access(p, F_OK));
	/* nor may the kernel write to code or constants */
	SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, borders));
	SHOW(syscall(SYS_getrandom, "constant", 8, 0));
	NEED(close(fd));
	NEED(unlink("f"));
	leave_dir();
}

static void lengths(void)
{
	int fd;
	struct iovec v[2] = { { buf, (size_t)-1 }, { buf, 10 } };

	enter_dir();
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	SHOW(syscall(SYS_writev, fd, v, 1));
	v[0].iov_len = 0x7fffffff;
	SHOW(syscall(SYS_writev, fd, v, 1025));
	SHOW(syscall(SYS_pwrite64, fd, buf, 10, -1l));
	SHOW(syscall(SYS_lseek, fd, 0x7fffffffffffffffl, SEEK_SET) > 0 ||
	     errno == EINVAL);
	SHOW(syscall(SYS_poll, buf, 0xffffffffl, 0));
	SHOW(syscall(SYS_epoll_wait, fd, buf, -1, 0));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 9));
	SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, buf, 0, 4));
	SHOW(syscall(SYS_getdents64, fd, buf, 100));
	SHOW(syscall(SYS_sched_getaffinity, 0, 3, buf));
	SHOW(syscall(SYS_set_robust_list, buf, 25));
	SHOW(syscall(SYS_socketpair, 1, 1, 0, buf) >= 0);
	SHOW(syscall(SYS_nanosleep, &(struct timespec){ 0, -1 }, 0));
	NEED(close(fd));
	NEED(unlink("f"));
	leave_dir();
}

static void closed(void)
{
	/* a descriptor that is not */
	const int no[] = { -1, 99, 0x7fffffff };

	for (size_t i = 0; i < COUNT(no); i++) {
		int fd = no[i];

		SHOW(syscall(SYS_read, fd, buf, 1));
		SHOW(syscall(SYS_write, fd, buf, 1));
		SHOW(syscall(SYS_pread64, fd, buf, 1, 0));
		SHOW(syscall(SYS_readv, fd, 0, 0));
		SHOW(syscall(SYS_close, fd));
		SHOW(syscall(SYS_fstat, fd, buf));
		SHOW(syscall(SYS_lseek, fd, 0, 0));
		SHOW(syscall(SYS_ioctl, fd, 0x5401, buf));
		SHOW(syscall(SYS_fcntl, fd, 1, 0));
		SHOW(syscall(SYS_dup, fd));
		SHOW(syscall(SYS_fsync, fd));
		SHOW(syscall(SYS_ftruncate, fd, 0));
		SHOW(syscall(SYS_getdents64, fd, buf, 100));
		SHOW(syscall(SYS_fchdir, fd));
		SHOW(syscall(SYS_fchmod, fd, 0));
		SHOW(syscall(SYS_sendfile, 1, fd, 0, 1));
		SHOW(syscall(SYS_epoll_wait, fd, buf, 1, 0));
		SHOW(syscall(SYS_sendto, fd, buf, 1, 0, 0, 0));
		SHOW(syscall(SYS_recvfrom, fd, buf, 1, 0, 0, 0));
		SHOW(syscall(SYS_listen, fd, 1));
		SHOW(syscall(SYS_accept4, fd, 0, 0, 0));
		SHOW(syscall(SYS_shutdown, fd, 0));
		SHOW(syscall(SYS_fstatfs, fd, buf));
		SHOW(syscall(SYS_timerfd_gettime, fd, buf));
	}
}

MAIN(CASE(pointers), CASE(borders), CASE(lengths), CASE(closed))
