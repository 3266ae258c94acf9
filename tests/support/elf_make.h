/* elf_make.h: small ELF images for tests, valid or broken on purpose. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_ELF_MAKE_H
#define SUPPORT_ELF_MAKE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/boot.h"

#define ELF_MAKE_CAP  16384
#define ELF_MAKE_DATA 0x1000 /* where segments' bytes start in the file */

/* Fields may be changed between elf_make_* calls and the use: the bytes are
 * what boot_load gets. */
struct elf_make {
	uint8_t bytes[ELF_MAKE_CAP];
	size_t len;
	size_t note_end; /* notes grow from 0x400 */
};

/* An empty ET_EXEC for x86-64 with room for program headers. */
void elf_make_init(struct elf_make *m, uint64_t entry);

Elf64_Ehdr *elf_make_ehdr(struct elf_make *m);
Elf64_Phdr *elf_make_phdr(struct elf_make *m, unsigned i);

/* Adds a program header; PT_LOAD bytes are appended, each byte `fill`. */
unsigned elf_make_load(struct elf_make *m, uint64_t vaddr, uint64_t paddr,
		       uint64_t filesz, uint64_t memsz, uint8_t fill);
unsigned elf_make_segment(struct elf_make *m, uint32_t type, const void *data,
			  size_t len);

/* Adds a note; the first call adds the PT_NOTE. */
void elf_make_note(struct elf_make *m, const char *name, uint32_t type,
		   const void *desc, size_t len);

/* Whole images. pvh: one segment at 1 MiB, note entry at its start. program:
 * static, at 0x400000. vmlinux: upper half, no PVH note. */
void elf_make_pvh(struct elf_make *m);
void elf_make_program(struct elf_make *m);
void elf_make_vmlinux(struct elf_make *m);
/* pvh plus a direct note that passes every check for >= 2 MiB. */
void elf_make_kit(struct elf_make *m);

/* Not an ELF file: a bzImage of protocol 2.15 with 4 KiB of code, preferred
 * address 16 MiB, init_size 2 MiB, alignment 2 MiB, relocatable. */
void elf_make_bzimage(struct elf_make *m);

struct boot_src elf_make_src(const struct elf_make *m, const char *name);

#endif
