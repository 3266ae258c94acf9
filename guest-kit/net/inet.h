/* inet.h: what TCP and UDP sockets share: addresses, ports, options. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_INET_H
#define NET_INET_H

#include "net/message.h"
#include "net/socket.h"

#define IPPROTO_IP   0
#define IPPROTO_TCP  6
#define IPPROTO_UDP  17
#define IPPROTO_IPV6 41

#define INET_OPTIONS_MAX 40

/* An address and port; IPv4 as ::ffff:a.b.c.d. */
struct inet_addr {
	uint8_t ip[16];
	uint16_t port; /* the host's order */
};

struct inet_socket {
	struct socket s;
	struct inet_addr local, remote; /* remote: while connected */
	bool bound;                     /* has a port, and is in the table */
	bool bound_ip;                  /* the program chose its address */
	struct inet_socket *next_bound;
	int32_t option[INET_OPTIONS_MAX];

	/* TCP */
	enum { REPORT_NOTHING, REPORT_CONNECTED, REPORT_FAILED } report;
	bool reset; /* there is no connection any more */
	struct inet_socket *target, *pending; /* waits for its backlog */
	struct inet_socket *next_pending;

	struct proxy *proxy; /* to the world (net/proxy.h), or NULL */
};

static inline struct inet_socket *inet_of(struct socket *s)
{
	return (struct inet_socket *)s;
}

extern const struct socket_ops tcp_ops, udp_ops;

/* An address as the family writes it: -EINVAL, -EAFNOSUPPORT. */
WUR int inet_parse(const struct inet_socket *u, const struct sockaddr *a,
		   uint32_t len, struct inet_addr *ret);
/* The other way; its length. */
uint32_t inet_format(const struct inet_socket *u, const struct inet_addr *addr,
		     struct sockaddr *ret);

bool inet_is_v4(const struct inet_addr *a);
/* 0.0.0.0 or :: */
bool inet_is_any(const struct inet_addr *a);
/* 127.0.0.0/8 or ::1 */
bool inet_is_loopback(const struct inet_addr *a);
/* The loopback address of its kind instead of "any". */
void inet_to_loopback(struct inet_addr *a);
bool inet_same(const struct inet_addr *a, const struct inet_addr *b);

WUR int inet_bind(struct socket *s, const struct sockaddr *a, uint32_t len);
/* A port for a socket that has none, with its address as it is. */
WUR int inet_autobind(struct inet_socket *u);
void inet_unbind(struct inet_socket *u);
/* Could it listen, or is the port another listener's? */
WUR int inet_may_listen(const struct inet_socket *u);
/* Who gets what comes for `to` from `from`: a listener, or a socket for
 * datagrams. NULL: nobody. */
struct inet_socket *inet_find(uint8_t type, const struct inet_addr *to,
			      const struct inet_addr *from);

int inet_name(struct socket *s, bool peer, struct sockaddr *ret,
	      uint32_t *ret_len);

/* Options of the levels of IP, IPv6, TCP and UDP. */
void inet_options_init(struct inet_socket *u);
bool inet_v6only(const struct inet_socket *u);
int inet_set(struct socket *s, int level, int name, const void *value,
	     uint32_t len);
int inet_get(struct socket *s, int level, int name, void *ret, uint32_t *len);

#endif
