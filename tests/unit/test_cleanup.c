/* test_cleanup.c: scopes clean up, and what is taken survives them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/cleanup.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_and_leave(void)
{
	AUTO_FD fd = dup(0);

	cr_assert(is_open(fd));
	return fd; /* a number only: the descriptor is closed */
}

static int open_and_take(void)
{
	AUTO_FD fd = dup(0);

	return take_fd(&fd);
}

Test(cleanup, descriptors_close_with_their_scope, .timeout = 10)
{
	AUTO_FD none = -1; /* never opened: nothing happens */
	int fd = open_and_leave();

	(void)none;
	cr_assert_not(is_open(fd));
	fd = open_and_take();
	cr_assert(is_open(fd));
	close(fd);
}

static char *copy(const char *s, bool give)
{
	AUTO_FREE char *p = strdup(s);

	cr_assert_not_null(p);
	/* clang-tidy does not know the cleanup attribute */
	return give ? take_ptr(&p) : NULL; /* NOLINT */
}

/* that nothing leaks or is freed twice is for ASan to say */
Test(cleanup, allocations_go_with_their_scope, .timeout = 10)
{
	char *kept;

	cr_assert_null(copy("gone", false));
	kept = copy("kept", true);
	cr_assert_str_eq(kept, "kept");
	free(kept);
}

struct outer {
	int a, b;
};

Test(cleanup, container_of_finds_the_object, .timeout = 10)
{
	struct outer o;

	cr_assert_eq(CONTAINER_OF(&o.b, struct outer, b), &o);
	cr_assert_eq(ARRAY_SIZE(((int[]){ 1, 2, 3 })), 3);
}
