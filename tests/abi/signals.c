/* signals.c: handlers, masks, stacks, waiting for signals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "abi.h"

static volatile int count, depth, deepest, last;

static void counted(int signo)
{
	last = signo;
	count++;
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	NEED(sigemptyset(&sa.sa_mask));
	NEED(sigaction(signo, &sa, NULL));
}

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	NEED(sigemptyset(&s));
	NEED(sigaddset(&s, a));
	if (b)
		NEED(sigaddset(&s, b));
	return s;
}

static void handlers(void)
{
	struct sigaction sa;

	handle(SIGUSR1, counted, 0);
	SHOW(raise(SIGUSR1));
	SAY("%d %d", count, last);
	SHOW(kill(getpid(), SIGUSR1));
	SAY("%d", count);
	SHOW(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
	SAY("%d", count);
	SHOW(sigaction(SIGUSR1, NULL, &sa));
	YES(sa.sa_handler == counted);
	handle(SIGUSR1, SIG_IGN, 0);
	SHOW(raise(SIGUSR1));
	SAY("%d", count);
	SHOW(sigaction(SIGKILL, &sa, NULL));
	SHOW(sigaction(SIGSTOP, &sa, NULL));
	SHOW(sigaction(SIGKILL, NULL, &sa));
	SHOW(sigaction(65, NULL, &sa));
	SHOW(kill(getpid(), 0));
	SHOW(kill(getpid(), 65));
	SHOW(kill(999999, 0));
	/* ignored by default */
	SHOW(raise(SIGCHLD));
	SHOW(raise(SIGWINCH));
	SHOW(raise(SIGURG));
	SHOW(raise(SIGCONT));
	/* back to the default after the first one */
	handle(SIGUSR2, counted, (int)SA_RESETHAND);
	SHOW(raise(SIGUSR2));
	SHOW(sigaction(SIGUSR2, NULL, &sa));
	YES(sa.sa_handler == SIG_DFL);
	off(SIGUSR1);
}

static void with_info(int signo, siginfo_t *si, void *uc)
{
	ucontext_t *u = uc;

	SAY("signal %d: si_signo %d, si_code %d, si_errno %d, own pid %d, uid "
	    "%d",
	    signo, si->si_signo, si->si_code, si->si_errno,
	    si->si_pid == getpid(), si->si_uid == getuid());
	if (si->si_code == SI_QUEUE)
		SAY("value %d", si->si_value.sival_int);
	YES(u != NULL && u->uc_mcontext.gregs[REG_RIP] != 0);
}

static void info(void)
{
	on(SIGUSR1, with_info, 0);
	on(SIGRTMIN, with_info, 0);
	SHOW(kill(getpid(), SIGUSR1));
	SHOW(raise(SIGUSR1));
	SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 4711 }));
	SHOW(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = -5 }));
	SHOW(sigqueue(getpid(), 0, (union sigval){ .sival_int = 1 }));
	off(SIGUSR1);
	off(SIGRTMIN);
}

static void masks(void)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR2), old, pending;

	count = 0;
	handle(SIGUSR1, counted, 0);
	handle(SIGUSR2, counted, 0);
	SHOW(sigprocmask(SIG_BLOCK, &s, &old));
	YES(!sigismember(&old, SIGUSR1));
	SHOW(raise(SIGUSR1));
	SHOW(raise(SIGUSR1));
	SHOW(raise(SIGUSR2));
	SHOW(sigpending(&pending));
	SAY("pending %d %d %d", sigismember(&pending, SIGUSR1),
	    sigismember(&pending, SIGUSR2), sigismember(&pending, SIGALRM));
	SAY("%d", count);
	s = set_of(SIGUSR2, 0);
	SHOW(sigprocmask(SIG_UNBLOCK, &s, NULL));
	SAY("%d, last %d", count, last);
	SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
	SAY("%d, last %d", count, last);
	SHOW(sigpending(&pending));
	SAY("pending %d", sigismember(&pending, SIGUSR1));
	SHOW(sigprocmask(99, &s, NULL));
	SHOW(sigprocmask(99, NULL, NULL));
	/* what is ignored does not become pending */
	s = set_of(SIGUSR1, 0);
	NEED(sigprocmask(SIG_BLOCK, &s, &old));
	SHOW(raise(SIGUSR1));
	handle(SIGUSR1, SIG_IGN, 0);
	SHOW(sigpending(&pending));
	SAY("pending %d", sigismember(&pending, SIGUSR1));
	NEED(sigprocmask(SIG_SETMASK, &old, NULL));
	/* these two cannot be blocked */
	NEED(sigfillset(&s));
	NEED(sigprocmask(SIG_SETMASK, &s, &old));
	NEED(sigprocmask(SIG_SETMASK, &old, &s));
	SAY("kill %d stop %d term %d", sigismember(&s, SIGKILL),
	    sigismember(&s, SIGSTOP), sigismember(&s, SIGTERM));
	off(SIGUSR1);
	off(SIGUSR2);
}

static void queued(int signo, siginfo_t *si, void *uc)
{
	(void)uc;
	SAY("signal %d value %d", signo - SIGRTMIN, si->si_value.sival_int);
}

static void queues(void)
{
	/* real-time signals queue, the lowest number first */
	sigset_t s, old;

	NEED(sigfillset(&s));
	NEED(sigprocmask(SIG_BLOCK, &s, &old));
	for (int i = 0; i < 3; i++)
		on(SIGRTMIN + i, queued, 0);
	for (int i = 0; i < 9; i++)
		SHOW(sigqueue(getpid(), SIGRTMIN + 2 - i % 3,
			      (union sigval){ .sival_int = i }));
	NEED(sigprocmask(SIG_SETMASK, &old, NULL));
	for (int i = 0; i < 3; i++)
		off(SIGRTMIN + i);
}

static void nested(int signo)
{
	depth++;
	deepest = depth > deepest ? depth : deepest;
	count++;
	if (signo == SIGUSR1 && count < 10)
		raise(SIGUSR2);
	else if (signo == SIGUSR2 && count < 10)
		raise(SIGUSR1);
	depth--;
}

static void nesting(void)
{
	/* the signal itself is blocked while its handler runs ... */
	count = deepest = 0;
	handle(SIGUSR1, nested, 0);
	handle(SIGUSR2, nested, 0);
	SHOW(raise(SIGUSR1));
	SAY("%d runs, %d deep", count, deepest);
	/* ... unless it asked not to be */
	count = deepest = 0;
	handle(SIGUSR1, nested, SA_NODEFER);
	handle(SIGUSR2, nested, SA_NODEFER);
	SHOW(raise(SIGUSR1));
	SAY("%d runs, %d deep", count, deepest);
	off(SIGUSR1);
	off(SIGUSR2);
}

static void masked_in_handler(int signo)
{
	sigset_t s;

	NEED(sigprocmask(SIG_BLOCK, NULL, &s));
	SAY("in %d: usr1 %d usr2 %d alrm %d", signo, sigismember(&s, SIGUSR1),
	    sigismember(&s, SIGUSR2), sigismember(&s, SIGALRM));
}

static void handler_masks(void)
{
	struct sigaction sa = { .sa_handler = masked_in_handler };

	sa.sa_mask = set_of(SIGALRM, 0);
	NEED(sigaction(SIGUSR1, &sa, NULL));
	SHOW(raise(SIGUSR1));
	masked_in_handler(0);
	sa.sa_flags = SA_NODEFER;
	NEED(sigaction(SIGUSR1, &sa, NULL));
	SHOW(raise(SIGUSR1));
	off(SIGUSR1);
}

static char alt[65536];
static sigjmp_buf back;

static void where_am_i(int signo, siginfo_t *si, void *uc)
{
	char here;
	stack_t ss;

	(void)si;
	(void)uc;
	NEED(sigaltstack(NULL, &ss));
	SAY("signal %d: on the alternate stack %d, flags %d", signo,
	    &here >= alt && &here < alt + sizeof(alt), ss.ss_flags);
	if (signo == SIGUSR2) {
		stack_t none = { .ss_flags = SS_DISABLE };

		SHOW(sigaltstack(&none, NULL));
	}
}

static void stacks(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, old;

	SHOW(sigaltstack(NULL, &old));
	SAY("flags %d", old.ss_flags);
	SHOW(sigaltstack(&ss, &old));
	SHOW(sigaltstack(NULL, &old));
	YES(old.ss_sp == alt && old.ss_size == sizeof(alt) && !old.ss_flags);
	on(SIGUSR1, where_am_i, SA_ONSTACK);
	SHOW(raise(SIGUSR1));
	on(SIGUSR1, where_am_i, 0);
	SHOW(raise(SIGUSR1));
	on(SIGUSR2, where_am_i, SA_ONSTACK);
	SHOW(raise(SIGUSR2));
	ss.ss_size = 100;
	SHOW(sigaltstack(&ss, NULL));
	ss.ss_flags = 77;
	SHOW(sigaltstack(&ss, NULL));
	ss.ss_flags = SS_DISABLE;
	SHOW(sigaltstack(&ss, NULL));
	on(SIGUSR1, where_am_i, SA_ONSTACK);
	SHOW(raise(SIGUSR1));
	off(SIGUSR1);
	off(SIGUSR2);
}

static void fix_page(int signo, siginfo_t *si, void *uc)
{
	char *page = (char *)((uintptr_t)si->si_addr & ~4095ul);

	(void)uc;
	count++;
	if (mprotect(page, 4096, PROT_READ | PROT_WRITE))
		_exit(signo);
}

static void recovery(void)
{
	/* a collector's write barrier: the access is made again */
	char *p = mmap(NULL, 64 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	NEED((long)p);
	count = 0;
	on(SIGSEGV, fix_page, 0);
	for (int i = 0; i < 64; i++)
		p[i * 4096] = (char)i;
	for (int i = 0; i < 64; i++)
		p[i * 4096 + 1] = p[i * 4096];
	off(SIGSEGV);
	SAY("%d faults, %d", count, p[63 * 4096 + 1]);
}

static void skip_it(int signo, siginfo_t *si, void *uc)
{
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	SAY("signal %d code %d", signo, si->si_code);
	YES(signo == SIGTRAP || si->si_addr == (void *)(uintptr_t)r[REG_RIP]);
	r[REG_RAX] = 4711;
	if (signo == SIGILL)
		r[REG_RIP] += 2;
	else if (signo == SIGFPE)
		r[REG_RIP] += 2;
}

static void instructions(void)
{
	long a = 0;
	uint32_t zero = 0, hi = 0;

	on(SIGILL, skip_it, 0);
	on(SIGTRAP, skip_it, 0);
	on(SIGFPE, skip_it, 0);
	__asm__ volatile("ud2" : "=a"(a) : : "memory");
	SAY("%ld", a);
	a = 1;
	__asm__ volatile("int3" : "+a"(a) : : "memory");
	SAY("%ld", a);
	a = 1;
	/* div %ecx is two bytes */
	__asm__ volatile("div %%ecx"
			 : "+a"(a), "+d"(hi)
			 : "c"(zero)
			 : "memory");
	SAY("%ld", a);
	off(SIGILL);
	off(SIGTRAP);
	off(SIGFPE);
}

static void registers_kept(int signo)
{
	(void)signo;
	count++;
	/* a handler may use every register there is */
	__asm__ volatile(
		"pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\t"
		"pxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\t"
		"xor %%r8, %%r8\n\txor %%r9, %%r9\n\tfldz\n\tfstp %%st(0)"
		:
		:
		: "r8", "r9", "xmm0", "xmm1", "xmm7", "xmm15");
}

static void floating(void)
{
	double x = 1.5, y = 0;
	uint64_t lo = 0x123456789abcdef0;
	uint64_t red = (uint64_t)getpid();
	uint64_t x7 = (uint64_t)syscall(SYS_gettid), x15 = SIGUSR1;

	handle(SIGUSR1, registers_kept, 0);
	count = 0;
	register long nr __asm__("rax") = SYS_tgkill;
	register uint64_t v8 __asm__("r8") = 8;
	register uint64_t v9 __asm__("r9") = 9;
	/* red zone and SSE registers hold things while the handler runs */
	__asm__ volatile("movq %[lo], %%xmm7\n\tmovq %[lo], %%xmm15\n\t"
			 "mov %[lo], -64(%%rsp)\n\tsyscall\n\t"
			 "mov -64(%%rsp), %%rdi\n\t"
			 "movq %%xmm7, %%rsi\n\tmovq %%xmm15, %%rdx"
			 : "+r"(nr), "+r"(v8), "+r"(v9), "+D"(red), "+S"(x7),
			   "+d"(x15)
			 : [lo] "b"(lo)
			 : "rcx", "r11", "xmm7", "xmm15", "memory");
	long ret = nr;
	bool kept = v8 == 8 && v9 == 9;

	SAY("%ld, %d run", ret, count);
	YES(red == lo);
	YES(x7 == lo);
	YES(x15 == lo);
	YES(kept);
	for (int i = 0; i < 1000; i++) {
		y += x * i;
		if (i % 100 == 0)
			raise(SIGUSR1);
	}
	SAY("%.2f", y);
	off(SIGUSR1);
}

static void jumps(void)
{
	/* out of a handler by siglongjmp, again and again */
	volatile int n = 0;
	volatile char *volatile nowhere = (char *)8;

	on(SIGSEGV, fault_caught, 0);
	while (n < 50) {
		if (sigsetjmp(fault_back, 1) == 0)
			*nowhere = 1;
		n++;
	}
	off(SIGSEGV);
	SAY("%d", n);
	/* a blocked fault kills, an unblocked one after the jump does not */
	sigset_t s;

	NEED(sigprocmask(SIG_BLOCK, NULL, &s));
	SAY("blocked %d", sigismember(&s, SIGSEGV));
	if (sigsetjmp(back, 0) == 0)
		siglongjmp(back, 3);
}

static volatile bool go;

/* Keeps signalling until told that it has been heard */
static volatile bool heard;

static void *signaller(void *arg)
{
	pthread_t to = *(pthread_t *)arg;

	while (!go)
		sleep_ms(1);
	while (!heard) {
		pthread_kill(to, SIGUSR1);
		sleep_ms(2);
	}
	return NULL;
}

static void suspend(void)
{
	sigset_t block = set_of(SIGUSR1, 0), old, none, now;
	pthread_t self = pthread_self(), t;

	count = 0;
	handle(SIGUSR1, counted, 0);
	NEED(sigprocmask(SIG_BLOCK, &block, &old));
	NEED(sigemptyset(&none));
	NEED(raise(SIGUSR1));
	SAY("%d", count);
	SHOW(sigsuspend(&none));
	SAY("%d", count);
	NEED(sigprocmask(SIG_BLOCK, NULL, &now));
	SAY("blocked again %d", sigismember(&now, SIGUSR1));
	go = heard = false;
	NEED0(pthread_create(&t, NULL, signaller, &self));
	go = true;
	SHOW(sigsuspend(&none));
	heard = true;
	ERR(pthread_join(t, NULL));
	NEED(sigprocmask(SIG_SETMASK, &old, NULL));
	off(SIGUSR1);
}

static void waiting(void)
{
	sigset_t s = set_of(SIGUSR1, SIGRTMIN), old;
	struct timespec none = { 0, 0 }, some = { 0, 5000000 };
	siginfo_t si;
	int signo = 0;

	NEED(sigprocmask(SIG_BLOCK, &s, &old));
	SHOW(sigtimedwait(&s, &si, &none));
	SHOW(sigtimedwait(&s, &si, &some));
	NEED(raise(SIGUSR1));
	SHOW(sigtimedwait(&s, &si, &some));
	SAY("signo %d code %d", si.si_signo, si.si_code);
	NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 9 }));
	ERR(sigwait(&s, &signo));
	YES(signo == SIGRTMIN);
	NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 10 }));
	YES(sigwaitinfo(&s, &si) == SIGRTMIN);
	SAY("value %d code %d", si.si_value.sival_int, si.si_code);
	NEED(sigprocmask(SIG_SETMASK, &old, NULL));
}

static void *self_raiser(void *arg)
{
	sigset_t s = set_of(SIGUSR1, 0), now;

	while (!go)
		sleep_ms(1);
	SAY("thread: %d", count);
	raise(SIGUSR1);
	SAY("thread: %d", count);
	ERR(pthread_sigmask(SIG_BLOCK, &s, NULL));
	pthread_kill(pthread_self(), SIGUSR1);
	NEED(sigpending(&now));
	SAY("thread: %d pending %d", count, sigismember(&now, SIGUSR1));
	return arg;
}

static void in_threads(void)
{
	pthread_t t;
	sigset_t now;

	count = 0;
	handle(SIGUSR1, counted, 0);
	go = false;
	NEED0(pthread_create(&t, NULL, self_raiser, NULL));
	go = true;
	ERR(pthread_join(t, NULL));
	/* what was pending for the thread went with it */
	NEED(sigpending(&now));
	SAY("%d pending %d", count, sigismember(&now, SIGUSR1));
	NEED(sigprocmask(SIG_BLOCK, NULL, &now));
	SAY("blocked here %d", sigismember(&now, SIGUSR1));
	off(SIGUSR1);
}

static volatile int waited;

static void *process_waiter(void *arg)
{
	sigset_t s = set_of(SIGUSR2, 0);
	int signo = 0;

	waited = sigwait(&s, &signo) ? -1 : signo;
	return arg;
}

static void to_the_process(void)
{
	/* blocked everywhere, so whoever waits for it gets it */
	sigset_t s = set_of(SIGUSR2, 0), old;
	pthread_t t;

	ERR(pthread_sigmask(SIG_BLOCK, &s, &old));
	NEED0(pthread_create(&t, NULL, process_waiter, NULL));
	SHOW(kill(getpid(), SIGUSR2));
	ERR(pthread_join(t, NULL));
	SAY("%d", waited);
	ERR(pthread_sigmask(SIG_SETMASK, &old, NULL));
}

static void *alarm_thread(void *arg)
{
	pthread_t self = *(pthread_t *)arg;

	while (!heard) {
		sleep_ms(5);
		pthread_kill(self, SIGUSR1);
	}
	return NULL;
}

static void noted(int signo)
{
	counted(signo);
	heard = true;
}

static void interrupted(void)
{
	int p[2];
	char c;
	pthread_t t, self = pthread_self();
	struct timespec long_time = { 100, 0 }, left = { 0, 0 };

	NEED(pipe(p));
	heard = false;
	handle(SIGUSR1, noted, 0);
	NEED0(pthread_create(&t, NULL, alarm_thread, &self));
	SHOW(read(p[0], &c, 1));
	ERR(pthread_join(t, NULL));
	heard = false;
	NEED0(pthread_create(&t, NULL, alarm_thread, &self));
	SHOW(nanosleep(&long_time, &left));
	YES(left.tv_sec > 80 && left.tv_sec < 101);
	ERR(pthread_join(t, NULL));
	SHOW(close(p[0]));
	SHOW(close(p[1]));
	off(SIGUSR1);
}

static void *restart_thread(void *arg)
{
	int *p = arg;

	while (!heard) {
		sleep_ms(5);
		kill(getpid(), SIGUSR1);
	}
	NEED(write(p[1], "r", 1));
	return NULL;
}

static void restarted(void)
{
	int p[2];
	char c = 0;
	pthread_t t;
	sigset_t s = set_of(SIGUSR1, 0), old;

	NEED(pipe(p));
	heard = false;
	handle(SIGUSR1, noted, SA_RESTART);
	/* only this thread takes it */
	ERR(pthread_sigmask(SIG_BLOCK, &s, &old));
	NEED0(pthread_create(&t, NULL, restart_thread, p));
	ERR(pthread_sigmask(SIG_SETMASK, &old, NULL));
	SHOW(read(p[0], &c, 1));
	SAY("%c", c);
	ERR(pthread_join(t, NULL));
	SHOW(close(p[0]));
	SHOW(close(p[1]));
	off(SIGUSR1);
}

MAIN(CASE(handlers), CASE(info), CASE(masks), CASE(queues), CASE(nesting),
     CASE(handler_masks), CASE(stacks), CASE(recovery), CASE(instructions),
     CASE(floating), CASE(jumps), CASE(suspend), CASE(waiting),
     CASE(in_threads), CASE(to_the_process), CASE(interrupted), CASE(restarted))
