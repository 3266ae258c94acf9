/* fault.h: the end of a program that dies of a signal: one page on standard
 * error, a core if the monitor wants one, the report. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "kernel/types.h"

struct regs;
struct siginfo;

#define FAULT_NOWHERE (~0ull)

/* `what` happened; gva: the address it happened with, or FAULT_NOWHERE; info
 * may be NULL. */
NORETURN COLD void fault_die(struct regs *r, unsigned signal, const char *what,
			     uint64_t gva, const struct siginfo *info);

#endif
