/* tar_field.h: the parts of tar headers that are more than bytes: numbers and
 * pax records (POSIX.1-2017, pax). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_TAR_FIELD_H
#define ROOTFS_TAR_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct err;

/*
 * A number of a header's field: octal digits between blanks and up to a NUL
 * (none at all are 0), or, with the first bit set, base 256 (GNU). False: no
 * number, or more than 63 bits.
 */
WUR bool tar_number(const char *field, size_t len, int64_t *ret);

#define TAR_PAX_PATH  1u
#define TAR_PAX_LINK  2u
#define TAR_PAX_SIZE  4u
#define TAR_PAX_MTIME 8u
#define TAR_PAX_UID   16u
#define TAR_PAX_GID   32u

/* What pax records say; zeroed: nothing. */
struct tar_pax {
	unsigned has;      /* TAR_PAX_* */
	char *path, *link; /* owned */
	int64_t size, uid, gid, mtime_sec;
	uint32_t mtime_nsec;
};

/* Adds the records of a header; `text` has a NUL behind its `len` bytes. Keys
 * that nothing is done with are passed over. -EINVAL, -ENOMEM. */
WUR int tar_pax_parse(struct tar_pax *pax, const char *text, size_t len,
		      struct err *err);
void tar_pax_fini(struct tar_pax *pax);

#endif
