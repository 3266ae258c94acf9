/* sys_sched.c: turns and priorities. There is one processor and everybody's
 * turn comes; priorities are remembered by nobody. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/process.h"

#define SCHED_OTHER         0
#define SCHED_FIFO          1
#define SCHED_RR            2
#define SCHED_BATCH         3
#define SCHED_IDLE          5
#define SCHED_RESET_ON_FORK 0x40000000u

#define PRIORITY_MAX 99

#define MEMBARRIER_QUERY            0
#define MEMBARRIER_PRIVATE          8
#define MEMBARRIER_REGISTER_PRIVATE 16
/* All commands but those about restartable sequences: with one processor
 * and no other, every barrier is one. */
#define MEMBARRIER_ALL 0x1f

static bool is_thread(uint64_t tid)
{
	return (int32_t)tid == 0 || thread_find((int32_t)tid);
}

int64_t sys_sched_yield(struct regs *r)
{
	(void)r;
	thread_yield();
	return 0;
}

int64_t sys_sched_getaffinity(struct regs *r)
{
	const uint64_t mask = 1;

	if (ARG2(r) < sizeof(mask) || (ARG2(r) & 7))
		return -LINUX_EINVAL;
	if (!is_thread(ARG1(r)))
		return -LINUX_ESRCH;
	if (user_write(ARG3(r), &mask, sizeof(mask)))
		return -LINUX_EFAULT;
	return sizeof(mask);
}

int64_t sys_sched_setaffinity(struct regs *r)
{
	uint64_t mask = 0;

	if (user_read(&mask, ARG3(r), min_u64(ARG2(r), sizeof(mask))))
		return -LINUX_EFAULT;
	if (!is_thread(ARG1(r)))
		return -LINUX_ESRCH;
	return mask & 1 ? 0 : -LINUX_EINVAL;
}

static int64_t priority_range(uint64_t policy, int64_t real_time)
{
	switch ((uint32_t)policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return real_time;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return 0;
	default:
		return -LINUX_EINVAL;
	}
}

int64_t sys_sched_get_priority_max(struct regs *r)
{
	return priority_range(ARG1(r), PRIORITY_MAX);
}

int64_t sys_sched_get_priority_min(struct regs *r)
{
	return priority_range(ARG1(r), 1);
}

/* Real-time turns are not to be had. */
static int64_t set_scheduler(uint64_t tid, uint32_t policy, uint64_t gva)
{
	int32_t priority;

	if (!gva || (int32_t)tid < 0)
		return -LINUX_EINVAL;
	if (user_read(&priority, gva, sizeof(priority)))
		return -LINUX_EFAULT;
	if (!is_thread(tid))
		return -LINUX_ESRCH;
	if (priority_range(policy, 1) < 0)
		return -LINUX_EINVAL;
	if (priority_range(policy, 1) == 1)
		return priority < 1 || priority > PRIORITY_MAX ? -LINUX_EINVAL
							       : -LINUX_EPERM;
	return priority ? -LINUX_EINVAL : 0;
}

int64_t sys_sched_setscheduler(struct regs *r)
{
	return set_scheduler(ARG1(r), (uint32_t)ARG2(r) & ~SCHED_RESET_ON_FORK,
			     ARG3(r));
}

int64_t sys_sched_setparam(struct regs *r)
{
	return set_scheduler(ARG1(r), SCHED_OTHER, ARG2(r));
}

int64_t sys_sched_getscheduler(struct regs *r)
{
	if ((int32_t)ARG1(r) < 0)
		return -LINUX_EINVAL;
	return is_thread(ARG1(r)) ? SCHED_OTHER : -LINUX_ESRCH;
}

int64_t sys_sched_getparam(struct regs *r)
{
	const int32_t priority = 0;

	if ((int32_t)ARG1(r) < 0 || !ARG2(r))
		return -LINUX_EINVAL;
	if (!is_thread(ARG1(r)))
		return -LINUX_ESRCH;
	return user_write(ARG2(r), &priority, sizeof(priority));
}

int64_t sys_sched_rr_get_interval(struct regs *r)
{
	const int64_t slice[2] = { 0, 4000000 };

	if (!is_thread(ARG1(r)))
		return -LINUX_ESRCH;
	return user_write(ARG2(r), slice, sizeof(slice));
}

/* 20 - nice, as the system call has it. */
int64_t sys_getpriority(struct regs *r)
{
	if ((uint32_t)ARG1(r) > 2)
		return -LINUX_EINVAL;
	return is_thread(ARG2(r)) ? 20 : -LINUX_ESRCH;
}

int64_t sys_setpriority(struct regs *r)
{
	if ((uint32_t)ARG1(r) > 2)
		return -LINUX_EINVAL;
	return is_thread(ARG2(r)) ? 0 : -LINUX_ESRCH;
}

int64_t sys_getcpu(struct regs *r)
{
	const uint32_t zero = 0;

	if ((ARG1(r) && user_write(ARG1(r), &zero, sizeof(zero))) ||
	    (ARG2(r) && user_write(ARG2(r), &zero, sizeof(zero))))
		return -LINUX_EFAULT;
	return 0;
}

int64_t sys_membarrier(struct regs *r)
{
	static bool registered;
	uint32_t command = (uint32_t)ARG1(r);

	if (command == MEMBARRIER_QUERY)
		return MEMBARRIER_ALL;
	if (ARG2(r) || (command & ~MEMBARRIER_ALL) || (command & (command - 1)))
		return -LINUX_EINVAL;
	if (command == MEMBARRIER_REGISTER_PRIVATE)
		registered = true;
	if (command == MEMBARRIER_PRIVATE && !registered)
		return -LINUX_EPERM;
	return 0;
}
