/* stream.c: connected sockets whose bytes arrive in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"

/* Of a stream's packets that are made here: a page each. */
#define PACKET_LEN (PAGE_LEN - sizeof(struct pkt))

/* --- sending ---------------------------------------------------------------- */

/* Why nothing can be sent. Streams of AF_UNIX keep SO_ERROR for others. */
static int send_error(struct socket *s)
{
	int rc = s->family == AF_UNIX && s->type == SOCK_STREAM
			 ? 0
			 : socket_take_error(s);

	if (rc)
		return rc;
	if (s->shut & SHUT_SEND)
		return -LINUX_EPIPE;
	return 0;
}

static int64_t wait_for_room(struct socket *s, uint64_t until_ns)
{
	int rc;

	s->no_room = true;
	do {
		rc = socket_wait(s, until_ns);
	} while (!rc && !(s->shut & SHUT_SEND) && !s->error &&
		 !s->ops->has_room(s));
	return rc;
}

int64_t stream_send(struct socket *s, struct message *m, uint64_t until_ns)
{
	const bool record = s->type == SOCK_SEQPACKET;
	int64_t done = 0, rc = 0;

	if (record && m->io.left > s->snd_max)
		return -LINUX_EMSGSIZE;
	while (!rc && (m->io.left || (record && !done))) {
		rc = send_error(s);
		if (rc)
			break;
		rc = s->ops->push(s, m);
		if (rc >= 0) {
			done += rc;
			rc = 0;
			if (record)
				break;
		} else if (rc == -LINUX_EAGAIN) {
			rc = wait_for_room(s, until_ns);
		}
	}
	/* A signal that arrives late cannot take back what was sent. */
	return done || !rc ? done : rc;
}

/* --- receiving -------------------------------------------------------------- */

/* Bytes of the packets that are there, in order, up to files that came with
 * them. */
static int64_t take_bytes(struct socket *s, struct message *m)
{
	const bool peek = m->flags & MSG_PEEK;
	struct pkt *p = s->rcv.first;
	int64_t done = 0;

	while (p && m->io.left && !m->rights) {
		int64_t n = io_put(&m->io, p->data, p->len);

		if (n < 0)
			return done ? done : n;
		done += n;
		message_take_note(m, p);
		if (peek) {
			p = (uint64_t)n == p->len ? p->next : NULL;
			continue;
		}
		p->data += n;
		p->len -= (uint32_t)n;
		s->rcv.len -= (uint64_t)n;
		if (p->len)
			break;
		message_drop(pktq_take(&s->rcv));
		p = s->rcv.first;
	}
	if (!peek && done > 0)
		s->ops->taken(s, (uint64_t)done);
	return done;
}

/* MSG_TRUNC of TCP: bytes that nobody wants to see. */
static int64_t discard_bytes(struct socket *s, uint64_t len)
{
	const uint64_t end = len = min_u64(len, s->rcv.len);

	while (len) {
		struct pkt *p = s->rcv.first;
		uint32_t n = (uint32_t)min_u64(p->len, len);

		p->data += n;
		p->len -= n;
		s->rcv.len -= n;
		len -= n;
		if (!p->len)
			message_drop(pktq_take(&s->rcv));
	}
	s->ops->taken(s, end);
	return (int64_t)end;
}

static int64_t take(struct socket *s, struct message *m)
{
	const bool peek = m->flags & MSG_PEEK;
	uint64_t len = s->rcv.len;
	int64_t n;

	if (s->type == SOCK_STREAM) {
		if ((m->flags & MSG_TRUNC) && s->family != AF_UNIX && !peek)
			return discard_bytes(s, m->io.left);
		return take_bytes(s, m);
	}
	n = message_unpack(m, &s->rcv);
	if (!peek)
		s->ops->taken(s, len - s->rcv.len);
	return n;
}

/* Nothing is there: the end (0), why not, or -EAGAIN. */
static int receive_error(struct socket *s)
{
	int rc = socket_take_error(s);

	if (rc || (s->shut & SHUT_RECEIVE))
		return rc;
	return -LINUX_EAGAIN;
}

int64_t stream_receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	const bool all = (m->flags & MSG_WAITALL) && s->type == SOCK_STREAM &&
			 !(m->flags & MSG_PEEK);
	int64_t done = 0, rc;

	for (;;) {
		if (s->rcv.first) {
			rc = take(s, m);
			if (rc < 0)
				return done ? done : rc;
			done += rc;
			if (!all || !m->io.left || m->rights)
				return done;
			continue;
		}
		if (done && s->error) /* the next call's */
			return done;
		rc = receive_error(s);
		if (rc != -LINUX_EAGAIN)
			return done ? done : rc;
		rc = socket_wait(s, until_ns);
		if (rc)
			return done ? done : rc;
	}
}

unsigned stream_poll(struct socket *s)
{
	unsigned events = s->error ? POLLERR : 0;

	if (s->state == SOCKET_LISTENS)
		return s->first ? POLL_READABLE : 0;
	if (s->rcv.first || (s->shut & SHUT_RECEIVE))
		events |= POLL_READABLE;
	if (s->shut & SHUT_RECEIVE)
		events |= POLLRDHUP;
	if (s->shut == SHUT_BOTH || s->state == SOCKET_IDLE)
		events |= POLLHUP;
	if (s->state == SOCKET_CONNECTS && !s->error)
		return events;
	if ((s->shut & SHUT_SEND) || s->state == SOCKET_IDLE ||
	    s->ops->has_room(s))
		return events | POLL_WRITABLE;
	s->no_room = true;
	return events;
}

/* --- between two sockets of the guest --------------------------------------- */

void stream_local_join(struct socket *a, struct socket *b)
{
	a->peer = b;
	b->peer = a;
}

/* How much may wait at the other end. Who set one of the buffers' sizes may
 * want to see it fill. */
static uint64_t limit(const struct socket *s)
{
	return s->family == AF_UNIX ? s->snd_max
				    : (uint64_t)s->snd_max + s->peer->rcv_max;
}

bool stream_local_has_room(struct socket *s)
{
	return !s->peer || s->peer->rcv.len <= limit(s) / 2;
}

/* Bytes behind the last ones, if there is room and they carry nothing. */
static int64_t push_tail(struct socket *peer, struct message *m, uint64_t max)
{
	struct pkt *p = peer->rcv.last;
	int64_t n;

	if (!p || !p->room || p->note || m->rights || m->has_creds)
		return 0;
	n = io_get(&m->io, p->data + p->len, min_u64(p->room, max));
	if (n > 0) {
		p->len += (uint32_t)n;
		p->room -= (uint32_t)n;
		peer->rcv.len += (uint64_t)n;
	}
	return n;
}

static int64_t push_new(struct socket *peer, struct message *m, uint64_t max)
{
	uint32_t len = (uint32_t)min_u64(min_u64(m->io.left, max), PACKET_LEN);
	struct pkt *p = pkt_new(len);
	int64_t n = -LINUX_ENOBUFS;

	if (p)
		n = io_get(&m->io, p->data, len);
	if (n > 0) {
		int rc = message_note(m, NULL, 0, p);

		n = rc ? rc : n;
	}
	if (n < 0) {
		if (p)
			pkt_free(p);
		return n;
	}
	p->len = (uint32_t)n;
	p->room -= (uint32_t)n;
	pktq_add(&peer->rcv, p);
	return n;
}

static int64_t push_record(struct socket *s, struct message *m, uint64_t space)
{
	uint64_t len = m->io.left;
	struct pkt *p;
	int rc;

	if (len > space && s->peer->rcv.first)
		return -LINUX_EAGAIN;
	rc = message_pack(m, NULL, 0, &p);
	if (rc)
		return rc;
	pktq_add(&s->peer->rcv, p);
	return (int64_t)len;
}

int64_t stream_local_push(struct socket *s, struct message *m)
{
	struct socket *peer = s->peer;
	const uint64_t max = limit(s), queued = peer->rcv.len;
	uint64_t space = max > queued ? max - queued : 0;
	int64_t done = 0, n = 0;

	if (s->type == SOCK_SEQPACKET) {
		done = n = push_record(s, m, space);
	} else {
		if (!space)
			return -LINUX_EAGAIN;
		while (m->io.left && space) {
			n = push_tail(peer, m, space);
			if (!n)
				n = push_new(peer, m, space);
			if (n < 0)
				break;
			done += n;
			space -= (uint64_t)n;
		}
	}
	if (done > 0 || n >= 0)
		socket_wake(peer, POLL_READABLE);
	return done ? done : n;
}

void stream_local_taken(struct socket *s, uint64_t len)
{
	struct socket *peer = s->peer;

	(void)len;
	if (!peer || !peer->no_room || !stream_local_has_room(peer))
		return;
	peer->no_room = false;
	socket_wake(peer, POLL_WRITABLE);
}

void stream_local_shutdown(struct socket *s, unsigned peer_shut)
{
	if (!s->peer)
		return;
	s->peer->shut |= (uint8_t)peer_shut;
	socket_wake(s->peer, WAKE_ANY);
}
