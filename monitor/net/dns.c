/* dns.c: see dns.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "net/ip.h"

/* RFC 1035, 4.1.1: offsets of the header's words, and bits of its second */
#define AT_FLAGS   2u
#define AT_QDCOUNT 4u
#define AT_ANCOUNT 6u
#define AT_ARCOUNT 10u
#define QR         0x8000u
#define OPCODE     0x7800u
#define RD         0x0100u
#define RA         0x0080u

#define TYPE_A    1u
#define TYPE_AAAA 28u
#define CLASS_IN  1u

#define RECORD_LEN 10u /* type, class, TTL, length */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t dns_id(const uint8_t *msg, size_t len)
{
	return len >= DNS_HEADER_LEN ? get16(msg) : 0;
}

void dns_set_id(uint8_t *msg, uint16_t id)
{
	put16(msg, id);
}

/* Appends a label to the name of *n bytes. */
static bool add_label(char *name, size_t *n, const uint8_t *label, size_t len)
{
	if (*n + (*n > 0) + len > DNS_NAME_MAX)
		return false;
	if (*n > 0)
		name[(*n)++] = '.';
	for (size_t i = 0; i < len; i++) {
		if (label[i] <= ' ' || label[i] > '~' || label[i] == '.')
			return false;
		name[(*n)++] = (char)tolower(label[i]);
	}
	return true;
}

int dns_question(const uint8_t *msg, size_t len, bool answer,
		 struct dns_question *ret)
{
	size_t at = DNS_HEADER_LEN, n = 0;
	unsigned flags;

	if (len < DNS_HEADER_LEN)
		return -EPROTO;
	flags = get16(msg + AT_FLAGS);
	if (!(flags & QR) != !answer || (flags & OPCODE) ||
	    get16(msg + AT_QDCOUNT) != 1)
		return -EPROTO;
	/* the first name of a message has nothing to point back to */
	while (at < len && msg[at] != 0) {
		const size_t label = msg[at];

		if (label > 63 || label >= len - at ||
		    !add_label(ret->name, &n, msg + at + 1, label))
			return -EPROTO;
		at += 1 + label;
	}
	if (len - at < 5 || get16(msg + at + 3) != CLASS_IN)
		return -EPROTO;
	ret->name[n] = '\0';
	ret->type = get16(msg + at + 1);
	ret->end = at + 5;
	return 0;
}

/* Behind the name at `at`; 0: it has no end. */
static size_t skip_name(const uint8_t *msg, size_t len, size_t at)
{
	while (at < len) {
		const size_t label = msg[at];

		if (label == 0)
			return at + 1;
		if (label >= 0xc0) /* a pointer ends a name */
			return len - at >= 2 ? at + 2 : 0;
		if (label > 63)
			return 0;
		at += 1 + label;
	}
	return 0;
}

static bool address(const uint8_t *record, const uint8_t *data, size_t len,
		    struct ip *ret)
{
	const unsigned type = get16(record);

	if (get16(record + 2) != CLASS_IN)
		return false;
	if (type == TYPE_A && len == 4) {
		*ret = ip_of_v4(data);
		return true;
	}
	if (type != TYPE_AAAA || len != 16)
		return false;
	memcpy(ret->a, data, 16);
	return true;
}

int dns_addresses(const uint8_t *msg, size_t len,
		  void (*each)(void *ctx, const struct ip *ip, uint32_t ttl_s),
		  void *ctx)
{
	struct dns_question q;
	size_t at;
	int r = dns_question(msg, len, true, &q);

	if (r)
		return r;
	at = q.end;
	for (unsigned i = get16(msg + AT_ANCOUNT); i > 0; i--) {
		size_t data;
		struct ip ip;

		at = skip_name(msg, len, at);
		if (at == 0 || len - at < RECORD_LEN)
			return -EPROTO;
		data = get16(msg + at + 8);
		if (data > len - at - RECORD_LEN)
			return -EPROTO;
		if (address(msg + at, msg + at + RECORD_LEN, data, &ip))
			each(ctx, &ip, get32(msg + at + 4));
		at += RECORD_LEN + data;
	}
	return 0;
}

size_t dns_refuse(uint8_t *msg, size_t len, enum dns_rcode why)
{
	struct dns_question q;
	unsigned flags;
	size_t end;

	if (len < DNS_HEADER_LEN)
		return 0;
	flags = get16(msg + AT_FLAGS);
	if (flags & QR)
		return 0;
	end = dns_question(msg, len, false, &q) ? DNS_HEADER_LEN : q.end;
	put16(msg + AT_FLAGS, (flags & (OPCODE | RD)) | QR | RA | why);
	put16(msg + AT_QDCOUNT, end > DNS_HEADER_LEN);
	memset(msg + AT_ANCOUNT, 0, AT_ARCOUNT + 2 - AT_ANCOUNT);
	return end;
}
