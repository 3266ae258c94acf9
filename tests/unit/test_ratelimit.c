/* test_ratelimit.c: token buckets on a clock that is a number. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "base/attr.h"
#include "base/clock.h"
#include "virtio/ratelimit.h"

#define MS    1000000ull
#define START (123 * NS_PER_SEC + 456789)

TestSuite(ratelimit, .timeout = 20);

/* Somebody who always has work, and is woken `late_ns` after his time: how
 * much has started before `ns` have passed? */
static uint64_t greedy(struct ratelimit *rl, uint64_t ns, uint64_t bytes,
		       uint64_t late_ns)
{
	const uint64_t end = START + ns;
	uint64_t now = START, n = 0;

	while (now < end) {
		while (ratelimit_ready(rl, now)) {
			ratelimit_charge(rl, now, bytes, 1);
			n++;
		}
		cr_assert_gt(ratelimit_ready_at(rl), now);
		now = ratelimit_ready_at(rl) + late_ns;
	}
	return n;
}

/* --- averages ----------------------------------------------------------------- */

struct load {
	uint64_t bytes, ops; /* a second */
	uint64_t len;        /* of each */
	uint64_t late_ns;
};

ParameterizedTestParameters(ratelimit, averages)
{
	static struct load loads[] = {
		{ 10 << 20, 0, 4096, 0 },
		{ 10 << 20, 0, 4096, 50 * 1000 },
		{ 10 << 20, 0, 4096, 20 * MS },
		{ 10 << 20, 0, 512, 99 * MS },
		{ 10 << 20, 0, 1 << 20, 0 },
		{ 10 << 20, 0, 1 << 20, 20 * MS },
		{ 10 << 20, 0, 1000003, 7 * MS },
		{ 1 << 10, 0, 64, 0 }, /* the least that can be asked for */
		{ 3 << 20, 0, 262144, 1 * MS },
		{ 1ull << 30, 0, 1 << 20, 50 * 1000 },
		{ 1ull << 40, 0, 1ull << 32, 50 * 1000 }, /* the most */
		{ 1000003, 0, 1009, 333333 }, /* nothing divides anything */
		{ 0, 50, 4096, 0 },
		{ 0, 500, 4096, 0 },
		{ 0, 500, 4096, 30 * MS },
		{ 0, 333, 0, 1 },
		{ 0, 100000, 4096, 60 * 1000 },
		{ 10 << 20, 500, 4096, 1 * MS },   /* ops are less */
		{ 10 << 20, 50000, 4096, 1 * MS }, /* bytes are less */
	};

	return cr_make_param_array(struct load, loads, ARRAY_SIZE(loads));
}

ParameterizedTest(struct load *l, ratelimit, averages)
{
	static const uint64_t seconds[] = { 10, 1000 };
	const struct ratelimit_config cfg = { .bytes = l->bytes,
					      .ops = l->ops };

	for (unsigned i = 0; i < ARRAY_SIZE(seconds); i++) {
		const uint64_t s = seconds[i];
		uint64_t by_bytes = UINT64_MAX, by_ops = UINT64_MAX, want, got;
		struct ratelimit rl;

		/* as many as there are in a thousand seconds: in long pieces */
		if (s > 10 &&
		    (l->bytes / (l->len + 1) > 20000 || l->ops > 20000))
			continue;
		ratelimit_init(&rl, &cfg, START);
		got = greedy(&rl, s * NS_PER_SEC, l->len, l->late_ns);
		if (l->bytes)
			by_bytes = l->bytes * s / l->len;
		if (l->ops)
			by_ops = l->ops * s;
		want = by_bytes < by_ops ? by_bytes : by_ops;
		cr_expect_leq(got * 100, want * 102 + 100,
			      "%llu s: %llu, not %llu", (unsigned long long)s,
			      (unsigned long long)got,
			      (unsigned long long)want);
		cr_expect_geq(got * 100 + 100, want * 98,
			      "%llu s: %llu, not %llu", (unsigned long long)s,
			      (unsigned long long)got,
			      (unsigned long long)want);
		/* a thousand seconds leave a burst and a piece, no drift */
		if (s > 10)
			cr_expect_leq(got, want + want / s / 10 + 1);
	}
}

Test(ratelimit, never_more_than_promised)
{
	static const uint64_t lens[] = { 1, 511, 4096, 1 << 20, 50 << 20 };
	const struct ratelimit_config cfg = { .bytes = 1 << 20,
					      .bytes_burst = 300000 };

	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		uint64_t now = START, total = 0;
		struct ratelimit rl;

		ratelimit_init(&rl, &cfg, START);
		for (unsigned n = 0; n < 20000; n++) {
			uint64_t most =
				(1 << 20) * (unsigned __int128)(now - START) /
					NS_PER_SEC +
				300000 + lens[i];

			if (ratelimit_ready(&rl, now)) {
				ratelimit_charge(&rl, now, lens[i], 1);
				total += lens[i];
				cr_assert_leq(total, most);
			}
			now += 777777;
		}
		cr_expect_gt(total, 0);
	}
}

/* --- bursts ------------------------------------------------------------------- */

Test(ratelimit, a_pause_saves_a_burst_up)
{
	const struct ratelimit_config cfg = { .ops = 10, .ops_burst = 7 };
	struct ratelimit rl;
	unsigned n = 0;

	ratelimit_init(&rl, &cfg, START);
	for (; ratelimit_ready(&rl, START); n++)
		ratelimit_charge(&rl, START, 0, 1);
	cr_expect_eq(n, 8, "the burst, and one that makes the debt");
	cr_expect_eq(ratelimit_ready_at(&rl), START + 100 * MS);
	for (n = 0; ratelimit_ready(&rl, START + 1000 * NS_PER_SEC); n++)
		ratelimit_charge(&rl, START + 1000 * NS_PER_SEC, 0, 1);
	cr_expect_eq(n, 8, "not what a long pause would have brought");
}

Test(ratelimit, more_than_the_bucket_holds_goes_through)
{
	const struct ratelimit_config cfg = { .bytes = 1000,
					      .bytes_burst = 10 };
	struct ratelimit rl;

	ratelimit_init(&rl, &cfg, START);
	cr_assert(ratelimit_ready(&rl, START));
	ratelimit_charge(&rl, START, 5010, 1);
	cr_expect_not(ratelimit_ready(&rl, START));
	cr_expect_eq(ratelimit_ready_at(&rl), START + 5 * NS_PER_SEC);
	cr_expect_not(ratelimit_ready(&rl, START + 5 * NS_PER_SEC - 1));
	cr_expect(ratelimit_ready(&rl, START + 5 * NS_PER_SEC));
	cr_expect_eq(rl.bytes.level, 0);
}

Test(ratelimit, the_usual_burst)
{
	const struct ratelimit_config cfg = { .bytes = 1000, .ops = 9 };
	struct ratelimit rl;

	ratelimit_init(&rl, &cfg, START);
	cr_expect_eq(rl.bytes.level, 100);
	cr_expect_eq(rl.ops.level, 0, "one at a time");
	cr_expect(ratelimit_ready(&rl, START));
}

/* --- corners ------------------------------------------------------------------ */

Test(ratelimit, no_limit)
{
	const struct ratelimit_config none = { 0 }, one = { .ops = 1 };
	struct ratelimit rl;

	ratelimit_init(&rl, &none, START);
	cr_expect_not(ratelimit_is_set(&rl));
	ratelimit_charge(&rl, START, UINT64_MAX, UINT64_MAX);
	cr_expect(ratelimit_ready(&rl, START));
	ratelimit_init(&rl, &one, START);
	cr_expect(ratelimit_is_set(&rl));
	ratelimit_charge(&rl, START, UINT64_MAX, 0);
	cr_expect(ratelimit_ready(&rl, START), "bytes are not limited");
}

Test(ratelimit, either_bucket_holds_back)
{
	const struct ratelimit_config cfg = { .bytes = 100, .ops = 100 };
	struct ratelimit rl;

	ratelimit_init(&rl, &cfg, START);
	ratelimit_charge(&rl, START, 110, 0);
	cr_expect_not(ratelimit_ready(&rl, START));
	cr_expect_eq(ratelimit_ready_at(&rl), START + NS_PER_SEC);
	ratelimit_charge(&rl, START, 0, 210);
	cr_expect_eq(ratelimit_ready_at(&rl), START + 2 * NS_PER_SEC,
		     "the later one");
}

Test(ratelimit, a_clock_that_stands_still_or_goes_back)
{
	const struct ratelimit_config cfg = { .ops = 1000 };
	struct ratelimit rl;

	ratelimit_init(&rl, &cfg, START);
	ratelimit_charge(&rl, START, 0, 101);
	for (unsigned i = 0; i < 100000; i++) {
		cr_assert_not(ratelimit_ready(&rl, START));
		cr_assert_not(ratelimit_ready(&rl, START - i));
	}
	cr_expect_eq(ratelimit_ready_at(&rl), START + MS);
	cr_expect(ratelimit_ready(&rl, START + MS));
	cr_expect(ratelimit_ready(&rl, 0));
}

Test(ratelimit, fractions_add_up)
{
	const struct ratelimit_config cfg = { .ops = 1, .ops_burst = 10 };
	struct ratelimit rl;

	ratelimit_init(&rl, &cfg, 0);
	ratelimit_charge(&rl, 0, 0, 11);
	for (uint64_t now = 1; now < 1000; now++)
		cr_assert_not(ratelimit_ready(&rl, now * MS));
	cr_expect(ratelimit_ready(&rl, 1000 * MS));
	cr_expect_eq(rl.ops.level, 0);
	cr_expect_eq(rl.ops.parts, 0);
}

Test(ratelimit, a_copy_goes_on_where_it_was)
{
	const struct ratelimit_config cfg = { .bytes = 777, .ops = 7 };
	struct ratelimit a, b;

	ratelimit_init(&a, &cfg, START);
	ratelimit_charge(&a, START + 5, 1234, 9);
	(void)ratelimit_ready(&a, START + 98765432);
	b = a;
	cr_expect_eq(ratelimit_ready_at(&a), ratelimit_ready_at(&b));
	cr_expect_eq(greedy(&a, 10 * NS_PER_SEC, 10, 3),
		     greedy(&b, 10 * NS_PER_SEC, 10, 3));
}

/* --- huge values --------------------------------------------------------------- */

struct huge {
	struct ratelimit_config cfg;
	uint64_t bytes, ops;
};

ParameterizedTestParameters(ratelimit, huge_values)
{
	const uint64_t max = UINT64_MAX;
	static struct huge huge[8];
	unsigned n = 0;

	huge[n++] = (struct huge){ { max, max, max, max }, max, max };
	huge[n++] = (struct huge){ { max, max, 0, 0 }, max, max };
	huge[n++] = (struct huge){ { 1, 1, 0, 0 }, max, max };
	huge[n++] = (struct huge){ { 1, 1, max, max }, max, max };
	huge[n++] = (struct huge){ { 1, 1, 1, 1 }, 1ull << 63, 1ull << 63 };
	huge[n++] = (struct huge){ { max, max, 1, 1 }, 1, 1 };
	return cr_make_param_array(struct huge, huge, n);
}

ParameterizedTest(struct huge *h, ratelimit, huge_values)
{
	static const uint64_t times[] = { 0,          1,
					  1,          NS_PER_SEC,
					  1ull << 62, UINT64_MAX - 1,
					  UINT64_MAX, UINT64_MAX };
	struct ratelimit rl;

	ratelimit_init(&rl, &h->cfg, 0);
	cr_expect(ratelimit_ready(&rl, 0), "full at first");
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
		bool ready = ratelimit_ready(&rl, times[i]);
		uint64_t at = ratelimit_ready_at(&rl);

		cr_expect_geq(at, times[i]);
		cr_expect_eq(ready, at == times[i] && rl.bytes.level >= 0 &&
					    rl.ops.level >= 0);
		cr_expect_leq(rl.bytes.level, rl.bytes.burst);
		cr_expect_leq(rl.ops.level, rl.ops.burst);
		for (unsigned n = 0; n < 5; n++)
			ratelimit_charge(&rl, times[i], h->bytes, h->ops);
	}
	cr_expect_not(ratelimit_ready(&rl, UINT64_MAX));
}
