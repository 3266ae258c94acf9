/* loop.h: the event loop over one io_uring. The only user of <liburing.h> is
 * this folder.
 *
 * Threads. The loop has one lock, which doubles as the machine lock: device
 * state is touched only by its holder. loop_run (the loop thread) holds it
 * while callbacks run and lets go while it waits. Submitting, cancelling and
 * loop_in_flight need the lock; loop_new, loop_free, loop_run, loop_engine,
 * loop_wake and loop_lock are called without it. A submission is queued in
 * memory; the loop thread hands all that is queued to the kernel in one call,
 * and is woken first if another thread submitted while it waited (the ring
 * has a single issuer: the thread that called loop_new).
 *
 * Operations. The caller embeds `struct loop_op`, zero-initialised. Once a
 * submit returns 0 the op, its buffers and its iovec array are the loop's
 * until done() runs, exactly once: finished, failed or -ECANCELED. done()
 * always runs inside loop_run, with the lock held; it may submit again, also
 * the same op. Callbacks never block and never call loop_run.
 *
 * Descriptors. Ops wait until the descriptor is ready, O_NONBLOCK or not, and
 * may move less than was asked. Cancel what is in flight before closing a
 * descriptor; keep one read and one write at a time on a stream, or their
 * order is the kernel's. Writing to a pipe or socket that nobody reads gives
 * -EPIPE and raises SIGPIPE: the program ignores that signal.
 *
 * Where the host forbids io_uring the same interface is served by ppoll(2)
 * and preadv2/pwritev2; `loop_engine` says which. There, disk I/O that is not
 * in the page cache blocks the loop thread (without the lock).
 *
 * System calls after loop_new: io_uring_enter, futex, write, preadv2 and
 * pwritev2; sched_yield and newfstatat (rare). With poll: ppoll, read, preadv2,
 * pwritev2, readv, writev, newfstatat, fsync, fdatasync, fallocate and
 * malloc's, futex and write. loop_wake: write. */
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

/* res: bytes moved, poll events, 0 for the rest; or negative errno. */
typedef void loop_done_fn(struct loop_op *op, int res);

struct loop_op {
	loop_done_fn *done; /* set by the caller before submitting */
	/* the rest belongs to the loop */
	struct loop_op *next, *prev;
	const struct iovec *iov;
	uint64_t off;
	union {
		uint64_t deadline_ns;
		uint64_t len; /* fallocate */
	};
	int64_t ts[2]; /* the kernel's view of deadline_ns */
	int fd;
	unsigned n_iov;
	uint16_t kind;
	uint16_t state;
	uint32_t events; /* fsync: flags; fallocate: mode */
	uint32_t slot;   /* poll engine: index into its pollfd array */
	bool waiting;    /* io_uring engine: a poll stands in for the op */
};

/* Stream: read or write at the file's own position. */
#define LOOP_OFF_STREAM UINT64_MAX

enum loop_engine { LOOP_AUTO, LOOP_URING, LOOP_POLL };

#define LOOP_ENTRIES_MAX 4096

/*
 * `entries` (1 .. LOOP_ENTRIES_MAX): operations in flight that need no extra
 * system call; more are always accepted. LOOP_AUTO falls back to poll when
 * io_uring is refused or too old for restrictions (ENOSYS, EPERM, EACCES,
 * EINVAL, ENOMEM).
 * The ring is created disabled, gets an opcode allow-list (readv, writev,
 * poll, timeout and their cancellation, nop, fsync, fallocate) and is then
 * enabled by this very call: nothing else can ever be asked of it.
 * The calling thread is the loop thread: only it may call loop_run.
 */
WUR int loop_new(unsigned entries, enum loop_engine want,
		 struct loop **ret_loop, struct err *err);

/* Nothing may be in flight: cancel, loop_run until quiet, then free. Accepts
 * NULL. */
void loop_free(struct loop *l);

enum loop_engine loop_engine(const struct loop *l);
unsigned loop_in_flight(const struct loop *l);

void loop_lock(struct loop *l);
void loop_unlock(struct loop *l);

/* 0 or negative errno (then done() is not called). Submitting an op that is
 * in flight is a bug. */
WUR int loop_readv(struct loop *l, struct loop_op *op, int fd,
		   const struct iovec *iov, unsigned n, uint64_t off);
WUR int loop_writev(struct loop *l, struct loop_op *op, int fd,
		    const struct iovec *iov, unsigned n, uint64_t off);
/*
 * The other way: at once, on the calling thread, whatever can be moved without
 * waiting, and no done(). Bytes, less than asked perhaps; -EAGAIN: nothing
 * without waiting, or nobody can say, so submit it; else as done() would get.
 * No lock is needed and nothing is in flight. A vCPU thread that would have to
 * wake the loop thread, which takes an idle CPU 50 us and more, saves that.
 */
WUR int loop_readv_now(int fd, const struct iovec *iov, unsigned n,
		       uint64_t off);
WUR int loop_writev_now(int fd, const struct iovec *iov, unsigned n,
			uint64_t off);
/* One shot; `events` as poll(2). */
WUR int loop_poll(struct loop *l, struct loop_op *op, int fd, uint32_t events);
/* One shot, at an absolute CLOCK_MONOTONIC time; 0 is the next batch. */
WUR int loop_timer(struct loop *l, struct loop_op *op, uint64_t deadline_ns);
/* fdatasync(2) when `data_only`. Covers writes whose done() has run. */
WUR int loop_fsync(struct loop *l, struct loop_op *op, int fd, bool data_only);
/* `mode` as fallocate(2). */
WUR int loop_fallocate(struct loop *l, struct loop_op *op, int fd, int mode,
		       uint64_t off, uint64_t len);
/* One shot: done(0) once every completion at hand has been handled, without
 * a system call: the place for what is done once a batch. */
void loop_after(struct loop *l, struct loop_op *op);
/* Asks for an early end: done() still runs, with -ECANCELED or the result
 * that won the race. An op that is not in flight is left alone. */
void loop_cancel(struct loop *l, struct loop_op *op);

/*
 * `look` is called, on the loop thread with the lock held, each time it is
 * about to sleep. True: it does not; what has ended is handled, and `look` is
 * called again. Before loop_run. NULL: no looking.
 */
void loop_set_look(struct loop *l, bool (*look)(void *ctx), void *ctx);

/*
 * Runs callbacks until *stop is true (looked at after each batch and each
 * wake) or, if `until_quiet`, until nothing is in flight. `stop` may be NULL.
 * Takes the lock and lets go of it. 0 or negative errno of a broken ring.
 */
WUR int loop_run(struct loop *l, const _Atomic bool *stop, bool until_quiet);

/* From any thread or signal handler, without the lock: loop_run looks at
 * *stop soon. */
void loop_wake(struct loop *l);

#endif
