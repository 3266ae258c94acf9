/* aml.c: see aml.h. Section numbers are those of ACPI 6.4. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/aml.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* 20.2, Table 20.2 */
#define OP_ZERO       0x00
#define OP_ONE        0x01
#define OP_NAME       0x08
#define OP_BYTE       0x0a
#define OP_WORD       0x0b
#define OP_DWORD      0x0c
#define OP_STRING     0x0d
#define OP_QWORD      0x0e
#define OP_SCOPE      0x10
#define OP_BUFFER     0x11
#define OP_PACKAGE    0x12
#define OP_EXT        0x5b
#define OP_EXT_DEVICE 0x82

#define SEGMENT_LEN 4

static void put(struct aml *a, const void *bytes, size_t len)
{
	if (a->is_full || len > a->cap - a->len) {
		a->is_full = true;
		return;
	}
	memcpy(a->buf + a->len, bytes, len);
	a->len += len;
}

static void put_byte(struct aml *a, uint8_t b)
{
	put(a, &b, 1);
}

/* The low `n` bytes of v, little-endian. */
static void put_le(struct aml *a, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_byte(a, (uint8_t)(v >> (8 * i)));
}

static void put_segment(struct aml *a, const char *name)
{
	CHECK(strlen(name) == SEGMENT_LEN);
	put(a, name, SEGMENT_LEN);
}

/*
 * 20.2.4: the length counts its own bytes, so it is known only when the
 * package ends; the content moves up by the one to four bytes needed.
 */
void aml_end(struct aml *a, size_t begin)
{
	size_t body = a->len - begin;
	uint8_t enc[4];
	size_t n = 1, total;

	if (a->is_full)
		return;
	while (n < sizeof(enc) &&
	       body + n >= (n == 1 ? 64u : 1u << (4 + 8 * (n - 1))))
		n++;
	if (n > a->cap - a->len) {
		a->is_full = true;
		return;
	}
	total = body + n;
	if (n == 1) {
		enc[0] = (uint8_t)total;
	} else {
		enc[0] = (uint8_t)((n - 1) << 6 | (total & 0xf));
		for (size_t i = 1; i < n; i++)
			enc[i] = (uint8_t)(total >> (4 + 8 * (i - 1)));
	}
	memmove(a->buf + begin + n, a->buf + begin, body);
	memcpy(a->buf + begin, enc, n);
	a->len += n;
}

size_t aml_scope_begin(struct aml *a, const char *name)
{
	size_t begin;

	put_byte(a, OP_SCOPE);
	begin = a->len;
	put_segment(a, name);
	return begin;
}

size_t aml_device_begin(struct aml *a, const char *name)
{
	size_t begin;

	put_byte(a, OP_EXT);
	put_byte(a, OP_EXT_DEVICE);
	begin = a->len;
	put_segment(a, name);
	return begin;
}

size_t aml_package_begin(struct aml *a, uint8_t n_elements)
{
	size_t begin;

	put_byte(a, OP_PACKAGE);
	begin = a->len;
	put_byte(a, n_elements);
	return begin;
}

void aml_name(struct aml *a, const char *name)
{
	put_byte(a, OP_NAME);
	put_segment(a, name);
}

void aml_int(struct aml *a, uint64_t v)
{
	if (v <= 1) {
		put_byte(a, v ? OP_ONE : OP_ZERO);
	} else if (v <= UINT8_MAX) {
		put_byte(a, OP_BYTE);
		put_le(a, v, 1);
	} else if (v <= UINT16_MAX) {
		put_byte(a, OP_WORD);
		put_le(a, v, 2);
	} else if (v <= UINT32_MAX) {
		put_byte(a, OP_DWORD);
		put_le(a, v, 4);
	} else {
		put_byte(a, OP_QWORD);
		put_le(a, v, 8);
	}
}

void aml_string(struct aml *a, const char *s)
{
	put_byte(a, OP_STRING);
	put(a, s, strlen(s) + 1);
}

void aml_eisa_id(struct aml *a, const char *id)
{
	uint32_t v;

	CHECK(strlen(id) == 7);
	/* five bits a letter, then four hex digits; stored big-endian */
	v = (uint32_t)(id[0] - '@') << 26 | (uint32_t)(id[1] - '@') << 21 |
	    (uint32_t)(id[2] - '@') << 16 | (uint32_t)strtoul(id + 3, NULL, 16);
	put_byte(a, OP_DWORD);
	put_le(a, __builtin_bswap32(v), 4);
}

void aml_crs(struct aml *a, const struct aml_crs *crs)
{
	/* 6.4.2.9: end tag; checksum 0 means it is not used */
	static const uint8_t end_tag[] = { 0x79, 0x00 };
	size_t begin;

	aml_name(a, "_CRS");
	put_byte(a, OP_BUFFER);
	begin = a->len;
	aml_int(a, crs->len + sizeof(end_tag));
	put(a, crs->bytes, crs->len);
	put(a, end_tag, sizeof(end_tag));
	aml_end(a, begin);
}

static void crs_put(struct aml_crs *c, uint32_t v, unsigned n)
{
	CHECK(n <= sizeof(c->bytes) - c->len);
	for (unsigned i = 0; i < n; i++)
		c->bytes[c->len++] = (uint8_t)(v >> (8 * i));
}

void crs_memory32_fixed(struct aml_crs *c, uint32_t gpa, uint32_t len)
{
	crs_put(c, 0x86, 1); /* 6.4.3.4 */
	crs_put(c, 9, 2);
	crs_put(c, 1, 1); /* read-write */
	crs_put(c, gpa, 4);
	crs_put(c, len, 4);
}

void crs_io16(struct aml_crs *c, uint16_t port, uint8_t len)
{
	crs_put(c, 0x47, 1); /* 6.4.2.5, 7 bytes follow */
	crs_put(c, 1, 1);    /* 16-bit decode */
	crs_put(c, port, 2); /* minimum ... */
	crs_put(c, port, 2); /* ... and maximum */
	crs_put(c, 1, 1);    /* alignment */
	crs_put(c, len, 1);
}

void crs_interrupt(struct aml_crs *c, uint32_t gsi)
{
	crs_put(c, 0x89, 1); /* 6.4.3.6 */
	crs_put(c, 6, 2);
	crs_put(c, 0x03, 1); /* consumer, edge, active high, exclusive */
	crs_put(c, 1, 1);    /* one interrupt */
	crs_put(c, gsi, 4);
}
