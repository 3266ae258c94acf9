/* test_kit_timer.c: the guest kernel's timers and queues of those who wait,
 * without a processor: random operations beside a plain array, and queues
 * that change while they are woken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "kernel/clock.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/wait.h"

#define TIMERS 200

static uint64_t now;
static struct {
	struct timer timer;
	uint64_t deadline; /* 0: not set */
} timers[TIMERS];
static uint64_t last;

/* --- what the two ask of the rest of the kernel ----------------------------- */

uint64_t clock_now(void)
{
	return now;
}

void sched_timer(uint64_t deadline)
{
	(void)deadline;
}

struct thread *thread_current(void)
{
	return NULL;
}

void thread_wake(struct thread *t)
{
	(void)t;
}

int thread_sleep(uint64_t until_ns)
{
	(void)until_ns;
	return 0;
}

int thread_sleep_deaf(uint64_t until_ns)
{
	(void)until_ns;
	return 0;
}

/* --- timers ------------------------------------------------------------------ */

static void fire(struct timer *t)
{
	uint64_t *deadline = NULL;

	for (unsigned i = 0; i < TIMERS; i++)
		if (&timers[i].timer == t)
			deadline = &timers[i].deadline;
	cr_assert(deadline && *deadline);
	cr_assert_leq(*deadline, now, "too early");
	cr_assert_geq(*deadline, last, "out of order");
	cr_assert_not(timer_is_set(t));
	last = *deadline;
	*deadline = 0;
	if (rand() % 4 == 0) {
		*deadline = now + 1 + (unsigned)rand() % 1000;
		timer_set(t, *deadline, fire);
	}
}

static uint64_t earliest(void)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < TIMERS; i++)
		if (timers[i].deadline && timers[i].deadline < first)
			first = timers[i].deadline;
	return first;
}

Test(kit_timer, fires_in_order_and_only_what_is_due, .timeout = 20)
{
	srand(1);
	now = 1;
	for (unsigned round = 0; round < 100000; round++) {
		unsigned i = (unsigned)rand() % TIMERS;

		switch (rand() % 4) {
		case 0:
		case 1: /* also one that is set */
			timers[i].deadline = now + (unsigned)rand() % 1000;
			timer_set(&timers[i].timer, timers[i].deadline, fire);
			break;
		case 2: /* also one that is not */
			timers[i].deadline = 0;
			timer_cancel(&timers[i].timer);
			break;
		case 3:
			now += (unsigned)rand() % 50;
			last = 0;
			timer_run();
			cr_assert_gt(earliest(), now, "one was forgotten");
			break;
		}
		cr_assert_eq(timer_is_set(&timers[i].timer),
			     timers[i].deadline != 0);
		cr_assert_eq(timer_next(), earliest());
	}
}

/* --- queues ------------------------------------------------------------------ */

#define WAITERS 5

static struct waitq queue;
static struct waiter waiters[WAITERS];
static unsigned called[WAITERS];
static void (*action)(unsigned i);

static void on_wake(struct waiter *w, unsigned events)
{
	unsigned i = (unsigned)(w - waiters);

	cr_assert_eq(events, 4);
	called[i]++;
	if (action)
		action(i);
}

static void fill(void (*fn)(unsigned i))
{
	action = fn;
	for (unsigned i = 0; i < WAITERS; i++) {
		waiter_init(&waiters[i]);
		waiters[i].wake = on_wake;
		waitq_add(&queue, &waiters[i]);
	}
}

static void expect_calls(const unsigned expected[WAITERS])
{
	for (unsigned i = 0; i < WAITERS; i++)
		cr_assert_eq(called[i], expected[i], "waiter %u: %u calls", i,
			     called[i]);
}

static void remove_neighbours(unsigned i)
{
	if (i == 1) {
		waitq_remove(&queue, &waiters[1]);
		waitq_remove(&queue, &waiters[2]);
		waitq_remove(&queue, &waiters[0]);
		waitq_remove(&queue, &waiters[0]); /* is in no queue */
	}
}

Test(kit_timer, a_queue_may_lose_waiters_while_it_is_woken, .timeout = 5)
{
	fill(remove_neighbours);
	waitq_wake(&queue, 4);
	expect_calls((const unsigned[]){ 1, 1, 0, 1, 1 });
	waitq_wake(&queue, 4);
	expect_calls((const unsigned[]){ 1, 1, 0, 2, 2 });
}

/* The inner wake removes what the outer one would call next. */
static void wake_within(unsigned i)
{
	if (i == 0 && called[0] == 1)
		waitq_wake(&queue, 4);
	else if (i == 0)
		waitq_remove(&queue, &waiters[1]);
}

Test(kit_timer, a_queue_may_be_woken_while_it_is_woken, .timeout = 5)
{
	fill(wake_within);
	waitq_wake(&queue, 4);
	expect_calls((const unsigned[]){ 2, 0, 2, 2, 2 });
}
