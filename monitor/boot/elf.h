/* elf.h: a 64-bit little-endian ELF file for this machine, read once into
 * host structs and checked. Everything in it is the file's word. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "guest-kit/include/abi/direct.h"

struct err;
struct image;
struct place;

#define ELF_PHNUM_MAX 128
#define ELF_NOTES_MAX 16384 /* bytes of one PT_NOTE that are looked at */

struct elf_segment {
	uint32_t type, flags;
	uint64_t off, vaddr, paddr, filesz, memsz, align;
};

struct elf {
	uint16_t type; /* ET_EXEC or ET_DYN */
	uint64_t entry;
	unsigned n_segments;
	struct elf_segment segment[ELF_PHNUM_MAX];
};

/* What the notes say; the first of each kind counts. */
struct elf_notes {
	bool has_pvh; /* XEN_ELFNOTE_PHYS32_ENTRY */
	uint64_t pvh_entry;
	bool is_linux;   /* XEN_ELFNOTE_GUEST_OS is "linux" */
	bool has_direct; /* well-formed, version known; values unchecked */
	struct direct_note direct;
};

bool elf_is_elf(const struct image *img);

/*
 * Headers and program headers: class, byte order, machine and type are ours,
 * every loadable segment lies in the file. -ENOEXEC says what is wrong.
 */
WUR int elf_parse(const struct image *img, struct elf *ret, struct err *err);

/* Malformed notes end the search, they are not an error. -EIO, -ENOEXEC when
 * a note segment lies beyond the file. */
WUR int elf_read_notes(const struct image *img, const struct elf *elf,
		       struct elf_notes *ret, struct err *err);

/*
 * Claims every PT_LOAD at its p_paddr and reads it there. Guest memory is
 * zero before, so the rest of a segment is not touched. *ret_end is the end
 * of the highest one. -ENOEXEC also when there is none.
 */
WUR int elf_load(const struct image *img, const struct elf *elf,
		 struct place *place, uint64_t *ret_end, struct err *err);

/* True when the physical address lies in a loaded segment. */
bool elf_has_paddr(const struct elf *elf, uint64_t paddr);

#endif
