/* netproxy.c: see netproxy.h. What there is, and which link is whose. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/netproxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/netproxy_priv.h"

/* --- counters ---------------------------------------------------------------- */

static struct metric events[NP_EVENTS] = {
	[NP_E_CONNECTED] = { "connections_netproxy",
			     "TCP connections made for the guest", 0 },
	[NP_E_FAILED] = { "failed_connections_netproxy",
			  "TCP connections that the host could not make", 0 },
	[NP_E_DENIED] = { "denied_netproxy",
			  "destinations that --egress does not allow", 0 },
	[NP_E_BAD] = { "bad_requests_netproxy",
		       "broken requests and records of the guest", 0 },
	[NP_E_ACCEPTED] = { "clients_netproxy",
			    "clients of published ports handed to the guest",
			    0 },
	[NP_E_LOST] = { "lost_datagrams_netproxy",
			"datagrams that found no room", 0 },
	[NP_E_STRANGER] = { "strange_datagrams_netproxy",
			    "datagrams from where the guest may not send to",
			    0 },
	[NP_E_NAME_DENIED] = { "denied_names_netproxy",
			       "names that --egress does not allow", 0 },
};

struct metric *const netproxy_metrics[] = { &events[NP_E_CONNECTED],
					    &events[NP_E_FAILED],
					    &events[NP_E_DENIED],
					    &events[NP_E_BAD],
					    &events[NP_E_ACCEPTED],
					    &events[NP_E_LOST],
					    &events[NP_E_STRANGER],
					    &events[NP_E_NAME_DENIED],
					    NULL };

void np_count(enum np_event e)
{
	metric_inc(&events[e]);
	if (e == NP_E_BAD)
		log_guest("net", "%s", events[e].help);
}

/* --- helpers ----------------------------------------------------------------- */

struct np_link *np_link_of(struct netproxy *np, const struct vsock_conn *c)
{
	return &np->link[vsock_link_index(c)];
}

int np_request(struct netproxy *np, struct vsock_conn *c, bool listens,
	       struct netproxy_request *ret, struct ip_port *ret_to)
{
	const uint32_t len = vsock_link_waiting(c);
	const bool record = np_link_of(np, c)->kind == NP_UDP;

	if (len < sizeof(*ret) && !record && !vsock_link_ended(c))
		return 0;
	if (len < sizeof(*ret) || (record && len > sizeof(*ret))) {
		np_count(NP_E_BAD);
		vsock_link_reset(c);
		return 0;
	}
	vsock_link_take(c, ret, sizeof(*ret));
	if (ret->magic != NETPROXY_MAGIC) {
		np_count(NP_E_BAD);
		vsock_link_reset(c);
		return 0;
	}
	if (ret->flags || (ret->backlog != 0) != listens ||
	    !ip_of_wire(&ret->addr, ret_to)) {
		np_count(NP_E_BAD);
		np_reply(c, 0, EINVAL, 0, NULL, NULL);
		return 0;
	}
	np_link_of(np, c)->family = ret->addr.family;
	return 1;
}

static struct netproxy_addr wire(const struct ip_port *p, uint16_t family)
{
	static const struct ip any = { { 0 } };

	return p ? ip_to_wire(p, family, &any) : (struct netproxy_addr){ 0 };
}

void np_reply(struct vsock_conn *c, uint16_t family, int error, uint16_t flags,
	      const struct ip_port *local, const struct ip_port *peer)
{
	const struct netproxy_reply r = {
		.magic = NETPROXY_MAGIC,
		.error = (uint16_t)error,
		.flags = flags,
		.local = wire(local, family),
		.peer = wire(peer, family),
	};
	uint8_t *room = vsock_link_room(c);

	CHECK(room); /* it is the first thing that the guest hears */
	memcpy(room, &r, sizeof(r));
	(void)vsock_link_put(c, sizeof(r)); /* unless it listens no more */
	if (error)
		vsock_link_finish(c);
}

struct ip_port np_local(int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);

	(void)getsockname(fd, (struct sockaddr *)&ss, &len); /* it is ours */
	return ip_of_sockaddr(&ss);
}

int np_socket(bool v6, int type)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET,
			type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EAFNOSUPPORT:
		return -ENETUNREACH;
	case EMFILE: /* the monitor's limits, not the program's */
	case ENFILE:
	case ENOMEM:
		return -ENOBUFS;
	default:
		return -errno;
	}
}

int np_denied(const struct ip_port *to)
{
	np_count(NP_E_DENIED);
	return ip_scope(&to->ip) == IP_LOOPBACK ? ECONNREFUSED : EACCES;
}

bool np_is_resolver(const struct ip_port *to)
{
	return to->port == np_resolver.port &&
	       ip_equal(&to->ip, &np_resolver.ip);
}

/* --- the service ------------------------------------------------------------- */

static void service_start(void *ctx, struct vdev *v)
{
	struct netproxy *np = ctx;

	np->v = v;
}

static void service_stop(void *ctx)
{
	struct netproxy *np = ctx;

	for (unsigned i = 0; i < np->cfg.n_publish; i++)
		loop_cancel(np->cfg.loop, &np->publish[i].op);
	np_dns_stop(np);
}

static int service_open(void *ctx, struct vsock_conn *c, uint32_t port,
			bool seqpacket)
{
	static const struct {
		uint32_t port;
		bool seqpacket;
		enum np_kind kind;
	} ports[] = {
		{ NETPROXY_PORT_TCP, false, NP_TCP },
		{ NETPROXY_PORT_LISTEN, false, NP_CONTROL },
		{ NETPROXY_PORT_UDP, true, NP_UDP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i].port == port && ports[i].seqpacket == seqpacket) {
			*np_link_of(ctx, c) = (struct np_link){
				.kind = (uint8_t)ports[i].kind,
			};
			return 0;
		}
	return -ECONNREFUSED;
}

static void service_input(void *ctx, struct vsock_conn *c)
{
	switch ((enum np_kind)np_link_of(ctx, c)->kind) {
	case NP_TCP:
		np_tcp_input(ctx, c);
		break;
	case NP_CONTROL:
	case NP_LISTENING:
		np_listen_input(ctx, c);
		break;
	case NP_UDP:
	case NP_BOUND:
		np_udp_input(ctx, c);
		break;
	case NP_CONNECTING: /* the bytes are the host's, when it is there */
	case NP_CONNECTED:
	case NP_CLIENT:
	case NP_NONE:
		break;
	}
}

static void service_drained(void *ctx, struct vsock_conn *c)
{
	const struct np_link *l = np_link_of(ctx, c);

	if (l->kind == NP_BOUND)
		np_udp_drained(l->udp);
}

static void service_writable(void *ctx, struct vsock_conn *c)
{
	np_tcp_writable(ctx, c);
}

static void service_closed(void *ctx, struct vsock_conn *c)
{
	struct np_link *l = np_link_of(ctx, c);

	if (l->kind == NP_LISTENING)
		np_listen_closed(ctx, l);
	else if (l->kind == NP_CLIENT)
		np_client_closed(l, vsock_link_unsent(c));
	else if (l->kind == NP_BOUND)
		np_udp_closed(l);
	*l = (struct np_link){ .kind = NP_NONE };
}

const struct vsock_service netproxy_service = {
	.port_first = NETPROXY_PORT_FIRST,
	.port_last = NETPROXY_PORT_LAST,
	.call_first = NETPROXY_PORT_FIRST + 0x100,
	.call_last = NETPROXY_PORT_LAST,
	.start = service_start,
	.stop = service_stop,
	.open = service_open,
	.input = service_input,
	.drained = service_drained,
	.writable = service_writable,
	.closed = service_closed,
};

/* --- life -------------------------------------------------------------------- */

/* A port that somebody else bound may be free to a socket with SO_REUSEADDR
 * (old connections), but a socket that was bound without lets nobody in. */
static int bind_port(int fd, const struct sockaddr_storage *ss, socklen_t len)
{
	static const int on = 1, off = 0;
	int r;

	if (bind(fd, (const struct sockaddr *)ss, len) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	r = bind(fd, (const struct sockaddr *)ss, len) ? -errno : 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
	return r;
}

/* A second socket for the same port, of the same kind. A port that was given
 * by number stays a socket's own when it stops listening; one that the kernel
 * chose does not. */
static int bind_socket(struct netproxy_publish *p)
{
	const bool v6 = !ip_is_v4(&p->host.ip);
	struct sockaddr_storage ss;
	const socklen_t len = ip_to_sockaddr(&p->host, v6, &ss);
	AUTO_FD fd = socket(v6 ? AF_INET6 : AF_INET,
			    (p->udp ? SOCK_DGRAM : SOCK_STREAM) |
				    SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0);
	static const int on = 1;
	int r;

	if (fd < 0)
		return -errno;
	/* [::] and 0.0.0.0 are two addresses, and can be published both */
	if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	/* UDP: two with SO_REUSEADDR would share the port */
	r = p->udp ? (bind(fd, (struct sockaddr *)&ss, len) ? -errno : 0)
		   : bind_port(fd, &ss, len);
	return r ? r : take_fd(&fd);
}

int netproxy_bind(struct netproxy_publish *p, struct err *err)
{
	char text[IP_TEXT_LEN];
	AUTO_FD fd = bind_socket(p);

	if (fd >= 0 && p->host.port == 0 && !p->udp) {
		static const int on = 1;
		AUTO_FD first = take_fd(&fd);

		p->host.port = np_local(first).port;
		(void)setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
		fd = bind_socket(p);
	}
	if (fd < 0) {
		ip_format(&p->host, text);
		return err_set(err, fd, "%s%s", text, p->udp ? "/udp" : "");
	}
	p->host.port = np_local(fd).port;
	p->fd = take_fd(&fd);
	return 0;
}

static void on_publish(struct loop_op *op, int res)
{
	struct np_publish *pub = CONTAINER_OF(op, struct np_publish, op);

	pub->busy = false;
	if (pub->p.udp)
		np_udp_ready(pub, res);
	else
		np_listen_ready(pub, res);
}

int netproxy_new(const struct netproxy_config *cfg, struct netproxy **ret,
		 struct err *err)
{
	struct netproxy *np = calloc(1, sizeof(*np));
	int r;

	if (!np)
		return err_set(err, -ENOMEM, "network");
	CHECK(cfg->n_publish <= NETPROXY_PUBLISH_MAX);
	np->cfg = *cfg;
	np->cfg.publish = NULL;
	for (unsigned i = 0; i < cfg->n_publish; i++) {
		struct np_publish *pub = &np->publish[i];
		unsigned first = 0;

		pub->p = cfg->publish[i];
		pub->np = np;
		pub->op.done = on_publish;
		while (cfg->publish[first].udp != pub->p.udp ||
		       cfg->publish[first].guest_port != pub->p.guest_port)
			first++;
		pub->listener = &np->listener[first];
		pub->listener->np = np;
	}
	np_udp_init(np);
	r = np_dns_init(np);
	if (r) {
		netproxy_free(np);
		return err_set(err, r, "random numbers");
	}
	*ret = np;
	return 0;
}

void netproxy_free(struct netproxy *np)
{
	if (np)
		np_dns_fini(np);
	free(np);
}
