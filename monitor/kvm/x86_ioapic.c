/* x86_ioapic.c: see x86_ioapic.h. Register layout: 82093AA datasheet, 3. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/x86_ioapic.h"

#include "base/check.h"

#define REG_SELECT 0x00
#define REG_WINDOW 0x10

#define IDX_ID    0x00
#define IDX_VER   0x01
#define IDX_ARB   0x02
#define IDX_REDIR 0x10

#define VERSION ((IOAPIC_N_PINS - 1) << 16 | 0x11)

/* redirection entry */
#define REDIR_VECTOR(e)    ((e)&0xff)
#define REDIR_DELIVERY(e)  (((e) >> 8) & 7)
#define REDIR_DEST_MODE(e) (((e) >> 11) & 1)
#define REDIR_LEVEL(e)     (((e) >> 15) & 1)
#define REDIR_DEST(e)      ((e) >> 56)
#define REDIR_MASKED       (1ull << 16)
#define REDIR_READ_ONLY    (1ull << 12 | 1ull << 14) /* status, remote IRR */

void ioapic_init(struct ioapic *io,
		 void (*msi)(void *ctx, uint64_t address, uint32_t data),
		 void *ctx)
{
	*io = (struct ioapic){ .msi = msi, .ctx = ctx };
	for (unsigned i = 0; i < IOAPIC_N_PINS; i++)
		io->redir[i] = REDIR_MASKED;
}

/* Intel SDM volume 3, 11.11: message address and data formats. */
static void deliver(const struct ioapic *io, uint64_t e)
{
	uint64_t address =
		0xfee00000ull | REDIR_DEST(e) << 12 | REDIR_DEST_MODE(e) << 2;
	uint32_t data = (uint32_t)(REDIR_VECTOR(e) | REDIR_DELIVERY(e) << 8 |
				   REDIR_LEVEL(e) << 15 | 1u << 14);

	io->msi(io->ctx, address, data);
}

void ioapic_pulse(struct ioapic *io, unsigned pin)
{
	CHECK(pin < IOAPIC_N_PINS);
	if (io->redir[pin] & REDIR_MASKED)
		io->pending |= 1u << pin;
	else
		deliver(io, io->redir[pin]);
}

uint32_t ioapic_read(const struct ioapic *io, unsigned off)
{
	unsigned i = io->select - IDX_REDIR;

	if (off == REG_SELECT)
		return io->select;
	if (off != REG_WINDOW)
		return 0;
	if (io->select == IDX_ID || io->select == IDX_ARB)
		return io->id;
	if (io->select == IDX_VER)
		return VERSION;
	if (i < 2 * IOAPIC_N_PINS)
		return (uint32_t)(io->redir[i / 2] >> (i % 2 * 32));
	return 0;
}

void ioapic_write(struct ioapic *io, unsigned off, uint32_t value)
{
	unsigned i, pin;
	uint64_t e;

	if (off == REG_SELECT)
		io->select = value & 0xff;
	if (off != REG_WINDOW)
		return;
	if (io->select == IDX_ID)
		io->id = value & 0x0f000000;
	i = io->select - IDX_REDIR;
	if (i >= 2 * IOAPIC_N_PINS)
		return;
	pin = i / 2;
	e = io->redir[pin];
	if (i % 2)
		e = (e & 0xffffffffull) | (uint64_t)value << 32;
	else
		e = (e & ~0xffffffffull) | (value & ~REDIR_READ_ONLY);
	io->redir[pin] = e;
	if (!(e & REDIR_MASKED) && (io->pending & 1u << pin)) {
		io->pending &= ~(1u << pin);
		deliver(io, e);
	}
}
