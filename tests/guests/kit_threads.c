/* kit_threads.c: everything that can interrupt a thread at once: a time slice
 * that ends, an interval timer's signal, signals of another thread, system
 * calls. The threads compute things they know the result of, in all kinds of
 * registers. Arguments: how many milliseconds; one word on standard output:
 * "good". */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 5

static pthread_t worker[WORKERS];
static volatile long rounds[WORKERS], caught[2];
static volatile int stop;

static void die(const char *what)
{
	printf("wrong: %s\n", what);
	exit(1);
}

/* Uses the registers it must not change. */
static void on_signal(int signal)
{
	volatile double x = 1;

	for (int i = 0; i < 5; i++)
		x *= 1.5;
	caught[signal == SIGALRM]++;
}

/* A system call keeps every register but rax, rcx and r11. */
static void call(uint64_t seed)
{
	uint64_t in[8], out[8];
	long rax = SYS_getpid;

	for (unsigned i = 0; i < 8; i++)
		in[i] = seed * (2 * i + 3);
	__asm__ volatile("mov 0(%1), %%rbx\n\t"
			 "mov 8(%1), %%rdx\n\t"
			 "mov 16(%1), %%r8\n\t"
			 "mov 24(%1), %%r9\n\t"
			 "mov 32(%1), %%r12\n\t"
			 "mov 40(%1), %%r15\n\t"
			 "movq 48(%1), %%xmm0\n\t"
			 "movq 56(%1), %%xmm15\n\t"
			 "syscall\n\t"
			 "mov %%rbx, 0(%2)\n\t"
			 "mov %%rdx, 8(%2)\n\t"
			 "mov %%r8, 16(%2)\n\t"
			 "mov %%r9, 24(%2)\n\t"
			 "mov %%r12, 32(%2)\n\t"
			 "mov %%r15, 40(%2)\n\t"
			 "movq %%xmm0, 48(%2)\n\t"
			 "movq %%xmm15, 56(%2)"
			 : "+a"(rax)
			 : "S"(in), "D"(out)
			 : "rbx", "rcx", "rdx", "r8", "r9", "r11", "r12", "r15",
			   "xmm0", "xmm15", "memory", "cc");
	if (rax != getpid())
		die("getpid");
	for (unsigned i = 0; i < 8; i++)
		if (in[i] != out[i])
			die("a register after a system call");
}

static uint64_t integers(uint64_t x)
{
	uint64_t a = x, b = 1, c = 2, d = 3;

	for (int i = 0; i < 2000; i++) {
		a = a * 6364136223846793005u + 1;
		b += a >> 7;
		c ^= b;
		d += c * 3;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	}
	return a ^ b ^ c ^ d;
}

static double harmonic(void)
{
	double sum = 0;

	for (int i = 1; i < 500; i++) {
		sum += 1.0 / i;
		__asm__ volatile("" : "+x"(sum));
	}
	return sum;
}

static void *work(void *arg)
{
	uint64_t seed = (uintptr_t)arg + 1;
	const double sum = harmonic();

	for (; !stop; seed++, rounds[(uintptr_t)arg]++) {
		call(seed);
		if (integers(seed) != integers(seed))
			die("a sum of integers");
		if (harmonic() != sum)
			die("a sum of floating point numbers");
	}
	return NULL;
}

static void *disturb(void *arg)
{
	const struct timespec pause = { 0, 200000 };

	while (!stop) {
		for (unsigned i = 0; i < WORKERS; i++)
			pthread_kill(worker[i], SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return arg;
}

int main(int argc, char **argv)
{
	const struct sigaction act = { .sa_handler = on_signal,
				       .sa_flags = SA_RESTART };
	long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 500;
	struct itimerval timer = { { 0, 200 }, { 0, 200 } };
	struct timespec end;
	pthread_t other;

	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (uintptr_t i = 0; i < WORKERS; i++)
		if (pthread_create(&worker[i], NULL, work, (void *)i))
			die("pthread_create");
	pthread_create(&other, NULL, disturb, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec +=
		ms / 1000 + (end.tv_nsec + ms % 1000 * 1000000) / 1000000000;
	end.tv_nsec = (end.tv_nsec + ms % 1000 * 1000000) % 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
	stop = 1;
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(worker[i], NULL);
		if (!rounds[i])
			die("a thread that never ran");
	}
	pthread_join(other, NULL);
	if (!caught[0] || !caught[1])
		die("no signals");
	printf("good\n");
	return 0;
}
