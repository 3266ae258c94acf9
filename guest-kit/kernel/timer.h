/* timer.h: functions to be called at a time. The processor's timer is set
 * only when the kernel sleeps or leaves for the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "kernel/types.h"

/* Zeroed: not set. Its owner embeds it. */
struct timer {
	uint64_t deadline; /* clock_now */
	void (*fn)(struct timer *t);
	struct timer *child, *next, **link; /* of a pairing heap */
};

/* Once: fn is called soon after clock_now() is deadline, with the timer not
 * set any more: it may set it again. It must not sleep. A timer that was set
 * is moved. */
void timer_set(struct timer *t, uint64_t deadline, void (*fn)(struct timer *t));
/* Nothing happens if it is not set. */
void timer_cancel(struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
	return t->link;
}

/* Calls what is due. */
void timer_run(void);
/* The earliest deadline, or UINT64_MAX. */
uint64_t timer_next(void);

#endif
