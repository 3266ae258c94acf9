/* thread.c: the one thread there is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/thread.h"

#include "kernel/clock.h"
#include "kernel/irq.h"
#include "kernel/wait.h"
#include "linux/errno.h"

static struct thread only = { .tid = 1 };

struct thread *thread_current(void)
{
	return &only;
}

void thread_wake(struct thread *t)
{
	t->woken = true;
}

int thread_sleep(uint64_t until_ns)
{
	for (;;) {
		irq_run();
		if (only.woken) {
			only.woken = false;
			return 0;
		}
		if (until_ns != WAIT_FOREVER && clock_now() >= until_ns)
			return -LINUX_ETIMEDOUT;
		irq_halt(until_ns == WAIT_FOREVER ? 0 : until_ns);
	}
}
