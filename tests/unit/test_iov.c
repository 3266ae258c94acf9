/* test_iov.c: copying out of and into arrays of iovecs, and walking them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/iov.h"

static char bytes[] = "abcdefgh";

/* "abc", "", "de", "fgh" */
static void parts(struct iovec *iov)
{
	iov[0] = (struct iovec){ bytes, 3 };
	iov[1] = (struct iovec){ bytes + 3, 0 };
	iov[2] = (struct iovec){ bytes + 3, 2 };
	iov[3] = (struct iovec){ bytes + 5, 3 };
}

Test(iov, totals, .timeout = 10)
{
	struct iovec iov[4];

	parts(iov);
	cr_assert_eq(iov_total(iov, 4), 8);
	cr_assert_eq(iov_total(iov, 2), 3);
	cr_assert_eq(iov_total(iov, 0), 0);
}

Test(iov, gathers_across_parts_or_says_that_there_is_too_little, .timeout = 10)
{
	struct iovec iov[4];
	char got[9] = { 0 };

	parts(iov);
	cr_assert(iov_gather(iov, 4, got, 4));
	cr_assert_str_eq(got, "abcd");
	cr_assert(iov_gather(iov, 4, got, 8));
	cr_assert_str_eq(got, "abcdefgh");
	cr_assert(iov_gather(iov, 4, got, 0));
	cr_assert_not(iov_gather(iov, 4, got, 9));
	cr_assert_not(iov_gather(iov, 3, got, 6));
}

Test(iov, scatters_as_far_as_there_is_room, .timeout = 10)
{
	struct iovec iov[4];

	parts(iov);
	cr_assert_eq(iov_scatter(iov, 4, "12345", 5), 5);
	cr_assert_str_eq(bytes, "12345fgh");
	cr_assert_eq(iov_scatter(iov, 4, "ABCDEFGHIJ", 10), 8);
	cr_assert_str_eq(bytes, "ABCDEFGH");
	cr_assert_eq(iov_scatter(iov, 0, "x", 1), 0);
}

Test(iov, skips_into_a_part_and_past_the_last, .timeout = 10)
{
	struct iovec iov[4], *at = iov;
	unsigned n = 4;

	parts(iov);
	iov_skip(&at, &n, 0);
	cr_assert(at == iov && n == 4);
	iov_skip(&at, &n, 2);
	cr_assert(n == 4 && at->iov_len == 1);
	iov_skip(&at, &n, 2); /* the empty part is passed over */
	cr_assert(n == 2 && at->iov_len == 1);
	cr_assert_eq(*(char *)at->iov_base, bytes[4]);
	iov_skip(&at, &n, 4);
	cr_assert_eq(n, 0);
}

Test(iov, more_than_there_is_cannot_be_skipped, .signal = SIGABRT,
     .timeout = 10)
{
	struct iovec iov[4], *at = iov;
	unsigned n = 4;

	parts(iov);
	iov_skip(&at, &n, 9);
}
