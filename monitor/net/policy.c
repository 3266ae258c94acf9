/* policy.c: see policy.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/policy.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "guest-kit/include/abi/netproxy.h"

#define TTL_MAX_S 86400u

/* --- words ------------------------------------------------------------------ */

static bool number(const char *s, size_t n, unsigned min, unsigned max,
		   unsigned *ret)
{
	unsigned v = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	*ret = v;
	return v >= min && v <= max;
}

int policy_parse_port(const char *s, size_t n, unsigned min, uint16_t *ret)
{
	unsigned v;

	if (!number(s, n, min, UINT16_MAX, &v))
		return -EINVAL;
	*ret = (uint16_t)v;
	return 0;
}

static bool parse_ports(const char *s, size_t n, struct policy_rule *r)
{
	const char *dash = memchr(s, '-', n);
	const size_t first = dash ? (size_t)(dash - s) : n;

	if (n == 1 && *s == '*') {
		r->port_first = 1;
		r->port_last = UINT16_MAX;
		return true;
	}
	if (policy_parse_port(s, first, 1, &r->port_first))
		return false;
	r->port_last = r->port_first;
	return !dash || (policy_parse_port(dash + 1, n - first - 1,
					   r->port_first, &r->port_last) == 0);
}

/* "ADDRESS" or "ADDRESS/BITS". */
static bool parse_net(const char *s, size_t n, struct policy_rule *r)
{
	const char *slash = memchr(s, '/', n);
	const size_t len = slash ? (size_t)(slash - s) : n;
	unsigned base;

	if (ip_parse(s, len, &r->net))
		return false;
	r->prefix = IP_PREFIX_MAX;
	if (!slash)
		return true;
	base = memchr(s, ':', len) ? 0 : IP_PREFIX_V4;
	if (!number(slash + 1, n - len - 1, 0, IP_PREFIX_MAX - base,
		    &r->prefix))
		return false;
	r->prefix += base;
	return true;
}

static bool parse_name(const char *s, size_t n, struct policy_rule *r)
{
	bool digits = true; /* of the last label */

	if (n >= 2 && s[0] == '*' && s[1] == '.') {
		r->below = true;
		s += 2;
		n -= 2;
	}
	if (n > 0 && s[n - 1] == '.')
		n--;
	if (n == 0 || n > POLICY_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c == '.' && (i == 0 || s[i - 1] == '.'))
			return false;
		if (!isalnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		if (c == '.')
			digits = true;
		else if (!isdigit(c))
			digits = false;
		r->name[i] = (char)tolower(c);
	}
	r->name[n] = '\0';
	r->is_name = true;
	return !digits; /* 10.0.0 is an address with an error in it */
}

static bool parse_rule(const char *s, size_t n, struct policy_rule *r)
{
	const char *colon = memrchr(s, ':', n);
	const size_t dest = colon ? (size_t)(colon - s) : 0;

	*r = (struct policy_rule){ .is_name = false };
	if (dest == 0 || !parse_ports(colon + 1, n - dest - 1, r))
		return false;
	if (*s == '[')
		return dest > 2 && s[dest - 1] == ']' &&
		       memchr(s, ':', dest - 2) &&
		       parse_net(s + 1, dest - 2, r);
	if (memchr(s, ':', dest)) /* which colon is the port's? */
		return false;
	return parse_net(s, dest, r) || parse_name(s, dest, r);
}

static int parse_word(struct policy *p, const char *s, size_t n,
		      struct err *err)
{
	struct policy_rule *r = &p->rule[p->n_rules];

	if (n == 4 && strncmp(s, "none", n) == 0) {
		p->none = true;
		return 0;
	}
	if (n == 3 && strncmp(s, "all", n) == 0) {
		p->all = true;
		return 0;
	}
	if (p->n_rules == POLICY_RULES_MAX)
		return err_set(err, -EINVAL, "'%.*s': allowed are %u rules",
			       (int)n, s, POLICY_RULES_MAX);
	if (!parse_rule(s, n, r))
		return err_set(err, -EINVAL,
			       "'%.*s': allowed is none, all, HOST:PORT or "
			       "NET/BITS:PORT; IPv6 in [brackets], PORT like "
			       "443, 8000-8999 or *",
			       (int)n, s);
	if (r->is_name && strcmp(r->name, "localhost") == 0)
		return err_set(err, -EINVAL,
			       "'%.*s': the host itself is allowed by address "
			       "only, 127.0.0.1 or [::1]",
			       (int)n, s);
	p->n_rules++;
	return 0;
}

int policy_parse(struct policy *p, const char *spec, struct err *err)
{
	const char *word = spec;

	for (;;) {
		const size_t n = strcspn(word, ",");
		const int r = parse_word(p, word, n, err);

		if (r)
			return r;
		if (word[n] == '\0')
			break;
		word += n + 1;
	}
	if (p->none && (p->all || p->n_rules > 0))
		return err_set(err, -EINVAL,
			       "'%s': none allows nothing beside it", spec);
	return 0;
}

/* --- addresses -------------------------------------------------------------- */

static bool has_port(const struct policy_rule *r, uint16_t port)
{
	return port >= r->port_first && port <= r->port_last;
}

/* How many bits all addresses of a scope share: a rule with fewer was not
 * written for it. */
static unsigned scope_prefix(enum ip_scope scope, bool v4)
{
	switch (scope) {
	case IP_LOOPBACK:
		return v4 ? IP_PREFIX_V4 + 8 : IP_PREFIX_MAX;
	case IP_LINK:
		return v4 ? IP_PREFIX_V4 + 16 : 10;
	case IP_MANY:
		return v4 ? IP_PREFIX_V4 + 4 : 8;
	case IP_GLOBAL:
		break;
	}
	return 0;
}

static bool net_allows(const struct policy_rule *r, const struct ip_port *to,
		       enum ip_scope scope)
{
	return !r->is_name && has_port(r, to->port) &&
	       ip_begins(&to->ip, &r->net, r->prefix) &&
	       (r->prefix >= IP_PREFIX_V4 || !ip_is_v4(&to->ip)) &&
	       r->prefix >= scope_prefix(scope, ip_is_v4(&to->ip));
}

bool policy_allows(const struct policy *p, const struct ip_port *to,
		   uint64_t now_ns)
{
	const enum ip_scope scope = ip_scope(&to->ip);

	if (p->all && scope == IP_GLOBAL)
		return true;
	for (unsigned i = 0; i < p->n_rules; i++)
		if (net_allows(&p->rule[i], to, scope))
			return true;
	for (unsigned i = 0; i < p->n_learned; i++) {
		const struct policy_learned *l = &p->learned[i];

		if (l->until_ns > now_ns && ip_equal(&l->ip, &to->ip) &&
		    has_port(&p->rule[l->rule], to->port))
			return true;
	}
	return false;
}

/* --- names ------------------------------------------------------------------ */

static bool name_matches(const struct policy_rule *r, const char *name)
{
	const size_t n = strlen(name), len = strlen(r->name);

	if (!r->is_name || n < len)
		return false;
	if (!r->below)
		return n == len && memcmp(name, r->name, n) == 0;
	return n > len && name[n - len - 1] == '.' &&
	       memcmp(name + n - len, r->name, len) == 0;
}

bool policy_allows_name(const struct policy *p, const char *name)
{
	for (unsigned i = 0; i < p->n_rules; i++)
		if (name_matches(&p->rule[i], name))
			return true;
	return p->all;
}

static void remember(struct policy *p, unsigned rule, const struct ip *ip,
		     uint64_t until_ns)
{
	struct policy_learned *old = &p->learned[0];

	for (unsigned i = 0; i < p->n_learned; i++) {
		struct policy_learned *l = &p->learned[i];

		if (l->rule == rule && ip_equal(&l->ip, ip)) {
			if (l->until_ns < until_ns)
				l->until_ns = until_ns;
			return;
		}
		if (l->until_ns < old->until_ns)
			old = l;
	}
	if (p->n_learned < POLICY_LEARNED_MAX)
		old = &p->learned[p->n_learned++];
	*old = (struct policy_learned){ until_ns, *ip, rule };
}

void policy_learn(struct policy *p, const char *name, const struct ip *ip,
		  uint32_t ttl_s, uint64_t now_ns)
{
	if (ip_scope(ip) != IP_GLOBAL)
		return;
	if (ttl_s < NETPROXY_NAME_MIN_S)
		ttl_s = NETPROXY_NAME_MIN_S;
	if (ttl_s > TTL_MAX_S)
		ttl_s = TTL_MAX_S;
	for (unsigned i = 0; i < p->n_rules; i++)
		if (name_matches(&p->rule[i], name))
			remember(p, i, ip, now_ns + ttl_s * NS_PER_SEC);
}
