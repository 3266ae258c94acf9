/* test_loop_now.c: moving bytes at once, without the loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"

Test(loop_now, what_would_wait_is_not_done_at_once, .timeout = 20)
{
	char got[4] = { 0 };
	struct iovec to = { got, sizeof(got) };
	int p[2], f;

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	cr_expect_eq(loop_readv_now(p[0], &to, 1, LOOP_OFF_STREAM), -EAGAIN);
	(void)close(p[0]);
	(void)close(p[1]);
	/* a directory cannot promise anything, nor be read */
	f = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(f, 0);
	cr_expect_lt(loop_readv_now(f, &to, 1, 0), 0);
	(void)close(f);
	cr_expect_eq(loop_readv_now(f, &to, 1, 0), -EBADF);
}

Test(loop_now, what_is_at_hand_is_moved_at_once, .timeout = 20)
{
	char path[] = "/tmp/mayfly-now-XXXXXX";
	char got[8] = { 0 };
	char bytes[] = "abcde";
	struct iovec from[2] = { { bytes, 3 }, { bytes + 3, 2 } };
	struct iovec to = { got, sizeof(got) };
	int f = mkstemp(path), n;

	cr_assert_geq(f, 0);
	(void)unlink(path);
	cr_assert_eq(pwritev(f, from, 2, 0), 5);
	n = loop_readv_now(f, &to, 1, 2); /* memory file systems never say */
	cr_assert(n == 3 || n == -EAGAIN, "%d", n);
	if (n > 0)
		cr_expect_str_eq(got, "cde");
	n = loop_writev_now(f, from, 2, 0);
	cr_assert(n == 5 || n == -EAGAIN, "%d", n);
	(void)close(f);
}
