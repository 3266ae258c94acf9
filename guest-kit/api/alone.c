/* alone.c: what the kernel asks of the Linux layer, for programs without it: no
 * system calls, no signals, no debugger; an exception is the end. mayfly-cc asks
 * for kit_trap first, so that nothing of the layer is linked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/exit.h"
#include "kernel/main.h"
#include "kernel/vm.h"
#include "lib/format.h"
#include "linux/signal.h"
#include "linux/strace.h"

bool debug_on;

void debug_exit_work(struct regs *r)
{
	(void)r; /* not called */
}

void strace_sleep(void)
{
	/* not called */
}

bool signal_pending(const struct thread *t)
{
	(void)t;
	return false;
}

void signal_deliver(struct regs *r)
{
	(void)r; /* there are none */
}

bool vm_user_ok(uint64_t gva, uint64_t len, unsigned access)
{
	(void)gva;
	(void)len;
	(void)access;
	return false; /* all memory is the kernel's */
}

void kit_syscall(struct regs *r)
{
	machine_signal(LINUX_SIGSYS, 0, r,
		       "a system call: a program that is linked with the kit "
		       "makes none");
}

/* The signal a program of Linux would get. */
static unsigned signal_of(uint64_t vector)
{
	switch (vector) {
	case 0:  /* division */
	case 16: /* x87 */
	case 19: /* SSE */
		return LINUX_SIGFPE;
	case 1:
	case 3:
		return LINUX_SIGTRAP;
	case 6:
		return LINUX_SIGILL;
	case 13:
	case 14:
		return LINUX_SIGSEGV;
	default:
		return LINUX_SIGBUS;
	}
}

void kit_trap(struct regs *r)
{
	uint64_t gva = r->vector == 14 ? kit_fault_gva : 0;
	char text[80];

	format(text, sizeof(text),
	       "exception %lu (error %lx) at %lx, address %lx", r->vector,
	       r->error, r->rip, gva);
	machine_signal(signal_of(r->vector), gva, r, text);
}
