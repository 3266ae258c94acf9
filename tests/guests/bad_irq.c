/* bad_irq.c: the interrupt controllers misused: the IOAPIC through every
 * index and mode, the local APIC all over. Words on the command line choose
 * what may well end the guest: nmi, smi, init, sipi, extint, pins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define PINS   24
#define MASKED 0x10000u
#define ICR    0x300
#define SVR    0xf0

static void ioapic(uint32_t index, uint32_t value)
{
	put32(BARE_IOAPIC, index);
	put32(BARE_IOAPIC + 0x10, value);
}

static void pin(unsigned n, uint32_t low, uint32_t high)
{
	ioapic(0x11 + 2 * n, high);
	ioapic(0x10 + 2 * n, low);
}

/* The device of pin `n` has reason to interrupt: 5 console, 6 rng. */
static void provoke(void)
{
	EXPECT(rng_works());
	EXPECT(console_open());
}

static void ioapic_abuse(void)
{
	bare_context = "IOAPIC registers";
	for (uint32_t i = 0; i < 256; i++) {
		ioapic(i, 0xffffffff);
		(void)get32(BARE_IOAPIC + 0x10);
		ioapic(i, MASKED);
	}
	put32(BARE_IOAPIC, 0xffffffff);
	put32(BARE_IOAPIC + 0x10, 0xffffffff);
	for (unsigned off = 0; off < 0x120; off += 4) {
		(void)get8(BARE_IOAPIC + off);
		(void)get16(BARE_IOAPIC + off);
		(void)get64(BARE_IOAPIC + off + 1);
		put8(BARE_IOAPIC + off, 0xff);
		put16(BARE_IOAPIC + off, 0xffff);
		put64(BARE_IOAPIC + off + 1, ~0ull);
	}
	for (unsigned n = 0; n < PINS; n++)
		pin(n, MASKED, 0);
	provoke();

	bare_context = "fixed and lowest priority, every vector";
	for (unsigned v = 0; v < 256; v += 5) {
		pin(5, v | (v & 1) << 8 | (v & 2) << 10 | (v & 4) << 13,
		    v << 24);
		pin(6, v | (v & 1) << 8 | (v & 8) << 8 | (v & 16) << 11,
		    (255 - v) << 24);
		provoke();
	}
	for (unsigned n = 0; n < PINS; n++)
		pin(n, MASKED, 0);
}

static void lapic_abuse(void)
{
	bare_context = "local APIC registers";
	for (unsigned off = 0; off < 0x1000; off += 4) {
		(void)get32(BARE_LAPIC + off);
		if (off % 64 == 4)
			put8(BARE_LAPIC + off, 0xff);
	}
	for (unsigned i = 0; i < 1500; i++) {
		uint64_t r = bare_random();
		unsigned off = (unsigned)(r >> 8) % 0x40 << 4;
		uint32_t v = (uint32_t)(r >> 32);

		if (off == ICR) /* nothing that is not masked */
			v &= ~0x600u;
		put32(BARE_LAPIC + off, v);
	}
	bare_context = "self interrupts, every vector";
	put32(BARE_LAPIC + SVR, 0x1ff);
	for (unsigned v = 0; v < 256; v++) {
		put32(BARE_LAPIC + ICR, 0x44000 | v);
		put32(BARE_LAPIC + ICR, 0x84000 | (v & 1) << 8 | v);
		put32(BARE_LAPIC + ICR + 0x10, v << 24);
		put32(BARE_LAPIC + ICR, 0x4000 | (v & 2) << 10 | v);
		put32(BARE_LAPIC + 0xb0, v);
	}
	bare_context = "a timer that never rests";
	put32(BARE_LAPIC + 0x320, 0x20040);
	put32(BARE_LAPIC + 0x3e0, 0xb);
	put32(BARE_LAPIC + 0x380, 1);
	provoke();
	put32(BARE_LAPIC + 0x320, MASKED);
	put32(BARE_LAPIC + 0x380, 0);
}

static void deadly(uint32_t mode)
{
	put32(BARE_LAPIC + SVR, 0x1ff);
	put32(BARE_LAPIC + ICR + 0x10, 0);
	put32(BARE_LAPIC + ICR, 0x44000 | mode << 8); /* self */
	put32(BARE_LAPIC + ICR, 0x4000 | mode << 8);  /* CPU 0 */
	put32(BARE_LAPIC + ICR, 0x84000 | mode << 8); /* all */
}

void bare_main(void)
{
	if (bare_arg("nmi"))
		deadly(4);
	if (bare_arg("smi"))
		deadly(2);
	if (bare_arg("init"))
		deadly(5);
	if (bare_arg("sipi"))
		deadly(6);
	if (bare_arg("extint"))
		deadly(7);
	if (bare_arg("reserved"))
		deadly(3);
	if (bare_arg("pins"))
		for (uint32_t mode = 2; mode < 8; mode++) {
			put32(BARE_LAPIC + SVR, 0x1ff);
			pin(5, mode << 8, 0);
			pin(6, mode << 8 | 0x8000, 0xff000000);
			provoke();
		}
	ioapic_abuse();
	lapic_abuse();
	bare_context = "afterwards";
	provoke();
	PASS("the interrupt controllers");
}
