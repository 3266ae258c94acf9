/* eventfd.c: a counter that can be waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

#define EFD_SEMAPHORE 1u

#define COUNT_MAX (UINT64_MAX - 1)

struct counter {
	struct waitq queue;
	uint64_t count;
	bool semaphore;
};

static unsigned poll(struct file *f)
{
	const struct counter *c = f->data;

	/* A count beyond the maximum cannot come about. */
	return (c->count ? POLLIN : 0) | (c->count < COUNT_MAX ? POLLOUT : 0);
}

static struct waitq *queue(struct file *f)
{
	return &((struct counter *)f->data)->queue;
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	struct counter *c = f->data;
	uint64_t value;
	int64_t n;

	(void)pos;
	if (io->left < sizeof(value))
		return -LINUX_EINVAL;
	while (!c->count) {
		int rc = f->flags & O_NONBLOCK
				 ? -LINUX_EAGAIN
				 : waitq_sleep(&c->queue, WAIT_FOREVER);

		if (rc)
			return rc;
	}
	value = c->semaphore ? 1 : c->count;
	c->count -= value;
	waitq_wake(&c->queue, POLLOUT);
	n = io_put(io, &value, sizeof(value));
	return n == sizeof(value) ? n : -LINUX_EFAULT;
}

static int64_t write(struct file *f, struct io *io, uint64_t *pos)
{
	struct counter *c = f->data;
	uint64_t value;

	(void)pos;
	if (io->left < sizeof(value))
		return -LINUX_EINVAL;
	if (io_get(io, &value, sizeof(value)) != sizeof(value))
		return -LINUX_EFAULT;
	if (value == UINT64_MAX)
		return -LINUX_EINVAL;
	while (value > COUNT_MAX - c->count) {
		int rc = f->flags & O_NONBLOCK
				 ? -LINUX_EAGAIN
				 : waitq_sleep(&c->queue, WAIT_FOREVER);

		if (rc)
			return rc;
	}
	c->count += value;
	waitq_wake(&c->queue, POLLIN);
	return sizeof(value);
}

static void release(struct file *f)
{
	kmem_free(f->data, sizeof(struct counter));
}

static int64_t create(uint32_t count, uint32_t flags)
{
	static const struct file_ops ops = { .read = read,
					     .write = write,
					     .poll = poll,
					     .queue = queue,
					     .stat = file_stat_anon,
					     .seek = file_seek_none,
					     .release = release };
	struct counter *c;
	struct file *f;

	if (flags & ~(EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC))
		return -LINUX_EINVAL;
	c = kmem_alloc(sizeof(*c));
	f = c ? file_new(&ops, O_RDWR | (flags & O_NONBLOCK), c) : NULL;
	if (!f) {
		kmem_free(c, sizeof(*c));
		return -LINUX_ENOMEM;
	}
	c->count = count;
	c->semaphore = flags & EFD_SEMAPHORE;
	return fd_return(f, flags & O_CLOEXEC);
}

int64_t sys_eventfd(struct regs *r)
{
	return create((uint32_t)ARG1(r), 0);
}

int64_t sys_eventfd2(struct regs *r)
{
	return create((uint32_t)ARG1(r), (uint32_t)ARG2(r));
}
