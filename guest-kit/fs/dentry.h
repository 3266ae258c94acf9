/* dentry.h: names: one edge of the tree. A name that was removed lives on
 * while somebody holds it (an open file, the working directory). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_DENTRY_H
#define FS_DENTRY_H

#include "fs/inode.h"
#include "kernel/types.h"

struct dentry {
	uint32_t refs; /* one is the tree's while it is attached */
	uint32_t hash;
	struct dentry *parent; /* held; of the root: itself, not held */
	struct inode *node;    /* held */
	char *name;            /* its own if own_name; ended with NUL */
	uint16_t len;
	bool own_name;
	bool attached;        /* in its parent, or needs none (root, /proc) */
	bool mounted;         /* the root of another file system */
	bool tmpfile;         /* never had a name, may get one: O_TMPFILE */
	uint32_t cookie;      /* dir.c: its place in getdents */
	struct dentry *chain; /* dir.c: of its bucket */
	struct dentry *next, *prev; /* dir.c: by cookie */
};

/* Not attached. Takes node's reference, whatever happens; parent may be NULL
 * (nameless: a pipe, memfd). The name is copied if `copy`, else stays. */
WUR struct dentry *dentry_new(struct dentry *parent, struct inode *node,
			      const char *name, unsigned len, bool copy);
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

/* Another name; false: no memory. */
WUR bool dentry_rename(struct dentry *d, const char *name, unsigned len);

/* `d` is `above` or lies below it. */
bool dentry_below(const struct dentry *d, const struct dentry *above);

/* The path from `root` with a NUL, its length; -ERANGE. " (deleted)" follows
 * what is not in the tree any more. */
WUR int64_t dentry_path(const struct dentry *d, const struct dentry *root,
			char *buf, uint64_t room);
/* Every directory up to the root is in the tree. */
bool dentry_reachable(const struct dentry *d);

#endif
