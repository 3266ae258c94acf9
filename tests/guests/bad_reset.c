/* bad_reset.c: devices reset, and queues closed, while requests are in
 * flight: a console whose reader is slow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define PIECE 0x10000u

static volatile struct ring ring;

/* Offers 64 pieces of 64 KiB at once and goes away with the first on its
 * way. */
static void flood(uint64_t features)
{
	EXPECT(dev_reset(BARE_CONSOLE));
	EXPECT(dev_features(BARE_CONSOLE, features));
	EXPECT(ring_open(&ring, BARE_CONSOLE, 1, 64));
	dev_ok(BARE_CONSOLE);
	for (uint16_t i = 0; i < 64; i++) {
		ring_desc(&ring, i, BARE_ARENA, PIECE, 0, 0);
		ring_offer(&ring, i);
	}
	ring_kick(&ring);
}

/* The memory of the old ring is the guest's again once Status is 0. */
static void expect_quiet(void)
{
	uint16_t idx = ring.used_idx;
	uint64_t start = rdtsc();

	while (rdtsc() - start < 30000000)
		EXPECT(ring.used_idx == idx);
}

void bare_main(void)
{
	for (uint64_t i = 0; i < PIECE; i++)
		put8(BARE_ARENA + i, i % 64 == 63 ? '\n' : 'x');

	bare_context = "reset during output";
	for (unsigned i = 0; i < 20; i++) {
		flood(i & 1 ? F_EVENT_IDX : 0);
		EXPECT(dev_reset(BARE_CONSOLE));
		expect_quiet();
		EXPECT(rng_works());
	}

	bare_context = "registers while a reset is pending";
	for (unsigned i = 0; i < 20; i++) {
		flood(0);
		reg_set(BARE_CONSOLE, REG_STATUS, 0);
		reg_set(BARE_CONSOLE, REG_STATUS, 15);
		reg_set(BARE_CONSOLE, REG_QUEUE_READY, 0);
		reg_set(BARE_CONSOLE, REG_QUEUE_READY, 1);
		reg_set64(BARE_CONSOLE, REG_DESC, ~0ull);
		reg_set(BARE_CONSOLE, REG_NOTIFY, 1);
		reg_set(BARE_CONSOLE, REG_STATUS, 0);
		EXPECT(dev_reset(BARE_CONSOLE));
	}

	bare_context = "queue closed during output";
	for (unsigned i = 0; i < 5; i++) {
		flood(0);
		reg_set(BARE_CONSOLE, REG_QUEUE_SEL, 1);
		reg_set(BARE_CONSOLE, REG_QUEUE_READY, 0);
		(void)reg_get(BARE_CONSOLE, REG_QUEUE_READY);
		reg_set(BARE_CONSOLE, REG_NOTIFY, 1);
		reg_set(BARE_CONSOLE, REG_QUEUE_READY, 1);
		EXPECT(dev_reset(BARE_CONSOLE));
	}

	bare_context = "a broken chain behind good ones";
	for (unsigned i = 0; i < 5; i++) {
		uint64_t start = rdtsc();

		EXPECT(dev_reset(BARE_CONSOLE));
		EXPECT(dev_features(BARE_CONSOLE, 0));
		EXPECT(ring_open(&ring, BARE_CONSOLE, 1, 64));
		dev_ok(BARE_CONSOLE);
		for (uint16_t j = 0; j < 10; j++) {
			ring_desc(&ring, j, j < 9 ? BARE_ARENA : ~0ull, 64, 0,
				  0);
			ring_offer(&ring, j);
		}
		ring_kick(&ring);
		while (!(dev_status(BARE_CONSOLE) & STATUS_NEEDS_RESET))
			EXPECT(rdtsc() - start < 20000000000ull);
		EXPECT(ring.used_idx == 9); /* those before it went out */
	}

	bare_context = "afterwards";
	EXPECT(rng_works());
	EXPECT(console_open());
	EXPECT(say("\n"));
	PASS("resets in flight");
}
