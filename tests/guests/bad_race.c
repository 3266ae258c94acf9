/* bad_race.c: processor 1 rewrites rings and buffers, natively fast, while
 * processor 0 kicks: rng's ring, then the console's output ring. A second
 * each; then both at the registers of rng and the platform page. Afterwards
 * the devices must work as if nothing had been. Needs -c 2.
 * What the devices may write to in between is the arena and the rings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define ROUND   3000000000ull /* time stamps: about a second */
#define RAM_END 0x4000000ull  /* -m 64M */
#define TABLE   (BARE_ARENA + 0x10000)

static volatile struct ring ring;
static volatile uint32_t go, paused, registers;
static volatile uint64_t rewrites;

static uint64_t address(uint64_t r)
{
	switch (r & 15) {
	case 0:
		return RAM_END - (r >> 8 & 0xfff);
	case 1:
		return ~0ull - (r >> 8 & 0xffff);
	case 2:
		return BARE_DEVICES + (r >> 8 & 0xffff);
	case 3:
		return (uintptr_t)ring.desc + (r >> 8 & 0xfff);
	case 4:
		return TABLE + (r >> 8 & 0xff) * 16;
	default:
		return BARE_ARENA + (r >> 8 & 0xffffff);
	}
}

static uint32_t length(uint64_t r)
{
	return r & 1 ? (uint32_t)(r >> 8) & 0xff : (uint32_t)(r >> 8) & 0xffff;
}

/* Its own generator: the other one belongs to processor 0. */
static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void rewrite_desc(volatile struct desc *d, uint64_t r, uint64_t s)
{
	switch (r >> 60) {
	case 0:
		d->flags = (uint16_t)(s & 7);
		break;
	case 1:
		d->next = (uint16_t)(s & 0x7f);
		break;
	case 2: /* half an address */
		put32((uintptr_t)&d->gpa, (uint32_t)address(s));
		break;
	case 3:
		d->len = s & 0x8000 ? 0xffffffff : 0;
		break;
	default: /* mostly good again, so that there is something to race */
		d->flags = 0;
		d->gpa = BARE_ARENA + (s & 0xfffff);
		d->len = length(s >> 20);
		d->next = (uint16_t)(s >> 40 & 7);
		d->flags = (ring.queue == 0 ? DESC_WRITE : 0) |
			   (s >> 48 & 3 ? 0 : DESC_NEXT);
		break;
	}
}

/* A register of rng, or a batch of them. Rings are where they were. */
static void touch(uint64_t r)
{
	static const uint8_t off[] = { REG_STATUS, REG_NOTIFY,     REG_ACK,
				       REG_ISR,    REG_QUEUE_SEL,  REG_FEATURES,
				       REG_MAGIC,  REG_QUEUE_READY };
	static const uint32_t value[] = { 0, 1, 3, 11, 15, 0, 0, 2 };
	static volatile struct {
		uint32_t n;
		struct platform_batch_op op[8];
	} batch;
	uint64_t gpa = reg(BARE_RNG, off[r & 7]);

	if ((r & 0x70) == 0) {
		for (unsigned i = 0; i < 8; i++) {
			batch.op[i].gpa =
				(uint32_t)reg(BARE_RNG, off[r >> i & 7]);
			batch.op[i].flags = (uint32_t)(r >> (i + 8)) & 1;
			batch.op[i].value = value[r >> (i + 16) & 7];
		}
		batch.n = 8;
		put64(PLATFORM_GPA + PLATFORM_REG_BATCH, (uintptr_t)&batch);
	} else if (r & 0x100) {
		(void)get32(gpa);
	} else {
		put32(gpa, value[r >> 16 & 7]);
	}
}

static void __attribute__((noreturn)) racer(void)
{
	uint64_t x = 0x123456789abcdef;

	for (;;) {
		uint64_t r, s;

		while (!go)
			paused = 1;
		r = next(&x);
		s = next(&x);
		if (registers) {
			touch(s);
			continue;
		}
		if ((r >> 8 & 15) == 0)
			ring.avail[r >> 16 & 63] = (uint16_t)(s & 0x4f);
		else if ((r >> 8 & 15) == 1)
			ring.used_flags = ring.used_event = (uint16_t)s;
		else if ((r >> 8 & 15) == 2)
			rewrite_desc((volatile struct desc *)TABLE +
					     (r >> 16 & 63),
				     r, s);
		else if ((r >> 8 & 0xff) == 0x83)
			ring.avail_idx = (uint16_t)s;
		else
			rewrite_desc(&ring.desc[r >> 16 & 63], r, s);
		rewrites++;
	}
}

static void pause_racer(void)
{
	go = 0;
	paused = 0;
	barrier();
	while (!paused)
		;
}

static void open_ring(unsigned dev, unsigned queue, unsigned size,
		      uint64_t features)
{
	EXPECT(dev_reset(dev));
	EXPECT(dev_features(dev, features));
	EXPECT(ring_open(&ring, dev, queue, size));
	for (unsigned i = 0; i < RING_MAX; i++)
		ring_desc(&ring, i, BARE_ARENA, 64, queue ? 0 : DESC_WRITE, 0);
	dev_ok(dev);
}

/* Returns how often the device had to be reset. */
static unsigned race(unsigned dev, unsigned queue, unsigned size,
		     uint64_t features)
{
	uint64_t start = rdtsc();
	unsigned faults = 0;

	open_ring(dev, queue, size, features);
	go = 1;
	for (uint16_t i = 0; rdtsc() - start < ROUND; i++) {
		ring.avail[i % size] = i % size;
		barrier();
		ring.avail_idx++;
		barrier();
		reg_set(dev, REG_NOTIFY, queue);
		if (i % 16 == 0 && (dev_status(dev) & STATUS_NEEDS_RESET)) {
			faults++;
			pause_racer();
			open_ring(dev, queue, size, features);
			go = 1;
		}
		if (i % 100 == 0) /* resets while it is at it */
			reg_set(dev, REG_STATUS, 0);
		if (i % 100 == 0) {
			pause_racer();
			open_ring(dev, queue, size, features);
			go = 1;
		}
	}
	pause_racer();
	EXPECT(dev_reset(dev));
	return faults;
}

/* Both at the same registers, and both at the same platform page. */
static void race_registers(void)
{
	uint64_t start = rdtsc();

	open_ring(BARE_RNG, 0, 8, 0);
	registers = 1;
	go = 1;
	while (rdtsc() - start < ROUND / 2)
		touch(bare_random());
	pause_racer();
}

void bare_main(void)
{
	unsigned rng, console;

	bare_context = "starting the other processor";
	EXPECT(bare_start(1, racer));
	bare_context = "racing for rng";
	rng = race(BARE_RNG, 0, 8, 0);
	EXPECT(rng_works());
	rng += race(BARE_RNG, 0, 8, F_INDIRECT | F_EVENT_IDX);
	EXPECT(rng_works());
	bare_context = "racing for the console's output";
	console = race(BARE_CONSOLE, 1, 64, 0);
	console += race(BARE_CONSOLE, 1, 64, F_INDIRECT | F_EVENT_IDX);
	EXPECT(console_open());
	EXPECT(rng_works());
	say("\n");
	say_number(rewrites, 10);
	say(" rewrites; faults: rng ");
	say_number(rng, 10);
	say(", console ");
	say_number(console, 10);
	say("\n");
	bare_context = "racing for registers";
	race_registers();
	EXPECT(rng_works());
	EXPECT(rewrites > 1000);
	EXPECT(rng > 0);
	EXPECT(console > 0);
	go = 1; /* it goes on while the machine ends */
	PASS("races");
}
