/* wait.c: waiting for several devices at once: see mayfly.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/wait.h"
#include "api/mayfly.h"
#include "drivers/console.h"
#include "drivers/net.h"
#include "kernel/thread.h"

_Static_assert(MAYFLY_FOREVER == WAIT_FOREVER, "one idea of never");

static void wake(void)
{
	thread_wake(thread_current());
}

/* Which of the events are there; `wake` is called for the others. */
static unsigned listen_all(unsigned events)
{
	unsigned ready = 0;

	if ((events & MAYFLY_INPUT) && console_listen(wake))
		ready |= MAYFLY_INPUT;
	for (unsigned i = 0; i < NET_MAX; i++)
		if ((events & MAYFLY_NET(i)) && net_listen(i, wake))
			ready |= MAYFLY_NET(i);
	return ready;
}

unsigned mayfly_wait(unsigned events, uint64_t until)
{
	unsigned ready;

	while (!(ready = listen_all(events)))
		if (thread_sleep(until)) /* the time has come */
			return listen_all(events);
	return ready;
}
