/* vcpu.h: one virtual CPU: its entry state, its run loop step, its dump.
 *
 * A vCPU belongs to the thread that runs it; vcpu_kick alone may be called
 * by others. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_VCPU_H
#define KVM_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct err;
struct gmem;
struct kvm_cpuid2;
struct kvm_run;
struct vm;

struct vcpu {
	const struct vm *vm;            /* borrowed */
	const struct kvm_cpuid2 *cpuid; /* borrowed; set by vcpu_set_cpuid */
	struct kvm_run *run;            /* shared with the kernel */
	unsigned id;
	int fd;
};

/* Creates CPU `id`. Before it is entered it gets its CPUID. */
WUR int vcpu_init(struct vcpu *c, const struct vm *vm, unsigned id,
		  struct err *err);
/* One of `n_cpus`, with `table` as cpuid_ask filled it: changed in place to
 * say what this CPU is, borrowed while the vCPU lives, and good for the next
 * vCPU. Does not allocate. */
WUR int vcpu_set_cpuid(struct vcpu *c, struct kvm_cpuid2 *table,
		       unsigned n_cpus, struct err *err);
void vcpu_fini(struct vcpu *c);

/* --- the state at the first instruction (x86_entry.c) ------------------- */

/* PVH: 32-bit protected mode, paging off, rbx the start info's gpa. */
WUR int vcpu_enter_pvh(struct vcpu *c, uint64_t rip, uint64_t rbx,
		       struct err *err);

struct vcpu_linux64 {
	uint64_t rip, rsp, rsi, cr3, gdt;
	uint16_t gdt_limit;
};
/* The 64-bit Linux boot protocol, CS 0x10 and DS 0x18. */
WUR int vcpu_enter_linux64(struct vcpu *c, const struct vcpu_linux64 *e,
			   struct err *err);

/* What abi/direct.h promises. Values come from a guest image: selectors and
 * addresses are the image's business, KVM refuses what no CPU can hold. */
struct vcpu_direct {
	uint64_t rip, rsp, rdi, cr3;
	uint64_t gdt, idt, tss;
	uint64_t star, lstar, fmask;
	uint64_t clock_gpa, wall_clock_gpa;
	uint32_t tss_limit;
	uint16_t gdt_limit, idt_limit;
	uint16_t cs, ss, tr;
};
WUR int vcpu_enter_direct(struct vcpu *c, const struct vcpu_direct *e,
			  struct err *err);

/* --- running ------------------------------------------------------------ */

enum vcpu_exit_kind {
	VCPU_EXIT_INTR, /* kicked, or a signal */
	VCPU_EXIT_MMIO,
	VCPU_EXIT_PIO,
	VCPU_EXIT_HLT,
	VCPU_EXIT_EOI,      /* nothing to do */
	VCPU_EXIT_SHUTDOWN, /* triple fault */
	VCPU_EXIT_INTERNAL, /* KVM could not emulate an instruction */
	VCPU_EXIT_ENTRY,    /* the CPU refused the guest's state */
	VCPU_EXIT_RESET,    /* a system event: reset */
	VCPU_EXIT_OFF,      /* a system event: shut-down */
	VCPU_EXIT_UNKNOWN,
	VCPU_EXIT_KINDS
};

/* Short English names, for records and reports. */
extern const char *const vcpu_exit_names[VCPU_EXIT_KINDS];

struct vcpu_exit {
	enum vcpu_exit_kind kind;
	gpa_t gpa;     /* MMIO */
	uint16_t port; /* PIO */
	bool is_write;
	unsigned size;  /* bytes of one access, 1..8 */
	unsigned count; /* PIO: repeated accesses */
	/* MMIO, PIO: size * count bytes, valid until the next vcpu_run; what
	 * a read leaves here is what the guest gets. */
	uint8_t *data;
	uint32_t reason;    /* KVM's exit reason */
	uint64_t detail[2]; /* of INTERNAL and ENTRY: KVM's own numbers */
};

/* Runs the guest until an exit. 0, or negative errno of a broken vCPU. */
WUR int vcpu_run(struct vcpu *c, struct vcpu_exit *ret_exit);

/* Makes a running vcpu_run of thread `t` return soon, now or at its next
 * call: from any thread. VCPU_KICK_SIGNAL must have a handler. */
#define VCPU_KICK_SIGNAL SIGUSR1
void vcpu_kick(struct vcpu *c, pthread_t t);

/* --- looking ------------------------------------------------------------ */

#define VCPU_N_REGS 18 /* rax rbx rcx rdx rsi rdi rbp rsp r8..r15 rip rflags */
extern const char *const vcpu_reg_names[VCPU_N_REGS];

struct vcpu_dump {
	uint64_t reg[VCPU_N_REGS];
	uint64_t cr0, cr2, cr3, cr4, efer, fs_base, gs_base;
	uint16_t cs, ss;
	unsigned cpl, n_bytes;
	uint8_t bytes[16]; /* at rip, as far as they can be read */
};
WUR int vcpu_dump(const struct vcpu *c, const struct gmem *mem,
		  struct vcpu_dump *ret_dump);

/* The guest's time stamp counter now, and its frequency (0: unknown). */
WUR int vcpu_tsc(const struct vcpu *c, uint64_t *ret_tsc);
uint32_t vcpu_tsc_khz(const struct vcpu *c);

/*
 * Sets model-specific registers; those that KVM refuses are skipped with a
 * debug line. Negative errno when the ioctl itself fails.
 */
struct vcpu_msr {
	uint32_t index;
	uint64_t value;
};
WUR int vcpu_set_msrs(const struct vcpu *c, const struct vcpu_msr *msr,
		      unsigned n);

#endif
