/* elf_format.h: the parts of the ELF-64 format the loader reads. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_ELF_FORMAT_H
#define KERNEL_ELF_FORMAT_H

#include <stdint.h>

#define ELF_MAGIC      0x464c457fu
#define ELF_CLASS64    2
#define ELF_EXEC       2
#define ELF_DYN        3
#define ELF_X86_64     62
#define ELF_PT_LOAD    1
#define ELF_PT_INTERP  3
#define ELF_PT_STACK   0x6474e551u
#define ELF_PF_X       1u
#define ELF_PF_W       2u
#define ELF_PF_R       4u
#define ELF_SHT_SYMTAB 2
#define ELF_STT_FUNC   2

struct elf_header {
	uint32_t magic;
	uint8_t class, data, version, abi;
	uint64_t pad;
	uint16_t type, machine;
	uint32_t version2;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_section {
	uint32_t name, type;
	uint64_t flags, addr, offset, size;
	uint32_t link, info;
	uint64_t align, entsize;
};

struct elf_sym {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

_Static_assert(sizeof(struct elf_header) == 64, "ELF");
_Static_assert(sizeof(struct elf_segment) == 56, "ELF");
_Static_assert(sizeof(struct elf_section) == 64, "ELF");
_Static_assert(sizeof(struct elf_sym) == 24, "ELF");

#endif
