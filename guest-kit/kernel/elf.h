/* elf.h: the program: an ELF file in guest memory becomes mappings. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include "kernel/types.h"

struct elf_image {
	uint64_t entry, base; /* base: what a static-PIE was moved by */
	uint64_t headers;     /* gva of the program headers */
	unsigned n_headers;
	uint64_t end; /* first page after the last segment */
};

/* Maps machine.program. Ends in machine_noexec if that cannot be. */
void elf_load(struct elf_image *ret_image);

/* Name of the function around gva and the distance from its start, from the
 * file's symbol table; NULL if there is none. */
const char *elf_symbol(uint64_t gva, uint64_t *ret_offset);

#endif
