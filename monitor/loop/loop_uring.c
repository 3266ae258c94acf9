/* loop_uring.c: operations as io_uring entries.
 *
 * Only the loop thread touches the ring. A turn turns every queued op and
 * every wish to cancel into an entry, and submits and waits in one system
 * call, without the lock; the kernel reads iovecs and timestamps there, which
 * nobody else may touch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "loop/loop_priv.h"

/* user_data: an op, or one of these (an op is aligned to 8) */
#define TAG_IGNORE 0
#define TAG_WAKE   1

/* struct __kernel_timespec overlays loop_op.ts */
_Static_assert(sizeof(struct __kernel_timespec) ==
		       sizeof(((struct loop_op *)0)->ts),
	       "loop_op.ts is a __kernel_timespec");

/* --- life ------------------------------------------------------------------ */

/* Newest first; each is tried when the kernel knows not the one before. */
static const unsigned setup_flags[] = {
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_DEFER_TASKRUN,                     /* Linux 6.1 */
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER, /* 6.0 */
	IORING_SETUP_COOP_TASKRUN,                              /* 5.19 */
	0, /* 5.10: restrictions */
};

static int ring_open(struct io_uring *ring, unsigned entries)
{
	int rc = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(setup_flags) && rc == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = IORING_SETUP_R_DISABLED | setup_flags[i],
		};

		rc = io_uring_queue_init_params(entries, ring, &p);
	}
	return rc;
}

/* What the ring will ever do. seccomp does not see ring operations, so this
 * list is their filter; it holds from IORING_REGISTER_ENABLE_RINGS on. */
static int ring_restrict(struct io_uring *ring)
{
	static const uint8_t allowed[] = {
		IORING_OP_NOP,          IORING_OP_READV,
		IORING_OP_WRITEV,       IORING_OP_FSYNC,
		IORING_OP_FALLOCATE,    IORING_OP_POLL_ADD,
		IORING_OP_POLL_REMOVE,  IORING_OP_TIMEOUT,
		IORING_OP_ASYNC_CANCEL, IORING_OP_TIMEOUT_REMOVE,
	};
	struct io_uring_restriction r[ARRAY_SIZE(allowed)];

	memset(r, 0, sizeof(r));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		r[i].opcode = IORING_RESTRICTION_SQE_OP;
		r[i].sqe_op = allowed[i];
	}
	return io_uring_register_restrictions(ring, r, ARRAY_SIZE(r));
}

/* What has to wait in the kernel (fsync) is done by a worker there, and the
 * last worker stays, waking every 5 s for ever: unless it finds itself on a
 * CPU outside of its set, as it always does in an empty one. Then it is gone
 * after 5 s without work. Workers run where the loop thread may. A kernel
 * that does not take such a set keeps its worker. */
static void ring_let_workers_go(struct io_uring *ring)
{
	const cpu_set_t none = { 0 };

	(void)io_uring_register_iowq_aff(ring, sizeof(none), &none);
}

static int uring_open(struct loop *l, unsigned entries, struct err *err)
{
	int rc = ring_open(&l->ring, entries);

	if (rc < 0)
		return err_set(err, rc, "io_uring");
	ring_let_workers_go(&l->ring);
	rc = ring_restrict(&l->ring);
	if (rc < 0) {
		rc = err_set(err, rc, "io_uring: restrict");
		goto fail_exit;
	}
	rc = io_uring_enable_rings(&l->ring);
	if (rc < 0) {
		rc = err_set(err, rc, "io_uring: enable");
		goto fail_exit;
	}
	l->wake_iov = (struct iovec){ &l->wake_count, sizeof(l->wake_count) };
	return 0;

fail_exit:
	io_uring_queue_exit(&l->ring);
	return rc;
}

/* The read of wake_fd dies with the ring; nobody wakes a loop being freed,
 * so it cannot write to us meanwhile. */
static void uring_close(struct loop *l)
{
	io_uring_queue_exit(&l->ring);
}

/* --- submission ------------------------------------------------------------ */

static void prep(struct io_uring_sqe *sqe, struct loop_op *op)
{
	enum op_kind kind = op->waiting ? KIND_POLL : op->kind;

	switch (kind) {
	case KIND_READV:
		io_uring_prep_readv(sqe, op->fd, op->iov, op->n_iov, op->off);
		break;
	case KIND_WRITEV:
		io_uring_prep_writev(sqe, op->fd, op->iov, op->n_iov, op->off);
		break;
	case KIND_POLL:
		io_uring_prep_poll_add(sqe, op->fd,
				       op->kind == KIND_READV    ? POLLIN
				       : op->kind == KIND_WRITEV ? POLLOUT
								 : op->events);
		break;
	case KIND_TIMER:
		if (op->deadline_ns == 0) /* "soon": a fiftieth of the price */
			io_uring_prep_nop(sqe);
		else
			io_uring_prep_timeout(sqe, (void *)op->ts, 0,
					      IORING_TIMEOUT_ABS);
		break;
	case KIND_FSYNC:
		io_uring_prep_fsync(sqe, op->fd,
				    op->events ? IORING_FSYNC_DATASYNC : 0);
		break;
	case KIND_FALLOCATE:
		io_uring_prep_fallocate(sqe, op->fd, (int)op->events,
					(off_t)op->off, (off_t)op->len);
		break;
	case KIND_AFTER:
		CHECK(false); /* never gets here */
	}
	io_uring_sqe_set_data64(sqe, (uintptr_t)op);
}

/* An empty entry; when the ring is full, what is in it goes to the kernel.
 * NULL: the kernel takes no more until completions are reaped. */
static struct io_uring_sqe *next_sqe(struct loop *l)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	if (!sqe && io_uring_submit(&l->ring) >= 0)
		sqe = io_uring_get_sqe(&l->ring);
	return sqe;
}

/* True when all that was asked for is in the ring. Cancellations go first:
 * the kernel works in order, so one can never hit a later use of its op. */
static bool fill(struct loop *l)
{
	struct op_list *cancel = &l->list[OP_CANCEL];
	struct op_list *queued = &l->list[OP_QUEUED];
	struct io_uring_sqe *sqe;

	while (cancel->first) {
		sqe = next_sqe(l);
		if (!sqe)
			return false;
		io_uring_prep_cancel64(sqe, (uintptr_t)cancel->first, 0);
		io_uring_sqe_set_data64(sqe, TAG_IGNORE);
		loop_op_move(l, cancel->first, OP_CANCELLED);
	}
	while (queued->first) {
		sqe = next_sqe(l);
		if (!sqe)
			return false;
		prep(sqe, queued->first);
		loop_op_move(l, queued->first, OP_ACTIVE);
	}
	if (!l->wake_armed) {
		sqe = next_sqe(l);
		if (!sqe)
			return false;
		io_uring_prep_readv(sqe, l->wake_fd, &l->wake_iov, 1, 0);
		io_uring_sqe_set_data64(sqe, TAG_WAKE);
		l->wake_armed = true;
	}
	return true;
}

/* Submits and, if `wait`, sleeps until something has ended. */
static int enter(struct loop *l, bool wait)
{
	int rc;

	l->sleeping = wait;
	loop_unlock(l);
	rc = wait ? io_uring_submit_and_wait(&l->ring, 1)
		  : io_uring_submit_and_get_events(&l->ring);
	if (rc == -EAGAIN) /* the kernel is short of memory */
		(void)sched_yield();
	loop_lock(l);
	l->sleeping = false;
	if (rc == -EINTR || rc == -EAGAIN || rc == -EBUSY)
		return 0; /* EBUSY: reap first */
	return rc < 0 ? rc : 0;
}

/* --- completion ------------------------------------------------------------ */

static void op_ended(struct loop *l, struct loop_op *op, int res)
{
	bool cancelled = op->state == OP_CANCEL || op->state == OP_CANCELLED;

	if (op->waiting && res >= 0) { /* ready: now the op itself */
		op->waiting = false;
		loop_op_move(l, op, cancelled ? OP_DEAD : OP_QUEUED);
		return;
	}
	if (res == -EINTR && cancelled)
		res = -ECANCELED; /* a cancelled worker was interrupted */
	if (res == -EINTR) {
		loop_op_move(l, op, OP_QUEUED);
		return;
	}
	/* O_NONBLOCK makes the kernel answer at once: wait in its stead */
	if (res == -EAGAIN && !op->waiting &&
	    (op->kind == KIND_READV || op->kind == KIND_WRITEV) &&
	    !loop_fd_is_disk(op->fd)) {
		op->waiting = true;
		loop_op_move(l, op, cancelled ? OP_DEAD : OP_QUEUED);
		return;
	}
	if (op->kind == KIND_TIMER && res == -ETIME)
		res = 0;
	loop_op_finish(l, op, res);
}

/* A batch is what has ended by now: callbacks cannot make it longer. */
static int reap(struct loop *l)
{
	unsigned n = io_uring_cq_ready(&l->ring);
	int rc = 0;

	while (n-- > 0) {
		struct io_uring_cqe *cqe = NULL;
		int res = io_uring_peek_cqe(&l->ring, &cqe);
		struct loop_op *op;
		uint64_t tag;

		CHECK(res == 0); /* it was counted */
		tag = cqe->user_data;
		op = io_uring_cqe_get_data(cqe); /* unless it is a tag */
		res = cqe->res;
		io_uring_cqe_seen(&l->ring, cqe);

		if (tag == TAG_WAKE) {
			l->wake_armed = false;
			loop_wake_seen(l);
			if (res < 0 && res != -EAGAIN && res != -EINTR)
				rc = res;
		} else if (tag != TAG_IGNORE) {
			op_ended(l, op, res);
		}
	}
	return rc;
}

static int uring_turn(struct loop *l)
{
	bool may_sleep = loop_may_sleep(l);
	bool wait = fill(l) && may_sleep;
	int rc = enter(l, wait);

	return rc < 0 ? rc : reap(l);
}

const struct loop_backend loop_uring_backend = {
	.open = uring_open,
	.close = uring_close,
	.turn = uring_turn,
};
