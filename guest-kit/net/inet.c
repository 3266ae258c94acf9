/* inet.c: internet addresses and ports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inet.h"

#include "kernel/cpu.h"
#include "lib/string.h"
#include "linux/errno.h"

#define SOCK_RAW 3

#define LEN_V4     16 /* struct sockaddr_in */
#define LEN_V6     28 /* struct sockaddr_in6 */
#define LEN_V6_MIN 24 /* without sin6_scope_id: RFC 2133 */

#define PORT_FIRST 32768u /* of the kernel's choice */
#define PORTS      28232u

#define BUCKETS 64u

/* By type and port: those bound. */
static struct inet_socket *table[2][BUCKETS];

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* --- addresses --------------------------------------------------------------- */

bool inet_is_v4(const struct inet_addr *a)
{
	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

static bool is_zero(const uint8_t *p, unsigned len)
{
	while (len && !*p) {
		p++;
		len--;
	}
	return !len;
}

bool inet_is_any(const struct inet_addr *a)
{
	return inet_is_v4(a) ? is_zero(a->ip + 12, 4) : is_zero(a->ip, 16);
}

bool inet_is_loopback(const struct inet_addr *a)
{
	return inet_is_v4(a) ? a->ip[12] == 127
			     : is_zero(a->ip, 15) && a->ip[15] == 1;
}

void inet_to_loopback(struct inet_addr *a)
{
	if (inet_is_v4(a))
		a->ip[12] = 127;
	a->ip[15] = 1;
}

bool inet_same(const struct inet_addr *a, const struct inet_addr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

int inet_parse(const struct inet_socket *u, const struct sockaddr *a,
	       uint32_t len, struct inet_addr *ret)
{
	const bool v6 = u->s.family == AF_INET6;

	if (len < (v6 ? LEN_V6_MIN : LEN_V4))
		return -LINUX_EINVAL;
	if (a->family != u->s.family)
		return -LINUX_EAFNOSUPPORT;
	ret->port = (uint16_t)(a->rest[0] << 8 | a->rest[1]);
	if (v6) { /* behind sin6_flowinfo */
		memcpy(ret->ip, a->rest + 6, 16);
	} else {
		memcpy(ret->ip, mapped, sizeof(mapped));
		memcpy(ret->ip + 12, a->rest + 2, 4);
	}
	return 0;
}

uint32_t inet_format(const struct inet_socket *u, const struct inet_addr *addr,
		     struct sockaddr *ret)
{
	*ret = (struct sockaddr){ .family = u->s.family };
	ret->rest[0] = (uint8_t)(addr->port >> 8);
	ret->rest[1] = (uint8_t)addr->port;
	if (u->s.family == AF_INET6) {
		memcpy(ret->rest + 6, addr->ip, 16);
		return LEN_V6;
	}
	memcpy(ret->rest + 2, addr->ip + 12, 4);
	return LEN_V4;
}

int inet_name(struct socket *s, bool peer, struct sockaddr *ret,
	      uint32_t *ret_len)
{
	struct inet_socket *u = inet_of(s);

	if (peer && (s->state != SOCKET_CONNECTED || u->reset))
		return -LINUX_ENOTCONN;
	*ret_len = inet_format(u, peer ? &u->remote : &u->local, ret);
	return 0;
}

/* --- ports ------------------------------------------------------------------- */

static struct inet_socket **bucket(uint8_t type, uint16_t port)
{
	return &table[type == SOCK_DGRAM][port % BUCKETS];
}

/* Does a socket bound to `a` hear what is for address `to`? */
static bool covers(const struct inet_socket *u, const struct inet_addr *to)
{
	if (!inet_is_any(&u->local))
		return memcmp(u->local.ip, to->ip, sizeof(to->ip)) == 0;
	if (inet_is_v4(&u->local))
		return inet_is_v4(to);
	return !inet_v6only(u) || !inet_is_v4(to);
}

/* The same port: would both hear the same? */
static bool overlap(const struct inet_socket *a, const struct inet_socket *b)
{
	return covers(a, &b->local) || covers(b, &a->local);
}

static bool conflict(const struct inet_socket *a, const struct inet_socket *b)
{
	const uint32_t both = a->s.flags & b->s.flags;

	if (a == b || a->local.port != b->local.port || !overlap(a, b))
		return false;
	if (both & SOCKET_REUSEPORT)
		return false;
	if (!(both & SOCKET_REUSEADDR))
		return true;
	return a->s.state == SOCKET_LISTENS || b->s.state == SOCKET_LISTENS;
}

static bool port_free(const struct inet_socket *u)
{
	const struct inet_socket *other = *bucket(u->s.type, u->local.port);

	while (other && !conflict(u, other))
		other = other->next_bound;
	return !other;
}

/* Nobody has it at all, whatever the address. */
static bool port_unused(uint8_t type, uint16_t port)
{
	const struct inet_socket *other = *bucket(type, port);

	while (other && other->local.port != port)
		other = other->next_bound;
	return !other;
}

static void add(struct inet_socket *u)
{
	struct inet_socket **b = bucket(u->s.type, u->local.port);

	u->next_bound = *b;
	*b = u;
	u->bound = true;
}

int inet_autobind(struct inet_socket *u)
{
	static uint32_t next;

	if (u->bound)
		return 0;
	if (!next)
		next = (uint32_t)rdtsc() % PORTS;
	for (uint32_t tries = 0; tries < PORTS; tries++) {
		uint16_t port = (uint16_t)(PORT_FIRST + next++ % PORTS);

		if (!port_unused(u->s.type, port))
			continue;
		u->local.port = port;
		add(u);
		return 0;
	}
	return -LINUX_EADDRNOTAVAIL;
}

int inet_bind(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	struct inet_socket *u = inet_of(s);
	const struct inet_addr before = u->local;
	struct inet_addr addr;
	int rc = inet_parse(u, a, len, &addr);

	/* Linux takes AF_UNSPEC for AF_INET if the address is 0.0.0.0 */
	if (rc == -LINUX_EAFNOSUPPORT && s->family == AF_INET &&
	    a->family == AF_UNSPEC && is_zero(a->rest + 2, 4)) {
		struct sockaddr v4 = *a;

		v4.family = AF_INET;
		rc = inet_parse(u, &v4, len, &addr);
	}
	if (rc)
		return rc;
	if (s->family == AF_INET6 && inet_is_v4(&addr) && inet_v6only(u))
		return -LINUX_EINVAL;
	if (!inet_is_any(&addr) && !inet_is_loopback(&addr))
		return -LINUX_EADDRNOTAVAIL;
	if (u->bound || s->state != SOCKET_IDLE)
		return -LINUX_EINVAL;
	u->local = addr;
	if (!addr.port)
		rc = inet_autobind(u);
	else if (port_free(u))
		add(u);
	else
		rc = -LINUX_EADDRINUSE;
	if (rc)
		u->local = before;
	else
		u->bound_ip = !inet_is_any(&addr);
	return rc;
}

void inet_unbind(struct inet_socket *u)
{
	struct inet_socket **p = bucket(u->s.type, u->local.port);

	if (!u->bound)
		return;
	while (*p != u)
		p = &(*p)->next_bound;
	*p = u->next_bound;
	u->bound = false;
}

int inet_may_listen(const struct inet_socket *u)
{
	const struct inet_socket *other = *bucket(u->s.type, u->local.port);

	for (; other; other = other->next_bound)
		if (other != u && other->s.state == SOCKET_LISTENS &&
		    other->local.port == u->local.port && overlap(u, other) &&
		    !(u->s.flags & other->s.flags & SOCKET_REUSEPORT))
			return -LINUX_EADDRINUSE;
	return 0;
}

/* How well it fits; 0: not at all. */
static unsigned fit(const struct inet_socket *u, const struct inet_addr *to,
		    const struct inet_addr *from)
{
	unsigned points = 1;

	if (u->local.port != to->port || !covers(u, to))
		return 0;
	if (u->s.type == SOCK_STREAM && u->s.state != SOCKET_LISTENS)
		return 0;
	if (u->s.type == SOCK_DGRAM && u->s.state == SOCKET_CONNECTED) {
		if (!inet_same(&u->remote, from))
			return 0;
		points += 4;
	}
	if (!inet_is_any(&u->local))
		points += 2;
	if ((u->s.family == AF_INET6) != inet_is_v4(to))
		points += 1;
	return points;
}

struct inet_socket *inet_find(uint8_t type, const struct inet_addr *to,
			      const struct inet_addr *from)
{
	struct inet_socket *best = NULL;
	unsigned most = 0;

	for (struct inet_socket *u = *bucket(type, to->port); u;
	     u = u->next_bound) {
		unsigned points = fit(u, to, from);

		if (points > most) {
			most = points;
			best = u;
		}
	}
	return best;
}

/* --- new sockets ------------------------------------------------------------- */

int inet_new(uint16_t family, unsigned type, int protocol, struct socket **ret)
{
	const bool tcp = type == SOCK_STREAM;
	const int own = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	struct inet_socket *u;

	if (type == SOCK_RAW)
		return -LINUX_EPERM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -LINUX_ESOCKTNOSUPPORT;
	if (protocol && protocol != own)
		return -LINUX_EPROTONOSUPPORT;
	*ret = socket_new(tcp ? &tcp_ops : &udp_ops, family, (uint8_t)type,
			  own);
	if (!*ret)
		return -LINUX_ENOMEM;
	u = inet_of(*ret);
	if (family == AF_INET) {
		memcpy(u->local.ip, mapped, sizeof(mapped));
		memcpy(u->remote.ip, mapped, sizeof(mapped));
	}
	inet_options_init(u);
	return 0;
}
