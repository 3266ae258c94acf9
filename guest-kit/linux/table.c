/* table.c: from a system call's number to the function that does it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/startup.h"
#include "drivers/console.h"
#include "kernel/debug.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/sched.h"
#include "lib/format.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/strace.h"

#define NUMBERS 512

#define ENTRY(number, name) [number] = sys_##name,
static syscall_fn *const table[NUMBERS] = { SYSCALLS(ENTRY) };
#undef ENTRY

/* Says once for each number that the call is missing. */
static COLD void say_missing(uint64_t number)
{
	static uint8_t said[NUMBERS / 8];
	char text[64];

	if (!machine.verbose || number >= NUMBERS ||
	    (said[number / 8] & (1 << number % 8)))
		return;
	said[number / 8] |= (uint8_t)(1 << number % 8);
	format(text, sizeof(text), "mayfly: system call %lu is not supported\n",
	       number);
	console_print(text);
	console_push(CONSOLE_ERR);
}

#define RFLAGS_TF 0x100u

static int64_t call(struct regs *r, uint64_t number)
{
	if (number < NUMBERS && table[number])
		return table[number](r);
	say_missing(number);
	return -LINUX_ENOSYS;
}

static COLD int64_t call_traced(struct regs *r, uint64_t number)
{
	int64_t result;

	strace_call(r, number);
	result = call(r, number);
	strace_result(r, number, result);
	return result;
}

void kit_syscall(struct regs *r)
{
	uint64_t number = r->rax;

	r->rax = (uint64_t)(machine.flags & STARTUP_STRACE
				    ? call_traced(r, number)
				    : call(r, number));
	/* interrupted: signal_deliver says how it goes on */
	if (debug_on || (r->rax >= (uint64_t)-LINUX_ERESTARTNOHAND &&
			 r->rax <= (uint64_t)-LINUX_ERESTARTSYS))
		kit_work |= WORK_SIGNAL;
	else if (r->rflags & RFLAGS_TF) /* not before the next instruction */
		r->vector = VEC_IRQ;
}
