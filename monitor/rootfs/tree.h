/* tree.h: a tree of files while a root image is made: names, and what they
 * name. Contents stay in the source. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_TREE_H
#define ROOTFS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "guest-kit/include/abi/rootfs.h"

struct err;

#define TREE_DEPTH_MAX 256u /* directories, one in the other */

/* What a name names: mode, owner, contents. Hard links share one. */
struct tree_inode {
	uint32_t mode, uid, gid, rdev; /* rdev: ROOTFS_RDEV */
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint64_t size; /* of a regular file, in bytes */
	uint64_t from; /* archives: where the contents lie */
	char *target;  /* of a symbolic link; owned */
	uint64_t dev, ino;
	uint32_t refs; /* filled by the tree */
	/* filled by pack.h: its first name's entry, how many there are, and
	 * where the contents go */
	uint32_t entry, nlink;
	uint64_t data;
};

struct tree_node {
	struct tree_inode *inode;
	struct tree_node *parent; /* the root: itself */
	uint32_t id;              /* in the order of creation; the root: 0 */
	uint32_t n_children, n_subdirs;
	unsigned depth;
	size_t name_len;
	char name[]; /* NUL-terminated */
};

struct tree {
	struct tree_node **node; /* n_nodes of them, by id */
	uint32_t n_nodes, cap;
	void *by_name, *by_ino; /* search trees */
};

/* Only the root, with mode 755. -ENOMEM. */
WUR int tree_init(struct tree *t, struct err *err);
void tree_fini(struct tree *t); /* accepts a zeroed one */

/* The entry of a directory, or NULL. */
struct tree_node *tree_child(const struct tree *t, const struct tree_node *dir,
			     const char *name, size_t len);

/*
 * Names a new inode: a copy of `attr`, with its target if it has one. A name
 * that exists already gets the new one, as when tar extracts: the attributes of
 * a directory change, what is no directory is replaced. NULL: *err says why:
 * -EEXIST, it would replace a directory with entries; -EINVAL, -ENAMETOOLONG,
 * no name; -E2BIG, too many entries; -EMLINK, too deep; -ENOMEM.
 */
struct tree_node *tree_put(struct tree *t, struct tree_node *dir,
			   const char *name, size_t len,
			   const struct tree_inode *attr, struct err *err);

/* The same with an inode of this tree that is no directory: a hard link. */
WUR int tree_link(struct tree *t, struct tree_node *dir, const char *name,
		  size_t len, struct tree_inode *inode, struct err *err);

/*
 * The directory in which an archive's path ends, and the last component (empty:
 * the path is the root). Symbolic links on the way are followed inside the
 * tree, missing directories made. NULL: *err says why, -EINVAL: it has a "..",
 * -ENOTDIR, -ELOOP, -ENAMETOOLONG.
 */
struct tree_node *tree_dir_of(struct tree *t, const char *path, size_t len,
			      const char **ret_name, size_t *ret_name_len,
			      struct err *err);

/* tree_put of an archive's path. */
struct tree_node *tree_put_path(struct tree *t, const char *path, size_t len,
				const struct tree_inode *attr, struct err *err);

/* The inode that was remembered with this dev and ino, or NULL. */
struct tree_inode *tree_find_ino(const struct tree *t, uint64_t dev,
				 uint64_t ino);
/* Remembers it. -ENOMEM. Its dev and ino do not change any more. */
WUR int tree_keep_ino(struct tree *t, struct tree_inode *inode,
		      struct err *err);

#endif
