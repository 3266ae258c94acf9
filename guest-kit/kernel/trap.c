/* trap.c: exceptions. A page fault may be a page to make; everything else is
 * a fatal signal for the program, or a bug of the kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/cpu.h"
#include "kernel/elf.h"
#include "kernel/exit.h"
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

static void print_registers(const struct regs *r)
{
	const struct {
		const char *name;
		uint64_t value;
	} list[] = {
		{ "rip", r->rip }, { "rsp", r->rsp }, { "rflags", r->rflags },
		{ "rax", r->rax }, { "rbx", r->rbx }, { "rcx", r->rcx },
		{ "rdx", r->rdx }, { "rsi", r->rsi }, { "rdi", r->rdi },
		{ "rbp", r->rbp }, { "r8", r->r8 },   { "r9", r->r9 },
		{ "r10", r->r10 }, { "r11", r->r11 }, { "r12", r->r12 },
		{ "r13", r->r13 }, { "r14", r->r14 }, { "r15", r->r15 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(list); i++) {
		char text[40];

		format(text, sizeof(text), "  %-6s %016lx%s", list[i].name,
		       list[i].value, i % 3 == 2 ? "\n" : "");
		console_print(text);
	}
}

static void print_stack(uint64_t rsp)
{
	rsp &= ~7ull;
	for (unsigned i = 0; i < 16; i++, rsp += 8) {
		char text[40];

		if (!vm_user_ok(rsp, 8, VM_READ))
			break;
		if (i % 4 == 0) {
			format(text, sizeof(text), "  %016lx:", rsp);
			console_print(text);
		}
		format(text, sizeof(text), " %016lx%s",
		       *(const uint64_t *)user_ptr(rsp),
		       i % 4 == 3 ? "\n" : "");
		console_print(text);
	}
}

/* One page on standard error: what happened, where, with what. */
static NORETURN COLD void die(const struct regs *r, unsigned signal,
			      const char *what, uint64_t gva)
{
	uint64_t offset = 0;
	const char *symbol = elf_symbol(r->rip, &offset);
	char text[160], where[100] = "";

	if (symbol)
		format(where, sizeof(where), " in %s+0x%lx", symbol, offset);
	format(text, sizeof(text), "%s: %s at rip %lx%s", signal_name(signal),
	       what, r->rip, where);
	console_print("\nmayfly: the program died of ");
	console_print(text);
	console_print("\n");
	print_registers(r);
	console_print("stack:\n");
	print_stack(r->rsp);
	machine_signal(signal, gva, r, text);
}

static void page_fault(const struct regs *r)
{
	uint64_t gva = kit_fault_gva;
	unsigned access = r->error & PF_FETCH   ? VM_EXEC
			  : r->error & PF_WRITE ? VM_WRITE
						: VM_READ;
	char text[80];

	switch (vm_fault(gva, access)) {
	case VM_FAULT_FIXED:
		return;
	case VM_FAULT_NO_MEMORY:
		die(r, LINUX_SIGKILL, "out of guest memory", gva);
	case VM_FAULT_BAD:
		break;
	}
	format(text, sizeof(text), "%s address %lx (%s)",
	       access == VM_EXEC    ? "executing"
	       : access == VM_WRITE ? "writing"
				    : "reading",
	       gva,
	       gva < VM_MIN                      ? "a null pointer"
	       : vm_is_mapped(page_down(gva), 1) ? "not permitted"
						 : "not mapped");
	die(r, LINUX_SIGSEGV, text, gva);
}

void kit_trap(struct regs *r)
{
	const struct meaning *m = &meanings[r->vector & 31];

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
