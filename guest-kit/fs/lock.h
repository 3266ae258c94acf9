/* lock.h: advisory locks of ranges (fcntl(2)) and of whole files (flock(2)).
 * There is one process: its POSIX locks never meet each other, those of open
 * file descriptions and flock's do. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_LOCK_H
#define FS_LOCK_H

#include "kernel/types.h"

struct file;
struct inode;

enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK };
enum lock_type { LOCK_READ, LOCK_WRITE, LOCK_NONE };

struct lock_range {
	enum lock_kind kind;
	enum lock_type type;
	uint64_t first, last; /* bytes */
};

/* f wants (or, with LOCK_NONE, gives back) a range of its inode. -EAGAIN if
 * somebody else has it and `wait` is false, -ENOLCK without memory; sleeps. */
WUR int lock_set(struct file *f, const struct lock_range *want, bool wait);
/* What stands in the way; false: nothing. */
WUR bool lock_test(struct file *f, const struct lock_range *want,
		   struct lock_range *ret);

/* A descriptor of f is closed: the process's POSIX locks on the file go. */
void lock_close(struct file *f);
/* f ends: its own locks go. */
void lock_release(struct file *f);

#endif
