/* proc.h: /proc and /sys: nothing of them exists before it is asked for. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_PROC_H
#define FS_PROC_H

#include "fs/inode.h"
#include "fs/text.h"

/* One name of a directory of tables. */
struct proc_entry {
	const char *name;
	uint32_t mode;
	void (*fill)(struct text *t, uint32_t arg); /* of a regular file */
	const char *target; /* of a symbolic link; else the line of a file */
	const struct proc_entry *children; /* of a directory */
	unsigned n_children;
	/* Directories and links with a mind of their own */
	const struct inode_ops *ops;
};

#define PROC_FILE(n, f)                                          \
	{                                                        \
		.name = (n), .mode = S_IFREG | 0444, .fill = (f) \
	}
#define PROC_TEXT(n, t)                                            \
	{                                                          \
		.name = (n), .mode = S_IFREG | 0444, .target = (t) \
	}
#define PROC_LINK(n, t)                                            \
	{                                                          \
		.name = (n), .mode = S_IFLNK | 0777, .target = (t) \
	}
#define PROC_SPECIAL(n, m, o)                        \
	{                                            \
		.name = (n), .mode = (m), .ops = (o) \
	}
#define PROC_DIR(n, c)                                                \
	{                                                             \
		.name = (n), .mode = S_IFDIR | 0555, .children = (c), \
		.n_children = ARRAY_LEN(c)                            \
	}

/* Roots of the two file systems; NULL: no memory. */
WUR struct inode *proc_root(void);
WUR struct inode *sysfs_root(void);

/* The inode of an entry, and its name in `dir`, held; arg goes to fill. */
WUR struct inode *proc_inode(enum fs_id fs, const struct proc_entry *e,
			     uint32_t arg);
WUR int proc_dentry(struct dentry *dir, const struct proc_entry *e,
		    const char *name, uint32_t arg, struct dentry **ret);

/* The directory of a thread, and what is in it (proc_self.c). */
extern const struct proc_entry proc_process;
/* "self" and "thread-self" */
extern const struct inode_ops proc_self_link, proc_thread_link;

/* proc_system.c: files about the machine. */
extern const struct proc_entry proc_system[], proc_sysfs[];
extern const unsigned proc_system_n, proc_sysfs_n;

/* Ends at the first byte that is no digit; false: none, or too many. */
WUR bool proc_number(const char *name, unsigned len, uint32_t *ret);

#endif
