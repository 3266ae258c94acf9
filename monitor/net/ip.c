/* ip.c: see ip.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "guest-kit/include/abi/netproxy.h"

static const struct ip v4_net = { { [10] = 0xff, [11] = 0xff } };

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->a, b->a, sizeof(a->a)) == 0;
}

bool ip_begins(const struct ip *ip, const struct ip *net, unsigned prefix)
{
	const unsigned whole = prefix / 8, rest = prefix % 8;

	if (memcmp(ip->a, net->a, whole) != 0)
		return false;
	return rest == 0 || (ip->a[whole] ^ net->a[whole]) >> (8 - rest) == 0;
}

bool ip_is_v4(const struct ip *ip)
{
	return ip_begins(ip, &v4_net, IP_PREFIX_V4);
}

struct ip ip_of_v4(const uint8_t addr[4])
{
	struct ip ip = v4_net;

	memcpy(ip.a + 12, addr, 4);
	return ip;
}

enum ip_scope ip_scope(const struct ip *ip)
{
	static const struct ip none = { { 0 } }, one = { { [15] = 1 } };
	const uint8_t *v4 = ip->a + 12;

	if (ip_is_v4(ip)) {
		if (v4[0] == 127 || v4[0] == 0)
			return IP_LOOPBACK;
		if (v4[0] == 169 && v4[1] == 254)
			return IP_LINK;
		if ((v4[0] & 0xf0) == 0xe0 ||
		    memcmp(v4, "\xff\xff\xff\xff", 4) == 0)
			return IP_MANY;
		return IP_GLOBAL;
	}
	if (ip_equal(ip, &none) || ip_equal(ip, &one))
		return IP_LOOPBACK;
	if (ip->a[0] == 0xff)
		return IP_MANY;
	return ip->a[0] == 0xfe && (ip->a[1] & 0xc0) == 0x80 ? IP_LINK
							     : IP_GLOBAL;
}

/* --- text ------------------------------------------------------------------- */

int ip_parse(const char *s, size_t n, struct ip *ret)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t v4[4];

	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, v4) == 1) {
		*ret = ip_of_v4(v4);
		return 0;
	}
	return inet_pton(AF_INET6, text, ret->a) == 1 ? 0 : -EINVAL;
}

void ip_format(const struct ip_port *p, char buf[IP_TEXT_LEN])
{
	const bool v4 = ip_is_v4(&p->ip);
	char text[INET6_ADDRSTRLEN];

	(void)inet_ntop(v4 ? AF_INET : AF_INET6, p->ip.a + (v4 ? 12 : 0), text,
			sizeof(text)); /* there is room */
	(void)snprintf(buf, IP_TEXT_LEN, v4 ? "%s:%u" : "[%s]:%u", text,
		       p->port);
}

/* --- sockets ---------------------------------------------------------------- */

socklen_t ip_to_sockaddr(const struct ip_port *p, bool v6,
			 struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(p->port) };
	struct sockaddr_in in4 = { .sin_family = AF_INET,
				   .sin_port = htons(p->port) };

	memset(ret, 0, sizeof(*ret));
	if (v6) {
		memcpy(&in6.sin6_addr, p->ip.a, 16);
		memcpy(ret, &in6, sizeof(in6));
		return sizeof(in6);
	}
	if (!ip_is_v4(&p->ip))
		return 0;
	memcpy(&in4.sin_addr, p->ip.a + 12, 4);
	memcpy(ret, &in4, sizeof(in4));
	return sizeof(in4);
}

struct ip_port ip_of_sockaddr(const struct sockaddr_storage *ss)
{
	struct ip_port p = { 0 };
	struct sockaddr_in6 in6;
	struct sockaddr_in in4;
	uint8_t v4[4];

	if (ss->ss_family == AF_INET6) {
		memcpy(&in6, ss, sizeof(in6));
		memcpy(p.ip.a, &in6.sin6_addr, 16);
		p.port = ntohs(in6.sin6_port);
	} else if (ss->ss_family == AF_INET) {
		memcpy(&in4, ss, sizeof(in4));
		memcpy(v4, &in4.sin_addr, 4);
		p.ip = ip_of_v4(v4);
		p.port = ntohs(in4.sin_port);
	}
	return p;
}

/* --- the guest -------------------------------------------------------------- */

bool ip_of_wire(const struct netproxy_addr *w, struct ip_port *ret)
{
	static const uint8_t zero[12];

	ret->port = w->port;
	if (w->family == NETPROXY_INET6) {
		memcpy(ret->ip.a, w->addr, 16);
		return true;
	}
	if (w->family != NETPROXY_INET ||
	    memcmp(w->addr + 4, zero, sizeof(zero)) != 0)
		return false;
	ret->ip = ip_of_v4(w->addr);
	return true;
}

struct netproxy_addr ip_to_wire(const struct ip_port *p, uint16_t family,
				const struct ip *instead)
{
	struct netproxy_addr w = { .family = family, .port = p->port };
	const struct ip *ip = &p->ip;

	if (family == NETPROXY_INET6) {
		memcpy(w.addr, ip->a, 16);
		return w;
	}
	if (!ip_is_v4(ip))
		ip = instead;
	memcpy(w.addr, ip->a + 12, 4);
	return w;
}
