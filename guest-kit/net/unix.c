/* unix.c: AF_UNIX: names, and sockets that are connected. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/stream.h"
#include "net/unix_priv.h"

#define PATH_OFFSET ((uint32_t)offsetof(struct sockaddr, rest))

static struct unix_socket *abstract; /* those bound to such names */

/* --- names ------------------------------------------------------------------ */

static int parse(const struct sockaddr *a, uint32_t len, struct unix_name *ret)
{
	uint32_t n = len - PATH_OFFSET;

	if (len <= PATH_OFFSET || n > UNIX_PATH_MAX || a->family != AF_UNIX)
		return -LINUX_EINVAL;
	if (a->rest[0]) /* a path ends at its NUL, if it has one */
		n = (uint32_t)min_u64(strlen((const char *)a->rest), n);
	ret->len = (uint8_t)n;
	memcpy(ret->bytes, a->rest, n);
	return 0;
}

uint32_t unix_address(const struct unix_name *name, struct sockaddr *ret)
{
	const bool path = name->len && name->bytes[0];

	*ret = (struct sockaddr){ .family = AF_UNIX };
	memcpy(ret->rest, name->bytes, name->len);
	return PATH_OFFSET + name->len + path;
}

/* Each type has names of its own. */
static struct unix_socket *find_abstract(const struct unix_name *name,
					 unsigned type)
{
	struct unix_socket *u = abstract;

	while (u && (u->s.type != type || u->name.len != name->len ||
		     memcmp(u->name.bytes, name->bytes, name->len) != 0))
		u = u->next;
	return u;
}

static void path_of(const struct unix_name *name, char *ret)
{
	memcpy(ret, name->bytes, name->len);
	ret[name->len] = '\0';
}

int unix_find(const struct sockaddr *a, uint32_t len, unsigned type,
	      struct unix_socket **ret)
{
	char path[UNIX_PATH_MAX + 1];
	struct unix_name name;
	struct unix_socket *u;
	int rc = parse(a, len, &name);

	if (rc)
		return rc;
	if (name.bytes[0]) {
		path_of(&name, path);
		rc = unix_path_find(path, &u);
		if (rc)
			return rc;
	} else {
		u = find_abstract(&name, type);
	}
	if (!u)
		return -LINUX_ECONNREFUSED;
	if (u->s.type != type)
		return -LINUX_EPROTOTYPE;
	(void)socket_get(&u->s);
	*ret = u;
	return 0;
}

static void bind_abstract(struct unix_socket *u)
{
	u->next = abstract;
	abstract = u;
}

/* A name of the kernel's choice: a NUL and five digits. */
static int autobind(struct unix_socket *u)
{
	static uint32_t next;

	for (uint32_t tries = 0; tries < 0x100000; tries++) {
		char text[8];

		format(text, sizeof(text), "%05x", next++ & 0xfffff);
		u->name = (struct unix_name){ .len = 6 };
		memcpy(u->name.bytes + 1, text, 5);
		if (!find_abstract(&u->name, u->s.type)) {
			bind_abstract(u);
			return 0;
		}
	}
	u->name.len = 0;
	return -LINUX_ENOSPC;
}

int unix_bind(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	struct unix_socket *u = unix_of(s);
	char path[UNIX_PATH_MAX + 1];
	struct unix_name name;
	int rc;

	if (len == PATH_OFFSET && a->family == AF_UNIX)
		return u->name.len ? 0 : autobind(u);
	rc = parse(a, len, &name);
	if (!rc && u->name.len)
		rc = -LINUX_EINVAL;
	if (rc)
		return rc;
	if (name.bytes[0]) {
		path_of(&name, path);
		rc = unix_path_make(path, u);
		if (!rc)
			u->name = name;
		return rc;
	}
	if (find_abstract(&name, s->type))
		return -LINUX_EADDRINUSE;
	u->name = name;
	bind_abstract(u);
	return 0;
}

void unix_unbind(struct unix_socket *u)
{
	struct unix_socket **p = &abstract;

	unix_path_leave(u);
	while (*p && *p != u)
		p = &(*p)->next;
	if (*p)
		*p = u->next;
}

int unix_get_name(struct socket *s, bool peer, struct sockaddr *ret,
		  uint32_t *ret_len)
{
	struct unix_socket *u = unix_of(s);

	if (peer && s->state != SOCKET_CONNECTED)
		return -LINUX_ENOTCONN;
	*ret_len = unix_address(peer ? &u->peer_name : &u->name, ret);
	return 0;
}

/* --- streams and records ---------------------------------------------------- */

static int listen(struct socket *s)
{
	if (s->state == SOCKET_CONNECTED || !unix_of(s)->name.len)
		return -LINUX_EINVAL;
	s->state = SOCKET_LISTENS;
	return 0;
}

/* Until there is room on the listener's list. */
static int wait_backlog(struct socket *listener, uint64_t until_ns)
{
	while (listener->state == SOCKET_LISTENS &&
	       !(listener->shut & SHUT_RECEIVE) &&
	       socket_backlog_full(listener)) {
		int rc = socket_wait(listener, until_ns);

		if (rc)
			return rc;
	}
	return listener->state == SOCKET_LISTENS &&
			       !(listener->shut & SHUT_RECEIVE)
		       ? 0
		       : -LINUX_ECONNREFUSED;
}

static int connect_to(struct unix_socket *u, struct unix_socket *listener)
{
	struct socket *s = socket_new_child(&listener->s);

	if (!s)
		return -LINUX_ENOMEM;
	u->s.state = SOCKET_CONNECTED;
	u->peer_name = listener->name;
	unix_of(s)->name = listener->name;
	unix_of(s)->peer_name = u->name;
	stream_local_join(&u->s, s);
	socket_enqueue(&listener->s, s);
	return 0;
}

static int connect(struct socket *s, const struct sockaddr *a, uint32_t len,
		   uint64_t until_ns)
{
	struct unix_socket *listener;
	int rc = unix_find(a, len, s->type, &listener);

	if (rc)
		return rc;
	rc = wait_backlog(&listener->s, until_ns);
	if (!rc && s->state == SOCKET_CONNECTED)
		rc = -LINUX_EISCONN;
	else if (!rc && s->state != SOCKET_IDLE)
		rc = -LINUX_EINVAL;
	if (!rc)
		rc = connect_to(unix_of(s), listener);
	socket_put(&listener->s);
	return rc;
}

/* There is room on its list. */
static void accepted(struct socket *listener, struct socket *child)
{
	(void)child;
	socket_wake(listener, POLL_WRITABLE);
}

static int64_t send(struct socket *s, struct message *m, uint64_t until_ns)
{
	if (m->addr_len)
		return s->state == SOCKET_CONNECTED ? -LINUX_EISCONN
						    : -LINUX_EOPNOTSUPP;
	if (s->state != SOCKET_CONNECTED)
		return -LINUX_ENOTCONN;
	return stream_send(s, m, until_ns);
}

static int64_t receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	const struct unix_name *peer = &unix_of(s)->peer_name;
	int64_t rc;

	if (s->state != SOCKET_CONNECTED)
		return s->type == SOCK_STREAM ? -LINUX_EINVAL : -LINUX_ENOTCONN;
	rc = stream_receive(s, m, until_ns);
	if (rc > 0 && peer->len)
		m->addr_len = unix_address(peer, &m->addr);
	return rc;
}

/* Either end of a pair has one half; the other half is the peer's. */
static int shutdown(struct socket *s, unsigned how)
{
	s->shut |= (uint8_t)how;
	stream_local_shutdown(s, (how & SHUT_SEND ? SHUT_RECEIVE : 0) |
					 (how & SHUT_RECEIVE ? SHUT_SEND : 0));
	socket_wake(s, WAKE_ANY);
	return 0;
}

static void close(struct socket *s)
{
	struct socket *peer = s->peer;

	unix_unbind(unix_of(s));
	if (peer) {
		/* it had something to say, or was never accepted */
		if (s->rcv.first || s->listener)
			peer->error = LINUX_ECONNRESET;
		peer->peer = NULL;
		peer->shut = SHUT_BOTH;
		s->peer = NULL;
		socket_wake(peer, WAKE_ANY);
	}
	s->state = SOCKET_IDLE;
	socket_wake(s, WAKE_ANY); /* who waits to connect */
}

static const struct socket_ops stream_ops = {
	.size = sizeof(struct unix_socket),
	.bind = unix_bind,
	.connect = connect,
	.listen = listen,
	.accepted = accepted,
	.name = unix_get_name,
	.send = send,
	.receive = receive,
	.shutdown = shutdown,
	.poll = stream_poll,
	.close = close,
	.push = stream_local_push,
	.has_room = stream_local_has_room,
	.taken = stream_local_taken,
};

int unix_new(unsigned type, int protocol, struct socket **ret)
{
	if (protocol && protocol != AF_UNIX)
		return -LINUX_EPROTONOSUPPORT;
	if (type == 3) /* SOCK_RAW, says Linux, are datagrams */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -LINUX_ESOCKTNOSUPPORT;
	*ret = socket_new(type == SOCK_DGRAM ? &unix_dgram_ops : &stream_ops,
			  AF_UNIX, (uint8_t)type, 0);
	return *ret ? 0 : -LINUX_ENOMEM;
}

void unix_join(struct socket *a, struct socket *b)
{
	a->state = b->state = SOCKET_CONNECTED;
	if (a->type == SOCK_DGRAM)
		unix_dgram_join(unix_of(a), unix_of(b));
	else
		stream_local_join(a, b);
}
