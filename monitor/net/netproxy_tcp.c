/* netproxy_tcp.c: TCP connections that the guest asks for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/netproxy_priv.h"

/* Where the guest really goes; or an errno for it. */
static int route(struct netproxy *np, struct ip_port *to)
{
	const struct policy *p = np->cfg.policy;

	if (np_is_resolver(to)) {
		if (!p->all || np->cfg.n_resolvers == 0)
			return ECONNREFUSED;
		*to = np->cfg.resolver[0];
		return 0;
	}
	return policy_allows(p, to, clock_mono_ns()) ? 0 : np_denied(to);
}

/* A socket on its way, returned owned; *ret_done: it is there. */
static int dial(const struct ip_port *to, bool *ret_done)
{
	const bool v6 = !ip_is_v4(&to->ip);
	static const int on = 1;
	struct sockaddr_storage ss;
	const socklen_t len = ip_to_sockaddr(to, v6, &ss);
	AUTO_FD fd = np_socket(v6, SOCK_STREAM);
	int r;

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r = connect(fd, (struct sockaddr *)&ss, len) ? errno : 0;
	if (r && r != EINPROGRESS)
		return -r;
	*ret_done = r == 0;
	return take_fd(&fd);
}

static void connected(struct netproxy *np, struct vsock_conn *c, int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct np_link *l = np_link_of(np, c);
	const struct ip_port local = np_local(fd);
	socklen_t len = sizeof(ss);
	struct ip_port peer;

	(void)getpeername(fd, (struct sockaddr *)&ss, &len); /* or gone */
	peer = ip_of_sockaddr(&ss);
	l->kind = NP_CONNECTED;
	np_count(NP_E_CONNECTED);
	np_reply(c, l->family, 0, 0, &local, &peer);
	vsock_link_raw(c, fd);
}

void np_tcp_input(struct netproxy *np, struct vsock_conn *c)
{
	struct netproxy_request req;
	struct ip_port to;
	bool done = false;
	int fd, r;

	if (!np_request(np, c, false, &req, &to))
		return;
	r = route(np, &to);
	if (r) {
		np_reply(c, 0, r, 0, NULL, NULL);
		return;
	}
	fd = dial(&to, &done);
	if (fd < 0) {
		np_count(NP_E_FAILED);
		np_reply(c, 0, -fd, 0, NULL, NULL);
	} else if (done) {
		connected(np, c, fd);
	} else {
		np_link_of(np, c)->kind = NP_CONNECTING;
		vsock_link_await(c, fd);
	}
}

void np_tcp_writable(struct netproxy *np, struct vsock_conn *c)
{
	const int fd = vsock_link_fd(c);
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	if (error) {
		np_count(NP_E_FAILED);
		np_reply(c, 0, error, 0, NULL, NULL);
		return;
	}
	connected(np, c, fd);
}
