/* test_core.c: the core file, read back as gdb would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "debug/core.h"
#include "tests/support/stop_rig.h"

static struct stop_rig rig;
static struct core core;
static struct err err;
static _Atomic bool cancel;

static void up(void)
{
	stop_rig_up(&rig);
	cr_assert_eq(core_init(&core, memfd_create("core", MFD_CLOEXEC),
			       "/host/program", &err),
		     0);
}

static void down(void)
{
	(void)close(core.fd);
	core_fini(&core);
	stop_rig_down(&rig);
}

TestSuite(core, .init = up, .fini = down, .timeout = 20);

static void at(uint64_t off, void *buf, size_t len)
{
	cr_assert_eq(pread(core.fd, buf, len, (off_t)off), (ssize_t)len);
}

static void write_it(void)
{
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(core_write(&core, &rig.stop, &cancel, &err), 0, "%s",
		     err.msg);
}

static Elf64_Phdr segment(unsigned i)
{
	Elf64_Phdr p;

	at(sizeof(Elf64_Ehdr) + i * sizeof(p), &p, sizeof(p));
	return p;
}

Test(core, segments_are_the_areas)
{
	Elf64_Ehdr h;

	write_it();
	at(0, &h, sizeof(h));
	cr_assert_eq(memcmp(h.e_ident, ELFMAG, SELFMAG), 0);
	cr_assert_eq(h.e_type, ET_CORE);
	cr_assert_eq(h.e_machine, EM_X86_64);
	cr_assert_eq(h.e_phnum, 6);
	cr_assert_eq(segment(0).p_type, PT_NOTE);
	for (unsigned i = 0; i < 5; i++) {
		const Elf64_Phdr p = segment(i + 1);

		cr_assert_eq(p.p_type, PT_LOAD);
		cr_assert_eq(p.p_vaddr, rig.area[i].start);
		cr_assert_eq(p.p_memsz, rig.area[i].end - rig.area[i].start);
		cr_assert_eq(p.p_offset % 4096, 0);
	}
	cr_assert_eq(segment(1).p_flags, PF_R | PF_X);
	cr_assert_eq(segment(2).p_flags, PF_R | PF_W);
	cr_assert_eq(segment(2).p_filesz, 0x1000, "the absent end");
	cr_assert_eq(segment(3).p_filesz, 0, "absent");
	cr_assert_eq(segment(5).p_filesz, 0, "a reservation");
}

Test(core, memory_is_there)
{
	uint8_t buf[0x2000];

	write_it();
	at(segment(1).p_offset, buf, sizeof(buf));
	cr_assert_arr_eq(buf, rig.ram + RIG_PAGES, sizeof(buf));
	at(segment(4).p_offset, buf, 0x1000);
	cr_assert_arr_eq(buf, rig.ram + RIG_PAGES + 0x3000, 0x1000);
}

Test(core, zeros_are_holes)
{
	struct stat st;
	uint8_t buf[0x1000], zero[0x1000] = { 0 };

	memset(rig.ram + RIG_PAGES, 0, 0x1000); /* the first page of text */
	write_it();
	cr_assert_eq(lseek(core.fd, (off_t)segment(1).p_offset, SEEK_DATA),
		     (off_t)segment(1).p_offset + 0x1000);
	at(segment(1).p_offset, buf, sizeof(buf));
	cr_assert_arr_eq(buf, zero, sizeof(buf));
	cr_assert_eq(fstat(core.fd, &st), 0);
	cr_assert_lt(st.st_size, 0x20000);
}

struct note {
	Elf64_Nhdr head;
	char name[8];
	uint8_t desc[4096];
};

/* The n-th note of that type. */
static bool find_note(uint32_t type, unsigned n, struct note *ret)
{
	const Elf64_Phdr p = segment(0);
	uint64_t off = p.p_offset;

	while (off < p.p_offset + p.p_filesz) {
		at(off, ret, sizeof(ret->head) + sizeof(ret->name));
		off += sizeof(ret->head) + sizeof(ret->name);
		cr_assert_leq(ret->head.n_descsz, sizeof(ret->desc));
		at(off, ret->desc, ret->head.n_descsz);
		off += (ret->head.n_descsz + 3u) & ~3u;
		if (ret->head.n_type == type && n-- == 0)
			return true;
	}
	cr_assert_eq(off, p.p_offset + p.p_filesz);
	return false;
}

Test(core, a_status_for_each_thread)
{
	struct elf_prstatus s;
	struct note n;

	write_it();
	for (unsigned t = 0; t < 2; t++) {
		cr_assert(find_note(NT_PRSTATUS, t, &n));
		cr_assert_eq(n.head.n_descsz, sizeof(s));
		memcpy(&s, n.desc, sizeof(s));
		cr_assert_eq(s.pr_pid, t ? 7 : 1);
		cr_assert_eq(s.pr_cursig, t ? 0 : 11);
		cr_assert_eq(s.pr_reg[DEBUG_RIP], 0x1000 * (t + 1) + DEBUG_RIP);
	}
	cr_assert(!find_note(NT_PRSTATUS, 2, &n));
	cr_assert(find_note(NT_FPREGSET, 0, &n));
	cr_assert_eq(n.head.n_descsz, 512);
	cr_assert(!find_note(NT_FPREGSET, 1, &n));
	cr_assert(find_note(NT_X86_XSTATE, 0, &n));
	cr_assert_str_eq(n.name, "LINUX");
	cr_assert_eq(n.head.n_descsz, 832);
	cr_assert_eq(n.desc[464], 7, "xcr0");
}

Test(core, notes_about_the_process)
{
	struct elf_prpsinfo p;
	uint64_t file[8];
	struct note n;

	write_it();
	cr_assert(find_note(NT_PRPSINFO, 0, &n));
	memcpy(&p, n.desc, sizeof(p));
	cr_assert_str_eq(p.pr_fname, "program");
	cr_assert_str_eq(p.pr_psargs, "program -x");
	cr_assert(find_note(NT_SIGINFO, 0, &n));
	cr_assert_eq(n.head.n_descsz, 128);
	cr_assert(find_note(NT_AUXV, 0, &n));
	cr_assert_eq(n.head.n_descsz, 32);
	cr_assert_arr_eq(n.desc, rig.ram + RIG_PAGES + 0x3000, 32);
	cr_assert(find_note(NT_FILE, 0, &n));
	memcpy(file, n.desc, sizeof(file));
	cr_assert_eq(file[0], 2);
	cr_assert_eq(file[1], 4096);
	cr_assert_eq(file[2], RIG_TEXT);
	cr_assert_eq(file[5], RIG_LIB);
	cr_assert_eq(file[7], 3, "in pages");
	cr_assert_str_eq((char *)n.desc + 8 * 8, "/host/program");
	cr_assert_str_eq((char *)n.desc + 8 * 8 + 14, "/lib/lib.so");
}

Test(core, tables_that_map_themselves)
{
	/* every entry of every level is the same table */
	for (unsigned i = 0; i < 512; i++)
		stop_rig_entry(&rig, RIG_PML4, i, RIG_PML4 | 1);
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(core_write(&core, &rig.stop, &cancel, &err), -EPROTO);
}

Test(core, is_given_up)
{
	atomic_store(&cancel, true);
	rig.area[4].start = 0x7000000000ull;
	rig.s.n_areas = 5;
	for (unsigned i = 0; i < 512; i++)
		stop_rig_entry(&rig, RIG_PML4, i, RIG_PML4 | 1);
	stop_rig_write(&rig);
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(core_write(&core, &rig.stop, &cancel, &err), -ECANCELED);
	atomic_store(&cancel, false);
}

Test(core, a_file_that_takes_nothing)
{
	(void)close(core.fd);
	core.fd = -1;
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(core_write(&core, &rig.stop, &cancel, &err), -EBADF);
}
