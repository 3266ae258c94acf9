/* events.c: poll, select, epoll, eventfd, signalfd. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "abi.h"

static char buf[70000];

static void polling(void)
{
	int p[2], q[2];

	NEED(pipe(p));
	NEED(pipe(q));
	struct pollfd f[5] = { { p[0], POLLIN, 0 },
			       { p[1], POLLOUT, 0 },
			       { q[0], POLLIN, 0 },
			       { -1, POLLIN, 77 },
			       { 99, POLLIN, 0 } };

	SHOW(poll(f, 5, 0));
	for (int i = 0; i < 5; i++)
		SAY("%d: %d", i, f[i].revents);
	NEED(write(p[1], "x", 1));
	SHOW(poll(f, 4, -1));
	for (int i = 0; i < 4; i++)
		SAY("%d: %d", i, f[i].revents);
	SHOW(poll(f + 2, 1, 2));
	SHOW(syscall(SYS_poll, 8l, 1l, 0));
	SHOW(syscall(SYS_poll, NULL, 1l << 30, 0));
	struct rlimit l;

	NEED(getrlimit(RLIMIT_NOFILE, &l));
	YES(l.rlim_cur >= 256);
	int fd = open("/dev/null", O_RDWR);

	f[0] = (struct pollfd){ fd, POLLIN | POLLOUT, 0 };
	SHOW(poll(f, 1, 0));
	SAY("%d", f[0].revents);
	NEED(close(fd));
	for (int i = 0; i < 2; i++) {
		NEED(close(p[i]));
		NEED(close(q[i]));
	}
}

static void selecting(void)
{
	struct timeval none = { 0, 0 };
	fd_set r, w;
	int p[2];

	NEED(pipe(p));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	SHOW(select(p[1] + 1, &r, &w, NULL, &none));
	SAY("%d %d", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
	NEED(write(p[1], "x", 1));
	FD_SET(p[0], &r);
	SHOW(select(p[1] + 1, &r, &w, NULL, NULL));
	SAY("%d %d", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
	SHOW(select(-1, NULL, NULL, NULL, &none));
	NEED(close(p[0]));
	NEED(close(p[1]));
}

static int ep_add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void ep_show(int ep, int p0, int timeout)
{
	struct epoll_event e[8];
	int n = epoll_wait(ep, e, 8, timeout);

	printf("%d:", n);
	for (int i = 0; i < n; i++)
		printf(" %s %x", e[i].data.fd == p0 ? "read" : "other",
		       e[i].events);
	puts("");
}

static void epoll_level(void)
{
	int p[2], ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = { 0 };

	NEED(ep);
	NEED(pipe(p));
	SHOW(ep_add(ep, p[0], EPOLLIN));
	SHOW(ep_add(ep, p[0], EPOLLIN));
	ep_show(ep, p[0], 0);
	NEED(write(p[1], "xy", 2));
	ep_show(ep, p[0], -1);
	ep_show(ep, p[0], 0);
	NEED(read(p[0], buf, 1));
	ep_show(ep, p[0], 0);
	NEED(read(p[0], buf, 1));
	ep_show(ep, p[0], 0);
	SHOW(ep_add(ep, p[1], EPOLLOUT));
	ep_show(ep, p[0], 0);
	e.events = 0;
	e.data.fd = p[1];
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e));
	ep_show(ep, p[0], 0);
	SHOW(close(p[0]));
	ep_show(ep, p[0], 0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
	SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
	SHOW(epoll_ctl(ep, 99, p[1], &e));
	SHOW(epoll_ctl(p[1], EPOLL_CTL_ADD, ep, &e));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], (void *)8));
	SHOW(epoll_wait(ep, &e, 0, 0));
	SHOW(epoll_wait(p[1], &e, 1, 0));
	SHOW(epoll_wait(99, &e, 1, 0));
	int fd = open("/tmp", O_RDONLY);

	SHOW(ep_add(ep, fd, EPOLLIN));
	SHOW(close(fd));
	SHOW(close(p[1]));
	SHOW(epoll_create(0));
	SHOW(epoll_create1(77));
	SHOW(close(ep));
}

static void epoll_edge(void)
{
	int p[2], ep = epoll_create1(0);

	NEED(ep);
	NEED(pipe(p));
	SHOW(ep_add(ep, p[0], EPOLLIN | EPOLLET));
	NEED(write(p[1], "ab", 2));
	ep_show(ep, p[0], 0);
	ep_show(ep, p[0], 0);
	NEED(write(p[1], "c", 1));
	ep_show(ep, p[0], 0);
	NEED(read(p[0], buf, 1));
	ep_show(ep, p[0], 0);
	NEED(read(p[0], buf, 10));
	NEED(write(p[1], "d", 1));
	ep_show(ep, p[0], 0);
	NEED(close(p[1]));
	ep_show(ep, p[0], 0);
	ep_show(ep, p[0], 0);
	NEED(close(p[0]));
	/* ready when added counts as an edge */
	NEED(pipe(p));
	NEED(write(p[1], "x", 1));
	SHOW(ep_add(ep, p[0], EPOLLIN | EPOLLET));
	ep_show(ep, p[0], 0);
	ep_show(ep, p[0], 0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = p[0] };

	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	ep_show(ep, p[0], 0);
	ep_show(ep, p[0], 0);
	NEED(close(p[0]));
	NEED(close(p[1]));
	NEED(close(ep));
}

static void epoll_oneshot(void)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT };

	NEED(ep);
	NEED(pipe(p));
	e.data.fd = p[0];
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	NEED(write(p[1], "x", 1));
	ep_show(ep, p[0], 0);
	ep_show(ep, p[0], 0);
	NEED(write(p[1], "x", 1));
	ep_show(ep, p[0], 0);
	SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	ep_show(ep, p[0], 0);
	ep_show(ep, p[0], 0);
	NEED(close(p[0]));
	NEED(close(p[1]));
	NEED(close(ep));
}

static void epoll_nested(void)
{
	int p[2], in = epoll_create1(0), ep = epoll_create1(0);
	struct pollfd f = { in, POLLIN, 0 };

	NEED(pipe(p));
	SHOW(ep_add(in, p[0], EPOLLIN));
	SHOW(ep_add(ep, in, EPOLLIN));
	SHOW(ep_add(in, ep, EPOLLIN));
	ep_show(ep, in, 0);
	SHOW(poll(&f, 1, 0));
	NEED(write(p[1], "x", 1));
	ep_show(ep, in, 0);
	SHOW(poll(&f, 1, 0));
	SAY("%d", f.revents);
	ep_show(in, p[0], 0);
	NEED(close(p[0]));
	NEED(close(p[1]));
	ep_show(ep, in, 0);
	NEED(close(in));
	NEED(close(ep));
}

static void epoll_duplicates(void)
{
	/* what is watched is the open file: it goes with its last descriptor */
	int p[2], d, ep = epoll_create1(0);

	NEED(pipe(p));
	NEED(write(p[1], "x", 1));
	SHOW(ep_add(ep, p[0], EPOLLIN));
	NEED(d = dup(p[0]));
	SHOW(ep_add(ep, d, EPOLLIN));
	struct epoll_event e[4];

	SHOW(epoll_wait(ep, e, 4, 0));
	SHOW(epoll_wait(ep, e, 1, 0));
	NEED(close(p[0]));
	SHOW(epoll_wait(ep, e, 4, 0));
	NEED(close(d));
	SHOW(epoll_wait(ep, e, 4, 0));
	NEED(close(p[1]));
	NEED(close(ep));
}

static void epoll_many(void)
{
	enum { PIPES = 100 };
	int p[PIPES][2], ep = epoll_create1(0), seen[PIPES] = { 0 };
	long rounds = scaled(2000), bad = 0;
	uint32_t r = 3;
	struct epoll_event e[16];

	for (int i = 0; i < PIPES; i++) {
		NEED(pipe(p[i]));
		struct epoll_event a = { .events = EPOLLIN,
					 .data.u64 = (uint64_t)i };

		NEED(epoll_ctl(ep, EPOLL_CTL_ADD, p[i][0], &a));
	}
	for (long k = 0; k < rounds; k++) {
		int want = 0;

		for (int i = 0; i < 10; i++) {
			int n = (int)(rnd(&r) % PIPES);

			want += !seen[n];
			seen[n] = 1;
			NEED(write(p[n][1], "x", 1));
		}
		while (want > 0) {
			int n = epoll_wait(ep, e, 16, 1000);

			if (n <= 0) {
				bad++;
				break;
			}
			for (int i = 0; i < n; i++) {
				int at = (int)e[i].data.u64;

				bad += !seen[at];
				want -= seen[at];
				seen[at] = 0;
				NEED(read(p[at][0], buf, 100));
			}
		}
	}
	SAY("%ld bad", bad);
	for (int i = 0; i < PIPES; i++) {
		NEED(close(p[i][0]));
		NEED(close(p[i][1]));
	}
	NEED(close(ep));
}

static int wake_fd;

static void *wakes(void *arg)
{
	uint64_t one = 1;

	sleep_ms((long)arg);
	(void)!write(wake_fd, &one, 8);
	return NULL;
}

static void waking(void)
{
	/* asleep in each of them when it happens */
	pthread_t t;
	uint64_t n = 0;
	int ep = epoll_create1(0);
	fd_set r;

	NEED(wake_fd = eventfd(0, 0));
	SHOW(ep_add(ep, wake_fd, EPOLLIN));
	NEED0(pthread_create(&t, NULL, wakes, (void *)3));
	ep_show(ep, wake_fd, -1);
	NEED0(pthread_join(t, NULL));
	SHOW(read(wake_fd, &n, 8));
	struct pollfd f = { wake_fd, POLLIN, 0 };

	NEED0(pthread_create(&t, NULL, wakes, (void *)3));
	SHOW(poll(&f, 1, -1));
	NEED0(pthread_join(t, NULL));
	SHOW(read(wake_fd, &n, 8));
	FD_ZERO(&r);
	FD_SET(wake_fd, &r);
	NEED0(pthread_create(&t, NULL, wakes, (void *)3));
	SHOW(select(wake_fd + 1, &r, NULL, NULL, NULL));
	NEED0(pthread_join(t, NULL));
	SHOW(read(wake_fd, &n, 8));
	NEED0(pthread_create(&t, NULL, wakes, (void *)3));
	SHOW(read(wake_fd, &n, 8));
	NEED0(pthread_join(t, NULL));
	/* added while somebody waits */
	NEED0(pthread_create(&t, NULL, wakes, (void *)3));
	ep_show(ep, wake_fd, -1);
	NEED0(pthread_join(t, NULL));
	NEED(close(ep));
	NEED(close(wake_fd));
}

static void event_counters(void)
{
	uint64_t n = 5;
	int fd = eventfd(3, EFD_NONBLOCK);
	struct pollfd f = { fd, POLLIN | POLLOUT, 0 };

	NEED(fd);
	SHOW(read(fd, &n, 8));
	SAY("%llu", (unsigned long long)n);
	SHOW(read(fd, &n, 8));
	n = 5;
	SHOW(write(fd, &n, 8));
	SHOW(write(fd, &n, 8));
	SHOW(write(fd, &n, 7));
	SHOW(read(fd, &n, 7));
	SHOW(poll(&f, 1, 0));
	SAY("%d", f.revents);
	SHOW(read(fd, &n, 8));
	SAY("%llu", (unsigned long long)n);
	SHOW(poll(&f, 1, 0));
	SAY("%d", f.revents);
	n = UINT64_MAX;
	SHOW(write(fd, &n, 8));
	n--;
	SHOW(write(fd, &n, 8));
	n = 1;
	SHOW(write(fd, &n, 8));
	SHOW(poll(&f, 1, 0));
	SAY("%d", f.revents);
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(close(fd));
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	NEED(fd);
	SHOW(read(fd, &n, 8));
	SAY("%llu", (unsigned long long)n);
	SHOW(read(fd, &n, 8));
	SHOW(read(fd, &n, 8));
	SHOW(close(fd));
	SHOW(eventfd(0, 77));
}

static void signal_files(void)
{
	struct signalfd_siginfo si[4];
	sigset_t s, old;
	int fd;

	NEED(sigemptyset(&s));
	NEED(sigaddset(&s, SIGUSR1));
	NEED(sigaddset(&s, SIGRTMIN));
	NEED(sigprocmask(SIG_BLOCK, &s, &old));
	SHOW(fd = signalfd(-1, &s, SFD_NONBLOCK));
	struct pollfd f = { fd, POLLIN, 0 };

	SHOW(read(fd, si, sizeof(si)));
	SHOW(poll(&f, 1, 0));
	NEED(raise(SIGUSR1));
	NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 42 }));
	SHOW(poll(&f, 1, 0));
	SAY("%d", f.revents);
	SHOW(read(fd, si, sizeof(si)) / (long)sizeof(si[0]));
	SAY("%d %d, %d %d", si[0].ssi_signo, si[0].ssi_code,
	    (int)si[1].ssi_signo - SIGRTMIN, si[1].ssi_int);
	YES(si[0].ssi_pid == (uint32_t)getpid());
	SHOW(read(fd, si, 10));
	NEED(sigaddset(&s, SIGUSR2));
	NEED(sigprocmask(SIG_BLOCK, &s, NULL));
	NEED(raise(SIGUSR2));
	SHOW(read(fd, si, sizeof(si)));
	SHOW(signalfd(fd, &s, 0) == fd);
	SHOW(read(fd, si, sizeof(si)) / (long)sizeof(si[0]));
	SAY("%d", si[0].ssi_signo);
	SHOW(signalfd(0, &s, 0));
	SHOW(signalfd(99, &s, 0));
	SHOW(close(fd));
	NEED(sigprocmask(SIG_SETMASK, &old, NULL));
}

static volatile int hits;

static void hit(int signo)
{
	(void)signo;
	hits++;
}

static void with_masks(void)
{
	/* ppoll and epoll_pwait open the mask only while they wait */
	struct sigaction sa = { .sa_handler = hit };
	sigset_t block, none, now;
	struct epoll_event e;
	struct timespec t = { 100, 0 };
	int ep = epoll_create1(0);

	NEED(sigaction(SIGUSR1, &sa, NULL));
	NEED(sigemptyset(&none));
	NEED(sigemptyset(&block));
	NEED(sigaddset(&block, SIGUSR1));
	NEED(sigprocmask(SIG_BLOCK, &block, NULL));
	NEED(raise(SIGUSR1));
	SHOW(ppoll(NULL, 0, &t, &none));
	SAY("%d", hits);
	NEED(raise(SIGUSR1));
	SHOW(epoll_pwait(ep, &e, 1, 100000, &none));
	SAY("%d", hits);
	NEED(raise(SIGUSR1));
	SHOW(pselect(0, NULL, NULL, NULL, &t, &none));
	SAY("%d", hits);
	NEED(sigprocmask(SIG_BLOCK, NULL, &now));
	SAY("blocked %d", sigismember(&now, SIGUSR1));
	NEED(sigprocmask(SIG_UNBLOCK, &block, NULL));
	off(SIGUSR1);
	NEED(close(ep));
}

static void timers(void)
{
	/* several timers in one set, by deadline */
	struct itimerspec in = { { 0, 0 }, { 0, 0 } };
	int ep = epoll_create1(0), fd[3];
	uint64_t n;

	for (int i = 0; i < 3; i++) {
		fd[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		struct epoll_event e = { .events = EPOLLIN,
					 .data.u64 = (uint64_t)i };

		NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &e));
		in.it_value.tv_nsec = (3 - i) * 20000000l;
		NEED(timerfd_settime(fd[i], 0, &in, NULL));
	}
	for (int k = 0; k < 3; k++) {
		struct epoll_event e = { .data.u64 = 99 };

		SHOW(epoll_wait(ep, &e, 1, 10000));
		SAY("timer %d", (int)e.data.u64);
		NEED(read(fd[e.data.u64], &n, 8));
	}
	SHOW(epoll_wait(ep, (struct epoll_event[1]){ 0 }, 1, 3));
	for (int i = 0; i < 3; i++)
		NEED(close(fd[i]));
	NEED(close(ep));
}

MAIN(CASE(polling), CASE(selecting), CASE(epoll_level), CASE(epoll_edge),
     CASE(epoll_oneshot), CASE(epoll_nested), CASE(epoll_duplicates),
     CASE(epoll_many), CASE(waking), CASE(event_counters), CASE(signal_files),
     CASE(with_masks), CASE(timers))
