/* x86_ioapic.h: the I/O APIC of a split interrupt chip (Intel 82093AA).
 *
 * 24 edge-driven inputs; each pulse becomes one message to the local APICs.
 * A pulse on a masked input is remembered and delivered at unmasking. A
 * level-triggered entry is delivered as an edge: no input of this machine
 * stays asserted. Called with the machine lock held. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_X86_IOAPIC_H
#define KVM_X86_IOAPIC_H

#include <stdint.h>

#define IOAPIC_N_PINS 24

struct ioapic {
	/* Delivers a message. */
	void (*msi)(void *ctx, uint64_t address, uint32_t data);
	void *ctx;
	uint32_t select; /* IOREGSEL */
	uint32_t id;
	uint64_t redir[IOAPIC_N_PINS];
	uint32_t pending; /* pulses that met a mask, a bit a pin */
};

void ioapic_init(struct ioapic *io,
		 void (*msi)(void *ctx, uint64_t address, uint32_t data),
		 void *ctx);
void ioapic_pulse(struct ioapic *io, unsigned pin);

/* Guest accesses at `off` from the IOAPIC's base. Only 32-bit registers at
 * 0x00 and 0x10 exist; anything else reads 0 and ignores writes. */
uint32_t ioapic_read(const struct ioapic *io, unsigned off);
void ioapic_write(struct ioapic *io, unsigned off, uint32_t value);

#endif
