/* sched.h: whose turn it is. Threads that can run wait in two queues, first
 * come, first served: those that an interrupt or a timer woke before those
 * that other threads woke or that had their time slice. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/types.h"

struct thread;

/* Bits of kit_work: why kit_exit_work is to be called. */
#define WORK_RESCHED 1u /* another's turn */
#define WORK_SIGNAL  2u /* a signal for the thread that runs */
#define WORK_TIMER   4u /* the processor's timer is set too late */

/* It can run: into the queue, if it is not there or running. */
void sched_ready(struct thread *t);
/* The calling thread stops running until sched_ready; at once if no other
 * can run. */
void sched_switch(void);
/* The same, but never to come back: it is dead. */
_Noreturn void sched_leave(void);
/* Others wait for their turn. */
bool sched_others(void);
/* From now on only the calling thread runs: the machine is ending. */
void sched_alone(void);
/* A timer was set for then. */
void sched_timer(uint64_t deadline);

/* Processor time of the thread that runs since its last switch, in ticks. */
uint64_t sched_running_tsc(void);

#endif
