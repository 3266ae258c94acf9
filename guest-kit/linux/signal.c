/* signal.c: signals on their way: queues, who gets one, what it does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/signal.h"

#include "kernel/cpu.h"
#include "kernel/debug.h"
#include "kernel/fault.h"
#include "kernel/kmem.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "linux/errno.h"
#include "linux/itimer.h"
#include "linux/process.h"
#include "linux/signal_priv.h"

/* One that waits: what it says. A standard signal has at most one in a queue,
 * a real-time signal any number. */
struct signal_node {
	struct signal_node *next;
	struct siginfo info;
};

#define NODES_MAX 1024 /* RLIMIT_SIGPENDING */

/* Their instruction comes again if they are not delivered first. */
#define SYNCHRONOUS                                                            \
	(SIGSET(LINUX_SIGSEGV) | SIGSET(LINUX_SIGBUS) | SIGSET(LINUX_SIGILL) | \
	 SIGSET(LINUX_SIGTRAP) | SIGSET(LINUX_SIGFPE) | SIGSET(LINUX_SIGSYS))

/* Default action: nothing. Stopping is nothing, too: there is nobody who
 * could let the program go on. */
#define HARMLESS                                         \
	(SIGSET(LINUX_SIGCHLD) | SIGSET(LINUX_SIGCONT) | \
	 SIGSET(LINUX_SIGURG) | SIGSET(LINUX_SIGWINCH) | \
	 SIGSET(LINUX_SIGSTOP) | SIGSET(LINUX_SIGTSTP) | \
	 SIGSET(LINUX_SIGTTIN) | SIGSET(LINUX_SIGTTOU))

LARGE struct sigaction signal_actions[LINUX_SIGNALS];
struct waitq signal_sent;

static struct signal_queue shared; /* for whichever thread */
static unsigned n_nodes;

const char *signal_name(unsigned signal)
{
	static const char names[][10] = {
		"signal",  "SIGHUP",    "SIGINT",  "SIGQUIT",  "SIGILL",
		"SIGTRAP", "SIGABRT",   "SIGBUS",  "SIGFPE",   "SIGKILL",
		"SIGUSR1", "SIGSEGV",   "SIGUSR2", "SIGPIPE",  "SIGALRM",
		"SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",  "SIGSTOP",
		"SIGTSTP", "SIGTTIN",   "SIGTTOU", "SIGURG",   "SIGXCPU",
		"SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
		"SIGPWR",  "SIGSYS",
	};

	return names[signal < ARRAY_LEN(names) ? signal : 0];
}

bool signal_is_ignored(unsigned signal)
{
	uint64_t handler = signal_actions[signal - 1].handler;

	return handler == SIG_IGN ||
	       (handler == SIG_DFL && (HARMLESS & SIGSET(signal)));
}

/* --- queues ---------------------------------------------------------------- */

static int queue_add(struct signal_queue *q, const struct siginfo *info)
{
	unsigned signal = (unsigned)info->signo;
	struct signal_node *n;

	if (signal < LINUX_SIGRTMIN && (q->set & SIGSET(signal)) &&
	    info->code != SI_TIMER)
		return 0;
	n = n_nodes < NODES_MAX ? kmem_alloc(sizeof(*n)) : NULL;
	if (!n && (info->code == SI_TIMER ||
		   (signal >= LINUX_SIGRTMIN && info->code != SI_USER)))
		return -LINUX_EAGAIN;
	q->set |= SIGSET(signal);
	if (!n) /* it comes without its story */
		return 0;
	n_nodes++;
	n->info = *info;
	if (q->first)
		q->last->next = n;
	else
		q->first = n;
	q->last = n;
	return 0;
}

static void node_unlink(struct signal_queue *q, struct signal_node *before,
			struct signal_node *n)
{
	if (before)
		before->next = n->next;
	else
		q->first = n->next;
	if (q->last == n)
		q->last = before;
	kmem_free(n, sizeof(*n));
	n_nodes--;
}

/* The oldest of this signal, which is in the set. */
static void queue_take(struct signal_queue *q, unsigned signal,
		       struct siginfo *ret)
{
	struct signal_node *n = q->first, *before = NULL;

	while (n && n->info.signo != (int)signal) {
		before = n;
		n = n->next;
	}
	*ret = n ? n->info : (struct siginfo){ .signo = (int)signal };
	if (n)
		node_unlink(q, before, n);
	for (n = q->first; n && n->info.signo != (int)signal; n = n->next)
		;
	if (!n)
		q->set &= ~SIGSET(signal);
	itimer_signal_taken(ret);
}

static void queue_drop(struct signal_queue *q, unsigned signal)
{
	struct siginfo info;

	while (q->set & SIGSET(signal))
		queue_take(q, signal, &info);
}

void signal_forget(unsigned signal)
{
	queue_drop(&shared, signal);
	for (struct thread *t = thread_first(); t; t = t->next)
		queue_drop(&t->signals.pending, signal);
}

void signal_thread_ends(struct thread *t)
{
	for (unsigned signal = 1; signal <= LINUX_SIGNALS; signal++)
		queue_drop(&t->signals.pending, signal);
}

static unsigned first_of(sigset set)
{
	if (set & SYNCHRONOUS)
		set &= SYNCHRONOUS;
	return set ? (unsigned)__builtin_ctzll(set) + 1 : 0;
}

unsigned signal_dequeue(sigset set, struct siginfo *ret)
{
	struct signal_queue *q = &thread_current()->signals.pending;
	unsigned signal = first_of(q->set & set);

	if (!signal) {
		q = &shared;
		signal = first_of(q->set & set);
	}
	if (signal)
		queue_take(q, signal, ret);
	return signal;
}

sigset signal_pending_set(void)
{
	return thread_current()->signals.pending.set | shared.set;
}

/* --- sending --------------------------------------------------------------- */

static sigset wanted(const struct thread *t)
{
	return ~t->signals.blocked | t->signals.waited;
}

bool signal_pending(const struct thread *t)
{
	return (t->signals.pending.set | shared.set) & wanted(t);
}

/* Nothing would come of it, now or later. */
static bool is_pointless(const struct thread *t, unsigned signal)
{
	return signal_is_ignored(signal) &&
	       !(t->signals.blocked & SIGSET(signal));
}

int signal_send_thread(struct thread *t, const struct siginfo *info)
{
	unsigned signal = (unsigned)info->signo;
	int rc;

	if (is_pointless(t, signal))
		return 0;
	rc = queue_add(&t->signals.pending, info);
	if (wanted(t) & SIGSET(signal))
		thread_interrupt(t);
	waitq_wake(&signal_sent, WAKE_ANY);
	return rc;
}

/* Whom a signal to the process bothers: the first thread if it wants it, as
 * on Linux, else any; NULL: all have it blocked. */
static struct thread *choose(unsigned signal)
{
	struct thread *t = thread_first();

	while (t && !(wanted(t) & SIGSET(signal)))
		t = t->next;
	return t;
}

int signal_send(const struct siginfo *info)
{
	unsigned signal = (unsigned)info->signo;
	struct thread *t = choose(signal);
	int rc;

	if (is_pointless(thread_first(), signal))
		return 0;
	rc = queue_add(&shared, info);
	if (t)
		thread_interrupt(t);
	waitq_wake(&signal_sent, WAKE_ANY);
	return rc;
}

void signal_send_current(unsigned signal)
{
	const struct siginfo info = { .signo = (int)signal,
				      .code = SI_USER,
				      .pid = PROCESS_PID };

	(void)signal_send_thread(thread_current(), &info);
}

bool signal_is_caught(unsigned signal)
{
	return signal_actions[signal - 1].handler > SIG_IGN &&
	       !(thread_current()->signals.blocked & SIGSET(signal));
}

void signal_force(const struct siginfo *info)
{
	struct thread *t = thread_current();
	struct sigaction *act = &signal_actions[info->signo - 1];
	sigset bit = SIGSET(info->signo);

	if (act->handler == SIG_IGN || (t->signals.blocked & bit))
		act->handler = SIG_DFL;
	t->signals.blocked &= ~bit;
	(void)queue_add(&t->signals.pending, info);
	thread_interrupt(t);
}

/* --- masks ----------------------------------------------------------------- */

void signal_set_blocked(sigset set)
{
	struct thread *t = thread_current();
	sigset newly = set & ~t->signals.blocked & shared.set;

	t->signals.blocked = set & ~UNSTOPPABLE;
	if (signal_pending(t))
		thread_interrupt(t);
	/* what this one does not take any more is another's */
	for (; newly; newly &= newly - 1) {
		struct thread *other =
			choose((unsigned)__builtin_ctzll(newly) + 1);

		if (other)
			thread_interrupt(other);
	}
}

int64_t signal_use_mask(uint64_t gva, uint64_t len)
{
	struct thread *t = thread_current();
	sigset set;

	if (!gva)
		return 0;
	if (len != sizeof(set))
		return -LINUX_EINVAL;
	if (user_read(&set, gva, sizeof(set)))
		return -LINUX_EFAULT;
	t->signals.saved = t->signals.blocked;
	t->signals.restore = true;
	signal_set_blocked(set);
	kit_work |= WORK_SIGNAL;
	return 0;
}

/* --- delivery -------------------------------------------------------------- */

/* A call that was interrupted, and r is as it left it: again, or EINTR. */
static void settle_call(struct regs *r, const struct sigaction *act)
{
	bool again;

	if (r->vector != VEC_SYSCALL)
		return;
	switch (-(int64_t)r->rax) {
	case LINUX_ERESTARTSYS:
		again = !act || (act->flags & SA_RESTART);
		break;
	case LINUX_ERESTARTNOINTR:
		again = true;
		break;
	case LINUX_ERESTARTNOHAND:
		again = !act;
		break;
	default:
		return;
	}
	if (again) {
		r->rax = r->error; /* the call's number */
		r->rip -= 2;       /* the SYSCALL instruction */
		r->vector = VEC_IRQ;
	} else {
		r->rax = (uint64_t)-LINUX_EINTR;
	}
}

static NORETURN void die(struct regs *r, const struct siginfo *info)
{
	fault_die(r, (unsigned)info->signo,
		  info->code == SI_USER || info->code == SI_TKILL ||
				  info->code == SI_QUEUE
			  ? "sent by the program itself"
			  : "sent by the kernel",
		  FAULT_NOWHERE, info);
}

static void call_handler(struct regs *r, const struct siginfo *info)
{
	struct thread *t = thread_current();
	unsigned signal = (unsigned)info->signo;
	struct sigaction *slot = &signal_actions[signal - 1];
	const struct sigaction act = *slot;
	sigset mask =
		t->signals.restore ? t->signals.saved : t->signals.blocked;

	settle_call(r, &act);
	if (!sigframe_push(r, &act, info, mask)) {
		const struct siginfo fault = { .signo = LINUX_SIGSEGV,
					       .code = SI_KERNEL };

		if (signal == LINUX_SIGSEGV)
			slot->handler = SIG_DFL;
		signal_force(&fault);
		return;
	}
	t->signals.restore = false;
	if (act.flags & SA_RESETHAND)
		slot->handler = SIG_DFL;
	signal_set_blocked(t->signals.blocked | act.mask |
			   (act.flags & SA_NODEFER ? 0 : SIGSET(signal)));
}

void signal_deliver(struct regs *r)
{
	struct thread *t = thread_current();
	struct siginfo info;
	unsigned signal;

	while ((signal = signal_dequeue(~t->signals.blocked, &info))) {
		signal = debug_signal(r, signal, &info);
		info.signo = (int)signal;
		if (!signal || signal_is_ignored(signal))
			continue;
		if (signal_actions[signal - 1].handler == SIG_DFL)
			die(r, &info);
		call_handler(r, &info);
	}
	settle_call(r, NULL);
	if (t->signals.restore) {
		t->signals.restore = false;
		signal_set_blocked(t->signals.saved);
	}
}
