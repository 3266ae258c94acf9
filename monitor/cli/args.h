/* args.h: option values in, numbers out. Errors name value and limit. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdint.h>

#include "base/attr.h"

struct err;

/* "512K", "64M", "2G", or bytes: digits and at most one suffix. */
WUR int arg_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret,
		 struct err *err);
/* A decimal number in min..max. */
WUR int arg_number(const char *s, unsigned min, unsigned max, unsigned *ret,
		   struct err *err);
/* "30", "1.5s", "200ms", "5m", "2h" in nanoseconds, above 0, at most a year. */
WUR int arg_duration(const char *s, uint64_t *ret_ns, struct err *err);

struct arg_word {
	const char *word;
	unsigned value;
};
/* One of the n words. */
WUR int arg_choice(const char *s, const struct arg_word *words, unsigned n,
		   unsigned *ret, struct err *err);
/* Words separated by commas, their values or-ed. */
WUR int arg_set(const char *s, const struct arg_word *words, unsigned n,
		unsigned *ret, struct err *err);

#endif
