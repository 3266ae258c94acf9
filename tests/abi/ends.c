/* ends.c WAY: one way for a program to end a case; the exit status, or the
 * signal, is what is compared. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sys/mman.h>

#include "abi.h"

static void said(void)
{
	puts("atexit ran");
}

static void by_exit(void)
{
	atexit(said);
	exit(300 + 7);
}

static void by__exit(void)
{
	atexit(said);
	_exit(8);
}

static void *in_thread(void *arg)
{
	((void (*)(void))arg)();
	return NULL;
}

static void from_thread(void (*f)(void))
{
	pthread_t t;

	NEED0(pthread_create(&t, NULL, in_thread, (void *)f));
	for (;;)
		pause();
}

static void thread_exits(void)
{
	from_thread(by_exit);
}

static void thread_group(void)
{
	from_thread(by__exit);
}

static void *last(void *arg)
{
	sleep_ms(5);
	puts("the last thread");
	return arg;
}

static void main_leaves(void)
{
	pthread_t t;

	NEED0(pthread_create(&t, NULL, last, NULL));
	pthread_exit(NULL);
}

static void main_thread_exits(void)
{
	/* exit_group comes from the second thread, the first is gone */
	pthread_t t;

	NEED0(pthread_create(&t, NULL, in_thread, (void *)by_exit));
	syscall(SYS_exit, 1);
}

static void aborts(void)
{
	abort();
}

static void segv(void)
{
	volatile char *volatile p = (char *)8;

	*p = 1;
}

static void thread_segv(void)
{
	from_thread(segv);
}

static void blocked_segv(void)
{
	sigset_t s;

	NEED(sigfillset(&s));
	NEED(sigprocmask(SIG_BLOCK, &s, NULL));
	signal(SIGSEGV, SIG_IGN);
	segv();
}

static void handler_segv(int signo)
{
	(void)signo;
	puts("in the handler");
	segv();
}

static void twice_segv(void)
{
	signal(SIGSEGV, handler_segv);
	segv();
}

static void no_stack(void)
{
	/* nowhere to put the signal's frame */
	signal(SIGSEGV, handler_segv);
	__asm__ volatile("mov $16, %%rsp\n\tpush %%rax" ::: "memory");
}

static void divides(void)
{
	volatile int zero = 0;

	printf("%d\n", 7 / zero);
}

static void illegal(void)
{
	__asm__ volatile("ud2");
}

static void privileged(void)
{
	__asm__ volatile("hlt");
}

static void trap(void)
{
	__asm__ volatile("int3");
}

static void terminated(void)
{
	kill(getpid(), SIGTERM);
}

static void killed(void)
{
	sigset_t s;

	NEED(sigfillset(&s));
	NEED(sigprocmask(SIG_BLOCK, &s, NULL));
	kill(getpid(), SIGKILL);
}

static void alarmed(void)
{
	alarm(1);
	for (;;)
		pause();
}

static void broken_pipe(void)
{
	int p[2];

	NEED(pipe(p));
	NEED(close(p[0]));
	(void)!write(p[1], "x", 1);
	puts("still here");
}

static void real_time(void)
{
	raise(SIGRTMIN + 3);
}

MAIN(CASE(by_exit), CASE(by__exit), CASE(thread_exits), CASE(thread_group),
     CASE(main_leaves), CASE(main_thread_exits), CASE(aborts), CASE(segv),
     CASE(thread_segv), CASE(blocked_segv), CASE(twice_segv), CASE(no_stack),
     CASE(divides), CASE(illegal), CASE(privileged), CASE(trap),
     CASE(terminated), CASE(killed), CASE(alarmed), CASE(broken_pipe),
     CASE(real_time))
