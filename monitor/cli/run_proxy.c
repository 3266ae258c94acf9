/* run_proxy.c: see run_proxy.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define DNS_PORT    53

struct run_proxy *run_proxy_new(void)
{
	return calloc(1, sizeof(struct run_proxy));
}

void run_proxy_free(struct run_proxy *p)
{
	if (!p)
		return;
	netproxy_free(p->np);
	while (p->n_bound > 0)
		(void)close(p->publish[--p->n_bound].fd);
	free(p);
}

/* --- words ------------------------------------------------------------------- */

/* "ADDR", "[ADDR]": the first n bytes of s. */
static bool parse_addr(const char *s, size_t n, struct ip *ret)
{
	const bool v6 = n > 2 && s[0] == '[' && s[n - 1] == ']';

	if (v6) {
		s++;
		n -= 2;
	}
	/* brackets are for those with colons, and colons for brackets */
	return !!memchr(s, ':', n) == v6 && ip_parse(s, n, ret) == 0;
}

static bool parse_publish(const char *s, struct netproxy_publish *p)
{
	static const uint8_t loopback[] = { 127, 0, 0, 1 };
	const char *slash = strrchr(s, '/');
	const size_t all = slash ? (size_t)(slash - s) : strlen(s);
	const char *second = memrchr(s, ':', all), *first;
	size_t n;

	*p = (struct netproxy_publish){ .fd = -1 };
	if (slash && strcmp(slash, "/udp") == 0)
		p->udp = true;
	else if (slash && strcmp(slash, "/tcp") != 0)
		return false;
	if (!second ||
	    policy_parse_port(second + 1, all - (size_t)(second + 1 - s), 1,
			      &p->guest_port))
		return false;
	n = (size_t)(second - s);
	first = memrchr(s, ':', n);
	p->host.ip = ip_of_v4(loopback);
	if (first && !parse_addr(s, (size_t)(first - s), &p->host.ip))
		return false;
	first = first ? first + 1 : s;
	return policy_parse_port(first, n - (size_t)(first - s), 0,
				 &p->host.port) == 0;
}

int run_proxy_publish(struct run_proxy *p, const char *s, struct err *err)
{
	struct netproxy_publish *pub = &p->publish[p->n_publish];

	if (p->n_publish == NETPROXY_PUBLISH_MAX)
		return err_set(err, -EINVAL, "'%s': allowed are %u ports", s,
			       NETPROXY_PUBLISH_MAX);
	if (!parse_publish(s, pub))
		return err_set(err, -EINVAL,
			       "'%s': allowed is [ADDR:]PORT:GUESTPORT, with "
			       "/tcp or /udp behind it; IPv6 in [brackets], "
			       "ports from 1 to 65535, PORT 0 for any",
			       s);
	for (const struct netproxy_publish *e = p->publish; e < pub; e++)
		if (pub->udp && e->udp && e->guest_port == pub->guest_port)
			return err_set(err, -EINVAL,
				       "'%s': UDP port %u of the guest is "
				       "published already",
				       s, pub->guest_port);
	p->n_publish++;
	return 0;
}

int run_proxy_egress(struct run_proxy *p, const char *s, struct err *err)
{
	return policy_parse(&p->policy, s, err);
}

int run_proxy_resolver(struct run_proxy *p, const char *s, struct err *err)
{
	struct ip_port *r = &p->resolver[p->n_resolvers];
	const char *colon = strrchr(s, ':');
	const size_t n = strlen(s);

	if (p->n_resolvers == NETPROXY_RESOLVERS_MAX)
		return err_set(err, -EINVAL, "'%s': allowed are %u resolvers",
			       s, NETPROXY_RESOLVERS_MAX);
	r->port = DNS_PORT;
	if (parse_addr(s, n, &r->ip) || ip_parse(s, n, &r->ip) == 0) {
		p->n_resolvers++;
		return 0;
	}
	if (!colon || !parse_addr(s, (size_t)(colon - s), &r->ip) ||
	    policy_parse_port(colon + 1, strlen(colon + 1), 1, &r->port))
		return err_set(err, -EINVAL,
			       "'%s': allowed is ADDR or ADDR:PORT, IPv6 in "
			       "[brackets]",
			       s);
	p->n_resolvers++;
	return 0;
}

/* --- start-up ---------------------------------------------------------------- */

void run_proxy_read_resolvers(struct run_proxy *p, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256], addr[64];

	if (!f)
		return; /* a host without names */
	while (p->n_resolvers < NETPROXY_RESOLVERS_MAX &&
	       fgets(line, sizeof(line), f)) {
		struct ip_port *r = &p->resolver[p->n_resolvers];

		if (sscanf(line, "nameserver %63s", addr) != 1 ||
		    ip_parse(addr, strlen(addr), &r->ip))
			continue;
		r->port = DNS_PORT;
		p->n_resolvers++;
	}
	(void)fclose(f);
}

int run_proxy_bind(struct run_proxy *p, struct err *err)
{
	if (p->n_resolvers == 0)
		run_proxy_read_resolvers(p, RESOLV_CONF);
	for (; p->n_bound < p->n_publish; p->n_bound++) {
		struct netproxy_publish *pub = &p->publish[p->n_bound];
		const bool any = pub->host.port == 0;
		char *text = p->host[p->n_bound];

		if (netproxy_bind(pub, err))
			return err_wrap(err, "--publish");
		ip_format(&pub->host, text);
		p->port[p->n_bound] =
			(struct api_port){ text, pub->guest_port, pub->udp };
		if (any)
			(void)fprintf(stderr,
				      "mayfly: port %u%s of the guest is %s\n",
				      pub->guest_port, pub->udp ? "/udp" : "",
				      text);
	}
	return 0;
}

int run_proxy_open(struct run_proxy *p, struct loop *loop,
		   struct machine_vsock *vsock, struct err *err)
{
	struct netproxy_config cfg = {
		.loop = loop,
		.policy = &p->policy,
		.publish = p->publish,
		.n_publish = p->n_publish,
		.n_resolvers = p->n_resolvers,
	};

	memcpy(cfg.resolver, p->resolver, sizeof(cfg.resolver));
	if (netproxy_new(&cfg, &p->np, err))
		return err->code;
	vsock->service = &netproxy_service;
	vsock->service_ctx = p->np;
	return 0;
}
