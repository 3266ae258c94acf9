/* test_elf.c: what probe and elf refuse, and how it is said. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "boot/boot.h"
#include "boot/elf.h"
#include "boot/image.h"
#include "boot/probe.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define MIB (1ULL << 20)

/* Parameters are copied into a fresh process, where pointers in them would
 * mean nothing: a row number is the parameter. */
static struct criterion_test_params rows(size_t n)
{
	static unsigned row[64];

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = i;
	cr_assert_leq(n, ARRAY_SIZE(row));
	return cr_make_param_array(unsigned, row, n);
}

static char arg0[] = "prog";
static char *const argv[] = { arg0, NULL };

static int load(const struct elf_make *m, enum boot_kind kind, uint64_t mem_len,
		struct boot_entry *entry, struct err *err)
{
	static struct elf_make kit;
	struct boot_config cfg = {
		.image = elf_make_src(m, "img"),
		.kind = kind,
		.cmdline = "",
		.n_cpus = 1,
		.argv = argv,
	};
	struct gmem mem = { 0 };
	int code;

	elf_make_kit(&kit);
	cfg.kit = elf_make_src(&kit, "kit");
	cr_assert_eq(gmem_init(&mem, mem_len, err), 0);
	code = boot_load(&cfg, &mem, entry, err);
	gmem_fini(&mem);
	return code;
}

/* Bytes that are no image; 300 more zero bytes follow each. */
struct other {
	const char *why, *says;
	size_t off, len;
	const char *bytes;
};

static const struct other others[] = {
	{ "script", "a script", 0, 9, "#!/bin/sh" },
	{ "gzip", "gzip", 0, 2, "\x1f\x8b" },
	{ "xz", "xz", 0, 6,
	  "\xfd"
	  "7zXZ\0" },
	{ "zstd", "zstd", 0, 4, "\x28\xb5\x2f\xfd" },
	{ "lz4", "lz4", 0, 4, "\x04\x22\x4d\x18" },
	{ "bzip2", "bzip2", 0, 3, "BZh" },
	{ "PE", "a PE file", 0, 2, "MZ" },
	{ "Mach-O", "Mach-O", 0, 4, "\xcf\xfa\xed\xfe" },
	{ "tar", "a tar archive", 257, 5, "ustar" },
	{ "cpio", "a cpio archive", 0, 6, "070701" },
	{ "archive", "static library", 0, 8, "!<arch>\n" },
	{ "disk", "boot sector", 510, 2, "\x55\xaa" },
	{ "arm64 kernel", "aarch64", 0x38, 4, "ARMd" },
	{ "noise", "not a known kind of image (it starts with de ad be ef)", 0,
	  4, "\xde\xad\xbe\xef" },
	{ "half an ELF magic", "not a known kind", 0, 3,
	  "\x7f"
	  "EL" },
};

ParameterizedTestParameters(elf, says_what_it_looks_like)
{
	return rows(ARRAY_SIZE(others));
}

ParameterizedTest(const unsigned *row, elf, says_what_it_looks_like,
		  .timeout = 5)
{
	const struct other *o = &others[*row];
	static struct elf_make m;
	struct boot_entry entry;
	struct err err = { 0 };

	memset(&m, 0, sizeof(m));
	m.len = 1000;
	memcpy(m.bytes + o->off, o->bytes, o->len);
	cr_assert_eq(load(&m, BOOT_AUTO, MIB, &entry, &err), -ENOEXEC, "%s",
		     o->why);
	cr_assert(strstr(err.msg, o->says), "%s: %s", o->why, err.msg);
	cr_assert(strncmp(err.msg, "img: ", 5) == 0, "%s", err.msg);
}

Test(elf, says_empty_and_text, .timeout = 5)
{
	static struct elf_make m;
	struct boot_entry entry;
	struct err err = { 0 };

	cr_assert_eq(load(&m, BOOT_AUTO, MIB, &entry, &err), -ENOEXEC);
	cr_assert_str_eq(err.msg, "img: an empty file");
	err = (struct err){ 0 };
	memcpy(m.bytes, "hello, world\n", 13);
	m.len = 13;
	cr_assert_eq(load(&m, BOOT_AUTO, MIB, &entry, &err), -ENOEXEC);
	cr_assert(strstr(err.msg, "a text file"), "%s", err.msg);
}

/* One change to a good image, and the words of the refusal. */
enum base { PROGRAM, PVH, VMLINUX, BZIMAGE };

static void make_base(struct elf_make *m, enum base base)
{
	switch (base) {
	case PROGRAM:
		elf_make_program(m);
		break;
	case PVH:
		elf_make_pvh(m);
		break;
	case VMLINUX:
		elf_make_vmlinux(m);
		break;
	case BZIMAGE:
		elf_make_bzimage(m);
		break;
	}
}

struct bad {
	const char *why, *says;
	enum base base;
	int code;
	void (*spoil)(struct elf_make *m);
};

static void class32(struct elf_make *m)
{
	elf_make_ehdr(m)->e_ident[EI_CLASS] = ELFCLASS32;
	elf_make_ehdr(m)->e_machine = EM_386;
}

static void class_unknown(struct elf_make *m)
{
	elf_make_ehdr(m)->e_ident[EI_CLASS] = 7;
}

static void big_endian(struct elf_make *m)
{
	elf_make_ehdr(m)->e_ident[EI_DATA] = ELFDATA2MSB;
}

static void order_unknown(struct elf_make *m)
{
	elf_make_ehdr(m)->e_ident[EI_DATA] = 9;
}

static void x32(struct elf_make *m)
{
	elf_make_ehdr(m)->e_ident[EI_CLASS] = ELFCLASS32;
}

static void version(struct elf_make *m)
{
	elf_make_ehdr(m)->e_ident[EI_VERSION] = 2;
}

static void aarch64(struct elf_make *m)
{
	elf_make_ehdr(m)->e_machine = EM_AARCH64;
}

static void machine_unknown(struct elf_make *m)
{
	elf_make_ehdr(m)->e_machine = 0x1234;
}

static void type_rel(struct elf_make *m)
{
	elf_make_ehdr(m)->e_type = ET_REL;
}

static void type_core(struct elf_make *m)
{
	elf_make_ehdr(m)->e_type = ET_CORE;
}

static void type_none(struct elf_make *m)
{
	elf_make_ehdr(m)->e_type = ET_NONE;
}

static void header_cut(struct elf_make *m)
{
	m->len = 63;
}

static void ident_cut(struct elf_make *m)
{
	m->len = 4;
}

static void no_phdrs(struct elf_make *m)
{
	elf_make_ehdr(m)->e_phnum = 0;
}

static void many_phdrs(struct elf_make *m)
{
	elf_make_ehdr(m)->e_phnum = ELF_PHNUM_MAX + 1;
}

static void phentsize(struct elf_make *m)
{
	elf_make_ehdr(m)->e_phentsize = 32;
}

static void phdrs_beyond(struct elf_make *m)
{
	elf_make_ehdr(m)->e_phoff = m->len - 8;
}

static void phdrs_wrap(struct elf_make *m)
{
	elf_make_ehdr(m)->e_phoff = UINT64_MAX - 8;
}

static void segment_cut(struct elf_make *m)
{
	m->len -= 1;
}

static void segment_wraps(struct elf_make *m)
{
	elf_make_phdr(m, 0)->p_offset = UINT64_MAX - 4;
}

static void filesz_gt_memsz(struct elf_make *m)
{
	elf_make_phdr(m, 0)->p_memsz = 4;
}

static void no_load(struct elf_make *m)
{
	elf_make_phdr(m, 0)->p_type = PT_NULL;
}

static void note_beyond(struct elf_make *m)
{
	elf_make_phdr(m, 1)->p_offset = m->len;
}

static void interp(struct elf_make *m)
{
	elf_make_segment(m, PT_INTERP, "/lib64/ld-linux-x86-64.so.2", 28);
}

static void interp_noise(struct elf_make *m)
{
	elf_make_segment(m, PT_INTERP, "\x1b[2J\xff", 6);
}

static void interp_beyond(struct elf_make *m)
{
	elf_make_segment(m, PT_INTERP, "/lib/ld.so", 11);
	elf_make_phdr(m, 1)->p_offset = 1 << 20;
}

static void interp_empty(struct elf_make *m)
{
	elf_make_segment(m, PT_INTERP, "", 0);
}

static void dynamic_beyond(struct elf_make *m)
{
	elf_make_ehdr(m)->e_type = ET_DYN;
	elf_make_segment(m, PT_DYNAMIC, "", 0);
	elf_make_phdr(m, 1)->p_offset = 1 << 20;
	elf_make_phdr(m, 1)->p_filesz = UINT64_MAX;
}

static void library(struct elf_make *m)
{
	static const Elf64_Dyn dyn[] = { { DT_SONAME, { 1 } },
					 { DT_NULL, { 0 } } };

	elf_make_ehdr(m)->e_type = ET_DYN;
	elf_make_segment(m, PT_DYNAMIC, dyn, sizeof(dyn));
}

static void needs_library(struct elf_make *m)
{
	static const Elf64_Dyn dyn[] = { { DT_NEEDED, { 1 } },
					 { DT_NULL, { 0 } } };

	elf_make_ehdr(m)->e_type = ET_DYN;
	elf_make_segment(m, PT_DYNAMIC, dyn, sizeof(dyn));
}

static void entry_outside(struct elf_make *m)
{
	elf_make_ehdr(m)->e_entry = 0x402000;
}

static void entry_not_code(struct elf_make *m)
{
	elf_make_phdr(m, 0)->p_flags = PF_R | PF_W;
}

static void not_user(struct elf_make *m)
{
	elf_make_phdr(m, 0)->p_vaddr = 0x7fffffffe000;
	elf_make_phdr(m, 0)->p_memsz = 0x1001;
}

static void overlap_v(struct elf_make *m)
{
	(void)elf_make_load(m, 0x401800, 0x401800, 8, 8, 1);
}

static void descending(struct elf_make *m)
{
	(void)elf_make_load(m, 0x10000, 0x10000, 8, 8, 1);
}

static void overlap_p(struct elf_make *m)
{
	(void)elf_make_load(m, 0x101000, 0x101fff, 8, 8, 1);
}

static void in_hole(struct elf_make *m)
{
	(void)elf_make_load(m, 0xbffff000, 0xbffff000, 8, 0x1001, 1);
}

static void beyond_all(struct elf_make *m)
{
	(void)elf_make_load(m, 0, LAYOUT_MEM_MAX, 8, 8, 1);
}

static void paddr_wraps(struct elf_make *m)
{
	(void)elf_make_load(m, 0, UINT64_MAX - 7, 8, 16, 1);
}

static void on_start_info(struct elf_make *m)
{
	(void)elf_make_load(m, 0x2000, 0x2fff, 1, 1, 1);
}

static void on_reserved(struct elf_make *m)
{
	(void)elf_make_load(m, 0xe0000, 0xe0000, 8, 8, 1);
}

static void too_high(struct elf_make *m)
{
	(void)elf_make_load(m, 0x5000000, 0x5000000, 8, 0x100001, 1);
}

static void pvh_entry_out(struct elf_make *m)
{
	elf_make_phdr(m, 0)->p_paddr = 0x200000;
}

static const struct bad bads[] = {
	{ "32-bit", "a 32-bit ELF file", PROGRAM, -ENOEXEC, class32 },
	{ "class", "unknown class 7", PROGRAM, -ENOEXEC, class_unknown },
	{ "big-endian", "big-endian", PROGRAM, -ENOEXEC, big_endian },
	{ "byte order", "byte order 9", PROGRAM, -ENOEXEC, order_unknown },
	{ "x32", "an x32 ELF", PROGRAM, -ENOEXEC, x32 },
	{ "version", "of version 2", PROGRAM, -ENOEXEC, version },
	{ "interpreter beyond", "truncated: the interp", PROGRAM, -ENOEXEC,
	  interp_beyond },
	{ "no interpreter name", "needs an interpreter", PROGRAM, -ENOEXEC,
	  interp_empty },
	{ "dynamic beyond", "truncated: the dynamic", PROGRAM, -ENOEXEC,
	  dynamic_beyond },
	{ "aarch64", "built for aarch64", PROGRAM, -ENOEXEC, aarch64 },
	{ "machine", "machine 4660", PROGRAM, -ENOEXEC, machine_unknown },
	{ "object file", "link it first", PROGRAM, -ENOEXEC, type_rel },
	{ "core", "a core dump", PROGRAM, -ENOEXEC, type_core },
	{ "no type", "unknown type 0", PROGRAM, -ENOEXEC, type_none },
	{ "header cut", "has 63 bytes", PROGRAM, -ENOEXEC, header_cut },
	{ "magic only", "has 4 bytes", PROGRAM, -ENOEXEC, ident_cut },
	{ "no phdrs", "no program headers", PROGRAM, -ENOEXEC, no_phdrs },
	{ "129 phdrs", "at most 128", PROGRAM, -ENOEXEC, many_phdrs },
	{ "phdr size", "of 32 bytes each", PROGRAM, -ENOEXEC, phentsize },
	{ "phdrs beyond", "truncated", PROGRAM, -ENOEXEC, phdrs_beyond },
	{ "phdrs wrap", "truncated", PROGRAM, -ENOEXEC, phdrs_wrap },
	{ "segment cut", "truncated: segment 0", PROGRAM, -ENOEXEC,
	  segment_cut },
	{ "segment wraps", "truncated: segment 0", PVH, -ENOEXEC,
	  segment_wraps },
	{ "filesz > memsz", "in memory", PVH, -ENOEXEC, filesz_gt_memsz },
	{ "nothing to load", "no loadable", PROGRAM, -ENOEXEC, no_load },
	{ "nothing to load, pvh", "no loadable", PVH, -ENOEXEC, no_load },
	{ "note beyond", "truncated: a note", PVH, -ENOEXEC, note_beyond },
	{ "dynamic", "needs /lib64/ld-linux-x86-64.so.2: link it with -static",
	  PROGRAM, -ENOEXEC, interp },
	{ "hostile interpreter name", "it needs ?[2J?:", PROGRAM, -ENOEXEC,
	  interp_noise },
	{ "library", "a shared library", PROGRAM, -ENOEXEC, library },
	{ "needed", "needs shared libraries", PROGRAM, -ENOEXEC,
	  needs_library },
	{ "entry outside", "entry 0x402000 is in no", PROGRAM, -ENOEXEC,
	  entry_outside },
	{ "entry in data", "in no executable", PROGRAM, -ENOEXEC,
	  entry_not_code },
	{ "not user", "not user addresses", PROGRAM, -ENOEXEC, not_user },
	{ "overlap", "segment 1 at 0x401800 overlaps", PROGRAM, -ENOEXEC,
	  overlap_v },
	{ "descending", "comes before", PROGRAM, -ENOEXEC, descending },
	{ "overlap in memory", "overlaps segment", PVH, -ENOEXEC, overlap_p },
	{ "in the hole", "devices are there", PVH, -ENOEXEC, in_hole },
	{ "beyond 1 TiB", "beyond any guest memory", PVH, -ENOEXEC,
	  beyond_all },
	{ "wraps", "beyond any guest memory", PVH, -ENOEXEC, paddr_wraps },
	{ "start info", "overlaps the start info", PVH, -ENOEXEC,
	  on_start_info },
	{ "reserved", "overlaps the reserved area", PVH, -ENOEXEC,
	  on_reserved },
	{ "too high",
	  "segment 2 needs 82 MiB of guest memory, there are 16 "
	  "MiB",
	  PVH, -ENOMEM, too_high },
	{ "pvh entry", "PVH entry 0x100000 is in no segment", PVH, -ENOEXEC,
	  pvh_entry_out },
};

ParameterizedTestParameters(elf, refuses)
{
	return rows(ARRAY_SIZE(bads));
}

ParameterizedTest(const unsigned *row, elf, refuses, .timeout = 5)
{
	const struct bad *b = &bads[*row];
	static struct elf_make m;
	struct boot_entry entry;
	struct err err = { 0 };
	int code;

	make_base(&m, b->base);
	b->spoil(&m);
	code = load(&m, BOOT_AUTO, 16 * MIB, &entry, &err);
	cr_assert_eq(code, b->code, "%s: %d %s", b->why, code, err.msg);
	cr_assert(strstr(err.msg, b->says), "%s: %s", b->why, err.msg);
}

struct forced {
	const char *why, *says;
	enum base base;
	enum boot_kind kind;
};

static const struct forced mismatches[] = {
	{ "program as pvh", "no PVH note", PROGRAM, BOOT_PVH },
	{ "program as linux", "cannot boot as linux", PROGRAM, BOOT_LINUX },
	{ "pvh low half as linux", "cannot boot as linux", PVH, BOOT_LINUX },
	{ "pvh as program", "it is a kernel", PVH, BOOT_PROGRAM },
	{ "vmlinux as pvh", "no PVH note", VMLINUX, BOOT_PVH },
	{ "bzImage as pvh", "a bzImage has no PVH note", BZIMAGE, BOOT_PVH },
	{ "bzImage as program", "it is a kernel", BZIMAGE, BOOT_PROGRAM },
	{ "vmlinux as program", "it is a kernel", VMLINUX, BOOT_PROGRAM },
	{ "no such kind", "unknown boot kind", PVH, (enum boot_kind)9 },
};

ParameterizedTestParameters(elf, forced_kind_mismatch)
{
	return rows(ARRAY_SIZE(mismatches));
}

ParameterizedTest(const unsigned *row, elf, forced_kind_mismatch, .timeout = 5)
{
	const struct forced *f = &mismatches[*row];
	static struct elf_make m;
	struct boot_entry entry;
	struct err err = { 0 };
	int code;

	make_base(&m, f->base);
	code = load(&m, f->kind, 64 * MIB, &entry, &err);
	cr_assert(code == -ENOEXEC || code == -EINVAL, "%s: %d", f->why, code);
	cr_assert(strstr(err.msg, f->says), "%s: %s", f->why, err.msg);
}

static void parse(struct elf_make *m, struct elf_notes *notes)
{
	static struct elf elf;
	struct boot_src src = elf_make_src(m, "img");
	struct err err = { 0 };
	struct image img;

	cr_assert_eq(image_open(&img, &src, &err), 0);
	cr_assert_eq(elf_parse(&img, &elf, &err), 0, "%s", err.msg);
	cr_assert_eq(elf_read_notes(&img, &elf, notes, &err), 0, "%s", err.msg);
}

Test(elf, notes_after_others_are_found, .timeout = 5)
{
	static struct elf_make m;
	struct elf_notes notes;
	uint64_t entry = 0x100010;

	elf_make_init(&m, 0);
	(void)elf_make_load(&m, 0x100000, 0x100000, 16, 32, 0);
	elf_make_note(&m, "GNU", 3, "abcde", 5);
	elf_make_note(&m, "Xen", 6, "linux", 6);
	elf_make_note(&m, "Xen", 18, &entry, sizeof(entry));
	entry = 1;
	elf_make_note(&m, "Xen", 18, &entry, sizeof(entry));
	parse(&m, &notes);
	cr_assert(notes.has_pvh);
	cr_assert_eq(notes.pvh_entry, 0x100010, "the first counts");
	cr_assert(notes.is_linux);
	cr_assert_not(notes.has_direct);
}

Test(elf, malformed_notes_end_the_search, .timeout = 5)
{
	static const uint32_t lens[][2] = { { UINT32_MAX, 4 },
					    { 4, UINT32_MAX },
					    { 4, 0x7fffffff },
					    { 0xfffffffd, 0xfffffffd },
					    { 4, 3 } };
	static struct elf_make m;

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct elf_notes notes;
		Elf64_Nhdr h;

		elf_make_pvh(&m);
		memcpy(&h, m.bytes + 0x400, sizeof(h));
		h.n_namesz = lens[i][0];
		h.n_descsz = lens[i][1];
		memcpy(m.bytes + 0x400, &h, sizeof(h));
		parse(&m, &notes);
		cr_assert_not(notes.has_pvh, "%zu", i);
	}
}

Test(elf, notes_of_alignment_8, .timeout = 5)
{
	static struct elf_make m;
	struct elf_notes notes;
	/* name at 12 ends at 16: the descriptor needs no padding */
	struct {
		Elf64_Nhdr h;
		char name[4];
		uint32_t entry, pad;
	} two[2] = { { { 4, 4, 5 }, "GNU", 1, 0 },
		     { { 4, 4, 18 }, "Xen", 0x100000, 0 } };

	elf_make_init(&m, 0);
	(void)elf_make_load(&m, 0x100000, 0x100000, 16, 32, 0);
	elf_make_phdr(&m, elf_make_segment(&m, PT_NOTE, two, sizeof(two)))
		->p_align = 8;
	parse(&m, &notes);
	cr_assert(notes.has_pvh);
	cr_assert_eq(notes.pvh_entry, 0x100000);
}

Test(elf, huge_note_segment_is_capped, .timeout = 5)
{
	static struct elf_make m;
	struct elf_notes notes;

	elf_make_pvh(&m);
	elf_make_phdr(&m, 1)->p_filesz = UINT64_MAX;
	elf_make_phdr(&m, 1)->p_offset = 0;
	m.len = ELF_MAKE_CAP;
	parse(&m, &notes);
	cr_assert_not(notes.has_pvh, "the bytes at 0 are no note");
}
