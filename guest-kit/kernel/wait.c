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
	if (q->cursor == w)
		q->cursor = w->next;
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
	struct waiter *outer = q->cursor;

	for (struct waiter *w = q->first; w; w = q->cursor) {
		q->cursor = w->next;
		w->wake(w, events);
	}
	q->cursor = outer;
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
