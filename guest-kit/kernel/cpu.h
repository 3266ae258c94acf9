/* cpu.h: instructions C has no words for, and the services of ring 0. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include "boot/layout.h"
#include "kernel/types.h"

/* What entry.S pushes, lowest address first. vector: an exception's, VEC_IRQ,
 * or VEC_SYSCALL: then error is rax as it was, and rcx and r11 are rip and
 * rflags. Whoever changes one of these makes vector something else: all
 * registers are loaded then. */
struct regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct regs) == REGS_LEN &&
		       offsetof(struct regs, vector) == REGS_VECTOR,
	       "entry.S");

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline bool rdrand(uint64_t *ret)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*ret), "=@ccc"(ok) : : "cc");
	return ok;
}

static inline void pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline void compiler_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline void full_barrier(void)
{
	__asm__ volatile("mfence" ::: "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/* entry.S: an exception to ring 0 and back, some 15 us where ring 0 is
 * interpreted. */
uint64_t kit_service(uint64_t a, uint64_t b, unsigned service);

/* Arms the TSC deadline timer unless 0, then sleeps until an interrupt,
 * unless *word is not 0. */
static inline void cpu_halt(volatile uint32_t *word, uint64_t deadline)
{
	kit_service((uintptr_t)word, deadline, SVC_HALT);
}

static inline void cpu_wrmsr(uint32_t index, uint64_t value)
{
	kit_service(index, value, SVC_WRMSR);
}

static inline uint64_t cpu_rdmsr(uint32_t index)
{
	return kit_service(index, 0, SVC_RDMSR);
}

/* One page, or with gva 0 the whole address space. */
static inline void cpu_flush(uint64_t gva)
{
	kit_service(gva, 0, SVC_FLUSH);
}

/* Bit n: interrupt VEC_IRQ + n came. Set by ring 0. */
extern volatile uint32_t kit_irq_word;
/* Not 0: kit_exit_work is called before the kernel goes back to the program.
 * Both are looked at there. */
extern uint32_t kit_work;
/* The top of the stack of the thread that runs. */
extern uint64_t kit_kernel_stack;

/* Leaves the stack at *save_sp for the one at load_sp. */
void kit_switch(uint64_t *save_sp, uint64_t load_sp);
/* Not a function: where a new thread's kit_switch returns to, its struct regs
 * on top of the stack. */
extern char kit_thread_begin[];
/* CR2 of the last page fault. */
extern uint64_t kit_fault_gva;

/* To the program, with these registers. */
NORETURN void kit_enter_regs(const struct regs *regs);
/* entry.S's: the page tables. */
extern uint64_t kit_pml4[512];

#endif
