/* kit_shim.c: what the kernel's memory part asks of the rest of the kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kit_shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "drivers/console.h"
#include "fs/fs.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "linux/file.h"

struct machine machine;
uint64_t kit_pml4[512], kit_pdpt[512];
/* Of size 0, and far away from all that is allocated */
char kit_image[1], kit_image_end[1], kit_first_pages[1];
extern char kit_first_pages_end[1] __attribute__((alias("kit_first_pages")));

jmp_buf kit_ended;
char kit_last_words[200];
unsigned kit_flushes;

void kit_boot(uint64_t ram)
{
	uint8_t *base = mmap(phys_ptr(0), ram, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				     MAP_FIXED_NOREPLACE,
			     -1, 0);
	struct pvh_start_info *start = phys_ptr(0x1000);
	struct pvh_range *map = phys_ptr(0x1100);

	if (base != phys_ptr(0))
		abort();
	map[0] = (struct pvh_range){ .gpa = 0,
				     .len = 0x9f000,
				     .type = PVH_RANGE_RAM };
	map[1] = (struct pvh_range){ .gpa = 0x100000,
				     .len = ram - 0x100000,
				     .type = PVH_RANGE_RAM };
	*start = (struct pvh_start_info){ .memmap = 0x1100, .n_memmap = 2 };
	machine.start = start;
	machine.platform = 1; /* RAM is zero */
	page_init();
}

uint64_t kit_service(uint64_t a, uint64_t b, unsigned service)
{
	(void)a;
	(void)b;
	kit_flushes += service == SVC_FLUSH;
	return 0;
}

void machine_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(kit_last_words, sizeof(kit_last_words), fmt, ap);
	va_end(ap);
	longjmp(kit_ended, 1);
}

void machine_signal(unsigned signal, uint64_t fault_gva,
		    const struct regs *regs, const char *text)
{
	(void)fault_gva;
	(void)regs;
	(void)snprintf(kit_last_words, sizeof(kit_last_words), "%u %s", signal,
		       text);
	longjmp(kit_ended, 1);
}

void console_print(const char *text)
{
	(void)text;
}

struct file *file_get(struct file *f)
{
	return f;
}

void file_put(struct file *f)
{
	(void)f;
}

uint64_t fs_file_path(struct file *f, char *buf, uint64_t room)
{
	(void)f;
	return (uint64_t)snprintf(buf, room, "/file");
}

uint64_t fs_program_path(char *buf, uint64_t room)
{
	return (uint64_t)snprintf(buf, room, "/program");
}
