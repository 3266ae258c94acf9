/* x86_linux.h: Linux by the 64-bit boot protocol: bzImage and vmlinux.
 *
 *   0x1000  GDT, and a stack below 0x2000    0x3000  command line
 *   0x2000  boot_params                      0x4000  page tables, 6 pages
 *
 * The processor enters in 64-bit mode, the low 4 GiB mapped one to one. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_X86_LINUX_H
#define BOOT_X86_LINUX_H

#include "base/attr.h"
#include "mem/layout.h"

struct boot_config;
struct boot_entry;
struct err;
struct image;
struct place;
struct probe;

#define LINUX_LINE_MAX 2048 /* x86 COMMAND_LINE_SIZE, with the NUL */

/* Loads kernel, initrd, command line and boot_params; sets the entry. */
WUR int linux_load(const struct boot_config *cfg, const struct image *img,
		   const struct probe *probe, gpa_t rsdp, struct place *place,
		   struct boot_entry *entry, struct err *err);

#endif
