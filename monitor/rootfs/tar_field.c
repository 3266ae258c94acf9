/* tar_field.c: see tar_field.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/tar_field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

#define NSEC_DIGITS 9

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Two's complement, big endian, without the first bit. */
static bool base256(const char *field, size_t len, int64_t *ret)
{
	bool negative = field[0] & 0x40;
	uint64_t v = negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)field[i];

		if (i == 0)
			c = negative ? c | 0x80 : c & 0x7f;
		/* what is shifted out is sign, and so is the new top bit */
		if (v >> 55 != (negative ? 0x1ff : 0))
			return false;
		v = v << 8 | c;
	}
	*ret = (int64_t)v;
	return true;
}

bool tar_number(const char *field, size_t len, int64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	if (len > 0 && field[0] & 0x80)
		return base256(field, len, ret);
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
		if (v >> 60)
			return false;
		v = v << 3 | (uint64_t)(field[i] - '0');
	}
	if (i < len && field[i] != ' ' && field[i] != '\0')
		return false;
	*ret = (int64_t)v;
	return true;
}

/* Digits up to `end`. */
static bool parse_decimal(const char *s, const char *end, int64_t *ret)
{
	int64_t v = 0;

	if (s == end)
		return false;
	for (; s < end; s++)
		if (!is_digit(*s) || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *s - '0', &v))
			return false;
	*ret = v;
	return true;
}

/* [-]SECONDS[.FRACTION] */
static bool parse_time(const char *s, const char *end, struct tar_pax *pax)
{
	bool negative = s < end && *s == '-';
	const char *dot;
	uint32_t nsec = 0;
	int64_t sec;

	if (negative)
		s++;
	if (s >= end)
		return false;
	dot = memchr(s, '.', (size_t)(end - s));
	if (!parse_decimal(s, dot ? dot : end, &sec))
		return false;
	if (dot) {
		s = dot + 1;
		for (unsigned i = 0; i < NSEC_DIGITS; i++)
			nsec = nsec * 10 + (s < end && is_digit(*s)
						    ? (uint32_t)(*s++ - '0')
						    : 0);
		for (; s < end; s++)
			if (!is_digit(*s))
				return false;
	}
	/* fractions count up from the whole second below */
	pax->mtime_sec = !negative ? sec : nsec ? -sec - 1 : -sec;
	pax->mtime_nsec = negative && nsec ? 1000000000u - nsec : nsec;
	return true;
}

static int set_string(char **to, const char *s, const char *end,
		      struct err *err)
{
	char *copy;

	if (memchr(s, 0, (size_t)(end - s)))
		return err_set(err, -EINVAL, "a name with a NUL");
	copy = strndup(s, (size_t)(end - s));
	if (!copy)
		return err_set(err, -ENOMEM, "a name");
	free(*to);
	*to = copy;
	return 0;
}

static const struct {
	const char *key;
	unsigned bit;
} keys[] = {
	{ "path", TAR_PAX_PATH }, { "linkpath", TAR_PAX_LINK },
	{ "size", TAR_PAX_SIZE }, { "mtime", TAR_PAX_MTIME },
	{ "uid", TAR_PAX_UID },   { "gid", TAR_PAX_GID },
};

static int set_value(struct tar_pax *pax, unsigned bit, const char *s,
		     const char *end, struct err *err)
{
	bool ok = true;

	switch (bit) {
	case TAR_PAX_PATH:
		(void)set_string(&pax->path, s, end, err);
		break;
	case TAR_PAX_LINK:
		(void)set_string(&pax->link, s, end, err);
		break;
	case TAR_PAX_SIZE:
		ok = parse_decimal(s, end, &pax->size);
		break;
	case TAR_PAX_UID:
		ok = parse_decimal(s, end, &pax->uid);
		break;
	case TAR_PAX_GID:
		ok = parse_decimal(s, end, &pax->gid);
		break;
	default:
		ok = parse_time(s, end, pax);
		break;
	}
	if (!ok)
		return err_set(err, -EINVAL, "pax: '%.*s' is no number",
			       end - s > 40 ? 40 : (int)(end - s), s);
	if (err->code == 0)
		pax->has |= bit;
	return err->code;
}

/* KEY=VALUE; an empty value takes back what was said before. */
static int parse_record(struct tar_pax *pax, const char *s, const char *end,
			struct err *err)
{
	const char *eq = memchr(s, '=', (size_t)(end - s));

	if (!eq)
		return err_set(err, -EINVAL, "pax: a record without '='");
	if (eq - s >= 11 && memcmp(s, "GNU.sparse.", 11) == 0)
		return err_set(err, -EINVAL,
			       "a sparse file, which is not supported");
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t n = strlen(keys[i].key);

		if ((size_t)(eq - s) != n || memcmp(s, keys[i].key, n) != 0)
			continue;
		pax->has &= ~keys[i].bit;
		return eq + 1 == end
			       ? 0
			       : set_value(pax, keys[i].bit, eq + 1, end, err);
	}
	return 0;
}

int tar_pax_parse(struct tar_pax *pax, const char *text, size_t len,
		  struct err *err)
{
	const char *p = text, *const end = text + len;

	/* "LEN KEY=VALUE\n", LEN counting all of it */
	while (p < end && *p != '\0') {
		const char *blank = memchr(p, ' ', (size_t)(end - p));
		int64_t n;

		if (!blank || !parse_decimal(p, blank, &n) ||
		    n <= blank - p + 1 || n > end - p || p[n - 1] != '\n')
			return err_set(err, -EINVAL, "pax: a broken record");
		if (parse_record(pax, blank + 1, p + n - 1, err))
			return err->code;
		p += n;
	}
	return 0;
}

void tar_pax_fini(struct tar_pax *pax)
{
	free(pax->path);
	free(pax->link);
	*pax = (struct tar_pax){ 0 };
}
