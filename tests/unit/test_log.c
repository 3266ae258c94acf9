/* test_log.c: one line an event, whole, and no flood. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static char text[16384];

static int log_to_memory(enum log_level max)
{
	int fd = memfd_create("test_log", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	log_setup(fd, max);
	return fd;
}

static const char *logged(int fd)
{
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	return text;
}

static unsigned lines(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

Test(log, a_line_has_level_unit_and_text, .timeout = 10)
{
	int fd = log_to_memory(LOG_DEBUG);

	cr_assert_eq(log_level(), LOG_DEBUG);
	log_err("a", "one %d", 1);
	log_warn("b", "two");
	log_info("c", "three");
	log_debug("d", "four");
	cr_assert_str_eq(logged(fd), "mayfly: error: a: one 1\n"
				     "mayfly: warning: b: two\n"
				     "mayfly: info: c: three\n"
				     "mayfly: debug: d: four\n");
}

Test(log, levels_above_the_limit_are_silent, .timeout = 10)
{
	int fd = log_to_memory(LOG_WARN);

	log_info("c", "three");
	log_debug("d", "four");
	cr_assert_str_eq(logged(fd), "");
	log_warn("b", "two");
	cr_assert_eq(lines(logged(fd)), 1);
}

Test(log, long_lines_are_cut_and_still_end, .timeout = 10)
{
	int fd = log_to_memory(LOG_WARN);
	char big[2000];
	size_t n;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_err("unit", "%s", big);
	n = strlen(logged(fd));
	cr_assert_leq(n, 512);
	cr_assert_eq(text[n - 1], '\n');
	log_err(big, "%s", big); /* even the prefix does not fit */
	n = strlen(logged(fd));
	cr_assert_leq(n, 1024);
	cr_assert_eq(text[n - 1], '\n');
	cr_assert_eq(lines(text), 2);
}

Test(log, a_closed_descriptor_is_no_trouble, .timeout = 10)
{
	log_setup(-1, LOG_ERR);
	log_err("a", "nobody reads this");
}

Test(log, a_guest_gets_ten_lines_at_once, .timeout = 10)
{
	int fd = log_to_memory(LOG_WARN);

	for (int i = 0; i < 1000; i++)
		log_guest("dev", "bad request %d", i);
	cr_assert_eq(lines(logged(fd)), 10);
	cr_assert(strstr(text, "mayfly: warning: dev: bad request 9\n"));
	cr_assert_null(strstr(text, "not shown"));
}

Test(log, swallowed_lines_are_counted, .timeout = 10)
{
	int fd = log_to_memory(LOG_WARN);
	struct log_bucket b = { .tokens = 1 };

	for (int i = 0; i < 6; i++)
		log_guest_line(&b, "dev", "n %d", i);
	/* the bucket was never filled: the first call fills it to 1 only */
	cr_assert_eq(lines(logged(fd)), 1);
	b.filled_ns = clock_mono_ns() - 2 * NS_PER_SEC; /* two seconds on */
	log_guest_line(&b, "dev", "again");
	log_guest_line(&b, "dev", "again");
	log_guest_line(&b, "dev", "never");
	logged(fd);
	cr_assert(strstr(text, "again (5 such lines not shown)\n"));
	cr_assert_eq(lines(text), 3);
	cr_assert_null(strstr(text, "never"));
}

Test(log, call_sites_have_buckets_of_their_own, .timeout = 10)
{
	int fd = log_to_memory(LOG_WARN);

	for (int i = 0; i < 20; i++) {
		log_guest("dev", "one");
		log_guest("dev", "other");
	}
	cr_assert_eq(lines(logged(fd)), 20);
}

Test(log, quiet_monitors_swallow_nothing, .timeout = 10)
{
	int fd = log_to_memory(LOG_ERR);
	struct log_bucket b = { .tokens = 10 };

	for (int i = 0; i < 100; i++)
		log_guest_line(&b, "dev", "x");
	cr_assert_str_eq(logged(fd), "");
	cr_assert_eq(b.swallowed, 0);
}
