/* machine.c: reads the start info and the command line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/machine.h"

#include "abi/rootfs.h"
#include "abi/startup.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/page.h"
#include "lib/string.h"

struct machine machine;

/* Reads a number in C's notation and moves on. */
static uint64_t parse_number(const char **s)
{
	const char *p = *s;
	uint64_t value = 0;
	unsigned base = 10;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	for (;; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (base == 16 && (*p | 32) >= 'a' && (*p | 32) <= 'f')
			digit = (unsigned)((*p | 32) - 'a') + 10;
		else
			break;
		value = value * base + digit;
	}
	*s = p;
	return value;
}

/* SIZE@BASE:IRQ */
static void add_device(const char *s)
{
	struct machine_device *dev = &machine.device[machine.n_devices];
	uint64_t gpa;

	(void)parse_number(&s);
	if (*s == 'K' || *s == 'k')
		s++;
	if (*s++ != '@')
		return;
	gpa = parse_number(&s);
	if (*s++ != ':' || gpa >= KIT_PHYS_LEN ||
	    machine.n_devices == MACHINE_DEVICES_MAX)
		return;
	dev->gpa = (uint32_t)gpa;
	dev->gsi = (uint16_t)parse_number(&s);
	machine.n_devices++;
}

static const char *next_word(const char *s)
{
	while (*s && *s != ' ')
		s++;
	while (*s == ' ')
		s++;
	return s;
}

static bool is_separator(const char *s)
{
	return s[0] == '-' && s[1] == '-' && (s[2] == ' ' || !s[2]);
}

/* Virtio ids of the devices, in their order, separated by commas: saves
 * asking each. */
static void add_ids(const char *s)
{
	for (unsigned i = 0; i < MACHINE_DEVICES_MAX && *s && *s != ' '; i++) {
		machine.device[i].id = (uint16_t)parse_number(&s);
		if (*s == ',')
			s++;
		machine.n_ids = i + 1;
	}
}

/* After " -- " come the program's words, but for devices, which QEMU adds at
 * the very end. */
static void parse_cmdline(const char *s)
{
	const char *value;
	bool ours = true;

	for (; *s; s = next_word(s)) {
		if (is_separator(s))
			ours = false;
		else if ((value = str_after(s, "virtio_mmio.device=")))
			add_device(value);
		else if (!ours)
			continue;
		else if ((value = str_after(s, "mayfly.platform=")))
			machine.platform = parse_number(&value);
		else if ((value = str_after(s, "mayfly.ids=")))
			add_ids(value);
		else if ((value = str_after(s, "kit.exit=")))
			machine.exit_port = (uint16_t)parse_number(&value);
		else if (str_after(s, "kit.verbose"))
			machine.verbose = true;
	}
	if (machine.platform >= KIT_PHYS_LEN)
		machine.platform = 0;
}

/* The first module is the program, if there is one; the others say by their
 * first bytes what they are. One that starts with `magic` and has at least
 * `len` bytes. */
static const struct pvh_module *find_module(uint64_t magic, uint64_t len)
{
	const struct pvh_module *module = phys_ptr(machine.start->modules);

	for (unsigned i = 0; i < machine.start->n_modules; i++)
		if (module[i].len >= len &&
		    *(const uint64_t *)phys_ptr(module[i].gpa) == magic)
			return &module[i];
	return NULL;
}

static void find_rootfs(void)
{
	const struct pvh_module *module =
		find_module(ROOTFS_MAGIC, sizeof(struct rootfs_header));

	if (!module)
		return;
	machine.rootfs = module->gpa;
	machine.rootfs_len = module->len;
}

void machine_init(gpa_t start_info, uint64_t tsc_entry)
{
	const struct pvh_start_info *start = phys_ptr(start_info);
	struct cpuid_regs features;

	machine.tsc_entry = tsc_entry;
	machine.start = start;
	if (start->magic == PVH_MAGIC && start->cmdline &&
	    start->cmdline < KIT_PHYS_LEN)
		parse_cmdline(phys_ptr(start->cmdline));
	if (start->magic != PVH_MAGIC || start->version < 1 || !start->n_memmap)
		machine_panic("no PVH start info with a memory map");
	page_map_middle(start);
	features = cpuid(1, 0);
	machine.features_ecx = features.ecx;
	machine.features_edx = features.edx;
	if (start->n_modules) {
		const struct pvh_module *module = phys_ptr(start->modules);

		machine.program = module[0].gpa;
		machine.program_len = module[0].len;
	}
	find_rootfs();
}

static bool read_startup_block(void)
{
	const struct startup_block *block;
	const struct pvh_module *module =
		find_module(STARTUP_MAGIC, sizeof(*block));
	uint64_t n = 0, i;

	if (!module)
		return false;
	block = phys_ptr(module->gpa);
	if (block->len > module->len || block->strings_off > block->len)
		return false;
	machine.strings = (const char *)block + block->strings_off;
	machine.strings_len = block->len - block->strings_off;
	for (i = 0; i < machine.strings_len && n < block->argc + block->envc;
	     i++)
		n += !machine.strings[i];
	if (n < (uint64_t)block->argc + block->envc)
		return false;
	machine.strings_len = i;
	machine.argc = block->argc;
	machine.envc = block->envc;
	machine.flags = block->flags;
	if (block->flags & STARTUP_VERBOSE)
		machine.verbose = true;
	return true;
}

/* The words after " -- " as strings in a page of their own. */
static void read_cmdline_words(void)
{
	const char *s =
		machine.start->cmdline ? phys_ptr(machine.start->cmdline) : "";
	char *const start = page_alloc(), *out = start, *end;

	if (!start)
		machine_panic("no memory for the arguments");
	end = start + PAGE_LEN;
	memcpy(out, "program", 8);
	out += 8;
	machine.argc = 1;
	while (*s && !is_separator(s))
		s = next_word(s);
	if (*s)
		s = next_word(s);
	for (; *s && out + 2 <= end; s = next_word(s)) {
		if (str_after(s, "virtio_mmio.device="))
			continue;
		for (const char *p = s; *p && *p != ' ' && out + 1 < end;)
			*out++ = *p++;
		*out++ = 0;
		machine.argc++;
	}
	machine.strings = start;
	machine.strings_len = (uint64_t)(out - start);
}

void machine_read_arguments(void)
{
	if (!read_startup_block())
		read_cmdline_words();
}

const char *machine_program_name(void)
{
	const char *name = machine.argc ? machine.strings : "";

	for (const char *s = name; *s; s++)
		if (*s == '/' && s[1])
			name = s + 1;
	return *name ? name : "program";
}
