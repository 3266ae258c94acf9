/* main.c: from the entry to the program's first instruction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/main.h"

#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/elf.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/stack.h"
#include "kernel/thread.h"
#include "lib/string.h"

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	struct elf_image image;
	struct regs r = { .cs = SEL_USER_CS,
			  .ss = SEL_USER_DS,
			  .rflags = RFLAGS_RING3 };

	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	str_copy(thread_current()->name, machine_program_name(),
		 THREAD_NAME_LEN);
	debug_init();
	elf_load(&image);
	r.rip = image.entry;
	r.rsp = stack_build(&image);
	debug_start(&r);
	machine_mark_main();
	kit_enter_regs(&r);
}
