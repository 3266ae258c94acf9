/* sys_time.c: clocks and sleeping. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/vm.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/time.h"

#define CLOCK_REALTIME         0
#define CLOCK_MONOTONIC        1
#define CLOCK_PROCESS_CPUTIME  2
#define CLOCK_THREAD_CPUTIME   3
#define CLOCK_MONOTONIC_RAW    4
#define CLOCK_REALTIME_COARSE  5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME         7
#define CLOCK_TAI              11

#define TIMER_ABSTIME 1

#define NS_MAX ((uint64_t)1 << 62)

struct timespec {
	int64_t sec, nsec;
};

uint64_t time_ns(uint64_t sec, uint64_t nsec)
{
	return sec >= NS_MAX / NS_PER_SEC ? NS_MAX : sec * NS_PER_SEC + nsec;
}

int64_t time_read_interval(uint64_t gva, uint64_t *ret_ns)
{
	struct timespec ts;

	if (!vm_user_ok(gva, sizeof(ts), VM_READ))
		return -LINUX_EFAULT;
	ts = *(const struct timespec *)user_ptr(gva);
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)NS_PER_SEC)
		return -LINUX_EINVAL;
	*ret_ns = time_ns((uint64_t)ts.sec, (uint64_t)ts.nsec);
	return 0;
}

static bool read_clock(uint64_t id, uint64_t *ret_ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ret_ns = clock_wall();
		return true;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ret_ns = clock_now();
		return true;
	case CLOCK_PROCESS_CPUTIME:
	case CLOCK_THREAD_CPUTIME:
		*ret_ns = clock_now() - clock_slept();
		return true;
	default:
		return false;
	}
}

static int64_t put_timespec(uint64_t gva, uint64_t ns, uint64_t unit)
{
	struct timespec *ts = user_ptr(gva);

	if (!vm_user_ok(gva, sizeof(*ts), VM_WRITE))
		return -LINUX_EFAULT;
	ts->sec = (int64_t)(ns / NS_PER_SEC);
	ts->nsec = (int64_t)(ns % NS_PER_SEC / unit);
	return 0;
}

int64_t sys_clock_gettime(struct regs *r)
{
	uint64_t ns;

	if (!read_clock((uint32_t)ARG1(r), &ns))
		return -LINUX_EINVAL;
	return put_timespec(ARG2(r), ns, 1);
}

int64_t sys_clock_getres(struct regs *r)
{
	uint64_t ns;

	if (!read_clock((uint32_t)ARG1(r), &ns))
		return -LINUX_EINVAL;
	return ARG2(r) ? put_timespec(ARG2(r), 1, 1) : 0;
}

int64_t sys_gettimeofday(struct regs *r)
{
	uint64_t *zone = user_ptr(ARG2(r));

	if (zone) {
		if (!vm_user_ok(ARG2(r), 8, VM_WRITE))
			return -LINUX_EFAULT;
		*zone = 0;
	}
	return ARG1(r) ? put_timespec(ARG1(r), clock_wall(), 1000) : 0;
}

int64_t sys_time(struct regs *r)
{
	int64_t now = (int64_t)(clock_wall() / NS_PER_SEC);

	if (ARG1(r)) {
		if (!vm_user_ok(ARG1(r), 8, VM_WRITE))
			return -LINUX_EFAULT;
		*(int64_t *)user_ptr(ARG1(r)) = now;
	}
	return now;
}

int64_t sys_nanosleep(struct regs *r)
{
	uint64_t ns;
	int64_t rc = time_read_interval(ARG1(r), &ns);

	if (!rc)
		clock_sleep_until(clock_now() + ns);
	return rc;
}

int64_t sys_clock_nanosleep(struct regs *r)
{
	uint64_t id = (uint32_t)ARG1(r), ns, now;
	int64_t rc;

	if (id == CLOCK_THREAD_CPUTIME || !read_clock(id, &now))
		return -LINUX_EINVAL;
	rc = time_read_interval(ARG3(r), &ns);
	if (rc)
		return rc;
	if (ARG2(r) & TIMER_ABSTIME)
		ns = ns > now ? ns - now : 0;
	clock_sleep_until(clock_now() + ns);
	return 0;
}

int64_t sys_times(struct regs *r)
{
	int64_t *tms = user_ptr(ARG1(r));
	int64_t now = (int64_t)(clock_now() / (NS_PER_SEC / 100));

	if (tms) {
		if (!vm_user_ok(ARG1(r), 32, VM_WRITE))
			return -LINUX_EFAULT;
		tms[0] = now;
		tms[1] = tms[2] = tms[3] = 0;
	}
	return now;
}
