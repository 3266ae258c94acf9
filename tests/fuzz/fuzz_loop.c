/* fuzz_loop.c: any sequence of submitting, cancelling and running, in and out
 * of callbacks, over both engines.
 *
 * Input: first byte the engine and the ring's size; then records of two
 * bytes: what to do, to which op. The oracle: done() runs exactly once for
 * each submission, with a result that fits, and the loop gets quiet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define OPS     12
#define LEN_MAX 512

struct fuzz;

struct slot {
	struct loop_op op;
	struct fuzz *f;
	struct iovec iov;
	char buf[8];
	bool busy;
	uint8_t then; /* what done() does, once */
};

struct fuzz {
	struct loop *l;
	struct slot slot[OPS];
	int pipe[2], file;
	unsigned submitted, ended;
	bool ending; /* callbacks submit no more */
};

static void act(struct fuzz *f, uint8_t what, uint8_t which);

static void slot_done(struct loop_op *op, int res)
{
	struct slot *s = CONTAINER_OF(op, struct slot, op);
	uint8_t then = s->then;

	CHECK(s->busy);
	CHECK(res >= 0 || res == -ECANCELED || res == -EPIPE);
	s->busy = false;
	s->f->ended++;
	s->then = 0;
	if (then && !s->f->ending)
		act(s->f, then, (uint8_t)(then >> 4));
}

static int start(struct fuzz *f, struct slot *s, unsigned kind)
{
	switch (kind) {
	case 1:
		return loop_readv(f->l, &s->op, f->pipe[0], &s->iov, 1,
				  LOOP_OFF_STREAM);
	case 2:
		return loop_writev(f->l, &s->op, f->pipe[1], &s->iov, 1,
				   LOOP_OFF_STREAM);
	case 3:
		return loop_readv(f->l, &s->op, f->file, &s->iov, 1, 3);
	case 4:
		return loop_writev(f->l, &s->op, f->file, &s->iov, 1, 5);
	case 5:
		return loop_poll(f->l, &s->op, f->pipe[0], POLLIN);
	case 6:
		return loop_timer(f->l, &s->op, 0);
	case 7:
		return loop_timer(f->l, &s->op, clock_mono_ns() + 20000);
	case 8:
		return loop_timer(f->l, &s->op, UINT64_MAX);
	default:
		return loop_fsync(f->l, &s->op, f->file, true);
	}
}

/* With the lock. */
static void act(struct fuzz *f, uint8_t what, uint8_t which)
{
	struct slot *s = &f->slot[which % OPS];
	unsigned kind = what % 12;

	if (kind == 0 || kind > 9) {
		loop_cancel(f->l, &s->op);
	} else if (!s->busy) {
		int rc = start(f, s, kind);

		CHECK(rc == 0);
		s->busy = true;
		s->then = (uint8_t)(what & 0xf0 ? what ^ which : 0);
		f->submitted++;
	}
}

struct stopper {
	struct loop_op op;
	_Atomic bool stop;
};

static void stopper_done(struct loop_op *op, int res)
{
	CHECK(res == 0);
	CONTAINER_OF(op, struct stopper, op)->stop = true;
}

/* Whatever is ready by now; the stopper is, too. */
static void run_some(struct fuzz *f)
{
	struct stopper s = { .op.done = stopper_done };
	int rc;

	loop_lock(f->l);
	rc = loop_timer(f->l, &s.op, 0);
	loop_unlock(f->l);
	CHECK(rc == 0);
	rc = loop_run(f->l, &s.stop, false);
	CHECK(rc == 0 && s.stop);
}

static void end(struct fuzz *f)
{
	int rc;

	f->ending = true;
	loop_lock(f->l);
	for (unsigned i = 0; i < OPS; i++)
		loop_cancel(f->l, &f->slot[i].op);
	loop_unlock(f->l);
	rc = loop_run(f->l, NULL, true);
	CHECK(rc == 0 && f->submitted == f->ended);
	loop_free(f->l);
	(void)close(f->pipe[0]);
	(void)close(f->pipe[1]);
	(void)close(f->file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz f = { 0 };
	struct err err = { 0 };
	int rc;

	if (len < 1 || len > LEN_MAX)
		return 0;
	(void)signal(SIGPIPE, SIG_IGN);
	if (loop_new(1U << (data[0] >> 1 & 3),
		     data[0] & 1 ? LOOP_POLL : LOOP_AUTO, &f.l, &err) < 0)
		return 0; /* out of memory, most likely */
	f.file = memfd_create("fuzz_loop", MFD_CLOEXEC);
	rc = pipe2(f.pipe, O_CLOEXEC);
	CHECK(f.file >= 0 && rc == 0);
	for (unsigned i = 0; i < OPS; i++) {
		f.slot[i].op.done = slot_done;
		f.slot[i].f = &f;
		f.slot[i].iov = (struct iovec){ f.slot[i].buf,
						1 + i % sizeof(f.slot[i].buf) };
	}
	for (size_t i = 1; i + 1 < len; i += 2) {
		if (data[i] == 0xff) {
			run_some(&f);
			continue;
		}
		loop_lock(f.l);
		act(&f, data[i], data[i + 1]);
		loop_unlock(f.l);
	}
	end(&f);
	return 0;
}
