/* sys_file.c: reading, writing and controlling open files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/inode.h"
#include "fs/regular.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

int64_t file_read(struct file *f, struct io *io, uint64_t *pos)
{
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -LINUX_EBADF;
	return f->ops->read ? f->ops->read(f, io, pos) : -LINUX_EINVAL;
}

int64_t file_write(struct file *f, struct io *io, uint64_t *pos)
{
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -LINUX_EBADF;
	return f->ops->write ? f->ops->write(f, io, pos) : -LINUX_EINVAL;
}

typedef int64_t transfer_fn(struct file *f, struct io *io, uint64_t *pos);

/* At the file's own position, or with `at` there. */
static int64_t transfer(struct file *f, struct io *io, transfer_fn *fn,
			const uint64_t *at)
{
	uint64_t pos = at ? *at : 0;

	if (!at)
		return fn(f, io, &f->pos);
	if ((int64_t)pos < 0)
		return -LINUX_EINVAL;
	return f->ops->seek ? fn(f, io, &pos) : -LINUX_ESPIPE;
}

static int64_t one(struct regs *r, transfer_fn *fn, const uint64_t *at)
{
	struct file *f = fd_hold(ARG1(r));
	struct io io;
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	io_user(&io, ARG2(r), ARG3(r));
	/* More than any program can have */
	rc = (int64_t)ARG3(r) < 0 ? -LINUX_EFAULT : transfer(f, &io, fn, at);
	file_put(f);
	return rc;
}

int64_t sys_read(struct regs *r)
{
	return one(r, file_read, NULL);
}

int64_t sys_write(struct regs *r)
{
	return one(r, file_write, NULL);
}

int64_t sys_pread64(struct regs *r)
{
	return one(r, file_read, &ARG4(r));
}

int64_t sys_pwrite64(struct regs *r)
{
	return one(r, file_write, &ARG4(r));
}

#define RWF_HIPRI  0x01u
#define RWF_DSYNC  0x02u
#define RWF_SYNC   0x04u
#define RWF_NOWAIT 0x08u
#define RWF_APPEND 0x10u

/* For one call, as if these flags were the file's: only such that keep it
 * from sleeping, or of files that never do. */
static int64_t transfer_as(struct file *f, struct io *io, transfer_fn *fn,
			   const uint64_t *at, uint32_t rwf)
{
	const uint32_t flags = f->flags;
	bool regular = f->node && inode_is(f->node, S_IFREG);
	int64_t rc;

	if (rwf & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -LINUX_EOPNOTSUPP;
	if (rwf & RWF_NOWAIT)
		f->flags |= O_NONBLOCK;
	if ((rwf & RWF_APPEND) && regular)
		f->flags |= O_APPEND;
	rc = transfer(f, io, fn, at);
	if (rwf & (RWF_NOWAIT | RWF_APPEND))
		f->flags = flags;
	if (rc > 0 && fn == file_write && (rwf & (RWF_DSYNC | RWF_SYNC)) &&
	    f->ops->sync) {
		int error = f->ops->sync(f);

		rc = error ? error : rc;
	}
	return rc;
}

static int64_t vector(struct regs *r, transfer_fn *fn, const uint64_t *at,
		      uint32_t rwf)
{
	uint64_t n = ARG3(r), len = n * sizeof(struct io_vec);
	struct io_vec few[8], *vec = few;
	struct file *f = fd_hold(ARG1(r));
	struct io io;
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	if (n > ARRAY_LEN(few))
		vec = n <= IO_VECS_MAX ? kmem_alloc(len) : NULL;
	if (!vec)
		rc = n > IO_VECS_MAX ? -LINUX_EINVAL : -LINUX_ENOMEM;
	else
		rc = user_read(vec, ARG2(r), len);
	if (!rc)
		rc = io_vectors(&io, vec, (unsigned)n);
	if (!rc)
		rc = transfer_as(f, &io, fn, at, rwf);
	file_put(f);
	if (vec != few)
		kmem_free(vec, len);
	return rc;
}

int64_t sys_readv(struct regs *r)
{
	return vector(r, file_read, NULL, 0);
}

int64_t sys_writev(struct regs *r)
{
	return vector(r, file_write, NULL, 0);
}

int64_t sys_preadv(struct regs *r)
{
	return vector(r, file_read, &ARG4(r), 0);
}

int64_t sys_pwritev(struct regs *r)
{
	return vector(r, file_write, &ARG4(r), 0);
}

/* Position -1: the file's own. */
static const uint64_t *position(const struct regs *r)
{
	return ARG4(r) == UINT64_MAX ? NULL : &ARG4(r);
}

int64_t sys_preadv2(struct regs *r)
{
	return vector(r, file_read, position(r), (uint32_t)ARG6(r));
}

int64_t sys_pwritev2(struct regs *r)
{
	return vector(r, file_write, position(r), (uint32_t)ARG6(r));
}

int64_t sys_lseek(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	rc = f->ops->seek ? f->ops->seek(f, (int64_t)ARG2(r), (uint32_t)ARG3(r))
			  : -LINUX_ESPIPE;
	file_put(f);
	return rc;
}

#define FIGETBSZ 0x00000002u
#define FIONREAD 0x0000541bu
#define FIONBIO  0x00005421u
#define FIONCLEX 0x00005450u
#define FIOCLEX  0x00005451u
#define FIOASYNC 0x00005452u

static int64_t set_flag(struct file *f, uint32_t flag, uint64_t gva)
{
	uint32_t on;

	if (user_read(&on, gva, sizeof(on)))
		return -LINUX_EFAULT;
	f->flags = (f->flags & ~flag) | (on ? flag : 0);
	return 0;
}

static int64_t regular_ioctl(struct file *f, uint32_t request, uint64_t gva)
{
	uint32_t value = PAGE_LEN;

	if (request == FIONREAD)
		value = (uint32_t)(inode_size(f->node) - f->pos);
	else if (request != FIGETBSZ)
		return -LINUX_ENOTTY;
	return user_write(gva, &value, sizeof(value));
}

/* No terminal anywhere: a program writes whole buffers, and nobody edits
 * lines. */
int64_t sys_ioctl(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	switch ((uint32_t)ARG2(r)) {
	case FIONBIO:
		rc = set_flag(f, O_NONBLOCK, ARG3(r));
		break;
	case FIOASYNC:
		rc = set_flag(f, O_ASYNC, ARG3(r));
		break;
	case FIOCLEX:
	case FIONCLEX:
		rc = fd_set_cloexec(ARG1(r), (uint32_t)ARG2(r) == FIOCLEX);
		break;
	default:
		if (f->ops->ioctl)
			rc = f->ops->ioctl(f, (uint32_t)ARG2(r), ARG3(r));
		else if (f->node && inode_is(f->node, S_IFREG))
			rc = regular_ioctl(f, (uint32_t)ARG2(r), ARG3(r));
		else
			rc = -LINUX_ENOTTY;
		break;
	}
	file_put(f);
	return rc;
}
