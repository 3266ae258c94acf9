/* fs_pipes.c: pipes, FIFOs and locks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "abi.h"

/* Where nothing is, and compilers do not see it */
static void *volatile bad_address = (void *)8;
#define BAD bad_address

static char big[300000];

static int poll_of(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static volatile int pipe_signals;

static void count_pipe(int signo, siginfo_t *si, void *uc)
{
	(void)signo;
	(void)si;
	(void)uc;
	pipe_signals++;
}

static void ends(void)
{
	struct stat st;
	int p[2], n;
	char buf[16];

	SHOW(pipe2(p, 1));
	SHOW(syscall(SYS_pipe2, BAD, 0));
	SHOW(pipe2(p, O_NONBLOCK | O_CLOEXEC));
	YES(fcntl(p[0], F_GETFL) == (O_RDONLY | O_NONBLOCK));
	YES(fcntl(p[1], F_GETFL) == (O_WRONLY | O_NONBLOCK));
	SHOW(fcntl(p[0], F_GETFD));
	SHOW(read(p[1], buf, 1));
	SHOW(write(p[0], buf, 1));
	SHOW(read(p[0], buf, 1));
	SHOW(read(p[0], buf, 0));
	SHOW(write(p[1], "hello", 5));
	SHOW(ioctl(p[0], FIONREAD, &n));
	SHOW(n);
	SHOW(poll_of(p[0]));
	SHOW(poll_of(p[1]));
	SHOW(read(p[0], buf, 3));
	SHOW(read(p[0], buf, 16));
	SHOW(poll_of(p[0]));
	SHOW(lseek(p[0], 0, SEEK_CUR));
	SHOW(pread(p[0], buf, 1, 0));
	SHOW(pwrite(p[1], buf, 1, 0));
	SHOW(ftruncate(p[1], 0));
	SHOW(fsync(p[1]));
	SHOW(fallocate(p[1], 0, 0, 10));
	SHOW(fstat(p[0], &st));
	YES(S_ISFIFO(st.st_mode));
	SHOW(fcntl(p[0], F_GETPIPE_SZ));
	SHOW(read(p[0], BAD, 4));
	SHOW(write(p[1], BAD, 4));
	SHOW(write(p[1], "x", 1));
	SHOW(read(p[0], BAD, 4));
	SHOW(close(p[1]));
	SHOW(poll_of(p[0]));
	SHOW(read(p[0], buf, 4));
	SHOW(poll_of(p[0]));
	SHOW(read(p[0], buf, 4));
	SHOW(close(p[0]));
	on(SIGPIPE, count_pipe, 0);
	NEED(pipe(p));
	close(p[0]);
	SHOW(poll_of(p[1]));
	SHOW(write(p[1], "x", 1));
	SHOW(pipe_signals);
	signal(SIGPIPE, SIG_IGN);
	SHOW(write(p[1], "x", 1));
	SHOW(pipe_signals);
	close(p[1]);
	off(SIGPIPE);
	char path[64];

	NEED(pipe(p));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	int again = open(path, O_RDONLY | O_NONBLOCK);

	YES(again >= 0);
	SHOW(write(p[1], "via", 3));
	SHOW(read(again, buf, 16));
	close(again);
	close(p[0]);
	close(p[1]);
}

static long fill(int fd, size_t each)
{
	long done = 0, n;

	while ((n = write(fd, big, each)) > 0)
		done += n;
	return done;
}

static void capacity(void)
{
	int p[2];

	NEED(pipe2(p, O_NONBLOCK));
	SHOW(fill(p[1], 1));
	SHOW(poll_of(p[1]));
	SHOW(read(p[0], big, 4095));
	SHOW(write(p[1], big, 4096));
	SHOW(read(p[0], big, 1));
	SHOW(poll_of(p[1]));
	SHOW(write(p[1], big, 4096));
	SHOW(write(p[1], big, 1));
	SHOW(read(p[0], big, sizeof(big)));
	SHOW(fill(p[1], 4096));
	SHOW(read(p[0], big, sizeof(big)));
	SHOW(write(p[1], big, sizeof(big)));
	SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
	SHOW(fcntl(p[1], F_SETPIPE_SZ, 100000));
	SHOW(fcntl(p[0], F_GETPIPE_SZ));
	SHOW(fill(p[1], 65536));
	SHOW(read(p[0], big, sizeof(big)));
	SHOW(fcntl(p[1], F_SETPIPE_SZ, 1));
	SHOW(write(p[1], big, 4096));
	SHOW(write(p[1], big, 1));
	SHOW(fcntl(0x7fff, F_GETPIPE_SZ));
	close(p[0]);
	close(p[1]);
}

/* What comes out is what went in, whatever the pieces. */
static void stream(void)
{
	uint32_t state = 7, in = 0, out = 0;
	size_t wrote = 0, had = 0;
	int p[2];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)rnd(&state);
	NEED(pipe2(p, O_NONBLOCK));
	for (long i = 0; i < scaled(20000); i++) {
		size_t len = rnd(&state) % 9000 + 1;
		size_t at = rnd(&state) % (sizeof(big) - len);
		long n;

		if (rnd(&state) & 1) {
			n = write(p[1], big + at, len);
			if (n > 0) {
				in = sum(big + at, (size_t)n, in);
				wrote += (size_t)n;
			}
		} else {
			static char buf[9000];

			n = read(p[0], buf, len);
			if (n > 0) {
				out = sum(buf, (size_t)n, out);
				had += (size_t)n;
			}
		}
	}
	for (long n; (n = read(p[0], big, sizeof(big))) > 0; had += (size_t)n)
		out = sum(big, (size_t)n, out);
	YES(wrote == had && in == out && wrote > 0);
	close(p[0]);
	close(p[1]);
}

static int through[2];

static void *writer(void *arg)
{
	uint32_t h = 0;

	for (long i = 0; i < *(long *)arg; i++) {
		NEED(write(through[1], big, 30000));
		h = sum(big, 30000, h);
	}
	close(through[1]);
	return (void *)(uintptr_t)h;
}

static void blocking(void)
{
	long rounds = scaled(200), n;
	uint32_t h = 0;
	void *sent;
	pthread_t t;

	NEED(pipe(through));
	NEED0(pthread_create(&t, NULL, writer, &rounds));
	while ((n = read(through[0], big + 100000, 12345)) > 0)
		h = sum(big + 100000, (size_t)n, h);
	NEED0(pthread_join(t, &sent));
	YES(h == (uint32_t)(uintptr_t)sent);
	close(through[0]);
}

static void *open_writer(void *arg)
{
	int fd;

	(void)arg;
	sleep_ms(20);
	fd = open("fifo", O_WRONLY);
	NEED(write(fd, "via fifo", 8));
	close(fd);
	return NULL;
}

static void fifos(void)
{
	char buf[16];
	pthread_t t;
	int r, w;

	enter_dir();
	SHOW(mkfifo("fifo", 0640));
	SHOW(mkfifo("fifo", 0640));
	SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	YES(r >= 0);
	SHOW(poll_of(r));
	SHOW(read(r, buf, 1));
	w = open("fifo", O_WRONLY | O_NONBLOCK);
	YES(w >= 0);
	SHOW(poll_of(r));
	SHOW(write(w, "abc", 3));
	close(w);
	SHOW(poll_of(r));
	SHOW(read(r, buf, 16));
	SHOW(poll_of(r));
	SHOW(read(r, buf, 16));
	close(r);
	r = open("fifo", O_RDWR);
	YES(r >= 0);
	SHOW(write(r, "both", 4));
	SHOW(read(r, buf, 16));
	close(r);
	NEED0(pthread_create(&t, NULL, open_writer, NULL));
	r = open("fifo", O_RDONLY);
	SHOW(read(r, buf, 16));
	SHOW(read(r, buf, 16));
	NEED0(pthread_join(t, NULL));
	close(r);
	SHOW(open("fifo", O_RDONLY | O_DIRECTORY));
	SHOW(unlink("fifo"));
	leave_dir();
}

static long lock(int fd, int call, int type, long start, long len)
{
	struct flock l = { .l_type = (short)type,
			   .l_whence = SEEK_SET,
			   .l_start = start,
			   .l_len = len };
	long rc = fcntl(fd, call, &l);

	if (!rc && (call == F_GETLK || call == 36))
		SAY("  type %d start %ld len %ld%s", l.l_type, (long)l.l_start,
		    (long)l.l_len, l.l_pid == -1 ? " description" : "");
	return rc;
}

#define OFD_GETLK 36
#define OFD_SETLK 37

static void locks(void)
{
	int a, b, ro;

	enter_dir();
	a = NEED(open("f", O_CREAT | O_RDWR, 0600));
	b = NEED(open("f", O_RDWR));
	ro = NEED(open("f", O_RDONLY));
	SHOW(lock(a, F_SETLK, F_WRLCK, 0, 10));
	SHOW(lock(b, F_SETLK, F_WRLCK, 5, 10));
	SHOW(lock(b, F_GETLK, F_WRLCK, 0, 100));
	SHOW(lock(ro, F_SETLK, F_WRLCK, 0, 1));
	SHOW(lock(ro, F_SETLK, F_RDLCK, 0, 1));
	SHOW(lock(a, F_SETLK, 9, 0, 1));
	SHOW(lock(a, F_SETLK, F_RDLCK, -1, 1));
	SHOW(lock(a, F_SETLK, F_RDLCK, 5, -10));
	SHOW(lock(99, F_SETLK, F_RDLCK, 0, 1));
	SHOW(lock(b, OFD_SETLK, F_WRLCK, 3, 1));
	SHOW(lock(b, OFD_GETLK, F_WRLCK, 3, 1));
	SHOW(lock(a, F_SETLK, F_UNLCK, 0, 0));
	SHOW(lock(a, OFD_SETLK, F_WRLCK, 100, 50));
	SHOW(lock(b, OFD_SETLK, F_RDLCK, 120, 1));
	SHOW(lock(b, OFD_SETLK, F_RDLCK, 150, 1));
	SHOW(lock(b, OFD_GETLK, F_RDLCK, 90, 1000));
	SHOW(lock(a, OFD_SETLK, F_UNLCK, 110, 20));
	SHOW(lock(b, OFD_GETLK, F_RDLCK, 111, 10));
	SHOW(lock(b, OFD_GETLK, F_RDLCK, 111, 1000));
	SHOW(lock(b, F_GETLK, F_WRLCK, 105, 1));
	SHOW(lock(b, OFD_SETLK, F_WRLCK, 110, 20));
	SHOW(lock(a, OFD_SETLK, F_RDLCK, 0, 0));
	SHOW(close(b));
	SHOW(lock(a, OFD_SETLK, F_RDLCK, 0, 0));
	b = NEED(open("f", O_RDWR));
	SHOW(flock(a, LOCK_SH));
	SHOW(flock(b, LOCK_SH));
	SHOW(flock(b, LOCK_EX | LOCK_NB));
	SHOW(flock(b, LOCK_SH | LOCK_NB));
	SHOW(flock(a, LOCK_UN));
	SHOW(flock(b, LOCK_EX | LOCK_NB));
	SHOW(flock(a, LOCK_SH | LOCK_NB));
	SHOW(flock(dup(b), LOCK_SH | LOCK_NB));
	SHOW(flock(a, 0));
	SHOW(flock(99, LOCK_SH));
	close(ro);
	close(a);
	close(b);
	SHOW(unlink("f"));
	leave_dir();
}

MAIN(CASE(ends), CASE(capacity), CASE(stream), CASE(blocking), CASE(fifos),
     CASE(locks))
