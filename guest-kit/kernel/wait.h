/* wait.h: sleeping, and lists of those who wait. The kernel is never
 * preempted: between looking at a condition and going to sleep nothing
 * happens, so no wake-up is lost. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include "kernel/types.h"

struct thread;
struct waitq;

/* One entry of a queue. `wake` is called, and the entry stays: whoever added
 * it removes it. It may remove itself and others and wake the queue again; it
 * must not sleep. Zeroed: not in a queue. */
struct waiter {
	struct waiter *next, *prev; /* NULL: not in a queue */
	void (*wake)(struct waiter *w, unsigned events);
	struct thread *thread;
};

/* Zeroed: empty. */
struct waitq {
	struct waiter *first, *last;
	struct waitq_walk *walk; /* a waitq_wake that goes on */
};

/* Of waitq_wake. */
struct waitq_walk {
	struct waitq_walk *outer;
	struct waiter *next; /* to be called */
};

/* An entry that wakes the calling thread from thread_sleep. */
void waiter_init(struct waiter *w);
void waitq_add(struct waitq *q, struct waiter *w);
/* Nothing happens if w is in no queue. */
void waitq_remove(struct waitq *q, struct waiter *w);

#define WAKE_ANY (~0u)
/* Something changed; `events` are the POLL* bits it may concern, or
 * WAKE_ANY. */
void waitq_wake(struct waitq *q, unsigned events);

#define WAIT_FOREVER UINT64_MAX

/*
 * Sleeps until woken: 0; until clock_now() is until_ns: -ETIMEDOUT; until a
 * signal is there for the thread: -ERESTARTSYS, to be returned as it is by
 * calls that Linux restarts after SA_RESTART, as -EINTR by others. May return
 * 0 early. Whoever waits looks at its condition again.
 */
WUR int thread_sleep(uint64_t until_ns);

/* The same, but signals do not matter: 0 or -ETIMEDOUT. For drivers, and
 * where a call cannot be abandoned half-way. */
int thread_sleep_deaf(uint64_t until_ns);

/* Added to q, thread_sleep, removed. */
WUR int waitq_sleep(struct waitq *q, uint64_t until_ns);
int waitq_sleep_deaf(struct waitq *q, uint64_t until_ns);

/* A lock for what sleeps in the middle: first come, first served. Zeroed:
 * free. Not to be taken twice by a thread. */
struct lock {
	struct thread *owner;
	struct waitq waiters;
};

void lock_take(struct lock *l);
void lock_drop(struct lock *l);

#endif
