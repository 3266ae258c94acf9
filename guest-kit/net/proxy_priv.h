/* proxy_priv.h: what the proxies of TCP and UDP share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_PROXY_PRIV_H
#define NET_PROXY_PRIV_H

#include "abi/netproxy.h"
#include "drivers/vconn.h"
#include "net/inet.h"

enum proxy_stage {
	PROXY_CALLS, /* TCP out: the monitor has not answered yet, */
	PROXY_ASKED, /* nor the host, */
	PROXY_RUNS,  /* bytes go to and fro */
	PROXY_COMES, /* TCP in: netproxy_incoming is not there yet */
	PROXY_LISTEN_CALLS,
	PROXY_LISTEN_ASKED,
	PROXY_LISTENS,
};

struct proxy {
	struct inet_socket *u; /* NULL: comes */
	struct vconn *conn;
	enum proxy_stage stage;
	union {
		struct netproxy_reply reply;
		struct netproxy_incoming incoming;
		uint8_t bytes[48];
	} head; /* how a connection begins */
	uint32_t head_len;
	uint32_t n_taken;   /* clients taken, and the monitor not told */
	struct pktq out;    /* UDP: records that wait */
	struct proxy *next; /* of those that listen */
};

struct netproxy_addr proxy_addr(const struct inet_addr *a, uint16_t family);
struct inet_addr proxy_inet(const struct netproxy_addr *a);

/* A connection to the monitor for u, whose proxy it becomes. NULL: no device,
 * or no memory. */
WUR struct proxy *proxy_new(struct inet_socket *u, enum proxy_stage stage,
			    enum vsock_type type, uint32_t port,
			    const struct vconn_ops *ops);
/* Ends it; u is left as it is. */
void proxy_free(struct proxy *p, bool reset);
/* As vconn_send. */
WUR int64_t proxy_send_bytes(struct proxy *p, const void *bytes, uint64_t len);
/* Sends the netproxy_request. */
WUR bool proxy_ask(struct proxy *p, const struct inet_addr *a, uint16_t family,
		   uint32_t backlog);
/* Called by `changed`: learns whether there is a network at all. */
void proxy_refused(const struct proxy *p);

#endif
