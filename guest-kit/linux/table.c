/* table.c: from a system call's number to the function that does it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/sched.h"
#include "lib/format.h"
#include "linux/calls.h"
#include "linux/errno.h"

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

void kit_syscall(struct regs *r)
{
	uint64_t number = r->rax;

	if (number < NUMBERS && table[number]) {
		r->rax = (uint64_t)table[number](r);
	} else {
		say_missing(number);
		r->rax = (uint64_t)-LINUX_ENOSYS;
	}
	/* interrupted: signal_deliver says how it goes on */
	if (r->rax >= (uint64_t)-LINUX_ERESTARTNOHAND &&
	    r->rax <= (uint64_t)-LINUX_ERESTARTSYS)
		kit_work |= WORK_SIGNAL;
	if (r->rflags & RFLAGS_TF) /* not before the program's next step */
		r->vector = VEC_IRQ;
}
