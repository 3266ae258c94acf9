/* time.c: clocks, sleeping, and timers of every kind. Nothing here says how
 * long something took, only that it was not too early. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

#include "abi.h"

#define MS 1000000ll

static long long now(clockid_t c)
{
	struct timespec t = { 0, 0 };

	NEED(clock_gettime(c, &t));
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static struct timespec spec(long long ns)
{
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static void clocks(void)
{
	static const clockid_t id[] = {
		CLOCK_REALTIME,           CLOCK_MONOTONIC,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
		CLOCK_MONOTONIC_RAW,      CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,   CLOCK_BOOTTIME,
	};
	struct timespec t;
	struct timeval tv;

	for (size_t i = 0; i < COUNT(id); i++) {
		long long last = now(id[i]);
		int back = 0;

		for (int k = 0; k < 1000; k++) {
			long long n = now(id[i]);

			back += n < last;
			last = n;
		}
		SAY("clock %d: %d back, resolution %d", (int)id[i], back,
		    clock_getres(id[i], &t) == 0 && t.tv_sec == 0 &&
			    t.tv_nsec > 0);
	}
	SHOW(clock_gettime(99, &t));
	SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8));
	SHOW(clock_getres(99, &t));
	SHOW(clock_getres(CLOCK_MONOTONIC, NULL));
	SHOW(gettimeofday(&tv, NULL));
	/* the years in which this may run */
	YES(tv.tv_sec > 1600000000 && tv.tv_sec < 4000000000);
	YES(llabs(now(CLOCK_REALTIME) / 1000000000 - tv.tv_sec) < 60);
	YES(llabs(time(NULL) - tv.tv_sec) < 60);
	YES(llabs(now(CLOCK_REALTIME_COARSE) - now(CLOCK_REALTIME)) <
	    1000 * MS);
	struct tm tm;
	time_t fixed = 1234567890;
	char text[64];

	gmtime_r(&fixed, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	SAY("%s", text);
}

static void sleeps(void)
{
	struct timespec t = spec(3 * MS);
	long long at = now(CLOCK_MONOTONIC);

	SHOW(nanosleep(&t, NULL));
	YES(now(CLOCK_MONOTONIC) - at >= 3 * MS);
	at = now(CLOCK_MONOTONIC) + 3 * MS;
	t = spec(at);
	ERR(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	YES(now(CLOCK_MONOTONIC) >= at);
	ERR(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	at = now(CLOCK_REALTIME) + 3 * MS;
	t = spec(at);
	ERR(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
	YES(now(CLOCK_REALTIME) >= at);
	t = spec(0);
	SHOW(nanosleep(&t, NULL));
	t.tv_nsec = 1000000000;
	SHOW(nanosleep(&t, NULL));
	t = (struct timespec){ -1, 0 };
	SHOW(nanosleep(&t, NULL));
	SHOW(syscall(SYS_nanosleep, (void *)8, NULL));
	t = spec(0);
	ERR(clock_nanosleep(99, 0, &t, NULL));
	SHOW(usleep(1000));
	SAY("%u", sleep(0));
}

static void processor(void)
{
	struct rusage r;
	struct tms tm;
	long long at = now(CLOCK_PROCESS_CPUTIME_ID);
	volatile long n = 0;

	while (now(CLOCK_PROCESS_CPUTIME_ID) - at < 5 * MS)
		n++;
	SAY("used some");
	at = now(CLOCK_THREAD_CPUTIME_ID);
	sleep_ms(20);
	YES(now(CLOCK_THREAD_CPUTIME_ID) - at < 15 * MS);
	SHOW(getrusage(RUSAGE_SELF, &r));
	YES(r.ru_utime.tv_sec * 1000000ll + r.ru_utime.tv_usec +
		    r.ru_stime.tv_sec * 1000000ll + r.ru_stime.tv_usec >=
	    4000);
	YES(r.ru_maxrss > 0);
	SHOW(getrusage(RUSAGE_CHILDREN, &r));
	SHOW(getrusage(RUSAGE_THREAD, &r));
	SHOW(getrusage(77, &r));
	YES(times(&tm) != -1);
	YES(clock() > 0);
}

static void timeouts(void)
{
	struct timespec t = spec(3 * MS);
	struct timeval tv = { 0, 3000 };
	long long at = now(CLOCK_MONOTONIC);

	SHOW(poll(NULL, 0, 3));
	YES(now(CLOCK_MONOTONIC) - at >= 3 * MS);
	SHOW(poll(NULL, 0, 0));
	at = now(CLOCK_MONOTONIC);
	SHOW(ppoll(NULL, 0, &t, NULL));
	YES(now(CLOCK_MONOTONIC) - at >= 3 * MS);
	at = now(CLOCK_MONOTONIC);
	SHOW(select(0, NULL, NULL, NULL, &tv));
	YES(now(CLOCK_MONOTONIC) - at >= 3 * MS);
	SAY("left %d %d", (int)tv.tv_sec, (int)tv.tv_usec);
	tv = (struct timeval){ 0, 0 };
	SHOW(select(0, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ -1, 0 };
	SHOW(select(0, NULL, NULL, NULL, &tv));
	t = spec(MS);
	SHOW(pselect(0, NULL, NULL, NULL, &t, NULL));
}

static void timer_files(void)
{
	struct itimerspec in = { { 0, 0 }, spec(2 * MS) }, old;
	uint64_t n = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd p = { fd, POLLIN, 0 };

	NEED(fd);
	SHOW(timerfd_settime(fd, 0, &in, NULL));
	SHOW(read(fd, &n, sizeof(n)));
	SAY("%llu", (unsigned long long)n);
	SHOW(poll(&p, 1, 0));
	SHOW(timerfd_settime(fd, 0, &in, NULL));
	SHOW(poll(&p, 1, 10000));
	SAY("revents %d", p.revents);
	SHOW(read(fd, &n, 7));
	SHOW(read(fd, &n, 8));
	/* an interval counts what nobody read */
	in.it_interval = spec(MS);
	SHOW(timerfd_settime(fd, 0, &in, NULL));
	sleep_ms(10);
	SHOW(read(fd, &n, sizeof(n)));
	YES(n >= 5);
	SHOW(timerfd_gettime(fd, &old));
	SAY("interval %ld, next within it %d", old.it_interval.tv_nsec,
	    old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= MS);
	in = (struct itimerspec){ 0 };
	SHOW(timerfd_settime(fd, 0, &in, &old));
	SAY("interval %ld", old.it_interval.tv_nsec);
	SHOW(timerfd_gettime(fd, &old));
	SAY("%ld %ld", old.it_value.tv_sec, old.it_value.tv_nsec);
	/* absolute, and already past */
	in.it_value = spec(1);
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &in, NULL));
	SHOW(read(fd, &n, sizeof(n)));
	SAY("%llu", (unsigned long long)n);
	in.it_value = spec(now(CLOCK_MONOTONIC) + 2 * MS);
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &in, NULL));
	SHOW(read(fd, &n, sizeof(n)));
	in.it_value.tv_nsec = 1000000000;
	SHOW(timerfd_settime(fd, 0, &in, NULL));
	SHOW(timerfd_settime(fd, 77 << 8, &in, NULL));
	SHOW(timerfd_settime(0, 0, &old, NULL));
	SHOW(timerfd_settime(99, 0, &old, NULL));
	SHOW(write(fd, &n, 8));
	SHOW(close(fd));
	fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	NEED(fd);
	SHOW(read(fd, &n, sizeof(n)));
	SHOW(close(fd));
	SHOW(timerfd_create(77, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
}

static volatile sig_atomic_t rang, overruns;
static volatile sig_atomic_t value;

static void rings(int signo, siginfo_t *si, void *uc)
{
	(void)signo;
	(void)uc;
	rang++;
	if (si->si_code == SI_TIMER)
		value = si->si_value.sival_int;
}

static void wait_for(int n)
{
	sigset_t none;

	NEED(sigemptyset(&none));
	while (rang < n)
		(void)sigsuspend(&none);
}

/* Handlers must not run between the test and the wait for them. */
static void block(int signo, int how)
{
	sigset_t s;

	NEED(sigemptyset(&s));
	NEED(sigaddset(&s, signo));
	NEED(sigprocmask(how, &s, NULL));
}

static void interval_timers(void)
{
	struct itimerval in = { { 0, 0 }, { 0, 2000 } }, old;

	block(SIGALRM, SIG_BLOCK);
	on(SIGALRM, rings, 0);
	rang = 0;
	SHOW(setitimer(ITIMER_REAL, &in, NULL));
	wait_for(1);
	in.it_interval.tv_usec = 1000;
	SHOW(setitimer(ITIMER_REAL, &in, &old));
	SAY("%ld %ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
	wait_for(4);
	SHOW(getitimer(ITIMER_REAL, &old));
	SAY("interval %ld", (long)old.it_interval.tv_usec);
	in = (struct itimerval){ 0 };
	SHOW(setitimer(ITIMER_REAL, &in, &old));
	in.it_value.tv_usec = 1000000;
	SHOW(setitimer(ITIMER_REAL, &in, NULL));
	SHOW(setitimer(9, &in, NULL));
	SHOW(getitimer(9, &old));
	SAY("alarm %u", alarm(100));
	unsigned left = alarm(0);

	YES(left == 100 || left == 99);
	rang = 0;
	in = (struct itimerval){ { 0, 0 }, { 0, 2000 } };
	/* processor time runs only while something is done */
	on(SIGVTALRM, rings, 0);
	on(SIGPROF, rings, 0);
	SHOW(setitimer(ITIMER_PROF, &in, NULL));
	while (!rang)
		;
	SHOW(setitimer(ITIMER_VIRTUAL, &in, NULL));
	while (rang < 2)
		;
	off(SIGVTALRM);
	off(SIGPROF);
	block(SIGALRM, SIG_UNBLOCK);
	off(SIGALRM);
}

static void posix_timers(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 4711 };
	struct itimerspec in = { { 0, 0 }, spec(2 * MS) }, old;
	timer_t id;

	block(SIGUSR1, SIG_BLOCK);
	on(SIGUSR1, rings, 0);
	rang = value = 0;
	SHOW(timer_create(CLOCK_MONOTONIC, &ev, &id));
	SHOW(timer_settime(id, 0, &in, NULL));
	wait_for(1);
	SAY("value %d", (int)value);
	in.it_interval = spec(MS);
	SHOW(timer_settime(id, 0, &in, NULL));
	wait_for(4);
	SHOW(timer_gettime(id, &old));
	SAY("interval %ld", old.it_interval.tv_nsec);
	/* what is blocked does not queue up, it overruns */
	sleep_ms(10);
	YES(rang == 4);
	wait_for(5);
	YES(timer_getoverrun(id) >= 3);
	SHOW(timer_delete(id));
	SHOW(timer_delete(id));
	rang = 0;
	ev.sigev_notify = SIGEV_NONE;
	SHOW(timer_create(CLOCK_REALTIME, &ev, &id));
	in = (struct itimerspec){ { 0, 0 }, { 100, 0 } };
	SHOW(timer_settime(id, 0, &in, NULL));
	SHOW(timer_gettime(id, &old));
	YES(old.it_value.tv_sec >= 90 && old.it_value.tv_sec <= 100);
	SHOW(timer_delete(id));
	SHOW(timer_create(77, &ev, &id));
	SAY("%d", (int)rang);
	block(SIGUSR1, SIG_UNBLOCK);
	off(SIGUSR1);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int notified;

static void notify(union sigval v)
{
	pthread_mutex_lock(&lock);
	notified = v.sival_int;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
}

static void timer_threads(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD,
			       .sigev_notify_function = notify,
			       .sigev_value.sival_int = 42 };
	struct itimerspec in = { { 0, 0 }, spec(2 * MS) };
	timer_t id;

	SHOW(timer_create(CLOCK_MONOTONIC, &ev, &id));
	SHOW(timer_settime(id, 0, &in, NULL));
	pthread_mutex_lock(&lock);
	while (!notified)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	SAY("%d", notified);
	SHOW(timer_delete(id));
}

/* Many sleepers, each its own deadline: all wake, none early */
static void *sleeper(void *arg)
{
	long ms = (long)arg;
	long long at = now(CLOCK_MONOTONIC);

	for (int i = 0; i < 5; i++)
		sleep_ms(ms);
	return (void *)(long)(now(CLOCK_MONOTONIC) - at >= 5 * ms * MS);
}

static void many(void)
{
	pthread_t t[20];
	long good = 0;
	void *ret;

	for (long i = 0; i < 20; i++)
		NEED0(pthread_create(&t[i], NULL, sleeper, (void *)(i % 7)));
	for (int i = 0; i < 20; i++) {
		NEED0(pthread_join(t[i], &ret));
		good += (long)ret;
	}
	SAY("%ld", good);
}

MAIN(CASE(clocks), CASE(sleeps), CASE(processor), CASE(timeouts),
     CASE(timer_files), CASE(interval_timers), CASE(posix_timers),
     CASE(timer_threads), CASE(many))
