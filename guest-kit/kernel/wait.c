/* wait.c: queues of those who wait. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/wait.h"

#include "kernel/thread.h"

static void wake_thread(struct waiter *w, unsigned events)
{
	(void)events;
	thread_wake(w->thread);
}

void waiter_init(struct waiter *w)
{
	*w = (struct waiter){ .wake = wake_thread, .thread = thread_current() };
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	w->next = NULL;
	w->prev = q->last;
	if (q->last)
		q->last->next = w;
	else
		q->first = w;
	q->last = w;
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
	if (!w->prev && q->first != w)
		return;
	for (struct waitq_walk *walk = q->walk; walk; walk = walk->outer)
		if (walk->next == w)
			walk->next = w->next;
	if (w->prev)
		w->prev->next = w->next;
	else
		q->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		q->last = w->prev;
	w->next = w->prev = NULL;
}

void waitq_wake(struct waitq *q, unsigned events)
{
	struct waitq_walk walk = { .outer = q->walk };

	q->walk = &walk;
	for (struct waiter *w = q->first; w; w = walk.next) {
		walk.next = w->next;
		w->wake(w, events);
	}
	q->walk = walk.outer;
}

int waitq_sleep(struct waitq *q, uint64_t until_ns)
{
	struct waiter w;
	int rc;

	waiter_init(&w);
	waitq_add(q, &w);
	rc = thread_sleep(until_ns);
	waitq_remove(q, &w);
	return rc;
}

int waitq_sleep_deaf(struct waitq *q, uint64_t until_ns)
{
	struct waiter w;
	int rc;

	waiter_init(&w);
	waitq_add(q, &w);
	rc = thread_sleep_deaf(until_ns);
	waitq_remove(q, &w);
	return rc;
}

/* The lock goes to the first in the queue, so that nobody is overtaken. */
void lock_take(struct lock *l)
{
	struct thread *me = thread_current();
	struct waiter w;

	if (!l->owner) {
		l->owner = me;
		return;
	}
	waiter_init(&w);
	waitq_add(&l->waiters, &w);
	while (l->owner != me)
		(void)thread_sleep_deaf(WAIT_FOREVER);
	waitq_remove(&l->waiters, &w);
}

void lock_drop(struct lock *l)
{
	struct waiter *w = l->waiters.first;

	l->owner = w ? w->thread : NULL;
	if (w)
		thread_wake(w->thread);
}
