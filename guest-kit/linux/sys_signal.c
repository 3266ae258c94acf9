/* sys_signal.c: the calls about signals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/thread.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/process.h"
#include "linux/signal_priv.h"
#include "linux/time.h"

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SS_ONSTACK  1u
#define MINSIGSTKSZ 2048u

static struct signals *mine(void)
{
	return &thread_current()->signals;
}

/* --- sending --------------------------------------------------------------- */

static struct siginfo from_me(uint64_t signal, int code)
{
	return (struct siginfo){ .signo = (int32_t)signal,
				 .code = code,
				 .pid = PROCESS_PID };
}

/* One process, pid 1, alone in its group and all there is. */
int64_t sys_kill(struct regs *r)
{
	const struct siginfo info = from_me(ARG2(r), SI_USER);
	int32_t pid = (int32_t)ARG1(r);

	if ((uint32_t)ARG2(r) > LINUX_SIGNALS)
		return -LINUX_EINVAL;
	if (pid != 0 && pid != -PROCESS_PID && !thread_find(pid))
		return -LINUX_ESRCH;
	if (info.signo)
		(void)signal_send(&info);
	return 0;
}

static int64_t send_to(uint64_t tid, const struct siginfo *info)
{
	struct thread *t = thread_find((int32_t)tid);

	if ((int32_t)tid <= 0 || (uint32_t)info->signo > LINUX_SIGNALS)
		return -LINUX_EINVAL;
	if (!t)
		return -LINUX_ESRCH;
	return info->signo ? signal_send_thread(t, info) : 0;
}

int64_t sys_tkill(struct regs *r)
{
	const struct siginfo info = from_me(ARG2(r), SI_TKILL);

	return send_to(ARG1(r), &info);
}

int64_t sys_tgkill(struct regs *r)
{
	const struct siginfo info = from_me(ARG3(r), SI_TKILL);

	if ((int32_t)ARG1(r) <= 0)
		return -LINUX_EINVAL;
	if ((int32_t)ARG1(r) != PROCESS_PID)
		return -LINUX_ESRCH;
	return send_to(ARG2(r), &info);
}

int64_t sys_rt_sigqueueinfo(struct regs *r)
{
	struct siginfo info;

	if (user_read(&info, ARG3(r), sizeof(info)))
		return -LINUX_EFAULT;
	if ((uint32_t)ARG2(r) > LINUX_SIGNALS)
		return -LINUX_EINVAL;
	if (!thread_find((int32_t)ARG1(r)))
		return -LINUX_ESRCH;
	info.signo = (int32_t)ARG2(r);
	return info.signo ? signal_send(&info) : 0;
}

int64_t sys_rt_tgsigqueueinfo(struct regs *r)
{
	struct siginfo info;

	if (user_read(&info, ARG4(r), sizeof(info)))
		return -LINUX_EFAULT;
	if ((int32_t)ARG1(r) <= 0)
		return -LINUX_EINVAL;
	if ((int32_t)ARG1(r) != PROCESS_PID)
		return -LINUX_ESRCH;
	info.signo = (int32_t)ARG3(r);
	return send_to(ARG2(r), &info);
}

/* --- what happens with them ------------------------------------------------ */

int64_t sys_rt_sigaction(struct regs *r)
{
	uint32_t signal = (uint32_t)ARG1(r);
	struct sigaction old, new;

	if (ARG4(r) != sizeof(sigset))
		return -LINUX_EINVAL;
	if (ARG2(r) && user_read(&new, ARG2(r), sizeof(new)))
		return -LINUX_EFAULT;
	if (!signal || signal > LINUX_SIGNALS ||
	    (ARG2(r) && (UNSTOPPABLE & SIGSET(signal))))
		return -LINUX_EINVAL;
	old = signal_actions[signal - 1];
	if (ARG2(r)) {
		new.mask &= ~UNSTOPPABLE;
		signal_actions[signal - 1] = new;
		if (signal_is_ignored(signal))
			signal_forget(signal);
	}
	return ARG3(r) ? user_write(ARG3(r), &old, sizeof(old)) : 0;
}

int64_t sys_rt_sigprocmask(struct regs *r)
{
	sigset old = mine()->blocked, set;

	if (ARG4(r) != sizeof(set))
		return -LINUX_EINVAL;
	if (ARG2(r)) {
		if (user_read(&set, ARG2(r), sizeof(set)))
			return -LINUX_EFAULT;
		switch ((uint32_t)ARG1(r)) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -LINUX_EINVAL;
		}
		signal_set_blocked(set);
	}
	return ARG3(r) ? user_write(ARG3(r), &old, sizeof(old)) : 0;
}

int altstack_set(struct altstack *a, const struct altstack *to)
{
	uint32_t mode = to->flags & ~SS_AUTODISARM;

	if (mode & ~(SS_ONSTACK | ALTSTACK_DISABLE) || mode == 3)
		return -LINUX_EINVAL;
	if (mode == ALTSTACK_DISABLE) {
		*a = (struct altstack){ .flags = to->flags };
		return 0;
	}
	if (to->size < MINSIGSTKSZ)
		return -LINUX_ENOMEM;
	*a = (struct altstack){ to->sp, to->flags, 0, to->size };
	return 0;
}

int64_t sys_sigaltstack(struct regs *r)
{
	struct altstack *now = &mine()->alt, old = *now, new;
	bool on = altstack_holds(now, r->rsp);
	int rc = 0;

	old.flags &= SS_AUTODISARM;
	old.flags |= !now->size ? ALTSTACK_DISABLE : on ? SS_ONSTACK : 0;
	if (ARG1(r)) {
		if (user_read(&new, ARG1(r), sizeof(new)))
			return -LINUX_EFAULT;
		rc = on ? -LINUX_EPERM : altstack_set(now, &new);
	}
	if (!rc && ARG2(r))
		rc = user_write(ARG2(r), &old, sizeof(old));
	return rc;
}

/* --- waiting for them ------------------------------------------------------ */

int64_t sys_rt_sigpending(struct regs *r)
{
	sigset set = signal_pending_set() & mine()->blocked;

	if (ARG2(r) > sizeof(set))
		return -LINUX_EINVAL;
	return user_write(ARG1(r), &set, ARG2(r));
}

static int64_t wait_for_any(void)
{
	int rc = 0;

	while (rc != -LINUX_ERESTARTSYS)
		rc = thread_sleep(WAIT_FOREVER);
	return -LINUX_ERESTARTNOHAND;
}

int64_t sys_pause(struct regs *r)
{
	(void)r;
	return wait_for_any();
}

int64_t sys_rt_sigsuspend(struct regs *r)
{
	int64_t rc;

	if (ARG2(r) != sizeof(sigset))
		return -LINUX_EINVAL;
	if (!ARG1(r))
		return -LINUX_EFAULT;
	rc = signal_use_mask(ARG1(r), ARG2(r));
	return rc ? rc : wait_for_any();
}

int64_t sys_rt_sigtimedwait(struct regs *r)
{
	uint64_t until = WAIT_FOREVER, ns;
	struct siginfo info;
	unsigned signal;
	sigset set;
	int64_t rc = 0;

	if (ARG4(r) != sizeof(set))
		return -LINUX_EINVAL;
	if (user_read(&set, ARG1(r), sizeof(set)))
		return -LINUX_EFAULT;
	if (ARG3(r)) {
		rc = time_read_interval(ARG3(r), &ns);
		if (rc)
			return rc;
		until = clock_now() + ns;
	}
	set &= ~UNSTOPPABLE;
	while (!(signal = signal_dequeue(set, &info)) && !rc) {
		mine()->waited = set;
		rc = thread_sleep(until);
		mine()->waited = 0;
	}
	if (!signal)
		return rc == -LINUX_ETIMEDOUT ? -LINUX_EAGAIN : -LINUX_EINTR;
	if (ARG2(r) && user_write(ARG2(r), &info, sizeof(info)))
		return -LINUX_EFAULT;
	return signal;
}
