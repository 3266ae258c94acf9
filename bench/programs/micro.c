/* micro.c WHAT [N]: one figure of what a kernel does for a program, printed as
 * "NAME VALUE": nanoseconds per operation, or MiB per second where the name
 * says so. The same binary runs on the host and in the guest (bench/guest.sh). */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t bench_getpid(uint64_t n)
{
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < n; i++)
		syscall(SYS_getpid);
	return now_ns() - start;
}

static uint64_t bench_clock(uint64_t n)
{
	struct timespec t;
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return now_ns() - start;
}

static uint64_t one_byte(uint64_t n, const char *name, int flags)
{
	int fd = open(name, flags);
	char c = 0;
	uint64_t start = now_ns();

	if (fd < 0)
		die(name);
	for (uint64_t i = 0; i < n; i++)
		if ((flags == O_RDONLY ? read(fd, &c, 1) : write(fd, &c, 1)) !=
		    1)
			die("one byte");
	return now_ns() - start;
}

static uint64_t bench_read(uint64_t n)
{
	return one_byte(n, "/dev/zero", O_RDONLY);
}

static uint64_t bench_write(uint64_t n)
{
	return one_byte(n, "/dev/null", O_WRONLY);
}

/* n times 64 MiB */
static uint64_t bench_touch(uint64_t n)
{
	const size_t len = 64u << 20;
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < n; i++) {
		char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (size_t o = 0; o < len; o += 4096)
			p[o] = 1;
		munmap(p, len);
	}
	return now_ns() - start;
}

static atomic_uint turn;
static uint64_t rounds;

static void *yielder(void *arg)
{
	for (uint64_t i = 0; i < rounds; i++)
		sched_yield();
	return arg;
}

/* Both on one CPU, or there would be nothing to switch */
static void one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static uint64_t bench_switch(uint64_t n)
{
	pthread_t t;
	uint64_t start;

	one_cpu();
	rounds = n / 2;
	start = now_ns();
	if (pthread_create(&t, NULL, yielder, NULL))
		die("pthread_create");
	yielder(NULL);
	pthread_join(t, NULL);
	return now_ns() - start;
}

static void hand_over(unsigned mine)
{
	for (uint64_t i = 0; i < rounds; i++) {
		unsigned t;

		while ((t = atomic_load(&turn)) != mine)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, t, NULL);
		atomic_store(&turn, !mine);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
	}
}

static void *second(void *arg)
{
	hand_over(1);
	return arg;
}

/* There and back is one operation */
static uint64_t bench_futex(uint64_t n)
{
	pthread_t t;
	uint64_t start;

	one_cpu();
	rounds = n;
	start = now_ns();
	if (pthread_create(&t, NULL, second, NULL))
		die("pthread_create");
	hand_over(0);
	pthread_join(t, NULL);
	return now_ns() - start;
}

static int ends[2];
static char block[65536];

static void *writes(void *arg)
{
	for (uint64_t i = 0; i < rounds; i++)
		for (size_t at = 0; at < sizeof(block);) {
			ssize_t k = write(ends[1], block, sizeof(block) - at);

			if (k <= 0)
				die("write");
			at += (size_t)k;
		}
	close(ends[1]);
	return arg;
}

/* n times 64 KiB through a pipe */
static uint64_t bench_pipe(uint64_t n)
{
	pthread_t t;
	ssize_t k;
	uint64_t start;
	static char in[65536];

	rounds = n;
	if (pipe(ends))
		die("pipe");
	start = now_ns();
	if (pthread_create(&t, NULL, writes, NULL))
		die("pthread_create");
	while ((k = read(ends[0], in, sizeof(in))) > 0)
		;
	pthread_join(t, NULL);
	return now_ns() - start;
}

/* Arithmetic, memory within the caches, branches: what needs no kernel */
static uint64_t bench_cpu(uint64_t n)
{
	static uint32_t table[1 << 14];
	uint64_t start = now_ns();
	uint32_t x = 1;
	double y = 0;

	for (uint64_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		table[x & 0x3fff] += x;
		if (table[i & 0x3fff] & 1)
			y += 1.0 / (double)(x | 1);
	}
	start = now_ns() - start;
	if (y < 0)
		puts("?");
	return start;
}

static const struct {
	const char *name;
	uint64_t (*run)(uint64_t n);
	uint64_t n;
	uint64_t bytes; /* of an operation, where MiB/s are meant */
} benches[] = {
	{ "getpid", bench_getpid, 200000, 0 },
	{ "clock_gettime", bench_clock, 2000000, 0 },
	{ "read_1", bench_read, 100000, 0 },
	{ "write_1", bench_write, 100000, 0 },
	{ "touch_64M", bench_touch, 4, 0 },
	{ "switch", bench_switch, 100000, 0 },
	{ "futex", bench_futex, 30000, 0 },
	{ "pipe", bench_pipe, 4000, sizeof(block) },
	{ "cpu", bench_cpu, 100000000, 0 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		uint64_t n =
			argc > 2 ? strtoull(argv[2], NULL, 0) : benches[i].n;
		double ns;

		if (argc > 1 && strcmp(argv[1], benches[i].name) != 0)
			continue;
		ns = (double)benches[i].run(n) / (double)n;
		printf("%s %.3f\n", benches[i].name,
		       benches[i].bytes
			       ? (double)benches[i].bytes / ns * 1e9 / 1048576
			       : ns);
	}
	return 0;
}
