/* thread_priv.h: between thread.c and sched.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_THREAD_PRIV_H
#define KERNEL_THREAD_PRIV_H

struct thread;

void thread_set_current(struct thread *t);
/* Where the registers of a thread are saved. */
void *thread_fpu(struct thread *t);
/* Frees what ended; its stack is not in use any more. */
void thread_reap(void);

#endif
