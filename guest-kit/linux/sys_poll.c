/* sys_poll.c: poll and select. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/signal.h"
#include "linux/time.h"

struct pollfd {
	int32_t fd;
	int16_t events, revents;
};

/* One descriptor that is waited for. */
struct entry {
	struct file *file; /* held, or NULL: not open */
	struct waiter waiter;
	uint32_t fd;
	uint16_t events, revents;
	bool skip;
};

#define READ_SET   (POLL_READABLE | POLLRDBAND | POLLHUP | POLLERR)
#define WRITE_SET  (POLL_WRITABLE | POLLWRBAND | POLLERR)
#define EXCEPT_SET POLLPRI

static int64_t look(struct entry *e, uint64_t n)
{
	int64_t ready = 0;

	for (; n; n--, e++) {
		e->revents = 0;
		if (e->skip)
			continue;
		e->revents = (uint16_t)(e->file ? file_poll(e->file) &
							  (e->events | POLLERR |
							   POLLHUP)
						: POLLNVAL);
		ready += e->revents != 0;
	}
	return ready;
}

/* Looks, and sleeps until there is something to see: how many are ready, 0
 * when the time has come, or -EINTR. */
static int64_t wait(struct entry *e, uint64_t n, uint64_t until_ns)
{
	int64_t ready = look(e, n);
	int rc = 0;

	if (ready)
		return ready;
	for (uint64_t i = 0; i < n; i++) {
		if (!e[i].file || !e[i].file->ops->queue)
			continue;
		waiter_init(&e[i].waiter);
		waitq_add(e[i].file->ops->queue(e[i].file), &e[i].waiter);
	}
	while (!rc && !(ready = look(e, n)))
		rc = thread_sleep(until_ns);
	for (uint64_t i = 0; i < n; i++)
		if (e[i].file && e[i].file->ops->queue)
			waitq_remove(e[i].file->ops->queue(e[i].file),
				     &e[i].waiter);
	return rc == -LINUX_ERESTARTSYS ? -LINUX_EINTR : ready;
}

static void put_all(struct entry *e, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (e[i].file)
			file_put(e[i].file);
	kmem_free(e, n * sizeof(*e));
}

static int64_t poll_until(uint64_t gva, uint64_t n, uint64_t until_ns)
{
	struct entry *e;
	struct pollfd fd;
	int64_t rc = 0;

	if (n > fd_limit)
		return -LINUX_EINVAL;
	e = kmem_alloc(n * sizeof(*e));
	if (!e)
		return -LINUX_ENOMEM;
	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = user_read(&fd, gva + i * sizeof(fd), sizeof(fd));
		if (rc)
			break;
		e[i].skip = fd.fd < 0;
		e[i].events = (uint16_t)fd.events;
		e[i].file = e[i].skip ? NULL : fd_hold((uint32_t)fd.fd);
	}
	if (!rc)
		rc = wait(e, n, until_ns);
	for (uint64_t i = 0; rc >= 0 && i < n; i++) {
		uint64_t at =
			gva + i * sizeof(fd) + offsetof(struct pollfd, revents);

		if (user_write(at, &e[i].revents, sizeof(e[i].revents)))
			rc = -LINUX_EFAULT;
	}
	put_all(e, n);
	return rc;
}

int64_t sys_poll(struct regs *r)
{
	int ms = (int)ARG3(r);

	return poll_until(ARG1(r), ARG2(r),
			  ms < 0 ? WAIT_FOREVER
				 : clock_now() + (uint64_t)ms * 1000000);
}

/* A struct timespec with an interval, or no pointer: for ever. */
static int64_t read_interval(uint64_t gva, uint64_t *ret_until)
{
	uint64_t ns;
	int64_t rc;

	*ret_until = WAIT_FOREVER;
	if (!gva)
		return 0;
	rc = time_read_interval(gva, &ns);
	if (!rc)
		*ret_until = clock_now() + ns;
	return rc;
}

/* What is left of the time goes back to where it came from, in seconds and
 * `unit` ns; memory that cannot be written does not matter. */
static void write_left(uint64_t gva, uint64_t until_ns, uint64_t unit)
{
	uint64_t now = clock_now();
	uint64_t left = until_ns > now ? until_ns - now : 0;
	const uint64_t t[2] = { left / NS_PER_SEC, left % NS_PER_SEC / unit };

	if (gva && user_write(gva, t, sizeof(t)))
		return;
}

int64_t sys_ppoll(struct regs *r)
{
	uint64_t until;
	int64_t rc = read_interval(ARG3(r), &until);

	if (!rc)
		rc = signal_use_mask(ARG4(r), ARG5(r));
	if (rc)
		return rc;
	rc = poll_until(ARG1(r), ARG2(r), until);
	write_left(ARG3(r), until, 1);
	return rc;
}

#define SETS 3

static const unsigned set_events[SETS] = { READ_SET, WRITE_SET, EXCEPT_SET };

/* The entries for every descriptor in one of the sets; their number. */
static int64_t read_sets(const uint64_t in[SETS][FD_MAX / 64], uint64_t n,
			 struct entry *e)
{
	int64_t count = 0;

	for (uint64_t fd = 0; fd < n; fd++) {
		uint16_t events = 0;

		for (unsigned i = 0; i < SETS; i++)
			if (in[i][fd / 64] >> fd % 64 & 1)
				events |= (uint16_t)set_events[i];
		if (!events)
			continue;
		e->fd = (uint32_t)fd;
		e->events = events;
		e->file = fd_hold(fd);
		e++;
		count++;
		if (!e[-1].file)
			return -LINUX_EBADF;
	}
	return count;
}

struct select_work {
	uint64_t in[SETS][FD_MAX / 64], out[SETS][FD_MAX / 64];
	struct entry entries[];
};

static int64_t select_with(struct select_work *w, const uint64_t sets[SETS],
			   uint64_t n, uint64_t until_ns)
{
	uint64_t len = (n + 63) / 64 * 8;
	int64_t count, total = 0, rc = 0;

	for (unsigned i = 0; !rc && i < SETS; i++)
		if (sets[i])
			rc = user_read(w->in[i], sets[i], len);
	if (rc)
		return rc;
	count = read_sets(w->in, n, w->entries);
	if (count < 0)
		return count;
	rc = wait(w->entries, (uint64_t)count, until_ns);
	for (int64_t k = 0; rc > 0 && k < count; k++)
		for (unsigned i = 0; i < SETS; i++) {
			const struct entry *e = &w->entries[k];

			if (!(e->revents & set_events[i]) ||
			    !(w->in[i][e->fd / 64] >> e->fd % 64 & 1))
				continue;
			w->out[i][e->fd / 64] |= 1ull << e->fd % 64;
			total++;
		}
	for (unsigned i = 0; rc >= 0 && i < SETS; i++)
		if (sets[i] && user_write(sets[i], w->out[i], len))
			rc = -LINUX_EFAULT;
	return rc < 0 ? rc : total;
}

static int64_t select_until(struct regs *r, uint64_t until_ns)
{
	const uint64_t sets[SETS] = { ARG2(r), ARG3(r), ARG4(r) };
	uint64_t n = (uint32_t)ARG1(r), len;
	struct select_work *w;
	int64_t rc;

	if ((int32_t)ARG1(r) < 0)
		return -LINUX_EINVAL;
	n = min_u64(n, FD_MAX);
	len = sizeof(*w) + n * sizeof(struct entry);
	w = kmem_alloc(len);
	if (!w)
		return -LINUX_ENOMEM;
	rc = select_with(w, sets, n, until_ns);
	for (uint64_t i = 0; i < n; i++)
		if (w->entries[i].file)
			file_put(w->entries[i].file);
	kmem_free(w, len);
	return rc;
}

int64_t sys_select(struct regs *r)
{
	uint64_t until = WAIT_FOREVER;
	int64_t tv[2], rc;

	if (ARG5(r)) {
		if (user_read(tv, ARG5(r), sizeof(tv)))
			return -LINUX_EFAULT;
		if (tv[0] < 0 || tv[1] < 0)
			return -LINUX_EINVAL;
		until = clock_now() +
			time_ns((uint64_t)tv[0] + (uint64_t)tv[1] / 1000000,
				(uint64_t)tv[1] % 1000000 * 1000);
	}
	rc = select_until(r, until);
	write_left(ARG5(r), until, 1000);
	return rc;
}

int64_t sys_pselect6(struct regs *r)
{
	uint64_t until, mask[2] = { 0 };
	int64_t rc = read_interval(ARG5(r), &until);

	if (!rc && ARG6(r)) /* a pointer to pointer and length */
		rc = user_read(mask, ARG6(r), sizeof(mask));
	if (!rc)
		rc = signal_use_mask(mask[0], mask[1]);
	if (rc)
		return rc;
	rc = select_until(r, until);
	write_left(ARG5(r), until, 1);
	return rc;
}
