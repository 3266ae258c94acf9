/* loop_poll.c: operations by ppoll(2) and preadv2/pwritev2, for hosts that
 * forbid io_uring. Slower, blocking on disks, and otherwise the same. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop_priv.h"

/* A blocking write of at most this much does not block after POLLOUT. */
#define SAFE_WRITE PIPE_BUF

/* --- life ------------------------------------------------------------------ */

/* Makes room for `n` operations besides the wake descriptor. */
static int pfd_reserve(struct loop *l, unsigned n)
{
	unsigned max = l->pfd_max ? l->pfd_max : 1;
	struct pollfd *pfd;

	if (n < l->pfd_max)
		return 0;
	while (max <= n)
		max *= 2;
	pfd = reallocarray(l->pfd, max, sizeof(*pfd));
	if (!pfd)
		return -ENOMEM;
	l->pfd = pfd;
	l->pfd_max = max;
	return 0;
}

static int poll_open(struct loop *l, unsigned entries, struct err *err)
{
	int rc = pfd_reserve(l, entries);

	return rc < 0 ? err_set(err, rc, "loop: %u entries", entries) : 0;
}

static void poll_close(struct loop *l)
{
	free(l->pfd);
}

/* --- doing ----------------------------------------------------------------- */

static ssize_t do_rw(const struct loop_op *op, int flags)
{
	off_t off = (off_t)op->off; /* LOOP_OFF_STREAM is -1 */

	if (op->kind == KIND_READV)
		return preadv2(op->fd, op->iov, (int)op->n_iov, off, flags);
	return pwritev2(op->fd, op->iov, (int)op->n_iov, off, flags);
}

/* A descriptor without RWF_NOWAIT, and ready: little enough cannot block. */
static ssize_t do_rw_small(const struct loop_op *op)
{
	struct iovec one = { 0 };

	for (unsigned i = 0; i < op->n_iov && one.iov_len == 0; i++)
		one = op->iov[i];
	if (op->kind == KIND_READV)
		return readv(op->fd, op->iov, (int)op->n_iov);
	if (one.iov_len > SAFE_WRITE)
		one.iov_len = SAFE_WRITE;
	return writev(op->fd, &one, 1);
}

static int do_blocking(const struct loop_op *op)
{
	ssize_t n = -1;

	switch ((enum op_kind)op->kind) {
	case KIND_READV:
	case KIND_WRITEV:
		n = loop_fd_is_disk(op->fd) ? do_rw(op, 0) : do_rw_small(op);
		break;
	case KIND_FSYNC:
		n = op->events ? fdatasync(op->fd) : fsync(op->fd);
		break;
	case KIND_FALLOCATE:
		n = fallocate(op->fd, (int)op->events, (off_t)op->off,
			      (off_t)op->len);
		break;
	case KIND_POLL:
	case KIND_TIMER:
	case KIND_AFTER:
		CHECK(false); /* never gets here */
	}
	return n < 0 ? -errno : (int)n;
}

/* -EAGAIN: not now. Lets go of the lock where the call may block. */
static int do_op(struct loop *l, const struct loop_op *op)
{
	int res;

	if (op->kind == KIND_READV || op->kind == KIND_WRITEV) {
		ssize_t n = do_rw(op, RWF_NOWAIT);

		res = n < 0 ? -errno : (int)n;
		if (res == -EAGAIN && !loop_fd_is_disk(op->fd))
			return res;
		if (res != -EAGAIN && res != -EOPNOTSUPP && res != -EINVAL)
			return res;
	}
	loop_unlock(l);
	res = do_blocking(op);
	loop_lock(l);
	return res;
}

/* --- waiting --------------------------------------------------------------- */

/* Into the list of timers, the earliest first. */
static void timer_insert(struct loop *l, struct loop_op *op)
{
	struct op_list *list = &l->list[OP_TIMED];
	struct loop_op *at;

	loop_op_move(l, op, OP_TIMED);
	at = op->prev;
	while (at && at->deadline_ns > op->deadline_ns)
		at = at->prev;
	if (at == op->prev)
		return;
	/* off the end, in behind `at` */
	list->last = op->prev;
	op->prev->next = NULL;
	op->prev = at;
	op->next = at ? at->next : list->first;
	op->next->prev = op;
	*(at ? &at->next : &list->first) = op;
}

static void take_queued(struct loop *l)
{
	struct loop_op *op;

	while ((op = l->list[OP_QUEUED].first) != NULL) {
		switch ((enum op_kind)op->kind) {
		case KIND_TIMER:
			timer_insert(l, op);
			break;
		case KIND_READV:
		case KIND_WRITEV:
		case KIND_POLL:
			loop_op_move(l, op, OP_ACTIVE);
			break;
		case KIND_FSYNC:
		case KIND_FALLOCATE:
			loop_op_move(l, op, OP_READY);
			break;
		case KIND_AFTER:
			CHECK(false); /* never queued */
		}
	}
}

/* Fills l->pfd from the active ops; the number of entries or -ENOMEM. */
static int pfd_fill(struct loop *l)
{
	struct loop_op *op;
	unsigned n = 1;

	if (pfd_reserve(l, l->in_flight) < 0)
		return -ENOMEM;
	l->pfd[0] = (struct pollfd){ .fd = l->wake_fd, .events = POLLIN };
	for (op = l->list[OP_ACTIVE].first; op; op = op->next) {
		uint32_t events = op->kind == KIND_READV    ? POLLIN
				  : op->kind == KIND_WRITEV ? POLLOUT
							    : op->events;

		l->pfd[n] = (struct pollfd){ .fd = op->fd,
					     .events = (short)events };
		op->slot = n++;
	}
	return (int)n;
}

/* NULL when there is nothing to wait for but descriptors. `may_sleep`: false
 * when nothing is waited for. */
static const struct timespec *timeout(struct loop *l, bool may_sleep,
				      struct timespec *ts)
{
	const struct loop_op *t = l->list[OP_TIMED].first;
	uint64_t left = 0;

	if (may_sleep && !l->list[OP_READY].first) {
		uint64_t now;

		if (!t)
			return NULL;
		now = clock_mono_ns();
		left = t->deadline_ns > now ? t->deadline_ns - now : 0;
	}
	ts->tv_sec = (time_t)(left / NS_PER_SEC);
	ts->tv_nsec = (long)(left % NS_PER_SEC);
	return ts;
}

/* Ops whose turn has come go to READY, with revents in `slot`. */
static void collect(struct loop *l, bool polled)
{
	struct loop_op *op, *next;
	uint64_t now;

	for (op = l->list[OP_ACTIVE].first; polled && op; op = next) {
		next = op->next;
		op->slot = (uint16_t)l->pfd[op->slot].revents;
		if (op->slot)
			loop_op_move(l, op, OP_READY);
	}
	if (!l->list[OP_TIMED].first)
		return;
	now = clock_mono_ns();
	while ((op = l->list[OP_TIMED].first) && op->deadline_ns <= now)
		loop_op_move(l, op, OP_READY);
}

/* --- a turn ---------------------------------------------------------------- */

static void finish_ready(struct loop *l, struct loop_op *op)
{
	int res;

	loop_op_move(l, op, OP_RUNNING);
	if (op->kind == KIND_TIMER) {
		res = 0;
	} else if (op->kind == KIND_FSYNC || op->kind == KIND_FALLOCATE) {
		res = do_op(l, op);
	} else if (op->slot & POLLNVAL) {
		res = -EBADF;
	} else if (op->kind == KIND_POLL) {
		res = (int)op->slot;
	} else {
		res = do_op(l, op);
		if (res == -EAGAIN || res == -EINTR) {
			/* somebody else was faster */
			loop_op_move(l, op, OP_QUEUED);
			return;
		}
	}
	loop_op_finish(l, op, res);
}

static void drain_wake(struct loop *l)
{
	uint64_t count;

	(void)!read(l->wake_fd, &count, sizeof(count)); /* ready: is there */
	loop_wake_seen(l);
}

static int poll_turn(struct loop *l)
{
	const struct timespec *wait;
	struct timespec ts;
	bool may_sleep;
	int n, rc;

	may_sleep = loop_may_sleep(l);
	take_queued(l);
	n = pfd_fill(l);
	if (n < 0)
		return n;
	wait = timeout(l, may_sleep, &ts);
	l->sleeping = true;
	loop_unlock(l);
	rc = ppoll(l->pfd, (nfds_t)n, wait, NULL);
	if (rc < 0)
		rc = -errno;
	loop_lock(l);
	l->sleeping = false;
	if (rc < 0 && rc != -EINTR && rc != -EAGAIN)
		return rc;
	if (rc > 0 && (l->pfd[0].revents & POLLIN))
		drain_wake(l);
	collect(l, rc > 0);
	while (l->list[OP_READY].first)
		finish_ready(l, l->list[OP_READY].first);
	return 0;
}

const struct loop_backend loop_poll_backend = {
	.open = poll_open,
	.close = poll_close,
	.turn = poll_turn,
};
