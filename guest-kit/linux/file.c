/* file.c: open files and the table of descriptors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/file.h"

#include "fs/dentry.h"
#include "fs/lock.h"
#include "kernel/kmem.h"
#include "linux/calls.h"
#include "linux/console_file.h"
#include "linux/epoll.h"
#include "linux/errno.h"

struct slot {
	struct file *file; /* NULL: free */
	bool cloexec;
};

static LARGE struct slot slots[FD_MAX];
static bool standard;    /* descriptors 0 to 2 have been made */
static uint32_t full_to; /* none below is free */
uint32_t fd_limit = FD_SOFT;

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
	lock_release(f);
	dentry_put(f->at);
	kmem_free(f, sizeof(*f));
}

unsigned file_poll(struct file *f)
{
	return f->ops->poll ? f->ops->poll(f) : POLL_READABLE | POLL_WRITABLE;
}

int64_t file_seek_none(struct file *f, int64_t off, unsigned whence)
{
	(void)f;
	(void)off;
	(void)whence;
	return 0;
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

struct file *fd_hold_any(uint64_t fd)
{
	struct slot *s = slot_of(fd);

	return s ? file_get(s->file) : NULL;
}

struct file *fd_hold(uint64_t fd)
{
	struct slot *s = slot_of(fd);

	return s && !(s->file->flags & O_PATH) ? file_get(s->file) : NULL;
}

int64_t fd_next(uint64_t from)
{
	for (; from < FD_MAX; from++)
		if (slot_of(from))
			return (int64_t)from;
	return -1;
}

static uint64_t first_free(uint64_t from)
{
	from = max_u64(from, full_to);
	while (from < FD_MAX && slot_of(from))
		from++;
	return from;
}

bool fd_room(void)
{
	return first_free(0) < fd_limit;
}

int64_t fd_install(struct file *f, uint64_t from, bool cloexec)
{
	uint64_t fd = first_free(from);

	if (from >= fd_limit)
		return -LINUX_EINVAL;
	if (fd >= fd_limit)
		return -LINUX_EMFILE;
	slots[fd] = (struct slot){ f, cloexec };
	if (from <= full_to)
		full_to = (uint32_t)fd + 1;
	return (int64_t)fd;
}

int64_t fd_return(struct file *f, bool cloexec)
{
	int64_t fd = fd_install(f, 0, cloexec);

	if (fd < 0)
		file_put(f);
	return fd;
}

int fd_close(uint64_t fd)
{
	struct slot *s = slot_of(fd);
	struct file *f;

	if (!s)
		return -LINUX_EBADF;
	f = s->file;
	*s = (struct slot){ 0 };
	if ((uint32_t)fd < full_to)
		full_to = (uint32_t)fd;
	lock_close(f);
	file_put(f);
	return 0;
}

int64_t sys_close(struct regs *r)
{
	return fd_close(ARG1(r));
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

int64_t sys_close_range(struct regs *r)
{
	uint64_t first = (uint32_t)ARG1(r), last = (uint32_t)ARG2(r);
	uint32_t flags = (uint32_t)ARG3(r);
	int64_t fd = (int64_t)first;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) ||
	    first > last)
		return -LINUX_EINVAL;
	while ((fd = fd_next((uint64_t)fd)) >= 0 && (uint64_t)fd <= last) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			slots[fd].cloexec = true;
		else
			(void)fd_close((uint64_t)fd);
		fd++;
	}
	return 0;
}

int fd_cloexec(uint64_t fd)
{
	struct slot *s = slot_of(fd);

	return s ? s->cloexec : -LINUX_EBADF;
}

int fd_set_cloexec(uint64_t fd, bool cloexec)
{
	struct slot *s = slot_of(fd);

	if (!s)
		return -LINUX_EBADF;
	s->cloexec = cloexec;
	return 0;
}

int64_t fd_duplicate(uint64_t fd, uint64_t from, bool cloexec)
{
	struct file *f = fd_hold_any(fd);
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
	return fd_duplicate(ARG1(r), 0, false);
}

static int64_t duplicate_to(uint64_t from, uint32_t to, bool cloexec)
{
	struct file *f, *old;

	f = fd_hold_any(from);
	if (!f)
		return -LINUX_EBADF;
	if (to >= fd_limit) {
		file_put(f);
		return -LINUX_EBADF;
	}
	old = slots[to].file;
	slots[to] = (struct slot){ f, cloexec };
	if (old) {
		lock_close(old);
		file_put(old);
	}
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
