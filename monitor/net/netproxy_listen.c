/* netproxy_listen.c: published TCP ports: the host listens while a socket of
 * the guest does, and hands its clients over, no more at a time than the guest
 * has room for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/netproxy_priv.h"

#define ACCEPTS_MAX  16u /* at a time */
#define PAUSE_NS     50000000u
#define HOST_BACKLOG 4096 /* cut by net.core.somaxconn */

/* --- clients ----------------------------------------------------------------- */

static void watch(struct np_publish *pub)
{
	if (!pub->busy && pub->listening && pub->listener->budget > 0)
		pub->busy = loop_poll(pub->np->cfg.loop, &pub->op, pub->p.fd,
				      POLLIN) == 0;
}

static struct netproxy_incoming head_for(const struct np_publish *pub, int fd,
					 const struct sockaddr_storage *from)
{
	static const uint8_t gateway[] = NETPROXY_GATEWAY;
	const struct ip gate = ip_of_v4(gateway);
	const struct ip_port peer = ip_of_sockaddr(from);
	struct ip_port local = np_local(fd);

	local.port = pub->p.guest_port;
	return (struct netproxy_incoming){
		.magic = NETPROXY_MAGIC,
		.guest_port = pub->p.guest_port,
		.local = ip_to_wire(&local, pub->listener->family, &gate),
		.peer = ip_to_wire(&peer, pub->listener->family, &gate),
	};
}

/* One client; 0 or negative errno. */
static int hand_over(struct np_publish *pub)
{
	struct netproxy *np = pub->np;
	struct np_listener *l = pub->listener;
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(from);
	static const int on = 1;
	struct netproxy_incoming head;
	struct vsock_conn *c;
	int fd;

	if (!vsock_link_can_call(np->v))
		return -ENOSPC; /* it waits where it is */
	fd = accept4(pub->p.fd, (struct sockaddr *)&from, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	head = head_for(pub, fd, &from);
	c = vsock_link_call(np->v, NETPROXY_PORT_INCOMING, fd, &head,
			    sizeof(head));
	if (!c) {
		(void)close(fd);
		return -ENOSPC;
	}
	*np_link_of(np, c) = (struct np_link){ .kind = NP_CLIENT,
					       .owner = l,
					       .turn = l->turn };
	l->budget--;
	np_count(NP_E_ACCEPTED);
	return 0;
}

void np_listen_ready(struct np_publish *pub, int res)
{
	int r = 0;

	if (res != -ECANCELED && pub->listening)
		for (unsigned i = 0;
		     i < ACCEPTS_MAX && r == 0 && pub->listener->budget > 0;
		     i++)
			r = hand_over(pub);
	if (r == 0 || r == -EAGAIN || r == -ECONNABORTED || r == -EINTR) {
		watch(pub);
		return;
	}
	/* no slots, descriptors or memory now: polling would be busy */
	pub->busy = loop_timer(pub->np->cfg.loop, &pub->op,
			       clock_mono_ns() + PAUSE_NS) == 0;
}

static void more(struct netproxy *np, struct np_listener *l, uint32_t n)
{
	const uint32_t room = l->backlog - l->budget;

	l->budget += n < room ? n : room;
	for (unsigned i = 0; i < np->cfg.n_publish; i++)
		if (np->publish[i].listener == l)
			watch(&np->publish[i]);
}

void np_client_closed(struct np_link *l, uint32_t unsent)
{
	/* the guest has not heard of it, and will not give it back */
	if (unsent > 0 && l->owner->control && l->owner->turn == l->turn)
		more(l->owner->np, l->owner, 1);
}

/* --- listening --------------------------------------------------------------- */

static void hush(struct np_publish *pub)
{
	static const int off = 0;

	if (!pub->listening)
		return;
	pub->listening = false;
	if (pub->busy)
		loop_cancel(pub->np->cfg.loop, &pub->op);
	/* it stays bound; who waited for us to accept is reset */
	(void)shutdown(pub->p.fd, SHUT_RDWR);
	(void)setsockopt(pub->p.fd, SOL_SOCKET, SO_REUSEADDR, &off,
			 sizeof(off));
}

static void hush_all(struct netproxy *np, const struct np_listener *l)
{
	for (unsigned i = 0; i < np->cfg.n_publish; i++)
		if (np->publish[i].listener == l)
			hush(&np->publish[i]);
}

/* 0 or an errno. */
static int speak(struct np_publish *pub)
{
	char text[IP_TEXT_LEN];
	static const int on = 1;
	int r = 0;

	/* beside connections that it has accepted when it last listened */
	(void)setsockopt(pub->p.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listen(pub->p.fd, HOST_BACKLOG)) {
		r = errno;
		ip_format(&pub->p.host, text);
		log_guest("net", "cannot listen on %s: error %d", text, r);
		return r;
	}
	pub->listening = true;
	return 0;
}

static struct np_publish *first_of(struct netproxy *np, uint16_t guest_port)
{
	for (unsigned i = 0; i < np->cfg.n_publish; i++)
		if (!np->publish[i].p.udp &&
		    np->publish[i].p.guest_port == guest_port)
			return &np->publish[i];
	return NULL;
}

/* 0 or an errno for the guest. */
static int begin(struct netproxy *np, struct vsock_conn *c,
		 struct np_listener *l, const struct netproxy_request *req)
{
	for (unsigned i = 0; i < np->cfg.n_publish; i++) {
		const int r = np->publish[i].listener == l
				      ? speak(&np->publish[i])
				      : 0;

		if (r) {
			hush_all(np, l);
			return r;
		}
	}
	l->control = c;
	l->turn++;
	l->family = req->addr.family;
	l->backlog = req->backlog < NETPROXY_BACKLOG_MAX ? req->backlog
							 : NETPROXY_BACKLOG_MAX;
	l->budget = 0;
	more(np, l, l->backlog);
	return 0;
}

static void on_request(struct netproxy *np, struct vsock_conn *c)
{
	struct np_link *link = np_link_of(np, c);
	struct netproxy_request req;
	struct np_publish *pub;
	struct ip_port at;
	int r;

	if (!np_request(np, c, true, &req, &at))
		return;
	pub = first_of(np, at.port);
	if (!pub)
		r = ENOENT;
	else if (pub->listener->control)
		r = EADDRINUSE;
	else
		r = begin(np, c, pub->listener, &req);
	if (!r) {
		link->kind = NP_LISTENING;
		link->owner = pub->listener;
	}
	np_reply(c, link->family, r, 0, r ? NULL : &pub->p.host, NULL);
}

void np_listen_input(struct netproxy *np, struct vsock_conn *c)
{
	const struct np_link *l = np_link_of(np, c);
	uint32_t n;

	if (l->kind == NP_CONTROL) {
		on_request(np, c);
		if (l->kind != NP_LISTENING)
			return;
	}
	while (vsock_link_waiting(c) >= sizeof(n)) {
		vsock_link_take(c, &n, sizeof(n));
		more(np, l->owner, n);
	}
	if (vsock_link_ended(c))
		vsock_link_reset(c);
}

void np_listen_closed(struct netproxy *np, struct np_link *l)
{
	l->owner->control = NULL;
	hush_all(np, l->owner);
}
