/* x86_cpuid.h: what a vCPU says it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_X86_CPUID_H
#define KVM_X86_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct err;

struct kvm_cpuid2;

/* A table with room for all KVM may say: owned by the caller (free). */
WUR int cpuid_alloc(struct kvm_cpuid2 **ret, struct err *err);

/*
 * Fills the table with what this host's KVM supports. In a virtual machine
 * this takes 0.3 ms, as each CPUID instruction of the kernel exits. Does not
 * allocate: a thread that did would get a heap of its own.
 */
WUR int cpuid_ask(int kvm_fd, struct kvm_cpuid2 *c, struct err *err);

struct cpuid_topology {
	uint32_t apic_id;
	uint32_t n_cpus;
	uint32_t tsc_khz; /* 0: not stated */
	bool tsc_deadline;
};

/*
 * Edits, in place, what KVM supports into what vCPU `apic_id` shows: its
 * APIC id and the topology (one package, n_cpus cores), the hypervisor and
 * TSC-deadline bits, TSC and APIC timer frequencies in leaf 0x40000010 and
 * KVM's signature with that as its highest leaf. `c` must have room for
 * CPUID_EXTRA more entries than `nent`. Idempotent.
 */
#define CPUID_EXTRA 2
void cpuid_adjust(struct kvm_cpuid2 *c, const struct cpuid_topology *t);

/* True when the leaf's register has the bit: reg 0..3 is eax..edx. */
bool cpuid_has(const struct kvm_cpuid2 *c, uint32_t leaf, uint32_t index,
	       unsigned reg, unsigned bit);
/* A register of a leaf, or 0. */
uint32_t cpuid_reg(const struct kvm_cpuid2 *c, uint32_t leaf, uint32_t index,
		   unsigned reg);

#endif
