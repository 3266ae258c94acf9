/* sched.c: run queues, the processor's timer, switching. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/sched.h"

#include "abi/startup.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/fpu.h"
#include "kernel/irq.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "kernel/thread_priv.h"
#include "kernel/timer.h"
#include "linux/errno.h"
#include "linux/strace.h"

#define SLICE_NS 4000000
/* While the program runs a timer may be this much late, as on Linux: setting
 * the processor's costs a good part of it. */
#define SLACK_NS 50000

struct queue {
	struct thread *first, *last;
};

static struct queue urgent, normal;
static struct thread *alone; /* NULL: all may run */
static bool in_event;        /* interrupts' handlers and timers are called */
static uint64_t slice_end;   /* of the thread that runs, if others wait */
static uint64_t run_start;   /* TSC; 0: from the entry on */

static void push(struct queue *q, struct thread *t)
{
	t->next_run = NULL;
	if (q->first)
		q->last->next_run = t;
	else
		q->first = t;
	q->last = t;
}

static struct thread *pop(struct queue *q)
{
	struct thread *t = q->first;

	if (t)
		q->first = t->next_run;
	return t;
}

bool sched_others(void)
{
	return urgent.first || normal.first;
}

static bool is_before_alarm(uint64_t deadline)
{
	uint64_t alarm = irq_armed();

	return deadline < alarm && alarm - deadline > SLACK_NS;
}

/* Somebody waits now: the clock ticks for the thread that runs. */
static void start_slice(void)
{
	slice_end = clock_now() + SLICE_NS;
	sched_timer(slice_end);
}

void sched_alone(void)
{
	alone = thread_current();
	urgent.first = normal.first = NULL;
}

void sched_timer(uint64_t deadline)
{
	if (is_before_alarm(deadline))
		kit_work |= WORK_TIMER;
}

void sched_ready(struct thread *t)
{
	if (t->state == THREAD_DEAD || t->queued || (alone && t != alone))
		return;
	if (t == thread_current() && t->state == THREAD_RUNNABLE)
		return;
	t->state = THREAD_RUNNABLE;
	t->queued = true;
	if (!sched_others())
		start_slice();
	push(in_event ? &urgent : &normal, t);
	if (in_event)
		kit_work |= WORK_RESCHED;
}

/* What interrupts and time have brought. */
static void run_events(void)
{
	in_event = true;
	irq_run();
	if (timer_next() != UINT64_MAX)
		timer_run();
	in_event = false;
}

static void idle(void)
{
	uint64_t next;

	run_events();
	if (sched_others())
		return;
	next = timer_next();
	irq_halt(next == UINT64_MAX ? 0 : next);
}

uint64_t sched_running_tsc(void)
{
	return rdtsc() - (run_start ? run_start : machine.tsc_entry);
}

/* The next one, which is taken out of its queue. */
static struct thread *choose(void)
{
	struct thread *t;

	while (!(t = pop(&urgent)) && !(t = pop(&normal)))
		idle();
	t->queued = false;
	kit_work &= ~WORK_RESCHED;
	run_start = rdtsc();
	if (sched_others())
		start_slice();
	return t;
}

static void enter(struct thread *t)
{
	thread_set_current(t);
	kit_kernel_stack = t->stack;
	fpu_load(t->fpu);
	cpu_set_fs(t->fs_base);
	cpu_set_gs(t->gs_base);
	kit_work &= ~WORK_SIGNAL;
	if (signal_pending(t) || t->signals.restore)
		kit_work |= WORK_SIGNAL;
}

void sched_switch(void)
{
	struct thread *t = thread_current(), *next;

	t->cpu_tsc += sched_running_tsc();
	next = choose();
	if (next == t)
		return;
	fpu_save(thread_fpu(t));
	t->fs_base = cpu_get_fs();
	t->gs_base = cpu_get_gs();
	enter(next);
	kit_switch(&t->sp, next->sp);
	thread_reap();
}

void sched_leave(void)
{
	struct thread *t = thread_current(), *next;

	t->cpu_tsc += sched_running_tsc();
	next = choose();
	enter(next);
	kit_switch(&t->sp, next->sp);
	__builtin_unreachable();
}

void thread_yield(void)
{
	struct thread *t = thread_current();

	if (!sched_others())
		return;
	t->queued = true;
	push(&normal, t);
	sched_switch();
}

/* Before the program goes on the timer must be set for what comes first. */
static void set_timer(void)
{
	uint64_t first = timer_next();

	kit_work &= ~WORK_TIMER;
	if (sched_others())
		first = min_u64(first, slice_end);
	if (is_before_alarm(first))
		irq_arm(first);
}

void kit_exit_work(struct regs *r)
{
	thread_reap();
	do {
		run_events();
		if ((kit_work & WORK_RESCHED) ||
		    (sched_others() && clock_now() >= slice_end))
			thread_yield();
		kit_work &= ~(WORK_RESCHED | WORK_SIGNAL);
		signal_deliver(r);
		set_timer();
	} while (kit_irq_word || kit_work);
	if (debug_on) {
		debug_exit_work(r);
		r->vector = VEC_IRQ; /* anything may have changed */
	}
}

/* --- sleeping -------------------------------------------------------------- */

static void time_is_up(struct timer *timer)
{
	struct thread *t =
		(void *)((char *)timer - offsetof(struct thread, sleep_timer));

	sched_ready(t);
}

static int sleep(uint64_t until_ns, bool deaf)
{
	struct thread *t = thread_current();

	if ((machine.flags & STARTUP_STRACE) && !t->woken)
		strace_sleep();
	if (t->woken) {
		t->woken = false;
		return 0;
	}
	if (!deaf && signal_pending(t))
		return -LINUX_ERESTARTSYS;
	if (until_ns != WAIT_FOREVER) {
		if (clock_now() >= until_ns)
			return -LINUX_ETIMEDOUT;
		timer_set(&t->sleep_timer, until_ns, time_is_up);
	}
	t->deaf = deaf;
	t->state = THREAD_SLEEPING;
	sched_switch();
	if (until_ns != WAIT_FOREVER && !timer_is_set(&t->sleep_timer) &&
	    !t->woken)
		return -LINUX_ETIMEDOUT;
	timer_cancel(&t->sleep_timer);
	if (t->woken) {
		t->woken = false;
		return 0;
	}
	return !deaf && signal_pending(t) ? -LINUX_ERESTARTSYS : 0;
}

int thread_sleep(uint64_t until_ns)
{
	return sleep(until_ns, false);
}

int thread_sleep_deaf(uint64_t until_ns)
{
	return sleep(until_ns, true);
}

void thread_wake(struct thread *t)
{
	t->woken = true;
	if (t->state == THREAD_SLEEPING)
		sched_ready(t);
}

void thread_interrupt(struct thread *t)
{
	if (t == thread_current())
		kit_work |= WORK_SIGNAL;
	if (t->state == THREAD_SLEEPING && !t->deaf)
		sched_ready(t);
}
