/* tree.h: changes of the tree: what mkdir, link, unlink, rename do once the
 * paths are walked. Errors are those of the system calls. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include "fs/path.h"

/* A new inode of this type and mode gets the name at the end of a walk (where
 * there is none yet: else -EEXIST); held in *ret, which may be NULL. Takes the
 * reference of `node`, if one is given, instead of making it. */
WUR int tree_make(const struct path_end *end, uint32_t mode, struct inode *node,
		  struct dentry **ret);
WUR int tree_symlink(const struct path_end *end, const char *target,
		     uint64_t len);
WUR int tree_link(const struct path_end *end, struct dentry *old);
WUR int tree_unlink(const struct path_end *end);
WUR int tree_rmdir(const struct path_end *end);

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u
WUR int tree_rename(const struct path_end *from, const struct path_end *to,
		    unsigned flags);

/* No files of a disk: made once, before the program runs or when it is first
 * asked for; 0 or -ENOMEM, also where the name is taken already. */
WUR int tree_standard(struct dentry *dir, const char *name, uint32_t mode,
		      uint32_t rdev, const char *content);

#endif
