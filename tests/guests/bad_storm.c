/* bad_storm.c: loads and stores of every width all over the device windows
 * and the empty space behind them, thousands of them, always the same ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define STORM 6000

/* Values that mean something somewhere. Addresses the device may come to use
 * are in the arena or nowhere. */
static uint64_t value(void)
{
	uint64_t r = bare_random();
	uint64_t place = BARE_ARENA + (r >> 8) % 0x1000000;

	switch (r & 7) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return ~0ull;
	case 3:
		return (r >> 8) % 64;
	case 4:
		return 1ull << (r >> 8) % 17;
	case 5:
		return place;
	case 6:
		return place & ~0xfffull;
	default:
		return r | 0x80000000;
	}
}

static void touch(uint64_t gpa, unsigned width, bool write)
{
	if (write && width == 1)
		put8(gpa, (uint8_t)value());
	else if (write && width == 2)
		put16(gpa, (uint16_t)value());
	else if (write && width == 4)
		put32(gpa, (uint32_t)value());
	else if (write)
		put64(gpa, value());
	else if (width == 1)
		(void)get8(gpa);
	else if (width == 2)
		(void)get16(gpa);
	else if (width == 4)
		(void)get32(gpa);
	else
		(void)get64(gpa);
}

void bare_main(void)
{
	/* every register, in order: all widths, aligned or not */
	bare_context = "every register";
	for (unsigned dev = 0; dev < 2; dev++)
		for (unsigned off = 0; off < 0x120; off++)
			for (unsigned width = 1; width <= 8; width *= 2)
				touch(reg(dev, off), width, off & 1);
	EXPECT(rng_works());

	bare_context = "across the pages";
	for (unsigned off = 0xff9; off <= 0x1000; off++)
		for (unsigned width = 1; width <= 8; width *= 2) {
			touch(reg(0, off), width, false);
			touch(reg(0, off), width, true);
			touch(reg(1, off), width, false);
			touch(reg(1, off), width, true);
		}
	EXPECT(rng_works());

	bare_context = "random registers";
	for (unsigned i = 0; i < STORM; i++) {
		uint64_t r = bare_random();
		unsigned off = (unsigned)(r >> 16) % 0x120;

		if (r & 0x100)
			off &= ~3u;
		touch(reg(r & 1, off), r & 0x200 ? 4 : 1u << (r >> 4 & 3),
		      r & 0x400);
		if (i % 500 == 499) /* sometimes everything was set up */
			EXPECT(rng_open(0));
	}
	EXPECT(rng_works());

	bare_context = "nothing there";
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t r = bare_random();
		uint64_t gpa = BARE_DEVICES + 0x12000 + (r >> 16) % 0x3e000000;

		if (gpa + 8 > BARE_IOAPIC) /* that one has its own test */
			continue;
		if (r & 1)
			touch(gpa, 1u << (r >> 4 & 3), true);
		else
			EXPECT(get32(gpa) == 0xffffffff);
	}
	PASS("a storm of registers");
}
