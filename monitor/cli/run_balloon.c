/* run_balloon.c: see run_balloon.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_balloon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/args.h"

static int parse_word(const char *s, struct machine_balloon *b, struct err *err)
{
	if (strncmp(s, "size=", 5) == 0) {
		if (arg_size(s + 5, 0, LAYOUT_MEM_MAX, &b->target, err))
			return err_wrap(err, "size");
		b->target &= ~(PAGE_LEN - 1);
		return 0;
	}
	if (strncmp(s, "stats=", 6) == 0) {
		if (arg_number(s + 6, 1, RUN_BALLOON_STATS_MAX, &b->stats_s,
			       err))
			return err_wrap(err, "stats");
		return 0;
	}
	if (strcmp(s, "reporting") == 0)
		b->reporting = true;
	else if (strcmp(s, "hinting") == 0)
		b->hinting = true;
	else if (strcmp(s, "deflate-on-oom") == 0)
		b->deflate_on_oom = true;
	else
		return err_set(err, -EINVAL,
			       "'%s': allowed is on alone, size=SIZE, "
			       "stats=SECONDS, reporting, hinting or "
			       "deflate-on-oom",
			       s);
	return 0;
}

int run_balloon_parse(const char *spec, struct machine_balloon *ret,
		      struct err *err)
{
	struct machine_balloon b = { 0 };
	char *words = strdup(spec), *rest = words;
	int r = 0;

	if (!words)
		return err_set(err, -ENOMEM, "options");
	if (strcmp(spec, "on") == 0)
		rest = NULL;
	while (!r && rest)
		r = parse_word(strsep(&rest, ","), &b, err);
	free(words);
	if (!r)
		*ret = b;
	return r;
}

int run_balloon_check(const struct machine_balloon *b, uint64_t mem_len,
		      struct err *err)
{
	if (b->target < mem_len)
		return 0;
	return err_set(err, -EINVAL,
		       "--balloon: size: %llu bytes: allowed is less than the "
		       "guest's memory, %llu (--memory)",
		       (unsigned long long)b->target,
		       (unsigned long long)mem_len);
}
