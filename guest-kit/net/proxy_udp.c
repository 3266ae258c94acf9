/* proxy_udp.c: UDP to and from the world (abi/netproxy.h): one connection of
 * the driver for each socket, a record for each datagram. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/proxy.h"
#include "net/proxy_priv.h"

#define OUT_MAX 65536u /* bytes of datagrams that wait */

/* How long the monitor's first answers are waited for: they take it no
 * decision and no network. */
#define ANSWER_NS (2 * NS_PER_SEC)

static uint16_t family_of(const struct inet_socket *u)
{
	return u->s.family;
}

/* --- in ------------------------------------------------------------------------ */

/* An error is for the socket that is connected to where it came from. */
static void on_error(struct inet_socket *u, const struct inet_addr *from,
		     int error)
{
	if (u->s.state != SOCKET_CONNECTED || !inet_same(from, &u->remote))
		return;
	u->s.error = error;
	socket_wake(&u->s, WAKE_ANY);
}

static void on_datagram(struct inet_socket *u, struct pkt *p)
{
	struct message m = { 0 };
	struct netproxy_datagram h;
	struct inet_addr from;
	struct sockaddr a;
	uint32_t len;

	if (p->len < sizeof(h)) {
		pkt_free(p);
		return;
	}
	memcpy(&h, p->data, sizeof(h));
	p->data += sizeof(h);
	p->len -= (uint32_t)sizeof(h);
	from = proxy_inet(&h.addr);
	len = inet_format(u, &from, &a);
	if (h.error)
		on_error(u, &from, h.error);
	if (h.error ||
	    (u->s.state == SOCKET_CONNECTED && !inet_same(&from, &u->remote)) ||
	    message_note(&m, &a, len, p)) {
		pkt_free(p);
		return;
	}
	udp_deliver(u, p);
}

static void on_reply(struct proxy *p, struct pkt *pkt)
{
	struct netproxy_reply reply = { 0 };
	struct inet_socket *u = p->u;

	memcpy(&reply, pkt->data, min_u64(pkt->len, sizeof(reply)));
	pkt_free(pkt);
	if (reply.magic != NETPROXY_MAGIC || reply.error) {
		proxy_free(p, true);
		socket_wake(&u->s, WAKE_ANY);
		return;
	}
	p->head.reply = reply;
	p->stage = PROXY_RUNS;
	socket_wake(&u->s, WAKE_ANY);
}

static void received(struct vconn *c, struct pkt *pkt)
{
	struct proxy *p = c->owner;

	/* what the socket does not take in time is lost, as with UDP */
	vconn_taken(c, pkt->len);
	if (p->stage == PROXY_RUNS)
		on_datagram(p->u, pkt);
	else
		on_reply(p, pkt);
}

/* --- out ----------------------------------------------------------------------- */

static void flush(struct proxy *p)
{
	while (p->stage == PROXY_RUNS && p->out.first) {
		struct pkt *pkt = p->out.first;

		if (proxy_send_bytes(p, pkt->data, pkt->len) == -LINUX_EAGAIN)
			return;
		pkt_free(pktq_take(&p->out));
	}
}

static void changed(struct vconn *c)
{
	struct proxy *p = c->owner;
	struct inet_socket *u = p->u;

	proxy_refused(p);
	if (c->reset) {
		proxy_free(p, true);
	} else if (p->stage == PROXY_CALLS && c->state == VCONN_OPEN) {
		p->stage = PROXY_ASKED;
		if (!proxy_ask(p, &u->local, family_of(u), 0))
			proxy_free(p, true);
	}
	socket_wake(&u->s, WAKE_ANY);
}

static void room(struct vconn *c)
{
	struct proxy *p = c->owner;

	flush(p);
	if (p->out.len < OUT_MAX / 2)
		socket_wake(&p->u->s, POLL_WRITABLE);
}

static const struct vconn_ops ops = { .changed = changed,
				      .received = received,
				      .room = room };

/* The socket has a proxy that runs: 0, or -ENETUNREACH. */
static int open(struct inet_socket *u)
{
	const uint64_t until = clock_now() + ANSWER_NS;

	if (!u->proxy && !proxy_new(u, PROXY_CALLS, VSOCK_SEQPACKET,
				    NETPROXY_PORT_UDP, &ops))
		return -LINUX_ENETUNREACH;
	vconn_poll();
	while (u->proxy && u->proxy->stage != PROXY_RUNS)
		if (waitq_sleep_deaf(&u->s.queue, until))
			break;
	return u->proxy && u->proxy->stage == PROXY_RUNS ? 0
							 : -LINUX_ENETUNREACH;
}

void proxy_udp_bind(struct inet_socket *u)
{
	if (!inet_is_loopback(&u->local))
		(void)open(u); /* else it hears what is inside */
}

int proxy_udp_connect(struct inet_socket *u)
{
	int rc = open(u);

	if (!rc && !u->bound_ip) {
		const struct inet_addr host =
			proxy_inet(&u->proxy->head.reply.local);

		memcpy(u->local.ip, host.ip, sizeof(host.ip));
	}
	return rc;
}

int64_t proxy_udp_send(struct inet_socket *u, const struct inet_addr *to,
		       struct message *m, uint64_t until_ns)
{
	const struct netproxy_datagram h = {
		.addr = proxy_addr(to, family_of(u)),
	};
	const int64_t len = (int64_t)m->io.left;
	struct pkt *p;
	int rc = open(u);

	if (rc)
		return inet_is_loopback(to) ? -LINUX_ECONNREFUSED : rc;
	while (u->proxy && u->proxy->out.len >= OUT_MAX) {
		rc = socket_wait(&u->s, until_ns);
		if (rc)
			return rc;
	}
	p = pkt_new((uint32_t)sizeof(h) + (uint32_t)len);
	if (!u->proxy || !p)
		rc = -LINUX_ENOBUFS;
	if (!rc && io_get(&m->io, p->data + sizeof(h), (uint64_t)len) != len)
		rc = -LINUX_EFAULT;
	if (rc) {
		if (p)
			pkt_free(p);
		return rc;
	}
	memcpy(p->data, &h, sizeof(h));
	p->len = (uint32_t)sizeof(h) + (uint32_t)len;
	pktq_add(&u->proxy->out, p);
	flush(u->proxy);
	return len;
}

bool proxy_udp_has_room(struct inet_socket *u)
{
	return !u->proxy || u->proxy->out.len < OUT_MAX;
}
