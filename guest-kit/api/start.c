/* start.c: a program that is linked with the kit: from the entry to its main.
 * In the place of kernel/main.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/main.h"

#include "kernel/exit.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "lib/string.h"

#define STACK_PAGES 64 /* mayfly.h says so */

int main(int argc, char **argv, char **envp);

static char **strings;

/* On the program's own stack. */
static NORETURN void run(void)
{
	machine_mark_main();
	machine_exit((unsigned)main((int)machine.argc, strings,
				    strings + machine.argc + 1));
}

/* Pointers to the arguments, NULL, to the environment, NULL. */
static char **list_strings(void)
{
	const uint64_t n = (uint64_t)machine.argc + machine.envc;
	char **list = kmem_alloc((n + 2) * sizeof(char *));
	uint64_t at = 0;
	/* the block is the program's own copy */
	char *text = phys_ptr(phys_of(machine.strings));

	for (uint64_t i = 0; list && i < n; i++) {
		list[i + (i >= machine.argc)] = text + at;
		at += strlen(text + at) + 1;
	}
	return list;
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	uint8_t *stack;

	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	strings = list_strings();
	stack = page_alloc_run(STACK_PAGES);
	if (!strings || !stack)
		machine_noexec("out of guest memory (%lu KiB in all)",
			       page_count_total() * 4);
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call *%1"
			 :
			 : "r"(stack + STACK_PAGES * PAGE_LEN), "r"(run)
			 : "memory");
	__builtin_unreachable();
}
