/* dir.h: the names in a directory of the tree: hashed, and in a list by which
 * getdents goes on where it was. What lies in the root image is made when it
 * is looked for, or when somebody reads the whole directory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_DIR_H
#define FS_DIR_H

#include "fs/dentry.h"

/* struct inode_ops */
int dir_lookup(struct dentry *at, const char *name, unsigned len,
	       struct dentry **ret);
int dir_next(struct dentry *at, uint64_t pos, struct dir_item *ret);
void dir_free(struct inode *node);

/* No names but . and .. */
bool dir_is_empty(const struct inode *node);

/* Room for one more: dir_attach cannot fail afterwards. */
WUR int dir_reserve(struct dentry *at);
/* d, whose parent `at` is and whose name is new there, appears; the tree
 * takes a reference of its own. */
void dir_attach(struct dentry *at, struct dentry *d);
/* d leaves its parent, and the tree's reference goes. */
void dir_detach(struct dentry *d);

#endif
