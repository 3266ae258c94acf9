/* unix_dgram.c: AF_UNIX datagrams. Nothing is lost: a sender waits for room in
 * the receiver's queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/unix_priv.h"

#define QUEUE_MAX 512  /* datagrams: net.unix.max_dgram_qlen */
#define OVERHEAD  768u /* of each, against SO_SNDBUF, as Linux counts */

static struct unix_socket *peer_of(struct unix_socket *u)
{
	return unix_of(u->s.peer);
}

static void leave(struct unix_socket *u)
{
	struct unix_socket **p;

	if (!u->s.peer)
		return;
	for (p = &peer_of(u)->senders; *p != u; p = &(*p)->next_sender)
		;
	*p = u->next_sender;
	socket_put(u->s.peer);
	u->s.peer = NULL;
}

static void join(struct unix_socket *u, struct unix_socket *peer)
{
	leave(u);
	u->s.peer = socket_get(&peer->s);
	u->next_sender = peer->senders;
	peer->senders = u;
	u->peer_name = peer->name;
	u->peer_gone = false;
	u->s.state = SOCKET_CONNECTED;
}

void unix_dgram_join(struct unix_socket *a, struct unix_socket *b)
{
	join(a, b);
	join(b, a);
}

/* A socket that is connected hears from its peer only. */
static bool may_send(const struct unix_socket *from,
		     const struct unix_socket *to)
{
	return !to->s.peer || to->s.peer == &from->s;
}

static int connect(struct socket *s, const struct sockaddr *a, uint32_t len,
		   uint64_t until_ns)
{
	struct unix_socket *u = unix_of(s), *peer;
	int rc;

	(void)until_ns;
	if (len >= sizeof(a->family) && a->family == AF_UNSPEC) {
		leave(u);
		s->state = SOCKET_IDLE;
		return 0;
	}
	rc = unix_find(a, len, SOCK_DGRAM, &peer);
	if (rc)
		return rc;
	if (may_send(u, peer))
		join(u, peer);
	else
		rc = -LINUX_EPERM;
	socket_put(&peer->s);
	return rc;
}

static uint64_t weight(const struct socket *to)
{
	return to->rcv.len + (uint64_t)to->rcv.n * OVERHEAD;
}

/* The queue of `to`, for this sender. */
static bool is_full(const struct socket *to, const struct socket *s)
{
	return to->rcv.n > QUEUE_MAX || weight(to) >= s->snd_max;
}

/* Worth waking up for: not as soon as there is room. */
static bool is_writable(const struct socket *s)
{
	return !s->peer || (weight(s->peer) <= s->snd_max / 4 &&
			    s->peer->rcv.n <= QUEUE_MAX);
}

/* Until `to` has room; the sender sleeps in its queue. */
static int wait_for_room(struct socket *s, struct socket *to, uint64_t until_ns)
{
	while (is_full(to, s) && !(to->shut & SHUT_RECEIVE)) {
		int rc;

		s->no_room = true;
		unix_of(to)->sender_sleeps = true;
		rc = socket_wait(to, until_ns);
		if (rc)
			return rc;
	}
	return 0;
}

static int64_t deliver(struct unix_socket *u, struct unix_socket *to,
		       struct message *m, uint64_t until_ns)
{
	const int64_t len = (int64_t)m->io.left;
	struct sockaddr from;
	struct pkt *p;
	int rc;

	if (m->io.left > u->s.snd_max)
		return -LINUX_EMSGSIZE;
	if (!may_send(u, to))
		return -LINUX_EPERM;
	rc = wait_for_room(&u->s, &to->s, until_ns);
	if (rc)
		return rc;
	if (to->s.shut == SHUT_BOTH && !to->s.file)
		return -LINUX_ECONNREFUSED;
	if (to->s.shut & SHUT_RECEIVE)
		return -LINUX_EPIPE;
	rc = message_pack(m, &from,
			  u->name.len ? unix_address(&u->name, &from) : 0, &p);
	if (rc)
		return rc;
	pktq_add(&to->s.rcv, p);
	socket_wake(&to->s, POLL_READABLE);
	return len;
}

static int64_t send(struct socket *s, struct message *m, uint64_t until_ns)
{
	struct unix_socket *u = unix_of(s), *to;
	int64_t rc;

	if (s->error)
		return socket_take_error(s);
	if (s->shut & SHUT_SEND)
		return -LINUX_EPIPE;
	if (m->addr_len) {
		rc = unix_find(&m->addr, m->addr_len, SOCK_DGRAM, &to);
		if (rc)
			return rc;
	} else if (s->peer) {
		to = peer_of(u);
		(void)socket_get(&to->s);
	} else {
		rc = u->peer_gone ? -LINUX_ECONNREFUSED : -LINUX_ENOTCONN;
		u->peer_gone = false;
		return rc;
	}
	rc = deliver(u, to, m, until_ns);
	socket_put(&to->s);
	return rc;
}

/* Room in this queue: for who sleeps in it, and who polls its own. */
static void wake_senders(struct unix_socket *u)
{
	if (u->sender_sleeps) {
		u->sender_sleeps = false;
		socket_wake(&u->s, POLL_WRITABLE);
	}
	for (struct unix_socket *f = u->senders; f; f = f->next_sender)
		if (f->s.no_room && is_writable(&f->s)) {
			f->s.no_room = false;
			socket_wake(&f->s, POLL_WRITABLE);
		}
}

static int64_t receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	int64_t n;
	int rc;

	while (!s->rcv.first) {
		if (s->error)
			return socket_take_error(s);
		if (s->shut & SHUT_RECEIVE) /* who does not wait learns less */
			return until_ns ? 0 : -LINUX_EAGAIN;
		rc = socket_wait(s, until_ns);
		if (rc)
			return rc;
	}
	n = message_unpack(m, &s->rcv);
	wake_senders(unix_of(s));
	return n;
}

static int shutdown(struct socket *s, unsigned how)
{
	s->shut |= (uint8_t)how;
	socket_wake(s, WAKE_ANY);
	return 0;
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
	if (is_writable(s))
		events |= POLL_WRITABLE;
	else
		s->no_room = true;
	return events;
}

static void close(struct socket *s)
{
	struct unix_socket *u = unix_of(s);

	unix_unbind(u);
	leave(u);
	while (u->senders) {
		struct unix_socket *f = u->senders;

		f->peer_gone = true;
		leave(f);
		socket_wake(&f->s, WAKE_ANY);
	}
	s->shut = SHUT_BOTH;
	socket_wake(s, WAKE_ANY); /* who waits for room */
}

const struct socket_ops unix_dgram_ops = {
	.size = sizeof(struct unix_socket),
	.bind = unix_bind,
	.connect = connect,
	.name = unix_get_name,
	.send = send,
	.receive = receive,
	.shutdown = shutdown,
	.poll = poll,
	.close = close,
};
