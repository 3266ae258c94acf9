/* bad_queue.c: rings that cannot be, on every queue of both devices: the
 * device refuses them with NEEDS_RESET. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define A       BARE_ARENA
#define RAM_END 0x4000000ull /* -m 64M */

static unsigned dev, queue;

static void set_up(uint32_t size, uint64_t desc, uint64_t avail, uint64_t used)
{
	EXPECT(dev_reset(dev));
	EXPECT(dev_features(dev, 0));
	reg_set(dev, REG_QUEUE_SEL, queue);
	reg_set(dev, REG_QUEUE_NUM, size);
	reg_set64(dev, REG_DESC, desc);
	reg_set64(dev, REG_AVAIL, avail);
	reg_set64(dev, REG_USED, used);
	reg_set(dev, REG_QUEUE_READY, 1);
}

static void refused(const char *what, uint32_t size, uint64_t desc,
		    uint64_t avail, uint64_t used)
{
	bare_context = what;
	set_up(size, desc, avail, used);
	EXPECT(reg_get(dev, REG_QUEUE_READY) == 0);
	EXPECT(dev_status(dev) & STATUS_NEEDS_RESET);
	/* no second chance without a reset */
	reg_set64(dev, REG_DESC, A);
	reg_set(dev, REG_QUEUE_READY, 1);
	EXPECT(reg_get(dev, REG_QUEUE_READY) == 0);
	dev_ok(dev);
	reg_set(dev, REG_NOTIFY, queue);
	EXPECT(dev_status(dev) & STATUS_NEEDS_RESET);
}

static void accepted(const char *what, uint32_t size, uint64_t desc,
		     uint64_t avail, uint64_t used)
{
	bare_context = what;
	set_up(size, desc, avail, used);
	EXPECT(reg_get(dev, REG_QUEUE_READY) == 1);
	EXPECT(!(dev_status(dev) & STATUS_NEEDS_RESET));
}

static void try_sizes(uint32_t max)
{
	const uint32_t bad[] = { 0,       3,        5,         6,
				 7,       max - 1,  max + 1,   2 * max,
				 max * 3, 0x8000,   0x10000,   0x10000 | max,
				 65535,   1u << 31, 0xffffffff };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused("size", bad[i], A, A + 0x10000, A + 0x20000);
	for (uint32_t n = 1; n <= max; n *= 2)
		accepted("good size", n, A, A + 0x10000, A + 0x20000);
}

static void try_places(uint32_t n)
{
	const uint64_t outside[] = { RAM_END,      RAM_END - 16, 0xbffffff0,
				     PLATFORM_GPA, BARE_DEVICES, BARE_LAPIC,
				     0xfffffff0,   0x100000000,  1ull << 40,
				     1ull << 63,   ~0xfull };

	for (unsigned i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		refused("descriptors outside", n, outside[i], A, A + 0x1000);
		refused("avail ring outside", n, A, outside[i] + 14,
			A + 0x1000);
		refused("used ring outside", n, A, A + 0x1000, outside[i] + 12);
	}
	for (unsigned i = 1; i < 16; i++)
		refused("unaligned descriptors", n, A + i, A + 0x1000,
			A + 0x2000);
	refused("unaligned avail ring", n, A, A + 0x1001, A + 0x2000);
	for (unsigned i = 1; i < 4; i++)
		refused("unaligned used ring", n, A, A + 0x1000,
			A + 0x2000 + i);
	refused("all in one place", n, A, A, A);
	refused("avail in descriptors", n, A, A + 16ull * n - 2, A + 0x2000);
	refused("used in descriptors", n, A, A + 0x2000, A + 16ull * n - 4);
	refused("used in avail", n, A, A + 0x1000, A + 0x1000 + 4 + 2 * n);
	refused("descriptors in used", n, A + 0x1010, A, A + 0x1000);
	accepted("side by side", n, A, A + 16ull * n,
		 A + 16ull * n + 8 + 2 * n);
	accepted("up to the end of RAM", n, RAM_END - 16 * n, A, A + 0x1000);
	accepted("from 0", n, 0, A, A + 0x1000);
}

void bare_main(void)
{
	for (dev = 0; dev < 3; dev++)
		for (queue = 0; queue < (dev == BARE_RNG ? 1 : 2); queue++) {
			uint32_t max;

			if (!dev_exists(dev))
				continue;
			reg_set(dev, REG_QUEUE_SEL, queue);
			max = reg_get(dev, REG_QUEUE_NUM_MAX);
			bare_context = NULL;
			EXPECT(max == (dev == BARE_RNG ? 8 : 64));
			try_sizes(max);
			try_places(max);
		}
	bare_context = "afterwards";
	EXPECT(rng_works());
	PASS("every impossible ring");
}
