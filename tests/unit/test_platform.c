/* test_platform.c: buses and platform page, as a guest reaches them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "tests/support/fake_machine.h"
#include "virtio/mmio.h"

#define RAM_LEN (64 * 1024)

static uint64_t ram[RAM_LEN / 8];
static struct fake_machine *f;

static void setup(void)
{
	log_setup(-1, LOG_ERR);
	memset(ram, 0, sizeof(ram));
	f = fake_machine_new(ram, sizeof(ram), -1, 0);
}

static void teardown(void)
{
	fake_machine_free(f);
}

TestSuite(platform, .init = setup, .fini = teardown, .timeout = 10);

static uint32_t read32(uint64_t gpa)
{
	uint32_t v = 0x5a5a5a5a;

	fake_mmio(f, gpa, &v, sizeof(v), false);
	return v;
}

static void write64(uint64_t gpa, uint64_t v)
{
	fake_mmio(f, gpa, &v, sizeof(v), true);
}

Test(platform, says_who_it_is)
{
	cr_assert_eq(read32(PLATFORM_GPA), PLATFORM_MAGIC);
	cr_assert_eq(read32(PLATFORM_GPA + 4), PLATFORM_ABI_VERSION);
	cr_assert_eq(read32(PLATFORM_GPA + 0x10), 0);
	cr_assert_eq(read32(PLATFORM_GPA + 0xffc), 0);
}

Test(platform, nothing_there_reads_as_ones)
{
	cr_assert_eq(read32(0xd0000000), 0xffffffff);
	cr_assert_eq(read32(LAYOUT_VIRTIO_BASE + 2 * LAYOUT_VIRTIO_LEN),
		     0xffffffff);
	/* across the end of a window */
	cr_assert_eq(read32(LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_LEN - 2),
		     0xffffffff);
	cr_assert_eq(read32(PLATFORM_GPA - 2), 0xffffffff);
	cr_assert_eq(f->m.outcome.reason, OUTCOME_NONE);
}

struct end_case {
	const char *why;
	unsigned off, size;
	uint64_t value;
	enum outcome_reason reason;
	int status;
};

ParameterizedTestParameters(platform, ends)
{
	static struct end_case c[] = {
		{ "exit 0", PLATFORM_REG_EXIT, 4, 0, OUTCOME_EXITED, 0 },
		{ "exit keeps eight bits", PLATFORM_REG_EXIT, 4, 0x1ff,
		  OUTCOME_EXITED, 255 },
		{ "power off", PLATFORM_REG_SLEEP, 1, PLATFORM_SLEEP_OFF,
		  OUTCOME_POWER_OFF, 0 },
		{ "reset", PLATFORM_REG_RESET, 1, PLATFORM_RESET_VALUE,
		  OUTCOME_RESET, STATUS_RESET },
		{ "exit of another width", PLATFORM_REG_EXIT, 8, 1,
		  OUTCOME_NONE, 0 },
		{ "sleep without SLP_EN", PLATFORM_REG_SLEEP, 1, 5 << 2,
		  OUTCOME_NONE, 0 },
		{ "sleep to another state", PLATFORM_REG_SLEEP, 1,
		  3 << 2 | 0x20, OUTCOME_NONE, 0 },
		{ "reset with another value", PLATFORM_REG_RESET, 1, 1,
		  OUTCOME_NONE, 0 },
		{ "report outside memory", PLATFORM_REG_REPORT, 8, RAM_LEN,
		  OUTCOME_NONE, 0 },
		{ "report across the end", PLATFORM_REG_REPORT, 8,
		  RAM_LEN - 100, OUTCOME_NONE, 0 },
		{ "report at the end of addresses", PLATFORM_REG_REPORT, 8,
		  UINT64_MAX, OUTCOME_NONE, 0 },
		{ "report that is not one", PLATFORM_REG_REPORT, 8, 0x1000,
		  OUTCOME_NONE, 0 },
		{ "batch outside memory", PLATFORM_REG_BATCH, 8, RAM_LEN,
		  OUTCOME_NONE, 0 },
		{ "batch of nothing", PLATFORM_REG_BATCH, 8, 0x1000,
		  OUTCOME_NONE, 0 },
	};

	return cr_make_param_array(struct end_case, c, ARRAY_SIZE(c));
}

ParameterizedTest(struct end_case *c, platform, ends)
{
	fake_mmio(f, PLATFORM_GPA + c->off, &c->value, c->size, true);
	cr_assert_eq(f->m.outcome.reason, c->reason, "%s", c->why);
	cr_assert_eq(f->m.outcome.status, c->status, "%s", c->why);
}

static struct platform_report *report_at(uint64_t gpa)
{
	return (struct platform_report *)(void *)((uint8_t *)ram + gpa);
}

Test(platform, a_report_is_copied_and_cleaned)
{
	struct platform_report *r = report_at(0x1000);

	r->len = sizeof(*r);
	r->kind = PLATFORM_REPORT_SIGNAL;
	r->signal = 0xffffff00 | 11;
	r->status = 3;
	memset(r->text, 0x1b, sizeof(r->text)); /* escape codes, no NUL */
	write64(PLATFORM_GPA + PLATFORM_REG_REPORT, 0x1000);
	cr_assert_eq(f->m.outcome.reason, OUTCOME_FAULT);
	cr_assert_eq(f->m.outcome.signal, 11);
	cr_assert_eq(f->m.outcome.status, STATUS_SIGNAL + 11);
	cr_assert_eq(strlen(f->m.outcome.report.text), sizeof(r->text) - 1);
	cr_assert_eq(f->m.outcome.report.text[0], '?');
}

Test(platform, the_first_end_counts)
{
	uint32_t one = 1, two = 2;

	fake_mmio(f, PLATFORM_GPA + PLATFORM_REG_EXIT, &one, 4, true);
	fake_mmio(f, PLATFORM_GPA + PLATFORM_REG_EXIT, &two, 4, true);
	cr_assert_eq(f->m.outcome.status, 1);
}

Test(platform, a_batch_reads_and_writes_devices_in_order)
{
	struct platform_batch *b = (void *)((uint8_t *)ram + 0x2000);
	const uint32_t dev = LAYOUT_VIRTIO_BASE;

	b->n = 4;
	b->op[0] = (struct platform_batch_op){ dev + MMIO_REG_DEVICE_ID, 0, 9 };
	b->op[1] = (struct platform_batch_op){ dev + MMIO_REG_STATUS,
					       PLATFORM_BATCH_WRITE, 3 };
	b->op[2] = (struct platform_batch_op){ dev + MMIO_REG_STATUS, 0, 9 };
	b->op[3] = (struct platform_batch_op){ PLATFORM_GPA, 0, 9 };
	write64(PLATFORM_GPA + PLATFORM_REG_BATCH, 0x2000);
	cr_assert_eq(b->op[0].value, 3, "the console's device id");
	cr_assert_eq(b->op[2].value, 3, "acknowledge and driver");
	cr_assert_eq(b->op[3].value, PLATFORM_MAGIC);
}

Test(platform, a_batch_reaches_nothing_else)
{
	static const uint32_t elsewhere[] = {
		0,
		PLATFORM_GPA + PLATFORM_REG_EXIT,
		PLATFORM_GPA + PLATFORM_REG_SLEEP,
		PLATFORM_GPA + PLATFORM_REG_REPORT,
		PLATFORM_GPA + PLATFORM_REG_BATCH,
		LAYOUT_VIRTIO_BASE + 1,
		LAYOUT_VIRTIO_BASE + 2 * LAYOUT_VIRTIO_LEN,
		0xfec00000,
		0xffffffff,
	};
	struct platform_batch *b = (void *)((uint8_t *)ram + 0x2000);

	b->n = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(elsewhere); i++)
		for (unsigned w = 0; w < 2; w++) {
			b->op[0] = (struct platform_batch_op){ elsewhere[i], w,
							       0x25 };
			write64(PLATFORM_GPA + PLATFORM_REG_BATCH, 0x2000);
			cr_assert_eq(b->op[0].value, w ? 0x25 : 0);
			cr_assert_eq(f->m.outcome.reason, OUTCOME_NONE);
		}
}

Test(platform, a_batch_too_long_does_nothing)
{
	struct platform_batch *b = (void *)((uint8_t *)ram + 0x2000);

	b->n = PLATFORM_BATCH_MAX + 1;
	b->op[0] = (struct platform_batch_op){ LAYOUT_VIRTIO_BASE, 0, 9 };
	write64(PLATFORM_GPA + PLATFORM_REG_BATCH, 0x2000);
	cr_assert_eq(b->op[0].value, 9);
	b->n = UINT32_MAX;
	write64(PLATFORM_GPA + PLATFORM_REG_BATCH, 0x2000);
	cr_assert_eq(b->op[0].value, 9);
}

Test(platform, ports_without_legacy_devices_are_empty)
{
	for (unsigned port = 0; port < 0x10000; port++) {
		uint8_t b = 0;

		fake_pio(f, (uint16_t)port, &b, 1, 1, true);
		fake_pio(f, (uint16_t)port, &b, 1, 1, false);
		cr_assert_eq(b, 0xff, "port 0x%x", port);
	}
	cr_assert_eq(f->m.outcome.reason, OUTCOME_NONE);
}
