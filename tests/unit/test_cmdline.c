/* test_cmdline.c: order, the separator, and the length limit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "boot/cmdline.h"

#define D0 "virtio_mmio.device=4K@0xc0001000:5"
#define D1 "virtio_mmio.device=4K@0xc0002000:6"

/* Parameters are copied into a fresh process, where pointers in them would
 * mean nothing: a row number is the parameter. */
static struct criterion_test_params rows(size_t n)
{
	static unsigned row[64];

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = i;
	cr_assert_leq(n, ARRAY_SIZE(row));
	return cr_make_param_array(unsigned, row, n);
}

struct line {
	const char *user;
	unsigned n;
	const char *extra, *result;
};

static const struct line lines[] = {
	{ "", 0, NULL, "" },
	{ "", 1, NULL, D0 },
	{ "quiet", 0, NULL, "quiet" },
	{ "quiet", 2, NULL, "quiet " D0 " " D1 },
	{ "quiet", 1, "a=b", "quiet " D0 " a=b" },
	{ "quiet  ", 1, NULL, "quiet " D0 },
	{ " quiet", 1, NULL, " quiet " D0 },
	{ "quiet -- -x", 1, NULL, "quiet " D0 " -- -x" },
	{ "-- -x", 1, NULL, D0 " -- -x" },
	{ "quiet --", 1, "e", "quiet " D0 " e --" },
	{ "quiet\t--\tx", 1, NULL, "quiet " D0 " --\tx" },
	{ "a --b c-- x", 1, NULL, "a --b c-- x " D0 },
	{ "a=\"x -- y\" b", 1, NULL, "a=\"x -- y\" b " D0 },
	{ "a \"--\" x", 1, NULL, "a " D0 " \"--\" x" },
	{ "a -- b -- c", 1, NULL, "a " D0 " -- b -- c" },
	{ "a\"=x -- y\" \"b\"c", 1, NULL, "a\"=x -- y\" \"b\"c " D0 },
	{ "--", 0, NULL, "--" },
};

ParameterizedTestParameters(cmdline, puts_ours_before_the_separator)
{
	return rows(ARRAY_SIZE(lines));
}

ParameterizedTest(const unsigned *row, cmdline, puts_ours_before_the_separator,
		  .timeout = 5)
{
	const struct line *l = &lines[*row];
	struct err err = { 0 };
	struct cmdline c;

	cr_assert_eq(cmdline_build(l->user, l->n, l->extra, BOOT_CMDLINE_MAX,
				   &c, &err),
		     0);
	cr_assert_str_eq(c.text, l->result);
	cr_assert_eq(c.len, strlen(l->result));
}

Test(cmdline, open_quote_would_swallow_ours, .timeout = 5)
{
	static const char *const users[] = { "\"", "a=\"open -- b",
					     "x \"y\" z\"" };

	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		struct err err = { 0 };
		struct cmdline c;

		cr_assert_eq(cmdline_build(users[i], 1, NULL, 4096, &c, &err),
			     -EINVAL);
		cr_assert(strstr(err.msg, "is not closed"), "%s", err.msg);
	}
}

Test(cmdline, last_device, .timeout = 5)
{
	struct err err = { 0 };
	struct cmdline c;

	cr_assert_eq(cmdline_build("", LAYOUT_VIRTIO_MAX, NULL, 4096, &c, &err),
		     0);
	cr_assert(strstr(c.text, " virtio_mmio.device=4K@0xc0012000:22"));
}

Test(cmdline, limit_counts_the_nul, .timeout = 5)
{
	static char user[BOOT_CMDLINE_MAX + 100];
	struct err err = { 0 };
	struct cmdline c;

	memset(user, 'a', 255);
	cr_assert_eq(cmdline_build(user, 0, NULL, 256, &c, &err), 0);
	cr_assert_eq(c.len, 255);
	cr_assert_eq(cmdline_build(user, 0, NULL, 255, &c, &err), -E2BIG);
	cr_assert_str_eq(err.msg, "kernel command line of 255 bytes (255 of "
				  "them --kernel-args), at most 254");
}

Test(cmdline, too_long_by_the_devices, .timeout = 5)
{
	static char user[BOOT_CMDLINE_MAX + 100];
	struct err err = { 0 };
	struct cmdline c;

	memset(user, 'a', 4080);
	cr_assert_eq(cmdline_build(user, 1, NULL, 4096, &c, &err), -E2BIG);
	cr_assert(strstr(err.msg, "of 4115 bytes"), "%s", err.msg);
	err = (struct err){ 0 };
	memset(user, 'a', sizeof(user) - 1);
	cr_assert_eq(cmdline_build(user, 18, "x", 4096, &c, &err), -E2BIG);
}
