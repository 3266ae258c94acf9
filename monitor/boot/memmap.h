/* memmap.h: the memory map a guest is told, whatever the boot protocol. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_MEMMAP_H
#define BOOT_MEMMAP_H

#include <stdint.h>

#include "mem/layout.h"

struct gmem;

/* Address range types: PVH and e820 use the same numbers (ACPI 6.4, 15). */
#define MEMMAP_RAM      1u
#define MEMMAP_RESERVED 2u

#define MEMMAP_MAX 8

struct memmap_entry {
	gpa_t gpa;
	uint64_t len;
	uint32_t type;
};

/*
 * Fills `out`, ascending and without overlap, and returns how many entries
 * there are. The first megabyte is conventional: RAM to 0x9fc00, reserved to
 * 1 MiB. The virtio windows are left out on purpose: their drivers claim them.
 */
unsigned memmap_build(const struct gmem *mem,
		      struct memmap_entry out[MEMMAP_MAX]);

#endif
