/* test_loop.c: the event loop, each test over both engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"

#define MS 1000000ULL

/* Every test runs once an engine; where the host refuses io_uring that half
 * says so and passes. */
#define BOTH_ENGINES(suite, name)                                              \
	ParameterizedTestParameters(suite, name)                               \
	{                                                                      \
		static enum loop_engine engines[] = { LOOP_URING, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);      \
	}                                                                      \
	ParameterizedTest(enum loop_engine *engine, suite, name, .timeout = 20)

/* An op that remembers how it ended. */
struct rec {
	struct loop_op op;
	int res;
	unsigned runs, order;
	struct iovec iov;
	struct loop *l;
	struct rec *other;
};

static unsigned order;

static void rec_done(struct loop_op *op, int res)
{
	struct rec *r = CONTAINER_OF(op, struct rec, op);

	r->res = res;
	r->runs++;
	r->order = ++order;
}

#define REC(...) ((struct rec){ .op.done = rec_done, __VA_ARGS__ })

static struct loop *make(enum loop_engine want, unsigned entries)
{
	struct err err = { 0 };
	struct loop *l = NULL;
	int rc = loop_new(entries, want, &l, &err);

	signal(SIGPIPE, SIG_IGN);
	if (want == LOOP_URING && rc < 0) {
		cr_log_warn("no io_uring here: %s", err.msg);
		rc = loop_new(entries, LOOP_POLL, &l, &err);
	}
	cr_assert_eq(rc, 0, "%s", err.msg);
	return l;
}

static void quiet(struct loop *l)
{
	cr_assert_eq(loop_run(l, NULL, true), 0);
	loop_lock(l);
	cr_assert_eq(loop_in_flight(l), 0);
	loop_unlock(l);
}

static void start_read(struct loop *l, struct rec *r, int fd, void *buf,
		       size_t len)
{
	r->iov = (struct iovec){ buf, len };
	loop_lock(l);
	cr_assert_eq(loop_readv(l, &r->op, fd, &r->iov, 1, LOOP_OFF_STREAM), 0);
	loop_unlock(l);
}

static void start_write(struct loop *l, struct rec *r, int fd, const void *buf,
			size_t len)
{
	union {
		const void *in;
		void *out; /* an iovec is for both ways */
	} p = { buf };

	r->iov = (struct iovec){ p.out, len };
	loop_lock(l);
	cr_assert_eq(loop_writev(l, &r->op, fd, &r->iov, 1, LOOP_OFF_STREAM),
		     0);
	loop_unlock(l);
}

static void start_timer(struct loop *l, struct rec *r, uint64_t at_ns)
{
	loop_lock(l);
	cr_assert_eq(loop_timer(l, &r->op, at_ns), 0);
	loop_unlock(l);
}

static void cancel(struct loop *l, struct rec *r)
{
	loop_lock(l);
	loop_cancel(l, &r->op);
	loop_unlock(l);
}

/* Runs for `ns`, or until *stop by somebody else. */
struct stopper {
	struct loop_op op;
	_Atomic bool stop;
};

static void stopper_done(struct loop_op *op, int res)
{
	(void)res;
	CONTAINER_OF(op, struct stopper, op)->stop = true;
}

static void run_for(struct loop *l, uint64_t ns)
{
	struct stopper s = { .op.done = stopper_done };

	loop_lock(l);
	cr_assert_eq(loop_timer(l, &s.op, clock_mono_ns() + ns), 0);
	loop_unlock(l);
	cr_assert_eq(loop_run(l, &s.stop, false), 0);
}

static int temp_file(const char *text)
{
	int fd = memfd_create("test_loop", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

/* --- the engine ------------------------------------------------------------ */

BOTH_ENGINES(loop, says_its_engine)
{
	struct loop *l = make(*engine, 8);

	if (*engine == LOOP_POLL)
		cr_assert_eq(loop_engine(l), LOOP_POLL);
	quiet(l); /* nothing in flight: returns at once */
	loop_free(l);
}

Test(loop, auto_picks_an_engine, .timeout = 10)
{
	struct loop *l = make(LOOP_AUTO, 8);

	cr_assert_neq(loop_engine(l), LOOP_AUTO);
	loop_free(l);
	loop_free(NULL);
}

Test(loop, refuses_bad_sizes, .timeout = 10)
{
	struct loop *l = NULL;
	struct err none = { 0 }, many = { 0 };

	cr_assert_eq(loop_new(0, LOOP_AUTO, &l, &none), -EINVAL);
	cr_assert_eq(loop_new(LOOP_ENTRIES_MAX + 1, LOOP_AUTO, &l, &many),
		     -EINVAL);
	cr_assert_null(l);
}

BOTH_ENGINES(loop, leaves_no_descriptor)
{
	int before = dup(0), after;

	for (int i = 0; i < 50; i++)
		loop_free(make(*engine, 8));
	after = dup(0);
	cr_assert_eq(after, before + 1);
	close(before);
	close(after);
}

/* --- reading and writing --------------------------------------------------- */

BOTH_ENGINES(loop, pipe_carries_bytes)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), w = REC();
	char got[8] = "";
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	start_read(l, &r, p[0], got, sizeof(got));
	start_write(l, &w, p[1], "hello", 5);
	quiet(l);
	cr_assert_eq(w.res, 5);
	cr_assert_eq(r.res, 5);
	cr_assert_str_eq(got, "hello");
	cr_assert_eq(r.runs, 1);
	close(p[0]);
	close(p[1]);
	loop_free(l);
}

BOTH_ENGINES(loop, vectors_scatter_and_gather)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), w = REC();
	char a[4] = "", b[4] = "", out1[] = "abc", out2[] = "def";
	struct iovec in[] = { { a, 3 }, { b, 3 } };
	struct iovec out[] = { { out1, 3 }, { out2, 3 } };
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	loop_lock(l);
	cr_assert_eq(loop_writev(l, &w.op, p[1], out, 2, LOOP_OFF_STREAM), 0);
	cr_assert_eq(loop_in_flight(l), 1);
	loop_unlock(l);
	quiet(l);
	loop_lock(l);
	cr_assert_eq(loop_readv(l, &r.op, p[0], in, 2, LOOP_OFF_STREAM), 0);
	loop_unlock(l);
	quiet(l);
	cr_assert_eq(r.res, 6);
	cr_assert_str_eq(a, "abc");
	cr_assert_str_eq(b, "def");
	close(p[0]);
	close(p[1]);
	loop_free(l);
}

BOTH_ENGINES(loop, nonblocking_descriptors_wait_too)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), w = REC();
	char got[8] = "", full[65536] = "", sink[65536];
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	start_read(l, &r, p[0], got, sizeof(got));
	run_for(l, 5 * MS);
	cr_assert_eq(r.runs, 0);
	cr_assert_eq(write(p[1], "x", 1), 1);
	quiet(l);
	cr_assert_eq(r.res, 1);

	while (write(p[1], full, sizeof(full)) > 0)
		;
	start_write(l, &w, p[1], "y", 1);
	run_for(l, 5 * MS);
	cr_assert_eq(w.runs, 0);
	cr_assert_gt(read(p[0], sink, sizeof(sink)), 0);
	quiet(l);
	cr_assert_eq(w.res, 1);
	close(p[0]);
	close(p[1]);
	loop_free(l);
}

BOTH_ENGINES(loop, file_offsets)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), w = REC(), end = REC();
	int fd = temp_file("0123456789");
	char got[5] = "", past[4];
	struct iovec in = { got, 4 }, eof = { past, 4 };
	char text[] = "ab";
	struct iovec out = { text, 2 };

	loop_lock(l);
	cr_assert_eq(loop_writev(l, &w.op, fd, &out, 1, 4), 0);
	loop_unlock(l);
	quiet(l);
	cr_assert_eq(w.res, 2);
	loop_lock(l);
	cr_assert_eq(loop_readv(l, &r.op, fd, &in, 1, 3), 0);
	cr_assert_eq(loop_readv(l, &end.op, fd, &eof, 1, 1000), 0);
	loop_unlock(l);
	quiet(l);
	cr_assert_eq(r.res, 4);
	cr_assert_str_eq(got, "3ab6");
	cr_assert_eq(end.res, 0); /* the end of the file */
	close(fd);
	loop_free(l);
}

BOTH_ENGINES(loop, file_stream_moves_its_position)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC();
	int fd = temp_file("abcdef");
	char got[4] = "";

	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	start_read(l, &r, fd, got, 3);
	quiet(l);
	cr_assert_str_eq(got, "abc");
	start_read(l, &r, fd, got, 3);
	quiet(l);
	cr_assert_str_eq(got, "def");
	close(fd);
	loop_free(l);
}

BOTH_ENGINES(loop, fsync_and_fallocate)
{
	struct loop *l = make(*engine, 8);
	struct rec s = REC(), d = REC(), f = REC();
	int fd = temp_file("");

	loop_lock(l);
	cr_assert_eq(loop_fsync(l, &s.op, fd, false), 0);
	cr_assert_eq(loop_fsync(l, &d.op, fd, true), 0);
	cr_assert_eq(loop_fallocate(l, &f.op, fd, 0, 0, 8192), 0);
	loop_unlock(l);
	s.res = d.res = f.res = 1;
	quiet(l);
	cr_assert_eq(s.res, 0);
	cr_assert_eq(d.res, 0);
	cr_assert_eq(f.res, 0);
	cr_assert_eq(lseek(fd, 0, SEEK_END), 8192);
	close(fd);
	loop_free(l);
}

BOTH_ENGINES(loop, closed_reader_is_epipe)
{
	struct loop *l = make(*engine, 8);
	struct rec w = REC();
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	start_write(l, &w, p[1], "x", 1);
	quiet(l);
	cr_assert_eq(w.res, -EPIPE);
	close(p[1]);
	loop_free(l);
}

BOTH_ENGINES(loop, closed_writer_is_end_of_file)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC();
	char got[8];
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	start_read(l, &r, p[0], got, sizeof(got));
	run_for(l, 2 * MS);
	close(p[1]);
	r.res = -1;
	quiet(l);
	cr_assert_eq(r.res, 0);
	close(p[0]);
	loop_free(l);
}

BOTH_ENGINES(loop, socket_and_closing_peer)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), w = REC();
	char got[8] = "";
	int s[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	start_read(l, &r, s[0], got, sizeof(got));
	start_write(l, &w, s[1], "hi", 2);
	quiet(l);
	cr_assert_eq(r.res, 2);
	start_read(l, &r, s[0], got, sizeof(got));
	run_for(l, 2 * MS);
	close(s[1]);
	quiet(l);
	cr_assert_eq(r.res, 0);
	cr_assert_eq(r.runs, 2);
	start_write(l, &w, s[0], "x", 1);
	quiet(l);
	cr_assert_eq(w.res, -EPIPE);
	close(s[0]);
	loop_free(l);
}

BOTH_ENGINES(loop, big_write_may_be_short_but_moves)
{
	enum { LEN = 1 << 20 };
	static char big[LEN], sink[LEN];
	struct loop *l = make(*engine, 8);
	struct rec w = REC(), r = REC();
	size_t sent = 0, got = 0;
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	for (size_t i = 0; i < LEN; i++)
		big[i] = (char)(i * 7);
	start_write(l, &w, p[1], big, LEN);
	while (got < LEN) {
		start_read(l, &r, p[0], sink + got, LEN - got);
		while (!r.runs) {
			run_for(l, MS / 10);
			if (w.runs) {
				cr_assert_gt(w.res, 0);
				sent += (size_t)w.res;
				w.runs = 0;
				if (sent < LEN)
					start_write(l, &w, p[1], big + sent,
						    LEN - sent);
			}
		}
		cr_assert_gt(r.res, 0);
		got += (size_t)r.res;
		r.runs = 0;
	}
	quiet(l);
	cr_assert_eq(memcmp(big, sink, LEN), 0);
	close(p[0]);
	close(p[1]);
	loop_free(l);
}

/* --- what is refused ------------------------------------------------------- */

BOTH_ENGINES(loop, bad_arguments)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC();
	char c;
	struct iovec iov = { &c, 1 };

	loop_lock(l);
	cr_assert_eq(loop_readv(l, &r.op, -1, &iov, 1, 0), -EBADF);
	cr_assert_eq(loop_readv(l, &r.op, 0, &iov, 100000, 0), -EINVAL);
	cr_assert_eq(loop_writev(l, &r.op, 0, &iov, 1, 1ULL << 63), -EINVAL);
	cr_assert_eq(loop_poll(l, &r.op, -1, POLLIN), -EBADF);
	cr_assert_eq(loop_poll(l, &r.op, 0, 0x10000), -EINVAL);
	cr_assert_eq(loop_fsync(l, &r.op, -1, true), -EBADF);
	cr_assert_eq(loop_fallocate(l, &r.op, 0, 0, 0, UINT64_MAX), -EINVAL);
	cr_assert_eq(loop_in_flight(l), 0);
	loop_unlock(l);
	cr_assert_eq(r.runs, 0);
	loop_free(l);
}

BOTH_ENGINES(loop, closed_descriptor_is_ebadf)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), p = REC();
	int fd = dup(0);
	char c;

	close(fd);
	start_read(l, &r, fd, &c, 1);
	loop_lock(l);
	cr_assert_eq(loop_poll(l, &p.op, fd, POLLIN), 0);
	loop_unlock(l);
	quiet(l);
	cr_assert_eq(r.res, -EBADF);
	cr_assert_eq(p.res, -EBADF);
	loop_free(l);
}

Test(loop, submitting_without_the_lock_is_a_bug, .signal = SIGABRT,
     .timeout = 10)
{
	struct loop *l = make(LOOP_POLL, 8);
	struct rec r = REC();

	cr_assert_eq(loop_timer(l, &r.op, 0), 0);
}

Test(loop, submitting_twice_is_a_bug, .signal = SIGABRT, .timeout = 10)
{
	struct loop *l = make(LOOP_POLL, 8);
	struct rec r = REC();

	loop_lock(l);
	cr_assert_eq(loop_timer(l, &r.op, 0), 0);
	cr_assert_eq(loop_timer(l, &r.op, 0), 0);
}

Test(loop, freeing_with_ops_in_flight_is_a_bug, .signal = SIGABRT,
     .timeout = 10)
{
	struct loop *l = make(LOOP_POLL, 8);
	struct rec r = REC();

	start_timer(l, &r, 0);
	loop_free(l);
}

/* --- poll ------------------------------------------------------------------ */

BOTH_ENGINES(loop, poll_reports_events)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), w = REC();
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	loop_lock(l);
	cr_assert_eq(loop_poll(l, &r.op, p[0], POLLIN), 0);
	cr_assert_eq(loop_poll(l, &w.op, p[1], POLLOUT), 0);
	loop_unlock(l);
	run_for(l, 2 * MS);
	cr_assert_eq(r.runs, 0);
	cr_assert_eq(w.res, POLLOUT);
	cr_assert_eq(write(p[1], "x", 1), 1);
	quiet(l);
	cr_assert_eq(r.res, POLLIN);
	cr_assert_eq(r.runs, 1);
	loop_lock(l);
	cr_assert_eq(loop_poll(l, &w.op, p[1], POLLOUT), 0);
	loop_unlock(l);
	close(p[0]);
	quiet(l);
	cr_assert(w.res & POLLERR);
	close(p[1]);
	loop_free(l);
}

/* --- timers ---------------------------------------------------------------- */

BOTH_ENGINES(loop, timers_fire_in_order)
{
	struct loop *l = make(*engine, 8);
	uint64_t now = clock_mono_ns();
	struct rec t[4] = { REC(), REC(), REC(), REC() };
	static const unsigned ms[] = { 9, 3, 6, 1 };

	for (int i = 0; i < 4; i++)
		start_timer(l, &t[i], now + ms[i] * MS);
	for (int i = 0; i < 4; i++)
		t[i].res = 1;
	quiet(l);
	cr_assert_geq(clock_mono_ns(), now + 9 * MS);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(t[i].res, 0);
	cr_assert_lt(t[3].order, t[1].order);
	cr_assert_lt(t[1].order, t[2].order);
	cr_assert_lt(t[2].order, t[0].order);
	loop_free(l);
}

BOTH_ENGINES(loop, past_timer_fires_now_and_far_one_never)
{
	struct loop *l = make(*engine, 8);
	struct rec past = REC(), far = REC(.res = 1);

	start_timer(l, &far, UINT64_MAX);
	start_timer(l, &past, 0);
	run_for(l, 3 * MS);
	cr_assert_eq(past.runs, 1);
	cr_assert_eq(far.runs, 0);
	cancel(l, &far);
	quiet(l);
	cr_assert_eq(far.res, -ECANCELED);
	cr_assert_eq(far.runs, 1);
	loop_free(l);
}

/* --- cancelling ------------------------------------------------------------ */

BOTH_ENGINES(loop, cancel_in_every_state)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC(), p = REC(), t = REC(), idle = REC();
	char c;
	int fd[2];

	cr_assert_eq(pipe2(fd, O_CLOEXEC), 0);
	for (int armed = 0; armed < 2; armed++) {
		r.runs = p.runs = t.runs = 0;
		start_read(l, &r, fd[0], &c, 1);
		start_timer(l, &t, UINT64_MAX);
		loop_lock(l);
		cr_assert_eq(loop_poll(l, &p.op, fd[0], POLLIN), 0);
		loop_unlock(l);
		if (armed) /* once out of memory, once out of the kernel */
			run_for(l, MS);
		cancel(l, &r);
		cancel(l, &r); /* a second time changes nothing */
		cancel(l, &p);
		cancel(l, &t);
		cancel(l, &idle);
		cr_assert_eq(r.runs, 0); /* done() never runs in here */
		quiet(l);
		cr_assert_eq(r.res, -ECANCELED);
		cr_assert_eq(p.res, -ECANCELED);
		cr_assert_eq(t.res, -ECANCELED);
		cr_assert_eq(r.runs + p.runs + t.runs, 3);
	}
	cr_assert_eq(idle.runs, 0);
	/* the cancelled read took nothing */
	cr_assert_eq(write(fd[1], "z", 1), 1);
	cr_assert_eq(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	loop_free(l);
}

static void cancel_other(struct loop_op *op, int res)
{
	struct rec *r = CONTAINER_OF(op, struct rec, op);

	rec_done(op, res);
	loop_cancel(r->l, &r->other->op);
}

/* Both are ready in one batch; each tries to cancel the other. */
BOTH_ENGINES(loop, cancel_race_has_one_result)
{
	struct loop *l = make(*engine, 8);

	for (int i = 0; i < 200; i++) {
		struct rec a = { .op.done = cancel_other, .l = l };
		struct rec b = { .op.done = cancel_other, .l = l };

		a.other = &b;
		b.other = &a;
		start_timer(l, &a, i % 2 ? 0 : clock_mono_ns() + MS / 20);
		start_timer(l, &b, i % 2 ? 0 : clock_mono_ns() + MS / 20);
		quiet(l);
		cr_assert_eq(a.runs, 1);
		cr_assert_eq(b.runs, 1);
		cr_assert(a.res == 0 || b.res == 0);
		cr_assert(a.res == 0 || a.res == -ECANCELED);
		cr_assert(b.res == 0 || b.res == -ECANCELED);
	}
	loop_free(l);
}

static void again_done(struct loop_op *op, int res)
{
	struct rec *r = CONTAINER_OF(op, struct rec, op);

	rec_done(op, res);
	if (r->runs == 1) /* the same op anew: the old cancel must miss it */
		cr_assert_eq(loop_timer(r->l, op, clock_mono_ns() + MS), 0);
}

BOTH_ENGINES(loop, cancel_does_not_hit_a_resubmitted_op)
{
	struct loop *l = make(*engine, 8);

	for (int i = 0; i < 50; i++) {
		struct rec r = { .op.done = again_done, .l = l };

		start_timer(l, &r, UINT64_MAX);
		if (i % 2)
			run_for(l, MS / 10);
		cancel(l, &r);
		quiet(l);
		cr_assert_eq(r.runs, 2);
		cr_assert_eq(r.res, 0);
	}
	loop_free(l);
}

/* --- many ------------------------------------------------------------------ */

BOTH_ENGINES(loop, many_more_ops_than_entries)
{
	enum { N = 1000 };
	static struct rec r[N];
	struct loop *l = make(*engine, 4);
	uint64_t now = clock_mono_ns();
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	loop_lock(l);
	for (int i = 0; i < N; i++) {
		r[i] = REC(.res = 1);
		if (i % 2)
			cr_assert_eq(
				loop_timer(l, &r[i].op, now + (i % 7) * MS), 0);
		else
			cr_assert_eq(loop_poll(l, &r[i].op, p[0], POLLIN), 0);
	}
	cr_assert_eq(loop_in_flight(l), N);
	loop_unlock(l);
	run_for(l, 10 * MS);
	cr_assert_eq(write(p[1], "x", 1), 1); /* 500 completions at once */
	quiet(l);
	for (int i = 0; i < N; i++) {
		cr_assert_eq(r[i].runs, 1);
		cr_assert_eq(r[i].res, i % 2 ? 0 : POLLIN);
	}
	close(p[0]);
	close(p[1]);
	loop_free(l);
}

BOTH_ENGINES(loop, many_cancelled_at_once)
{
	enum { N = 300 };
	static struct rec r[N];
	struct loop *l = make(*engine, 4);

	for (int i = 0; i < N; i++) {
		r[i] = REC();
		start_timer(l, &r[i], UINT64_MAX - (uint64_t)i);
	}
	run_for(l, MS);
	for (int i = 0; i < N; i++)
		cancel(l, &r[i]);
	quiet(l);
	for (int i = 0; i < N; i++) {
		cr_assert_eq(r[i].runs, 1);
		cr_assert_eq(r[i].res, -ECANCELED);
	}
	loop_free(l);
}

/* --- other threads --------------------------------------------------------- */

struct helper {
	struct loop *l;
	struct rec *r;
	_Atomic bool *stop;
};

static void *submit_from_afar(void *arg)
{
	struct helper *h = arg;

	usleep(3000); /* the loop sleeps by now */
	loop_lock(h->l);
	cr_assert_eq(loop_timer(h->l, &h->r->op, 0), 0);
	loop_unlock(h->l);
	return NULL;
}

static void *cancel_from_afar(void *arg)
{
	struct helper *h = arg;

	usleep(3000);
	loop_lock(h->l);
	loop_cancel(h->l, &h->r->op);
	loop_unlock(h->l);
	return NULL;
}

static void *wake_from_afar(void *arg)
{
	struct helper *h = arg;

	usleep(3000);
	for (int i = 0; i < 100; i++)
		loop_wake(h->l);
	usleep(1000);
	*h->stop = true;
	loop_wake(h->l);
	return NULL;
}

static void stop_done(struct loop_op *op, int res)
{
	struct rec *r = CONTAINER_OF(op, struct rec, op);

	rec_done(op, res);
	loop_cancel(r->l, &r->other->op);
}

BOTH_ENGINES(loop, submission_from_another_thread_wakes)
{
	struct loop *l = make(*engine, 8);
	struct rec keep = REC(),
		   r = { .op.done = stop_done, .l = l, .other = &keep };
	struct helper h = { .l = l, .r = &r };
	pthread_t t;

	start_timer(l, &keep, UINT64_MAX);
	pthread_create(&t, NULL, submit_from_afar, &h);
	quiet(l);
	pthread_join(t, NULL);
	cr_assert_eq(r.runs, 1);
	cr_assert_eq(keep.res, -ECANCELED);
	loop_free(l);
}

BOTH_ENGINES(loop, cancel_from_another_thread_wakes)
{
	struct loop *l = make(*engine, 8);
	struct rec r = REC();
	struct helper h = { .l = l, .r = &r };
	pthread_t t;

	start_timer(l, &r, UINT64_MAX);
	pthread_create(&t, NULL, cancel_from_afar, &h);
	quiet(l);
	pthread_join(t, NULL);
	cr_assert_eq(r.res, -ECANCELED);
	loop_free(l);
}

BOTH_ENGINES(loop, wake_makes_stop_seen)
{
	struct loop *l = make(*engine, 8);
	_Atomic bool stop = false;
	struct helper h = { .l = l, .stop = &stop };
	pthread_t t;

	pthread_create(&t, NULL, wake_from_afar, &h);
	cr_assert_eq(loop_run(l, &stop, false), 0);
	pthread_join(t, NULL);
	cr_assert(stop);
	/* a stop that is already set is seen before anything is waited for */
	cr_assert_eq(loop_run(l, &stop, false), 0);
	loop_free(l);
}

static struct loop *signal_loop;
static _Atomic bool signal_stop;

static void on_alarm(int sig)
{
	(void)sig;
	signal_stop = true;
	loop_wake(signal_loop);
}

BOTH_ENGINES(loop, wake_from_a_signal_handler)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	signal_loop = make(*engine, 8);
	signal_stop = false;
	cr_assert_eq(sigaction(SIGALRM, &sa, NULL), 0);
	ualarm(3000, 0);
	cr_assert_eq(loop_run(signal_loop, &signal_stop, false), 0);
	loop_free(signal_loop);
}

/* --- the filter ------------------------------------------------------------ */

/* Registering anything on an enabled, restricted ring is refused: a sign that
 * the opcode list, which goes in by the same call, is in force too. */
Test(loop, ring_is_locked, .timeout = 10)
{
	struct loop *l = make(LOOP_AUTO, 8);
	char path[32], target[64];
	unsigned rings = 0;

	for (int fd = 0; fd < 64; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, "anon_inode:[io_uring]") != 0)
			continue;
		rings++;
		cr_assert_eq(syscall(SYS_io_uring_register, fd,
				     4 /* REGISTER_EVENTFD */, &(int){ 0 }, 1),
			     -1);
		cr_assert_eq(errno, EACCES);
	}
	cr_assert_eq(rings, loop_engine(l) == LOOP_URING ? 1 : 0);
	loop_free(l);
}

/* Containers refuse io_uring like this. */
static void forbid_io_uring(int code)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(f), .filter = f };

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

ParameterizedTestParameters(loop, falls_back_where_io_uring_is_refused)
{
	static int codes[] = { EPERM, EACCES, ENOSYS };

	return cr_make_param_array(int, codes, ARRAY_SIZE(codes));
}

ParameterizedTest(int *code, loop, falls_back_where_io_uring_is_refused,
		  .timeout = 10)
{
	struct err err = { 0 };
	struct loop *l = NULL;
	struct rec t = REC(.res = 1);

	forbid_io_uring(*code);
	cr_assert_eq(loop_new(8, LOOP_URING, &l, &err), -*code);
	cr_assert_null(l);
	cr_assert(strstr(err.msg, "io_uring"));
	l = make(LOOP_AUTO, 8);
	cr_assert_eq(loop_engine(l), LOOP_POLL);
	start_timer(l, &t, 0);
	quiet(l);
	cr_assert_eq(t.res, 0);
	loop_free(l);
}

/* --- the end of a batch ------------------------------------------------------ */

struct batch {
	struct rec timer[2];
	struct rec after;
	struct loop *l;
	unsigned again;
};

static void batch_after(struct loop_op *op, int res)
{
	struct batch *b = CONTAINER_OF(op, struct batch, after.op);

	rec_done(op, res);
	loop_cancel(b->l, op); /* not in flight: nothing */
	if (b->again == 0)
		return;
	b->again--;
	loop_after(b->l, op);
	loop_cancel(b->l, op); /* it runs all the same */
}

static void batch_timer(struct loop_op *op, int res)
{
	struct rec *r = CONTAINER_OF(op, struct rec, op);
	struct batch *b = (void *)r->other;

	rec_done(op, res);
	if (b->after.order == 0 && r == &b->timer[0])
		loop_after(b->l, &b->after.op);
}

BOTH_ENGINES(loop, after_a_batch)
{
	struct loop *l = make(*engine, 8);
	struct batch b = { .after = REC(), .l = l, .again = 2 };

	order = 0;
	b.after.op.done = batch_after;
	for (unsigned i = 0; i < 2; i++) {
		b.timer[i] = REC(.other = (void *)&b);
		b.timer[i].op.done = batch_timer;
		start_timer(l, &b.timer[i], 0);
	}
	quiet(l);
	cr_expect_eq(b.timer[0].order, 1);
	cr_expect_eq(b.timer[1].order, 2, "of the same batch");
	cr_expect_eq(b.after.runs, 3);
	cr_expect_eq(b.after.order, 5);
	cr_expect_eq(b.after.res, 0);
	/* from outside, with nothing else to do */
	b.after.runs = 0;
	loop_lock(l);
	loop_after(l, &b.after.op);
	cr_expect_eq(loop_in_flight(l), 1);
	loop_unlock(l);
	quiet(l);
	cr_expect_eq(b.after.runs, 1);
	loop_free(l);
}
