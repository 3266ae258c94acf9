/* api_basics.c: memory, time, waiting, the console, through mayfly.h. Its
 * arguments come back in lines, then its input; the status is the first
 * argument. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <mayfly.h>
#include <string.h>

#define MS 1000000ull

static void expect(bool good, const char *what)
{
	if (good)
		return;
	mayfly_printf("wrong: %s\n", what);
	mayfly_exit(99);
}

/* A buffer may be where it likes: this one makes the stack work. */
static unsigned deep(unsigned n)
{
	volatile char big[4096];

	big[n] = (char)n;
	return n ? deep(n - 1) + (unsigned)big[n] : 0;
}

static void check_memory(void)
{
	const uint64_t before = mayfly_memory_free();
	static const size_t lens[] = { 0, 1, 100, 4096, 70000, 5u << 20 };
	char *p[sizeof(lens) / sizeof(lens[0])];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 6; i++) {
			p[i] = mayfly_alloc(lens[i]);
			expect(p[i] && !((uintptr_t)p[i] & 15), "alloc");
			for (size_t k = 0; k < lens[i]; k++)
				expect(!p[i][k], "zeros");
			memset(p[i], (int)i + 1, lens[i]);
		}
		for (unsigned i = 0; i < 6; i++) {
			for (size_t k = 0; k < lens[i]; k++)
				expect(p[i][k] == (char)(i + 1), "kept");
			mayfly_free(p[i]);
		}
	}
	mayfly_free(NULL);
	expect(!mayfly_alloc(1ull << 30) && !mayfly_alloc(SIZE_MAX),
	       "too much");
	expect(before - mayfly_memory_free() < 512u << 10, "leak");
}

static void check_time(void)
{
	uint64_t t = mayfly_clock_monotonic();

	expect(!mayfly_wait(0, t + 20 * MS), "nothing to wait for");
	expect(mayfly_clock_monotonic() - t >= 20 * MS, "slept");
	expect(!mayfly_wait(0, 0), "a time long gone");
	expect(mayfly_clock_wall() > 1600000000ull * 1000 * MS, "wall clock");
}

static void check_random(void)
{
	uint64_t a = 0, b = 0;

	expect(mayfly_random(&a, sizeof(a)) && mayfly_random(&b, sizeof(b)) &&
		       a != b,
	       "random");
}

static void check_absent(void)
{
	struct mayfly_disk disk;
	struct mayfly_net net;
	uint32_t cid;

	expect(mayfly_disk_find("vda") == MAYFLY_ENODEV, "no disk");
	expect(mayfly_disk_info(0, &disk) == MAYFLY_ENODEV, "no disk 0");
	expect(mayfly_disk_flush(8) == MAYFLY_ENODEV, "no disk 8");
	expect(mayfly_net_open(0, &net) == MAYFLY_ENODEV, "no card");
	expect(mayfly_net_open(4, &net) == MAYFLY_ENODEV, "no card 4");
	expect(mayfly_vsock_open(&cid) == MAYFLY_ENODEV, "no sockets");
}

static void echo(void)
{
	char buf[333];
	int64_t n;

	for (;;) {
		expect(mayfly_wait(MAYFLY_INPUT, MAYFLY_FOREVER) ==
			       MAYFLY_INPUT,
		       "input");
		n = mayfly_read(buf, sizeof(buf));
		if (n == 0)
			return;
		if (n > 0)
			mayfly_write(buf, (size_t)n);
		else
			expect(n == MAYFLY_EAGAIN, "read");
	}
}

int main(int argc, char **argv)
{
	int status = 0;
	double half = 1.0 / argc; /* floating point is there, too */

	expect(deep(40) == 40 * 41 / 2, "deep");
	check_memory();
	check_time();
	check_random();
	check_absent();
	mayfly_write_error("to standard error\n", 18);
	for (int i = 1; i < argc; i++)
		mayfly_printf("%d: %s\n", i, argv[i]);
	expect(!argv[argc], "NULL behind the arguments");
	echo();
	for (const char *p = argc > 1 ? argv[1] : ""; *p; p++)
		status = status * 10 + *p - '0';
	return half * argc == 1.0 ? status : 98;
}
