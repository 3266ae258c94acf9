/* thread.c: the list of threads, their making and their end. A thread is one
 * block of memory: itself, its saved registers, its kernel stack. The first
 * is part of the image. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/thread.h"

#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/fpu.h"
#include "kernel/kmem.h"
#include "kernel/sched.h"
#include "kernel/thread_priv.h"
#include "lib/string.h"

#define BLOCK_LEN 16384ull
#define FPU_OFF   1024ull

_Static_assert(sizeof(struct thread) <= FPU_OFF, "struct thread grew");

#define TID_MAX (1 << 22)

#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

extern char kit_stack_top[];

static LARGE uint8_t first_fpu[FPU_LEN_MAX] __attribute__((aligned(FPU_ALIGN)));

static struct thread first = {
	.tid = 1,
	.stack = (uintptr_t)kit_stack_top,
	.regs = (struct regs *)(kit_stack_top - sizeof(struct regs)),
	.fpu = first_fpu,
	.name = "program",
	.signals.alt.flags = ALTSTACK_DISABLE,
};

static struct thread *current = &first;
static struct thread *list = &first, *last = &first;
static unsigned count = 1;
static int last_tid = 1;
static struct thread *dead; /* not running any more once another does */
static uint64_t dead_tsc;

struct thread *thread_current(void)
{
	return current;
}

void thread_set_current(struct thread *t)
{
	current = t;
}

void *thread_fpu(struct thread *t)
{
	return t->fpu;
}

struct thread *thread_first(void)
{
	return list;
}

unsigned thread_count(void)
{
	return count;
}

struct thread *thread_find(int tid)
{
	struct thread *t = list;

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

static int new_tid(void)
{
	do {
		last_tid = last_tid == TID_MAX ? 2 : last_tid + 1;
	} while (thread_find(last_tid));
	return last_tid;
}

struct thread *thread_new(const struct regs *from, uint64_t rsp,
			  const uint64_t *fs_base)
{
	/* what kit_switch pops: six registers and where to go */
	const uint64_t frame[7] = { [6] = (uintptr_t)kit_thread_begin };
	uint8_t *block = kmem_alloc(BLOCK_LEN);
	struct thread *t = (struct thread *)(void *)block;

	if (!block)
		return NULL;
	*t = (struct thread){
		.state = THREAD_SLEEPING,
		.tid = new_tid(),
		.stack = (uintptr_t)block + BLOCK_LEN,
		.fpu = block + FPU_OFF,
		.fs_base = fs_base ? *fs_base : cpu_get_fs(),
		.gs_base = cpu_get_gs(),
		.signals.blocked = current->signals.blocked,
		.signals.alt.flags = ALTSTACK_DISABLE,
		.prev = last,
	};
	memcpy(t->name, current->name, sizeof(t->name));
	fpu_save_whole(t->fpu);
	t->regs = (struct regs *)(t->stack - sizeof(struct regs));
	*t->regs = *from;
	t->regs->rax = 0;
	t->regs->vector = VEC_IRQ; /* all registers */
	if (rsp)
		t->regs->rsp = rsp;
	t->sp = (uintptr_t)t->regs - sizeof(frame);
	memcpy((void *)t->sp, frame, sizeof(frame));
	last->next = t;
	last = t;
	count++;
	return t;
}

void thread_start(struct thread *t)
{
	sched_ready(t);
}

void thread_reap(void)
{
	if (dead && dead != &first)
		kmem_free(dead, BLOCK_LEN);
	dead = NULL;
}

void thread_exit(void)
{
	struct thread *t = current;

	if (t->prev)
		t->prev->next = t->next;
	else
		list = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		last = t->prev;
	count--;
	t->state = THREAD_DEAD;
	dead_tsc += t->cpu_tsc + sched_running_tsc();
	dead = t;
	sched_leave();
}

uint64_t thread_cpu_ns(const struct thread *t)
{
	return clock_ns_from_tsc(t->cpu_tsc +
				 (t == current ? sched_running_tsc() : 0));
}

uint64_t thread_cpu_total_ns(void)
{
	uint64_t tsc = dead_tsc + sched_running_tsc();

	for (const struct thread *t = list; t; t = t->next)
		tsc += t->cpu_tsc;
	return clock_ns_from_tsc(tsc);
}

/* --- segment bases --------------------------------------------------------- */

/* CR4.FSGSBASE, as CPUID says. */
static bool has_fsgsbase(void)
{
	static enum { UNKNOWN, NO, YES } known;

	if (known == UNKNOWN)
		known = cpuid(7, 0).ebx & 1 ? YES : NO;
	return known == YES;
}

void cpu_set_fs(uint64_t base)
{
	if (has_fsgsbase())
		__asm__ volatile("wrfsbase %0" : : "r"(base));
	else
		cpu_wrmsr(MSR_FS_BASE, base);
}

void cpu_set_gs(uint64_t base)
{
	if (has_fsgsbase())
		__asm__ volatile("wrgsbase %0" : : "r"(base));
	else
		cpu_wrmsr(MSR_GS_BASE, base);
}

uint64_t cpu_get_fs(void)
{
	uint64_t base;

	if (!has_fsgsbase())
		return cpu_rdmsr(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

uint64_t cpu_get_gs(void)
{
	uint64_t base;

	if (!has_fsgsbase())
		return cpu_rdmsr(MSR_GS_BASE);
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}
