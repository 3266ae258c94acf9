/* epoll.c: sets of watched files. A watch has a waiter in its file's queue for
 * as long as it lives; when that is called, the watch goes to the end of the
 * set's list of those that may be ready, which is all that a wait looks at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/epoll.h"

#include "drivers/vconn.h"
#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/signal.h"
#include "linux/time.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)

/* Bits that say how, not what. */
#define HOW (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
/* What may go with EPOLLEXCLUSIVE. */
#define WITH_EXCLUSIVE                                                  \
	(POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | \
	 EPOLLEXCLUSIVE)

#define NESTING_MAX 5 /* sets in sets, the outermost counted */
#define TABLE_MIN   16

struct event {
	uint32_t events;
	uint64_t data;
} __attribute__((packed));

_Static_assert(sizeof(struct event) == 12, "ABI");

#define EVENTS_MAX (INT32_MAX / sizeof(struct event))

struct epoll;

struct epoll_watch {
	struct waiter waiter; /* in the file's queue */
	struct epoll *set;
	struct file *file; /* not a reference: see epoll_forget */
	uint32_t fd, events;
	uint64_t data;
	bool ready; /* in the set's list */
	struct epoll_watch *ready_next, *ready_prev;
	struct epoll_watch *table_next;
	struct epoll_watch *file_next, *file_prev;
};

struct epoll {
	struct waitq threads; /* in epoll_wait; one is woken at a time */
	struct waitq queue;   /* of the set's own file */
	struct epoll_watch *first, *last; /* ready */
	struct file *file;                /* its own; not a reference */
	struct epoll_watch **table;
	uint32_t table_len, n;
};

static const struct file_ops epoll_ops;

static struct epoll *set_of(const struct file *f)
{
	return f->ops == &epoll_ops ? f->data : NULL;
}

/* --- the list of those that may be ready ---------------------------------- */

static void ready_remove(struct epoll_watch *w)
{
	struct epoll *e = w->set;

	if (!w->ready)
		return;
	if (w->ready_prev)
		w->ready_prev->ready_next = w->ready_next;
	else
		e->first = w->ready_next;
	if (w->ready_next)
		w->ready_next->ready_prev = w->ready_prev;
	else
		e->last = w->ready_prev;
	w->ready = false;
}

static void ready_add(struct epoll_watch *w)
{
	struct epoll *e = w->set;

	if (w->ready)
		return;
	w->ready = true;
	w->ready_next = NULL;
	w->ready_prev = e->last;
	if (e->last)
		e->last->ready_next = w;
	else
		e->first = w;
	e->last = w;
}

/* One thread is enough to fetch it; it wakes the next if there is more. */
static void wake_thread(struct epoll *e)
{
	struct waiter *t = e->threads.first;

	if (!t)
		return;
	waitq_remove(&e->threads, t);
	t->wake(t, POLL_READABLE);
}

static void make_ready(struct epoll_watch *w)
{
	ready_add(w);
	wake_thread(w->set);
	waitq_wake(&w->set->queue, POLL_READABLE);
}

static void on_wake(struct waiter *waiter, unsigned events)
{
	struct epoll_watch *w = (struct epoll_watch *)waiter;

	if (w->events & ~HOW & events)
		make_ready(w);
}

static unsigned watch_poll(const struct epoll_watch *w)
{
	return file_poll(w->file) & w->events & ~HOW;
}

/* --- the table ------------------------------------------------------------- */

static struct epoll_watch **bucket(const struct epoll *e, uint32_t fd)
{
	return &e->table[fd & (e->table_len - 1)];
}

static struct epoll_watch *find(const struct epoll *e, const struct file *f,
				uint32_t fd)
{
	struct epoll_watch *w = e->n ? *bucket(e, fd) : NULL;

	while (w && (w->fd != fd || w->file != f))
		w = w->table_next;
	return w;
}

/* Room for one more, so that buckets stay short; a larger table that there is
 * no memory for is done without. */
static bool table_reserve(struct epoll *e)
{
	struct epoll_watch **old = e->table, **table;
	uint32_t old_len = e->table_len;
	uint32_t len = old_len ? 2 * old_len : TABLE_MIN;

	if (e->n < old_len)
		return true;
	table = kmem_alloc(len * sizeof(struct epoll_watch *));
	if (!table)
		return old;
	e->table = table;
	e->table_len = len;
	for (uint32_t i = 0; i < old_len; i++)
		for (struct epoll_watch *w = old[i], *next; w; w = next) {
			struct epoll_watch **b = bucket(e, w->fd);

			next = w->table_next;
			w->table_next = *b;
			*b = w;
		}
	kmem_free(old, old_len * sizeof(struct epoll_watch *));
	return true;
}

static void watch_free(struct epoll_watch *w)
{
	struct epoll *e = w->set;
	struct epoll_watch **p = bucket(e, w->fd);

	ready_remove(w);
	waitq_remove(w->file->ops->queue(w->file), &w->waiter);
	while (*p != w)
		p = &(*p)->table_next;
	*p = w->table_next;
	if (w->file_prev)
		w->file_prev->file_next = w->file_next;
	else
		w->file->watches = w->file_next;
	if (w->file_next)
		w->file_next->file_prev = w->file_prev;
	e->n--;
	kmem_free(w, sizeof(*w));
}

void epoll_forget(struct file *f)
{
	while (f->watches)
		watch_free(f->watches);
}

/* --- the set as a file ------------------------------------------------------ */

static unsigned set_poll(struct file *f)
{
	struct epoll *e = f->data;

	while (e->first) {
		if (watch_poll(e->first))
			return POLL_READABLE;
		ready_remove(e->first);
	}
	return 0;
}

static struct waitq *set_queue(struct file *f)
{
	return &((struct epoll *)f->data)->queue;
}

static void set_release(struct file *f)
{
	struct epoll *e = f->data;

	for (uint32_t i = 0; i < e->table_len; i++)
		while (e->table[i])
			watch_free(e->table[i]);
	kmem_free(e->table, e->table_len * sizeof(struct epoll_watch *));
	kmem_free(e, sizeof(*e));
}

static const struct file_ops epoll_ops = { .poll = set_poll,
					   .queue = set_queue,
					   .stat = file_stat_anon,
					   .seek = file_seek_none,
					   .release = set_release };

static int64_t create(uint32_t flags)
{
	struct epoll *e;
	struct file *f;

	if (flags & ~O_CLOEXEC)
		return -LINUX_EINVAL;
	e = kmem_alloc(sizeof(*e));
	f = e ? file_new(&epoll_ops, O_RDWR, e) : NULL;
	if (!f) {
		kmem_free(e, sizeof(*e));
		return -LINUX_ENOMEM;
	}
	e->file = f;
	return fd_return(f, flags & O_CLOEXEC);
}

int64_t sys_epoll_create(struct regs *r)
{
	return (int32_t)ARG1(r) > 0 ? create(0) : -LINUX_EINVAL;
}

int64_t sys_epoll_create1(struct regs *r)
{
	return create((uint32_t)ARG1(r));
}

/* --- epoll_ctl -------------------------------------------------------------- */

/* How many sets lie in one another from e on, itself counted; beyond the limit
 * where `outer` is one of them, or they are too many. */
static unsigned depth_below(const struct epoll *e, const struct epoll *outer,
			    unsigned limit)
{
	unsigned deepest = 0;

	if (e == outer || !limit)
		return NESTING_MAX + 1;
	for (uint32_t i = 0; i < e->table_len; i++)
		for (const struct epoll_watch *w = e->table[i]; w;
		     w = w->table_next) {
			const struct epoll *inner = set_of(w->file);

			if (inner)
				deepest = (unsigned)max_u64(
					deepest,
					depth_below(inner, outer, limit - 1));
		}
	return deepest + 1;
}

/* How many sets this file lies in, one in another. */
static unsigned depth_above(const struct file *f, unsigned limit)
{
	unsigned highest = 0;

	for (const struct epoll_watch *w = limit ? f->watches : NULL; w;
	     w = w->file_next)
		highest = (unsigned)max_u64(
			highest, 1 + depth_above(w->set->file, limit - 1));
	return highest;
}

static int64_t add(struct epoll *e, struct file *f, uint32_t fd,
		   const struct event *event)
{
	const struct epoll *inner = set_of(f);
	struct epoll_watch *w, **b;

	if (inner && 1 + depth_above(e->file, NESTING_MAX) +
				     depth_below(inner, e, NESTING_MAX) >
			     NESTING_MAX)
		return -LINUX_ELOOP;
	w = kmem_alloc(sizeof(*w));
	if (!w || !table_reserve(e)) {
		kmem_free(w, sizeof(*w));
		return -LINUX_ENOMEM;
	}
	*w = (struct epoll_watch){ .waiter.wake = on_wake,
				   .set = e,
				   .file = f,
				   .fd = fd,
				   .events = event->events | POLLERR | POLLHUP,
				   .data = event->data };
	b = bucket(e, fd);
	w->table_next = *b;
	*b = w;
	e->n++;
	w->file_next = f->watches;
	if (f->watches)
		f->watches->file_prev = w;
	f->watches = w;
	waitq_add(f->ops->queue(f), &w->waiter);
	if (watch_poll(w))
		make_ready(w);
	return 0;
}

static int64_t modify(struct epoll_watch *w, const struct event *event)
{
	if ((w->events | event->events) & EPOLLEXCLUSIVE)
		return -LINUX_EINVAL;
	w->events = event->events | POLLERR | POLLHUP;
	w->data = event->data;
	if (watch_poll(w))
		make_ready(w);
	return 0;
}

static int64_t control(struct epoll *e, struct file *f, uint32_t fd, int op,
		       const struct event *event)
{
	struct epoll_watch *w;

	if ((event->events & EPOLLEXCLUSIVE) &&
	    (op == EPOLL_CTL_MOD || set_of(f) ||
	     (event->events & ~WITH_EXCLUSIVE)))
		return -LINUX_EINVAL;
	w = find(e, f, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		return w ? -LINUX_EEXIST : add(e, f, fd, event);
	case EPOLL_CTL_MOD:
		return w ? modify(w, event) : -LINUX_ENOENT;
	case EPOLL_CTL_DEL:
		if (!w)
			return -LINUX_ENOENT;
		watch_free(w);
		return 0;
	default:
		return -LINUX_EINVAL;
	}
}

int64_t sys_epoll_ctl(struct regs *r)
{
	const int op = (int)ARG2(r);
	struct event event = { 0 };
	struct file *set, *f;
	int64_t rc = 0;

	if (op != EPOLL_CTL_DEL)
		rc = user_read(&event, ARG4(r), sizeof(event));
	if (rc)
		return rc;
	set = fd_hold(ARG1(r));
	f = fd_hold(ARG3(r));
	if (!set || !f)
		rc = -LINUX_EBADF;
	else if (!f->ops->poll)
		rc = -LINUX_EPERM;
	else if (set == f || !set_of(set))
		rc = -LINUX_EINVAL;
	else
		rc = control(set_of(set), f, (uint32_t)ARG3(r), op, &event);
	if (f)
		file_put(f);
	if (set)
		file_put(set);
	return rc;
}

/* --- epoll_wait ------------------------------------------------------------- */

/* Reports what is ready of those listed now, at most max; their number. Who
 * is reported goes to the end of the list, or leaves it until it is woken
 * again. */
static int64_t fetch(struct epoll *e, uint64_t gva, uint64_t max)
{
	struct epoll_watch *const end = e->last;
	int64_t n = 0;
	bool more = e->first;

	while (more && (uint64_t)n < max) {
		struct epoll_watch *w = e->first;
		const struct event event = { watch_poll(w), w->data };

		if (event.events &&
		    user_write(gva + (uint64_t)n * sizeof(event), &event,
			       sizeof(event)))
			return n ? n : -LINUX_EFAULT;
		more = w != end;
		ready_remove(w);
		if (!event.events)
			continue;
		n++;
		if (w->events & EPOLLONESHOT)
			w->events &= HOW;
		else if (!(w->events & EPOLLET))
			ready_add(w);
	}
	return n;
}

static int64_t wait(struct epoll *e, uint64_t gva, uint64_t max,
		    uint64_t until_ns)
{
	struct waiter self;
	int64_t n;
	int rc = 0;

	vconn_batch_end();
	while (!(n = fetch(e, gva, max)) && !rc) {
		waiter_init(&self);
		waitq_add(&e->threads, &self);
		rc = thread_sleep(until_ns);
		waitq_remove(&e->threads, &self);
	}
	if (e->first)
		wake_thread(e);
	if (n > 1) /* the program comes back when it has served them */
		vconn_batch_begin();
	if (n)
		return n;
	return rc == -LINUX_ETIMEDOUT ? 0 : -LINUX_EINTR;
}

static int64_t wait_until(struct regs *r, uint64_t until_ns)
{
	const int32_t max = (int32_t)ARG3(r);
	struct file *f;
	int64_t rc;

	if (max <= 0 || (uint64_t)max > EVENTS_MAX)
		return -LINUX_EINVAL;
	f = fd_hold(ARG1(r));
	if (!f)
		return -LINUX_EBADF;
	rc = set_of(f) ? wait(set_of(f), ARG2(r), (uint64_t)max, until_ns)
		       : -LINUX_EINVAL;
	file_put(f);
	return rc;
}

static uint64_t from_ms(int32_t ms)
{
	return ms < 0 ? WAIT_FOREVER : clock_now() + (uint64_t)ms * 1000000;
}

int64_t sys_epoll_wait(struct regs *r)
{
	return wait_until(r, from_ms((int32_t)ARG4(r)));
}

int64_t sys_epoll_pwait(struct regs *r)
{
	int64_t rc = signal_use_mask(ARG5(r), ARG6(r));

	return rc ? rc : wait_until(r, from_ms((int32_t)ARG4(r)));
}

int64_t sys_epoll_pwait2(struct regs *r)
{
	uint64_t until = WAIT_FOREVER, ns;
	int64_t rc = ARG4(r) ? time_read_interval(ARG4(r), &ns) : 0;

	if (!rc && ARG4(r))
		until = clock_now() + ns;
	if (!rc)
		rc = signal_use_mask(ARG5(r), ARG6(r));
	return rc ? rc : wait_until(r, until);
}
