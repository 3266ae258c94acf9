/* format.c: formatted text into a buffer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

struct out {
	char *buf;
	size_t len, size;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

struct spec {
	bool left, zero, is_long;
	unsigned width;
};

static void put_field(struct out *o, const struct spec *sp, const char *s,
		      size_t len)
{
	size_t fill = sp->width > len ? sp->width - len : 0;

	if (!sp->left)
		for (; fill; fill--)
			put(o, sp->zero ? '0' : ' ');
	for (size_t i = 0; i < len; i++)
		put(o, s[i]);
	for (; fill; fill--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v,
		       unsigned base, bool negative)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative)
		digits[--n] = '-';
	put_field(o, sp, digits + n, sizeof(digits) - n);
}

static const char *parse_spec(const char *f, struct spec *sp)
{
	for (; *f == '-' || *f == '0'; f++) {
		if (*f == '-')
			sp->left = true;
		else
			sp->zero = true;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		sp->width = sp->width * 10 + (unsigned)(*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		sp->is_long = true;
	return f;
}

size_t format_v(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, 0, size };

	for (const char *f = fmt; *f; f++) {
		struct spec sp = { 0 };
		int64_t i;
		char c;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_spec(f + 1, &sp);
		switch (*f) {
		case 's': {
			const char *s = va_arg(ap, const char *);

			put_field(&o, &sp, s, strlen(s));
			break;
		}
		case 'c':
			c = (char)va_arg(ap, int);
			put_field(&o, &sp, &c, 1);
			break;
		case 'd':
			i = sp.is_long ? va_arg(ap, long) : va_arg(ap, int);
			put_number(&o, &sp,
				   i < 0 ? 0 - (uint64_t)i : (uint64_t)i, 10,
				   i < 0);
			break;
		case 'u':
		case 'x':
			put_number(&o, &sp,
				   sp.is_long ? va_arg(ap, unsigned long)
					      : va_arg(ap, unsigned),
				   *f == 'x' ? 16 : 10, false);
			break;
		case 'p':
			sp.zero = true;
			sp.width = 16;
			put_number(&o, &sp, (uintptr_t)va_arg(ap, void *), 16,
				   false);
			break;
		default:
			put(&o, *f);
			break;
		}
		if (!*f)
			break;
	}
	if (size)
		buf[o.len] = 0;
	return o.len;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = format_v(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
