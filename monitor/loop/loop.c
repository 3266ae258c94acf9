/* loop.c: the half of the loop that both engines share: the lock, the lists
 * of operations, submission, waking. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop_priv.h"

static bool has_list(enum op_state s)
{
	return s != OP_IDLE && s != OP_RUNNING;
}

void loop_op_move(struct loop *l, struct loop_op *op, enum op_state to)
{
	if (has_list(op->state)) {
		struct op_list *from = &l->list[op->state];

		*(op->prev ? &op->prev->next : &from->first) = op->next;
		*(op->next ? &op->next->prev : &from->last) = op->prev;
	}
	op->next = op->prev = NULL;
	op->state = (uint16_t)to;
	if (has_list(to)) {
		struct op_list *list = &l->list[to];

		op->prev = list->last;
		*(list->last ? &list->last->next : &list->first) = op;
		list->last = op;
	}
}

void loop_op_finish(struct loop *l, struct loop_op *op, int res)
{
	CHECK(op->state != OP_IDLE && l->in_flight > 0);
	loop_op_move(l, op, OP_IDLE);
	l->in_flight--;
	op->done(op, res);
}

bool loop_fd_is_disk(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* --- life ------------------------------------------------------------------ */

/* What a host that has no io_uring for us answers. */
static bool is_refusal(int code)
{
	return code == -ENOSYS || code == -EPERM || code == -EACCES ||
	       code == -EINVAL || code == -ENOMEM;
}

static int open_engine(struct loop *l, unsigned entries, enum loop_engine want,
		       struct err *err)
{
	struct err why = { 0 };
	int rc;

	if (want != LOOP_POLL) {
		l->backend = &loop_uring_backend;
		l->engine = LOOP_URING;
		rc = l->backend->open(l, entries, &why);
		if (rc == 0)
			return 0;
		if (want == LOOP_URING || !is_refusal(rc)) {
			*err = why;
			return rc;
		}
		log_info("loop", "%s: %s; using poll", why.msg, strerror(-rc));
	}
	l->backend = &loop_poll_backend;
	l->engine = LOOP_POLL;
	return l->backend->open(l, entries, err);
}

int loop_new(unsigned entries, enum loop_engine want, struct loop **ret_loop,
	     struct err *err)
{
	struct loop *l;
	int rc;

	if (entries == 0 || entries > LOOP_ENTRIES_MAX)
		return err_set(err, -EINVAL, "loop: %u entries: 1 to %d",
			       entries, LOOP_ENTRIES_MAX);
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(err, -ENOMEM, "loop");
	l->thread = pthread_self();
	/* blocking: the ring's read of it then waits instead of failing */
	l->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (l->wake_fd < 0) {
		rc = err_set(err, -errno, "loop: eventfd");
		goto fail_free;
	}
	rc = open_engine(l, entries, want, err);
	if (rc < 0)
		goto fail_close;
	rc = -pthread_mutex_init(&l->lock, NULL);
	CHECK(rc == 0); /* a plain mutex needs nothing that can run out */
	*ret_loop = l;
	return 0;

fail_close:
	(void)close(l->wake_fd);
fail_free:
	free(l);
	return rc;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	CHECK(l->in_flight == 0);
	l->backend->close(l);
	(void)close(l->wake_fd);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

enum loop_engine loop_engine(const struct loop *l)
{
	return l->engine;
}

unsigned loop_in_flight(const struct loop *l)
{
	return l->in_flight;
}

void loop_lock(struct loop *l)
{
	int rc = pthread_mutex_lock(&l->lock);

	CHECK(rc == 0 && !l->held);
	l->held = true;
}

void loop_unlock(struct loop *l)
{
	CHECK(l->held);
	l->held = false;
	(void)pthread_mutex_unlock(&l->lock); /* ours: cannot fail */
}

/* --- operations ------------------------------------------------------------ */

/* Only other threads can find the loop thread asleep. */
static void rouse(struct loop *l)
{
	if (l->sleeping)
		loop_wake(l);
}

static int submit(struct loop *l, struct loop_op *op, enum op_kind kind)
{
	CHECK(l->held && op->done);
	op->kind = (uint16_t)kind;
	op->waiting = false;
	loop_op_move(l, op, OP_QUEUED);
	l->in_flight++;
	rouse(l);
	return 0;
}

static int submit_rw(struct loop *l, struct loop_op *op, enum op_kind kind,
		     int fd, const struct iovec *iov, unsigned n, uint64_t off)
{
	CHECK(op->state == OP_IDLE);
	if (fd < 0)
		return -EBADF;
	if (n > IOV_MAX || (off > INT64_MAX && off != LOOP_OFF_STREAM))
		return -EINVAL;
	op->fd = fd;
	op->iov = iov;
	op->n_iov = n;
	op->off = off;
	return submit(l, op, kind);
}

int loop_readv(struct loop *l, struct loop_op *op, int fd,
	       const struct iovec *iov, unsigned n, uint64_t off)
{
	return submit_rw(l, op, KIND_READV, fd, iov, n, off);
}

int loop_writev(struct loop *l, struct loop_op *op, int fd,
		const struct iovec *iov, unsigned n, uint64_t off)
{
	return submit_rw(l, op, KIND_WRITEV, fd, iov, n, off);
}

/* EOPNOTSUPP: a file that cannot promise not to wait. EINTR: before a byte
 * was moved. */
static int now_result(ssize_t n)
{
	if (n >= 0)
		return (int)n;
	return errno == EOPNOTSUPP || errno == EINTR ? -EAGAIN : -errno;
}

int loop_readv_now(int fd, const struct iovec *iov, unsigned n, uint64_t off)
{
	return now_result(preadv2(fd, iov, (int)n, (off_t)off, RWF_NOWAIT));
}

int loop_writev_now(int fd, const struct iovec *iov, unsigned n, uint64_t off)
{
	return now_result(pwritev2(fd, iov, (int)n, (off_t)off, RWF_NOWAIT));
}

int loop_poll(struct loop *l, struct loop_op *op, int fd, uint32_t events)
{
	CHECK(op->state == OP_IDLE);
	if (fd < 0)
		return -EBADF;
	if (events > INT16_MAX) /* struct pollfd has 16 bits */
		return -EINVAL;
	op->fd = fd;
	op->events = events;
	return submit(l, op, KIND_POLL);
}

int loop_timer(struct loop *l, struct loop_op *op, uint64_t deadline_ns)
{
	CHECK(op->state == OP_IDLE);
	op->deadline_ns = deadline_ns;
	op->ts[0] = (int64_t)(deadline_ns / NS_PER_SEC);
	op->ts[1] = (int64_t)(deadline_ns % NS_PER_SEC);
	return submit(l, op, KIND_TIMER);
}

int loop_fsync(struct loop *l, struct loop_op *op, int fd, bool data_only)
{
	CHECK(op->state == OP_IDLE);
	if (fd < 0)
		return -EBADF;
	op->fd = fd;
	op->events = data_only;
	return submit(l, op, KIND_FSYNC);
}

int loop_fallocate(struct loop *l, struct loop_op *op, int fd, int mode,
		   uint64_t off, uint64_t len)
{
	CHECK(op->state == OP_IDLE);
	if (fd < 0)
		return -EBADF;
	if (mode < 0 || off > INT64_MAX || len > INT64_MAX)
		return -EINVAL;
	op->fd = fd;
	op->events = (uint32_t)mode;
	op->off = off;
	op->len = len;
	return submit(l, op, KIND_FALLOCATE);
}

void loop_after(struct loop *l, struct loop_op *op)
{
	CHECK(op->state == OP_IDLE && l->held && op->done);
	op->kind = KIND_AFTER;
	loop_op_move(l, op, OP_AFTER);
	l->in_flight++;
	rouse(l);
}

void loop_cancel(struct loop *l, struct loop_op *op)
{
	CHECK(l->held);
	switch ((enum op_state)op->state) {
	case OP_QUEUED:
	case OP_TIMED:
	case OP_READY:
		loop_op_move(l, op, OP_DEAD);
		break;
	case OP_ACTIVE:
		loop_op_move(l, op,
			     l->engine == LOOP_URING ? OP_CANCEL : OP_DEAD);
		break;
	case OP_IDLE:
	case OP_CANCEL:
	case OP_CANCELLED:
	case OP_DEAD:
	case OP_AFTER:
	case OP_RUNNING:
	case OP_STATES:
		return;
	}
	rouse(l);
}

/* --- running --------------------------------------------------------------- */

void loop_set_look(struct loop *l, bool (*look)(void *ctx), void *ctx)
{
	l->look = look;
	l->look_ctx = ctx;
}

bool loop_may_sleep(struct loop *l)
{
	return !loop_has_ended(l) && !(l->look && l->look(l->look_ctx)) &&
	       !loop_has_ended(l);
}

/* What these add to the list is for the next batch. */
static void run_after(struct loop *l)
{
	struct op_list *after = &l->list[OP_AFTER];
	const struct loop_op *last = after->last;

	while (last) {
		struct loop_op *op = after->first;

		if (op == last)
			last = NULL;
		loop_op_finish(l, op, 0);
	}
}

int loop_run(struct loop *l, const _Atomic bool *stop, bool until_quiet)
{
	int rc = 0;

	CHECK(pthread_equal(l->thread, pthread_self()));
	loop_lock(l);
	while (rc == 0 && !(stop && atomic_load(stop)) &&
	       !(until_quiet && l->in_flight == 0)) {
		struct op_list *dead = &l->list[OP_DEAD];

		rc = l->backend->turn(l);
		while (dead->first)
			loop_op_finish(l, dead->first, -ECANCELED);
		run_after(l);
	}
	loop_unlock(l);
	return rc;
}

/*
 * One write until the loop thread has seen it. Whoever finds `woken` set may
 * rely on a look at *stop that is still to come: the loop thread empties the
 * eventfd first, clears `woken` second and looks third.
 */
void loop_wake(struct loop *l)
{
	const uint64_t one = 1;
	int saved = errno; /* we may be in a signal handler */

	if (!atomic_exchange(&l->woken, true))
		(void)!write(l->wake_fd, &one, sizeof(one)); /* cannot fail */
	errno = saved;
}

void loop_wake_seen(struct loop *l)
{
	(void)atomic_exchange(&l->woken, false); /* pairs with loop_wake */
}
