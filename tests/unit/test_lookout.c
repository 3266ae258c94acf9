/* test_lookout.c: when the loop thread looks at the rings, and when it stops. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "vmm/lookout.h"

#define T0 1000000000ull

static struct lookout hot(void)
{
	struct lookout g = { .need = LOOKOUT_KICKS };

	for (unsigned i = 0; i < LOOKOUT_KICKS; i++)
		cr_assert_eq(lookout_kicked(&g, T0 + i),
			     i + 1 == LOOKOUT_KICKS);
	return g;
}

Test(lookout, kicks_in_quick_succession_make_it_hot_once, .timeout = 10)
{
	struct lookout g = hot();

	cr_expect(lookout_start(&g));
	cr_expect(lookout_looked(&g, T0 + 100, false));
	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(lookout_kicked(&g, T0 + 100 + i));
}

Test(lookout, kicks_now_and_then_do_not, .timeout = 10)
{
	struct lookout g = { .need = LOOKOUT_KICKS };

	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(
			lookout_kicked(&g, T0 + i * (LOOKOUT_GAP_NS + 1ull)));
	cr_expect_not(lookout_start(&g));
}

Test(lookout, without_a_cpu_nothing_does, .timeout = 10)
{
	struct lookout g = { .need = 0 };

	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(lookout_kicked(&g, T0 + i));
	cr_expect_not(lookout_start(&g));
}

/* Looks every microsecond from `now` on; returns when it stopped. */
static uint64_t look(struct lookout *g, uint64_t now)
{
	while (lookout_looked(g, now, false)) {
		cr_assert(g->looking);
		now += 1000;
		cr_assert_lt(now, T0 * 2);
	}
	cr_assert_not(g->looking);
	return now;
}

Test(lookout, work_makes_a_look_longer, .timeout = 10)
{
	struct lookout g = hot();
	uint64_t end;

	cr_expect_geq(look(&g, T0), T0 + LOOKOUT_NS);
	g = hot();
	for (unsigned i = 0; i < 1000; i++)
		cr_assert(lookout_looked(&g, T0 + i * 10000ull, true));
	end = look(&g, T0 + 1000 * 10000ull);
	cr_expect_geq(end, T0 + 999 * 10000ull + LOOKOUT_NS);
	cr_expect_leq(end, T0 + 1000 * 10000ull + LOOKOUT_NS);
	cr_expect(lookout_start(&g));
}

/* Kicks that do their work themselves wake nobody: a hot machine whose loop
 * thread sleeps would be served by kicks for ever. */
Test(lookout, kicks_wake_a_hot_one_that_sleeps, .timeout = 10)
{
	struct lookout g = hot();
	uint64_t now;

	cr_assert(lookout_looked(&g, T0, true));
	now = look(&g, T0 + 1000);
	cr_assert(lookout_start(&g));
	for (unsigned i = 0; i < 100; i++) {
		now += LOOKOUT_GAP_NS + 1;
		cr_expect_not(lookout_kicked(&g, now));
	}
	for (unsigned i = 1; i <= 3 * LOOKOUT_KICKS_HOT; i++) {
		bool last = (i + 1) % LOOKOUT_KICKS_HOT == 0;

		cr_expect_eq(lookout_kicked(&g, ++now), last, "kick %u", i);
	}
	cr_expect(lookout_start(&g));
}

Test(lookout, looks_in_vain_end_soon_and_get_rare, .timeout = 10)
{
	struct lookout g = hot();
	unsigned looks = 0;
	uint64_t now = T0;

	for (; lookout_start(&g); looks++)
		now = look(&g, now) + 1000;
	cr_expect_leq(looks, LOOKOUT_HEAT);
	cr_expect_gt(g.need, LOOKOUT_KICKS);
	for (unsigned i = 0; i < 20; i++) { /* it has an upper bound */
		for (unsigned k = 0; k < LOOKOUT_KICKS_MAX; k++)
			if (lookout_kicked(&g, ++now))
				break;
		cr_assert(lookout_start(&g));
		while (lookout_start(&g))
			now = look(&g, now) + 1000;
	}
	cr_expect_eq(g.need, LOOKOUT_KICKS_MAX);
}

Test(lookout, looks_that_find_work_make_it_easy_again, .timeout = 10)
{
	struct lookout g = hot();
	uint64_t now = T0;

	g.need = LOOKOUT_KICKS_MAX;
	for (unsigned i = 0; i < LOOKOUT_HEAT; i++) {
		cr_assert(lookout_looked(&g, now, true));
		now = look(&g, now + 1000) + 1000;
	}
	cr_expect_eq(g.need, LOOKOUT_KICKS);
	cr_expect(lookout_start(&g));
}

Test(lookout, a_stall_ends_it_at_once, .timeout = 10)
{
	struct lookout g = hot();

	cr_assert(lookout_looked(&g, T0, true));
	cr_expect_not(lookout_looked(&g, T0 + LOOKOUT_STALL_NS + 1, true));
	cr_expect_not(g.looking);
	cr_expect_not(lookout_start(&g));
	cr_expect_gt(g.need, LOOKOUT_KICKS);
}
