/* signalfd.c: signals that are read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/signal.h"

/* struct signalfd_siginfo */
struct record {
	uint32_t signo;
	int32_t error, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value_int;
	uint64_t value, utime, stime, addr;
	uint8_t pad[48];
};

_Static_assert(sizeof(struct record) == 128, "ABI");

struct signalfd {
	sigset set;
};

static struct signalfd *of(const struct file *f)
{
	return f->data;
}

static struct record describe(const struct siginfo *info)
{
	struct record r = { .signo = (uint32_t)info->signo,
			    .error = info->error,
			    .code = info->code };

	switch (info->code) {
	case SI_USER:
	case SI_TKILL:
	case SI_QUEUE:
		r.pid = (uint32_t)info->pid;
		r.uid = info->uid;
		r.value = info->value;
		r.value_int = (int32_t)info->value;
		break;
	case SI_TIMER:
		r.tid = (uint32_t)info->timer.id;
		r.overrun = (uint32_t)info->timer.overrun;
		r.value = info->timer.value;
		r.value_int = (int32_t)info->timer.value;
		break;
	default:
		r.addr = info->addr;
		break;
	}
	return r;
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	int64_t done = 0;

	(void)pos;
	if (io->left < sizeof(struct record))
		return -LINUX_EINVAL;
	while (io->left >= sizeof(struct record)) {
		struct siginfo info;
		struct record record;

		if (!signal_dequeue(of(f)->set, &info)) {
			int rc;

			if (done)
				break;
			rc = f->flags & O_NONBLOCK
				     ? -LINUX_EAGAIN
				     : waitq_sleep(&signal_sent, WAIT_FOREVER);
			if (rc)
				return rc;
			continue;
		}
		record = describe(&info);
		if (io_put(io, &record, sizeof(record)) != sizeof(record))
			return done ? done : -LINUX_EFAULT;
		done += (int64_t)sizeof(record);
	}
	return done;
}

static unsigned poll(struct file *f)
{
	return signal_pending_set() & of(f)->set ? POLLIN : 0;
}

static struct waitq *queue(struct file *f)
{
	(void)f;
	return &signal_sent;
}

static void release(struct file *f)
{
	kmem_free(f->data, sizeof(struct signalfd));
}

static const struct file_ops signalfd_ops = { .read = read,
					      .poll = poll,
					      .queue = queue,
					      .stat = file_stat_anon,
					      .seek = file_seek_none,
					      .release = release };

static int64_t create(sigset set, uint32_t flags)
{
	struct signalfd *s = kmem_alloc(sizeof(*s));
	struct file *f =
		s ? file_new(&signalfd_ops, O_RDWR | (flags & O_NONBLOCK), s)
		  : NULL;

	if (!f) {
		kmem_free(s, sizeof(*s));
		return -LINUX_ENOMEM;
	}
	s->set = set;
	return fd_return(f, flags & O_CLOEXEC);
}

static int64_t change(uint64_t fd, sigset set)
{
	struct file *f = fd_hold(fd);
	int64_t rc = (int32_t)fd;

	if (!f)
		return -LINUX_EBADF;
	if (f->ops == &signalfd_ops) {
		of(f)->set = set;
		waitq_wake(&signal_sent, POLLIN);
	} else {
		rc = -LINUX_EINVAL;
	}
	file_put(f);
	return rc;
}

static int64_t signalfd(struct regs *r, uint32_t flags)
{
	sigset set;

	if (ARG3(r) != sizeof(set))
		return -LINUX_EINVAL;
	if (user_read(&set, ARG2(r), sizeof(set)))
		return -LINUX_EFAULT;
	if (flags & ~(O_NONBLOCK | O_CLOEXEC))
		return -LINUX_EINVAL;
	set &= ~(SIGSET(LINUX_SIGKILL) | SIGSET(LINUX_SIGSTOP));
	return (int32_t)ARG1(r) == -1 ? create(set, flags)
				      : change(ARG1(r), set);
}

int64_t sys_signalfd(struct regs *r)
{
	return signalfd(r, 0);
}

int64_t sys_signalfd4(struct regs *r)
{
	return signalfd(r, (uint32_t)ARG4(r));
}
