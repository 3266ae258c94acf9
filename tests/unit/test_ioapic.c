/* test_ioapic.c: the I/O APIC of the split interrupt chip. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "kvm/x86_ioapic.h"

struct sent {
	unsigned n;
	uint64_t address;
	uint32_t data;
};

static void record(void *ctx, uint64_t address, uint32_t data)
{
	struct sent *s = ctx;

	s->n++;
	s->address = address;
	s->data = data;
}

static void set_redir(struct ioapic *io, unsigned pin, uint64_t e)
{
	ioapic_write(io, 0x00, 0x10 + 2 * pin + 1);
	ioapic_write(io, 0x10, (uint32_t)(e >> 32));
	ioapic_write(io, 0x00, 0x10 + 2 * pin);
	ioapic_write(io, 0x10, (uint32_t)e);
}

Test(ioapic, starts_masked_and_says_24_pins, .timeout = 10)
{
	struct sent s = { 0 };
	struct ioapic io;

	ioapic_init(&io, record, &s);
	for (unsigned i = 0; i < IOAPIC_N_PINS; i++)
		ioapic_pulse(&io, i);
	cr_assert_eq(s.n, 0);
	ioapic_write(&io, 0x00, 1);
	cr_assert_eq(ioapic_read(&io, 0x10) >> 16, IOAPIC_N_PINS - 1);
}

Test(ioapic, a_pulse_becomes_the_message_of_its_entry, .timeout = 10)
{
	struct sent s = { 0 };
	struct ioapic io;

	ioapic_init(&io, record, &s);
	/* CPU 3, logical, lowest priority, vector 0x41 */
	set_redir(&io, 5, 3ull << 56 | 1 << 11 | 1 << 8 | 0x41);
	ioapic_pulse(&io, 5);
	cr_assert_eq(s.n, 1);
	cr_assert_eq(s.address, 0xfee03004);
	cr_assert_eq(s.data & 0xff, 0x41);
	cr_assert_eq(s.data >> 8 & 7, 1);
}

Test(ioapic, a_pulse_under_a_mask_is_delivered_once_later, .timeout = 10)
{
	struct sent s = { 0 };
	struct ioapic io;

	ioapic_init(&io, record, &s);
	ioapic_pulse(&io, 7);
	ioapic_pulse(&io, 7);
	set_redir(&io, 7, 0x50);
	cr_assert_eq(s.n, 1);
	set_redir(&io, 7, 0x50);
	cr_assert_eq(s.n, 1);
}

Test(ioapic, read_only_bits_stay_clear, .timeout = 10)
{
	struct sent s = { 0 };
	struct ioapic io;

	ioapic_init(&io, record, &s);
	set_redir(&io, 0, 0xffffffffffffffffull);
	ioapic_write(&io, 0x00, 0x10);
	cr_assert_eq(ioapic_read(&io, 0x10) & (1u << 12 | 1u << 14), 0);
}

Test(ioapic, any_register_can_be_poked, .timeout = 10)
{
	struct sent s = { 0 };
	struct ioapic io;

	ioapic_init(&io, record, &s);
	for (uint32_t sel = 0; sel < 0x200; sel++)
		for (unsigned off = 0; off < 0x100; off++) {
			ioapic_write(&io, 0x00, sel);
			ioapic_write(&io, off, 0xa5a5a5a5u ^ sel);
			(void)ioapic_read(&io, off);
		}
	cr_assert_eq(ioapic_read(&io, 0x40), 0);
}
