/* sys_limit.c: resource limits. All are kept and told; that of descriptors
 * is heeded, those of memory and time are the machine's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/limit.h"

#include "kernel/stack.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"

#define NONE UINT64_MAX

static struct limit limits[LIMITS] = {
	[LIMIT_CPU] = { NONE, NONE },
	[LIMIT_FSIZE] = { NONE, NONE },
	[LIMIT_DATA] = { NONE, NONE },
	[LIMIT_STACK] = { STACK_LEN, NONE },
	[LIMIT_CORE] = { 0, NONE },
	[LIMIT_RSS] = { NONE, NONE },
	[LIMIT_NPROC] = { THREADS_MAX, THREADS_MAX },
	[LIMIT_NOFILE] = { FD_SOFT, FD_MAX },
	[LIMIT_MEMLOCK] = { NONE, NONE },
	[LIMIT_AS] = { NONE, NONE },
	[LIMIT_LOCKS] = { NONE, NONE },
	[LIMIT_SIGPENDING] = { 1024, 1024 },
	[LIMIT_MSGQUEUE] = { 0, 0 },
	[LIMIT_NICE] = { 0, 0 },
	[LIMIT_RTPRIO] = { 0, 0 },
	[LIMIT_RTTIME] = { NONE, NONE },
};

const struct limit *limit_of(enum limit_id which)
{
	return &limits[which];
}

static int64_t get(uint64_t which, uint64_t gva)
{
	if (which >= LIMITS)
		return -LINUX_EINVAL;
	return user_write(gva, &limits[which], sizeof(limits[which]));
}

static int64_t set(uint64_t which, const struct limit *new)
{
	if (which >= LIMITS || new->soft > new->hard)
		return -LINUX_EINVAL;
	if (which == LIMIT_NOFILE && new->hard > FD_MAX)
		return -LINUX_EPERM;
	limits[which] = *new;
	if (which == LIMIT_NOFILE)
		fd_limit = (uint32_t) new->soft;
	return 0;
}

int64_t sys_getrlimit(struct regs *r)
{
	return get((uint32_t)ARG1(r), ARG2(r));
}

int64_t sys_setrlimit(struct regs *r)
{
	struct limit new;

	if (user_read(&new, ARG2(r), sizeof(new)))
		return -LINUX_EFAULT;
	return set((uint32_t)ARG1(r), &new);
}

int64_t sys_prlimit64(struct regs *r)
{
	uint64_t which = (uint32_t)ARG2(r);
	struct limit new, old;
	int64_t rc = 0;

	if (which >= LIMITS)
		return -LINUX_EINVAL;
	if (ARG3(r) && user_read(&new, ARG3(r), sizeof(new)))
		return -LINUX_EFAULT;
	if ((int32_t)ARG1(r) != 0 && (int32_t)ARG1(r) != PROCESS_PID)
		return -LINUX_ESRCH;
	old = limits[which];
	if (ARG3(r))
		rc = set(which, &new);
	if (!rc && ARG4(r))
		rc = user_write(ARG4(r), &old, sizeof(old));
	return rc;
}
