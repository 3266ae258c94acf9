/* sys_time.c: clocks and sleeping. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/page.h"
#include "kernel/thread.h"
#include "kernel/user.h"
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

/* Clocks of a thread or a process: ~pid in the upper 29 bits, whether it is
 * a thread's, and which of its clocks. */
static bool read_cpu_clock(int32_t id, uint64_t *ret_ns)
{
	const struct thread *t;
	int pid = ~(id >> 3);

	if ((id & 3) == 3)
		return false;
	t = pid ? thread_find(pid) : thread_current();
	if (!t)
		return false;
	*ret_ns = id & 4 ? thread_cpu_ns(t) : thread_cpu_total_ns();
	return true;
}

bool time_read_clock(uint32_t id, uint64_t *ret_ns)
{
	if ((int32_t)id < 0)
		return read_cpu_clock((int32_t)id, ret_ns);
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
		*ret_ns = thread_cpu_total_ns();
		return true;
	case CLOCK_THREAD_CPUTIME:
		*ret_ns = thread_cpu_ns(thread_current());
		return true;
	default:
		return false;
	}
}

static int64_t put_timespec(uint64_t gva, uint64_t ns, uint64_t unit)
{
	const struct timespec ts = { (int64_t)(ns / NS_PER_SEC),
				     (int64_t)(ns % NS_PER_SEC / unit) };

	return user_write(gva, &ts, sizeof(ts));
}

int64_t sys_clock_gettime(struct regs *r)
{
	uint64_t ns;

	if (!time_read_clock((uint32_t)ARG1(r), &ns))
		return -LINUX_EINVAL;
	return put_timespec(ARG2(r), ns, 1);
}

int64_t sys_clock_getres(struct regs *r)
{
	uint64_t ns;

	if (!time_read_clock((uint32_t)ARG1(r), &ns))
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

bool time_is_cpu_clock(uint32_t id)
{
	return (int32_t)id < 0 || id == CLOCK_PROCESS_CPUTIME ||
	       id == CLOCK_THREAD_CPUTIME;
}

bool time_is_wall_clock(uint32_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ||
	       id == CLOCK_TAI;
}

/* Until the clock says `until`; what it says then comes back. A processor
 * clock may stand still meanwhile. */
static int64_t sleep_on(uint32_t id, uint64_t until, uint64_t *ret_now)
{
	int rc = 0;

	for (;;) {
		if (!time_read_clock(id, ret_now))
			return -LINUX_EINVAL;
		if (*ret_now >= until)
			return 0;
		if (rc == -LINUX_ERESTARTSYS)
			return rc;
		rc = thread_sleep(clock_now() + (until - *ret_now));
	}
}

static int64_t sleep_for(uint32_t id, uint64_t ns, uint64_t remaining_gva)
{
	uint64_t now, until;
	int64_t rc;

	if (!time_read_clock(id, &now))
		return -LINUX_EINVAL;
	until = now + ns;
	rc = sleep_on(id, until, &now);
	if (rc != -LINUX_ERESTARTSYS)
		return rc;
	if (remaining_gva && put_timespec(remaining_gva, until - now, 1))
		return -LINUX_EFAULT;
	return -LINUX_EINTR;
}

int64_t sys_nanosleep(struct regs *r)
{
	uint64_t ns;
	int64_t rc = time_read_interval(ARG1(r), &ns);

	return rc ? rc : sleep_for(CLOCK_MONOTONIC, ns, ARG2(r));
}

int64_t sys_clock_nanosleep(struct regs *r)
{
	uint32_t id = (uint32_t)ARG1(r);
	uint64_t ns, now;
	int64_t rc;

	if (id == CLOCK_THREAD_CPUTIME || !time_read_clock(id, &now))
		return -LINUX_EINVAL;
	rc = time_read_interval(ARG3(r), &ns);
	if (rc)
		return rc;
	if (!(ARG2(r) & TIMER_ABSTIME))
		return sleep_for(id, ns, ARG4(r));
	rc = sleep_on(id, ns, &now);
	return rc == -LINUX_ERESTARTSYS ? -LINUX_ERESTARTNOHAND : rc;
}

/* The host's clock. */
int64_t sys_clock_settime(struct regs *r)
{
	uint64_t ns;
	int64_t rc;

	if (!time_read_clock((uint32_t)ARG1(r), &ns))
		return -LINUX_EINVAL;
	rc = time_read_interval(ARG2(r), &ns);
	if (rc)
		return rc;
	return (uint32_t)ARG1(r) == CLOCK_REALTIME ? -LINUX_EPERM
						   : -LINUX_EINVAL;
}

int64_t sys_times(struct regs *r)
{
	const uint64_t tick = NS_PER_SEC / 100;
	const int64_t tms[4] = { (int64_t)(thread_cpu_total_ns() / tick) };

	if (ARG1(r) && user_write(ARG1(r), tms, sizeof(tms)))
		return -LINUX_EFAULT;
	return (int64_t)(clock_now() / tick);
}

#define RUSAGE_CHILDREN (-1)
#define RUSAGE_SELF     0
#define RUSAGE_THREAD   1

int64_t sys_getrusage(struct regs *r)
{
	int64_t usage[18] = { 0 };
	uint64_t ns;

	switch ((int32_t)ARG1(r)) {
	case RUSAGE_SELF:
		ns = thread_cpu_total_ns();
		break;
	case RUSAGE_THREAD:
		ns = thread_cpu_ns(thread_current());
		break;
	case RUSAGE_CHILDREN:
		return user_write(ARG2(r), usage, sizeof(usage));
	default:
		return -LINUX_EINVAL;
	}
	usage[0] = (int64_t)(ns / NS_PER_SEC);
	usage[1] = (int64_t)(ns % NS_PER_SEC / 1000);
	usage[4] = (int64_t)((page_count_total() - page_count_free()) * 4);
	return user_write(ARG2(r), usage, sizeof(usage));
}
