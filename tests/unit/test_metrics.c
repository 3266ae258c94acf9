/* test_metrics.c: counters, also from many threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/metrics.h"

static struct metric hits = { .name = "test_hits", .help = "for this test" };

Test(metrics, count, .timeout = 10)
{
	cr_assert_eq(metric_get(&hits), 0);
	metric_inc(&hits);
	metric_add(&hits, 41);
	cr_assert_eq(metric_get(&hits), 42);
}

static void *hit(void *arg)
{
	for (int i = 0; i < 10000; i++)
		metric_inc(&hits);
	return arg;
}

Test(metrics, threads_lose_nothing, .timeout = 10)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, hit, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(metric_get(&hits), 40000);
}

Test(metrics, the_clock_goes_forward, .timeout = 10)
{
	uint64_t a = clock_mono_ns(), b = clock_mono_ns();

	cr_assert_gt(a, 0);
	cr_assert_leq(a, b);
	cr_assert_gt(clock_ns(CLOCK_REALTIME), 1500000000 * NS_PER_SEC);
}
