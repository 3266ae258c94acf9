/* table.h: a root image (abi/rootfs.h) as bytes of somebody else: check it,
 * find files in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_TABLE_H
#define ROOTFS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/endian.h"

struct err;

#define TABLE_HEAD_LEN 8u /* bytes that tell an image */

/* struct rootfs_header and struct rootfs_entry, as they lie in a file. */
struct table_header {
	le64 magic;
	le32 version, n_entries;
	le64 len, entries_off, strings_off, strings_len, data_off, pad;
};

struct table_entry {
	le32 parent, mode, uid, gid, name_off;
	le16 name_len, pad;
	le32 link, nlink;
	le64 size, data, mtime_sec;
	le32 mtime_nsec, rdev;
};

/* A checked image; borrows its bytes. */
struct table {
	const uint8_t *bytes;
	uint64_t len;
	const struct table_entry *entry; /* n of them */
	uint32_t n;
	const char *strings;
};

/* True for bytes that begin like an image. */
bool table_is_image(const uint8_t head[TABLE_HEAD_LEN]);

/*
 * Checks everything that abi/rootfs.h promises but zeros behind contents.
 * `bytes` are aligned to 8. -EINVAL says what is wrong, -ENOMEM.
 */
WUR int table_open(const uint8_t *bytes, uint64_t len, struct table *ret,
		   struct err *err);

/* Where a path leads, symbolic links followed: see walk.h. */
WUR int table_find(const struct table *t, const char *path, uint32_t *ret);

#endif
