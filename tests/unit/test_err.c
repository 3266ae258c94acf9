/* test_err.c: messages of failures. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/err.h"

Test(err, set_keeps_code_and_words, .timeout = 10)
{
	struct err err = { 0 };

	cr_assert_eq(err_set(&err, -ENOENT, "open %s", "/x"), -ENOENT);
	cr_assert_eq(err.code, -ENOENT);
	cr_assert_str_eq(err.msg, "open /x");
}

Test(err, wrap_prefixes_and_keeps_the_code, .timeout = 10)
{
	struct err err = { 0 };

	(void)!err_set(&err, -EIO, "read");
	cr_assert_eq(err_wrap(&err, "drive %d", 3), -EIO);
	cr_assert_eq(err_wrap(&err, "guest"), -EIO);
	cr_assert_str_eq(err.msg, "guest: drive 3: read");
}

Test(err, long_messages_are_cut, .timeout = 10)
{
	char text[1000];
	struct err err = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)!err_set(&err, -EIO, "%s", text);
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	(void)!err_wrap(&err, "outer");
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	cr_assert_eq(strncmp(err.msg, "outer: xxx", 10), 0);
	(void)!err_wrap(&err, "%s", text); /* a prefix that fills it all */
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
}

Test(err, setting_twice_is_a_bug, .signal = SIGABRT, .timeout = 10)
{
	struct err err = { 0 };

	(void)!err_set(&err, -EIO, "one");
	(void)!err_set(&err, -EIO, "two");
}

Test(err, positive_codes_are_a_bug, .signal = SIGABRT, .timeout = 10)
{
	struct err err = { 0 };

	(void)!err_set(&err, EIO, "one");
}

Test(err, wrapping_nothing_is_a_bug, .signal = SIGABRT, .timeout = 10)
{
	struct err err = { 0 };

	(void)!err_wrap(&err, "outer");
}
