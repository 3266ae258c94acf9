/* netproxy_dns.c: the name server at NETPROXY_RESOLVER: queries go to the
 * host's resolver, if the policy knows the name, and the policy learns from
 * the answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "net/dns.h"
#include "net/netproxy_priv.h"

const struct ip_port np_resolver = {
	.ip = { { [10] = 0xff, [11] = 0xff, 192, 0, 2, 53 } },
	.port = NETPROXY_RESOLVER_PORT,
};

_Static_assert(DNS_NAME_MAX == POLICY_NAME_MAX, "names");

/* --- queries ----------------------------------------------------------------- */

static struct np_asked *find(struct np_udp *u, uint16_t id)
{
	for (unsigned i = 0; i < NP_ASKED_MAX; i++)
		if (u->asked[i].waits && u->asked[i].id == id)
			return &u->asked[i];
	return NULL;
}

/* Who asks again was not answered: another server may. */
static unsigned which_server(struct np_udp *u, uint16_t id)
{
	struct np_asked *a = find(u, id);

	if (a) {
		a->tries++;
	} else {
		a = &u->asked[u->next_asked];
		u->next_asked = (u->next_asked + 1) % NP_ASKED_MAX;
		*a = (struct np_asked){ .waits = true, .id = id };
	}
	return a->tries % u->np->cfg.n_resolvers;
}

static bool may_ask(const struct policy *p, const uint8_t *msg, size_t len)
{
	struct dns_question q;

	return p->all || (dns_question(msg, len, false, &q) == 0 &&
			  policy_allows_name(p, q.name));
}

bool np_dns_out(struct np_udp *u, uint8_t *msg, size_t len,
		struct ip_port *ret_to)
{
	const struct netproxy *np = u->np;
	enum dns_rcode why = DNS_SERVFAIL;

	if (len < DNS_HEADER_LEN)
		return false;
	if (!may_ask(np->cfg.policy, msg, len)) {
		np_count(NP_E_NAME_DENIED);
		why = DNS_REFUSED;
	} else if (np->cfg.n_resolvers > 0) {
		*ret_to = np->cfg.resolver[which_server(u, dns_id(msg, len))];
		return true;
	}
	len = dns_refuse(msg, len, why);
	if (len > 0)
		(void)np_udp_give(u, &np_resolver, 0, msg, len);
	return false;
}

/* --- answers ----------------------------------------------------------------- */

bool np_dns_upstream(const struct netproxy *np, const struct ip_port *from)
{
	for (unsigned i = 0; i < np->cfg.n_resolvers; i++)
		if (np->cfg.resolver[i].port == from->port &&
		    ip_equal(&np->cfg.resolver[i].ip, &from->ip))
			return true;
	return false;
}

struct lesson {
	struct policy *policy;
	const char *name;
	uint64_t now_ns;
};

static void learn(void *ctx, const struct ip *ip, uint32_t ttl_s)
{
	const struct lesson *l = ctx;

	policy_learn(l->policy, l->name, ip, ttl_s, l->now_ns);
}

bool np_dns_in(struct np_udp *u, const struct ip_port *from, const uint8_t *msg,
	       size_t len)
{
	struct np_asked *a;
	struct dns_question q;
	struct lesson l = { u->np->cfg.policy, q.name, clock_mono_ns() };

	if (len < DNS_HEADER_LEN || !np_dns_upstream(u->np, from))
		return false;
	a = find(u, dns_id(msg, len));
	if (!a)
		return false;
	a->waits = false;
	if (dns_question(msg, len, true, &q) == 0 &&
	    dns_addresses(msg, len, learn, &l))
		np_count(NP_E_STRANGER); /* whatever there was is learned */
	return true;
}
