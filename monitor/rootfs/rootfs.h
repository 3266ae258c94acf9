/* rootfs.h: `--rootfs` and `mayfly pack`: whatever a root is given as becomes
 * a root image (abi/rootfs.h) in a file that can be mapped. Knows no guest. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_ROOTFS_H
#define ROOTFS_ROOTFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rootfs/table.h"

struct err;

struct rootfs {
	const char *name; /* for messages; borrowed */
	int fd;           /* of the image: its file, or memory */
	uint64_t len;     /* a multiple of 4 KiB */
	struct table table;
};

/* A regular file of the root: `len` bytes at `off` of the image. */
struct rootfs_file {
	uint64_t off, len;
};

/*
 * A directory, a tar or cpio archive, or a packed image; files are told by
 * their bytes. An image is used as it lies on disk when only its owner, who is
 * us or root, can write to it; all else is read into memory. -EINVAL: it is
 * none of them, or broken; and the host's errors. For rootfs_close.
 */
WUR int rootfs_open(const char *path, struct rootfs *ret, struct err *err);
void rootfs_close(struct rootfs *r); /* accepts one whose fd is -1 */

/* The regular file a path leads to, symbolic links followed inside the root.
 * -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG; -EACCES: not a regular file. */
WUR int rootfs_find(const struct rootfs *r, const char *path,
		    struct rootfs_file *ret);

/* Its bytes, while the root is open. */
const uint8_t *rootfs_bytes(const struct rootfs *r, uint64_t off);

#endif
