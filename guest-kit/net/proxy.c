/* proxy.c: TCP to and from the world (abi/netproxy.h): one connection of the
 * driver for each socket, and one for each that listens. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/proxy_priv.h"

static struct proxy *listening; /* those that do */

/* Some connection was accepted: a reset means that there is no room now.
 * Otherwise it means that there is no network, and will not be. */
static bool seen_world, no_world;

/* --- addresses ---------------------------------------------------------------- */

struct netproxy_addr proxy_addr(const struct inet_addr *a, uint16_t family)
{
	struct netproxy_addr ret = { .family = family, .port = a->port };

	if (family == NETPROXY_INET6)
		memcpy(ret.addr, a->ip, 16);
	else
		memcpy(ret.addr, a->ip + 12, 4);
	return ret;
}

struct inet_addr proxy_inet(const struct netproxy_addr *a)
{
	struct inet_addr ret = { .port = a->port };

	if (a->family == NETPROXY_INET6) {
		memcpy(ret.ip, a->addr, 16);
	} else {
		ret.ip[10] = ret.ip[11] = 0xff;
		memcpy(ret.ip + 12, a->addr, 4);
	}
	return ret;
}

/* --- connections of the driver -------------------------------------------------- */

void proxy_free(struct proxy *p, bool reset)
{
	if (p->u)
		p->u->proxy = NULL;
	if (p->conn)
		vconn_close(p->conn, reset);
	message_drop_all(&p->out);
	kmem_free(p, sizeof(*p));
}

void proxy_refused(const struct proxy *p)
{
	if (p->conn->reset && p->conn->state == VCONN_ASKED && !seen_world)
		no_world = true;
}

static bool has_world(void)
{
	uint32_t cid;

	return !no_world && vconn_start(&cid);
}

struct proxy *proxy_new(struct inet_socket *u, enum proxy_stage stage,
			enum vsock_type type, uint32_t port,
			const struct vconn_ops *ops)
{
	struct proxy *p = has_world() ? kmem_alloc(sizeof(*p)) : NULL;

	if (!p)
		return NULL;
	p->stage = stage;
	p->conn = vconn_connect(type, 0, port, ops, p);
	if (!p->conn) {
		kmem_free(p, sizeof(*p));
		return NULL;
	}
	p->u = u;
	u->proxy = p;
	return p;
}

int64_t proxy_send_bytes(struct proxy *p, const void *bytes, uint64_t len)
{
	struct io io;

	io_kernel(&io, (void *)(uintptr_t)bytes, len);
	return vconn_send(p->conn, &io);
}

bool proxy_ask(struct proxy *p, const struct inet_addr *a, uint16_t family,
	       uint32_t backlog)
{
	const struct netproxy_request request = {
		.magic = NETPROXY_MAGIC,
		.backlog = backlog,
		.addr = proxy_addr(a, family),
	};

	seen_world = true;
	return proxy_send_bytes(p, &request, sizeof(request)) ==
	       sizeof(request);
}

/* Takes the first bytes of the connection; true: all are there. */
static bool take_head(struct proxy *p, struct pkt *pkt, uint32_t want)
{
	uint32_t n = (uint32_t)min_u64(pkt->len, want - p->head_len);

	memcpy(p->head.bytes + p->head_len, pkt->data, n);
	p->head_len += n;
	pkt->data += n;
	pkt->len -= n;
	vconn_taken(p->conn, n);
	return p->head_len == want;
}

/* --- connecting ----------------------------------------------------------------- */

static uint16_t family_of(const struct inet_socket *u)
{
	return u->s.family;
}

static void connect_failed(struct proxy *p, int error)
{
	struct inet_socket *u = p->u;

	proxy_free(p, true);
	tcp_failed(u, error);
}

static void on_connect_changed(struct proxy *p)
{
	const bool loopback = inet_is_loopback(&p->u->remote);

	if (p->conn->reset)
		connect_failed(p, loopback     ? LINUX_ECONNREFUSED
				  : seen_world ? LINUX_EADDRNOTAVAIL
					       : LINUX_ENETUNREACH);
	else if (p->stage == PROXY_CALLS && p->conn->state == VCONN_OPEN) {
		p->stage = PROXY_ASKED;
		if (!proxy_ask(p, &p->u->remote, family_of(p->u), 0))
			connect_failed(p, LINUX_ENOBUFS);
	}
}

/* False: it failed, and p is gone. */
static bool on_connect_reply(struct proxy *p)
{
	const struct netproxy_reply *reply = &p->head.reply;
	struct inet_socket *u = p->u;

	if (reply->magic != NETPROXY_MAGIC || reply->error) {
		connect_failed(p, reply->magic == NETPROXY_MAGIC
					  ? reply->error
					  : LINUX_EPROTO);
		return false;
	}
	/* from now on it has the host's port */
	inet_unbind(u);
	u->local = proxy_inet(&reply->local);
	u->remote = proxy_inet(&reply->peer);
	p->stage = PROXY_RUNS;
	tcp_connected(u);
	return true;
}

/* --- bytes ---------------------------------------------------------------------- */

static void on_stream_changed(struct proxy *p)
{
	struct socket *s = &p->u->s;

	if (p->conn->reset) {
		if ((p->conn->peer_shut & VSOCK_SEND) && (s->shut & SHUT_SEND))
			socket_fail(s, 0); /* both have ended */
		else
			tcp_reset(p->u, LINUX_ECONNRESET);
		return;
	}
	if (p->conn->peer_shut & VSOCK_SEND)
		s->shut |= SHUT_RECEIVE;
	if (p->conn->peer_shut & VSOCK_RECEIVE)
		s->shut |= SHUT_SEND;
	socket_wake(s, WAKE_ANY);
}

static void add_bytes(struct proxy *p, struct pkt *pkt)
{
	if (!pkt->len) {
		pkt_free(pkt);
		return;
	}
	pktq_merge(&p->u->s.rcv, pkt);
	socket_wake(&p->u->s, POLL_READABLE);
}

int64_t proxy_push(struct inet_socket *u, struct message *m)
{
	int64_t n = vconn_send(u->proxy->conn, &m->io);

	return n == -LINUX_ECONNRESET ? -LINUX_EPIPE : n;
}

bool proxy_has_room(struct inet_socket *u)
{
	return vconn_has_room(u->proxy->conn);
}

void proxy_taken(struct inet_socket *u, uint64_t len)
{
	vconn_taken(u->proxy->conn, (uint32_t)len);
}

void proxy_shutdown(struct inet_socket *u, unsigned how)
{
	struct proxy *p = u->proxy;

	if (p && (how & SHUT_SEND) && !p->conn->reset)
		vconn_shutdown(p->conn, VSOCK_SEND);
}

/* --- connections from the world --------------------------------------------------- */

static struct inet_socket *find_listener(uint32_t port)
{
	struct proxy *p = listening;

	while (p && p->u->local.port != port)
		p = p->next;
	return p ? p->u : NULL;
}

/* False: p is gone. */
static bool on_incoming(struct proxy *p)
{
	const struct netproxy_incoming *in = &p->head.incoming;
	const struct inet_addr local = proxy_inet(&in->local);
	const struct inet_addr remote = proxy_inet(&in->peer);
	struct inet_socket *listener = find_listener(in->guest_port);
	struct inet_socket *u = NULL;

	if (listener && in->magic == NETPROXY_MAGIC)
		u = tcp_new_child(listener, &local, &remote);
	if (!u) {
		proxy_free(p, true);
		return false;
	}
	p->u = u;
	u->proxy = p;
	p->stage = PROXY_RUNS;
	socket_enqueue(&listener->s, &u->s);
	return true;
}

/* Tells the monitor that there is room for more clients: when half of those
 * it may hand over were taken. */
static void give_back(struct proxy *p)
{
	const uint32_t n = p->n_taken;

	if (p->stage == PROXY_LISTENS && n && 2 * n >= p->u->s.backlog &&
	    proxy_send_bytes(p, &n, sizeof(n)) == sizeof(n))
		p->n_taken = 0;
}

void proxy_accepted(struct inet_socket *listener)
{
	struct proxy *p = listener->proxy;

	if (!p)
		return;
	p->n_taken++;
	give_back(p);
}

static void stop_listening(struct proxy *p)
{
	struct proxy **link = &listening;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	proxy_free(p, false);
}

/* Whatever goes wrong: the socket listens inside alone. */
static void on_listen_changed(struct proxy *p)
{
	if (p->conn->reset) {
		stop_listening(p);
	} else if (p->stage == PROXY_LISTEN_CALLS &&
		   p->conn->state == VCONN_OPEN) {
		p->stage = PROXY_LISTEN_ASKED;
		if (!proxy_ask(p, &p->u->local, family_of(p->u),
			       (uint32_t)max_u64(p->u->s.backlog, 1)))
			stop_listening(p);
	}
}

/* False: p is gone. */
static bool on_listen_reply(struct proxy *p)
{
	if (p->head.reply.magic == NETPROXY_MAGIC && !p->head.reply.error) {
		p->stage = PROXY_LISTENS;
		return true;
	}
	stop_listening(p);
	return false;
}

/* --- what the driver says ----------------------------------------------------------- */

static void changed(struct vconn *c)
{
	struct proxy *p = c->owner;

	proxy_refused(p);
	switch (p->stage) {
	case PROXY_CALLS:
	case PROXY_ASKED:
		on_connect_changed(p);
		break;
	case PROXY_RUNS:
		on_stream_changed(p);
		break;
	case PROXY_COMES:
		if (c->reset || c->peer_shut)
			proxy_free(p, true);
		break;
	case PROXY_LISTEN_CALLS:
	case PROXY_LISTEN_ASKED:
	case PROXY_LISTENS:
		on_listen_changed(p);
		break;
	}
}

static void received(struct vconn *c, struct pkt *pkt)
{
	struct proxy *p = c->owner;
	bool there = true;

	switch (p->stage) {
	case PROXY_ASKED:
		if (take_head(p, pkt, sizeof(p->head.reply)))
			there = on_connect_reply(p);
		break;
	case PROXY_COMES:
		if (take_head(p, pkt, sizeof(p->head.incoming)))
			there = on_incoming(p);
		break;
	case PROXY_LISTEN_ASKED:
		if (take_head(p, pkt, sizeof(p->head.reply)))
			there = on_listen_reply(p);
		break;
	case PROXY_CALLS:
	case PROXY_LISTEN_CALLS:
	case PROXY_LISTENS:
	case PROXY_RUNS:
		break;
	}
	if (there && p->stage == PROXY_RUNS)
		add_bytes(p, pkt);
	else
		pkt_free(pkt);
}

static void room(struct vconn *c)
{
	struct proxy *p = c->owner;

	if (p->stage == PROXY_RUNS) {
		p->u->s.no_room = false;
		socket_wake(&p->u->s, POLL_WRITABLE);
	} else {
		give_back(p);
	}
}

static const struct vconn_ops ops = { .changed = changed,
				      .received = received,
				      .room = room };

/* --- sockets ------------------------------------------------------------------------- */

int proxy_connect(struct inet_socket *u)
{
	if (!has_world())
		return inet_is_loopback(&u->remote) ? -LINUX_ECONNREFUSED
						    : -LINUX_ENETUNREACH;
	u->s.state = SOCKET_CONNECTS;
	if (proxy_new(u, PROXY_CALLS, VSOCK_STREAM, NETPROXY_PORT_TCP, &ops)) {
		vconn_poll(); /* the answer may be there */
		return 0;
	}
	u->s.state = SOCKET_IDLE;
	return -LINUX_EADDRNOTAVAIL;
}

/* A client of the host, not announced yet. */
static bool incoming(struct vport *port, struct vconn *c)
{
	struct proxy *p;

	(void)port;
	if (c->peer_port < NETPROXY_PORT_FIRST ||
	    c->peer_port > NETPROXY_PORT_LAST || c->type != VSOCK_STREAM)
		return false;
	p = kmem_alloc(sizeof(*p));
	if (!p)
		return false;
	p->stage = PROXY_COMES;
	p->conn = c;
	c->ops = &ops;
	c->owner = p;
	return true;
}

void proxy_listen(struct inet_socket *u)
{
	static struct vport port = { .port = NETPROXY_PORT_INCOMING,
				     .request = incoming };
	struct proxy *p;

	if (inet_is_loopback(&u->local))
		return;
	p = proxy_new(u, PROXY_LISTEN_CALLS, VSOCK_STREAM, NETPROXY_PORT_LISTEN,
		      &ops);
	if (!p)
		return;
	if (!vconn_port_used(port.port) && vconn_listen(&port))
		return;
	p->next = listening;
	listening = p;
	vconn_poll();
}

void proxy_close(struct inet_socket *u, bool reset)
{
	struct proxy *p = u->proxy;

	if (!p)
		return;
	switch (p->stage) {
	case PROXY_LISTEN_CALLS:
	case PROXY_LISTEN_ASKED:
	case PROXY_LISTENS:
		stop_listening(p);
		break;
	case PROXY_CALLS:
	case PROXY_ASKED:
	case PROXY_COMES:
		proxy_free(p, true);
		break;
	case PROXY_RUNS:
		proxy_free(p, reset);
		break;
	}
}
