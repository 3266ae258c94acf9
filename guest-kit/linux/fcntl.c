/* fcntl.c: fcntl and flock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fifo.h"
#include "fs/inode.h"
#include "fs/lock.h"
#include "fs/regular.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

enum {
	F_DUPFD = 0,
	F_GETFD = 1,
	F_SETFD = 2,
	F_GETFL = 3,
	F_SETFL = 4,
	F_GETLK = 5,
	F_SETLK = 6,
	F_SETLKW = 7,
	F_SETOWN = 8,
	F_GETOWN = 9,
	F_OFD_GETLK = 36,
	F_OFD_SETLK = 37,
	F_OFD_SETLKW = 38,
	F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ = 1031,
	F_GETPIPE_SZ = 1032,
	F_ADD_SEALS = 1033,
	F_GET_SEALS = 1034,
};

#define FD_CLOEXEC 1u

/* What F_SETFL may change */
#define SETTABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

struct linux_flock {
	int16_t type, whence;
	int64_t start, len;
	int32_t pid, pad;
};

_Static_assert(sizeof(struct linux_flock) == 32, "ABI");

enum { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };

static const enum lock_type types[] = {
	[F_RDLCK] = LOCK_READ, [F_WRLCK] = LOCK_WRITE, [F_UNLCK] = LOCK_NONE
};

/* From what a call names to bytes; len 0: to the end, below 0: before. */
static int64_t read_range(struct file *f, const struct linux_flock *l,
			  struct lock_range *ret)
{
	uint64_t base = l->whence == SEEK_CUR   ? f->pos
			: l->whence == SEEK_END ? inode_size(f->node)
						: 0;
	int64_t first, last;

	if (l->type < F_RDLCK || l->type > F_UNLCK || l->whence < SEEK_SET ||
	    l->whence > SEEK_END)
		return -LINUX_EINVAL;
	if (__builtin_add_overflow((int64_t)base, l->start, &first))
		return -LINUX_EOVERFLOW;
	last = INT64_MAX;
	if (l->len > 0 && __builtin_add_overflow(first, l->len - 1, &last))
		return -LINUX_EOVERFLOW;
	if (l->len < 0) {
		last = first - 1;
		first += l->len;
	}
	if (first < 0 || last < first)
		return -LINUX_EINVAL;
	ret->type = types[l->type];
	ret->first = (uint64_t)first;
	ret->last = (uint64_t)last;
	return 0;
}

static int64_t tell_lock(struct file *f, const struct lock_range *want,
			 struct linux_flock *l)
{
	struct lock_range have;

	if (want->type == LOCK_NONE)
		return -LINUX_EINVAL;
	if (!lock_test(f, want, &have)) {
		l->type = F_UNLCK;
		return 0;
	}
	l->type = have.type == LOCK_READ ? F_RDLCK : F_WRLCK;
	l->whence = SEEK_SET;
	l->start = (int64_t)have.first;
	l->len = have.last == INT64_MAX ? 0
					: (int64_t)(have.last - have.first + 1);
	l->pid = have.kind == LOCK_POSIX ? 1 : -1;
	return 0;
}

static int64_t lock_call(struct file *f, int call, uint64_t gva)
{
	bool ofd = call >= F_OFD_GETLK;
	struct lock_range want = { .kind = ofd ? LOCK_OFD : LOCK_POSIX };
	uint32_t mode = f->flags & O_ACCMODE;
	struct linux_flock l;
	int64_t rc;

	if (user_read(&l, gva, sizeof(l)))
		return -LINUX_EFAULT;
	if (!f->node)
		return -LINUX_EINVAL;
	if (ofd && l.pid)
		return -LINUX_EINVAL;
	rc = read_range(f, &l, &want);
	if (rc)
		return rc;
	if (call == F_GETLK || call == F_OFD_GETLK) {
		rc = tell_lock(f, &want, &l);
		return rc ? rc : user_write(gva, &l, sizeof(l));
	}
	if ((want.type == LOCK_READ && mode == O_WRONLY) ||
	    (want.type == LOCK_WRITE && mode == O_RDONLY))
		return -LINUX_EBADF;
	return lock_set(f, &want, call == F_SETLKW || call == F_OFD_SETLKW);
}

static int64_t add_seals(struct file *f, uint64_t seals)
{
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -LINUX_EPERM;
	if (!f->node || !f->node->is_memfd || (seals & ~(uint64_t)SEAL_ALL))
		return -LINUX_EINVAL;
	if (f->node->seals & SEAL_SEAL)
		return -LINUX_EPERM;
	f->node->seals |= (uint8_t)seals;
	return 0;
}

static int64_t control(struct file *f, int call, uint64_t arg)
{
	switch (call) {
	case F_SETFL:
		f->flags = (f->flags & ~SETTABLE) | ((uint32_t)arg & SETTABLE);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_call(f, call, arg);
	case F_SETOWN:
		f->owner = (int32_t)arg;
		return 0;
	case F_GETOWN:
		return f->owner;
	case F_SETPIPE_SZ:
		return fifo_set_capacity(f, (uint32_t)arg);
	case F_GETPIPE_SZ:
		return fifo_capacity(f);
	case F_ADD_SEALS:
		return add_seals(f, arg);
	case F_GET_SEALS:
		return f->node && f->node->is_memfd ? f->node->seals
						    : -LINUX_EINVAL;
	default:
		return -LINUX_EINVAL;
	}
}

int64_t sys_fcntl(struct regs *r)
{
	int call = (int)ARG2(r);
	struct file *f = fd_hold_any(ARG1(r));
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	switch (call) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		rc = fd_duplicate(ARG1(r), (uint32_t)ARG3(r),
				  call == F_DUPFD_CLOEXEC);
		break;
	case F_GETFD:
		rc = fd_cloexec(ARG1(r));
		break;
	case F_SETFD:
		rc = fd_set_cloexec(ARG1(r), ARG3(r) & FD_CLOEXEC);
		break;
	case F_GETFL:
		rc = f->flags;
		break;
	default:
		rc = f->flags & O_PATH ? -LINUX_EBADF
				       : control(f, call, ARG3(r));
		break;
	}
	file_put(f);
	return rc;
}

enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };

int64_t sys_flock(struct regs *r)
{
	uint32_t how = (uint32_t)ARG2(r);
	struct lock_range want = { .kind = LOCK_FLOCK, .last = INT64_MAX };
	struct file *f;
	int64_t rc;

	switch (how & ~(uint32_t)LOCK_NB) {
	case LOCK_SH:
		want.type = LOCK_READ;
		break;
	case LOCK_EX:
		want.type = LOCK_WRITE;
		break;
	case LOCK_UN:
		want.type = LOCK_NONE;
		break;
	default:
		return -LINUX_EINVAL;
	}
	f = fd_hold(ARG1(r));
	if (!f)
		return -LINUX_EBADF;
	rc = f->node ? lock_set(f, &want, !(how & LOCK_NB)) : -LINUX_EINVAL;
	file_put(f);
	return rc;
}
