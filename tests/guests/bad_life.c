/* bad_life.c: a driver that does not keep to the order of things: status
 * bits, features, queues that do not exist, set-up while running. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define OPEN (STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES_OK)

static volatile struct ring ring;

static void features(void)
{
	bare_context = "features";
	for (unsigned dev = 0; dev < 2; dev++) {
		EXPECT(dev_reset(dev));
		EXPECT(!dev_features(dev, 1ull << 27));
		EXPECT(dev_reset(dev));
		EXPECT(!dev_features(dev, 1ull << 63));
		EXPECT(dev_reset(dev));
		reg_set(dev, REG_STATUS, OPEN); /* not even VERSION_1 */
		EXPECT(!(dev_status(dev) & STATUS_FEATURES_OK));
		EXPECT(dev_reset(dev));
		EXPECT(dev_features(dev, F_INDIRECT | F_EVENT_IDX));
		/* too late to change one's mind */
		reg_set(dev, REG_DRIVER_FEATURES_SEL, 0);
		reg_set(dev, REG_DRIVER_FEATURES, 0xffffffff);
		EXPECT(dev_status(dev) == OPEN);
		for (uint32_t sel = 2; sel; sel *= 2) {
			reg_set(dev, REG_FEATURES_SEL, sel);
			EXPECT(reg_get(dev, REG_FEATURES) == 0);
			reg_set(dev, REG_DRIVER_FEATURES_SEL, sel);
			reg_set(dev, REG_DRIVER_FEATURES, 0xffffffff);
		}
		EXPECT(dev_status(dev) == OPEN);
	}
}

static void status(void)
{
	const unsigned dev = BARE_RNG;

	bare_context = "DRIVER_OK without FEATURES_OK";
	EXPECT(dev_reset(dev));
	reg_set(dev, REG_STATUS, STATUS_ACK | STATUS_DRIVER | STATUS_OK);
	EXPECT(dev_status(dev) & STATUS_NEEDS_RESET);
	EXPECT(rng_works());

	bare_context = "status bits taken back";
	reg_set(dev, REG_STATUS, 7);
	EXPECT(dev_status(dev) == 15);
	reg_set(dev, REG_STATUS, 0x30);
	EXPECT(dev_status(dev) == 15);
	reg_set(dev, REG_STATUS, 0xffffff3f);
	EXPECT((dev_status(dev) & ~0x30u) == 15);
	EXPECT(rng_gives());

	bare_context = "NEEDS_RESET written by the driver";
	reg_set(dev, REG_STATUS, 15 | STATUS_NEEDS_RESET);
	EXPECT(dev_status(dev) == 15);
	EXPECT(rng_gives());

	bare_context = "FAILED";
	reg_set(dev, REG_STATUS, 15 | STATUS_FAILED);
	EXPECT(dev_status(dev) & STATUS_FAILED);
	ring_desc(&bare_rng_ring, 0, BARE_ARENA, 64, DESC_WRITE, 0);
	ring_offer(&bare_rng_ring, 0);
	ring_kick(&bare_rng_ring);
	EXPECT(bare_rng_ring.used_idx + 1 == bare_rng_ring.avail_idx);
	EXPECT(rng_works());
}

static void queues(void)
{
	const unsigned dev = BARE_RNG;

	bare_context = "a queue before FEATURES_OK";
	EXPECT(dev_reset(dev));
	EXPECT(!ring_open(&ring, dev, 0, 8));
	EXPECT(dev_status(dev) == 0);

	bare_context = "queues that do not exist";
	EXPECT(rng_open(0));
	for (uint32_t sel = 1; sel; sel *= 2) {
		reg_set(dev, REG_QUEUE_SEL, sel);
		EXPECT(reg_get(dev, REG_QUEUE_NUM_MAX) == 0);
		EXPECT(reg_get(dev, REG_QUEUE_READY) == 0);
		EXPECT(!ring_open(&ring, dev, sel, 8));
		reg_set(dev, REG_NOTIFY, sel);
		reg_set(dev, REG_NOTIFY, 0x10000 | sel);
	}
	EXPECT(dev_status(dev) == 15);
	EXPECT(rng_gives());

	bare_context = "set-up while running";
	reg_set(dev, REG_QUEUE_SEL, 0);
	reg_set(dev, REG_QUEUE_NUM, 3);
	reg_set64(dev, REG_DESC, ~0ull);
	reg_set64(dev, REG_AVAIL, 1);
	reg_set64(dev, REG_USED, 0xc0001000);
	for (uint32_t v = 1; v; v *= 2)
		reg_set(dev, REG_QUEUE_READY, v);
	EXPECT(reg_get(dev, REG_QUEUE_READY) == 1);
	EXPECT(rng_gives());

	bare_context = "the queue closed and opened again";
	for (unsigned i = 0; i < 20; i++) {
		reg_set(dev, REG_QUEUE_SEL, 0);
		reg_set(dev, REG_QUEUE_READY, 0);
		EXPECT(reg_get(dev, REG_QUEUE_READY) == 0);
		ring_kick(&bare_rng_ring);
		EXPECT(ring_open(&bare_rng_ring, dev, 0, 1u << i % 4));
		EXPECT(rng_gives());
	}

	bare_context = "a kick before DRIVER_OK";
	EXPECT(dev_reset(dev));
	EXPECT(dev_features(dev, 0));
	EXPECT(ring_open(&bare_rng_ring, dev, 0, 8));
	ring_desc(&bare_rng_ring, 0, BARE_ARENA, 64, DESC_WRITE, 0);
	ring_offer(&bare_rng_ring, 0);
	ring_kick(&bare_rng_ring);
	EXPECT(bare_rng_ring.used_idx == 0);
	dev_ok(dev); /* what waits is done now */
	EXPECT(ring_wait(&bare_rng_ring));

	bare_context = "DRIVER_OK without any queue";
	EXPECT(dev_reset(dev));
	EXPECT(dev_features(dev, 0));
	dev_ok(dev);
	reg_set(dev, REG_NOTIFY, 0);
	EXPECT(dev_status(dev) == 15);
	EXPECT(ring_open(&bare_rng_ring, dev, 0, 8)); /* late, but served */
	EXPECT(rng_gives());
}

static void storms(void)
{
	bare_context = "a thousand resets";
	for (unsigned i = 0; i < 1000; i++)
		reg_set(i & 1, REG_STATUS, 0);
	EXPECT(rng_works());

	bare_context = "random statuses";
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t r = bare_random();

		reg_set(r & 1, REG_STATUS, (uint32_t)(r >> 8) & 0xff);
		if (i % 50 == 0)
			reg_set(i / 50 & 1, REG_STATUS, 0);
	}
	EXPECT(rng_works());

	bare_context = "kicks without a chain";
	for (unsigned i = 0; i < 3000; i++)
		ring_kick(&bare_rng_ring);
	EXPECT(rng_gives());
	EXPECT(console_open());
	for (unsigned i = 0; i < 3000; i++)
		reg_set(BARE_CONSOLE, REG_NOTIFY, i & 1);
	EXPECT(say("still here\n"));

	bare_context = "kicks with a chain each";
	for (unsigned i = 0; i < 1000; i++) {
		ring_desc(&bare_rng_ring, 0, BARE_ARENA, 1 + i, DESC_WRITE, 0);
		ring_offer(&bare_rng_ring, 0);
		ring_kick(&bare_rng_ring);
		EXPECT(ring_wait(&bare_rng_ring));
	}
}

void bare_main(void)
{
	features();
	status();
	queues();
	storms();
	EXPECT(rng_works());
	PASS("every wrong order");
}
