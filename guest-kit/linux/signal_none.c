/* signal_none.c: what waits for signals, while none are delivered: replaced by
 * the real functions as soon as those are linked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/user.h"
#include "linux/errno.h"
#include "linux/signal.h"

#define WEAK __attribute__((weak))

WEAK struct waitq signal_sent;

WEAK int64_t signal_use_mask(uint64_t gva, uint64_t len)
{
	sigset set;

	if (!gva)
		return 0;
	return len == sizeof(set) ? user_read(&set, gva, len) : -LINUX_EINVAL;
}

WEAK sigset signal_pending_set(void)
{
	return 0;
}

WEAK unsigned signal_dequeue(sigset set, struct siginfo *ret)
{
	(void)set;
	(void)ret;
	return 0;
}

WEAK void signal_send_current(unsigned signal)
{
	(void)signal;
}
