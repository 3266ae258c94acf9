/* args.c: see args.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/err.h"

/* Digits only: no sign, no space, no 0x. */
static int digits(const char *s, char **ret_end, uint64_t *ret)
{
	unsigned long long v;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, ret_end, 10);
	if (errno)
		return -ERANGE;
	*ret = v;
	return 0;
}

int arg_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret,
	     struct err *err)
{
	static const char suffixes[] = "KMGT";
	uint64_t v, unit = 1;
	const char *suffix;
	char *end;
	int r = digits(s, &end, &v);

	if (r == 0 && *end != '\0') {
		suffix = strchr(suffixes, *end & ~0x20);
		if (!suffix || !*suffix || end[1] != '\0')
			r = -EINVAL;
		else
			unit = 1ull << (10 * (suffix - suffixes + 1));
	}
	if (r == -EINVAL)
		return err_set(err, -EINVAL,
			       "'%s': a size is digits and K, M, G or T, "
			       "like 64M",
			       s);
	if (r || !mul_u64(v, unit, &v) || v < min || v > max)
		return err_set(err, -ERANGE, "'%s': allowed is %lluK to %lluG",
			       s, (unsigned long long)(min >> 10),
			       (unsigned long long)(max >> 30));
	*ret = v;
	return 0;
}

int arg_number(const char *s, unsigned min, unsigned max, unsigned *ret,
	       struct err *err)
{
	uint64_t v;
	char *end;

	if (digits(s, &end, &v) || *end != '\0' || v < min || v > max)
		return err_set(err, -EINVAL, "'%s': allowed is %u to %u", s,
			       min, max);
	*ret = (unsigned)v;
	return 0;
}

/* Up to nine digits after a point, as billionths. */
static int fraction(const char **s, uint64_t *ret)
{
	uint64_t v = 0, place = NS_PER_SEC / 10;
	const char *p = *s;

	if (*p != '.') {
		*ret = 0;
		return 0;
	}
	for (p++; *p >= '0' && *p <= '9'; p++, place /= 10)
		v += (uint64_t)(*p - '0') * place;
	if (p[-1] == '.')
		return -EINVAL;
	*s = p;
	*ret = v;
	return 0;
}

int arg_duration(const char *s, uint64_t *ret_ns, struct err *err)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_SEC },       { "s", NS_PER_SEC },
		{ "ms", 1000000 },        { "us", 1000 },
		{ "m", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC },
	};
	const uint64_t max = 366ull * 24 * 3600 * NS_PER_SEC;
	uint64_t whole, frac, ns;
	const char *p;
	char *end;

	if (digits(s, &end, &whole))
		goto bad;
	p = end;
	if (fraction(&p, &frac))
		goto bad;
	for (unsigned i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(p, units[i].suffix) != 0)
			continue;
		if (!mul_u64(whole, units[i].ns, &ns))
			goto bad;
		/* frac is billionths of the unit; both are below 2^63 */
		if (!add_u64(ns,
			     (uint64_t)((unsigned __int128)frac * units[i].ns /
					NS_PER_SEC),
			     &ns))
			goto bad;
		if (ns == 0 || ns > max)
			goto bad;
		*ret_ns = ns;
		return 0;
	}
bad:
	return err_set(err, -EINVAL,
		       "'%s': a time above 0 and at most a year, like 10, "
		       "1.5s, 200ms, 5m or 2h",
		       s);
}

/* "a, b or c" */
static const char *list_words(const struct arg_word *words, unsigned n,
			      char *buf, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		const char *sep = i == 0 ? "" : i == n - 1 ? " or " : ", ";
		int r = snprintf(buf + at, len - at, "%s%s", sep,
				 words[i].word);

		if (r < 0 || (size_t)r >= len - at)
			break;
		at += (size_t)r;
	}
	return buf;
}

static const struct arg_word *
find_word(const char *s, size_t len, const struct arg_word *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (strlen(words[i].word) == len &&
		    memcmp(words[i].word, s, len) == 0)
			return &words[i];
	return NULL;
}

int arg_choice(const char *s, const struct arg_word *words, unsigned n,
	       unsigned *ret, struct err *err)
{
	const struct arg_word *w = find_word(s, strlen(s), words, n);
	char buf[160];

	if (!w)
		return err_set(err, -EINVAL, "'%s': allowed is %s", s,
			       list_words(words, n, buf, sizeof(buf)));
	*ret = w->value;
	return 0;
}

int arg_set(const char *s, const struct arg_word *words, unsigned n,
	    unsigned *ret, struct err *err)
{
	unsigned set = 0;
	const char *p = s;
	char buf[160];

	for (;;) {
		size_t len = strcspn(p, ",");
		const struct arg_word *w = find_word(p, len, words, n);

		if (!w)
			return err_set(err, -EINVAL,
				       "'%.*s' in '%s': allowed is %s, "
				       "separated by commas",
				       (int)len, p, s,
				       list_words(words, n, buf, sizeof(buf)));
		set |= w->value;
		if (p[len] == '\0')
			break;
		p += len + 1;
	}
	*ret = set;
	return 0;
}
