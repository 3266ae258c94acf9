/* policy.h: where a guest may connect to: --egress in words, and one question
 * about one numeric address.
 *
 *   none | all | DEST:PORTS[,DEST:PORTS]...
 *   DEST   192.0.2.1, 192.0.2.0/24, [2001:db8::1], [2001:db8::/32],
 *          a name, or *.name for all names below
 *   PORTS  443, 8000-8999, or * for all
 *
 * The host's loopback, link-local addresses and multicast are nobody's by
 * accident: only a rule whose own address is such a one allows them, neither
 * `all` nor 0.0.0.0/0 nor a name that turns out to be 127.0.0.1.
 *
 * A name allows nothing by itself: addresses that the resolver has answered
 * for it are remembered (policy_learn) for as long as the answer says, and
 * NETPROXY_NAME_MIN_S at least. The table has a fixed size; when it is full
 * what ends soonest goes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_POLICY_H
#define NET_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "net/ip.h"

struct err;

#define POLICY_RULES_MAX   64u
#define POLICY_LEARNED_MAX 1024u
#define POLICY_NAME_MAX    253u /* RFC 1035, 2.3.4, as text */

struct policy_rule {
	bool is_name, below; /* below: "*." stood before it */
	struct ip net;       /* unless is_name */
	unsigned prefix;
	uint16_t port_first, port_last;
	char name[POLICY_NAME_MAX + 1]; /* in lower case, no dot at its end */
};

struct policy {
	bool all, none; /* as said */
	unsigned n_rules;
	struct policy_rule rule[POLICY_RULES_MAX];
	unsigned n_learned;
	struct policy_learned {
		uint64_t until_ns;
		struct ip ip;
		unsigned rule;
	} learned[POLICY_LEARNED_MAX];
};

/* The words of one --egress, beside those of earlier ones. Errors name the
 * word and what is allowed. */
WUR int policy_parse(struct policy *p, const char *spec, struct err *err);
/* 1 .. 65535: the first `n` bytes of s. -EINVAL. */
WUR int policy_parse_port(const char *s, size_t n, unsigned min, uint16_t *ret);

bool policy_allows(const struct policy *p, const struct ip_port *to,
		   uint64_t now_ns);
/* A query for the name may be answered. In lower case, no dot at its end. */
bool policy_allows_name(const struct policy *p, const char *name);
/* The resolver has said that the name has this address for `ttl_s`. */
void policy_learn(struct policy *p, const char *name, const struct ip *ip,
		  uint32_t ttl_s, uint64_t now_ns);

#endif
