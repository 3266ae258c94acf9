/* test_balloon.c: the balloon: what is given back, and what must not be. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"
#include "tests/support/balloon_rig.h"
#include "tests/support/watched_madvise.h"
#include "virtio/mmio.h"

#define PAGE       BALLOON_PAGE
#define FIRST      (BLN_PAGES / PAGE) /* the first page that is the test's */
#define HOLE_PAGE  (BLN_HOLE / PAGE)
#define HIGH_PAGE  (2 * BLN_HOLE / PAGE) /* of RAM behind the hole */
#define HIGH_OFF   BLN_HOLE              /* the same in bln_ram */
#define NUM_PAGES  (MMIO_REG_CONFIG + 0)
#define ACTUAL     (MMIO_REG_CONFIG + 4)
#define CMD_ID     (MMIO_REG_CONFIG + 8)
#define POISON_VAL (MMIO_REG_CONFIG + 12)
#define MIB        (1u << 20)

TestSuite(balloon, .init = bln_up, .fini = bln_down, .timeout = 20);

static struct balloon_status status(void)
{
	struct balloon_status s;

	loop_lock(bln.loop);
	balloon_status(bln.v, &s);
	loop_unlock(bln.loop);
	return s;
}

static uint64_t counter(const char *name)
{
	for (unsigned i = 0; balloon_metrics[i]; i++)
		if (strcmp(balloon_metrics[i]->name, name) == 0)
			return metric_get(balloon_metrics[i]);
	cr_assert_fail("no counter %s", name);
	return 0;
}

static bool faulted(void)
{
	return vdriver_reg(bln.v, MMIO_REG_STATUS) & VIRTIO_STATUS_NEEDS_RESET;
}

/* --- inflate -------------------------------------------------------------- */

Test(balloon, inflated_pages_leave)
{
	const uint32_t pages[] = { FIRST + 3, FIRST + 7 };

	bln_list(BALLOON_INFLATE, pages, 2);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 1);
	cr_expect_eq(bln.fired, 1);
	cr_expect_eq(status().inflated, 2 * PAGE);
	cr_expect(bln_page_is(BLN_PAGES + 3 * PAGE, 0));
	cr_expect(bln_page_is(BLN_PAGES + 7 * PAGE, 0));
	for (unsigned i = 0; i < 10; i++)
		cr_expect(i == 3 || i == 7 ||
			  bln_page_is(BLN_PAGES + i * PAGE, BLN_FILL));
}

Test(balloon, neighbours_go_together)
{
	const uint32_t pages[] = { FIRST + 10, FIRST + 11, FIRST + 9,
				   FIRST + 8,  FIRST + 40, FIRST + 39,
				   FIRST + 41, FIRST + 60 };

	bln_list(BALLOON_INFLATE, pages, ARRAY_SIZE(pages));
	cr_expect_eq(watched_madvise.n, 3);
	cr_expect_eq(watched_madvise.bytes, 8 * PAGE);
	cr_expect(bln_page_is(BLN_PAGES + 8 * PAGE, 0));
	cr_expect(bln_page_is(BLN_PAGES + 11 * PAGE, 0));
	cr_expect(bln_page_is(BLN_PAGES + 12 * PAGE, BLN_FILL));
}

Test(balloon, duplicates_are_harmless)
{
	const uint32_t pages[] = { FIRST, FIRST, FIRST + 1, FIRST };

	bln_list(BALLOON_INFLATE, pages, 4);
	bln_list(BALLOON_INFLATE, pages, 4);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 2);
	cr_expect(bln_page_is(BLN_PAGES, 0));
	cr_expect(bln_page_is(BLN_PAGES + PAGE, 0));
	cr_expect(bln_page_is(BLN_PAGES + 2 * PAGE, BLN_FILL));
}

Test(balloon, pages_that_are_no_memory_are_counted)
{
	const uint64_t before = counter("foreign_pages_balloon");
	const uint32_t pages[] = { HOLE_PAGE - 1,         HOLE_PAGE,
				   HIGH_PAGE - 1,         HIGH_PAGE,
				   HIGH_PAGE + HOLE_PAGE, UINT32_MAX };

	bln_list(BALLOON_INFLATE, pages, ARRAY_SIZE(pages));
	cr_expect_eq(bln_used(BALLOON_INFLATE), 1);
	cr_expect_not(faulted());
	cr_expect_eq(counter("foreign_pages_balloon") - before, 4);
	cr_expect_eq(watched_madvise.bytes, 2 * PAGE);
	cr_expect(bln_page_is(HIGH_OFF - PAGE, 0));
	cr_expect(bln_page_is(HIGH_OFF, 0));
	cr_expect(bln_page_is(HIGH_OFF + PAGE, BLN_FILL));
}

Test(balloon, a_list_in_pieces)
{
	const struct vdriver_buf b[] = { { BLN_LIST, 3, false },
					 { BLN_LIST + 3, 0, false },
					 { BLN_LIST + 3, 2, false },
					 { BLN_LIST + 5, 7, false } };
	const le32 pages[] = { le32_of(FIRST), le32_of(FIRST + 2),
			       le32_of(FIRST + 4) };

	memcpy(bln_ram + BLN_LIST, pages, sizeof(pages));
	bln_chain(BALLOON_INFLATE, b, 4);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 1);
	for (unsigned i = 0; i < 6; i++)
		cr_expect(bln_page_is(BLN_PAGES + i * PAGE,
				      i % 2 ? BLN_FILL : 0));
}

Test(balloon, an_empty_list)
{
	const struct vdriver_buf b = { BLN_LIST, 0, false };

	bln_chain(BALLOON_INFLATE, &b, 1);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 1);
	cr_expect_eq(watched_madvise.n, 0);
}

/* A list as long as memory, many times the same page: cut into slices, and a
 * chain behind it is done, too. */
Test(balloon, a_long_list_is_done_in_slices)
{
	struct vdriver_buf b = { BLN_LIST, 256 * 1024, false };
	const unsigned n = b.len / 4;

	for (unsigned i = 0; i < n; i++) {
		le32 page = le32_of(i % 2 ? FIRST + 200 : FIRST + 300);

		memcpy(bln_ram + BLN_LIST + (size_t)4 * i, &page, 4);
	}
	(void)vdriver_add(&bln.drv[BALLOON_INFLATE], &b, 1);
	b.len = 4;
	(void)vdriver_add(&bln.drv[BALLOON_INFLATE], &b, 1);
	bln_kick(BALLOON_INFLATE);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 0);
	cr_expect_lt(watched_madvise.n, 1000);
	cr_expect_gt(bln_again(), 50);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 2);
	cr_expect_eq(watched_madvise.n, n + 1);
	cr_expect_eq(bln.v->queue[BALLOON_INFLATE].in_flight, 0);
}

Test(balloon, a_reset_ends_a_long_list)
{
	const struct vdriver_buf b = { BLN_LIST, 256 * 1024, false };
	const uint32_t page = FIRST;

	memset(bln_ram + BLN_LIST, 0, b.len);
	(void)vdriver_add(&bln.drv[BALLOON_INFLATE], &b, 1);
	bln_kick(BALLOON_INFLATE);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 0);
	bln_drive(BLN_ALL, 0x1f);
	cr_expect_not(vdev_again(bln.v));
	bln_list(BALLOON_INFLATE, &page, 1);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 1);
	cr_expect(bln_page_is(BLN_PAGES, 0));
}

Test(balloon, a_queue_taken_back_ends_with_its_chain)
{
	const struct vdriver_buf b = { BLN_LIST, 256 * 1024, false };

	(void)vdriver_add(&bln.drv[BALLOON_INFLATE], &b, 1);
	bln_kick(BALLOON_INFLATE);
	vdriver_set_reg(bln.v, MMIO_REG_QUEUE_SEL, BALLOON_INFLATE);
	vdriver_set_reg(bln.v, MMIO_REG_QUEUE_READY, 0);
	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_QUEUE_READY), 1);
	(void)bln_again();
	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 0);
}

Test(balloon, what_the_host_will_not_take_is_counted)
{
	const uint64_t before = counter("errors_balloon");
	const uint32_t page = FIRST;

	watched_madvise.error = EINVAL;
	bln_list(BALLOON_INFLATE, &page, 1);
	cr_expect_eq(bln_used(BALLOON_INFLATE), 1);
	cr_expect_eq(counter("errors_balloon") - before, 1);
	cr_expect_eq(status().inflated, 0);
	cr_expect_not(faulted());
}

Test(balloon, deflating_is_acknowledged)
{
	const uint64_t before = counter("deflated_bytes_balloon");
	const uint32_t pages[] = { FIRST, UINT32_MAX };

	bln_list(BALLOON_INFLATE, pages, 1);
	memset(bln_ram + BLN_PAGES, 1, PAGE);
	bln_list(BALLOON_DEFLATE, pages, 2);
	cr_expect_eq(bln_used(BALLOON_DEFLATE), 1);
	cr_expect_eq(counter("deflated_bytes_balloon") - before, 2 * PAGE);
	cr_expect(bln_page_is(BLN_PAGES, 1));
	cr_expect_eq(watched_madvise.n, 1);
}

/* --- reporting ------------------------------------------------------------- */

Test(balloon, reported_memory_leaves)
{
	const struct vdriver_buf b[] = { { BLN_PAGES, 2 * PAGE, true },
					 { BLN_PAGES + 8 * PAGE, PAGE, true } };

	bln_chain(BALLOON_REPORTING, b, 2);
	cr_expect_eq(bln_used(BALLOON_REPORTING), 1);
	cr_expect_eq(status().reported, 3 * PAGE);
	cr_expect_eq(status().inflated, 0);
	cr_expect(bln_page_is(BLN_PAGES, 0));
	cr_expect(bln_page_is(BLN_PAGES + PAGE, 0));
	cr_expect(bln_page_is(BLN_PAGES + 2 * PAGE, BLN_FILL));
	cr_expect(bln_page_is(BLN_PAGES + 8 * PAGE, 0));
}

Test(balloon, parts_of_pages_stay)
{
	const struct vdriver_buf b[] = {
		{ BLN_PAGES + 16, 2 * PAGE, true }, /* one whole page */
		{ BLN_PAGES + 4 * PAGE + 1, PAGE, true },
		{ BLN_PAGES + 6 * PAGE, PAGE - 1, true },
		{ BLN_PAGES + 8 * PAGE + 5, 20, true },
	};

	bln_chain(BALLOON_REPORTING, b, 4);
	cr_expect_eq(bln_used(BALLOON_REPORTING), 1);
	cr_expect_eq(status().reported, PAGE);
	for (unsigned i = 0; i < 10; i++)
		cr_expect(bln_page_is(BLN_PAGES + i * PAGE,
				      i == 1 ? 0 : BLN_FILL));
}

/* Slices begin with whole pages wherever the buffer begins. */
Test(balloon, a_long_buffer_goes_whole)
{
	const struct vdriver_buf b = { 2 * BLN_HOLE + 16, BLN_HOLE - 16, true };

	bln_chain(BALLOON_REPORTING, &b, 1);
	cr_expect_eq(bln_used(BALLOON_REPORTING), 1);
	cr_expect_eq(status().reported, BLN_HOLE - PAGE);
	cr_expect(bln_page_is(HIGH_OFF, BLN_FILL));
	cr_expect(bln_page_is(HIGH_OFF + PAGE, 0));
	cr_expect(bln_page_is(BLN_RAM - PAGE, 0));
}

Test(balloon, overlapping_reports)
{
	struct vdriver_buf b[40];

	for (unsigned i = 0; i < 40; i++)
		b[i] = (struct vdriver_buf){ 2 * BLN_HOLE, BLN_HOLE, true };
	bln_chain(BALLOON_REPORTING, b, 40);
	cr_expect_eq(bln_used(BALLOON_REPORTING), 1);
	cr_expect_eq(status().reported, 40ull * BLN_HOLE);
	cr_expect(bln_page_is(HIGH_OFF - PAGE, BLN_FILL));
}

/* --- poison ---------------------------------------------------------------- */

static void drive_poisoning(uint32_t value)
{
	loop_lock(bln.loop);
	cr_assert(vdriver_negotiate(bln.v, BLN_ALL | BALLOON_F_PAGE_POISON));
	vdriver_set_reg(bln.v, POISON_VAL, value);
	for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
		vdriver_init(&bln.drv[i], bln_ram, 0x1000 + i * 0x2000,
			     BLN_RING);
		vdriver_set_queue(bln.v, i, &bln.drv[i]);
	}
	vdriver_go(bln.v);
	loop_unlock(bln.loop);
}

Test(balloon, poisoned_reports_keep_their_poison)
{
	const struct vdriver_buf b = { BLN_PAGES, 4 * PAGE, true };
	const uint64_t before = counter("poisoned_bytes_balloon");
	const uint32_t page = FIRST + 9;

	drive_poisoning(0x77777777);
	cr_expect_eq(vdriver_reg(bln.v, POISON_VAL), 0x77777777);
	bln_chain(BALLOON_REPORTING, &b, 1);
	cr_expect_eq(bln_used(BALLOON_REPORTING), 1);
	cr_expect(bln_page_is(BLN_PAGES, BLN_FILL));
	cr_expect_eq(counter("poisoned_bytes_balloon") - before, 4 * PAGE);
	cr_expect_eq(status().reported, 0);
	/* what is inflated is written before it is read */
	bln_list(BALLOON_INFLATE, &page, 1);
	cr_expect(bln_page_is(BLN_PAGES + 9 * PAGE, 0));
}

Test(balloon, poison_of_zero_is_what_memory_reads)
{
	const struct vdriver_buf b = { BLN_PAGES, PAGE, true };

	drive_poisoning(0);
	bln_chain(BALLOON_REPORTING, &b, 1);
	cr_expect(bln_page_is(BLN_PAGES, 0));
}

Test(balloon, poison_is_settled_at_driver_ok)
{
	drive_poisoning(5);
	vdriver_set_reg(bln.v, POISON_VAL, 0);
	cr_expect_eq(vdriver_reg(bln.v, POISON_VAL), 5);
	bln_drive(BLN_ALL, 0x1f); /* a reset, and the feature not taken */
	cr_expect_eq(vdriver_reg(bln.v, POISON_VAL), 0);
	vdriver_set_reg(bln.v, POISON_VAL, 7);
	cr_expect_eq(vdriver_reg(bln.v, POISON_VAL), 0);
}

/* --- configuration --------------------------------------------------------- */

Test(balloon, target_and_actual)
{
	const unsigned fired = bln.fired;
	const uint32_t generation =
		vdriver_reg(bln.v, MMIO_REG_CONFIG_GENERATION);

	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_DEVICE_ID), 5);
	cr_expect_eq(vdriver_reg(bln.v, NUM_PAGES), 0);
	loop_lock(bln.loop);
	cr_expect_eq(balloon_set_target(bln.v, 3 * MIB + 5), 0);
	cr_expect_eq(balloon_set_target(bln.v, 3 * MIB), 0); /* no news */
	cr_expect_eq(balloon_set_target(bln.v, BLN_RAM + 1ull), -ERANGE);
	cr_expect_eq(balloon_set_target(bln.v, UINT64_MAX), -ERANGE);
	loop_unlock(bln.loop);
	cr_expect_eq(bln.fired, fired + 1);
	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_INTERRUPT_STATUS),
		     VIRTIO_ISR_CONFIG);
	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_CONFIG_GENERATION),
		     generation + 1);
	cr_expect_eq(vdriver_reg(bln.v, NUM_PAGES), 768);
	vdriver_set_reg(bln.v, ACTUAL, 700);
	cr_expect_eq(vdriver_reg(bln.v, ACTUAL), 700);
	cr_expect_eq(status().target, 3 * MIB);
	cr_expect_eq(status().actual, 700 * PAGE);
	cr_expect(status().live);
	vdriver_set_reg(bln.v, MMIO_REG_STATUS, 0);
	cr_expect_eq(status().actual, 0);
	cr_expect_eq(status().target, 3 * MIB);
	cr_expect_not(status().live);
}

Test(balloon, what_the_host_says_is_read_only)
{
	uint8_t bytes[16];

	memset(bytes, 0xff, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		mmio_write(bln.v, MMIO_REG_CONFIG + i, bytes, 1);
	mmio_write(bln.v, MMIO_REG_CONFIG, bytes, 8);
	mmio_write(bln.v, MMIO_REG_CONFIG + 8, bytes, 8);
	mmio_write(bln.v, MMIO_REG_CONFIG + 12, bytes, 8);
	cr_expect_eq(vdriver_reg(bln.v, NUM_PAGES), 0);
	cr_expect_eq(vdriver_reg(bln.v, ACTUAL), UINT32_MAX);
	cr_expect_eq(vdriver_reg(bln.v, CMD_ID), BALLOON_CMD_STOP);
	cr_expect_eq(vdriver_reg(bln.v, POISON_VAL), 0);
	cr_expect_eq(status().actual, (uint64_t)UINT32_MAX * PAGE);
}

Test(balloon, offers_what_was_asked_for)
{
	struct balloon_config cfg = bln.cfg;
	struct err err = { 0 };
	struct vdev *v;

	cfg.stats_s = 0;
	cfg.reporting = cfg.hinting = cfg.deflate_on_oom = false;
	cfg.target = 5 * MIB;
	cr_assert_eq(balloon_new(&cfg, &v, &err), 0);
	cr_expect_eq(v->offered & 0xffffff,
		     BALLOON_F_MUST_TELL_HOST | BALLOON_F_PAGE_POISON);
	cr_expect_eq(vdriver_reg(v, NUM_PAGES), 5 * MIB / PAGE);
	cr_expect_eq(balloon_set_stats_interval(v, 3), -EOPNOTSUPP);
	cr_expect_eq(balloon_hint_start(v, true), -EOPNOTSUPP);
	cr_expect_eq(balloon_hint_stop(v), -EOPNOTSUPP);
	vdev_free(v);
	cr_expect_eq(bln.v->offered & 0xffffff, 0x3f);
	cfg.target = BLN_RAM + PAGE;
	cr_expect_eq(balloon_new(&cfg, &v, &err), -ERANGE);
	cr_expect(strstr(err.msg, "8392704"));
}

/* --- which queue is which --------------------------------------------------- */

struct numbering {
	char why[40];
	uint64_t features;
	unsigned queues;    /* enabled */
	unsigned reporting; /* the number it has */
};

#define TAKES(f) (VIRTIO_F_VERSION_1 | (f))

ParameterizedTestParameters(balloon, numbers)
{
	static struct numbering n[] = {
		{ "all", BLN_ALL, 0x1f, 4 },
		{ "reporting alone, Linux", TAKES(BALLOON_F_PAGE_REPORTING), 7,
		  2 },
		{ "reporting alone, the specification",
		  TAKES(BALLOON_F_PAGE_REPORTING), 0x13, 4 },
		{ "reporting alone, in hinting's place",
		  TAKES(BALLOON_F_PAGE_REPORTING), 0xb, 3 },
		{ "with statistics, Linux",
		  TAKES(BALLOON_F_PAGE_REPORTING | BALLOON_F_STATS_VQ), 0xf,
		  3 },
		{ "with statistics, the specification",
		  TAKES(BALLOON_F_PAGE_REPORTING | BALLOON_F_STATS_VQ), 0x17,
		  4 },
		{ "with hinting, Linux",
		  TAKES(BALLOON_F_PAGE_REPORTING | BALLOON_F_FREE_PAGE_HINT),
		  0xf, 3 },
		{ "with a queue left out", BLN_ALL, 0x13, 4 },
	};

	return cr_make_param_array(struct numbering, n, ARRAY_SIZE(n));
}

ParameterizedTest(struct numbering *n, balloon, numbers)
{
	const struct vdriver_buf b = { BLN_PAGES, PAGE, true };

	bln_drive(n->features, n->queues);
	bln_chain(n->reporting, &b, 1);
	cr_expect_eq(bln_used(n->reporting), 1, "%s", n->why);
	cr_expect_eq(status().reported, PAGE, "%s", n->why);
}

/* A hinted page may be in use again as soon as the kick is over. */
Test(balloon, a_kick_is_never_spared)
{
	bln_drive(BLN_ALL | VIRTIO_F_EVENT_IDX, 0x1f);
	vdev_poll_begin(bln.v);
	for (unsigned i = 0; i < BALLOON_QUEUES; i++)
		cr_expect_not(bln.v->queue[i].polled);
	cr_expect_not(vdev_poll(bln.v));
	cr_expect_not(vdev_poll_end(bln.v));
}

/* --- broken chains ---------------------------------------------------------- */

struct bad_chain {
	char why[40];
	uint64_t features;
	unsigned queue, n;
	struct vdriver_buf buf[3];
};

ParameterizedTestParameters(balloon, faults_on)
{
	static struct bad_chain bad[] = {
		{ "inflate: a buffer to write",
		  BLN_ALL,
		  BALLOON_INFLATE,
		  1,
		  { { BLN_LIST, 4, true } } },
		{ "inflate: one to write behind",
		  BLN_ALL,
		  BALLOON_INFLATE,
		  2,
		  { { BLN_LIST, 4, false }, { BLN_LIST, 4, true } } },
		{ "inflate: part of a page number",
		  BLN_ALL,
		  BALLOON_INFLATE,
		  1,
		  { { BLN_LIST, 7, false } } },
		{ "inflate: one byte",
		  BLN_ALL,
		  BALLOON_INFLATE,
		  1,
		  { { BLN_LIST, 1, false } } },
		{ "inflate: a list outside memory",
		  BLN_ALL,
		  BALLOON_INFLATE,
		  1,
		  { { BLN_HOLE, 4, false } } },
		{ "deflate: a buffer to write",
		  BLN_ALL,
		  BALLOON_DEFLATE,
		  1,
		  { { BLN_LIST, 4, true } } },
		{ "deflate: part of a page number",
		  BLN_ALL,
		  BALLOON_DEFLATE,
		  1,
		  { { BLN_LIST, 6, false } } },
		{ "stats: a buffer to write",
		  BLN_ALL,
		  BALLOON_STATS,
		  1,
		  { { BLN_LIST, 10, true } } },
		{ "hint: a long command",
		  BLN_ALL,
		  BALLOON_FREE_PAGE,
		  1,
		  { { BLN_LIST, 5, false } } },
		{ "hint: a short command",
		  BLN_ALL,
		  BALLOON_FREE_PAGE,
		  2,
		  { { BLN_LIST, 3, false }, { BLN_PAGES, PAGE, true } } },
		{ "report: a buffer to read",
		  BLN_ALL,
		  BALLOON_REPORTING,
		  2,
		  { { BLN_LIST, 4, false }, { BLN_PAGES, PAGE, true } } },
		{ "report: outside memory",
		  BLN_ALL,
		  BALLOON_REPORTING,
		  1,
		  { { BLN_HOLE - PAGE, 2 * PAGE, true } } },
		{ "a queue without its feature",
		  VIRTIO_F_VERSION_1,
		  BALLOON_REPORTING,
		  1,
		  { { BLN_PAGES, PAGE, true } } },
	};

	return cr_make_param_array(struct bad_chain, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_chain *b, balloon, faults_on)
{
	const uint32_t page = FIRST;

	bln_drive(b->features, 0x1f);
	bln_chain(b->queue, b->buf, b->n);
	cr_expect(faulted(), "%s", b->why);
	cr_expect_eq(bln_used(b->queue), 0, "%s", b->why);
	cr_expect_eq(watched_madvise.n, 0, "%s", b->why);
	bln_drive(BLN_ALL, 0x1f);
	bln_list(BALLOON_INFLATE, &page, 1);
	cr_expect(bln_page_is(BLN_PAGES, 0), "%s", b->why);
}
