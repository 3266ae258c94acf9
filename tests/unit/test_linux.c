/* test_linux.c: bzImage and vmlinux by the 64-bit protocol. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "boot/boot.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct elf_make image;
static struct gmem mem;
static struct boot_entry entry;
static struct err err;

static struct criterion_test_params rows(size_t n)
{
	static unsigned row[64];

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = i;
	cr_assert_leq(n, ARRAY_SIZE(row));
	return cr_make_param_array(unsigned, row, n);
}

static int load(uint64_t len, enum boot_kind kind,
		const struct boot_src *initrd, const char *cmdline)
{
	struct boot_config cfg = {
		.image = elf_make_src(&image, "img"),
		.initrd = initrd,
		.kind = kind,
		.cmdline = cmdline,
		.n_cpus = 1,
	};

	err = (struct err){ 0 };
	cr_assert_eq(gmem_init(&mem, len, &err), 0);
	return boot_load(&cfg, &mem, &entry, &err);
}

static uint64_t get(gpa_t gpa, unsigned len)
{
	uint64_t v = 0;

	cr_assert_eq(gmem_read(&mem, gpa, &v, len), 0, "%#llx",
		     (unsigned long long)gpa);
	return v;
}

static void set(size_t off, uint64_t v, unsigned len)
{
	memcpy(image.bytes + off, &v, len);
}

static void setup(void)
{
	elf_make_bzimage(&image);
}

Test(x86_linux, bzimage_is_entered_at_0x200, .init = setup, .timeout = 5)
{
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, "quiet"), 0, "%s",
		     err.msg);
	cr_assert_eq(entry.kind, BOOT_LINUX);
	cr_assert_eq(entry.mode, BOOT_MODE_LINUX64);
	cr_assert_eq(entry.rip, 16 * MIB + 0x200);
	cr_assert_eq(get(16 * MIB, 1), 0x90, "first byte of the code");
	cr_assert_eq(get(16 * MIB + 0xfff, 1), 0x90, "last byte of the code");
	cr_assert_eq(get(16 * MIB + 0x1000, 1), 0, "nothing behind it");
	gmem_fini(&mem);
}

Test(x86_linux, boot_params_are_filled, .init = setup, .timeout = 5)
{
	char line[20] = { 0 };
	gpa_t bp;

	set(0x211, 0x83, 1); /* loadflags: LOADED_HIGH KASLR CAN_USE_HEAP */
	set(0x250, 0x1234, 8);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, "quiet"), 0, "%s",
		     err.msg);
	bp = entry.rsi;
	cr_assert_eq(bp % PAGE_LEN, 0);
	cr_assert_eq(get(bp + 0x1ef, 1), 0, "sentinel");
	cr_assert_eq(get(bp + 0x1fe, 2), 0xaa55);
	cr_assert_eq(get(bp + 0x202, 4), 0x53726448);
	cr_assert_eq(get(bp + 0x206, 2), 0x20f);
	cr_assert_eq(get(bp + 0x210, 1), 0xff, "type_of_loader");
	cr_assert_eq(get(bp + 0x211, 1), 0x81, "KASLR_FLAG is cleared");
	cr_assert_eq(get(bp + 0x214, 4), 16 * MIB, "code32_start");
	cr_assert_eq(get(bp + 0x218, 4), 0, "no initrd");
	cr_assert_eq(get(bp + 0x250, 8), 0, "setup_data");
	cr_assert_eq(get(bp + 0x0c8, 4), 0, "ext_cmd_line_ptr");
	cr_assert_eq(gmem_read(&mem, get(bp + 0x228, 4), line, 15), 0);
	cr_assert_str_eq(line, "reboot=a quiet");
	cr_assert_eq(get(get(bp + 0x70, 8), 8), 0x2052545020445352,
		     "RSD PTR at acpi_rsdp_addr");
	gmem_fini(&mem);
}

Test(x86_linux, header_length_is_respected, .init = setup, .timeout = 5)
{
	set(0x201, 0x264 - 0x202, 1);
	set(0x264, 0xabcdef, 4); /* behind the header: code of the stub */
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rsi + 0x264, 4), 0);
	cr_assert_eq(get(entry.rsi + 0x260, 4), 0x200000);
	gmem_fini(&mem);
	set(0x201, 0xff, 1);
	memset(image.bytes + 0x264, 0xee, 0x200);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rsi + 0x28c, 4), 0xeeeeeeee);
	cr_assert_eq(get(entry.rsi + 0x290, 4), 0, "not over the next field");
	gmem_fini(&mem);
}

Test(x86_linux, e820_covers_memory_around_the_hole, .init = setup, .timeout = 5)
{
	uint64_t ram = 0;
	gpa_t e;

	cr_assert_eq(load(5 * GIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	e = entry.rsi + 0x2d0;
	cr_assert_eq(get(entry.rsi + 0x1e8, 1), 7);
	for (unsigned i = 0; i < 7; i++, e += 20)
		ram += get(e + 16, 4) == 1 ? get(e + 8, 8) : 0;
	cr_assert_eq(get(e - 20, 8), 4 * GIB);
	cr_assert_eq(ram, 5 * GIB - (MIB - 0x9fc00));
	gmem_fini(&mem);
}

Test(x86_linux, low_4_gib_are_mapped_one_to_one, .init = setup, .timeout = 5)
{
	static const uint64_t gpas[] = { 0,       0x1000,  16 * MIB,
					 GIB - 1, 3 * GIB, 4 * GIB - 1 };

	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	for (size_t i = 0; i < ARRAY_SIZE(gpas); i++) {
		uint64_t e = get(entry.cr3, 8);

		cr_assert_eq(e & 0xfff, 3);
		e = get((e & ~0xfffULL) + (gpas[i] >> 30) * 8, 8);
		cr_assert_eq(e & 0xfff, 3);
		e = get((e & ~0xfffULL) + (gpas[i] >> 21 & 511) * 8, 8);
		cr_assert_eq(e, (gpas[i] & ~0x1fffffULL) | 0x83);
	}
	cr_assert_eq(get(entry.cr3 + 8, 8), 0);
	gmem_fini(&mem);
}

Test(x86_linux, gdt_has_boot_cs_and_ds, .init = setup, .timeout = 5)
{
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.gdt_limit, 31);
	cr_assert_eq(get(entry.gdt, 8), 0);
	cr_assert_eq(get(entry.gdt + 0x10, 8), 0x00af9b000000ffff);
	cr_assert_eq(get(entry.gdt + 0x18, 8), 0x00cf93000000ffff);
	cr_assert_gt(entry.rsp, entry.gdt + 32);
	gmem_fini(&mem);
}

Test(x86_linux, initrd_below_initrd_addr_max, .init = setup, .timeout = 5)
{
	static uint8_t bytes[5000];
	struct boot_src initrd = { "i", bytes, sizeof(bytes), -1 };

	memset(bytes, 0x5a, sizeof(bytes));
	set(0x22c, 40 * MIB - 1, 4);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, &initrd, ""), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rsi + 0x218, 4), 40 * MIB - 2 * PAGE_LEN);
	cr_assert_eq(get(entry.rsi + 0x21c, 4), 5000);
	cr_assert_eq(get(40 * MIB - 2 * PAGE_LEN + 4999, 1), 0x5a);
	gmem_fini(&mem);
	set(0x22c, UINT32_MAX, 4);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, &initrd, ""), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rsi + 0x218, 4), 64 * MIB - 2 * PAGE_LEN);
	gmem_fini(&mem);
	cr_assert_eq(load(5 * GIB, BOOT_AUTO, &initrd, ""), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rsi + 0x218, 4), 3 * GIB - 2 * PAGE_LEN);
	gmem_fini(&mem);
}

Test(x86_linux, initrd_without_room, .init = setup, .timeout = 5)
{
	static uint8_t bytes[16 * MIB];
	struct boot_src initrd = { "i", bytes, sizeof(bytes), -1 };

	cr_assert_eq(load(20 * MIB, BOOT_AUTO, &initrd, ""), -ENOMEM);
	cr_assert_str_eq(err.msg, "img: initrd i: it needs 34 MiB of guest "
				  "memory, there are 20 MiB");
	gmem_fini(&mem);
	set(0x22c, 20 * MIB - 1, 4);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, &initrd, ""), -ENOMEM);
	cr_assert(strstr(err.msg, "do not fit in guest memory below 0x1400000"),
		  "%s", err.msg);
	gmem_fini(&mem);
}

Test(x86_linux, alignment_moves_a_relocatable_kernel, .init = setup,
     .timeout = 5)
{
	set(0x258, 16 * MIB + 5, 8);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.rip, 18 * MIB + 0x200);
	gmem_fini(&mem);
	set(0x234, 0, 1);
	set(0x258, 17 * MIB, 8);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.rip, 17 * MIB + 0x200);
	gmem_fini(&mem);
}

/* "reboot=a " comes before the user's words. */
#define OURS 9

Test(x86_linux, kernel_limits_its_command_line, .init = setup, .timeout = 5)
{
	static char line[300];

	memset(line, 'a', 255 - OURS);
	set(0x238, 255, 4);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, line), 0, "%s", err.msg);
	gmem_fini(&mem);
	line[255 - OURS] = 'a';
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, line), -E2BIG);
	cr_assert(strstr(err.msg, "of 256 bytes"), "%s", err.msg);
	cr_assert(strstr(err.msg, "at most 255"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(x86_linux, our_limit_caps_the_kernels, .init = setup, .timeout = 5)
{
	static char line[BOOT_CMDLINE_MAX + 1];

	memset(line, 'a', BOOT_CMDLINE_MAX - 1 - OURS);
	set(0x238, UINT32_MAX, 4);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, line), 0, "%s", err.msg);
	gmem_fini(&mem);
	line[BOOT_CMDLINE_MAX - 1 - OURS] = 'a';
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, line), -E2BIG);
	gmem_fini(&mem);
}

Test(x86_linux, syssize_may_round_up, .init = setup, .timeout = 5)
{
	image.len -= 15;
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	gmem_fini(&mem);
	image.len -= 1;
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), -ENOEXEC);
	cr_assert(strstr(err.msg, "truncated: the kernel is 4096 bytes at "
				  "offset 1024, the file has 5104 bytes"),
		  "%s", err.msg);
	gmem_fini(&mem);
}

struct bad {
	const char *why, *says;
	size_t off, len;
	uint64_t v;
	int code;
};

static const struct bad bads[] = {
	{ "old protocol", "boot protocol 2.11", 0x206, 2, 0x20b, -ENOEXEC },
	{ "short header", "its setup header ends at 0x263", 0x201, 1, 0x61,
	  -ENOEXEC },
	{ "32-bit", "a 32-bit Linux kernel", 0x236, 2, 0x7e, -ENOEXEC },
	{ "code beyond the file", "truncated: the kernel is", 0x1f4, 4, 0x101,
	  -ENOEXEC },
	{ "most code", "truncated", 0x1f4, 4, UINT32_MAX, -ENOEXEC },
	{ "no code", "too short for a 64-bit entry", 0x1f4, 4, 0, -ENOEXEC },
	{ "code up to the entry", "too short", 0x1f4, 4, 0x20, -ENOEXEC },
	{ "setup beyond the file", "truncated", 0x1f1, 1, 0xff, -ENOEXEC },
	{ "alignment 0", "alignment 0", 0x230, 4, 0, -ENOEXEC },
	{ "alignment 3", "alignment 0x3", 0x230, 4, 3, -ENOEXEC },
	{ "alignment 2 GiB", "alignment", 0x230, 4, 1U << 31, -ENOEXEC },
	{ "wants the hole", "it wants to be at 0xc0000000", 0x258, 8,
	  0xc0000000, -ENOEXEC },
	{ "wants the end", "it wants to be", 0x258, 8, UINT64_MAX, -ENOEXEC },
	{ "rounds into the hole", "devices are there", 0x258, 8, 0xbfffffff,
	  -ENOEXEC },
	{ "at 0", "overlaps", 0x258, 8, 0, -ENOEXEC },
	{ "needs 4 GiB", "devices are there", 0x260, 4, UINT32_MAX, -ENOEXEC },
	{ "needs 1 GiB",
	  "the kernel needs 1040 MiB of guest memory, there "
	  "are 64 MiB",
	  0x260, 4, 1U << 30, -ENOMEM },
	{ "line size 0 takes only nothing", "at most 0", 0x238, 4, 0, -E2BIG },
};

ParameterizedTestParameters(x86_linux, refuses)
{
	return rows(ARRAY_SIZE(bads));
}

ParameterizedTest(const unsigned *row, x86_linux, refuses, .init = setup,
		  .timeout = 5)
{
	const struct bad *b = &bads[*row];

	set(b->off, b->v, (unsigned)b->len);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, "x"), b->code, "%s: %s",
		     b->why, err.msg);
	cr_assert(strstr(err.msg, b->says), "%s: %s", b->why, err.msg);
	gmem_fini(&mem);
}

Test(x86_linux, cut_anywhere_is_refused, .init = setup, .timeout = 30)
{
	size_t whole = image.len;

	for (size_t len = 0; len < whole - 15; len += 7) {
		image.len = len;
		cr_assert_eq(load(32 * MIB, BOOT_AUTO, NULL, ""), -ENOEXEC,
			     "%zu", len);
		gmem_fini(&mem);
	}
}

Test(x86_linux, init_size_too_small_is_raised, .init = setup, .timeout = 5)
{
	static uint8_t bytes[4096];
	struct boot_src initrd = { "i", bytes, sizeof(bytes), -1 };

	set(0x260, 0, 4);
	set(0x22c, 16 * MIB + 0x17ff, 4);
	/* right behind the 0x1000 bytes of code would not be page-aligned */
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, &initrd, ""), 0, "%s", err.msg);
	cr_assert_lt(get(entry.rsi + 0x218, 4), 16 * MIB);
	gmem_fini(&mem);
}

Test(x86_linux, vmlinux_without_pvh_note, .timeout = 5)
{
	elf_make_vmlinux(&image);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, "quiet"), 0, "%s",
		     err.msg);
	cr_assert_eq(entry.kind, BOOT_LINUX);
	cr_assert_eq(entry.mode, BOOT_MODE_LINUX64);
	cr_assert_eq(entry.rip, 0x1000000);
	cr_assert_eq(get(entry.rsi + 0x202, 4), 0x53726448);
	cr_assert_eq(get(entry.rsi + 0x210, 1), 0xff);
	gmem_fini(&mem);
}

Test(x86_linux, vmlinux_with_a_virtual_entry, .timeout = 5)
{
	elf_make_vmlinux(&image);
	elf_make_ehdr(&image)->e_entry = 0xffffffff81000040;
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.rip, 0x1000040);
	gmem_fini(&mem);
}

Test(x86_linux, vmlinux_entry_outside, .timeout = 5)
{
	static const uint64_t at[] = { 0x1004000, 0xffffffff80fff000,
				       UINT64_MAX, 0, 1ULL << 32 };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		elf_make_vmlinux(&image);
		elf_make_ehdr(&image)->e_entry = at[i];
		cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), -ENOEXEC);
		cr_assert(strstr(err.msg, "is in no segment"), "%s", err.msg);
		gmem_fini(&mem);
	}
}

Test(x86_linux, linux_can_be_forced_on_a_pvh_vmlinux, .timeout = 5)
{
	uint32_t pvh = 0x1000010;

	elf_make_vmlinux(&image);
	elf_make_note(&image, "Xen", 18, &pvh, sizeof(pvh));
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.mode, BOOT_MODE_PVH);
	cr_assert_eq(entry.rip, pvh);
	gmem_fini(&mem);
	cr_assert_eq(load(64 * MIB, BOOT_LINUX, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.mode, BOOT_MODE_LINUX64);
	cr_assert_eq(entry.rip, 0x1000000);
	gmem_fini(&mem);
}

Test(x86_linux, vmlinux_line_limit, .timeout = 5)
{
	static char line[2100];

	memset(line, 'a', 2048);
	elf_make_vmlinux(&image);
	cr_assert_eq(load(64 * MIB, BOOT_AUTO, NULL, line), -E2BIG);
	cr_assert(strstr(err.msg, "at most 2047"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(x86_linux, memory_below_1_mib_has_no_room_for_tables, .init = setup,
     .timeout = 5)
{
	cr_assert_eq(load(0x9f000, BOOT_AUTO, NULL, ""), -ENOMEM);
	gmem_fini(&mem);
	cr_assert_eq(load(0xb0000, BOOT_AUTO, NULL, ""), -ENOMEM);
	cr_assert(strstr(err.msg, "need 1 MiB"), "%s", err.msg);
	gmem_fini(&mem);
}
