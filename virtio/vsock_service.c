/* vsock_service.c: see vsock_service.h. Connections whose other end is the
 * monitor itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/vsock_service.h"

#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "virtio/vsock_priv.h"

/* --- what the device tells the service -------------------------------------- */

bool vsock_service_has(const struct vsock *s, uint32_t port)
{
	const struct vsock_service *svc = s->cfg.service;

	return svc && port >= svc->port_first && port <= svc->port_last;
}

void vsock_service_open(struct vsock_conn *c)
{
	struct vsock *s = c->s;

	c->state = VSOCK_OPEN;
	if (s->cfg.service->open(s->cfg.service_ctx, c, c->host_port,
				 c->type == VSOCK_TYPE_SEQPACKET)) {
		vsock_refuse(VSOCK_NO_LISTENER);
		vsock_conn_reset(c);
		return;
	}
	c->role = VSOCK_SERVED;
	vsock_conn_ready(c, VSOCK_OWES_RESPONSE);
}

void vsock_service_closed(struct vsock_conn *c)
{
	c->s->cfg.service->closed(c->s->cfg.service_ctx, c);
}

void vsock_service_input(struct vsock_conn *c)
{
	if (c->finishing) /* it is not listened to any more */
		vsock_link_take(c, NULL, vsock_link_waiting(c));
	else
		c->s->cfg.service->input(c->s->cfg.service_ctx, c);
}

void vsock_service_writable(struct vsock_conn *c)
{
	c->s->cfg.service->writable(c->s->cfg.service_ctx, c);
}

void vsock_service_drained(struct vsock_conn *c)
{
	if (c->finishing)
		vsock_conn_reset(c);
	else
		c->s->cfg.service->drained(c->s->cfg.service_ctx, c);
}

/* --- links ------------------------------------------------------------------ */

unsigned vsock_link_index(const struct vsock_conn *c)
{
	return (unsigned)(c - c->s->conn);
}

uint32_t vsock_link_unsent(const struct vsock_conn *c)
{
	return c->staged;
}

void vsock_link_reset(struct vsock_conn *c)
{
	vsock_conn_reset(c);
	vsock_later(c->s);
}

uint32_t vsock_link_waiting(const struct vsock_conn *c)
{
	return vsock_flow_waiting(c);
}

void vsock_link_take(struct vsock_conn *c, void *buf, uint32_t len)
{
	if (len > 0)
		vsock_flow_take(c, buf, len);
}

bool vsock_link_ended(const struct vsock_conn *c)
{
	return c->guest_shut & VSOCK_SHUTDOWN_SEND;
}

uint8_t *vsock_link_room(struct vsock_conn *c)
{
	return c->staged ? NULL : vsock_slot_of(c)->staged;
}

bool vsock_link_put(struct vsock_conn *c, uint32_t len)
{
	CHECK(c->role == VSOCK_SERVED && c->staged == 0 &&
	      len <= VSOCK_BUF_LEN);
	c->wrote = true;
	if (c->input_done || len == 0 ||
	    (c->type == VSOCK_TYPE_SEQPACKET && len > c->peer_alloc))
		return false;
	c->staged_at = 0;
	c->staged = len;
	vsock_conn_ready(c, 0);
	vsock_later(c->s);
	return true;
}

void vsock_link_finish(struct vsock_conn *c)
{
	c->finishing = true;
	if (c->staged == 0)
		vsock_link_reset(c);
}

void vsock_link_await(struct vsock_conn *c, int fd)
{
	CHECK(c->role == VSOCK_SERVED && c->fd < 0);
	c->fd = fd;
	vsock_conn_watch_out(c);
}

int vsock_link_fd(const struct vsock_conn *c)
{
	return c->fd;
}

void vsock_link_raw(struct vsock_conn *c, int fd)
{
	CHECK(c->role == VSOCK_SERVED && (c->fd < 0 || c->fd == fd));
	c->fd = fd;
	c->role = VSOCK_RAW;
	if (c->guest_shut & VSOCK_SHUTDOWN_RECEIVE) /* gone: as well */
		(void)shutdown(c->fd, SHUT_RD);
	vsock_conn_watch(c);
	vsock_flow_out(c);
	vsock_later(c->s);
}

/* --- calling ---------------------------------------------------------------- */

bool vsock_link_can_call(struct vdev *v)
{
	const struct vsock *s = vsock_of(v);

	return vdev_live(v) &&
	       (s->n_conns < s->cfg.conns || !TAILQ_EMPTY(&s->ending));
}

struct vsock_conn *vsock_link_call(struct vdev *v, uint32_t guest_port, int fd,
				   const void *head, uint32_t len)
{
	struct vsock *s = vsock_of(v);
	const struct vsock_service *svc = s->cfg.service;
	struct vsock_conn *c;

	CHECK(len > 0 && len <= VSOCK_BUF_LEN);
	if (!vdev_live(v))
		return NULL;
	c = vsock_conn_new(s, VSOCK_TYPE_STREAM);
	if (!c)
		return NULL;
	c->fd = fd;
	c->role = VSOCK_RAW;
	c->state = VSOCK_ASKED;
	memcpy(vsock_slot_of(c)->staged, head, len);
	c->staged = len;
	c->wrote = true;
	vsock_conn_bind(c, guest_port,
			vsock_hello_port(s, guest_port, svc->call_first,
					 svc->call_last, &s->next_call));
	vsock_conn_ready(c, VSOCK_OWES_REQUEST);
	vsock_conn_watch(c);
	vsock_later(s);
	return c;
}
