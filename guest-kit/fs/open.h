/* open.h: opening by path, for the system calls. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_OPEN_H
#define FS_OPEN_H

#include "fs/path.h"

struct file;

/* As openat(2) with a directory that is held, or NULL. `mode` is already what
 * umask has left; `how` more of WALK_*. May sleep. */
WUR int open_at(struct dentry *from, const char *path, uint32_t flags,
		uint32_t mode, unsigned how, struct file **ret);
/* A file on a name; takes d's reference, whatever happens. */
WUR int open_dentry(struct dentry *d, uint32_t flags, struct file **ret);
/* A file on a new inode without a name in the tree, "memfd:x" or "pipe:[7]":
 * `name` stays or is copied. Takes node's reference. */
WUR int open_nameless(struct inode *node, const char *name, bool copy,
		      uint32_t flags, struct file **ret);

#endif
