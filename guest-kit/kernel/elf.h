/* elf.h: the program: an ELF file in guest memory becomes mappings. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include "kernel/types.h"

struct elf_image {
	uint64_t entry; /* where to begin: the interpreter's, if there is one */
	uint64_t headers; /* gva of the program headers */
	unsigned n_headers;
	uint64_t program_entry;
	uint64_t interpreter; /* what it was moved by, or 0 */
	uint64_t end;         /* first page after the program's last segment */
};

/* Maps the program, and its interpreter if it names one. Ends in
 * machine_noexec if that cannot be. */
void elf_load(struct elf_image *ret_image);

/* Name of the function around gva and the distance from its start, from the
 * file's symbol table; NULL if there is none. */
const char *elf_symbol(uint64_t gva, uint64_t *ret_offset);

#endif
