/* exit.h: the ways a machine ends. What was written is on its way out first:
 * every one of these waits for the console. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_EXIT_H
#define KERNEL_EXIT_H

#include "kernel/types.h"

struct regs;

NORETURN void machine_exit(unsigned status);
/* The program died of a signal; regs may be NULL. */
NORETURN void machine_signal(unsigned signal, uint64_t fault_gva,
			     const struct regs *regs, const char *text);
/* The program cannot run. */
NORETURN COLD void machine_noexec(const char *fmt, ...) PRINTF(1, 2);
/* The kernel cannot go on. */
NORETURN COLD void machine_panic(const char *fmt, ...) PRINTF(1, 2);

/* Just before the program starts. */
void machine_mark_main(void);

#endif
