/* netproxy_udp.c: datagram sockets of the guest. Each has a socket of the host
 * that hears only from where the guest may send to, and perhaps a published
 * port, which hears from everybody and answers those. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs <time.h> */

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "net/netproxy_priv.h"

#define HEAD      sizeof(struct netproxy_datagram)
#define TURNS_MAX 16u
#define STALE_MAX 4096u /* datagrams that came before the guest's socket */

_Static_assert(HEAD + NETPROXY_UDP_MAX <= VSOCK_BUF_LEN, "a record");

/* --- who has written to a published port ------------------------------------- */

static bool is_peer(const struct np_publish *pub, const struct ip_port *p)
{
	for (unsigned i = 0; i < pub->n_peers; i++)
		if (pub->peer[i].port == p->port &&
		    ip_equal(&pub->peer[i].ip, &p->ip))
			return true;
	return false;
}

static void note_peer(struct np_publish *pub, const struct ip_port *p)
{
	if (is_peer(pub, p))
		return;
	pub->peer[pub->next_peer] = *p;
	pub->next_peer = (pub->next_peer + 1) % NP_PEERS_MAX;
	if (pub->n_peers < NP_PEERS_MAX)
		pub->n_peers++;
}

/* --- to the guest ------------------------------------------------------------ */

static void watch(struct np_udp *u)
{
	struct loop *loop = u->np->cfg.loop;

	if (!u->c)
		return;
	if (!u->busy)
		u->busy = loop_poll(loop, &u->op, u->fd, POLLIN) == 0;
	if (u->pub && !u->pub->busy)
		u->pub->busy =
			loop_poll(loop, &u->pub->op, u->pub->p.fd, POLLIN) == 0;
}

/* The record whose payload is in the link's room already. */
static bool give(struct np_udp *u, const struct ip_port *from, int error,
		 size_t len)
{
	static const struct ip none = { { 0 } };
	const struct netproxy_datagram d = {
		.error = (uint16_t)error,
		.addr = ip_to_wire(from, u->family, &none),
	};

	/* an IPv4 socket never hears of IPv6, nor from it */
	if (u->family == NETPROXY_INET && !ip_is_v4(&from->ip))
		return false;
	memcpy(vsock_link_room(u->c), &d, HEAD);
	return vsock_link_put(u->c, (uint32_t)(HEAD + len));
}

bool np_udp_give(struct np_udp *u, const struct ip_port *from, int error,
		 const void *data, size_t len)
{
	uint8_t *room = vsock_link_room(u->c);

	if (!room) {
		np_count(NP_E_LOST);
		return false;
	}
	if (len > 0)
		memcpy(room + HEAD, data, len);
	return give(u, from, error, len);
}

/* True: there was one. */
static bool pull_error(struct np_udp *u)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	union {
		char buf[256];
		struct cmsghdr align;
	} control;
	struct iovec iov = { u->np->scratch, sizeof(u->np->scratch) };
	struct msghdr m = { .msg_name = &ss,
			    .msg_namelen = sizeof(ss),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	struct sock_extended_err e = { .ee_errno = 0 };
	struct ip_port to;

	if (recvmsg(u->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if ((c->cmsg_level == IPPROTO_IP &&
		     c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		     c->cmsg_type == IPV6_RECVERR))
			memcpy(&e, CMSG_DATA(c), sizeof(e));
	to = ip_of_sockaddr(&ss);
	if (e.ee_errno > 0 && e.ee_errno <= UINT16_MAX)
		(void)np_udp_give(u, &to, (int)e.ee_errno, NULL, 0);
	return true;
}

/* One datagram; true: there was one, though perhaps not for the guest. */
static bool pull_from(struct np_udp *u, int fd, struct np_publish *pub)
{
	uint8_t *room = vsock_link_room(u->c);
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct iovec iov = { room + HEAD, NETPROXY_UDP_MAX };
	struct msghdr m = { .msg_name = &ss,
			    .msg_namelen = sizeof(ss),
			    .msg_iov = &iov,
			    .msg_iovlen = 1 };
	const ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
	struct ip_port from;

	if (n < 0) /* an error of a datagram is in its queue, too */
		return !pub && pull_error(u);
	from = ip_of_sockaddr(&ss);
	if (pub)
		note_peer(pub, &from);
	else if (!policy_allows(u->np->cfg.policy, &from, clock_mono_ns())) {
		np_count(NP_E_STRANGER);
		return true;
	}
	if ((m.msg_flags & MSG_TRUNC) || !give(u, &from, 0, (size_t)n))
		np_count(NP_E_LOST);
	return true;
}

static void pull(struct np_udp *u)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		bool any = false;

		if (!vsock_link_room(u->c))
			return; /* np_udp_drained goes on */
		if (pull_from(u, u->fd, NULL))
			any = true;
		if (u->pub && vsock_link_room(u->c) &&
		    pull_from(u, u->pub->p.fd, u->pub))
			any = true;
		if (!any)
			break;
	}
	watch(u);
}

void np_udp_drained(struct np_udp *u)
{
	pull(u);
}

static void on_readable(struct loop_op *op, int res)
{
	struct np_udp *u = CONTAINER_OF(op, struct np_udp, op);

	u->busy = false;
	if (!u->c) {
		(void)close(u->fd);
		u->fd = -1;
	} else if (res >= 0) {
		pull(u);
	}
}

void np_udp_ready(struct np_publish *pub, int res)
{
	if (!pub->udp)
		return;
	if (res == -ECANCELED)
		watch(pub->udp); /* for a socket that came meanwhile */
	else
		pull(pub->udp);
}

/* --- from the guest ---------------------------------------------------------- */

/* 0 or an errno. */
static int send_to(int fd, bool v6, const struct ip_port *to, uint8_t *data,
		   size_t len)
{
	struct sockaddr_storage ss;
	struct iovec iov = { data, len };
	struct msghdr m = { .msg_name = &ss,
			    .msg_namelen = ip_to_sockaddr(to, v6, &ss),
			    .msg_iov = &iov,
			    .msg_iovlen = 1 };

	if (m.msg_namelen == 0)
		return ENETUNREACH;
	/* the first error may be an earlier datagram's */
	for (unsigned i = 0; i < 2; i++) {
		if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
			np_count(NP_E_LOST);
			return 0;
		}
	}
	return errno;
}

static int pass_on(struct np_udp *u, const struct ip_port *to, uint8_t *data,
		   size_t len)
{
	struct netproxy *np = u->np;

	if (u->pub && is_peer(u->pub, to))
		return send_to(u->pub->p.fd, !ip_is_v4(&u->pub->p.host.ip), to,
			       data, len);
	if (np_is_resolver(to)) {
		np_dns_out(u, data, len);
		return 0;
	}
	if (!policy_allows(np->cfg.policy, to, clock_mono_ns()))
		return np_denied(to);
	return send_to(u->fd, u->v6, to, data, len);
}

/* False: it is broken. */
static bool on_record(struct np_udp *u, uint8_t *bytes, size_t len)
{
	struct netproxy_datagram d;
	struct ip_port to;
	int r;

	if (len < HEAD || len > HEAD + NETPROXY_UDP_MAX)
		return false;
	memcpy(&d, bytes, HEAD);
	if (d.error || d.pad || d.addr.family != u->family ||
	    !ip_of_wire(&d.addr, &to))
		return false;
	r = to.port ? pass_on(u, &to, bytes + HEAD, len - HEAD) : EINVAL;
	if (r)
		(void)np_udp_give(u, &to, r, NULL, 0);
	return true;
}

/* --- life -------------------------------------------------------------------- */

/* Of both families where the host has both. */
static int open_socket(bool *ret_v6)
{
	static const int on = 1, off = 0;
	AUTO_FD fd = np_socket(true, SOCK_DGRAM);
	const struct ip_port any6 = { .port = 0 };
	const struct ip_port any4 = { ip_of_v4((const uint8_t[4]){ 0 }), 0 };
	struct sockaddr_storage ss;
	socklen_t len;

	*ret_v6 = fd >= 0;
	if (fd < 0)
		fd = np_socket(false, SOCK_DGRAM);
	if (fd < 0)
		return fd;
	if (*ret_v6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
				 sizeof(off));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on,
				 sizeof(on));
	}
	(void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	len = ip_to_sockaddr(*ret_v6 ? &any6 : &any4, *ret_v6, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len))
		return -errno;
	return take_fd(&fd);
}

static struct np_udp *free_one(struct netproxy *np)
{
	for (unsigned i = 0; i < NETPROXY_UDP_SOCKETS; i++)
		if (!np->udp[i].c && !np->udp[i].busy)
			return &np->udp[i];
	return NULL;
}

static struct np_publish *published(struct netproxy *np, uint16_t guest_port)
{
	for (unsigned i = 0; guest_port && i < np->cfg.n_publish; i++)
		if (np->publish[i].p.udp &&
		    np->publish[i].p.guest_port == guest_port)
			return &np->publish[i];
	return NULL;
}

/* What came when nobody was there is for nobody. */
static void take_port(struct np_udp *u, struct np_publish *pub)
{
	char byte;

	for (unsigned i = 0; i < STALE_MAX; i++)
		if (recv(pub->p.fd, &byte, 1, MSG_DONTWAIT) < 0)
			break;
	pub->udp = u;
	pub->n_peers = pub->next_peer = 0;
	u->pub = pub;
}

/* 0 or an errno. */
static int begin(struct netproxy *np, struct vsock_conn *c, uint16_t port)
{
	struct np_link *l = np_link_of(np, c);
	struct np_publish *pub = published(np, port);
	struct np_udp *u = free_one(np);
	bool v6;
	int fd;

	if (pub && pub->udp)
		return EADDRINUSE;
	if (!u)
		return ENOBUFS;
	fd = open_socket(&v6);
	if (fd < 0)
		return -fd;
	*u = (struct np_udp){ .np = np,
			      .c = c,
			      .op.done = on_readable,
			      .fd = fd,
			      .v6 = v6,
			      .family = l->family };
	if (pub)
		take_port(u, pub);
	l->kind = NP_BOUND;
	l->udp = u;
	return 0;
}

static void on_request(struct netproxy *np, struct vsock_conn *c)
{
	const struct np_link *l = np_link_of(np, c);
	struct netproxy_request req;
	struct ip_port at, local;
	int r;

	if (!np_request(np, c, false, &req, &at))
		return;
	r = begin(np, c, at.port);
	if (r) {
		np_reply(c, l->family, r, 0, NULL, NULL);
		return;
	}
	local = np_local(l->udp->pub ? l->udp->pub->p.fd : l->udp->fd);
	np_reply(c, l->family, 0, l->udp->pub ? NETPROXY_PUBLISHED : 0, &local,
		 NULL);
	watch(l->udp);
}

void np_udp_input(struct netproxy *np, struct vsock_conn *c)
{
	const struct np_link *l = np_link_of(np, c);
	uint32_t len;

	while ((len = vsock_link_waiting(c)) > 0) {
		if (l->kind == NP_UDP) {
			on_request(np, c);
			if (l->kind != NP_BOUND)
				return;
			continue;
		}
		vsock_link_take(c, np->scratch, len);
		if (!on_record(l->udp, np->scratch, len)) {
			np_count(NP_E_BAD);
			vsock_link_reset(c);
			return;
		}
	}
	if (vsock_link_ended(c))
		vsock_link_reset(c);
}

void np_udp_closed(struct np_link *l)
{
	struct np_udp *u = l->udp;
	struct loop *loop = u->np->cfg.loop;

	u->c = NULL;
	np_dns_forget(u);
	if (u->pub) {
		u->pub->udp = NULL;
		loop_cancel(loop, &u->pub->op);
		u->pub = NULL;
	}
	if (u->busy) {
		loop_cancel(loop, &u->op); /* and closes it then */
		return;
	}
	(void)close(u->fd);
	u->fd = -1;
}

void np_udp_init(struct netproxy *np)
{
	for (unsigned i = 0; i < NETPROXY_UDP_SOCKETS; i++)
		np->udp[i].fd = -1;
}
