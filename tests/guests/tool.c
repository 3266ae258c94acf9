/* tool.c: a program of small deeds for the integration tests, named by its
 * first argument. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0)
			return 1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int do_exit(char **arg)
{
	return atoi(arg[0]);
}

/* Each argument on a line of its own, in brackets. */
static int do_args(char **arg)
{
	for (; *arg; arg++)
		printf("[%s]\n", *arg);
	return 0;
}

/* How many arguments, and the bytes of all. */
static int do_count(char **arg)
{
	size_t n = 0, bytes = 0;

	for (; *arg; arg++, n++)
		bytes += strlen(*arg);
	printf("%zu %zu\n", n, bytes);
	return 0;
}

static int do_env(char **arg)
{
	(void)arg;
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	return 0;
}

static int do_both(char **arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		(void)dprintf(1, "out %d\n", i);
		(void)dprintf(2, "err %d\n", i);
	}
	return 0;
}

/* Input to output, in pieces of arg[0] bytes (default 64 KiB). */
static int do_cat(char **arg)
{
	size_t len = arg[0] ? (size_t)atol(arg[0]) : 65536;
	char *buf = malloc(len);
	ssize_t n;

	while ((n = read(0, buf, len)) > 0)
		if (write_all(1, buf, (size_t)n))
			return 1;
	return n < 0;
}

/* As cat, but says that it is there. */
static int do_wait(char **arg)
{
	(void)dprintf(1, "waiting\n");
	return do_cat(arg);
}

/* As cat, but pieces of changing odd sizes on either side. */
static int do_oddcat(char **arg)
{
	static char buf[70000];
	size_t len = 1;
	ssize_t n;

	(void)arg;
	while ((n = read(0, buf, len)) > 0) {
		if (write_all(1, buf, (size_t)n / 2) ||
		    write_all(1, buf + n / 2, (size_t)n - (size_t)n / 2))
			return 1;
		len = len * 3 % 65521 + 1;
	}
	return n < 0;
}

/* arg[0] numbered lines */
static int do_lines(char **arg)
{
	long n = atol(arg[0]);

	for (long i = 0; i < n; i++)
		if (printf("%07ld\n", i) < 0)
			return 1;
	return fflush(stdout) != 0;
}

/* Says when it is there, then does nothing. */
static int do_spin(char **arg)
{
	(void)arg;
	(void)dprintf(1, "spinning\n");
	for (;;)
		__asm__ volatile("pause");
	return 0;
}

static int do_segv(char **arg)
{
	(void)arg;
	(void)dprintf(1, "about to fault\n");
	__asm__ volatile("movl $1, 0x18" ::: "memory");
	return 0;
}

static int do_ill(char **arg)
{
	(void)arg;
	__asm__ volatile("ud2");
	return 0;
}

static int do_abort(char **arg)
{
	(void)arg;
	abort();
}

/* CLOCK_REALTIME and CLOCK_MONOTONIC in ns, after arg[0] ms */
static int do_clock(char **arg)
{
	long ms = arg[0] ? atol(arg[0]) : 0;
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 }, r, m;

	if (ms > 0)
		(void)nanosleep(&t, NULL);
	clock_gettime(CLOCK_REALTIME, &r);
	clock_gettime(CLOCK_MONOTONIC, &m);
	printf("%lld%09ld %lld%09ld\n", (long long)r.tv_sec, r.tv_nsec,
	       (long long)m.tv_sec, m.tv_nsec);
	return 0;
}

/* Sleeps arg[0] ms, then says how many us went by on its own clock. */
static int do_sleep(char **arg)
{
	long ms = atol(arg[0]);
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 }, a, b;

	(void)dprintf(1, "sleeping\n");
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (nanosleep(&t, NULL))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &b);
	(void)dprintf(1, "%lld\n",
		      (long long)(b.tv_sec - a.tv_sec) * 1000000 +
			      (b.tv_nsec - a.tv_nsec) / 1000);
	return 0;
}

/* Allocates and fills arg[0] MiB, reads them back. */
static int do_fill(char **arg)
{
	size_t n = (size_t)atol(arg[0]) << 17;
	uint64_t *p = malloc(n * 8);

	if (!p) {
		printf("no memory\n");
		return 1;
	}
	for (size_t i = 0; i < n; i += 512)
		p[i] = i ^ 0x5555;
	for (size_t i = 0; i < n; i += 512)
		if (p[i] != (i ^ 0x5555))
			return 2;
	printf("filled\n");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **arg);
} deeds[] = {
	{ "exit", do_exit },     { "args", do_args },   { "count", do_count },
	{ "env", do_env },       { "both", do_both },   { "cat", do_cat },
	{ "oddcat", do_oddcat }, { "wait", do_wait },   { "lines", do_lines },
	{ "spin", do_spin },     { "segv", do_segv },   { "ill", do_ill },
	{ "abort", do_abort },   { "clock", do_clock }, { "sleep", do_sleep },
	{ "fill", do_fill },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(deeds) / sizeof(*deeds); i++)
		if (strcmp(argv[1], deeds[i].name) == 0)
			return deeds[i].run(argv + 2);
	(void)dprintf(2, "tool: no such deed\n");
	return 100;
}
