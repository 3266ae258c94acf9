/* trap.c: exceptions. A page fault may be a page to make; everything else is
 * a fatal signal for the program, or a bug of the kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/exit.h"
#include "kernel/fault.h"
#include "kernel/main.h"
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

static bool from_kernel(const struct regs *r)
{
	return r->rip >= KIT_PHYS_BASE || (r->cs & 3) != 3;
}

/* A debugger may know better: then it is tried again. */
static void die(struct regs *r, unsigned signal, const char *what, uint64_t gva)
{
	signal = debug_signal(r, signal, NULL);
	if (signal)
		fault_die(r, signal, what, gva, NULL);
}

static void page_fault(struct regs *r)
{
	uint64_t gva = kit_fault_gva;
	unsigned access = r->error & PF_FETCH   ? VM_EXEC
			  : r->error & PF_WRITE ? VM_WRITE
						: VM_READ;
	const char *why = "";
	unsigned signal = LINUX_SIGSEGV;
	char text[80];

	switch (vm_fault(gva, access)) {
	case VM_FAULT_FIXED:
		return;
	case VM_FAULT_NO_MEMORY:
		vm_no_memory(gva);
	case VM_FAULT_BEYOND:
		why = "beyond the end of the file";
		signal = LINUX_SIGBUS;
		break;
	case VM_FAULT_FORBIDDEN:
		why = "not permitted";
		break;
	case VM_FAULT_UNMAPPED:
		why = gva < VM_MIN ? "a null pointer" : "not mapped";
		break;
	}
	format(text, sizeof(text), "%s address %lx (%s)",
	       access == VM_EXEC    ? "executing"
	       : access == VM_WRITE ? "writing"
				    : "reading",
	       gva, why);
	die(r, signal, text, gva);
}

void kit_trap(struct regs *r)
{
	const struct meaning *m = &meanings[r->vector & 31];

	if (debug_trap(r))
		return;
	if (from_kernel(r))
		machine_panic("exception %lu error %lx at %lx address %lx",
			      r->vector, r->error, r->rip, kit_fault_gva);
	if (r->vector == VEC_PAGE_FAULT) {
		page_fault(r);
		return;
	}
	if (!m->signal)
		machine_panic("exception %lu from the program at %lx",
			      r->vector, r->rip);
	die(r, m->signal, m->what, 0);
}
