/* trap.c: exceptions. A page fault may be a page to make; everything else is
 * a fatal signal for the program, or a bug of the kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/exit.h"
#include "kernel/fault.h"
#include "kernel/main.h"
#include "kernel/thread.h"
#include "kernel/vm.h"
#include "lib/format.h"
#include "linux/signal.h"

#define VEC_PAGE_FAULT 14

/* Page-fault error code */
#define PF_WRITE 2u
#define PF_FETCH 16u

struct meaning {
	uint8_t signal;
	const char *what;
};

static const struct meaning meanings[32] = {
	[0] = { LINUX_SIGFPE, "integer division by zero or overflow" },
	[1] = { LINUX_SIGTRAP, "debug trap" },
	[3] = { LINUX_SIGTRAP, "breakpoint" },
	[4] = { LINUX_SIGSEGV, "overflow trap" },
	[5] = { LINUX_SIGSEGV, "bound range exceeded" },
	[6] = { LINUX_SIGILL, "illegal instruction" },
	[7] = { LINUX_SIGFPE, "no floating point unit" },
	[10] = { LINUX_SIGSEGV, "bad task state" },
	[11] = { LINUX_SIGBUS, "segment not present" },
	[12] = { LINUX_SIGBUS, "stack segment fault" },
	[13] = { LINUX_SIGSEGV, "privileged instruction or bad address" },
	[14] = { LINUX_SIGSEGV, "page fault" },
	[16] = { LINUX_SIGFPE, "floating point exception" },
	[17] = { LINUX_SIGBUS, "misaligned access" },
	[19] = { LINUX_SIGFPE, "SIMD floating point exception" },
	[21] = { LINUX_SIGSEGV, "control protection" },
};

/* In its text, or in ring 0. What the program does elsewhere in the upper
 * half is its own affair, as in entry.S. */
static bool from_kernel(const struct regs *r)
{
	return (r->rip >= KIT_PHYS_BASE + KIT_LOAD_GPA &&
		r->rip < KIT_PHYS_BASE + RODATA_GPA) ||
	       (r->cs & 3) != 3;
}

/* A debugger may know better: then it is tried again. */
static void die(struct regs *r, const struct siginfo *info, const char *what,
		uint64_t gva)
{
	unsigned signal = debug_signal(r, (unsigned)info->signo, info);

	if (signal)
		fault_die(r, signal, what, gva, info);
}

/* The program's handler if it has one and lets the signal in, else its end. */
static void raise(struct regs *r, const struct siginfo *info, const char *what,
		  uint64_t gva)
{
	struct signals *s = &thread_current()->signals;

	s->fault_gva = gva == FAULT_NOWHERE ? 0 : gva;
	s->fault_vector = r->vector;
	s->fault_error = r->error;
	if (signal_is_caught((unsigned)info->signo))
		signal_force(info);
	else
		die(r, info, what, gva);
}

static void page_fault(struct regs *r, uint64_t gva)
{
	unsigned access = r->error & PF_FETCH   ? VM_EXEC
			  : r->error & PF_WRITE ? VM_WRITE
						: VM_READ;
	struct siginfo info = { .signo = LINUX_SIGSEGV, .addr = gva };
	const char *why = "";
	char text[80];

	switch (vm_fault(gva, access)) {
	case VM_FAULT_FIXED:
		return;
	case VM_FAULT_NO_MEMORY:
		vm_no_memory(gva);
	case VM_FAULT_BEYOND:
		why = "beyond the end of the file";
		info.signo = LINUX_SIGBUS;
		info.code = BUS_ADRERR;
		break;
	case VM_FAULT_FORBIDDEN:
		info.code = SEGV_ACCERR;
		why = "not permitted";
		break;
	case VM_FAULT_UNMAPPED:
		info.code = SEGV_MAPERR;
		why = gva < VM_MIN ? "a null pointer" : "not mapped";
		break;
	}
	format(text, sizeof(text), "%s address %lx (%s)",
	       access == VM_EXEC    ? "executing"
	       : access == VM_WRITE ? "writing"
				    : "reading",
	       gva, why);
	raise(r, &info, text, gva);
}

/* si_code of a floating point exception, by the flags that are set and not
 * masked: invalid, denormal, division, overflow, underflow, precision. */
static int float_code(unsigned flags)
{
	if (flags & 1)
		return FPE_FLTINV;
	if (flags & 4)
		return FPE_FLTDIV;
	if (flags & 8)
		return FPE_FLTOVF;
	if (flags & 0x12)
		return FPE_FLTUND;
	return flags & 0x20 ? FPE_FLTRES : 0;
}

static int code_of(uint64_t vector)
{
	uint32_t mxcsr;
	uint16_t control, status;

	switch (vector) {
	case 0:
		return FPE_INTDIV;
	case 1:
		return TRAP_TRACE;
	case 6:
		return ILL_ILLOPN;
	case 16:
		__asm__ volatile("fnstcw %0\n\tfnstsw %1"
				 : "=m"(control), "=m"(status));
		return float_code(status & ~(unsigned)control);
	case 17:
		return BUS_ADRALN;
	case 19:
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return float_code(mxcsr & ~(mxcsr >> 7));
	default:
		return SI_KERNEL;
	}
}

void kit_trap(struct regs *r)
{
	const struct meaning *m = &meanings[r->vector & 31];
	uint64_t gva = kit_fault_gva;
	struct siginfo info = { .signo = m->signal };

	if (debug_trap(r))
		return;
	if (from_kernel(r))
		machine_panic("exception %lu error %lx at %lx address %lx",
			      r->vector, r->error, r->rip, gva);
	if (r->vector == VEC_PAGE_FAULT) {
		page_fault(r, gva);
		return;
	}
	if (!m->signal)
		machine_panic("exception %lu from the program at %lx",
			      r->vector, r->rip);
	info.code = code_of(r->vector);
	if (info.code != SI_KERNEL)
		info.addr = r->rip;
	raise(r, &info, m->what, FAULT_NOWHERE);
}
