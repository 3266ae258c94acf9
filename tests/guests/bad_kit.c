/* bad_kit.c: a program that goes behind the back of its own kernel, which
 * shares its ring: devices, the platform page, and the kernel itself. The
 * argument says what. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "abi/kit.h"
#include "abi/platform.h"

#define DEVICE(n, off) (0xc0001000ull + (n)*0x1000ull + (off))
#define STATUS         0x70
#define NOTIFY         0x50

static uint32_t get(uint64_t gpa)
{
	return *(volatile uint32_t *)KIT_PHYS(gpa);
}

static void set(uint64_t gpa, uint32_t v)
{
	*(volatile uint32_t *)KIT_PHYS(gpa) = v;
}

/* rng in error: the console still prints, and so does the program. */
static int rng(void)
{
	char buf[16];

	set(DEVICE(1, STATUS), 0);
	set(DEVICE(1, STATUS), 7); /* DRIVER_OK without FEATURES_OK */
	if (!(get(DEVICE(1, STATUS)) & 64))
		return 1;
	if (getrandom(buf, sizeof(buf), 0) < 0)
		perror("getrandom");
	printf("ok the console does not mind\n");
	return 0;
}

/* The kernel's console driver loses its device; the program goes on. */
static int console(void)
{
	printf("before\n");
	fflush(stdout);
	set(DEVICE(0, STATUS), 0);
	for (int i = 0; i < 100; i++)
		set(DEVICE(0, NOTIFY), (uint32_t)i & 3);
	printf("lost\n");
	fflush(stdout);
	return 12;
}

/* Straight to the exit, past the kernel. */
static int leave(void)
{
	printf("ok leaving\n");
	fflush(stdout);
	set(PLATFORM_GPA + PLATFORM_REG_EXIT, 0xffffff00u | 33);
	return 1;
}

/* The kernel's memory, and everything else. */
static int wipe(void)
{
	printf("ok wiping\n");
	fflush(stdout);
	for (uint64_t gpa = 0x140000; gpa < 0x400000; gpa += 8)
		*(volatile uint64_t *)KIT_PHYS(gpa) = ~0ull;
	return 0;
}

/* What is mapped (abi/kit.h) whether anything is there or not: reads alone. */
static int look(void)
{
	uint64_t sum = 0;

	for (uint64_t gpa = 0; gpa < 0x40000000; gpa += 0x1000000)
		sum += get(gpa + 8);
	for (uint64_t gpa = 0xc0010000; gpa < 0xfec00000; gpa += 0x4000000)
		sum += get(gpa);
	printf("ok looked%s\n", sum ? "" : " at nothing");
	return 0;
}

/* Storms on all the registers there are. */
static int storm(void)
{
	uint32_t x = 1;

	for (int i = 0; i < 4000; i++) {
		x = x * 1664525 + 1013904223;
		if (x & 0x800)
			set(DEVICE(1, x >> 16 & 0xfc), x);
		else
			(void)get(DEVICE(x >> 12 & 1, x >> 16 & 0xfc));
	}
	set(DEVICE(1, STATUS), 0);
	printf("ok storm\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int (*run)(void);
	} cases[] = { { "rng", rng },     { "console", console },
		      { "leave", leave }, { "wipe", wipe },
		      { "look", look },   { "storm", storm } };

	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(argv[1], cases[i].word) == 0)
			return cases[i].run();
	return 100;
}
