/* inet_options.c: options of the levels IP, IPv6 and TCP. What belongs to the
 * segments on a wire is kept and told, and changes nothing: there is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "net/inet.h"

enum { IP_TOS = 1, IP_TTL = 2, IP_MTU_DISCOVER = 10, IP_RECVERR = 11 };
enum { IPV6_V6ONLY = 26 };
enum { TCP_INFO = 11, TCP_CONGESTION = 13 };

#define TCP_ESTABLISHED 1
#define TCP_CLOSE_STATE 7
#define TCP_LISTEN      10
#define TCP_SYN_SENT    2

/* What is kept: its range and what it is at first. In struct
 * inet_socket.option by place. */
static const struct option {
	uint8_t level, name;
	int32_t first, min, max;
} options[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 0, 0, 1 }, /* inet_v6only */
	{ IPPROTO_TCP, 1 /* NODELAY */, 0, 0, 1 },
	{ IPPROTO_TCP, 2 /* MAXSEG */, 536, 0, 32767 },
	{ IPPROTO_TCP, 3 /* CORK */, 0, 0, 1 },
	{ IPPROTO_TCP, 4 /* KEEPIDLE */, 7200, 1, 32767 },
	{ IPPROTO_TCP, 5 /* KEEPINTVL */, 75, 1, 32767 },
	{ IPPROTO_TCP, 6 /* KEEPCNT */, 9, 1, 127 },
	{ IPPROTO_TCP, 7 /* SYNCNT */, 6, 1, 127 },
	{ IPPROTO_TCP, 8 /* LINGER2 */, 60, INT32_MIN, INT32_MAX },
	{ IPPROTO_TCP, 9 /* DEFER_ACCEPT */, 0, INT32_MIN, INT32_MAX },
	{ IPPROTO_TCP, 10 /* WINDOW_CLAMP */, 0, 0, INT32_MAX },
	{ IPPROTO_TCP, 12 /* QUICKACK */, 1, 0, 1 },
	{ IPPROTO_TCP, 18 /* USER_TIMEOUT */, 0, 0, INT32_MAX },
	{ IPPROTO_TCP, 25 /* NOTSENT_LOWAT */, 0, INT32_MIN, INT32_MAX },
	{ IPPROTO_IP, IP_TOS, 0, 0, 255 },
	{ IPPROTO_IP, IP_TTL, 64, 1, 255 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, 1, 0, 5 },
	{ IPPROTO_IP, IP_RECVERR, 0, 0, 1 },
	{ IPPROTO_IP, 15 /* FREEBIND */, 0, 0, 1 },
	{ IPPROTO_IP, 24 /* BIND_ADDRESS_NO_PORT */, 0, 0, 1 },
	{ IPPROTO_IP, 33 /* MULTICAST_TTL */, 1, -1, 255 },
	{ IPPROTO_IP, 34 /* MULTICAST_LOOP */, 1, 0, 1 },
	{ IPPROTO_IPV6, 16 /* UNICAST_HOPS */, 64, -1, 255 },
	{ IPPROTO_IPV6, 18 /* MULTICAST_HOPS */, 1, -1, 255 },
	{ IPPROTO_IPV6, 19 /* MULTICAST_LOOP */, 1, 0, 1 },
	{ IPPROTO_IPV6, 23 /* MTU_DISCOVER */, 1, 0, 5 },
	{ IPPROTO_IPV6, 25 /* RECVERR */, 0, 0, 1 },
	{ IPPROTO_IPV6, 67 /* TCLASS */, 0, -1, 255 },
};

_Static_assert(ARRAY_LEN(options) <= INET_OPTIONS_MAX, "struct inet_socket");

/* Its place, or -1. A level that the socket does not have has none. */
static int find(const struct inet_socket *u, int level, int name)
{
	if (level == IPPROTO_TCP && u->s.type != SOCK_STREAM)
		return -1;
	if (level == IPPROTO_IPV6 && u->s.family != AF_INET6)
		return -1;
	for (unsigned i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].level == level && options[i].name == name)
			return (int)i;
	return -1;
}

void inet_options_init(struct inet_socket *u)
{
	for (unsigned i = 0; i < ARRAY_LEN(options); i++)
		u->option[i] = options[i].first;
}

bool inet_v6only(const struct inet_socket *u)
{
	return u->s.family == AF_INET6 && u->option[0];
}

int inet_set(struct socket *s, int level, int name, const void *value,
	     uint32_t len)
{
	struct inet_socket *u = inet_of(s);
	int i = find(u, level, name);
	int32_t v = 0;

	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return len == 5 && memcmp(value, "cubic", 5) == 0
			       ? 0
			       : -LINUX_ENOENT;
	if (i < 0)
		return -LINUX_ENOPROTOOPT;
	/* IP takes a byte for small numbers */
	if (level == IPPROTO_IP && len >= 1 && len < sizeof(v))
		v = *(const uint8_t *)value;
	else if (len < sizeof(v))
		return -LINUX_EINVAL;
	else
		memcpy(&v, value, sizeof(v));
	if (options[i].min == 0 && options[i].max == 1)
		v = !!v;
	if (v < options[i].min || v > options[i].max)
		return -LINUX_EINVAL;
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && u->bound)
		return -LINUX_EINVAL;
	u->option[i] = v;
	return 0;
}

/* struct tcp_info, of which the state is known. */
static int get_info(const struct inet_socket *u, uint8_t *ret, uint32_t *len)
{
	static const uint8_t states[] = {
		[SOCKET_IDLE] = TCP_CLOSE_STATE,
		[SOCKET_LISTENS] = TCP_LISTEN,
		[SOCKET_CONNECTS] = TCP_SYN_SENT,
		[SOCKET_CONNECTED] = TCP_ESTABLISHED,
	};

	*len = 104; /* up to tcpi_total_retrans */
	memset(ret, 0, *len);
	ret[0] = u->reset ? TCP_CLOSE_STATE : states[u->s.state];
	return 0;
}

int inet_get(struct socket *s, int level, int name, void *ret, uint32_t *len)
{
	const struct inet_socket *u = inet_of(s);
	int i = find(u, level, name);

	if (level == IPPROTO_TCP && s->type == SOCK_STREAM) {
		if (name == TCP_INFO)
			return get_info(u, ret, len);
		if (name == TCP_CONGESTION) {
			*len = 16;
			memset(ret, 0, *len);
			memcpy(ret, "cubic", 5);
			return 0;
		}
	}
	if (i < 0)
		return s->family == AF_INET && level == IPPROTO_IPV6
			       ? -LINUX_EOPNOTSUPP
			       : -LINUX_ENOPROTOOPT;
	*len = sizeof(u->option[i]);
	memcpy(ret, &u->option[i], *len);
	return 0;
}
