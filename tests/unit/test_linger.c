/* test_linger.c: when the loop thread looks at the rings, and when it stops. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "vmm/linger.h"

#define T0 1000000000ull

static struct linger hot(void)
{
	struct linger g = { .need = LINGER_KICKS };

	for (unsigned i = 0; i < LINGER_KICKS; i++)
		cr_assert_eq(linger_kicked(&g, T0 + i), i + 1 == LINGER_KICKS);
	return g;
}

Test(linger, kicks_in_quick_succession_make_it_hot_once, .timeout = 10)
{
	struct linger g = hot();

	cr_expect(linger_start(&g));
	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(linger_kicked(&g, T0 + 100 + i));
}

Test(linger, kicks_now_and_then_do_not, .timeout = 10)
{
	struct linger g = { .need = LINGER_KICKS };

	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(
			linger_kicked(&g, T0 + i * (LINGER_GAP_NS + 1ull)));
	cr_expect_not(linger_start(&g));
}

Test(linger, without_a_cpu_nothing_does, .timeout = 10)
{
	struct linger g = { .need = 0 };

	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(linger_kicked(&g, T0 + i));
	cr_expect_not(linger_start(&g));
}

/* Looks every microsecond from `now` on; returns when it stopped. */
static uint64_t look(struct linger *g, uint64_t now)
{
	while (linger_looked(g, now, false)) {
		cr_assert(g->looking);
		now += 1000;
		cr_assert_lt(now, T0 * 2);
	}
	cr_assert_not(g->looking);
	return now;
}

Test(linger, work_makes_a_look_longer, .timeout = 10)
{
	struct linger g = hot();
	uint64_t end;

	cr_expect_geq(look(&g, T0), T0 + LINGER_NS);
	g = hot();
	for (unsigned i = 0; i < 1000; i++)
		cr_assert(linger_looked(&g, T0 + i * 10000ull, true));
	end = look(&g, T0 + 1000 * 10000ull);
	cr_expect_geq(end, T0 + 999 * 10000ull + LINGER_NS);
	cr_expect_leq(end, T0 + 1000 * 10000ull + LINGER_NS);
	cr_expect(linger_start(&g));
}

Test(linger, looks_in_vain_end_soon_and_get_rare, .timeout = 10)
{
	struct linger g = hot();
	unsigned looks = 0;
	uint64_t now = T0;

	for (; linger_start(&g); looks++)
		now = look(&g, now) + 1000;
	cr_expect_leq(looks, LINGER_HEAT);
	cr_expect_gt(g.need, LINGER_KICKS);
	for (unsigned i = 0; i < 20; i++) { /* it has an upper bound */
		for (unsigned k = 0; k < LINGER_KICKS_MAX; k++)
			if (linger_kicked(&g, ++now))
				break;
		cr_assert(linger_start(&g));
		while (linger_start(&g))
			now = look(&g, now) + 1000;
	}
	cr_expect_eq(g.need, LINGER_KICKS_MAX);
}

Test(linger, looks_that_find_work_make_it_easy_again, .timeout = 10)
{
	struct linger g = hot();
	uint64_t now = T0;

	g.need = LINGER_KICKS_MAX;
	for (unsigned i = 0; i < LINGER_HEAT; i++) {
		cr_assert(linger_looked(&g, now, true));
		now = look(&g, now + 1000) + 1000;
	}
	cr_expect_eq(g.need, LINGER_KICKS);
	cr_expect(linger_start(&g));
}

Test(linger, a_stall_ends_it_at_once, .timeout = 10)
{
	struct linger g = hot();

	cr_assert(linger_looked(&g, T0, true));
	cr_expect_not(linger_looked(&g, T0 + LINGER_STALL_NS + 1, true));
	cr_expect_not(g.looking);
	cr_expect_not(linger_start(&g));
	cr_expect_gt(g.need, LINGER_KICKS);
}
