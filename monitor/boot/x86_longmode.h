/* x86_longmode.h: page tables and GDT for an entry in 64-bit mode. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_X86_LONGMODE_H
#define BOOT_X86_LONGMODE_H

#include "base/attr.h"
#include "mem/layout.h"

struct err;
struct gmem;

#define LONGMODE_TABLES_LEN (6 * PAGE_LEN)
#define LONGMODE_GDT_LEN    32 /* null, null, 0x10 code, 0x18 data */

/* Maps the low 4 GiB one to one in 2 MiB pages; the PML4 is the first of the
 * six pages at `gpa`. -ENOMEM when there is no RAM. */
WUR int longmode_write_tables(const struct gmem *mem, gpa_t gpa,
			      struct err *err);

/* Flat 64-bit code at 0x10 and flat data at 0x18. */
WUR int longmode_write_gdt(const struct gmem *mem, gpa_t gpa, struct err *err);

#endif
