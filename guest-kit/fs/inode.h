/* inode.h: what a file is apart from its names: type, attributes, contents.
 * Nothing here sleeps; the tree changes only between sleeps. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "kernel/types.h"
#include "linux/file.h"

struct dentry;
struct dir;
struct fifo;
struct inode;
struct file_lock;
struct proc_entry;
struct rootfs_entry;

/* Which file system: st_dev, and rename and link stay within one. */
enum fs_id { FS_ROOT, FS_PROC, FS_SYS, FS_PIPE, FS_IDS };

/* One entry of a directory, for getdents. */
struct dir_item {
	const char *name; /* good until the next call, or in buf */
	unsigned len;
	uint64_t ino;
	uint32_t type;     /* S_IF* */
	uint64_t next_pos; /* where to go on */
	char buf[24];
};

/* What differs by type. What is NULL gives the error in brackets. */
struct inode_ops {
	/* f->node, f->at and f->flags are set; sets f->ops and f->data. May
	 * sleep. [ENXIO] */
	int (*open)(struct inode *node, struct file *f);
	/* Of a symbolic link: the target, not ended, cut to room; its length.
	 * The other: where it leads without one, held (links of /proc). */
	int64_t (*readlink)(struct inode *node, char *buf, uint64_t room);
	int (*jump)(struct inode *node, struct dentry **ret);
	/* Of a directory: the child, held, or -ENOENT; and the first entry at
	 * or after pos (2 up: . and .. are the caller's): 1, at the end 0. */
	int (*lookup)(struct dentry *dir, const char *name, unsigned len,
		      struct dentry **ret);
	int (*next)(struct dentry *dir, uint64_t pos, struct dir_item *ret);
	void (*free)(struct inode *node); /* the contents */
};

struct fs_time {
	int64_t sec;
	uint32_t nsec;
} __attribute__((packed));

struct inode {
	const struct inode_ops *ops;
	uint32_t refs; /* of names, open or not, and others */
	uint32_t mode, uid, gid, nlink;
	uint32_t ino, rdev; /* rdev: as struct stat has it */
	struct fs_time atime, mtime, ctime;
	uint8_t fs;                  /* enum fs_id */
	uint8_t seals;               /* F_SEAL_* */
	bool is_memfd;               /* of memfd_create: can be sealed */
	uint8_t running;             /* is a program that runs: ETXTBSY */
	uint32_t arg;                /* of /proc: thread or descriptor */
	union {                      /* by type */
		struct store *store; /* regular; made when first needed */
		struct dir *dir;     /* NULL: no children yet */
		char *target;        /* its own, target_len + 1 bytes */
		struct fifo *fifo;
		void *socket;      /* the socket layer's */
		struct file *file; /* held: what a descriptor's link leads to */
		const struct proc_entry *proc;
	};
	uint32_t target_len;
	struct file_lock *locks;
	const struct rootfs_entry *image; /* where it came from, or NULL */
	struct inode *next_linked;        /* image.c: has more names */
};

_Static_assert(sizeof(struct inode) <= 128, "two pieces of kmem");

/* One reference, nlink 1, times of now; ops by type for those of the tree;
 * NULL: no memory. */
WUR struct inode *inode_new(enum fs_id fs, uint32_t mode);
struct inode *inode_get(struct inode *node);
/* The last one frees it, unless it has names in the image that nobody has
 * looked at. */
void inode_put(struct inode *node);

/* Of regular files, borrowed; NULL: no memory. */
WUR struct store *inode_store(struct inode *node);
/* Of regular files and links, without making anything. */
uint64_t inode_size(const struct inode *node);
/* Of regular files; all that truncate(2) does but for the checks. */
WUR int inode_truncate(struct inode *node, uint64_t len);
/* Of symbolic links that readlink can read. */
WUR int64_t inode_readlink(struct inode *node, char *buf, uint64_t room);

void inode_stat(const struct inode *node, struct linux_stat *ret);
uint64_t inode_dev(const struct inode *node);

struct fs_time fs_now(void);
void inode_modified(struct inode *node); /* mtime and ctime */
void inode_changed(struct inode *node);  /* ctime */
void inode_accessed(struct inode *node); /* atime, as relatime */

static inline bool inode_is(const struct inode *node, uint32_t type)
{
	return (node->mode & S_IFMT) == type;
}

/* Numbers of new files; 1 up to the image's entries are theirs. */
void inode_numbers_from(uint32_t ino);
uint32_t inode_number(void);

#endif
