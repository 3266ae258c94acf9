/* walk.h: a path through a tree of files, as Linux walks it: symbolic links
 * and ".." lead nowhere but inside, the root is its own parent. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_WALK_H
#define ROOTFS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define WALK_LINKS_MAX 40u   /* symbolic links in one walk, as on Linux */
#define WALK_PATH_MAX  4095u /* bytes of a path, links replaced */

/* A tree whose nodes have numbers; the root's is 0. */
struct walk_tree {
	bool (*is_dir)(void *ctx, uint32_t node);
	uint32_t (*parent)(void *ctx, uint32_t node);
	/* The target of a symbolic link, else NULL. */
	const char *(*target)(void *ctx, uint32_t node, size_t *ret_len);
	/* What `name` is in a directory; -ENOENT, or another reason. */
	int (*child)(void *ctx, uint32_t dir, const char *name, size_t len,
		     uint32_t *ret);
	void *ctx;
};

/*
 * Where a path of `len` bytes leads from the root, whether it begins with '/'
 * or not. A symbolic link at its end is followed, too. -ENOENT, -ENOTDIR,
 * -ELOOP, -ENAMETOOLONG, and what `child` says.
 */
WUR int walk(const struct walk_tree *t, const char *path, size_t len,
	     uint32_t *ret);

#endif
