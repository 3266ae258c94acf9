/* probe.h: what an image is, told by its bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_PROBE_H
#define BOOT_PROBE_H

#include <stdbool.h>

#include "base/attr.h"
#include "boot/boot.h"
#include "boot/elf.h"

struct err;
struct image;

struct probe {
	enum boot_kind kind; /* never BOOT_AUTO */
	bool is_bzimage;     /* else the ELF fields are set */
	struct elf elf;
	struct elf_notes notes;
};

/*
 * With `wanted` other than BOOT_AUTO the image must be bootable that way.
 * -ENOEXEC: what it looks like instead, and what to do about it.
 */
WUR int probe_image(const struct image *img, enum boot_kind wanted,
		    struct probe *ret, struct err *err);

#endif
