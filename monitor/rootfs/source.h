/* source.h: where a root comes from: a directory, a tar or a cpio archive. Each
 * reader fills a tree, and reads contents when the image is written. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_SOURCE_H
#define ROOTFS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rootfs/pack.h"

struct err;
struct tree;

#define ARCHIVE_BLOCK 512u /* bytes at its beginning that tell an archive */

/*
 * Everything below a directory, sorted by name. Symbolic links are kept, not
 * followed; devices, pipes and sockets are kept as such. Errors name the path
 * from there. Borrows the descriptor.
 */
WUR int dir_scan(int fd, struct tree *t, struct err *err);

/* Its contents, as they were when scanned: -EAGAIN when a file has changed. For
 * dir_close. */
struct dir_source {
	int root_fd, dir_fd; /* dir_fd: of the directory read last, or -1 */
	const struct tree_node *dir;
};
void dir_open(int fd, struct dir_source *ret_source, struct pack_source *ret);
void dir_close(struct dir_source *s);

/* An archive: a regular file of `len` bytes. Borrows the descriptor. */
struct archive {
	int fd;
	uint64_t len;
};

/* POSIX ustar and pax, GNU tar with long names, old tar. -EINVAL. */
bool tar_is_tar(const uint8_t head[ARCHIVE_BLOCK]);
WUR int tar_scan(const struct archive *a, struct tree *t, struct err *err);

/* The "newc" format. -EINVAL. */
bool cpio_is_cpio(const uint8_t head[ARCHIVE_BLOCK]);
WUR int cpio_scan(const struct archive *a, struct tree *t, struct err *err);

/* `len` bytes of an archive, or why not: `what` is where it ends. */
WUR int archive_read(const struct archive *a, uint64_t off, void *dst,
		     size_t len, const char *what, struct err *err);

/* Puts the end of a name before the message, without what a terminal would
 * obey; a long one must not push the message out. Returns err->code. */
int source_wrap(struct err *err, const char *name);

void archive_open(struct archive *a, struct pack_source *ret);

#endif
