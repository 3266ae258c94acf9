/* ip.h: internet addresses, as one kind: IPv4 is IPv4-mapped IPv6
 * (RFC 4291, 2.5.5.2), so that nothing has two spellings. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_IP_H
#define NET_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"

struct netproxy_addr;

struct ip {
	uint8_t a[16]; /* network order */
};

struct ip_port {
	struct ip ip;
	uint16_t port;
};

#define IP_PREFIX_MAX 128u
#define IP_PREFIX_V4  96u /* what all IPv4 addresses begin with */
#define IP_TEXT_LEN   64u /* "[address]:port" and its end */

/* Where an address is, as far as trust goes. */
enum ip_scope {
	IP_GLOBAL,
	IP_LOOPBACK, /* 127/8, ::1, and 0/8 and ::, which mean it to Linux */
	IP_LINK,     /* 169.254/16, fe80::/10 */
	IP_MANY,     /* multicast, and 255.255.255.255 */
};

bool ip_is_v4(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
enum ip_scope ip_scope(const struct ip *ip);
/* The first `prefix` bits are the same. */
bool ip_begins(const struct ip *ip, const struct ip *net, unsigned prefix);
struct ip ip_of_v4(const uint8_t addr[4]);

/* The first n bytes of s: "192.0.2.1" or "2001:db8::1". -EINVAL. */
WUR int ip_parse(const char *s, size_t n, struct ip *ret);
/* "192.0.2.1:80", "[::1]:80". */
void ip_format(const struct ip_port *p, char buf[IP_TEXT_LEN]);

/* For a socket of AF_INET6 (`v6`), which takes mapped ones, or of AF_INET. The
 * length; 0: no address for such a socket. */
WUR socklen_t ip_to_sockaddr(const struct ip_port *p, bool v6,
			     struct sockaddr_storage *ret);
/* Neither kind: all zero. */
struct ip_port ip_of_sockaddr(const struct sockaddr_storage *ss);

/* False: a family that is none, or bytes that must be zero and are not. */
WUR bool ip_of_wire(const struct netproxy_addr *w, struct ip_port *ret);
/* In the family's form; an IPv6 address for an IPv4 reader is `instead`. */
struct netproxy_addr ip_to_wire(const struct ip_port *p, uint16_t family,
				const struct ip *instead);

#endif
