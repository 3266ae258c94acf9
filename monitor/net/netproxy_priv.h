/* netproxy_priv.h: the insides of the guest's network.
 *
 *   netproxy.c         what there is, and which link is whose
 *   netproxy_tcp.c     connections of the guest
 *   netproxy_listen.c  published TCP ports and their clients
 *   netproxy_udp.c     datagram sockets
 *   netproxy_dns.c     the name server among their destinations
 *
 * The machine lock protects everything. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_NETPROXY_PRIV_H
#define NET_NETPROXY_PRIV_H

#include "guest-kit/include/abi/netproxy.h"
#include "loop/loop.h"
#include "net/netproxy.h"
#include "net/policy.h"
#include "virtio/vsock.h"
#include "virtio/vsock_service.h"

#define NP_PEERS_MAX   64u  /* remembered of a published UDP port */
#define NP_QUERIES_MAX 256u /* that wait for an answer */

enum np_kind {
	NP_NONE,
	NP_TCP,        /* its request is not whole */
	NP_CONNECTING, /* the host has not answered */
	NP_CONNECTED,  /* raw */
	NP_CONTROL,    /* of a listening socket; the request is not whole */
	NP_LISTENING,
	NP_CLIENT, /* raw, called by us */
	NP_UDP,    /* no request yet */
	NP_BOUND,
};

/* Of each link of the device. */
struct np_link {
	uint8_t kind;              /* enum np_kind */
	uint16_t family;           /* of the guest's addresses */
	struct np_listener *owner; /* LISTENING, CLIENT */
	uint32_t turn;             /* CLIENT: owner->turn then */
	struct np_udp *udp;        /* BOUND */
};

/* A port of the guest that is published, by one or more of the host's. */
struct np_listener {
	struct netproxy *np;
	struct vsock_conn *control; /* NULL: the guest does not listen */
	uint32_t turn;              /* how often it has begun to */
	uint16_t family;
	uint32_t backlog, budget; /* clients that may still be handed over */
};

struct np_publish {
	struct netproxy_publish p;
	struct netproxy *np;
	struct loop_op op; /* a poll, or a timer after an error */
	bool busy, listening;
	struct np_listener *listener;      /* TCP; shared by a guest port's */
	struct np_udp *udp;                /* UDP: who has it, or NULL */
	struct ip_port peer[NP_PEERS_MAX]; /* who has written, a ring */
	unsigned n_peers, next_peer;
};

struct np_udp {
	struct netproxy *np;
	struct vsock_conn *c; /* NULL: free, once nothing is in flight */
	struct loop_op op;
	bool busy;
	int fd;
	bool v6; /* fd is of AF_INET6 */
	uint16_t family;
	struct np_publish *pub; /* or NULL */
};

/* One of the host's resolvers. */
struct np_server {
	struct netproxy *np;
	struct ip_port at;
	struct loop_op op;
	bool busy;
	bool v6;
	int fd; /* connected when it was last used; -1: no such family */
};

/* A question of the guest. */
struct np_query {
	struct np_udp *u; /* who asks; NULL: nobody any more */
	struct np_server *server;
	uint64_t at_ns;
	uint16_t id, guest_id; /* ours, and the guest's */
	unsigned tries;
};

struct np_dns {
	struct np_server server[NETPROXY_RESOLVERS_MAX];
	unsigned n_servers;
	struct np_query query[NP_QUERIES_MAX]; /* a ring */
	unsigned next_query;
	uint64_t seed;
};

struct netproxy {
	struct netproxy_config cfg;
	struct vdev *v; /* NULL: no driver was there yet */
	struct np_link link[VSOCK_CONNS_MAX];
	struct np_publish publish[NETPROXY_PUBLISH_MAX];
	struct np_listener listener[NETPROXY_PUBLISH_MAX];
	struct np_udp udp[NETPROXY_UDP_SOCKETS];
	struct np_dns dns;
	uint8_t scratch[VSOCK_BUF_LEN]; /* one record at a time */
};

/* Each has a counter. */
enum np_event {
	NP_E_CONNECTED,
	NP_E_FAILED,
	NP_E_DENIED,
	NP_E_BAD,
	NP_E_ACCEPTED,
	NP_E_LOST,
	NP_E_STRANGER,
	NP_E_NAME_DENIED,
	NP_EVENTS
};

/* --- netproxy.c -------------------------------------------------------------- */

void np_count(enum np_event e);
struct np_link *np_link_of(struct netproxy *np, const struct vsock_conn *c);
/* The request of a link. 0: it is not whole, or the link was reset for what it
 * says; 1: here it is; *ret_to its address. */
WUR int np_request(struct netproxy *np, struct vsock_conn *c, bool listens,
		   struct netproxy_request *ret, struct ip_port *ret_to);
/* The reply; NULL: no address. With an error, the end of the link. */
void np_reply(struct vsock_conn *c, uint16_t family, int error, uint16_t flags,
	      const struct ip_port *local, const struct ip_port *peer);
/* The address of our end of a socket. */
struct ip_port np_local(int fd);
/* A socket, its errno made one that a guest can do something with. */
WUR int np_socket(bool v6, int type);
/* What the guest hears for a forbidden address. */
int np_denied(const struct ip_port *to);
bool np_is_resolver(const struct ip_port *to);

/* --- netproxy_tcp.c ---------------------------------------------------------- */

void np_tcp_input(struct netproxy *np, struct vsock_conn *c);
void np_tcp_writable(struct netproxy *np, struct vsock_conn *c);

/* --- netproxy_listen.c ------------------------------------------------------- */

/* A published port has a client, or waited long enough. */
void np_listen_ready(struct np_publish *pub, int res);
void np_listen_input(struct netproxy *np, struct vsock_conn *c);
void np_listen_closed(struct netproxy *np, struct np_link *l);
void np_client_closed(struct np_link *l, uint32_t unsent);

/* --- netproxy_udp.c ---------------------------------------------------------- */

void np_udp_init(struct netproxy *np);
/* A published port has something. */
void np_udp_ready(struct np_publish *pub, int res);
void np_udp_input(struct netproxy *np, struct vsock_conn *c);
void np_udp_drained(struct np_udp *u);
void np_udp_closed(struct np_link *l);
/* A datagram, or the news of one, for the guest; false: lost, for now or for
 * good. */
bool np_udp_give(struct np_udp *u, const struct ip_port *from, int error,
		 const void *data, size_t len);

/* --- netproxy_dns.c ---------------------------------------------------------- */

/* 0 or negative errno; then np_dns_fini is for later all the same. */
WUR int np_dns_init(struct netproxy *np);
void np_dns_stop(struct netproxy *np);
void np_dns_fini(struct netproxy *np);
/* A datagram for the resolver. Changes it. */
void np_dns_out(struct np_udp *u, uint8_t *msg, size_t len);
/* Nobody waits for the socket's answers any more. */
void np_dns_forget(struct np_udp *u);
extern const struct ip_port np_resolver;

#endif
