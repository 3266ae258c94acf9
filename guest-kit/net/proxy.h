/* proxy.h: internet sockets to the world: carried over virtio-vsock to the
 * monitor, which opens real ones (abi/netproxy.h). An inet_socket with
 * `proxy` is carried that way. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "kernel/types.h"

struct inet_addr;
struct inet_socket;
struct message;
struct pkt;

/* Begins to connect to u->remote, which nobody inside listens on: 0 and the
 * state CONNECTS, or -ENETUNREACH; -ECONNREFUSED for loopback. */
WUR int proxy_connect(struct inet_socket *u);
/* Asks for the world's connections for a socket that listens; where there is
 * no world, or it has none for this port, it listens alone. */
void proxy_listen(struct inet_socket *u);
/* A connection from the world left the listener's list. */
void proxy_accepted(struct inet_socket *listener);

/* As the operations of struct socket_ops. */
WUR int64_t proxy_push(struct inet_socket *u, struct message *m);
bool proxy_has_room(struct inet_socket *u);
void proxy_taken(struct inet_socket *u, uint64_t len);
void proxy_shutdown(struct inet_socket *u, unsigned how);
/* Ends it: an attempt to connect, listening, a connection. */
void proxy_close(struct inet_socket *u, bool reset);

/* A port that is published hears from the world from now on. */
void proxy_udp_bind(struct inet_socket *u);
/* -ENETUNREACH: there is no world; of sending to loopback: -ECONNREFUSED. */
WUR int proxy_udp_connect(struct inet_socket *u);
WUR int64_t proxy_udp_send(struct inet_socket *u, const struct inet_addr *to,
			   struct message *m, uint64_t until_ns);
bool proxy_udp_has_room(struct inet_socket *u);

/* tcp.c: an attempt has ended; the connection was reset; a connection has
 * come for a listener (NULL: no memory). */
void tcp_connected(struct inet_socket *u);
void tcp_failed(struct inet_socket *u, int error);
void tcp_reset(struct inet_socket *u, int error);
struct inet_socket *tcp_new_child(struct inet_socket *listener,
				  const struct inet_addr *local,
				  const struct inet_addr *remote);
/* udp.c: a datagram for it; takes the packet. */
void udp_deliver(struct inet_socket *to, struct pkt *p);

#endif
