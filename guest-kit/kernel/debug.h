/* debug.h: stops of the program that the monitor wants to hear of
 * (abi/debug.h): for a core file, or for a debugger that may change it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_DEBUG_H
#define KERNEL_DEBUG_H

#include "kernel/types.h"

struct regs;
struct siginfo;

/* Something to tell at all; else nothing below does anything. */
extern bool debug_on;

/* After the arguments are read; needs memory. */
void debug_init(void);
/* The program's first instruction is next; r may change. */
void debug_start(struct regs *r);
/* An exception of the program. True: it was the debugger's, go on with r. */
bool debug_trap(struct regs *r);
/* The calling thread is about to get this signal. The one it shall get
 * instead; 0: none. */
unsigned debug_signal(struct regs *r, unsigned signal,
		      const struct siginfo *info);
/* The program is dying of it. */
void debug_fatal(struct regs *r, unsigned signal, const struct siginfo *info);

/* Before the calling thread goes back to the program: stops it where the
 * monitor asked, or where it has made the one step it was to make. */
void debug_exit_work(struct regs *r);

#endif
