/* udp.c: SOCK_DGRAM of AF_INET and AF_INET6: between sockets of the guest, and
 * with the world through a proxy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/inet.h"
#include "net/proxy.h"

#define PAYLOAD_MAX 65507u
#define OVERHEAD    512u /* of a datagram, against SO_RCVBUF */

static int disconnect(struct inet_socket *u)
{
	u->s.state = SOCKET_IDLE;
	if (!u->bound_ip)
		memset(u->local.ip + 12, 0, 4);
	if (!u->bound_ip && u->s.family == AF_INET6)
		memset(u->local.ip, 0, 16);
	return 0;
}

static int bind(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	int rc = inet_bind(s, a, len);

	if (!rc)
		proxy_udp_bind(inet_of(s));
	return rc;
}

static int connect(struct socket *s, const struct sockaddr *a, uint32_t len,
		   uint64_t until_ns)
{
	struct inet_socket *u = inet_of(s);
	struct inet_addr to;
	int rc;

	(void)until_ns;
	if (len < sizeof(a->family))
		return -LINUX_EINVAL;
	if (a->family == AF_UNSPEC)
		return disconnect(u);
	rc = inet_parse(u, a, len, &to);
	if (rc)
		return rc;
	if (inet_is_any(&to))
		inet_to_loopback(&to);
	if (inet_v6only(u) && inet_is_v4(&to))
		return -LINUX_ENETUNREACH;
	rc = inet_autobind(u);
	if (!rc && !inet_is_loopback(&to))
		rc = proxy_udp_connect(u);
	if (rc)
		return rc;
	if (!u->bound_ip && inet_is_loopback(&to)) {
		memcpy(u->local.ip, to.ip, sizeof(to.ip));
		if (inet_is_v4(&to))
			memcpy(u->local.ip + 12, (uint8_t[]){ 127, 0, 0, 1 },
			       4);
	}
	u->remote = to;
	s->state = SOCKET_CONNECTED;
	return 0;
}

void udp_deliver(struct inet_socket *to, struct pkt *p)
{
	struct socket *s = &to->s;

	if ((s->shut & SHUT_RECEIVE) ||
	    s->rcv.len + (uint64_t)s->rcv.n * OVERHEAD >= s->rcv_max) {
		message_drop(p);
		return;
	}
	pktq_add(&s->rcv, p);
	socket_wake(s, POLL_READABLE);
}

static int64_t send_local(struct inet_socket *to, const struct inet_addr *from,
			  struct message *m)
{
	const int64_t len = (int64_t)m->io.left;
	struct sockaddr a;
	struct pkt *p;
	uint32_t a_len = inet_format(to, from, &a);
	int rc = message_pack(m, &a, a_len, &p);

	if (rc)
		return rc;
	udp_deliver(to, p);
	return len;
}

/* What the receiver sees as the source. */
static struct inet_addr source_of(const struct inet_socket *u,
				  const struct inet_addr *to)
{
	struct inet_addr from = u->local;

	if (inet_is_any(&from)) {
		memcpy(from.ip, to->ip, sizeof(from.ip));
		if (inet_is_v4(&from))
			memcpy(from.ip + 12, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	}
	return from;
}

static int destination(struct inet_socket *u, const struct message *m,
		       struct inet_addr *ret)
{
	int rc = 0;

	if (m->addr_len)
		rc = inet_parse(u, &m->addr, m->addr_len, ret);
	else if (u->s.state == SOCKET_CONNECTED)
		*ret = u->remote;
	else
		rc = -LINUX_EDESTADDRREQ;
	if (rc)
		return rc;
	if (!ret->port)
		return -LINUX_EINVAL;
	if (inet_is_any(ret))
		inet_to_loopback(ret);
	if (inet_v6only(u) && inet_is_v4(ret))
		return -LINUX_ENETUNREACH;
	return 0;
}

static int64_t send(struct socket *s, struct message *m, uint64_t until_ns)
{
	struct inet_socket *u = inet_of(s), *receiver;
	struct inet_addr to, from;
	int64_t len = (int64_t)m->io.left;
	int rc;

	if (len > PAYLOAD_MAX)
		return -LINUX_EMSGSIZE;
	if (s->error)
		return socket_take_error(s);
	if (s->shut & SHUT_SEND)
		return -LINUX_EPIPE;
	rc = inet_autobind(u);
	if (!rc)
		rc = destination(u, m, &to);
	if (rc)
		return rc;
	from = source_of(u, &to);
	receiver = inet_is_loopback(&to) ? inet_find(SOCK_DGRAM, &to, &from)
					 : NULL;
	if (receiver)
		return send_local(receiver, &from, m);
	rc = (int)proxy_udp_send(u, &to, m, until_ns);
	if (rc != -LINUX_ECONNREFUSED || !inet_is_loopback(&to))
		return rc;
	/* nobody: what would be an ICMP message for a connected socket */
	if (s->state == SOCKET_CONNECTED) {
		s->error = LINUX_ECONNREFUSED;
		socket_wake(s, WAKE_ANY);
	}
	return len;
}

static int64_t receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	for (;;) {
		int rc = socket_take_error(s);

		if (rc)
			return rc;
		if (s->rcv.first)
			break;
		if (s->shut & SHUT_RECEIVE) /* who does not wait learns less */
			return until_ns ? 0 : -LINUX_EAGAIN;
		rc = socket_wait(s, until_ns);
		if (rc)
			return rc;
	}
	return message_unpack(m, &s->rcv);
}

static int shutdown(struct socket *s, unsigned how)
{
	s->shut |= (uint8_t)how;
	socket_wake(s, WAKE_ANY);
	return s->state == SOCKET_CONNECTED ? 0 : -LINUX_ENOTCONN;
}

static unsigned poll(struct socket *s)
{
	unsigned events = s->error ? POLLERR : 0;

	if (s->rcv.first || (s->shut & SHUT_RECEIVE))
		events |= POLL_READABLE;
	if (s->shut & SHUT_RECEIVE)
		events |= POLLRDHUP;
	if (s->shut == SHUT_BOTH)
		events |= POLLHUP;
	if (proxy_udp_has_room(inet_of(s)))
		events |= POLL_WRITABLE;
	return events;
}

static void close(struct socket *s)
{
	if (inet_of(s)->proxy)
		proxy_close(inet_of(s), false);
	inet_unbind(inet_of(s));
}

const struct socket_ops udp_ops = {
	.size = sizeof(struct inet_socket),
	.bind = bind,
	.connect = connect,
	.name = inet_name,
	.send = send,
	.receive = receive,
	.shutdown = shutdown,
	.poll = poll,
	.close = close,
	.set = inet_set,
	.get = inet_get,
};
