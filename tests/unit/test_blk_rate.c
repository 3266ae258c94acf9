/* test_blk_rate.c: a disk kept to its rates: what waits, what goes on, and
 * what ends while it waits. Times are only ever bounded from below. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "tests/support/blk_rig.h"
#include "tests/support/faulty_file.h"
#include "virtio/mmio.h"
#include "virtio/throttle.h"

#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(blk_rate, name)                           \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, blk_rate, name,           \
			  .timeout = 20)

static uint64_t waits(void)
{
	return metric_get(throttle_metrics[0]);
}

/* A request waits, and nothing else is going on. */
static void expect_waiting(void)
{
	cr_expect_eq(disk.v->in_flight, 1, "the timer");
	for (unsigned i = 0; i < disk.cfg.queues; i++)
		cr_expect_eq(disk.v->queue[i].in_flight, 0);
	loop_lock(disk.loop);
	cr_expect_eq(loop_in_flight(disk.loop), 1);
	loop_unlock(disk.loop);
}

/* More debt than a test lives: a MiB at a KiB a second. */
static void owe(void)
{
	cr_assert_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 1 << 20), BLK_S_OK);
	cr_assert_eq(waits(), 0);
}

BOTH_ENGINES(without_a_limit_nothing_waits)
{
	disk_up(*engine);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_eq(disk_do(BLK_T_IN, i, DISK_DATA, 4096), BLK_S_OK);
	cr_expect_eq(waits(), 0);
	disk_down();
}

BOTH_ENGINES(below_the_limit_nothing_waits)
{
	disk.cfg.limit = (struct ratelimit_config){ .bytes = 1ull << 40,
						    .ops = 10,
						    .ops_burst = 1000 };
	disk_up(*engine);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_eq(disk_do(BLK_T_IN, i, DISK_DATA, 4096), BLK_S_OK);
	cr_expect_eq(waits(), 0);
	disk_down();
}

BOTH_ENGINES(operations_beyond_the_limit_wait_and_all_are_answered)
{
	const unsigned n = 20;
	const uint64_t start = clock_mono_ns();
	unsigned slot[20];

	disk.cfg.limit =
		(struct ratelimit_config){ .ops = 100, .ops_burst = 4 };
	disk_up(*engine);
	for (unsigned i = 0; i < n; i++)
		slot[i] = disk_add(0, BLK_T_IN, (uint64_t)i * 8,
				   DISK_DATA + i * 4096, 4096);
	disk_kick(0);
	cr_expect_leq(disk.v->queue[0].in_flight, n - 1);
	disk_run();
	for (unsigned i = 0; i < n; i++)
		cr_expect_eq(disk_status(slot[i]), BLK_S_OK);
	for (unsigned i = 0; i < n * 4096; i++)
		cr_assert_eq(disk_ram[DISK_DATA + i], disk_byte(i));
	/* four in the burst, one into debt, the others a hundredth each */
	cr_expect_geq(clock_mono_ns() - start, (n - 5) * (NS_PER_SEC / 100));
	cr_expect_gt(waits(), 0);
	disk_down();
}

BOTH_ENGINES(bytes_beyond_the_limit_wait)
{
	const unsigned n = 10;
	const uint64_t start = clock_mono_ns();

	disk.cfg.limit =
		(struct ratelimit_config){ .bytes = 1 << 20, .bytes_burst = 1 };
	disk_up(*engine);
	for (unsigned i = 0; i < n; i++)
		(void)disk_add(0, i % 2 ? BLK_T_IN : BLK_T_OUT, i * 128,
			       DISK_DATA, 16384);
	disk_kick(0);
	disk_run();
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), n);
	cr_expect_geq(clock_mono_ns() - start,
		      (n - 1) * (16384 * NS_PER_SEC >> 20) - n * 1000);
	cr_expect_leq(waits(), n - 1, "one timer at a time");
	disk_down();
}

/* --- what counts -------------------------------------------------------------- */

Test(blk_rate, a_flush_is_an_operation_without_bytes, .timeout = 20)
{
	disk.cfg.limit =
		(struct ratelimit_config){ .bytes = 1 << 10, .bytes_burst = 1 };
	disk_up(LOOP_POLL);
	for (unsigned i = 0; i < 100; i++)
		cr_assert_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_OK);
	cr_expect_eq(waits(), 0);
	disk_down();
	disk.cfg.limit = (struct ratelimit_config){ .ops = 1, .ops_burst = 2 };
	disk_up(LOOP_POLL);
	for (unsigned i = 0; i < 4; i++)
		(void)disk_add(0, BLK_T_FLUSH, 0, 0, 0);
	disk_kick(0);
	cr_expect_eq(disk.v->queue[0].in_flight, 3);
	cr_expect_eq(waits(), 1);
	disk_down();
}

Test(blk_rate, requests_that_fail_count, .timeout = 20)
{
	disk.cfg.limit = (struct ratelimit_config){ .ops = 1, .ops_burst = 2 };
	disk_up(LOOP_POLL);
	for (unsigned i = 0; i < 4; i++)
		(void)disk_add(0, 99, 0, 0, 0);
	disk_kick(0);
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), 3);
	cr_expect_eq(waits(), 1);
	disk_down();
}

Test(blk_rate, zeroes_that_are_written_count, .timeout = 20)
{
	const struct blk_range r = { le64_of(0), le32_of(2048), le32_of(0) };

	disk.cfg.limit = (struct ratelimit_config){ .bytes = 1 << 10 };
	disk_up(LOOP_POLL);
	memcpy(disk_ram + DISK_DATA, &r, sizeof(r));
	cr_expect_eq(disk_do(BLK_T_WRITE_ZEROES, 0, DISK_DATA, 16), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_OK);
	cr_expect_eq(waits(), 0, "the file system did it");
	faulty_file.alloc_error = EOPNOTSUPP;
	cr_expect_eq(disk_do(BLK_T_WRITE_ZEROES, 0, DISK_DATA, 16), BLK_S_OK);
	(void)disk_add(0, BLK_T_FLUSH, 0, 0, 0);
	disk_kick(0);
	expect_waiting();
	disk_down();
}

/* --- queues ------------------------------------------------------------------- */

static char order[64];

/* Who was answered since the last time. */
static void note(void *ctx)
{
	static uint16_t seen[VDEV_QUEUES_MAX];

	(void)ctx;
	for (unsigned i = 0; i < disk.cfg.queues; i++)
		for (; seen[i] != vdriver_used_idx(&disk.drv[i]); seen[i]++)
			order[strlen(order)] = (char)('0' + i);
}

/* A late timer lets a queue have several at once; the next one is another's,
 * the one behind it that still has requests. */
Test(blk_rate, queues_take_turns, .timeout = 20)
{
	const unsigned queues = 3, each = 4;
	unsigned left[3] = { each, each, each }, q = queues - 1;

	disk.cfg.queues = queues;
	disk.cfg.limit = (struct ratelimit_config){ .bytes = 64 << 10,
						    .bytes_burst = 1 };
	disk_up(LOOP_POLL);
	/* half a second in which all three begin to wait */
	cr_assert_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 32768), BLK_S_OK);
	note(NULL);
	order[0] = '\0';
	disk.v->irq.fire = note;
	for (unsigned i = 0; i < queues * each; i++)
		(void)disk_add(i / each, BLK_T_IN, 0, DISK_DATA, 2048);
	for (unsigned i = 0; i < queues; i++)
		disk_kick(i);
	disk_run();
	cr_assert_eq(strlen(order), queues * each);
	for (unsigned i = 0; i < queues * each; i++) {
		const unsigned who = (unsigned)(order[i] - '0');

		if (i > 0 && who == q) {
			left[q]--;
			continue;
		}
		do
			q = (q + 1) % queues;
		while (!left[q]);
		cr_assert_eq(who, q, "number %u of %s", i, order);
		left[q]--;
	}
	disk_down();
}

BOTH_ENGINES(a_kick_does_not_jump_the_queue)
{
	unsigned first, second;

	disk.cfg.queues = 2;
	disk.cfg.limit = (struct ratelimit_config){ .bytes = 1 << 10 };
	disk_up(*engine);
	owe();
	first = disk_add(0, BLK_T_IN, 0, DISK_DATA, 512);
	disk_kick(0);
	expect_waiting();
	second = disk_add(1, BLK_T_IN, 0, DISK_DATA, 512);
	for (unsigned i = 0; i < 100; i++)
		disk_kick(i % 2);
	expect_waiting();
	cr_expect_eq(waits(), 1, "one timer for all");
	cr_expect_eq(disk_status(first), 0xff);
	cr_expect_eq(disk_status(second), 0xff);
	disk_down();
}

/* --- ends while waiting --------------------------------------------------------- */

BOTH_ENGINES(a_reset_ends_the_wait_but_not_the_debt)
{
	unsigned slot;

	disk.cfg.limit = (struct ratelimit_config){ .bytes = 1 << 10 };
	disk_up(*engine);
	owe();
	slot = disk_add(0, BLK_T_IN, 0, DISK_DATA, 512);
	disk_kick(0);
	expect_waiting();
	disk_reset();
	cr_expect(disk.v->reset_pending);
	disk_run();
	cr_expect_eq(disk.v->status, 0);
	cr_expect_eq(disk.v->in_flight, 0);
	cr_expect_eq(disk_status(slot), 0xff);
	disk_drive(DISK_FEATURES);
	cr_expect_eq(disk.v->in_flight, 0, "no timer while nothing waits");
	(void)disk_add(0, BLK_T_IN, 0, DISK_DATA, 512);
	disk_kick(0);
	expect_waiting();
	disk_down();
}

BOTH_ENGINES(a_queue_that_is_taken_away)
{
	disk.cfg.limit =
		(struct ratelimit_config){ .ops = 100, .ops_burst = 1 };
	disk_up(*engine);
	for (unsigned i = 0; i < 4; i++)
		(void)disk_add(0, BLK_T_IN, 0, DISK_DATA, 512);
	disk_kick(0);
	loop_lock(disk.loop);
	vdriver_set_reg(disk.v, MMIO_REG_QUEUE_SEL, 0);
	vdriver_set_reg(disk.v, MMIO_REG_QUEUE_READY, 0);
	loop_unlock(disk.loop);
	disk_run();
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), 0);
	cr_expect_eq(disk.v->in_flight, 0);
	cr_expect_not(disk.v->queue[0].ready);
	disk_down();
}

BOTH_ENGINES(a_fault_while_waiting)
{
	disk.cfg.limit = (struct ratelimit_config){ .bytes = 1 << 10 };
	disk_up(*engine);
	owe();
	(void)disk_add(0, BLK_T_IN, 0, DISK_DATA, 512);
	disk_kick(0);
	expect_waiting();
	vdriver_publish(&disk.drv[0], 30000);
	disk_kick(0);
	cr_expect(disk.v->status & VIRTIO_STATUS_NEEDS_RESET);
	disk_reset();
	disk_run();
	cr_expect_eq(disk.v->status, 0);
	disk_down();
}
