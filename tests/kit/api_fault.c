/* api_fault.c: a program's own mistakes: dies as its argument says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <mayfly.h>

int main(int argc, char **argv)
{
	volatile int zero = 0;

	mayfly_write("here\n", 5);
	switch (argc > 1 ? argv[1][0] : 0) {
	case 'n': /* a null pointer */
		return *(volatile int *)(uintptr_t)zero;
	case 't': /* its own text */
		*(volatile char *)(uintptr_t)main = 0;
		return 0;
	case 'd':
		return argc * 100 / zero;
	case 'i':
		__builtin_trap();
	case 's':
		__asm__ volatile("syscall" ::: "rcx", "r11", "memory");
		return 0;
	default:
		return 1;
	}
}
