/* dns.h: as much of a DNS message (RFC 1035) as a policy about names needs:
 * what is asked, what addresses were answered, and saying no.
 *
 * A parser of our own, because what is there (c-ares, libresolv) allocates for
 * every message, and nothing here does after start-up. Messages come from the
 * guest and from the network: nothing in them is believed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct ip;

#define DNS_HEADER_LEN 12u
#define DNS_NAME_MAX   253u /* as text, no dot at its end */

enum dns_rcode { DNS_SERVFAIL = 2, DNS_REFUSED = 5 };

struct dns_question {
	char name[DNS_NAME_MAX + 1]; /* in lower case; "" is the root */
	uint16_t type;
	size_t end; /* of the question in the message */
};

/* The header's; 0 when there is none. */
uint16_t dns_id(const uint8_t *msg, size_t len);
void dns_set_id(uint8_t *msg, uint16_t id); /* of a message with a header */
/* The only question of a query (or, if `answer`, of an answer to one). -EPROTO:
 * there is none that we understand: a name with bytes that are no printable
 * ASCII, or with a dot inside a label, is none. */
WUR int dns_question(const uint8_t *msg, size_t len, bool answer,
		     struct dns_question *ret);
/* Each address (A, AAAA) of the answer section. -EPROTO: the message is broken;
 * those before the broken place were reported. */
WUR int dns_addresses(const uint8_t *msg, size_t len,
		      void (*each)(void *ctx, const struct ip *ip,
				   uint32_t ttl_s),
		      void *ctx);
/* Makes a query its own answer, without records: how long it is. 0: it is
 * none, or an answer already. */
size_t dns_refuse(uint8_t *msg, size_t len, enum dns_rcode why);

#endif
