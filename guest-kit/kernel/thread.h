/* thread.h: the threads of the program and who runs. One processor; a thread
 * in the kernel runs until it sleeps, one in the program until an interrupt
 * finds that its time is up. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include "kernel/timer.h"
#include "kernel/types.h"
#include "linux/signal.h"

struct regs;

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_DEAD };

#define THREAD_NAME_LEN 16
#define THREADS_MAX     16384

struct thread {
	int tid;
	enum thread_state state;
	struct regs *regs; /* the program's, while it is in the kernel */
	struct thread *next, *prev; /* of all threads, oldest first */
	bool woken;                 /* thread_wake came */
	bool queued;                /* in the run queue */
	bool deaf;                  /* sleeps whatever signals come */
	struct thread *next_run;
	uint64_t sp;    /* of the kernel, while another runs */
	uint64_t stack; /* its top */
	uint8_t *fpu;   /* XSAVE area, for while another runs */
	uint64_t fs_base, gs_base;
	struct timer sleep_timer;
	uint64_t cpu_tsc;     /* processor time up to its last switch */
	uint64_t clear_tid;   /* CLONE_CHILD_CLEARTID, or 0 */
	uint64_t robust_list; /* the head's gva, or 0 */
	bool held, stepping;  /* as a debugger wants it: debug.c */
	bool half_traced;     /* the call it sleeps in, by strace.c */
	char name[THREAD_NAME_LEN];
	struct signals signals;
};

struct thread *thread_current(void);
/* Ends its thread_sleep, now or the next one. */
void thread_wake(struct thread *t);
/* Ends its thread_sleep if that heeds signals: one has come. */
void thread_interrupt(struct thread *t);
/* Gives way to others that can run. */
void thread_yield(void);

/* All threads, oldest first: for (t = thread_first(); t; t = t->next). */
struct thread *thread_first(void);
/* NULL: no such thread. */
struct thread *thread_find(int tid);
unsigned thread_count(void);

/* A thread that begins where `from` entered the kernel, with rax 0, its own
 * rsp unless that is 0, and fs unless fs_base is NULL. It does not run yet
 * (thread_start). NULL: no memory. */
WUR struct thread *thread_new(const struct regs *from, uint64_t rsp,
			      const uint64_t *fs_base);
void thread_start(struct thread *t);
/* The calling one, which must not be the last. */
_Noreturn void thread_exit(void);

/* The processor time of one thread, and of all that are or were. */
uint64_t thread_cpu_ns(const struct thread *t);
uint64_t thread_cpu_total_ns(void);

/* The processor's fs and gs base; those of other threads are in their
 * struct. */
void cpu_set_fs(uint64_t base);
void cpu_set_gs(uint64_t base);
uint64_t cpu_get_fs(void);
uint64_t cpu_get_gs(void);

/* Before the kernel goes back to the program: interrupts, timers, signals,
 * others' turn (entry.S). */
void kit_exit_work(struct regs *r);

#endif
