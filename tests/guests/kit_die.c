/* kit_die.c WAY: a program that ends badly, in the way it is told. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero;

static int recurse(int n)
{
	volatile char block[4096];

	block[0] = (char)n;
	return zero ? 0 : recurse(n + 1) + block[0];
}

static void die(const char *way)
{
	if (!strcmp(way, "null")) {
		volatile int *null = (int *)(uintptr_t)zero;
		*null = 1;
	} else if (!strcmp(way, "ud2")) {
		__asm__ volatile("ud2");
	} else if (!strcmp(way, "div")) {
		__asm__ volatile("xor %%edx, %%edx\n\tdivl %0"
				 :
				 : "m"(zero)
				 : "eax", "edx", "cc");
	} else if (!strcmp(way, "text")) {
		*(volatile char *)(uintptr_t)&recurse = 1;
	} else if (!strcmp(way, "stack")) {
		zero = recurse(0);
	} else if (!strcmp(way, "abort")) {
		abort();
	} else if (!strcmp(way, "exec")) {
		char code[16] = { (char)0xc3 };
		void (*run)(void);
		char *p = code;

		memcpy(&run, &p, sizeof(run));
		run();
	} else if (!strcmp(way, "memory")) {
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
	} else if (!strncmp(way, "exit", 4)) {
		exit(atoi(way + 4));
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: kit_die WAY\n");
		return 2;
	}
	die(argv[1]);
	fprintf(stderr, "%s: still alive\n", argv[1]);
	return 1;
}
