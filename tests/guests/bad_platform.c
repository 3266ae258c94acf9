/* bad_platform.c: the platform page used wrongly; at last used well, for an
 * exit status of 7. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define P       ((uint64_t)PLATFORM_GPA)
#define RAM_END 0x4000000ull /* -m 64M */

static struct {
	uint32_t n;
	struct platform_batch_op op[PLATFORM_BATCH_MAX + 8];
} batch;
static struct platform_report report;

static const uint64_t nowhere[] = {
	0xffffffffffffffff,
	0xfffffffffffffff0,
	0x8000000000000000,
	0x0000010000000000,
	RAM_END,
	RAM_END - 1,
	RAM_END - 3,
	RAM_END - 100,
	PLATFORM_GPA,
	BARE_DEVICES,
	BARE_LAPIC,
	0xbffffffc,
};

static void registers(void)
{
	bare_context = "wrong widths";
	EXPECT(get32(P) == PLATFORM_MAGIC);
	EXPECT(get32(P + 4) == PLATFORM_ABI_VERSION);
	for (unsigned off = 0; off < 0x60; off++) {
		(void)get8(P + off);
		(void)get16(P + off);
		(void)get32(P + off);
		(void)get64(P + off);
		put8(P + off, 0); /* neither sleep nor reset is 0 */
		put16(P + off, 0);
		put64(P + off, ~0ull); /* no report, no batch is there */
		if (off != PLATFORM_REG_EXIT)
			put32(P + off, 0);
	}
	bare_context = "almost the right value";
	for (unsigned v = 0; v < 256; v++) {
		if (v != PLATFORM_SLEEP_OFF)
			put8(P + PLATFORM_REG_SLEEP, (uint8_t)v);
		if (v != PLATFORM_RESET_VALUE)
			put8(P + PLATFORM_REG_RESET, (uint8_t)v);
	}
	bare_context = "the rest of the page";
	for (unsigned off = 0x60; off < 0x1000; off += 12)
		EXPECT(get32(P + off) == 0);
	put64(P + 0xffc, ~0ull); /* into the first device */
	EXPECT(rng_works());
}

static void reports(void)
{
	bare_context = "reports that are nowhere";
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++)
		put64(P + PLATFORM_REG_REPORT, nowhere[i]);
	bare_context = "reports of the wrong length";
	report.kind = PLATFORM_REPORT_EXITED;
	report.status = 55;
	for (uint32_t len = 1; len; len *= 2) {
		report.len = len;
		put64(P + PLATFORM_REG_REPORT, (uintptr_t)&report);
		report.len = sizeof(report) + len;
		put64(P + PLATFORM_REG_REPORT, (uintptr_t)&report);
	}
	report.len = sizeof(report);
	put32(P + PLATFORM_REG_REPORT, (uint32_t)(uintptr_t)&report);
}

static void do_batch(uint32_t n)
{
	batch.n = n;
	barrier();
	put64(P + PLATFORM_REG_BATCH, (uintptr_t)&batch);
	barrier();
}

static void set_op(unsigned i, uint32_t gpa, uint32_t flags, uint32_t value)
{
	batch.op[i] = (struct platform_batch_op){ gpa, flags, value };
}

static void batches(void)
{
	const uint32_t bad_n[] = { 0,          65,         66,
				   72,         128,        0x10000,
				   0x80000000, 0x55555556, 0xffffffff };

	bare_context = "batches that are nowhere";
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++)
		put64(P + PLATFORM_REG_BATCH, nowhere[i]);

	bare_context = "batches of a wrong number";
	set_op(0, PLATFORM_GPA + PLATFORM_REG_MAGIC, 0, 0x1234);
	for (unsigned i = 0; i < sizeof(bad_n) / sizeof(*bad_n); i++) {
		do_batch(bad_n[i]);
		EXPECT(((volatile uint32_t *)&batch)[3] == 0x1234);
	}

	bare_context = "a batch over the end of RAM";
	put32(RAM_END - 16, 2);
	put64(P + PLATFORM_REG_BATCH, RAM_END - 16);
	put32(RAM_END - 12, PLATFORM_GPA);
	put32(RAM_END - 8, 0);
	put32(RAM_END - 16, 1); /* this one fits */
	put64(P + PLATFORM_REG_BATCH, RAM_END - 16);
	EXPECT(get32(RAM_END - 4) == PLATFORM_MAGIC);

	bare_context = "a good batch";
	for (unsigned i = 0; i < PLATFORM_BATCH_MAX; i++)
		set_op(i, (uint32_t)reg(i & 1, REG_MAGIC), 0, 0);
	do_batch(PLATFORM_BATCH_MAX);
	for (unsigned i = 0; i < PLATFORM_BATCH_MAX; i++)
		EXPECT(((volatile uint32_t *)&batch)[3 + 3 * i] == 0x74726976);

	bare_context = "a batch in a batch, and what it may not reach";
	for (unsigned i = 0; i < PLATFORM_BATCH_MAX; i++)
		set_op(i, PLATFORM_GPA + (i & 3 ? 4 * i : PLATFORM_REG_BATCH),
		       PLATFORM_BATCH_WRITE, (uint32_t)(uintptr_t)&batch);
	do_batch(PLATFORM_BATCH_MAX);
	set_op(0, PLATFORM_GPA + PLATFORM_REG_EXIT, PLATFORM_BATCH_WRITE, 66);
	set_op(1, PLATFORM_GPA + PLATFORM_REG_SLEEP, PLATFORM_BATCH_WRITE,
	       PLATFORM_SLEEP_OFF);
	set_op(2, BARE_LAPIC + 0x300, PLATFORM_BATCH_WRITE, 0x4400);
	set_op(3, BARE_IOAPIC, 0, 1);
	set_op(4, 0xffffffff, 0, 1);
	set_op(5, (uint32_t)reg(0, REG_STATUS + 1), 0, 1);
	set_op(6, (uint32_t)reg(17, 0), 0xfffffffe, 1);
	set_op(7, (uint32_t)(uintptr_t)&report, PLATFORM_BATCH_WRITE, 1);
	do_batch(8);
	EXPECT(report.len == sizeof(report));

	bare_context = "a batch that asks for itself to be overwritten";
	EXPECT(rng_open(0));
	ring_desc(&bare_rng_ring, 0, (uintptr_t)&batch, sizeof(batch),
		  DESC_WRITE, 0);
	ring_offer(&bare_rng_ring, 0);
	for (unsigned i = 0; i < PLATFORM_BATCH_MAX; i++)
		set_op(i, (uint32_t)reg(BARE_RNG, REG_NOTIFY),
		       PLATFORM_BATCH_WRITE, 0);
	do_batch(PLATFORM_BATCH_MAX);
	EXPECT(rng_gives());

	bare_context = "many batches";
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned j = 0; j < PLATFORM_BATCH_MAX; j++) {
			uint64_t r = bare_random();

			set_op(j, PLATFORM_GPA + (uint32_t)(r % 0x4000),
			       (uint32_t)(r >> 32) & 1, (uint32_t)(r >> 40));
		}
		do_batch(PLATFORM_BATCH_MAX);
	}
	EXPECT(rng_works());
}

void bare_main(void)
{
	registers();
	reports();
	batches();
	bare_context = NULL;
	EXPECT(console_open());
	say("ok the platform page\n");
	report.status = 0x1207;
	report.text[0] = '\n';
	for (unsigned i = 1; i < sizeof(report.text); i++)
		report.text[i] = (char)0xff; /* without an end */
	barrier();
	put64(P + PLATFORM_REG_REPORT, (uintptr_t)&report);
	bare_exit(98);
}
