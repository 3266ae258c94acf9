/* thread_loop.c: other threads submit, cancel and wake while the loop runs.
 *
 * Each worker owns some ops on a pipe of its own and counts, under the loop's
 * lock, what it submitted and what ended. In the end both are equal, for each
 * engine. Run under TSan. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"

#define WORKERS 3
#define OPS     8
#define ROUNDS  3000

struct worker;

struct slot {
	struct loop_op op;
	struct worker *w;
	struct iovec iov;
	char buf[16];
	bool busy;
	unsigned again; /* done() submits a timer this often */
};

struct worker {
	pthread_t thread;
	struct loop *l;
	struct slot slot[OPS];
	int pipe[2];
	unsigned seed;
	/* under the loop's lock */
	unsigned submitted, ended, cancelled;
};

static _Atomic bool stop;
static _Atomic int working;

#define MUST(e)                                                            \
	do {                                                               \
		if (!(e)) {                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#e);                                       \
			exit(1);                                           \
		}                                                          \
	} while (0)

static void slot_done(struct loop_op *op, int res)
{
	struct slot *s = CONTAINER_OF(op, struct slot, op);

	MUST(s->busy);
	MUST(res >= 0 || res == -ECANCELED);
	s->w->ended++;
	s->w->cancelled += res == -ECANCELED;
	s->busy = false;
	if (s->again > 0) {
		s->again--;
		s->busy = true;
		s->w->submitted++;
		MUST(loop_timer(s->w->l, op, clock_mono_ns()) == 0);
	}
}

static void start(struct worker *w, struct slot *s)
{
	int rc = 0;

	s->busy = true;
	w->submitted++;
	s->iov = (struct iovec){ s->buf, sizeof(s->buf) };
	switch (rand_r(&w->seed) % 5) {
	case 0:
		rc = loop_readv(w->l, &s->op, w->pipe[0], &s->iov, 1,
				LOOP_OFF_STREAM);
		break;
	case 1:
		s->buf[0]++;
		rc = loop_writev(w->l, &s->op, w->pipe[1], &s->iov, 1,
				 LOOP_OFF_STREAM);
		break;
	case 2:
		rc = loop_timer(w->l, &s->op,
				clock_mono_ns() + rand_r(&w->seed) % 200000);
		break;
	case 3:
		rc = loop_poll(w->l, &s->op, w->pipe[0], POLLIN);
		break;
	default:
		s->again = 3;
		rc = loop_timer(w->l, &s->op, 0);
	}
	MUST(rc == 0);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct slot *s = &w->slot[rand_r(&w->seed) % OPS];

		loop_lock(w->l);
		if (s->busy)
			loop_cancel(w->l, &s->op);
		else
			start(w, s);
		loop_unlock(w->l);
		if (i % 16 == 0)
			loop_wake(w->l);
		if (i % 64 == 0)
			usleep(100); /* let the loop fall asleep */
	}
	if (--working == 0) {
		stop = true;
		loop_wake(w->l);
	}
	return NULL;
}

static unsigned run(enum loop_engine want, unsigned entries)
{
	static struct worker workers[WORKERS];
	struct err err = { 0 };
	struct loop *l = NULL;
	unsigned cancelled = 0;

	if (loop_new(entries, want, &l, &err) < 0) {
		printf("# engine %d: %s\n", want, err.msg);
		return 0;
	}
	memset(workers, 0, sizeof(workers));
	stop = false;
	working = WORKERS;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		w->l = l;
		w->seed = 7 * i + (unsigned)want;
		MUST(pipe2(w->pipe, O_CLOEXEC) == 0);
		for (unsigned k = 0; k < OPS; k++) {
			w->slot[k].w = w;
			w->slot[k].op.done = slot_done;
		}
		MUST(pthread_create(&w->thread, NULL, work, w) == 0);
	}
	MUST(loop_run(l, &stop, false) == 0);
	for (unsigned i = 0; i < WORKERS; i++)
		MUST(pthread_join(workers[i].thread, NULL) == 0);
	loop_lock(l);
	for (unsigned i = 0; i < WORKERS; i++) {
		for (unsigned k = 0; k < OPS; k++) {
			workers[i].slot[k].again = 0;
			loop_cancel(l, &workers[i].slot[k].op);
		}
	}
	loop_unlock(l);
	MUST(loop_run(l, NULL, true) == 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		MUST(w->submitted == w->ended);
		cancelled += w->cancelled;
		close(w->pipe[0]);
		close(w->pipe[1]);
	}
	loop_free(l);
	return cancelled;
}

int main(void)
{
	unsigned uring, poll;

	signal(SIGPIPE, SIG_IGN);
	uring = run(LOOP_URING, 4) + run(LOOP_URING, 64);
	poll = run(LOOP_POLL, 4) + run(LOOP_POLL, 64);
	printf("ok thread_loop: %d workers, %d rounds, cancelled %u by "
	       "io_uring and %u by poll\n",
	       WORKERS, ROUNDS, uring, poll);
	return 0;
}
