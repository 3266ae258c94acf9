/* path.h: from a path to a name in the tree (path_resolution(7)). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "fs/dentry.h"
#include "fs/fs.h"

#define PATH_LINKS_MAX 40

/* How to walk. */
#define WALK_FOLLOW 1u /* a symbolic link at the end, too */
#define WALK_EMPTY  2u /* "" is where the walk starts; else -ENOENT */
#define WALK_NAME   4u /* the last name itself, even if a slash follows */
#define WALK_CREATE 8u /* the same makes a slash there -EISDIR: O_CREAT */
/* openat2(2) */
#define WALK_NO_XDEV       0x010000u
#define WALK_NO_MAGICLINKS 0x020000u
#define WALK_NO_SYMLINKS   0x040000u
#define WALK_BENEATH       0x080000u
#define WALK_IN_ROOT       0x100000u

struct path_end {
	struct dentry *dir; /* held: where the last name lies */
	struct dentry *at;  /* held: what it is; NULL: no such name */
	bool plain; /* false: the path ends in "/", "." or "..", or is "" */
	bool dots;  /* ... in "..": for rmdir and rename */
	bool slash; /* something ended in a slash: a directory is meant */
	unsigned len;
	char name[FS_NAME_MAX + 1]; /* if plain */
};

/* Starts at `from` (NULL: the working directory) unless the path is absolute.
 * 0 when all but the last name exist; else nothing is held. */
WUR int path_walk(struct dentry *from, const char *path, unsigned how,
		  struct path_end *ret);
void path_end_put(struct path_end *e);

/* To what exists: held in *ret; -ENOENT. */
WUR int path_find(struct dentry *from, const char *path, unsigned how,
		  struct dentry **ret);

/* The root and the working directory, borrowed. The tree is made at the first
 * call; without memory for it the machine panics. */
struct dentry *fs_root(void);
struct dentry *fs_cwd(void);
/* Takes a reference of its own. */
void fs_set_cwd(struct dentry *d);
/* What runs, borrowed, or NULL. */
struct dentry *fs_program(void);
/* umask(2): bits that new files do not get. */
extern uint32_t fs_umask;

#endif
