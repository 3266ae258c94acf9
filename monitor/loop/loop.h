/* loop.h: the event loop over one io_uring. The only user of <liburing.h> is
 * this folder.
 *
 * Threads. The loop has one lock, which doubles as the machine lock: device
 * state is touched only by its holder. loop_run (the loop thread) holds it
 * while callbacks run and lets go while it waits. Every function below but
 * loop_wake, loop_lock, loop_new and loop_run needs the lock; from a thread
 * other than the loop thread a submission is queued in memory, the loop
 * thread is woken and submits it (the ring has a single issuer).
 *
 * Operations. The caller embeds `struct loop_op`. Once a submit returns 0 the
 * op, its buffers and its iovec array are the loop's until done() runs,
 * exactly once: finished, failed or -ECANCELED. done() may submit again, also
 * the same op. Callbacks never block and never call loop_run.
 *
 * Where the host forbids io_uring the same interface is served by poll(2)
 * and preadv2/pwritev2; `loop_engine` says which. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/attr.h"

struct err;
struct loop;
struct loop_op;

/* res: bytes moved, poll events, 0 for a timer; or negative errno. */
typedef void loop_done_fn(struct loop_op *op, int res);

struct loop_op {
	loop_done_fn *done; /* set by the caller before submitting */
	/* the rest belongs to the loop */
	struct loop_op *next, *prev;
	const struct iovec *iov;
	uint64_t off;
	uint64_t deadline_ns;
	int64_t ts[2]; /* the kernel's view of deadline_ns */
	int fd;
	unsigned n_iov;
	uint16_t kind;
	uint16_t state;
	uint32_t events;
};

/* Stream: read or write at the file's own position. */
#define LOOP_OFF_STREAM UINT64_MAX

enum loop_engine { LOOP_AUTO, LOOP_URING, LOOP_POLL };

/*
 * `entries`: operations in flight that need no extra system call. LOOP_AUTO
 * falls back to poll when io_uring is refused (ENOSYS, EPERM, EACCES).
 * The ring is created disabled, gets an opcode allow-list (readv, writev,
 * poll, timeout and their cancellation, nop, fsync, fallocate) and is then
 * enabled by this very call: nothing else can ever be asked of it.
 */
WUR int loop_new(unsigned entries, enum loop_engine want,
		 struct loop **ret_loop, struct err *err);

/* Nothing may be in flight: cancel, loop_run until quiet, then free. */
void loop_free(struct loop *l);

enum loop_engine loop_engine(const struct loop *l);
unsigned loop_in_flight(const struct loop *l);

void loop_lock(struct loop *l);
void loop_unlock(struct loop *l);

/* 0 or negative errno (then done() is not called). */
WUR int loop_readv(struct loop *l, struct loop_op *op, int fd,
		   const struct iovec *iov, unsigned n, uint64_t off);
WUR int loop_writev(struct loop *l, struct loop_op *op, int fd,
		    const struct iovec *iov, unsigned n, uint64_t off);
/* One shot; `events` as poll(2). */
WUR int loop_poll(struct loop *l, struct loop_op *op, int fd, uint32_t events);
/* One shot, at an absolute CLOCK_MONOTONIC time. */
WUR int loop_timer(struct loop *l, struct loop_op *op, uint64_t deadline_ns);
/* Asks for an early end: done() still runs, with -ECANCELED or the result
 * that won the race. An op that is not in flight is left alone. */
void loop_cancel(struct loop *l, struct loop_op *op);

/*
 * Runs callbacks until *stop is true (looked at after each batch and each
 * wake) or, if `until_quiet`, until nothing is in flight. Takes the lock and
 * lets go of it. The first caller becomes the loop thread. 0 or negative
 * errno of a broken ring.
 */
WUR int loop_run(struct loop *l, const _Atomic bool *stop, bool until_quiet);

/* From any thread or signal handler, without the lock: loop_run looks at
 * *stop soon. */
void loop_wake(struct loop *l);

#endif
