/* sys_file.c: reading, writing and describing open files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "kernel/vm.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

#define AT_EMPTY_PATH 0x1000u

#define FIONBIO 0x5421

static bool may_read(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH);
}

static bool may_write(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}

static int64_t file_read(struct file *f, struct io *io, uint64_t *pos)
{
	if (!may_read(f))
		return -LINUX_EBADF;
	return f->ops->read ? f->ops->read(f, io, pos) : -LINUX_EINVAL;
}

static int64_t file_write(struct file *f, struct io *io, uint64_t *pos)
{
	if (!may_write(f))
		return -LINUX_EBADF;
	return f->ops->write ? f->ops->write(f, io, pos) : -LINUX_EINVAL;
}

typedef int64_t transfer_fn(struct file *f, struct io *io, uint64_t *pos);

/* At the file's own position, or with `at` there. */
static int64_t one(struct regs *r, transfer_fn *transfer, const uint64_t *at)
{
	struct file *f = fd_hold(ARG1(r));
	uint64_t pos = at ? *at : 0;
	struct io io;
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	io_user(&io, ARG2(r), ARG3(r));
	if (at && !f->ops->seek)
		rc = -LINUX_ESPIPE;
	else if (at && (int64_t)pos < 0)
		rc = -LINUX_EINVAL;
	else
		rc = transfer(f, &io, at ? &pos : &f->pos);
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

static int64_t vector(struct regs *r, transfer_fn *transfer)
{
	uint64_t n = ARG3(r), len = n * sizeof(struct io_vec);
	struct io_vec few[8], *vec = few;
	struct file *f;
	struct io io;
	int64_t rc;

	if (n > IO_VECS_MAX)
		return -LINUX_EINVAL;
	if (n > ARRAY_LEN(few))
		vec = kmem_alloc(len);
	if (!vec)
		return -LINUX_ENOMEM;
	f = fd_hold(ARG1(r));
	rc = f ? user_read(vec, ARG2(r), len) : -LINUX_EBADF;
	if (!rc)
		rc = io_vectors(&io, vec, (unsigned)n);
	if (!rc)
		rc = transfer(f, &io, &f->pos);
	if (f)
		file_put(f);
	if (vec != few)
		kmem_free(vec, len);
	return rc;
}

int64_t sys_readv(struct regs *r)
{
	return vector(r, file_read);
}

int64_t sys_writev(struct regs *r)
{
	return vector(r, file_write);
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

/* Not a terminal: a program writes whole buffers, and nobody edits lines. */
int64_t sys_ioctl(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));
	uint32_t on;
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	if ((uint32_t)ARG2(r) == FIONBIO) {
		rc = user_read(&on, ARG3(r), sizeof(on));
		if (!rc)
			f->flags = (f->flags & ~O_NONBLOCK) |
				   (on ? O_NONBLOCK : 0);
	} else {
		rc = f->ops->ioctl
			     ? f->ops->ioctl(f, (uint32_t)ARG2(r), ARG3(r))
			     : -LINUX_ENOTTY;
	}
	file_put(f);
	return rc;
}

static int64_t stat_fd(uint64_t fd, uint64_t gva)
{
	struct file *f = fd_hold(fd);
	struct linux_stat st;
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	rc = f->ops->stat(f, &st);
	file_put(f);
	return rc ? rc : user_write(gva, &st, sizeof(st));
}

int64_t sys_fstat(struct regs *r)
{
	return stat_fd(ARG1(r), ARG2(r));
}

/* No path leads anywhere. */
static int64_t no_such_path(uint64_t gva)
{
	int64_t len = vm_user_strlen(gva, 4095);

	return len < 0 ? len : -LINUX_ENOENT;
}

int64_t sys_newfstatat(struct regs *r)
{
	int64_t len = vm_user_strlen(ARG2(r), 4095);

	if (len || !(ARG4(r) & AT_EMPTY_PATH))
		return len < 0 ? len : -LINUX_ENOENT;
	return stat_fd(ARG1(r), ARG3(r));
}

int64_t sys_open(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_openat(struct regs *r)
{
	return no_such_path(ARG2(r));
}

int64_t sys_stat(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_lstat(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_access(struct regs *r)
{
	return no_such_path(ARG1(r));
}

int64_t sys_faccessat(struct regs *r)
{
	return no_such_path(ARG2(r));
}

int64_t sys_faccessat2(struct regs *r)
{
	return no_such_path(ARG2(r));
}

static int64_t read_link(uint64_t path, uint64_t buf, uint64_t size)
{
	static const char self[] = "/proc/self/exe", target[] = "/program";
	int64_t len = vm_user_strlen(path, 4095);

	if (len < 0)
		return len;
	if (!str_equal(user_ptr(path), self))
		return -LINUX_ENOENT;
	if (!size)
		return -LINUX_EINVAL;
	size = min_u64(size, sizeof(target) - 1);
	if (!vm_user_ok(buf, size, VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(buf), target, size);
	return (int64_t)size;
}

int64_t sys_readlink(struct regs *r)
{
	return read_link(ARG1(r), ARG2(r), ARG3(r));
}

int64_t sys_readlinkat(struct regs *r)
{
	return read_link(ARG2(r), ARG3(r), ARG4(r));
}

int64_t sys_getcwd(struct regs *r)
{
	if (ARG2(r) < 2)
		return -LINUX_ERANGE;
	if (!vm_user_ok(ARG1(r), 2, VM_WRITE))
		return -LINUX_EFAULT;
	memcpy(user_ptr(ARG1(r)), "/", 2);
	return 2;
}
