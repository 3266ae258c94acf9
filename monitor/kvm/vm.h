/* vm.h: a KVM virtual machine: memory slots, interrupt chip, messages.
 *
 * The order of ioctls is worth a factor of 20 (docs/adr/0002): create, every
 * memory slot, interrupt chip, vCPUs; slots never change afterwards. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_VM_H
#define KVM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct err;
struct gmem;

enum vm_irqchip {
	VM_IRQCHIP_SPLIT, /* local APICs in the kernel, IOAPIC ours */
	VM_IRQCHIP_FULL, /* PIC and IOAPIC in the kernel too: the PIT needs it */
};

struct vm_config {
	enum vm_irqchip irqchip;
	bool pit; /* needs VM_IRQCHIP_FULL */
};

struct vm {
	int fd; /* owned */
	enum vm_irqchip irqchip;
	size_t run_len; /* bytes of a vCPU's shared page */
	bool has_tsc_deadline, has_xcrs;
};

/*
 * Opens /dev/kvm and checks the API version. The message says what to do
 * when it is missing or not permitted. Returns the descriptor.
 */
WUR int kvm_open(struct err *err);

/* Creates the VM, its memory slots and its interrupt chip. The gmem must
 * outlive the VM. */
WUR int vm_init(struct vm *vm, int kvm_fd, const struct vm_config *cfg,
		const struct gmem *mem, struct err *err);
void vm_fini(struct vm *vm);

/* Delivers an MSI to the local APICs. 0 or negative errno. Any thread. */
WUR int vm_signal_msi(const struct vm *vm, uint64_t address, uint32_t data);

/* Pulses an input of the in-kernel interrupt chip (VM_IRQCHIP_FULL). */
WUR int vm_irq_pulse(const struct vm *vm, unsigned gsi);

#endif
