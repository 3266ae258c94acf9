/* loop_priv.h: what the front half (loop.c) and the two engines share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOP_LOOP_PRIV_H
#define LOOP_LOOP_PRIV_H

#include <liburing.h>
#include <poll.h>
#include <pthread.h>

#include "loop/loop.h"

enum op_kind {
	KIND_READV = 1,
	KIND_WRITEV,
	KIND_POLL,
	KIND_TIMER,
	KIND_FSYNC,
	KIND_FALLOCATE,
	KIND_AFTER,
};

/*
 * Where an op is. Each state but IDLE and RUNNING has a list.
 *
 *   submit --> QUEUED --> ACTIVE ------------> IDLE + done(res)
 *                |          |  \ (poll) READY -> RUNNING --^
 *              cancel     cancel
 *                v          v
 *               DEAD      CANCEL --> CANCELLED (io_uring: asked the kernel)
 *                `-> IDLE + done(-ECANCELED)
 *
 * The poll engine has nothing in the kernel: its cancelled ops are DEAD at
 * once. Its timers are in TIMED, the earliest first. What waits for the end
 * of a batch is in AFTER and can not be cancelled.
 */
enum op_state {
	OP_IDLE, /* a zeroed op */
	OP_QUEUED,
	OP_ACTIVE,
	OP_CANCEL,
	OP_CANCELLED,
	OP_DEAD,
	OP_TIMED,
	OP_READY,
	OP_AFTER,
	OP_RUNNING,
	OP_STATES
};

struct op_list {
	struct loop_op *first, *last;
};

/* How ops are carried out. `turn`, on the loop thread with the lock held:
 * take in what is queued, wait if there is nothing to do, run the callbacks
 * of what has ended. */
struct loop_backend {
	int (*open)(struct loop *l, unsigned entries, struct err *err);
	void (*close)(struct loop *l);
	int (*turn)(struct loop *l);
};

struct loop {
	pthread_mutex_t lock; /* protects all that is not noted otherwise */
	bool held;     /* somebody holds the lock; written by its holder */
	bool sleeping; /* the loop thread waits in the kernel */
	unsigned in_flight;
	struct op_list list[OP_STATES];

	bool (*look)(void *ctx); /* or NULL */
	void *look_ctx;

	/* written by loop_new only */
	const struct loop_backend *backend;
	enum loop_engine engine;
	pthread_t thread;
	int wake_fd; /* eventfd */

	_Atomic bool woken; /* wake_fd was written and not yet read */

	/* loop thread only, no lock */
	struct io_uring ring;
	uint64_t wake_count; /* the ring reads wake_fd into it */
	struct iovec wake_iov;
	bool wake_armed;
	struct pollfd *pfd; /* [0] is wake_fd */
	unsigned pfd_max;
};

extern const struct loop_backend loop_uring_backend, loop_poll_backend;

/* Takes `op` from the list of its state to the end of that of `to`. */
void loop_op_move(struct loop *l, struct loop_op *op, enum op_state to);

/* The op is the caller's again: calls done(). */
void loop_op_finish(struct loop *l, struct loop_op *op, int res);

/* There are ops that end without the kernel: a turn must not sleep. */
static inline bool loop_has_ended(const struct loop *l)
{
	return l->list[OP_DEAD].first || l->list[OP_AFTER].first;
}

/* May this turn sleep? Asks whoever wants to look first, and may submit. */
bool loop_may_sleep(struct loop *l);

/* The loop thread has emptied wake_fd. */
void loop_wake_seen(struct loop *l);

/* True when `fd` never has to be waited for: waiting would spin. */
bool loop_fd_is_disk(int fd);

#endif
