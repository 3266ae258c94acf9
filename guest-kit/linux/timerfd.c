/* timerfd.c: timers that are read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/timer.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/time.h"

#define CLOCK_REALTIME       0
#define CLOCK_MONOTONIC      1
#define CLOCK_BOOTTIME       7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9

#define TFD_TIMER_ABSTIME       1u
#define TFD_TIMER_CANCEL_ON_SET 2u

struct timerfd {
	struct timer timer;
	struct waitq queue;
	uint64_t interval_ns;
	uint64_t count; /* expirations nobody has read */
	bool wall;
};

struct itimerspec {
	int64_t interval[2], value[2];
};

static struct timerfd *of(const struct file *f)
{
	return f->data;
}

/* The next deadline; those that passed meanwhile count, too. */
static void expire(struct timer *timer)
{
	struct timerfd *t = (struct timerfd *)timer;
	uint64_t late = clock_now() - timer->deadline, n = 1;

	if (t->interval_ns) {
		n += late / t->interval_ns;
		timer_set(timer, timer->deadline + n * t->interval_ns, expire);
	}
	t->count += n;
	waitq_wake(&t->queue, POLLIN);
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	struct timerfd *t = of(f);
	uint64_t count;
	int64_t n;

	(void)pos;
	if (io->left < sizeof(count))
		return -LINUX_EINVAL;
	timer_run(); /* what is due is due, with or without an interrupt */
	while (!t->count) {
		int rc = f->flags & O_NONBLOCK
				 ? -LINUX_EAGAIN
				 : waitq_sleep(&t->queue, WAIT_FOREVER);

		if (rc)
			return rc;
	}
	count = t->count;
	t->count = 0;
	n = io_put(io, &count, sizeof(count));
	return n == sizeof(count) ? n : -LINUX_EFAULT;
}

static unsigned poll(struct file *f)
{
	return of(f)->count ? POLLIN : 0;
}

static struct waitq *queue(struct file *f)
{
	return &of(f)->queue;
}

static void release(struct file *f)
{
	timer_cancel(&of(f)->timer);
	kmem_free(f->data, sizeof(struct timerfd));
}

static const struct file_ops timerfd_ops = { .read = read,
					     .poll = poll,
					     .queue = queue,
					     .stat = file_stat_anon,
					     .seek = file_seek_none,
					     .release = release };

int64_t sys_timerfd_create(struct regs *r)
{
	const uint32_t flags = (uint32_t)ARG2(r);
	struct timerfd *t;
	struct file *f;

	if (flags & ~(O_NONBLOCK | O_CLOEXEC))
		return -LINUX_EINVAL;
	switch ((uint32_t)ARG1(r)) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		break;
	default:
		return -LINUX_EINVAL;
	}
	t = kmem_alloc(sizeof(*t));
	f = t ? file_new(&timerfd_ops, O_RDWR | (flags & O_NONBLOCK), t) : NULL;
	if (!f) {
		kmem_free(t, sizeof(*t));
		return -LINUX_ENOMEM;
	}
	t->wall = (uint32_t)ARG1(r) == CLOCK_REALTIME ||
		  (uint32_t)ARG1(r) == CLOCK_REALTIME_ALARM;
	return fd_return(f, flags & O_CLOEXEC);
}

static bool valid(const int64_t t[2])
{
	return t[0] >= 0 && t[1] >= 0 && t[1] < (int64_t)NS_PER_SEC;
}

static uint64_t to_ns(const int64_t t[2])
{
	return time_ns((uint64_t)t[0], (uint64_t)t[1]);
}

static void from_ns(uint64_t ns, int64_t ret[2])
{
	ret[0] = (int64_t)(ns / NS_PER_SEC);
	ret[1] = (int64_t)(ns % NS_PER_SEC);
}

static struct itimerspec get(const struct timerfd *t)
{
	struct itimerspec spec = { 0 };
	uint64_t now = clock_now();

	from_ns(t->interval_ns, spec.interval);
	if (timer_is_set(&t->timer)) /* 0 would say that it is not */
		from_ns(t->timer.deadline > now ? t->timer.deadline - now : 1,
			spec.value);
	return spec;
}

/* When it goes off, on the clock of the timers. */
static uint64_t deadline_of(const struct timerfd *t, uint64_t value_ns,
			    bool absolute)
{
	const uint64_t now = clock_now();
	uint64_t wall;

	if (!absolute)
		return now + value_ns;
	if (!t->wall)
		return value_ns;
	wall = clock_wall();
	return value_ns > wall ? now + (value_ns - wall)
			       : now - min_u64(now, wall - value_ns);
}

static void set(struct timerfd *t, const struct itimerspec *spec, bool absolute)
{
	uint64_t value_ns = to_ns(spec->value);

	timer_cancel(&t->timer);
	t->count = 0;
	t->interval_ns = to_ns(spec->interval);
	if (!value_ns)
		return;
	timer_set(&t->timer, deadline_of(t, value_ns, absolute), expire);
	timer_run();
}

static struct file *hold(uint64_t fd, int64_t *ret_error)
{
	struct file *f = fd_hold(fd);

	*ret_error = f ? 0 : -LINUX_EBADF;
	if (f && f->ops != &timerfd_ops) {
		*ret_error = -LINUX_EINVAL;
		file_put(f);
		f = NULL;
	}
	return f;
}

int64_t sys_timerfd_settime(struct regs *r)
{
	const uint32_t flags = (uint32_t)ARG2(r);
	struct itimerspec spec, old;
	struct file *f;
	int64_t rc;

	if (user_read(&spec, ARG3(r), sizeof(spec)))
		return -LINUX_EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !valid(spec.value) || !valid(spec.interval))
		return -LINUX_EINVAL;
	f = hold(ARG1(r), &rc);
	if (!f)
		return rc;
	old = get(of(f));
	set(of(f), &spec, flags & TFD_TIMER_ABSTIME);
	if (ARG4(r))
		rc = user_write(ARG4(r), &old, sizeof(old));
	file_put(f);
	return rc;
}

int64_t sys_timerfd_gettime(struct regs *r)
{
	struct itimerspec spec;
	int64_t rc;
	struct file *f = hold(ARG1(r), &rc);

	if (!f)
		return rc;
	spec = get(of(f));
	rc = user_write(ARG2(r), &spec, sizeof(spec));
	file_put(f);
	return rc;
}
