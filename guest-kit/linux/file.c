/* file.c: open files and the table of descriptors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/file.h"

#include "kernel/kmem.h"
#include "linux/calls.h"
#include "linux/console_file.h"
#include "linux/epoll.h"
#include "linux/errno.h"

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC      1u

/* What F_SETFL may change */
#define SETTABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

struct slot {
	struct file *file; /* NULL: free */
	bool cloexec;
};

static LARGE struct slot slots[FD_MAX];
static bool standard; /* descriptors 0 to 2 have been made */

struct file *file_new(const struct file_ops *ops, uint32_t flags, void *data)
{
	struct file *f = kmem_alloc(sizeof(*f));

	if (f)
		*f = (struct file){
			.ops = ops, .refs = 1, .flags = flags, .data = data
		};
	return f;
}

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

void file_put(struct file *f)
{
	if (--f->refs)
		return;
	epoll_forget(f);
	if (f->ops->release)
		f->ops->release(f);
	kmem_free(f, sizeof(*f));
}

unsigned file_poll(struct file *f)
{
	return f->ops->poll ? f->ops->poll(f) : POLL_READABLE | POLL_WRITABLE;
}

int file_stat_anon(struct file *f, struct linux_stat *ret)
{
	(void)f;
	*ret = (struct linux_stat){ .dev = 2,
				    .ino = 1,
				    .nlink = 1,
				    .mode = 0600,
				    .blksize = PAGE_LEN };
	return 0;
}

static struct slot *slot_of(uint64_t fd)
{
	uint32_t n = (uint32_t)fd;

	if (!standard) {
		standard = true;
		for (unsigned i = 0; i < 3; i++)
			slots[i].file = console_file(i);
	}
	return n < FD_MAX && slots[n].file ? &slots[n] : NULL;
}

struct file *fd_hold(uint64_t fd)
{
	struct slot *s = slot_of(fd);

	return s ? file_get(s->file) : NULL;
}

int64_t fd_install(struct file *f, uint64_t from, bool cloexec)
{
	if (from >= FD_MAX)
		return -LINUX_EINVAL;
	for (uint64_t fd = from; fd < FD_MAX; fd++)
		if (!slot_of(fd)) {
			slots[fd] = (struct slot){ f, cloexec };
			return (int64_t)fd;
		}
	return -LINUX_EMFILE;
}

int64_t fd_return(struct file *f, bool cloexec)
{
	int64_t fd = fd_install(f, 0, cloexec);

	if (fd < 0)
		file_put(f);
	return fd;
}

int64_t sys_close(struct regs *r)
{
	struct slot *s = slot_of(ARG1(r));
	struct file *f;

	if (!s)
		return -LINUX_EBADF;
	f = s->file;
	*s = (struct slot){ 0 };
	file_put(f);
	return 0;
}

static int64_t duplicate(uint64_t fd, uint64_t from, bool cloexec)
{
	struct file *f = fd_hold(fd);
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	rc = fd_install(f, from, cloexec);
	if (rc < 0)
		file_put(f);
	return rc;
}

int64_t sys_dup(struct regs *r)
{
	return duplicate(ARG1(r), 0, false);
}

static int64_t duplicate_to(uint64_t from, uint32_t to, bool cloexec)
{
	struct file *f, *old;

	if (to >= FD_MAX)
		return -LINUX_EBADF;
	f = fd_hold(from);
	if (!f)
		return -LINUX_EBADF;
	old = slots[to].file;
	slots[to] = (struct slot){ f, cloexec };
	if (old)
		file_put(old);
	return to;
}

int64_t sys_dup2(struct regs *r)
{
	if ((uint32_t)ARG1(r) == (uint32_t)ARG2(r))
		return slot_of(ARG1(r)) ? (int64_t)(uint32_t)ARG2(r)
					: -LINUX_EBADF;
	return duplicate_to(ARG1(r), (uint32_t)ARG2(r), false);
}

int64_t sys_dup3(struct regs *r)
{
	if ((uint32_t)ARG1(r) == (uint32_t)ARG2(r) || (ARG3(r) & ~O_CLOEXEC))
		return -LINUX_EINVAL;
	return duplicate_to(ARG1(r), (uint32_t)ARG2(r), ARG3(r) & O_CLOEXEC);
}

int64_t sys_fcntl(struct regs *r)
{
	struct slot *s = slot_of(ARG1(r));
	uint32_t arg = (uint32_t)ARG3(r);

	if (!s)
		return -LINUX_EBADF;
	switch ((int)ARG2(r)) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicate(ARG1(r), arg, ARG2(r) == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return s->cloexec ? FD_CLOEXEC : 0;
	case F_SETFD:
		s->cloexec = arg & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return s->file->flags;
	case F_SETFL:
		s->file->flags =
			(s->file->flags & ~SETTABLE) | (arg & SETTABLE);
		return 0;
	default:
		return -LINUX_EINVAL;
	}
}
