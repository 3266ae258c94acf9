/* bad_chain.c: every broken chain a driver can offer, to rng and to the
 * console's output. Each must cost the device, and nothing else: NEEDS_RESET
 * and a configuration interrupt, the other device works on, and after a reset
 * so does this one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

/* behind what rng_works() leaves: what goes out on the console is 'b's */
#define BUF     (BARE_ARENA + 0x1000)
#define TABLE   (BARE_ARENA + 0x10000)
#define RAM_END 0x4000000ull /* -m 64M */

struct target {
	const char *name;
	unsigned dev, queue, size;
	uint16_t dir; /* DESC_WRITE where the device writes */
};

static const struct target targets[] = {
	{ "rng", BARE_RNG, 0, 8, DESC_WRITE },
	{ "console", BARE_CONSOLE, 1, 64, 0 },
	{ "error console", BARE_ERRORS, 1, 64, 0 },
};

static volatile struct ring ring;
static unsigned size;
static uint16_t dir;

static void d(unsigned i, uint64_t gpa, uint32_t len, uint16_t flags,
	      uint16_t next)
{
	ring_desc(&ring, i, gpa, len, flags, next);
}

/* Entry i of the indirect table. */
static void t(unsigned i, uint64_t gpa, uint32_t len, uint16_t flags,
	      uint16_t next)
{
	volatile struct desc *p = (volatile struct desc *)TABLE + i;

	p->gpa = gpa;
	p->len = len;
	p->flags = flags;
	p->next = next;
}

/* One broken chain, head 0 unless the case offers its own. */
static void one(uint64_t gpa, uint32_t len)
{
	d(0, gpa, len, dir, 0);
}

static void loop1(void)
{
	d(0, BUF, 16, dir | DESC_NEXT, 0);
}

static void loop2(void)
{
	d(0, BUF, 16, dir | DESC_NEXT, 1);
	d(1, BUF, 16, dir | DESC_NEXT, 0);
}

static void loop_all(void)
{
	for (unsigned i = 0; i < size; i++)
		d(i, BUF, 1, dir | DESC_NEXT, (uint16_t)((i + 1) % size));
}

static void loop_empty(void)
{
	d(0, BUF, 0, dir | DESC_NEXT, 0);
}

static void next_size(void)
{
	d(0, BUF, 16, dir | DESC_NEXT, (uint16_t)size);
}

static void next_max(void)
{
	d(0, BUF, 16, dir | DESC_NEXT, 0xffff);
}

static void head_size(void)
{
	ring.avail[0] = (uint16_t)size;
}

static void head_max(void)
{
	ring.avail[0] = 0xffff;
}

static void wrong_way(void)
{
	d(0, BUF, 16, dir ^ DESC_WRITE, 0);
}

static void read_after_write(void)
{
	d(0, BUF, 16, DESC_WRITE | DESC_NEXT, 1);
	d(1, BUF, 16, 0, 0);
}

static void ram_end(void)
{
	one(RAM_END, 1);
}

static void over_ram_end(void)
{
	one(RAM_END - 8, 9);
}

static void platform_page(void)
{
	one(PLATFORM_GPA, 64);
}

static void own_registers(void)
{
	one(BARE_DEVICES, 4096);
}

static void lapic(void)
{
	one(BARE_LAPIC, 4096);
}

static void above_4g(void)
{
	one(0x100000000ull, 16);
}

static void wraps(void)
{
	one(~0ull - 7, 16);
}

static void last_byte(void)
{
	one(~0ull, 1);
}

static void wraps_far(void)
{
	one(~0ull - 0xfffff, 0xffffffff);
}

static void huge(void)
{
	one(BUF, 0xffffffff);
}

static void huge_twice(void)
{
	d(0, BUF, 0x80000000, dir | DESC_NEXT, 1);
	d(1, BUF, 0x80000001, dir, 0);
}

static void second_bad(void)
{
	d(0, BUF, 16, dir | DESC_NEXT, 1);
	d(1, RAM_END, 16, dir, 0);
}

static void avail_far(void)
{
	ring.avail_idx = (uint16_t)size;
}

static void avail_farther(void)
{
	ring.avail_idx = 0x7fff;
}

static void avail_back(void)
{
	ring.avail_idx = 0xfffe;
}

static void indirect(void)
{
	t(0, BUF, 16, dir, 0);
	d(0, TABLE, 16, DESC_INDIRECT, 0);
}

static void ind_next(void)
{
	t(0, BUF, 16, dir, 0);
	d(0, TABLE, 16, DESC_INDIRECT | DESC_NEXT, 1);
	d(1, BUF, 16, dir, 0);
}

static void ind_nested(void)
{
	t(0, TABLE, 16, DESC_INDIRECT, 0);
	d(0, TABLE, 16, DESC_INDIRECT, 0);
}

static void ind_len0(void)
{
	d(0, TABLE, 0, DESC_INDIRECT, 0);
}

static void ind_len8(void)
{
	d(0, TABLE, 8, DESC_INDIRECT, 0);
}

static void ind_len24(void)
{
	t(0, BUF, 16, dir, 0);
	d(0, TABLE, 24, DESC_INDIRECT, 0);
}

static void ind_long(void)
{
	for (unsigned i = 0; i <= size; i++)
		t(i, BUF, 1, i < size ? dir | DESC_NEXT : dir,
		  (uint16_t)(i + 1));
	d(0, TABLE, (size + 1) * 16, DESC_INDIRECT, 0);
}

static void ind_huge(void)
{
	d(0, TABLE, 0xfffffff0, DESC_INDIRECT, 0);
}

static void ind_outside(void)
{
	d(0, RAM_END - 16, 32, DESC_INDIRECT, 0);
}

static void ind_wraps(void)
{
	d(0, ~0ull - 15, 32, DESC_INDIRECT, 0);
}

static void ind_registers(void)
{
	d(0, BARE_DEVICES, 64, DESC_INDIRECT, 0);
}

static void ind_next_far(void)
{
	t(0, BUF, 16, dir | DESC_NEXT, 2);
	t(1, BUF, 16, dir, 0);
	d(0, TABLE, 32, DESC_INDIRECT, 0);
}

static void ind_loop(void)
{
	t(0, BUF, 16, dir | DESC_NEXT, 1);
	t(1, BUF, 16, dir | DESC_NEXT, 0);
	d(0, TABLE, 32, DESC_INDIRECT, 0);
}

static void ind_late(void)
{
	d(0, BUF, 16, dir | DESC_NEXT, 1);
	d(1, TABLE, 32, DESC_INDIRECT, 0);
	t(0, BUF, 16, dir | DESC_NEXT, 1);
	t(1, BUF, 16, dir | DESC_NEXT, 1);
}

static void ind_bad(void)
{
	t(0, BUF, 16, dir | DESC_NEXT, 1);
	t(1, ~0ull, 16, dir, 0);
	d(0, TABLE, 32, DESC_INDIRECT, 0);
}

static void ind_self(void)
{
	d(0, (uintptr_t)ring.desc, 32, DESC_INDIRECT, 0);
}

static const struct {
	const char *name;
	void (*make)(void);
	uint64_t features;
} cases[] = {
	{ "a chain that loops on itself", loop1, 0 },
	{ "a loop of two", loop2, 0 },
	{ "a loop of all", loop_all, 0 },
	{ "a loop of nothing", loop_empty, 0 },
	{ "next is size", next_size, 0 },
	{ "next is 65535", next_max, 0 },
	{ "head is size", head_size, 0 },
	{ "head is 65535", head_max, 0 },
	{ "wrong direction", wrong_way, 0 },
	{ "readable after writable", read_after_write, 0 },
	{ "buffer behind RAM", ram_end, 0 },
	{ "buffer over the end of RAM", over_ram_end, 0 },
	{ "buffer in the platform page", platform_page, 0 },
	{ "buffer in device registers", own_registers, 0 },
	{ "buffer in the local APIC", lapic, 0 },
	{ "buffer above 4 GiB", above_4g, 0 },
	{ "buffer that wraps", wraps, 0 },
	{ "buffer at the last byte", last_byte, 0 },
	{ "huge buffer that wraps", wraps_far, 0 },
	{ "huge buffer", huge, 0 },
	{ "more than 4 GiB", huge_twice, 0 },
	{ "bad second buffer", second_bad, 0 },
	{ "index one too far", avail_far, 0 },
	{ "index half way round", avail_farther, 0 },
	{ "index backwards", avail_back, 0 },
	{ "index too far, event index", avail_far, F_EVENT_IDX },
	{ "index backwards, event index", avail_back, F_EVENT_IDX },
	{ "indirect not negotiated", indirect, 0 },
	{ "indirect with next", ind_next, F_INDIRECT },
	{ "indirect in indirect", ind_nested, F_INDIRECT },
	{ "empty table", ind_len0, F_INDIRECT },
	{ "table of 8 bytes", ind_len8, F_INDIRECT },
	{ "table of 24 bytes", ind_len24, F_INDIRECT },
	{ "table longer than the queue", ind_long, F_INDIRECT },
	{ "huge table", ind_huge, F_INDIRECT },
	{ "table over the end of RAM", ind_outside, F_INDIRECT },
	{ "table that wraps", ind_wraps, F_INDIRECT },
	{ "table in device registers", ind_registers, F_INDIRECT },
	{ "next outside the table", ind_next_far, F_INDIRECT },
	{ "loop in a table", ind_loop, F_INDIRECT },
	{ "loop in a table at a chain's end", ind_late, F_INDIRECT },
	{ "bad buffer in a table", ind_bad, F_INDIRECT },
	{ "the descriptors as a table", ind_self, F_INDIRECT },
};

static void open_target(const struct target *g, uint64_t features)
{
	EXPECT(dev_reset(g->dev));
	EXPECT(dev_features(g->dev, features));
	EXPECT(ring_open(&ring, g->dev, g->queue, g->size));
	dev_ok(g->dev);
	EXPECT(dev_status(g->dev) == 15);
}

static void expect_fault(const struct target *g)
{
	uint64_t start = rdtsc();

	while (!(dev_status(g->dev) & STATUS_NEEDS_RESET))
		EXPECT(rdtsc() - start < 10000000000ull);
	EXPECT(reg_get(g->dev, REG_ISR) & 2);
	/* nothing was done for it, and nothing will be */
	EXPECT(ring.used_idx == 0);
	ring_kick(&ring);
	EXPECT(ring.used_idx == 0);
	reg_set(g->dev, REG_ACK, 3);
	EXPECT(reg_get(g->dev, REG_ISR) == 0);
	EXPECT(dev_status(g->dev) == (15 | STATUS_NEEDS_RESET));
}

static void try_all(const struct target *g, bool early)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bare_context = cases[i].name;
		size = g->size;
		dir = g->dir;
		open_target(g, cases[i].features);
		cases[i].make();
		barrier();
		ring.avail_idx++;
		barrier();
		if (early) {
			/* the chain waits when the device comes alive */
			volatile struct ring kept = ring;

			open_target(g, cases[i].features);
			EXPECT(dev_reset(g->dev));
			EXPECT(dev_features(g->dev, cases[i].features));
			EXPECT(ring_open(&ring, g->dev, g->queue, g->size));
			ring = kept;
			barrier();
			dev_ok(g->dev);
		} else {
			ring_kick(&ring);
		}
		expect_fault(g);
	}
	bare_context = g->name;
}

void bare_main(void)
{
	for (uint64_t i = 0; i < 0x1000; i++)
		put8(BUF + i, 'b');
	for (unsigned i = 0; i < 3; i++) {
		if (!dev_exists(targets[i].dev))
			continue;
		try_all(&targets[i], false);
		try_all(&targets[i], true);
		EXPECT(rng_works());
		EXPECT(console_open());
		EXPECT(say("still here\n"));
	}
	/* one device's fault is its own */
	bare_context = "rng is in error";
	size = 8;
	dir = DESC_WRITE;
	EXPECT(console_open());
	open_target(&targets[0], 0);
	loop1();
	ring_offer(&ring, 0);
	ring_kick(&ring);
	EXPECT(dev_status(BARE_RNG) & STATUS_NEEDS_RESET);
	EXPECT(say("the console does not mind\n"));
	EXPECT(dev_status(BARE_CONSOLE) == 15);
	EXPECT(rng_works());
	PASS("every broken chain");
}
