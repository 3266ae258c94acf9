/* test_pvh.c: start info, memory map, modules, entry registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "boot/boot.h"
#include "boot/memmap.h"
#include "boot/place.h"
#include "guest-kit/include/abi/direct.h"
#include "guest-kit/include/abi/startup.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct elf_make image;
static struct gmem mem;
static struct boot_entry entry;
static struct err err;

static int load(uint64_t len, enum boot_kind kind,
		const struct boot_src *initrd, const char *cmdline)
{
	struct boot_config cfg = {
		.image = elf_make_src(&image, "img"),
		.initrd = initrd,
		.kind = kind,
		.cmdline = cmdline,
		.n_cpus = 2,
		.n_devices = 1,
	};

	err = (struct err){ 0 };
	cr_assert_eq(gmem_init(&mem, len, &err), 0);
	return boot_load(&cfg, &mem, &entry, &err);
}

static uint64_t get(gpa_t gpa, unsigned len)
{
	uint64_t v = 0;

	cr_assert_eq(gmem_read(&mem, gpa, &v, len), 0);
	return v;
}

Test(pvh, start_info_is_version_1, .timeout = 5)
{
	char line[100] = { 0 };
	uint64_t first;

	elf_make_pvh(&image);
	cr_assert_eq(load(16 * MIB, BOOT_AUTO, NULL, "quiet"), 0, "%s",
		     err.msg);
	cr_assert_eq(entry.mode, BOOT_MODE_PVH);
	cr_assert_eq(entry.kind, BOOT_PVH);
	cr_assert_eq(entry.rip, 0x100000);
	cr_assert_eq(get(entry.rbx, 4), 0x336ec578);
	cr_assert_eq(get(entry.rbx + 4, 4), 1);
	cr_assert_eq(get(entry.rbx + 8, 4), 0, "flags");
	cr_assert_eq(get(entry.rbx + 12, 4), 0, "modules");
	cr_assert_eq(get(entry.rbx + 16, 8), 0, "module list");
	cr_assert_eq(gmem_read(&mem, get(entry.rbx + 24, 8), line, 99), 0);
	cr_assert_str_eq(line, "quiet virtio_mmio.device=4K@0xc0001000:5");
	first = get(entry.rbx + 40, 8);
	cr_assert_gt(get(entry.rbx + 48, 4), 2, "memory map entries");
	cr_assert_eq(get(first, 8), 0);
	cr_assert_eq(get(first + 8, 8), 0x9fc00);
	cr_assert_eq(get(first + 16, 4), 1);
	cr_assert_eq(get(0x100000, 1), 0x90, "the segment is there");
	cr_assert_eq(get(0x100100, 1), 0, "the rest of it is zero");
	gmem_fini(&mem);
}

Test(pvh, initrd_is_module_0_at_the_top, .timeout = 5)
{
	static uint8_t bytes[5000];
	struct boot_src initrd = { "initrd", bytes, sizeof(bytes), -1 };
	uint64_t mod;

	memset(bytes, 0x5a, sizeof(bytes));
	elf_make_pvh(&image);
	cr_assert_eq(load(16 * MIB, BOOT_PVH, &initrd, ""), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rbx + 12, 4), 1);
	mod = get(entry.rbx + 16, 8);
	cr_assert_eq(get(mod, 8), 16 * MIB - 2 * PAGE_LEN);
	cr_assert_eq(get(mod + 8, 8), sizeof(bytes));
	cr_assert_eq(get(get(mod, 8) + 4999, 1), 0x5a);
	gmem_fini(&mem);
}

Test(pvh, initrd_avoids_a_segment_at_the_top, .timeout = 5)
{
	static uint8_t bytes[5000];
	struct boot_src initrd = { "initrd", bytes, sizeof(bytes), -1 };

	elf_make_pvh(&image);
	(void)elf_make_load(&image, 0, 16 * MIB - PAGE_LEN, 8, PAGE_LEN, 1);
	cr_assert_eq(load(16 * MIB, BOOT_PVH, &initrd, ""), 0, "%s", err.msg);
	cr_assert_eq(get(get(entry.rbx + 16, 8), 8), 16 * MIB - 3 * PAGE_LEN);
	gmem_fini(&mem);
}

Test(pvh, initrd_that_does_not_fit, .timeout = 5)
{
	static uint8_t bytes[2 * MIB];
	struct boot_src initrd = { "/i", bytes, sizeof(bytes), -1 };

	elf_make_pvh(&image);
	cr_assert_eq(load(2 * MIB, BOOT_PVH, &initrd, ""), -ENOMEM);
	cr_assert_str_eq(err.msg, "img: initrd /i: it needs 4 MiB of guest "
				  "memory, there are 2 MiB");
	gmem_fini(&mem);
}

Test(pvh, initrd_larger_than_any_low_memory, .timeout = 5)
{
	struct boot_src initrd = { "/i", NULL, UINT64_MAX, -1 };

	elf_make_pvh(&image);
	cr_assert_eq(load(2 * MIB, BOOT_PVH, &initrd, ""), -ENOMEM);
	cr_assert(strstr(err.msg, "do not fit"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(pvh, initrd_truncated_meanwhile, .timeout = 5)
{
	int fd = memfd_create("short", 0);
	struct boot_src initrd = { "/i", NULL, 5000, fd };

	cr_assert_geq(fd, 0);
	elf_make_pvh(&image);
	cr_assert_eq(load(2 * MIB, BOOT_PVH, &initrd, ""), -ENOEXEC);
	cr_assert(strstr(err.msg, "truncated"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(pvh, linux_by_pvh_gets_linux_line_limit, .timeout = 5)
{
	static char line[3000];

	memset(line, 'a', 2100);
	elf_make_pvh(&image);
	cr_assert_eq(load(2 * MIB, BOOT_PVH, NULL, line), 0, "%s", err.msg);
	gmem_fini(&mem);
	elf_make_note(&image, "Xen", 6, "linux", 6);
	cr_assert_eq(load(2 * MIB, BOOT_PVH, NULL, line), -E2BIG);
	cr_assert(strstr(err.msg, "at most 2047"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(pvh, direct_note_by_default, .timeout = 5)
{
	struct direct_note n;

	elf_make_kit(&image);
	cr_assert_eq(load(2 * MIB, BOOT_AUTO, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.mode, BOOT_MODE_DIRECT);
	cr_assert_eq(entry.kind, BOOT_PVH);
	memcpy(&n, entry.direct, sizeof(n));
	cr_assert_eq(n.cr3, 0x101000);
	cr_assert_eq(entry.cr3, n.cr3);
	cr_assert_eq(entry.rip, n.rip);
	cr_assert_eq(entry.rsp, n.rsp);
	cr_assert_eq(get(entry.rdi, 4), 0x336ec578);
	gmem_fini(&mem);
}

/* The kit's direct note: arguments come in a module, or behind "--". */
Test(pvh, linked_with_the_kit_gets_arguments, .timeout = 5)
{
	static char arg0[] = "guest", arg1[] = "x";
	char *const argv[] = { arg0, arg1, NULL };
	struct boot_config cfg = {
		.cmdline = "",
		.n_cpus = 1,
		.argv = argv,
	};
	gpa_t module, line;
	char text[64];

	elf_make_kit(&image);
	cfg.image = elf_make_src(&image, "img");
	for (int i = 0; i < 3; i++) {
		static const char *const lines[] = { "", "a -- b",
						     "mayfly.platform=7" };
		static const char *const want[] = {
			"mayfly.platform=0xc0000000",
			"a mayfly.platform=0xc0000000 -- b", "mayfly.platform=7"
		};

		cfg.cmdline = lines[i];
		err = (struct err){ 0 };
		cr_assert_eq(gmem_init(&mem, 2 * MIB, &err), 0);
		cr_assert_eq(boot_load(&cfg, &mem, &entry, &err), 0, "%s",
			     err.msg);
		line = get(entry.rdi + 24, 8);
		cr_assert_eq(gmem_read(&mem, line, text, sizeof(text)), 0);
		cr_expect_str_eq(text, want[i]);
		cr_expect_eq(get(entry.rdi + 12, 4), i == 1 ? 0 : 1);
		module = get(entry.rdi + 16, 8);
		if (i != 1)
			cr_expect_eq(get(get(module, 8), 8), STARTUP_MAGIC);
		gmem_fini(&mem);
	}
}

Test(pvh, direct_note_is_ignored_when_pvh_is_asked, .timeout = 5)
{
	elf_make_kit(&image);
	cr_assert_eq(load(2 * MIB, BOOT_PVH, NULL, ""), 0, "%s", err.msg);
	cr_assert_eq(entry.mode, BOOT_MODE_PVH);
	gmem_fini(&mem);
}

/* Each makes the note unusable; the PVH note is used then. */
static void spoil(struct direct_note *n, unsigned how)
{
	switch (how) {
	case 0:
		n->version = 2;
		break;
	case 1:
		n->cr3 += 8;
		break;
	case 2:
		n->cr3 = 2 * MIB;
		break;
	case 3:
		n->cr3 = UINT64_MAX & ~4095ULL;
		break;
	case 4:
		n->cs = 3;
		break;
	case 5:
		n->ss = 0x28;
		break;
	case 6:
		n->rip = 1ULL << 47;
		break;
	case 7:
		n->rsp = 1ULL << 63;
		break;
	case 8:
		n->gdt = 0xffff7fffffffffff;
		break;
	case 9:
		n->clock_gpa = 2 * MIB - 28;
		break;
	case 10:
		n->clock_gpa = 0x101801;
		break;
	case 11:
		n->wall_clock_gpa = 0xc0000000;
		break;
	case 12:
		n->tr = 0;
		break;
	case 13:
		n->lstar = 1ULL << 62;
		break;
	default:
		cr_assert_fail("no such way");
	}
}

Test(pvh, unusable_direct_note_means_pvh, .timeout = 20)
{
	for (unsigned how = 0; how < 14; how++) {
		struct direct_note n;

		elf_make_kit(&image);
		memcpy(&n, image.bytes + image.note_end - sizeof(n), sizeof(n));
		spoil(&n, how);
		memcpy(image.bytes + image.note_end - sizeof(n), &n, sizeof(n));
		cr_assert_eq(load(2 * MIB, BOOT_AUTO, NULL, ""), 0, "%s",
			     err.msg);
		cr_assert_eq(entry.mode, BOOT_MODE_PVH, "%u", how);
		gmem_fini(&mem);
	}
}

static void check_map(uint64_t len)
{
	struct memmap_entry map[MEMMAP_MAX];
	uint64_t ram = 0, end = 0;
	unsigned n;

	cr_assert_eq(gmem_init(&mem, len, &err), 0);
	n = memmap_build(&mem, map);
	for (unsigned i = 0; i < n; i++) {
		cr_assert_geq(map[i].gpa, end, "ascending");
		cr_assert_gt(map[i].len, 0);
		end = map[i].gpa + map[i].len;
		if (map[i].type != MEMMAP_RAM)
			continue;
		cr_assert(gmem_has(&mem, map[i].gpa, map[i].len));
		ram += map[i].len;
	}
	if (len >= MIB)
		cr_assert_eq(ram, len - (MIB - 0x9fc00), "%llu",
			     (unsigned long long)len);
	gmem_fini(&mem);
}

Test(pvh, memory_map_of_every_size, .timeout = 5)
{
	static const uint64_t lens[] = {
		4096,           0x9f000,  0xa0000,        MIB,
		MIB + 4096,     16 * MIB, 3 * GIB - 4096, 3 * GIB,
		3 * GIB + 4096, 4 * GIB,  4 * GIB + 4096, 1ULL << 40,
	};

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		check_map(lens[i]);
}

Test(pvh, segment_above_4_gib, .timeout = 5)
{
	elf_make_pvh(&image);
	(void)elf_make_load(&image, 0, 4 * GIB, 8, 16, 0x77);
	cr_assert_eq(load(3 * GIB + 4096, BOOT_AUTO, NULL, ""), 0, "%s",
		     err.msg);
	cr_assert_eq(get(4 * GIB, 1), 0x77);
	gmem_fini(&mem);
	cr_assert_eq(load(3 * GIB, BOOT_AUTO, NULL, ""), -ENOMEM);
	cr_assert(strstr(err.msg, "needs 3073 MiB"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(pvh, configuration_is_checked, .timeout = 5)
{
	struct boot_config cfg = { .cmdline = "", .image.name = "img" };

	elf_make_pvh(&image);
	cfg.image = elf_make_src(&image, "img");
	cr_assert_eq(gmem_init(&mem, MIB, &err), 0);
	cr_assert_eq(boot_load(&cfg, &mem, &entry, &err), -EINVAL);
	err = (struct err){ 0 };
	cfg.n_cpus = BOOT_CPUS_MAX + 1;
	cr_assert_eq(boot_load(&cfg, &mem, &entry, &err), -EINVAL);
	err = (struct err){ 0 };
	cfg.n_cpus = 1;
	cfg.n_devices = LAYOUT_VIRTIO_MAX + 1;
	cr_assert_eq(boot_load(&cfg, &mem, &entry, &err), -EINVAL);
	gmem_fini(&mem);
}
