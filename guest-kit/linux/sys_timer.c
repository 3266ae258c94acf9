/* sys_timer.c: timers that send signals. An interval timer is set again when
 * its signal leaves the queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/itimer.h"
#include "linux/signal.h"
#include "linux/signal_priv.h"
#include "linux/time.h"

#define CLOCK_REALTIME        0
#define CLOCK_PROCESS_CPUTIME 2

#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2 /* the C library's; here a signal */
#define SIGEV_THREAD_ID 4

#define TIMER_ABSTIME 1
#define TIMERS_MAX    1024

#define ITIMERS 3 /* ITIMER_REAL, _VIRTUAL, _PROF */

/* When ignored or short of memory: this long until the next try. */
#define RETRY_NS 10000000

struct itimer {
	struct timer timer;
	struct itimer *next;
	int id; /* -1: setitimer's */
	uint32_t clock;
	int notify, signal, tid;
	uint64_t value;
	/* Processor clocks in their own time, others in that of clock_now.
	 * 0: not set. */
	uint64_t expires;
	uint64_t interval;
	int overrun;
	bool sent; /* the signal is in a queue */
};

struct sigevent {
	uint64_t value;
	int32_t signal, notify, tid;
	int32_t pad[11];
};

_Static_assert(sizeof(struct sigevent) == 64, "ABI");

static struct itimer of_process[ITIMERS] = {
	{ .id = -1, .signal = LINUX_SIGALRM, .clock = CLOCK_REALTIME },
	{ .id = -1, .signal = LINUX_SIGVTALRM, .clock = CLOCK_PROCESS_CPUTIME },
	{ .id = -1, .signal = LINUX_SIGPROF, .clock = CLOCK_PROCESS_CPUTIME },
};

static struct itimer *list;
static unsigned n_timers;
static int last_id = -1;

/* --- running --------------------------------------------------------------- */

static uint64_t now_of(const struct itimer *p)
{
	uint64_t now;

	if (!time_is_cpu_clock(p->clock) || !time_read_clock(p->clock, &now))
		now = clock_now();
	return now;
}

static void fire(struct timer *timer);

static void arm(struct itimer *p)
{
	uint64_t now = now_of(p);

	if (!p->expires || p->notify == SIGEV_NONE)
		return;
	timer_set(&p->timer,
		  clock_now() + (p->expires > now ? p->expires - now : 0),
		  fire);
}

/* To the first end of an interval that is yet to come; how many were not. */
static uint64_t forward(struct itimer *p, uint64_t now)
{
	uint64_t n;

	if (now < p->expires)
		return 0;
	n = (now - p->expires) / p->interval + 1;
	p->expires += n * p->interval;
	return n;
}

static int send(const struct itimer *p)
{
	const struct siginfo info = {
		.signo = p->signal,
		.code = p->id < 0 ? SI_KERNEL : SI_TIMER,
		.timer = { p->id < 0 ? 0 : p->id, 0, p->value },
	};
	struct thread *t;

	if (p->notify != SIGEV_THREAD_ID)
		return signal_send(&info);
	t = thread_find(p->tid);
	return t ? signal_send_thread(t, &info) : 0;
}

static void fire(struct timer *timer)
{
	struct itimer *p =
		(void *)((char *)timer - offsetof(struct itimer, timer));
	bool ignored = signal_is_ignored((unsigned)p->signal);

	if (now_of(p) < p->expires) { /* of a processor clock */
		arm(p);
		return;
	}
	p->sent = true;
	if (send(p) < 0 || (ignored && p->interval))
		timer_set(timer, clock_now() + RETRY_NS, fire);
}

static void taken(struct itimer *p)
{
	uint64_t missed = 0;

	if (!p->sent)
		return;
	p->sent = false;
	if (p->interval)
		missed = forward(p, now_of(p)) - 1;
	else
		p->expires = 0;
	p->overrun = (int)min_u64(missed, INT32_MAX);
	arm(p);
}

static struct itimer *find(uint64_t id)
{
	struct itimer *p = list;

	while (p && p->id != (int)id)
		p = p->next;
	return p;
}

void itimer_signal_taken(struct siginfo *info)
{
	struct itimer *p;

	for (unsigned i = 0; i < ITIMERS; i++)
		if (of_process[i].signal == info->signo)
			taken(&of_process[i]);
	if (info->code != SI_TIMER)
		return;
	p = find((uint64_t)info->timer.id);
	if (!p)
		return;
	taken(p);
	info->timer.overrun = p->overrun;
}

/* --- setting --------------------------------------------------------------- */

/* What is left and the interval, in ns. */
static void get(const struct itimer *p, uint64_t ret[2])
{
	uint64_t now = now_of(p);

	ret[0] = p->interval;
	if (!p->expires)
		ret[1] = 0;
	else if (p->expires > now)
		ret[1] = p->expires - now;
	else if (p->interval)
		ret[1] = p->interval - (now - p->expires) % p->interval;
	else /* it is about to fire, unless nobody would notice */
		ret[1] = p->notify != SIGEV_NONE && !p->sent;
}

static void set(struct itimer *p, uint64_t expires, uint64_t interval)
{
	timer_cancel(&p->timer);
	p->sent = false;
	p->overrun = 0;
	p->expires = expires;
	p->interval = interval;
	arm(p);
}

/* struct itimerval */
static int put_itimerval(uint64_t gva, const uint64_t ns[2])
{
	uint64_t out[4];

	for (unsigned i = 0; i < 2; i++) {
		out[2 * i] = (ns[i] + 999) / 1000 / 1000000;
		out[2 * i + 1] = (ns[i] + 999) / 1000 % 1000000;
	}
	return user_write(gva, out, sizeof(out));
}

int64_t sys_getitimer(struct regs *r)
{
	uint64_t ns[2];

	if ((uint32_t)ARG1(r) >= ITIMERS)
		return -LINUX_EINVAL;
	get(&of_process[ARG1(r)], ns);
	return put_itimerval(ARG2(r), ns);
}

int64_t sys_setitimer(struct regs *r)
{
	struct itimer *p = &of_process[ARG1(r) % ITIMERS];
	uint64_t old[2], new[2];
	int64_t in[4] = { 0 };

	if (ARG2(r) && user_read(in, ARG2(r), sizeof(in)))
		return -LINUX_EFAULT;
	if ((uint32_t)ARG1(r) >= ITIMERS)
		return -LINUX_EINVAL;
	for (unsigned i = 0; i < 2; i++) {
		if (in[2 * i] < 0 || in[2 * i + 1] < 0 ||
		    in[2 * i + 1] > 999999)
			return -LINUX_EINVAL;
		new[i] = time_ns((uint64_t)in[2 * i],
				 (uint64_t)in[2 * i + 1] * 1000);
	}
	get(p, old);
	set(p, new[1] ? now_of(p) + new[1] : 0, new[0]);
	return ARG3(r) ? put_itimerval(ARG3(r), old) : 0;
}

int64_t sys_alarm(struct regs *r)
{
	struct itimer *p = &of_process[0];
	uint64_t old[2], sec = (uint32_t)ARG1(r);

	get(p, old);
	set(p, sec ? clock_now() + sec * NS_PER_SEC : 0, 0);
	/* rounded, but not to 0 */
	sec = (old[1] + NS_PER_SEC / 2) / NS_PER_SEC;
	return (int64_t)(old[1] && !sec ? 1 : sec);
}

int64_t sys_timer_create(struct regs *r)
{
	struct sigevent e = { .signal = LINUX_SIGALRM };
	uint64_t now;
	struct itimer *p;

	if (!time_read_clock((uint32_t)ARG1(r), &now))
		return -LINUX_EINVAL;
	if (ARG2(r) && user_read(&e, ARG2(r), sizeof(e)))
		return -LINUX_EFAULT;
	if ((e.notify != SIGEV_THREAD_ID &&
	     (uint32_t)e.notify > SIGEV_THREAD) ||
	    (e.notify != SIGEV_NONE &&
	     (e.signal < 1 || e.signal > LINUX_SIGNALS)) ||
	    (e.notify == SIGEV_THREAD_ID && !thread_find(e.tid)))
		return -LINUX_EINVAL;
	p = n_timers < TIMERS_MAX ? kmem_alloc(sizeof(*p)) : NULL;
	if (!p)
		return -LINUX_EAGAIN;
	do {
		last_id = last_id == INT32_MAX ? 0 : last_id + 1;
	} while (find((uint64_t)last_id));
	*p = (struct itimer){ .next = list,
			      .id = last_id,
			      .clock = (uint32_t)ARG1(r),
			      .notify = e.notify,
			      .signal = e.signal,
			      .tid = e.tid,
			      .value = ARG2(r) ? e.value : (uint64_t)last_id };
	if (user_write(ARG3(r), &p->id, sizeof(p->id))) {
		kmem_free(p, sizeof(*p));
		return -LINUX_EFAULT;
	}
	list = p;
	n_timers++;
	return 0;
}

/* struct itimerspec */
static int put_itimerspec(uint64_t gva, const uint64_t ns[2])
{
	const uint64_t out[4] = { ns[0] / NS_PER_SEC, ns[0] % NS_PER_SEC,
				  ns[1] / NS_PER_SEC, ns[1] % NS_PER_SEC };

	return user_write(gva, out, sizeof(out));
}

int64_t sys_timer_settime(struct regs *r)
{
	struct itimer *p = find(ARG1(r));
	uint64_t interval, value, old[2];
	int64_t rc = time_read_interval(ARG3(r), &interval);

	if (!rc)
		rc = time_read_interval(ARG3(r) + 16, &value);
	if (rc)
		return rc;
	if (!p)
		return -LINUX_EINVAL;
	get(p, old);
	if (value && !(ARG2(r) & TIMER_ABSTIME))
		value += now_of(p);
	else if (value && time_is_wall_clock(p->clock))
		value = max_u64(clock_from_wall(value), 1);
	set(p, value, interval);
	return ARG4(r) ? put_itimerspec(ARG4(r), old) : 0;
}

int64_t sys_timer_gettime(struct regs *r)
{
	const struct itimer *p = find(ARG1(r));
	uint64_t ns[2];

	if (!p)
		return -LINUX_EINVAL;
	get(p, ns);
	return put_itimerspec(ARG2(r), ns);
}

int64_t sys_timer_getoverrun(struct regs *r)
{
	const struct itimer *p = find(ARG1(r));

	return p ? p->overrun : -LINUX_EINVAL;
}

int64_t sys_timer_delete(struct regs *r)
{
	struct itimer *p = find(ARG1(r)), **link = &list;

	if (!p)
		return -LINUX_EINVAL;
	timer_cancel(&p->timer);
	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	kmem_free(p, sizeof(*p));
	n_timers--;
	return 0;
}
