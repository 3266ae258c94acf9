/* tcp.c: SOCK_STREAM of AF_INET and AF_INET6: between sockets of the guest,
 * and with the world through a proxy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/inet.h"
#include "net/proxy.h"
#include "net/stream.h"

/* --- connecting --------------------------------------------------------------- */

void tcp_connected(struct inet_socket *u)
{
	u->s.state = SOCKET_CONNECTED;
	u->report = REPORT_CONNECTED;
	socket_wake(&u->s, POLL_WRITABLE);
}

void tcp_failed(struct inet_socket *u, int error)
{
	u->s.state = SOCKET_IDLE;
	u->report = REPORT_FAILED;
	socket_fail(&u->s, error);
}

void tcp_reset(struct inet_socket *u, int error)
{
	u->reset = true;
	socket_fail(&u->s, error);
}

struct inet_socket *tcp_new_child(struct inet_socket *listener,
				  const struct inet_addr *local,
				  const struct inet_addr *remote)
{
	struct socket *s = socket_new_child(&listener->s);
	struct inet_socket *u = inet_of(s);

	if (!s)
		return NULL;
	memcpy(u->option, listener->option, sizeof(u->option));
	u->local = *local;
	u->remote = *remote;
	return u;
}

/* There is room on the listener's list. */
static void establish(struct inet_socket *u, struct inet_socket *listener)
{
	struct inet_socket *child =
		tcp_new_child(listener, &u->remote, &u->local);

	if (!child) {
		tcp_failed(u, LINUX_ECONNREFUSED);
		return;
	}
	stream_local_join(&u->s, &child->s);
	tcp_connected(u);
	socket_enqueue(&listener->s, &child->s);
}

/* Off the queue of those that wait for the listener's list. */
static void leave_pending(struct inet_socket *u)
{
	struct inet_socket **p;

	if (!u->target)
		return;
	for (p = &u->target->pending; *p != u; p = &(*p)->next_pending)
		;
	*p = u->next_pending;
	u->target = NULL;
}

static void join_pending(struct inet_socket *u, struct inet_socket *listener)
{
	struct inet_socket **p = &listener->pending;

	while (*p)
		p = &(*p)->next_pending;
	*p = u;
	u->next_pending = NULL;
	u->target = listener;
}

static void accepted(struct socket *s, struct socket *child)
{
	struct inet_socket *listener = inet_of(s), *u = listener->pending;

	if (u && !socket_backlog_full(s)) {
		leave_pending(u);
		establish(u, listener);
	}
	if (inet_of(child)->proxy)
		proxy_accepted(listener);
}

static int begin(struct inet_socket *u, const struct sockaddr *a, uint32_t len)
{
	struct inet_socket *listener;
	struct inet_addr to;
	int rc = inet_parse(u, a, len, &to);

	if (rc)
		return rc;
	if (inet_is_any(&to)) {
		if (u->bound_ip && inet_is_v4(&u->local))
			memcpy(to.ip, u->local.ip, sizeof(to.ip));
		inet_to_loopback(&to);
	}
	if (inet_v6only(u) && inet_is_v4(&to))
		return -LINUX_ENETUNREACH;
	rc = inet_autobind(u);
	if (rc)
		return rc;
	u->remote = to;
	u->s.shut = 0;
	u->s.error = 0;
	u->reset = false;
	listener = inet_find(SOCK_STREAM, &to, &u->local);
	if (!listener) {
		rc = proxy_connect(u);
		if (rc != -LINUX_ECONNREFUSED)
			return rc;
		tcp_failed(u, LINUX_ECONNREFUSED); /* an answer, not at once */
		return 0;
	}
	if (!u->bound_ip) {
		memcpy(u->local.ip, to.ip, sizeof(to.ip));
		if (inet_is_v4(&to))
			memcpy(u->local.ip + 12, (uint8_t[]){ 127, 0, 0, 1 },
			       4);
	}
	u->s.state = SOCKET_CONNECTS;
	if (socket_backlog_full(&listener->s))
		join_pending(u, listener);
	else
		establish(u, listener);
	return 0;
}

static void abort_connection(struct inet_socket *u)
{
	leave_pending(u);
	proxy_close(u, true);
	u->s.state = SOCKET_IDLE;
}

/* What a finished attempt says to connect(2). */
static int report(struct inet_socket *u)
{
	const bool connected = u->report == REPORT_CONNECTED;
	int rc;

	u->report = REPORT_NOTHING;
	if (connected)
		return 0;
	rc = socket_take_error(&u->s);
	u->s.shut = 0;
	return rc ? rc : -LINUX_ECONNABORTED;
}

static int disconnect(struct inet_socket *u)
{
	if (u->s.state == SOCKET_CONNECTED)
		tcp_ops.close(&u->s);
	else
		abort_connection(u);
	message_drop_all(&u->s.rcv);
	u->s.state = SOCKET_IDLE;
	u->s.shut = 0;
	u->report = REPORT_NOTHING;
	return 0;
}

static int connect(struct socket *s, const struct sockaddr *a, uint32_t len,
		   uint64_t until_ns)
{
	struct inet_socket *u = inet_of(s);
	int rc;

	if (len < sizeof(a->family))
		return -LINUX_EINVAL;
	if (a->family == AF_UNSPEC && s->state != SOCKET_LISTENS)
		return disconnect(u);
	if (u->report != REPORT_NOTHING)
		return report(u);
	if (s->state == SOCKET_CONNECTED || s->state == SOCKET_LISTENS)
		return -LINUX_EISCONN;
	if (s->state == SOCKET_IDLE) {
		rc = begin(u, a, len);
		if (rc)
			return rc;
		if (!until_ns)
			return -LINUX_EINPROGRESS;
	} else if (!until_ns) {
		return -LINUX_EALREADY;
	}
	while (s->state == SOCKET_CONNECTS) {
		rc = socket_wait(s, until_ns);
		if (rc) /* SO_SNDTIMEO ends it as O_NONBLOCK does */
			return rc == -LINUX_EAGAIN ? -LINUX_EINPROGRESS : rc;
	}
	return report(u);
}

/* --- listening ---------------------------------------------------------------- */

static int listen(struct socket *s)
{
	struct inet_socket *u = inet_of(s);
	int rc;

	if (s->state == SOCKET_LISTENS)
		return 0;
	if (s->state != SOCKET_IDLE)
		return -LINUX_EINVAL;
	rc = inet_autobind(u);
	if (!rc)
		rc = inet_may_listen(u);
	if (rc)
		return rc;
	s->state = SOCKET_LISTENS;
	s->shut = 0;
	proxy_listen(u);
	return 0;
}

static void unlisten(struct inet_socket *u)
{
	proxy_close(u, false);
	u->s.state = SOCKET_IDLE;
	while (u->pending) {
		struct inet_socket *client = u->pending;

		leave_pending(client);
		tcp_failed(client, LINUX_ECONNREFUSED);
	}
}

/* --- bytes -------------------------------------------------------------------- */

static int64_t send(struct socket *s, struct message *m, uint64_t until_ns)
{
	while (s->state == SOCKET_CONNECTS) {
		int rc = socket_wait(s, until_ns);

		if (rc)
			return rc;
	}
	if (s->state != SOCKET_CONNECTED) {
		int rc = socket_take_error(s);

		return rc ? rc : -LINUX_EPIPE;
	}
	return stream_send(s, m, until_ns);
}

static int64_t receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	if (s->state == SOCKET_LISTENS ||
	    (s->state == SOCKET_IDLE && !s->error && !s->shut))
		return -LINUX_ENOTCONN;
	return stream_receive(s, m, until_ns);
}

static int64_t push(struct socket *s, struct message *m)
{
	struct inet_socket *u = inet_of(s);
	int64_t len = (int64_t)m->io.left;

	if (u->proxy)
		return proxy_push(u, m);
	if (s->peer)
		return stream_local_push(s, m);
	/* The other end was closed: it answers with a reset, which the next
	 * call hears of. */
	tcp_reset(u, LINUX_EPIPE);
	m->io.left = 0;
	return len;
}

static bool has_room(struct socket *s)
{
	struct inet_socket *u = inet_of(s);

	return u->proxy ? proxy_has_room(u) : stream_local_has_room(s);
}

static void taken(struct socket *s, uint64_t len)
{
	struct inet_socket *u = inet_of(s);

	if (u->proxy)
		proxy_taken(u, len);
	else
		stream_local_taken(s, len);
}

/* --- ends --------------------------------------------------------------------- */

static int shutdown(struct socket *s, unsigned how)
{
	struct inet_socket *u = inet_of(s);

	switch (s->state) {
	case SOCKET_LISTENS:
		if (!(how & SHUT_RECEIVE))
			return 0;
		socket_drop_waiting(s);
		unlisten(u);
		inet_unbind(u);
		break;
	case SOCKET_CONNECTS:
		abort_connection(u);
		break;
	case SOCKET_CONNECTED:
		if (u->reset)
			return -LINUX_ENOTCONN;
		s->shut |= (uint8_t)how;
		if (how & SHUT_SEND)
			stream_local_shutdown(s, SHUT_RECEIVE);
		proxy_shutdown(u, how);
		break;
	default:
		return -LINUX_ENOTCONN;
	}
	socket_wake(s, WAKE_ANY);
	return 0;
}

/* Bytes nobody has read, a linger of 0 s, and connections nobody has accepted
 * end in a reset. */
static bool ends_in_reset(const struct socket *s)
{
	return s->rcv.first || s->listener ||
	       ((s->flags & SOCKET_LINGER) && !s->linger_s);
}

static void leave_peer(struct socket *s)
{
	struct socket *peer = s->peer;

	if (!peer)
		return;
	s->peer = NULL;
	peer->peer = NULL;
	if (ends_in_reset(s)) {
		tcp_reset(inet_of(peer), LINUX_ECONNRESET);
		return;
	}
	peer->shut |= SHUT_RECEIVE;
	socket_wake(peer, WAKE_ANY);
}

static void close(struct socket *s)
{
	struct inet_socket *u = inet_of(s);

	if (s->state == SOCKET_LISTENS)
		unlisten(u);
	else if (s->state == SOCKET_CONNECTS)
		abort_connection(u);
	proxy_close(u, ends_in_reset(s));
	leave_peer(s);
	inet_unbind(u);
}

const struct socket_ops tcp_ops = {
	.size = sizeof(struct inet_socket),
	.bind = inet_bind,
	.connect = connect,
	.listen = listen,
	.accepted = accepted,
	.name = inet_name,
	.send = send,
	.receive = receive,
	.shutdown = shutdown,
	.poll = stream_poll,
	.close = close,
	.set = inet_set,
	.get = inet_get,
	.push = push,
	.has_room = has_room,
	.taken = taken,
};
