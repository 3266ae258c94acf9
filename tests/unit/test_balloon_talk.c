/* test_balloon_talk.c: what goes to and fro between host and driver:
 * statistics, and runs of free page hints. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/balloon_rig.h"
#include "tests/support/watched_madvise.h"
#include "virtio/mmio.h"

#define PAGE   BALLOON_PAGE
#define CMD_ID (MMIO_REG_CONFIG + 8)

TestSuite(balloon_talk, .init = bln_up, .fini = bln_down, .timeout = 20);

static struct balloon_status status(void)
{
	struct balloon_status s;

	loop_lock(bln.loop);
	balloon_status(bln.v, &s);
	loop_unlock(bln.loop);
	return s;
}

/* --- statistics ------------------------------------------------------------ */

static void put_stat(unsigned i, uint16_t tag, uint64_t val)
{
	const struct balloon_stat s = { le16_of(tag), le64_of(val) };

	memcpy(bln_ram + BLN_LIST + i * sizeof(s), &s, sizeof(s));
}

static void answer(uint32_t len)
{
	const struct vdriver_buf b = { BLN_LIST, len, false };

	bln_chain(BALLOON_STATS, &b, 1);
}

static void set_interval(unsigned seconds, int want)
{
	loop_lock(bln.loop);
	cr_expect_eq(balloon_set_stats_interval(bln.v, seconds), want);
	loop_unlock(bln.loop);
}

Test(balloon_talk, statistics_are_kept_with_their_age)
{
	cr_expect_eq(status().stats_valid, 0);
	put_stat(0, BALLOON_S_MEMTOT, 1ull << 33);
	put_stat(1, 999, 1);
	put_stat(2, BALLOON_S_MEMFREE, 77);
	put_stat(3, BALLOON_TAGS, 5);
	put_stat(4, UINT16_MAX, 5);
	put_stat(5, BALLOON_S_DIRECT_RECLAIM, 8);
	answer(63); /* six entries, and a part of one */
	cr_expect_eq(status().stats_valid,
		     1u << BALLOON_S_MEMTOT | 1u << BALLOON_S_MEMFREE |
			     1u << BALLOON_S_DIRECT_RECLAIM);
	cr_expect_eq(status().stat[BALLOON_S_MEMTOT], 1ull << 33);
	cr_expect_eq(status().stat[BALLOON_S_MEMFREE], 77);
	cr_expect_eq(status().stat[BALLOON_S_DIRECT_RECLAIM], 8);
	cr_expect_gt(status().stats_age_ns, 0);
	cr_expect_eq(bln_used(BALLOON_STATS), 0); /* held */
	cr_expect_eq(bln.fired, 0);
}

Test(balloon_talk, a_buffer_goes_back_when_an_answer_is_due)
{
	set_interval(1, 0);
	put_stat(0, BALLOON_S_MEMFREE, 1);
	answer(10);
	cr_expect_eq(loop_in_flight(bln.loop), 1);
	bln_await();
	cr_expect_eq(bln_used(BALLOON_STATS), 1);
	/* nothing to hand back: no timer */
	cr_expect_eq(loop_in_flight(bln.loop), 0);
	put_stat(0, BALLOON_S_MEMFREE, 2);
	answer(10);
	cr_expect_eq(status().stat[BALLOON_S_MEMFREE], 2);
	bln_await();
	cr_expect_eq(bln_used(BALLOON_STATS), 1);
}

Test(balloon_talk, a_shorter_interval_counts_at_once)
{
	answer(0); /* due in 1000 s */
	cr_expect_eq(status().stats_valid, 0);
	set_interval(0, -EINVAL);
	set_interval(1, 0);
	cr_expect_eq(status().stats_s, 1);
	bln_await();
	cr_expect_eq(bln_used(BALLOON_STATS), 1);
}

Test(balloon_talk, a_second_buffer_frees_the_first)
{
	answer(0);
	cr_expect_eq(bln_used(BALLOON_STATS), 0);
	answer(0);
	cr_expect_eq(bln_used(BALLOON_STATS), 1);
	cr_expect_eq(bln.v->queue[BALLOON_STATS].in_flight, 1);
}

Test(balloon_talk, a_reset_forgets_the_buffer_and_the_statistics)
{
	set_interval(1, 0);
	put_stat(0, BALLOON_S_MEMFREE, 1);
	answer(10);
	bln_drive(BLN_ALL, 0x1f);
	cr_expect_eq(status().stats_valid, 0);
	cr_expect_eq(bln.v->queue[BALLOON_STATS].in_flight, 0);
	answer(10);
	bln_await();
	cr_expect_eq(bln_used(BALLOON_STATS), 1);
}

Test(balloon_talk, huge_statistics_are_read_in_part)
{
	for (unsigned i = 0; i < 200; i++)
		put_stat(i, BALLOON_S_CACHES, i);
	answer(2000);
	cr_expect_eq(status().stat[BALLOON_S_CACHES], 63);
}

/* --- hints ----------------------------------------------------------------- */

static void say(uint32_t cmd)
{
	const struct vdriver_buf b = { BLN_LIST, 4, false };
	const le32 x = le32_of(cmd);

	memcpy(bln_ram + BLN_LIST, &x, 4);
	bln_chain(BALLOON_FREE_PAGE, &b, 1);
	cr_expect_eq(bln_used(BALLOON_FREE_PAGE), 1);
}

static void hint(unsigned page)
{
	const struct vdriver_buf b = { BLN_PAGES + page * PAGE, PAGE, true };

	bln_chain(BALLOON_FREE_PAGE, &b, 1);
	cr_expect_eq(bln_used(BALLOON_FREE_PAGE), 1);
}

static void start(bool release, int want)
{
	loop_lock(bln.loop);
	cr_expect_eq(balloon_hint_start(bln.v, release), want);
	loop_unlock(bln.loop);
}

static uint32_t cmd(void)
{
	return vdriver_reg(bln.v, CMD_ID);
}

Test(balloon_talk, a_run_of_hints)
{
	unsigned fired;
	uint32_t run;

	cr_expect_eq(cmd(), BALLOON_CMD_STOP);
	hint(0); /* before any run */
	start(true, 0);
	cr_expect_eq(bln.v->isr & VIRTIO_ISR_CONFIG, VIRTIO_ISR_CONFIG);
	run = cmd();
	cr_expect_geq(run, BALLOON_CMD_FIRST);
	cr_expect_not(status().hint_answered);
	hint(0); /* before it was answered */
	cr_expect_eq(status().hinted, 0);
	say(run);
	cr_expect_eq(status().hint_guest_cmd, run);
	hint(1);
	hint(3);
	cr_expect_eq(status().hinted, 2 * PAGE);
	fired = bln.fired;
	say(BALLOON_CMD_STOP);
	cr_expect_gt(bln.fired, fired);
	cr_expect_eq(cmd(), BALLOON_CMD_DONE);
	hint(4); /* too late */
	cr_expect_eq(status().hinted, 2 * PAGE);
	for (unsigned i = 0; i < 6; i++)
		cr_expect(bln_page_is(BLN_PAGES + i * PAGE,
				      i == 1 || i == 3 ? 0 : BLN_FILL));
}

Test(balloon_talk, hinted_pages_are_held_until_the_host_says)
{
	start(false, 0);
	say(cmd());
	say(BALLOON_CMD_STOP);
	cr_expect_eq(cmd(), BALLOON_CMD_FIRST);
	loop_lock(bln.loop);
	cr_expect_eq(balloon_hint_stop(bln.v), 0);
	loop_unlock(bln.loop);
	cr_expect_eq(cmd(), BALLOON_CMD_DONE);
	start(true, 0);
	cr_expect_eq(cmd(), BALLOON_CMD_FIRST + 1);
}

Test(balloon_talk, an_old_run_is_not_the_new_one)
{
	uint32_t old;

	start(true, 0);
	old = cmd();
	say(old);
	start(true, 0);
	hint(0); /* of the old run */
	say(old);
	hint(1);
	say(BALLOON_CMD_STOP); /* ends the old one, not this */
	cr_expect_eq(cmd(), old + 1);
	cr_expect_eq(status().hinted, 0);
	say(cmd());
	hint(2);
	cr_expect_eq(status().hinted, PAGE);
}

Test(balloon_talk, guessed_commands_start_nothing)
{
	say(BALLOON_CMD_STOP);
	hint(0);
	say(BALLOON_CMD_DONE);
	hint(0);
	say(BALLOON_CMD_FIRST);
	hint(0);
	say(UINT32_MAX);
	hint(0);
	cr_expect_eq(status().hinted, 0);
	cr_expect_eq(cmd(), BALLOON_CMD_STOP);
}

Test(balloon_talk, command_and_memory_in_one_chain)
{
	const struct vdriver_buf b[] = { { BLN_LIST, 1, false },
					 { BLN_LIST + 1, 3, false },
					 { BLN_PAGES, 2 * PAGE, true } };
	le32 x;

	start(true, 0);
	x = le32_of(cmd());
	memcpy(bln_ram + BLN_LIST, &x, 4);
	bln_chain(BALLOON_FREE_PAGE, b, 3);
	cr_expect_eq(bln_used(BALLOON_FREE_PAGE), 1);
	cr_expect_eq(status().hinted, 2 * PAGE);
}

Test(balloon_talk, hints_need_a_driver_that_takes_part)
{
	bln_drive(BLN_ALL & ~BALLOON_F_FREE_PAGE_HINT, 0xf);
	start(true, -ENOTCONN);
	vdriver_set_reg(bln.v, MMIO_REG_STATUS, 0);
	start(true, -ENOTCONN);
	bln_drive(BLN_ALL, 0x1f);
	start(true, 0);
	/* a reset ends the run */
	vdriver_set_reg(bln.v, MMIO_REG_STATUS, 0);
	cr_expect_eq(cmd(), BALLOON_CMD_STOP);
}
