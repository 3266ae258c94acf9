/* file.h: open files and the table of descriptors.
 *
 * An open file (Linux calls it a file description) is shared by the
 * descriptors that dup made and counted; what it does is in its operations. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_FILE_H
#define LINUX_FILE_H

#include "kernel/io.h"
#include "kernel/types.h"
#include "kernel/wait.h"

#define O_ACCMODE   03u
#define O_RDONLY    00u
#define O_WRONLY    01u
#define O_RDWR      02u
#define O_CREAT     0100u
#define O_EXCL      0200u
#define O_NOCTTY    0400u
#define O_TRUNC     01000u
#define O_APPEND    02000u
#define O_NONBLOCK  04000u
#define O_DSYNC     010000u
#define O_ASYNC     020000u
#define O_DIRECT    040000u
#define O_LARGEFILE 0100000u
#define O_DIRECTORY 0200000u
#define O_NOFOLLOW  0400000u
#define O_NOATIME   01000000u
#define O_CLOEXEC   02000000u
#define O_SYNC      04010000u
#define O_PATH      010000000u
#define O_TMPFILE   020200000u

#define POLLIN     0x001u
#define POLLPRI    0x002u
#define POLLOUT    0x004u
#define POLLERR    0x008u
#define POLLHUP    0x010u
#define POLLNVAL   0x020u
#define POLLRDNORM 0x040u
#define POLLRDBAND 0x080u
#define POLLWRNORM 0x100u
#define POLLWRBAND 0x200u
#define POLLRDHUP  0x2000u

#define POLL_READABLE (POLLIN | POLLRDNORM)
#define POLL_WRITABLE (POLLOUT | POLLWRNORM)

#define S_IFMT   0170000u
#define S_IFSOCK 0140000u
#define S_IFLNK  0120000u
#define S_IFREG  0100000u
#define S_IFBLK  0060000u
#define S_IFDIR  0040000u
#define S_IFCHR  0020000u
#define S_IFIFO  0010000u
#define S_ISVTX  0001000u
#define S_ISGID  0002000u
#define S_ISUID  0004000u

struct linux_stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	uint64_t atime[2], mtime[2], ctime[2];
	int64_t unused[3];
};

_Static_assert(sizeof(struct linux_stat) == 144, "ABI");

struct file;
struct store;

/* What is NULL gives the error in brackets. Results: a count or 0, or a
 * negative errno. Calls may sleep unless f->flags has O_NONBLOCK; who sleeps
 * returns -ERESTARTSYS when thread_sleep does. The caller holds f. */
struct file_ops {
	/* What was opened allows it (O_ACCMODE). pos: where, and moved on;
	 * streams ignore it. [EINVAL] */
	int64_t (*read)(struct file *f, struct io *io, uint64_t *pos);
	int64_t (*write)(struct file *f, struct io *io, uint64_t *pos);
	/* Which POLL* hold now; must arrange that queue() is woken when more
	 * of them do. [always readable and writable] Never sleeps. */
	unsigned (*poll)(struct file *f);
	struct waitq *(*queue)(struct file *f); /* with poll */
	/* Present: the file has positions; returns the new one. [ESPIPE, and
	 * for pread and pwrite] */
	int64_t (*seek)(struct file *f, int64_t off, unsigned whence);
	int64_t (*ioctl)(struct file *f, uint32_t request, uint64_t arg);
	/* [ENOTTY] */
	int (*stat)(struct file *f, struct linux_stat *ret); /* required */
	/* What mmap maps, borrowed. [ENODEV] */
	struct store *(*store)(struct file *f);
	bool zeros; /* mmap maps memory as if it had no file */
	/* What was written is safe against a loss of power. [0] */
	int (*sync)(struct file *f);
	/* The last reference is going; frees what is f->data. */
	void (*release)(struct file *f);
	/* Of what has no place in the tree, for /proc/self/fd: "eventfd" makes
	 * "anon_inode:[eventfd]". */
	const char *name;
};

struct file {
	const struct file_ops *ops;
	uint32_t refs;
	uint32_t flags; /* O_* less those that only open means */
	uint64_t pos;
	void *data;         /* its ops' */
	struct inode *node; /* of the file system, or NULL (fs/) */
	struct dentry *at;  /* held: the name it was opened by, or NULL */
	int32_t owner;      /* fcntl(2): F_SETOWN; no signal is ever sent */
	struct epoll_watch *watches; /* epoll's, of this file */
};

/* With one reference, or NULL: no memory. */
WUR struct file *file_new(const struct file_ops *ops, uint32_t flags,
			  void *data);
struct file *file_get(struct file *f); /* one more */
void file_put(struct file *f);
/* read and write with the checks that all files need: -EBADF, -EINVAL. */
int64_t file_read(struct file *f, struct io *io, uint64_t *pos);
int64_t file_write(struct file *f, struct io *io, uint64_t *pos);
/* Which POLL* hold now. */
unsigned file_poll(struct file *f);
/* For ops->stat of what has no name and no type. */
int file_stat_anon(struct file *f, struct linux_stat *ret);
/* For ops->seek of what has no positions and does not mind. */
int64_t file_seek_none(struct file *f, int64_t off, unsigned whence);

#define FD_MAX  4096 /* RLIMIT_NOFILE's hard limit */
#define FD_SOFT 1024 /* ... and the soft one at first */

/* RLIMIT_NOFILE's soft limit: new descriptors are below. */
extern uint32_t fd_limit;

/* The open file of a descriptor, with a reference for the caller, who puts
 * it; NULL: EBADF. The upper half of an int argument does not count. Files of
 * O_PATH are not there for the first. */
WUR struct file *fd_hold(uint64_t fd);
WUR struct file *fd_hold_any(uint64_t fd);
/* close(2): -EBADF. */
int fd_close(uint64_t fd);
/* The flag FD_CLOEXEC, or -EBADF. */
int fd_cloexec(uint64_t fd);
WUR int fd_set_cloexec(uint64_t fd, bool cloexec);
/* A second one for the same file, as fd_install finds it. */
WUR int64_t fd_duplicate(uint64_t fd, uint64_t from, bool cloexec);
/* There is a free one. */
bool fd_room(void);
/* The first descriptor in use from `from` on, or -1. */
int64_t fd_next(uint64_t from);
/* The lowest free descriptor from `from` on for f, whose reference it takes
 * if it succeeds. -EMFILE, or -EINVAL for a `from` beyond the limit. */
WUR int64_t fd_install(struct file *f, uint64_t from, bool cloexec);
/* Takes the reference in any case: for calls that end with a descriptor. */
WUR int64_t fd_return(struct file *f, bool cloexec);

#endif
