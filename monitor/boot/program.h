/* program.h: a Linux program as the kit's first module.
 *
 *   kit at its own addresses | program file | startup block  ...  root image
 *
 * each page-aligned; the first three close together, so that few host pages are
 * touched, the root image (rootfs.h) mapped where memory ends.
 * The program is checked here for the sake of clear messages; the kit, inside,
 * trusts nothing of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_PROGRAM_H
#define BOOT_PROGRAM_H

#include "base/attr.h"
#include "mem/layout.h"

struct boot_config;
struct boot_entry;
struct elf;
struct err;
struct image;
struct place;
struct pvh_module;
struct rootfs;

/* On the kit's command line: where the platform page is. */
#define PROGRAM_PLATFORM_WORD "mayfly.platform=0xc0000000"

#define PROGRAM_STARTUP_MAX (1u << 20) /* the startup block, in bytes */

/* Linked for user addresses, entry in executable bytes, and static, or with an
 * interpreter that is in `rootfs` (NULL: none). -ENOEXEC names it. */
WUR int program_check(const struct image *img, const struct elf *elf,
		      const struct rootfs *rootfs, struct err *err);

/* Loads kit, program, startup block and start info; sets the entry. -E2BIG:
 * arguments and environment, or the command line. */
WUR int program_load(const struct boot_config *cfg, const struct image *img,
		     struct place *place, struct boot_entry *entry,
		     struct err *err);

/* Only the startup block, as low as it fits from `from` on. */
WUR int program_load_startup(const struct boot_config *cfg, struct place *place,
			     gpa_t from, struct pvh_module *ret,
			     struct err *err);

#endif
