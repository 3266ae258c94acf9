/* at.h: paths as system calls pass them: a directory's descriptor, and a
 * string in the program's memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_AT_H
#define LINUX_AT_H

#include "fs/path.h"
#include "kernel/types.h"

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_REMOVEDIR        0x200u
#define AT_EACCESS          0x200u
#define AT_SYMLINK_FOLLOW   0x400u
#define AT_NO_AUTOMOUNT     0x800u
#define AT_EMPTY_PATH       0x1000u
#define AT_STATX_SYNC_TYPE  0x6000u

#define CWD ((uint64_t)(int64_t)AT_FDCWD)

/* The path, and where it starts if it is relative: held. */
struct at {
	char *path;          /* FS_PATH_MAX bytes */
	struct dentry *from; /* or NULL: at the working directory */
};

/* `how` (WALK_*) says whether "" is good. -EFAULT, -ENAMETOOLONG, -ENOENT,
 * -EBADF, -ENOTDIR. On success at_put. */
WUR int at_get(struct at *a, uint64_t dirfd, uint64_t gva, unsigned how);
void at_put(struct at *a);

/* at_get, and the walk (fs/path.h). */
WUR int at_walk(uint64_t dirfd, uint64_t gva, unsigned how,
		struct path_end *ret);
WUR int at_find(uint64_t dirfd, uint64_t gva, unsigned how,
		struct dentry **ret);

/* WALK_* for a call's AT_* flags. */
unsigned at_how(uint64_t flags);

#endif
