/* test_run_balloon.c: --balloon: its words. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/run_balloon.h"

TestSuite(run_balloon, .timeout = 10);

Test(run_balloon, words)
{
	struct machine_balloon b = { .reporting = true };
	struct err err = { 0 };

	cr_assert_eq(run_balloon_parse("on", &b, &err), 0);
	cr_expect(!b.target && !b.stats_s && !b.reporting && !b.hinting &&
		  !b.deflate_on_oom);
	cr_assert_eq(run_balloon_parse("size=32M,stats=5,reporting,hinting,"
				       "deflate-on-oom",
				       &b, &err),
		     0);
	cr_expect_eq(b.target, 32u << 20);
	cr_expect_eq(b.stats_s, 5);
	cr_expect(b.reporting && b.hinting && b.deflate_on_oom);
	cr_assert_eq(run_balloon_parse("size=5000", &b, &err), 0);
	cr_expect_eq(b.target, 4096); /* whole pages */
}

struct bad_words {
	char spec[48];
	char part[40]; /* of the message */
};

ParameterizedTestParameters(run_balloon, refuses)
{
	static struct bad_words bad[] = {
		{ "", "''" },
		{ "ON", "'ON'" },
		{ "on,", "'on'" },
		{ "reporting,on", "'on'" },
		{ "reporting,", "''" },
		{ "size", "'size'" },
		{ "size=", "size: ''" },
		{ "size=x", "size: 'x'" },
		{ "size=-1", "size: '-1'" },
		{ "size=2048G", "0K to 1024G" },
		{ "stats=", "stats: ''" },
		{ "stats=0", "1 to 65535" },
		{ "stats=65536", "1 to 65535" },
		{ "reporting=1", "'reporting=1'" },
		{ "deflate_on_oom", "deflate-on-oom" },
	};

	return cr_make_param_array(struct bad_words, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_words *b, run_balloon, refuses)
{
	struct machine_balloon ret;
	struct err err = { 0 };

	cr_expect_neq(run_balloon_parse(b->spec, &ret, &err), 0, "%s", b->spec);
	cr_expect(strstr(err.msg, b->part), "%s: %s", b->spec, err.msg);
}

Test(run_balloon, leaves_the_guest_something)
{
	struct machine_balloon b = { .target = 63u << 20 };
	struct err err = { 0 };

	cr_expect_eq(run_balloon_check(&b, 64u << 20, &err), 0);
	b.target = 64u << 20;
	cr_expect_eq(run_balloon_check(&b, 64u << 20, &err), -EINVAL);
	cr_expect(strstr(err.msg, "67108864"));
}
