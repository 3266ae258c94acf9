/* proxy.c: no way to the world yet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy.h"

#include "linux/errno.h"
#include "net/inet.h"

int proxy_connect(struct inet_socket *u)
{
	return inet_is_loopback(&u->remote) ? -LINUX_ECONNREFUSED
					    : -LINUX_ENETUNREACH;
}
void proxy_listen(struct inet_socket *u)
{
	(void)u;
}
void proxy_accepted(struct inet_socket *u)
{
	(void)u;
}
void proxy_abort(struct inet_socket *u)
{
	(void)u;
}
int64_t proxy_push(struct inet_socket *u, struct message *m)
{
	(void)u;
	(void)m;
	return -LINUX_EPIPE;
}
bool proxy_has_room(struct inet_socket *u)
{
	(void)u;
	return true;
}
void proxy_taken(struct inet_socket *u, uint64_t len)
{
	(void)u;
	(void)len;
}
void proxy_shutdown(struct inet_socket *u, unsigned how)
{
	(void)u;
	(void)how;
}
void proxy_close(struct inet_socket *u, bool reset)
{
	(void)u;
	(void)reset;
}
int proxy_udp_connect(struct inet_socket *u)
{
	(void)u;
	return -LINUX_ENETUNREACH;
}
int64_t proxy_udp_send(struct inet_socket *u, const struct inet_addr *to,
		       struct message *m, uint64_t until_ns)
{
	(void)u;
	(void)m;
	(void)until_ns;
	return inet_is_loopback(to) ? -LINUX_ECONNREFUSED : -LINUX_ENETUNREACH;
}
bool proxy_udp_has_room(struct inet_socket *u)
{
	(void)u;
	return true;
}
void proxy_udp_taken(struct inet_socket *u)
{
	(void)u;
}
