/* netproxy.h: a guest's TCP and UDP, without a network of its own: what
 * guest-kit/include/abi/netproxy.h promises, on real sockets of the host.
 *
 * It is a service of the socket device (virtio/vsock_service.h). A TCP socket
 * is made, connected or accepted here, and then left to the device: its bytes
 * go from guest memory into it and back like a Unix socket's. Datagrams pass
 * through here.
 *
 * Hostile guest: every header is taken out of the device once and checked
 * once. All memory is from netproxy_new. A connection of the guest costs a
 * slot of the device and at most one descriptor (a datagram socket: one of
 * NETPROXY_UDP_SOCKETS), whatever it says or leaves unsaid; the host's
 * addresses are the policy's decision alone.
 *
 * System calls after start-up, all on numbers and none on paths: socket,
 * connect, bind, listen, accept4, getsockname, getpeername, getsockopt,
 * setsockopt, sendmsg, recvmsg, sendto, recvfrom, shutdown, close. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_NETPROXY_H
#define NET_NETPROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "net/ip.h"

struct err;
struct loop;
struct metric;
struct netproxy;
struct policy;
struct vsock_service;

#define NETPROXY_PUBLISH_MAX   64u
#define NETPROXY_UDP_SOCKETS   256u
#define NETPROXY_RESOLVERS_MAX 3u

/* A port of the host that is the guest's; see netproxy_bind. */
struct netproxy_publish {
	struct ip_port host; /* port 0: any; netproxy_bind fills it in */
	uint16_t guest_port;
	bool udp;
	int fd;
};

struct netproxy_config {
	struct loop *loop;                      /* borrowed */
	struct policy *policy;                  /* borrowed; learns names */
	const struct netproxy_publish *publish; /* copied; fds are borrowed */
	unsigned n_publish;                     /* 0..NETPROXY_PUBLISH_MAX */
	struct ip_port resolver[NETPROXY_RESOLVERS_MAX];
	unsigned n_resolvers; /* 0: SERVFAIL for every name */
};

/*
 * Reserves the host's port: a socket that is bound and, TCP, does not listen
 * yet, so that clients are refused. Sets p->fd, which the caller closes, and
 * p->host.port. The message names address and port.
 */
WUR int netproxy_bind(struct netproxy_publish *p, struct err *err);

/* -ENOMEM, or no random numbers. Serves as netproxy_service with itself as context. */
WUR int netproxy_new(const struct netproxy_config *cfg, struct netproxy **ret,
		     struct err *err);
/* After the device is gone and the loop is quiet. Accepts NULL. */
void netproxy_free(struct netproxy *np);

extern const struct vsock_service netproxy_service;
extern struct metric *const netproxy_metrics[]; /* NULL at the end */

#endif
