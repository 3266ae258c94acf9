/* pvh.h: the PVH start info, what a monitor leaves in memory for the guest. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_PVH_H
#define BOOT_PVH_H

#include <stdint.h>

#define PVH_MAGIC 0x336ec578u

struct pvh_start_info {
	uint32_t magic, version; /* PVH_MAGIC, 1 */
	uint32_t flags, n_modules;
	uint64_t modules; /* gpa of struct pvh_module[] */
	uint64_t cmdline; /* gpa, NUL-terminated; 0: none */
	uint64_t rsdp;
	uint64_t memmap; /* gpa of struct pvh_range[] */
	uint32_t n_memmap, reserved;
};

struct pvh_module {
	uint64_t gpa, len, cmdline, reserved;
};

#define PVH_RANGE_RAM 1u

struct pvh_range {
	uint64_t gpa, len;
	uint32_t type, reserved;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "ABI");
_Static_assert(sizeof(struct pvh_range) == 24, "ABI");

#endif
