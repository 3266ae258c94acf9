/* test_args.c: option values. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/args.h"

#define KIB 1024ull
#define GIB (1ull << 30)

struct size_case {
	char text[32];
	uint64_t want; /* 0: refused */
};

ParameterizedTestParameters(args, sizes)
{
	static struct size_case c[] = {
		{ "4096K", 4 << 20 },
		{ "64M", 64 << 20 },
		{ "64m", 64 << 20 },
		{ "2G", 2 * GIB },
		{ "1T", 1024 * GIB },
		{ "67108864", 64 << 20 },
		{ "", 0 },
		{ "M", 0 },
		{ "64MB", 0 },
		{ "64 M", 0 },
		{ "-1", 0 },
		{ "+64M", 0 },
		{ "0x40M", 0 },
		{ "1.5G", 0 },
		{ "0", 0 },
		{ "1023K", 0 },
		{ "1025G", 0 },
		{ "2T", 0 },
		{ "64P", 0 },
		{ "18446744073709551616", 0 },
		{ "99999999999999999T", 0 },
	};

	return cr_make_param_array(struct size_case, c, ARRAY_SIZE(c));
}

ParameterizedTest(struct size_case *c, args, sizes, .timeout = 10)
{
	struct err err = { 0 };
	uint64_t v = 7;
	int r = arg_size(c->text, 1024 * KIB, 1024 * GIB, &v, &err);

	if (c->want) {
		cr_assert_eq(r, 0, "%s: %s", c->text, err.msg);
		cr_assert_eq(v, c->want, "%s", c->text);
	} else {
		cr_assert_lt(r, 0, "%s was taken as %llu", c->text,
			     (unsigned long long)v);
		cr_assert_eq(v, 7, "%s: written on failure", c->text);
		cr_assert(strstr(err.msg, c->text), "%s: not named in: %s",
			  c->text, err.msg);
	}
}

ParameterizedTestParameters(args, durations)
{
	static struct size_case c[] = {
		{ "10", 10000000000 },
		{ "1.5s", 1500000000 },
		{ "200ms", 200000000 },
		{ "0.25ms", 250000 },
		{ "7us", 7000 },
		{ "5m", 300000000000 },
		{ "2h", 7200000000000 },
		{ "0.000000001", 1 },
		{ "0", 0 },
		{ "0.0s", 0 },
		{ "", 0 },
		{ "s", 0 },
		{ "1.s", 0 },
		{ ".5s", 0 },
		{ "-1", 0 },
		{ "1 s", 0 },
		{ "1d", 0 },
		{ "1sec", 0 },
		{ "9000h", 0 },
		{ "99999999999999999999", 0 },
		{ "18446744073709551615h", 0 },
	};

	return cr_make_param_array(struct size_case, c, ARRAY_SIZE(c));
}

ParameterizedTest(struct size_case *c, args, durations, .timeout = 10)
{
	struct err err = { 0 };
	uint64_t v = 7;
	int r = arg_duration(c->text, &v, &err);

	cr_assert_eq(r == 0, c->want != 0, "%s: %s", c->text, err.msg);
	cr_assert_eq(v, c->want ? c->want : 7, "%s", c->text);
}

Test(args, numbers_stay_in_range, .timeout = 10)
{
	static const char *const bad[] = { "0",  "33",  "-1",         "1x", "",
					   " 1", "1e1", "4294967297", "0x1" };
	unsigned v;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };

		cr_assert_lt(arg_number(bad[i], 1, 32, &v, &err), 0, "%s",
			     bad[i]);
		cr_assert(strstr(err.msg, "1 to 32"));
	}
	cr_assert_eq(arg_number("32", 1, 32, &v, &(struct err){ 0 }), 0);
	cr_assert_eq(v, 32);
}

static const struct arg_word words[] = { { "serial", 1 },
					 { "pit", 2 },
					 { "rtc", 4 } };

Test(args, sets_take_words_in_any_order, .timeout = 10)
{
	unsigned v;

	cr_assert_eq(arg_set("rtc,serial", words, 3, &v, &(struct err){ 0 }),
		     0);
	cr_assert_eq(v, 5);
}

Test(args, unknown_words_are_named_with_what_is_allowed, .timeout = 10)
{
	static const char *const bad[] = { "",      "ser",        "serial,",
					   ",pit",  "serial pit", "Serial",
					   "pit,x", "serialpit" };
	unsigned v = 9;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };

		cr_assert_eq(arg_set(bad[i], words, 3, &v, &err), -EINVAL, "%s",
			     bad[i]);
		cr_assert(strstr(err.msg, "serial, pit or rtc"), "%s", err.msg);
	}
	cr_assert_eq(v, 9);
	cr_assert_eq(arg_choice("pit,rtc", words, 3, &v, &(struct err){ 0 }),
		     -EINVAL);
	cr_assert_eq(arg_choice("pit", words, 3, &v, &(struct err){ 0 }), 0);
	cr_assert_eq(v, 2);
}
