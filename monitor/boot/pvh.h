/* pvh.h: the PVH start info, and entry registers for guests that have a PVH
 * or a direct entry note. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_PVH_H
#define BOOT_PVH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct boot_entry;
struct cmdline;
struct elf;
struct elf_notes;
struct err;
struct place;

#define PVH_MODULES_MAX 3
#define PVH_INFO_LEN    0x2000ULL /* to claim at PLACE_INFO_GPA */

struct pvh_module {
	gpa_t gpa;
	uint64_t len;
};

struct pvh_info {
	struct pvh_module module[PVH_MODULES_MAX];
	unsigned n_modules;
	const struct cmdline *cmdline; /* borrowed */
	gpa_t rsdp;                    /* 0: none */
};

/* Writes the start info, memory map, module list and command line, one after
 * the other, at PLACE_INFO_GPA, which the caller has claimed. */
WUR int pvh_write_info(const struct place *place, const struct pvh_info *info,
		       struct err *err);

/*
 * Fills mode, rip and the register that holds the start info. With
 * `allow_direct` and a usable direct note the mode is BOOT_MODE_DIRECT, else
 * the PVH note's entry, which must lie in a segment. -ENOEXEC.
 */
WUR int pvh_entry(const struct elf *elf, const struct elf_notes *notes,
		  bool allow_direct, const struct place *place,
		  struct boot_entry *entry, struct err *err);

#endif
