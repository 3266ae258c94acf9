/* vsock.c: sockets to the host for programs that wait: connections of the
 * driver with a number, a queue of what came, and a list of those with news. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/vsock.h"

#include "drivers/vconn.h"
#include "kernel/clock.h"
#include "lib/string.h"
#include "linux/errno.h"

#define NONE (-1)

static LARGE struct conn {
	struct vconn *v; /* NULL: free */
	bool has_news;
	int16_t next_news, next_free;
	struct pktq rcv;
} conns[VSOCK_CONNS_MAX];

static LARGE struct vport ports[VSOCK_PORTS_MAX];
static unsigned n_ports, n_used; /* conns[n_used ..] were never used */
static int16_t first_news = NONE, last_news = NONE, first_free = NONE;

static int index_of(const struct conn *c)
{
	return (int)(c - conns);
}

static struct conn *take(void)
{
	struct conn *c;

	if (first_free != NONE) {
		c = &conns[first_free];
		first_free = c->next_free;
		return c;
	}
	return n_used < VSOCK_CONNS_MAX ? &conns[n_used++] : NULL;
}

static void give_back(struct conn *c)
{
	struct pkt *p;

	while ((p = pktq_take(&c->rcv)))
		pkt_free(p);
	c->v = NULL;
	c->next_free = first_free;
	first_free = (int16_t)index_of(c);
}

static void news(struct vconn *v)
{
	struct conn *c = v->owner;

	if (c->has_news)
		return;
	c->has_news = true;
	c->next_news = NONE;
	if (first_news == NONE)
		first_news = (int16_t)index_of(c);
	else
		conns[last_news].next_news = (int16_t)index_of(c);
	last_news = (int16_t)index_of(c);
}

static void received(struct vconn *v, struct pkt *p)
{
	struct conn *c = v->owner;

	pktq_merge(&c->rcv, p);
	news(v);
}

static const struct vconn_ops ops = { .changed = news,
				      .received = received,
				      .room = news };

static bool request(struct vport *p, struct vconn *v)
{
	struct conn *c = take();

	(void)p;
	if (!c)
		return false;
	c->v = v;
	v->ops = &ops;
	v->owner = c;
	return true;
}

bool vsock_open(uint32_t *ret_cid)
{
	return vconn_start(ret_cid);
}

int vsock_listen(uint32_t port)
{
	struct vport *p = &ports[n_ports];

	if (n_ports == VSOCK_PORTS_MAX)
		return -LINUX_EMFILE;
	*p = (struct vport){ .port = port, .request = request };
	n_ports++;
	return vconn_listen(p);
}

int vsock_connect(enum vsock_type type, uint32_t port)
{
	struct conn *c = take();

	if (!c)
		return -LINUX_EMFILE;
	c->v = vconn_connect(type, 0, port, &ops, c);
	if (!c->v) {
		give_back(c);
		return -LINUX_ENOMEM;
	}
	return index_of(c);
}

int vsock_next(uint64_t until_ns)
{
	for (vconn_poll();;) {
		struct conn *c;

		if (first_news == NONE) {
			if (until_ns && clock_now() >= until_ns)
				return -LINUX_EAGAIN;
			vconn_wait(until_ns);
			continue;
		}
		c = &conns[first_news];
		first_news = c->next_news;
		c->has_news = false;
		if (c->v)
			return index_of(c);
	}
}

void vsock_get(int conn, struct vsock_status *ret)
{
	const struct vconn *v = conns[conn].v;

	*ret = (struct vsock_status){
		.type = v->type,
		.port = v->port,
		.peer_port = v->peer_port,
		.incoming = v->incoming,
		.open = v->state == VCONN_OPEN && !v->reset,
		.reset = v->reset,
		.peer_shut = v->peer_shut,
	};
}

int64_t vsock_send(int conn, const void *buf, uint64_t len)
{
	struct vconn *v = conns[conn].v;
	struct io io;
	int64_t n;

	io_kernel(&io, (void *)(uintptr_t)buf, len);
	n = vconn_send(v, &io);
	if (n != -LINUX_EAGAIN)
		return n;
	vconn_poll();
	return vconn_send(v, &io);
}

int64_t vsock_recv(int conn, void *buf, uint64_t len)
{
	struct conn *c = &conns[conn];
	struct pkt *p;
	uint64_t n;

	if (!c->rcv.first)
		vconn_poll();
	p = c->rcv.first;
	if (!p) {
		if (c->v->reset)
			return -LINUX_ECONNRESET;
		return c->v->peer_shut & VSOCK_SEND ? 0 : -LINUX_EAGAIN;
	}
	if (c->v->type == VSOCK_STREAM) {
		n = pktq_read(&c->rcv, buf, len);
		vconn_taken(c->v, (uint32_t)n);
		return (int64_t)n;
	}
	p = pktq_take(&c->rcv);
	n = min_u64(p->len, len);
	memcpy(buf, p->data, n);
	vconn_taken(c->v, p->len);
	pkt_free(p);
	return (int64_t)n;
}

void vsock_shutdown(int conn, unsigned what)
{
	vconn_shutdown(conns[conn].v, what);
}

void vsock_close(int conn)
{
	vconn_close(conns[conn].v, false);
	give_back(&conns[conn]);
	vconn_poll();
}

void vsock_reset(int conn)
{
	vconn_close(conns[conn].v, true);
	give_back(&conns[conn]);
}

/* --- waiting --------------------------------------------------------------- */

int vsock_wait_open(int conn)
{
	const struct vconn *v = conns[conn].v;

	for (vconn_poll(); v->state == VCONN_ASKED && !v->reset;)
		vconn_wait(0);
	return v->reset ? -LINUX_ECONNREFUSED : 0;
}

int64_t vsock_send_all(int conn, const void *buf, uint64_t len)
{
	const uint8_t *from = buf;
	uint64_t done = 0;

	while (done < len) {
		int64_t n = vsock_send(conn, from + done, len - done);

		if (n == -LINUX_EAGAIN)
			vconn_wait(0);
		else if (n < 0)
			return n;
		else
			done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t vsock_recv_wait(int conn, void *buf, uint64_t len)
{
	int64_t n;

	while ((n = vsock_recv(conn, buf, len)) == -LINUX_EAGAIN)
		vconn_wait(0);
	return n;
}
