/* pipes.c: pipes, their limits, their ends, and standard streams. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "abi.h"

static char buf[1 << 17];
static volatile int broken;

static void on_pipe(int signo)
{
	(void)signo;
	broken++;
}

static void basics(void)
{
	int p[2], n = 0;
	struct stat st;

	SHOW(pipe(p));
	SHOW(write(p[1], "hello", 5));
	SHOW(ioctl(p[0], FIONREAD, &n));
	SAY("%d", n);
	SHOW(read(p[0], buf, 3));
	SHOW(read(p[0], buf, 100));
	SHOW(write(p[0], "x", 1));
	SHOW(read(p[1], buf, 1));
	SHOW(lseek(p[0], 0, SEEK_CUR));
	SHOW(pread(p[0], buf, 1, 0));
	SHOW(fstat(p[0], &st));
	YES(S_ISFIFO(st.st_mode));
	SHOW(ftruncate(p[1], 0));
	SHOW(fsync(p[1]));
	SHOW(write(p[1], "end", 3));
	SHOW(close(p[1]));
	SHOW(read(p[0], buf, 100));
	SHOW(read(p[0], buf, 100));
	SHOW(close(p[0]));
	SHOW(pipe2(p, O_NONBLOCK | O_CLOEXEC));
	SHOW(fcntl(p[0], F_GETFD));
	SHOW(fcntl(p[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	SHOW(read(p[0], buf, 1));
	SHOW(close(p[0]));
	SHOW(close(p[1]));
	SHOW(pipe2(p, 1));
	SHOW(syscall(SYS_pipe2, (int *)8, 0));
}

static void full(void)
{
	int p[2];
	long total = 0;
	ssize_t n;

	SHOW(pipe2(p, O_NONBLOCK));
	SHOW(fcntl(p[1], F_GETPIPE_SZ));
	while ((n = write(p[1], buf, 1000)) > 0)
		total += n;
	SAY("%s", errname(errno));
	/* how small writes are packed is the kernel's business */
	YES(total >= 60000 && total <= 65536);
	SHOW(write(p[1], buf, 4096));
	/* up to 4096 bytes all or nothing, beyond that what fits */
	SHOW(read(p[0], buf, 8192));
	YES(write(p[1], buf, 100000) > 0);
	struct pollfd w = { p[1], POLLOUT, 0 };

	SHOW(poll(&w, 1, 0));
	total = 0;
	while ((n = read(p[0], buf, sizeof(buf))) > 0)
		total += n;
	YES(total > 60000);
	SHOW(poll(&w, 1, 0));
	SAY("revents %d", w.revents);
	SHOW(write(p[1], buf, sizeof(buf)) <= 65536);
	SHOW(close(p[0]));
	SHOW(close(p[1]));
}

static void broken_ends(void)
{
	struct sigaction sa = { .sa_handler = on_pipe };
	int p[2];

	SHOW(sigaction(SIGPIPE, &sa, NULL));
	SHOW(pipe(p));
	SHOW(close(p[0]));
	SHOW(write(p[1], "x", 1));
	SAY("%d signals", broken);
	struct pollfd w = { p[1], POLLOUT, 0 };

	SHOW(poll(&w, 1, 0));
	SAY("revents %d", w.revents);
	sa.sa_handler = SIG_IGN;
	SHOW(sigaction(SIGPIPE, &sa, NULL));
	SHOW(write(p[1], "x", 1));
	SAY("%d signals", broken);
	SHOW(close(p[1]));
	off(SIGPIPE);
	SHOW(pipe(p));
	struct pollfd r = { p[0], POLLIN, 0 };

	SHOW(poll(&r, 1, 0));
	SHOW(close(p[1]));
	SHOW(poll(&r, 1, 0));
	SAY("revents %d", r.revents);
	SHOW(close(p[0]));
	SHOW(poll(&r, 1, 0));
	SAY("revents %d", r.revents);
}

static int through[2];

static void *writes(void *arg)
{
	long n = *(long *)arg;
	uint32_t r = 7, h = 0;
	static char out[70000];

	while (n > 0) {
		size_t len = rnd(&r) % sizeof(out) + 1;

		len = (long)len > n ? (size_t)n : len;
		for (size_t i = 0; i < len; i++)
			out[i] = (char)rnd(&r);
		h = sum(out, len, h);
		if (write(through[1], out, len) != (ssize_t)len)
			break;
		n -= (long)len;
	}
	close(through[1]);
	return (void *)(uintptr_t)h;
}

static void streaming(void)
{
	long n = scaled(4 << 20), got = 0;
	uint32_t r = 9, h = 0;
	pthread_t t;
	void *sent;
	ssize_t k;

	NEED(pipe(through));
	NEED0(pthread_create(&t, NULL, writes, &n));
	while ((k = read(through[0], buf, 1 + rnd(&r) % sizeof(buf))) > 0) {
		h = sum(buf, (size_t)k, h);
		got += k;
	}
	NEED0(pthread_join(t, &sent));
	YES(got == n && h == (uint32_t)(uintptr_t)sent);
	SHOW(close(through[0]));
}

static void *records(void *arg)
{
	char record[600];

	memset(record, (int)(long)arg, sizeof(record));
	for (long i = scaled(200); i > 0; i--)
		if (write(through[1], record, sizeof(record)) != sizeof(record))
			return (void *)1;
	return NULL;
}

static void atomic_records(void)
{
	/* writers do not mix while records are small */
	pthread_t t[4];
	long n = 0, mixed = 0;
	void *bad;

	NEED(pipe(through));
	for (long i = 0; i < 4; i++)
		NEED0(pthread_create(&t[i], NULL, records, (void *)('a' + i)));
	for (long total = 4 * scaled(200); n < total; n++) {
		size_t have = 0;

		while (have < 600) {
			ssize_t k = read(through[0], buf + have, 600 - have);

			NEED(k);
			have += (size_t)k;
		}
		for (int i = 1; i < 600; i++)
			mixed += buf[i] != buf[0];
	}
	for (int i = 0; i < 4; i++)
		NEED0(pthread_join(t[i], &bad));
	SAY("%ld mixed", mixed);
	SHOW(close(through[0]));
	SHOW(close(through[1]));
}

static void *opens(void *arg)
{
	int fd = open(arg, O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, "through the file system", 23);
		close(fd);
	}
	return NULL;
}

static void named(void)
{
	pthread_t t;
	int fd;

	enter_dir();
	SHOW(mkfifo("fifo", 0600));
	SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	SHOW(fd = open("fifo", O_RDONLY | O_NONBLOCK));
	SHOW(read(fd, buf, 10));
	SHOW(close(fd));
	NEED0(pthread_create(&t, NULL, opens, (void *)(uintptr_t) "fifo"));
	NEED(fd = open("fifo", O_RDONLY));
	ssize_t n = read(fd, buf, 100);

	SAY("%.*s", (int)n, buf);
	NEED0(pthread_join(t, NULL));
	SHOW(read(fd, buf, 100));
	SHOW(close(fd));
	SHOW(unlink("fifo"));
	leave_dir();
}

static void splices(void)
{
	int p[2], q[2], fd;
	off_t at = 3;

	enter_dir();
	NEED(pipe(p));
	NEED(pipe(q));
	NEED(fd = open("f", O_RDWR | O_CREAT, 0600));
	NEED(write(fd, "0123456789", 10));
	SHOW(splice(fd, &at, p[1], NULL, 5, 0));
	SAY("at %ld", (long)at);
	SHOW(tee(p[0], q[1], 3, 0));
	SHOW(read(q[0], buf, 10));
	SHOW(splice(p[0], NULL, fd, NULL, 5, 0));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(close(fd));
	SHOW(unlink("f"));
	leave_dir();
	for (int i = 0; i < 2; i++) {
		NEED(close(p[i]));
		NEED(close(q[i]));
	}
}

MAIN(CASE(basics), CASE(full), CASE(broken_ends), CASE(streaming),
     CASE(atomic_records), CASE(named), CASE(splices))
