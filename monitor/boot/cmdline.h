/* cmdline.h: the guest kernel's command line: the user's words and ours. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "boot/boot.h"

struct err;

struct cmdline {
	size_t len; /* without the NUL */
	char text[BOOT_CMDLINE_MAX];
};

/*
 * `user`, then `virtio_mmio.device=4K@BASE:IRQ` for devices 0..n_devices-1,
 * then `extra` (or NULL), one space between. All of ours goes before a word
 * "--" of the user's, since what follows belongs to init. `max` counts the
 * NUL: at most BOOT_CMDLINE_MAX. -E2BIG names length and limit; -EINVAL: the
 * user left a quote open.
 *
 * A Linux that knows both these words and ACPI finds each device twice, and
 * refuses the second with a line in its log.
 */
WUR int cmdline_build(const char *user, unsigned n_devices, const char *extra,
		      size_t max, struct cmdline *ret, struct err *err);

/* The same for Linux, with a word before the user's, who can overrule it:
 * "reboot=a", use ACPI to reboot. */
WUR int cmdline_build_linux(const char *user, unsigned n_devices, size_t max,
			    struct cmdline *ret, struct err *err);

/* True when the user's line has a word "--": what follows are arguments. */
bool cmdline_has_arguments(const char *user);

#endif
