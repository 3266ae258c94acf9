/* elf_make.c: see elf_make.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/elf_make.h"

#include <stdlib.h>
#include <string.h>

#include "guest-kit/include/abi/direct.h"

#define NOTES_OFF 0x400

void elf_make_init(struct elf_make *m, uint64_t entry)
{
	Elf64_Ehdr *h = elf_make_ehdr(m);

	memset(m, 0, sizeof(*m));
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_type = ET_EXEC;
	h->e_machine = EM_X86_64;
	h->e_version = EV_CURRENT;
	h->e_entry = entry;
	h->e_phoff = sizeof(*h);
	h->e_ehsize = sizeof(*h);
	h->e_phentsize = sizeof(Elf64_Phdr);
	m->len = ELF_MAKE_DATA;
	m->note_end = NOTES_OFF;
}

Elf64_Ehdr *elf_make_ehdr(struct elf_make *m)
{
	return (Elf64_Ehdr *)(void *)m->bytes;
}

Elf64_Phdr *elf_make_phdr(struct elf_make *m, unsigned i)
{
	return (Elf64_Phdr *)(void *)(m->bytes + sizeof(Elf64_Ehdr)) + i;
}

static unsigned add_phdr(struct elf_make *m, Elf64_Phdr p)
{
	unsigned i = elf_make_ehdr(m)->e_phnum++;

	if (sizeof(Elf64_Ehdr) + (i + 1) * sizeof(p) > NOTES_OFF)
		abort();
	*elf_make_phdr(m, i) = p;
	return i;
}

static size_t append(struct elf_make *m, size_t len)
{
	size_t off = m->len;

	if (len > sizeof(m->bytes) - off)
		abort();
	m->len += len;
	return off;
}

unsigned elf_make_load(struct elf_make *m, uint64_t vaddr, uint64_t paddr,
		       uint64_t filesz, uint64_t memsz, uint8_t fill)
{
	size_t off = append(m, filesz);

	memset(m->bytes + off, fill, filesz);
	return add_phdr(m, (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_flags = PF_R | PF_W | PF_X,
					 .p_offset = off,
					 .p_vaddr = vaddr,
					 .p_paddr = paddr,
					 .p_filesz = filesz,
					 .p_memsz = memsz,
					 .p_align = 0x1000 });
}

unsigned elf_make_segment(struct elf_make *m, uint32_t type, const void *data,
			  size_t len)
{
	size_t off = append(m, len);

	memcpy(m->bytes + off, data, len);
	return add_phdr(m, (Elf64_Phdr){ .p_type = type,
					 .p_flags = PF_R,
					 .p_offset = off,
					 .p_filesz = len,
					 .p_memsz = len,
					 .p_align = 4 });
}

static size_t pad4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

void elf_make_note(struct elf_make *m, const char *name, uint32_t type,
		   const void *desc, size_t len)
{
	size_t name_len = strlen(name) + 1;
	Elf64_Nhdr h = { (uint32_t)name_len, (uint32_t)len, type };
	uint8_t *to = m->bytes + m->note_end;
	unsigned n = elf_make_ehdr(m)->e_phnum;
	unsigned i;

	if (m->note_end + sizeof(h) + pad4(name_len) + pad4(len) >
	    ELF_MAKE_DATA)
		abort();
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), name, name_len);
	memcpy(to + sizeof(h) + pad4(name_len), desc, len);
	m->note_end += sizeof(h) + pad4(name_len) + pad4(len);
	for (i = 0; i < n; i++)
		if (elf_make_phdr(m, i)->p_type == PT_NOTE)
			break;
	if (i == n)
		i = add_phdr(m, (Elf64_Phdr){ .p_type = PT_NOTE,
					      .p_offset = NOTES_OFF,
					      .p_align = 4 });
	elf_make_phdr(m, i)->p_filesz = m->note_end - NOTES_OFF;
}

void elf_make_pvh(struct elf_make *m)
{
	uint32_t entry = 0x100000;

	elf_make_init(m, entry);
	(void)elf_make_load(m, entry, entry, 0x100, 0x2000, 0x90);
	elf_make_note(m, "Xen", 18, &entry, sizeof(entry));
}

void elf_make_program(struct elf_make *m)
{
	elf_make_init(m, 0x401000);
	(void)elf_make_load(m, 0x401000, 0x401000, 0x80, 0x1000, 0xcc);
}

void elf_make_vmlinux(struct elf_make *m)
{
	elf_make_init(m, 0x1000000);
	(void)elf_make_load(m, 0xffffffff81000000, 0x1000000, 0x200, 0x4000,
			    0x90);
}

void elf_make_kit(struct elf_make *m)
{
	struct direct_note n = {
		.version = DIRECT_VERSION,
		.cs = 0x33,
		.ss = 0x2b,
		.rip = 0x100040,
		.rsp = 0x102000,
		.cr3 = 0x101000,
		.gdt = 0x100080,
		.idt = 0x1000c0,
		.tss = 0x1000e0,
		.tr = 0x40,
		.clock_gpa = 0x101800,
		.wall_clock_gpa = 0x101900,
	};

	elf_make_pvh(m);
	elf_make_note(m, DIRECT_NOTE_NAME, DIRECT_NOTE_TYPE, &n, sizeof(n));
}

static void put(struct elf_make *m, size_t off, uint64_t v, size_t len)
{
	memcpy(m->bytes + off, &v, len);
}

void elf_make_bzimage(struct elf_make *m)
{
	memset(m, 0, sizeof(*m));
	put(m, 0x1f1, 1, 1);         /* setup_sects */
	put(m, 0x1f4, 4096 / 16, 4); /* syssize */
	put(m, 0x1fe, 0xaa55, 2);    /* boot_flag */
	put(m, 0x200, 0x6aeb, 2);    /* jump: the header ends at 0x26c */
	memcpy(m->bytes + 0x202, "HdrS", 4);
	put(m, 0x206, 0x20f, 2);      /* version */
	put(m, 0x211, 1, 1);          /* loadflags: LOADED_HIGH */
	put(m, 0x22c, 0x7fffffff, 4); /* initrd_addr_max */
	put(m, 0x230, 0x200000, 4);   /* kernel_alignment */
	put(m, 0x234, 1, 1);          /* relocatable_kernel */
	put(m, 0x236, 0x7f, 2);       /* xloadflags */
	put(m, 0x238, 2047, 4);       /* cmdline_size */
	put(m, 0x258, 0x1000000, 8);  /* pref_address */
	put(m, 0x260, 0x200000, 4);   /* init_size */
	m->len = 2 * 512 + 4096;
	memset(m->bytes + 2 * 512, 0x90, 4096);
}

struct boot_src elf_make_src(const struct elf_make *m, const char *name)
{
	return (struct boot_src){ name, m->bytes, m->len, -1 };
}
