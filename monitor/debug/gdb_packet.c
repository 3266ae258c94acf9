/* gdb_packet.c: see gdb_packet.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "debug/gdb_packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE     '}'
#define ESCAPE_XOR 0x20
#define INTERRUPT  '\3'

static const char digits[] = "0123456789abcdef";

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* --- in ------------------------------------------------------------------- */

void gdb_input_init(struct gdb_input *in)
{
	in->state = GDB_IN_IDLE;
	in->len = 0;
}

static void begin(struct gdb_input *in)
{
	in->state = GDB_IN_TEXT;
	in->escaped = in->too_long = in->bad_sum = false;
	in->sum = in->want = 0;
	in->len = 0;
}

static void take_text(struct gdb_input *in, char c)
{
	if (c == '#') {
		in->state = GDB_IN_SUM1;
		return;
	}
	in->sum = (uint8_t)(in->sum + (uint8_t)c);
	if (c == ESCAPE && !in->escaped) {
		in->escaped = true;
		return;
	}
	if (in->escaped)
		c ^= ESCAPE_XOR;
	in->escaped = false;
	if (in->len < GDB_PACKET_MAX)
		in->text[in->len++] = c;
	else
		in->too_long = true;
}

static enum gdb_event finish(struct gdb_input *in)
{
	in->state = GDB_IN_IDLE;
	in->text[in->len] = '\0';
	if (in->too_long || in->escaped || in->bad_sum || in->want != in->sum)
		return GDB_EV_BAD;
	return GDB_EV_PACKET;
}

static enum gdb_event take(struct gdb_input *in, char c)
{
	switch (in->state) {
	case GDB_IN_IDLE:
		if (c == '$')
			begin(in);
		return c == INTERRUPT ? GDB_EV_INTERRUPT : GDB_EV_MORE;
	case GDB_IN_TEXT:
		if (c == '$') /* the rest of the one before was lost */
			begin(in);
		else
			take_text(in, c);
		return GDB_EV_MORE;
	case GDB_IN_SUM1:
	case GDB_IN_SUM2:
		if (digit(c) < 0)
			in->bad_sum = true;
		else
			in->want = (uint8_t)(in->want << 4 | digit(c));
		if (in->state == GDB_IN_SUM2)
			break;
		in->state = GDB_IN_SUM2;
		return GDB_EV_MORE;
	}
	return finish(in);
}

enum gdb_event gdb_input_feed(struct gdb_input *in, const char *bytes, size_t n,
			      size_t *ret_used)
{
	for (size_t i = 0; i < n; i++) {
		const enum gdb_event e = take(in, bytes[i]);

		if (e != GDB_EV_MORE) {
			*ret_used = i + 1;
			return e;
		}
	}
	*ret_used = n;
	return GDB_EV_MORE;
}

/* --- out ------------------------------------------------------------------ */

static void put(struct gdb_output *out, const char *bytes, size_t n)
{
	if (n > sizeof(out->bytes) - out->len) {
		out->full = true;
		return;
	}
	memcpy(out->bytes + out->len, bytes, n);
	out->len += n;
}

void gdb_out_raw(struct gdb_output *out, char c)
{
	put(out, &c, 1);
}

void gdb_out_begin(struct gdb_output *out)
{
	put(out, "$", 1);
	out->start = out->len;
}

void gdb_out_end(struct gdb_output *out)
{
	uint8_t sum = 0;
	char tail[3] = { '#' };

	for (size_t i = out->start; i < out->len; i++)
		sum = (uint8_t)(sum + (uint8_t)out->bytes[i]);
	tail[1] = digits[sum >> 4];
	tail[2] = digits[sum & 15];
	put(out, tail, sizeof(tail));
}

void gdb_out_text(struct gdb_output *out, const char *text)
{
	put(out, text, strlen(text));
}

void gdb_out_fmt(struct gdb_output *out, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gdb_out_text(out, text);
}

void gdb_out_hex(struct gdb_output *out, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++) {
		const char pair[2] = { digits[p[i] >> 4], digits[p[i] & 15] };

		put(out, pair, sizeof(pair));
	}
}

void gdb_out_binary(struct gdb_output *out, const void *bytes, size_t n)
{
	const char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		char pair[2] = { ESCAPE, (char)(p[i] ^ ESCAPE_XOR) };

		if (p[i] == '#' || p[i] == '$' || p[i] == '}' || p[i] == '*')
			put(out, pair, 2);
		else
			put(out, &p[i], 1);
	}
}

/* --- hexadecimal ---------------------------------------------------------- */

bool gdb_number(const char **s, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned n = 0;

	for (; n < 16 && digit((*s)[n]) >= 0; n++)
		v = v << 4 | (uint64_t)digit((*s)[n]);
	if (n == 0 || digit((*s)[n]) >= 0)
		return false;
	*s += n;
	*ret = v;
	return true;
}

size_t gdb_bytes(const char *s, uint8_t *ret, size_t n)
{
	size_t i = 0;

	for (; i < n && digit(s[2 * i]) >= 0 && digit(s[2 * i + 1]) >= 0; i++)
		ret[i] = (uint8_t)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
	return i;
}
