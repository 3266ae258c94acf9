/* signal_priv.h: between signal.c, sigframe.c and sys_signal.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_SIGNAL_PRIV_H
#define LINUX_SIGNAL_PRIV_H

#include "kernel/types.h"
#include "linux/signal.h"

#define SIG_DFL 0
#define SIG_IGN 1

#define SA_SIGINFO   0x4u
#define SA_RESTORER  0x04000000u
#define SA_ONSTACK   0x08000000u
#define SA_RESTART   0x10000000u
#define SA_NODEFER   0x40000000u
#define SA_RESETHAND 0x80000000u

struct sigaction {
	uint64_t handler, flags, restorer, mask;
};

extern struct sigaction signal_actions[LINUX_SIGNALS];

/* What may not be blocked, caught or ignored. */
#define UNSTOPPABLE (SIGSET(LINUX_SIGKILL) | SIGSET(LINUX_SIGSTOP))

/* Neither caught nor deadly: what was sent may be forgotten. */
bool signal_is_ignored(unsigned signal);
/* The pending ones of all threads and the process are forgotten. */
void signal_forget(unsigned signal);

#define SS_AUTODISARM 0x80000000u

/* sp is within the thread's alternate stack, which is not being left. */
bool altstack_holds(const struct altstack *a, uint64_t sp);

/* Checked: 0, -EINVAL or -ENOMEM. */
WUR int altstack_set(struct altstack *a, const struct altstack *to);

struct regs;
struct thread;

/* Builds what the handler needs on the program's stack and lets r continue
 * there; `mask` is to be blocked again afterwards. False: no room. */
WUR bool sigframe_push(struct regs *r, const struct sigaction *act,
		       const struct siginfo *info, sigset mask);

#endif
