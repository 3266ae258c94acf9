/* thread.h: threads of the program and who runs. One processor; a thread in
 * the kernel runs until it sleeps. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "kernel/types.h"

struct regs;

struct thread {
	int tid;
	struct regs *regs; /* the program's, while it is in the kernel */
	bool woken;
};

struct thread *thread_current(void);
/* Ends its thread_sleep, now or the next one. */
void thread_wake(struct thread *t);

#endif
