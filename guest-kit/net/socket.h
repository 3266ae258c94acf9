/* socket.h: what sockets of all families have in common. A family and type is
 * a table of operations; its sockets begin with struct socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "kernel/pkt.h"
#include "kernel/types.h"
#include "kernel/wait.h"

#define AF_UNSPEC  0
#define AF_UNIX    1
#define AF_INET    2
#define AF_INET6   10
#define AF_NETLINK 16
#define AF_VSOCK   40

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_SEQPACKET 5

struct message;
struct sockaddr;
struct file;

enum socket_state {
	SOCKET_IDLE,
	SOCKET_LISTENS,
	SOCKET_CONNECTS, /* or has, and connect(2) has not said so yet */
	SOCKET_CONNECTED,
};

/* Of socket.shut. */
#define SHUT_RECEIVE 1u /* nothing more will come */
#define SHUT_SEND    2u /* nothing may be sent */
#define SHUT_BOTH    3u

struct socket {
	const struct socket_ops *ops;
	struct file *file; /* NULL: nobody has accepted it yet */
	uint32_t refs;
	uint16_t family;
	uint8_t type, state, shut;
	int protocol;
	int error; /* SO_ERROR: a positive errno */

	struct waitq queue;
	struct pktq rcv; /* what came */
	/* In bytes; a queue may hold this much before senders wait */
	uint32_t rcv_max, snd_max;
	bool no_room; /* somebody was told that there is no room to send */

	/* A stream's other end, in the guest: neither holds a reference. Of
	 * a datagram socket: who it is connected to; holds one. */
	struct socket *peer;
	/* Of a listener: those not accepted, none with a file. */
	struct socket *first, *last, *next;
	struct socket *listener; /* NULL: accepted, or made otherwise */
	uint32_t n_waiting, backlog;

	uint64_t rcv_timeout_ns, snd_timeout_ns; /* 0: none */
	uint32_t flags;                          /* SOCKET_* below */
	uint16_t linger_s;
	int priority, mark;
};

#define SOCKET_REUSEADDR 0x0001u
#define SOCKET_REUSEPORT 0x0002u
#define SOCKET_KEEPALIVE 0x0004u
#define SOCKET_BROADCAST 0x0008u
#define SOCKET_LINGER    0x0010u
#define SOCKET_PASSCRED  0x0020u
#define SOCKET_DONTROUTE 0x0040u
#define SOCKET_OOBINLINE 0x0080u
#define SOCKET_RCVBUF    0x0100u /* were set */
#define SOCKET_SNDBUF    0x0200u
#define SOCKET_DEBUG     0x0400u

/* Results are 0 or a negative errno. NULL: -EOPNOTSUPP. */
struct socket_ops {
	uint32_t size; /* of the family's struct */
	int (*bind)(struct socket *s, const struct sockaddr *a, uint32_t len);
	/* until_ns: as socket_wait; -EINPROGRESS. */
	int (*connect)(struct socket *s, const struct sockaddr *a, uint32_t len,
		       uint64_t until_ns);
	int (*listen)(struct socket *s);   /* backlog is set */
	int (*unlisten)(struct socket *s); /* shutdown of a listener */
	/* The child left the list, accepted. May be NULL. */
	void (*accepted)(struct socket *listener, struct socket *child);
	int (*name)(struct socket *s, bool peer, struct sockaddr *ret,
		    uint32_t *ret_len);
	int64_t (*send)(struct socket *s, struct message *m, uint64_t until_ns);
	int64_t (*receive)(struct socket *s, struct message *m,
			   uint64_t until_ns);
	int (*shutdown)(struct socket *s, unsigned how);
	unsigned (*poll)(struct socket *s);
	/* Nobody has it open any more: leaves the tables it is in. */
	void (*close)(struct socket *s);
	/* Memory besides struct and rcv; may be NULL. */
	void (*free)(struct socket *s);
	/* Options and requests that are the family's own. -ENOPROTOOPT,
	 * -ENOTTY. value has len bytes, at most 256. */
	int (*set)(struct socket *s, int level, int name, const void *value,
		   uint32_t len);
	int (*get)(struct socket *s, int level, int name, void *ret,
		   uint32_t *len);

	int64_t (*ioctl)(struct socket *s, uint32_t request, uint64_t arg);

	/* Streams (net/stream.h): puts bytes of m->io on their way, as many
	 * as there is room for now. -EAGAIN: none; -ENOBUFS. */
	int64_t (*push)(struct socket *s, struct message *m);
	bool (*has_room)(struct socket *s);
	/* len bytes left rcv. */
	void (*taken)(struct socket *s, uint64_t len);
};

/* A new socket with one reference. NULL: no memory. */
WUR struct socket *socket_new(const struct socket_ops *ops, uint16_t family,
			      uint8_t type, int protocol);
/* A socket like the listener, for its list: what accept(2) inherits. */
WUR struct socket *socket_new_child(const struct socket *listener);
struct socket *socket_get(struct socket *s);
void socket_put(struct socket *s);

/* The last half of socket(2): a file and a descriptor; takes the reference in
 * any case. flags: SOCK_NONBLOCK, SOCK_CLOEXEC (O_*). */
WUR int64_t socket_install(struct socket *s, uint32_t flags);
/* The socket of a descriptor with its file held for the caller; NULL and
 * -EBADF or -ENOTSOCK. */
WUR struct socket *socket_hold(uint64_t fd, int64_t *ret_error);
/* The socket of an open file, or NULL. */
struct socket *socket_of(const struct file *f);

/* Sleeps until something about the socket changes. -EAGAIN: the time has
 * come (0: at once); -ERESTARTSYS or -EINTR. */
WUR int socket_wait(struct socket *s, uint64_t until_ns);
/* Until when a call waits; dontwait: MSG_DONTWAIT. */
uint64_t socket_until(const struct socket *s, uint64_t timeout_ns,
		      bool dontwait);
void socket_wake(struct socket *s, unsigned events);
/* SO_ERROR, taken: 0 or a negative errno. */
int socket_take_error(struct socket *s);
/* It is over: error may be 0. */
void socket_fail(struct socket *s, int error);

/* The list of a listener. */
static inline bool socket_backlog_full(const struct socket *listener)
{
	return listener->n_waiting > listener->backlog;
}
void socket_enqueue(struct socket *listener, struct socket *child);
/* Closes those on the list. */
void socket_drop_waiting(struct socket *listener);
/* The first, whose reference the caller gets; waits. */
WUR int socket_accept(struct socket *listener, uint64_t until_ns,
		      struct socket **ret);

/* ioctls about network interfaces, of any socket. -ENOTTY. */
WUR int64_t interface_ioctl(uint32_t request, uint64_t arg);

/* Families: type has no flags; -EAFNOSUPPORT, -ESOCKTNOSUPPORT,
 * -EPROTONOSUPPORT. */
WUR int unix_new(unsigned type, int protocol, struct socket **ret);
void unix_join(struct socket *a, struct socket *b); /* socketpair(2) */
WUR int netlink_new(unsigned type, int protocol, struct socket **ret);
WUR int vsock_new(unsigned type, int protocol, struct socket **ret);
WUR int inet_new(uint16_t family, unsigned type, int protocol,
		 struct socket **ret);

#endif
