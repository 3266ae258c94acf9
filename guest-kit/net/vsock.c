/* vsock.c: AF_VSOCK: streams and records, to and from the host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/netproxy.h"
#include "drivers/vconn.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/stream.h"

#define CID_ANY  UINT32_MAX
#define CID_HOST 2u
#define PORT_ANY UINT32_MAX

#define IOCTL_VM_SOCKETS_GET_LOCAL_CID 0x7b9u

/* struct sockaddr_vm */
struct sockaddr_vm {
	uint16_t family, reserved;
	uint32_t port, cid;
	uint8_t flags, zero[3];
};

_Static_assert(sizeof(struct sockaddr_vm) == 16, "ABI");

struct vsock_socket {
	struct socket s;
	struct vconn *conn;
	struct vport listens; /* while it does */
	uint32_t cid, port, peer_cid, peer_port;
	struct vsock_socket *next; /* of those bound */
};

static struct vsock_socket *bound;

static const struct socket_ops vsock_ops;

static struct vsock_socket *of(struct socket *s)
{
	return (struct vsock_socket *)s;
}

static int parse(const struct sockaddr *a, uint32_t len,
		 struct sockaddr_vm *ret)
{
	if (len < sizeof(*ret))
		return -LINUX_EFAULT;
	memcpy(ret, a, sizeof(*ret));
	return ret->family == AF_VSOCK ? 0 : -LINUX_EAFNOSUPPORT;
}

/* --- ports ------------------------------------------------------------------ */

static bool port_free(uint32_t port)
{
	const struct vsock_socket *u = bound;

	if (port >= NETPROXY_PORT_FIRST && port <= NETPROXY_PORT_LAST)
		return false;
	while (u && u->port != port)
		u = u->next;
	return !u && !vconn_port_used(port);
}

static int take_port(struct vsock_socket *u, uint32_t port)
{
	static uint32_t next = 1024;

	if (port == PORT_ANY) {
		while (!port_free(next))
			next = next < NETPROXY_PORT_FIRST ? next + 1 : 1024;
		port = next++;
	} else if (!port_free(port)) {
		return -LINUX_EADDRINUSE;
	}
	u->port = port;
	u->next = bound;
	bound = u;
	return 0;
}

static void leave_port(struct vsock_socket *u)
{
	struct vsock_socket **p = &bound;

	while (*p && *p != u)
		p = &(*p)->next;
	if (*p)
		*p = u->next;
}

static int bind(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	struct vsock_socket *u = of(s);
	struct sockaddr_vm vm;
	uint32_t cid;
	int rc;

	if (parse(a, len, &vm) || u->port != PORT_ANY ||
	    s->state != SOCKET_IDLE)
		return -LINUX_EINVAL;
	if (vm.cid != CID_ANY && (!vconn_start(&cid) || vm.cid != cid))
		return -LINUX_EADDRNOTAVAIL;
	rc = take_port(u, vm.port);
	if (!rc)
		u->cid = vm.cid;
	return rc;
}

static int name(struct socket *s, bool peer, struct sockaddr *ret,
		uint32_t *ret_len)
{
	const struct vsock_socket *u = of(s);
	const struct sockaddr_vm vm = {
		.family = AF_VSOCK,
		.port = peer ? u->peer_port : u->port,
		.cid = peer ? u->peer_cid : u->cid,
	};

	if (peer && s->state != SOCKET_CONNECTED)
		return -LINUX_ENOTCONN;
	*ret = (struct sockaddr){ 0 };
	memcpy(ret, &vm, sizeof(vm));
	*ret_len = sizeof(vm);
	return 0;
}

/* --- what the driver says ----------------------------------------------------- */

static void changed(struct vconn *c)
{
	struct socket *s = c->owner;

	if (c->reset) {
		const bool refused = s->state == SOCKET_CONNECTS;

		if (refused)
			s->state = SOCKET_IDLE;
		/* Linux takes the end of a connection for its end, however */
		socket_fail(s, refused ? LINUX_ECONNRESET : 0);
		return;
	}
	if (s->state == SOCKET_CONNECTS && c->state == VCONN_OPEN)
		s->state = SOCKET_CONNECTED;
	if (c->peer_shut & VSOCK_SEND)
		s->shut |= SHUT_RECEIVE;
	if (c->peer_shut & VSOCK_RECEIVE)
		s->shut |= SHUT_SEND;
	socket_wake(s, WAKE_ANY);
}

static void received(struct vconn *c, struct pkt *p)
{
	struct socket *s = c->owner;

	pktq_merge(&s->rcv, p);
	socket_wake(s, POLL_READABLE);
}

static void room(struct vconn *c)
{
	struct socket *s = c->owner;

	s->no_room = false;
	socket_wake(s, POLL_WRITABLE);
}

static const struct vconn_ops conn_ops = { .changed = changed,
					   .received = received,
					   .room = room };

static enum vsock_type type_of(const struct socket *s)
{
	return s->type == SOCK_STREAM ? VSOCK_STREAM : VSOCK_SEQPACKET;
}

static bool request(struct vport *p, struct vconn *c)
{
	struct vsock_socket *listener =
		(struct vsock_socket *)((uint8_t *)p -
					offsetof(struct vsock_socket, listens));
	struct socket *child;

	if (c->type != type_of(&listener->s) ||
	    socket_backlog_full(&listener->s))
		return false;
	child = socket_new_child(&listener->s);
	if (!child)
		return false;
	of(child)->conn = c;
	of(child)->cid = vconn_cid();
	of(child)->port = c->port;
	of(child)->peer_cid = c->peer_cid;
	of(child)->peer_port = c->peer_port;
	c->ops = &conn_ops;
	c->owner = child;
	socket_enqueue(&listener->s, child);
	return true;
}

/* --- connections -------------------------------------------------------------- */

static int begin(struct vsock_socket *u, const struct sockaddr_vm *vm)
{
	uint32_t own;
	int rc = 0;

	if (!vconn_start(&own) || vm->cid == own || vm->cid < CID_HOST)
		return -LINUX_ENODEV;
	if (vm->cid != CID_HOST)
		return -LINUX_ECONNRESET; /* nobody else is there */
	if (vm->port >= NETPROXY_PORT_FIRST && vm->port <= NETPROXY_PORT_LAST)
		return -LINUX_ECONNRESET;
	if (u->port == PORT_ANY)
		rc = take_port(u, PORT_ANY);
	if (rc)
		return rc;
	u->peer_cid = vm->cid;
	u->peer_port = vm->port;
	u->s.shut = 0;
	u->s.error = 0;
	u->s.state = SOCKET_CONNECTS;
	u->conn = vconn_connect(type_of(&u->s), u->port, vm->port, &conn_ops,
				&u->s);
	if (u->conn)
		return 0;
	u->s.state = SOCKET_IDLE;
	return -LINUX_ENOBUFS;
}

static void drop_connection(struct vsock_socket *u, bool reset)
{
	if (u->conn)
		vconn_close(u->conn, reset);
	u->conn = NULL;
}

static int connect(struct socket *s, const struct sockaddr *a, uint32_t len,
		   uint64_t until_ns)
{
	struct vsock_socket *u = of(s);
	struct sockaddr_vm vm;
	int rc = parse(a, len, &vm);

	if (rc)
		return rc;
	if (s->state == SOCKET_CONNECTED)
		return -LINUX_EISCONN;
	if (s->state == SOCKET_LISTENS)
		return -LINUX_EINVAL;
	if (s->state == SOCKET_CONNECTS && !until_ns)
		return -LINUX_EALREADY;
	if (s->state == SOCKET_IDLE) {
		drop_connection(u, true);
		rc = begin(u, &vm);
		if (rc)
			return rc;
		if (!until_ns)
			return -LINUX_EINPROGRESS;
	}
	while (s->state == SOCKET_CONNECTS) {
		rc = socket_wait(s, until_ns);
		if (rc == -LINUX_EAGAIN)
			rc = -LINUX_ETIMEDOUT;
		if (rc)
			break;
	}
	if (s->state == SOCKET_CONNECTED)
		return 0;
	drop_connection(u, true);
	s->state = SOCKET_IDLE;
	s->shut = 0;
	return rc ? rc : socket_take_error(s);
}

static int listen(struct socket *s)
{
	struct vsock_socket *u = of(s);
	uint32_t cid;
	int rc;

	if (s->state == SOCKET_LISTENS)
		return 0;
	if (s->state != SOCKET_IDLE || u->port == PORT_ANY)
		return -LINUX_EINVAL;
	u->listens = (struct vport){ .port = u->port, .request = request };
	rc = vconn_listen(&u->listens);
	if (rc)
		return rc;
	s->state = SOCKET_LISTENS;
	if (!vconn_start(&cid))
		return 0; /* and nobody will come */
	return 0;
}

static int64_t send(struct socket *s, struct message *m, uint64_t until_ns)
{
	if (m->addr_len && s->state == SOCKET_CONNECTED)
		return -LINUX_EISCONN;
	if (m->addr_len)
		return -LINUX_EOPNOTSUPP;
	if (s->state != SOCKET_CONNECTED)
		return -LINUX_ENOTCONN;
	if (s->type == SOCK_SEQPACKET && !m->io.left)
		return 0;
	return stream_send(s, m, until_ns);
}

static int64_t receive(struct socket *s, struct message *m, uint64_t until_ns)
{
	if (s->state != SOCKET_CONNECTED)
		return -LINUX_ENOTCONN;
	return stream_receive(s, m, until_ns);
}

static int shutdown(struct socket *s, unsigned how)
{
	struct vsock_socket *u = of(s);

	if (s->state != SOCKET_CONNECTED)
		return -LINUX_ENOTCONN;
	s->shut |= (uint8_t)how;
	if (!u->conn->reset)
		vconn_shutdown(
			u->conn,
			(how & SHUT_SEND ? VSOCK_SEND : 0) |
				(how & SHUT_RECEIVE ? VSOCK_RECEIVE : 0));
	socket_wake(s, WAKE_ANY);
	return 0;
}

static void close(struct socket *s)
{
	struct vsock_socket *u = of(s);

	if (s->state == SOCKET_LISTENS)
		vconn_unlisten(&u->listens);
	drop_connection(u, s->listener);
	leave_port(u);
}

static int64_t push(struct socket *s, struct message *m)
{
	int64_t n = vconn_send(of(s)->conn, &m->io);

	return n == -LINUX_ECONNRESET ? -LINUX_EPIPE : n;
}

static bool has_room(struct socket *s)
{
	return vconn_has_room(of(s)->conn);
}

static void taken(struct socket *s, uint64_t len)
{
	vconn_taken(of(s)->conn, (uint32_t)len);
}

static int64_t ioctl(struct socket *s, uint32_t request_nr, uint64_t arg)
{
	uint32_t cid;

	(void)s;
	if (request_nr != IOCTL_VM_SOCKETS_GET_LOCAL_CID)
		return interface_ioctl(request_nr, arg);
	if (!vconn_start(&cid))
		return -LINUX_ENODEV;
	return user_write(arg, &cid, sizeof(cid));
}

static const struct socket_ops vsock_ops = {
	.size = sizeof(struct vsock_socket),
	.bind = bind,
	.connect = connect,
	.listen = listen,
	.name = name,
	.send = send,
	.receive = receive,
	.shutdown = shutdown,
	.poll = stream_poll,
	.close = close,
	.ioctl = ioctl,
	.push = push,
	.has_room = has_room,
	.taken = taken,
};

int vsock_new(unsigned type, int protocol, struct socket **ret)
{
	struct vsock_socket *u;

	if (protocol && protocol != AF_VSOCK)
		return -LINUX_EPROTONOSUPPORT;
	if (type == SOCK_DGRAM)
		return -LINUX_ENODEV;
	if (type != SOCK_STREAM && type != SOCK_SEQPACKET)
		return -LINUX_ESOCKTNOSUPPORT;
	*ret = socket_new(&vsock_ops, AF_VSOCK, (uint8_t)type, 0);
	if (!*ret)
		return -LINUX_ENOMEM;
	u = of(*ret);
	u->cid = CID_ANY;
	u->port = u->peer_port = PORT_ANY;
	return 0;
}
