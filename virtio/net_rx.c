/* net_rx.c: from the tap into the guest's buffers.
 *
 * A turn pops chains until the largest frame there can be fits, reads one
 * frame straight into them, gives the chains it filled to the guest, and so
 * on; what is left over at the end goes back into the ring. The header is
 * read into our own memory, mended and then copied in front. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/iov.h"
#include "virtio/net_priv.h"

/* Of the guest's buffers: all but ours in front and the last. */
#define ROOM_IOVS (NET_IOVS - 2)

_Static_assert(ROOM_IOVS >= NET_QUEUE_MAX, "any chain fits");

/* What a turn does with a frame. */
enum { RX_DONE, RX_NO_MORE, RX_NO_ROOM, RX_WAIT };

/* --- room ----------------------------------------------------------------- */

static bool mergeable(const struct net *n)
{
	return vdev_has(&n->v, NET_F_MRG_RXBUF);
}

/* The largest frame without offloads, header included. */
static uint32_t plain_max(const struct net *n)
{
	return NET_HDR_LEN + NET_ETH_LEN + NET_VLAN_LEN + n->cfg.mtu;
}

static uint32_t frame_max(const struct net *n)
{
	const uint64_t large = NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 |
			       NET_F_GUEST_USO4 | NET_F_GUEST_USO6;

	return vdev_has(&n->v, large) ? NET_HDR_LEN + NET_FRAME_MAX
				      : plain_max(n);
}

/* Pops until the largest frame fits, or as far as it goes. <0: fault. */
static int gather(struct net *n, struct vq *q)
{
	struct net_room *m = &n->room;
	const uint32_t want = frame_max(n);
	const unsigned max = mergeable(n) ? NET_QUEUE_MAX : 1;

	m->all = false;
	while (m->n_chains < max && (m->len < want || m->n_chains == 0)) {
		struct vq_chain c;
		int r = vq_pop(q, &n->iov[1 + m->n_iov], ROOM_IOVS - m->n_iov,
			       &c);

		if (r == -ENOBUFS)
			return 0; /* what there is must do */
		m->all = r == 0;
		if (r <= 0)
			return r;
		m->chain[m->n_chains++] =
			(struct net_chain){ (uint32_t)c.write_len, c.head,
					    c.n_write };
		m->n_iov += c.n_write;
		m->len += c.write_len;
		/* virtio 1.2, 5.1.6.3.1: the header fits the first */
		if (c.n_read > 0 || c.write_len < NET_HDR_LEN ||
		    c.write_len > UINT32_MAX)
			return -EPROTO;
	}
	return 0;
}

static void give_back(struct net *n, struct vq *q)
{
	while (n->room.n_chains > 0) {
		vq_undo(q);
		n->room.n_chains--;
	}
}

/* How many chains `len` bytes take. */
static unsigned count_chains(const struct net_room *m, uint32_t len)
{
	unsigned i = 0;

	for (; len > 0; i++)
		len -= len < m->chain[i].len ? len : m->chain[i].len;
	return i;
}

/* The first `count` chains hold `len` bytes; the guest sees all at once. */
static void push(struct net *n, struct vq *q, unsigned count, uint32_t len)
{
	struct net_room *m = &n->room;
	unsigned iovs = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct net_chain *c = &m->chain[i];
		const uint32_t part = len < c->len ? len : c->len;

		if (i + 1 < count)
			vq_push_early(q, c->head, part);
		else
			vq_push(q, c->head, part);
		len -= part;
		iovs += c->n_iov;
		m->len -= c->len;
	}
	m->n_chains -= count;
	m->n_iov -= iovs;
	memmove(m->chain, m->chain + count, m->n_chains * sizeof(*m->chain));
	memmove(&n->iov[1], &n->iov[1 + iovs], m->n_iov * sizeof(*n->iov));
}

/* --- frames --------------------------------------------------------------- */

/* Whether the driver can take such a frame; mends what it may not see. */
static bool mend(const struct net *n, struct net_hdr *h, uint32_t len)
{
	uint64_t need = 0;

	if (h->gso_type & NET_GSO_ECN)
		need |= NET_F_GUEST_ECN;
	switch (h->gso_type & ~NET_GSO_ECN) {
	case NET_GSO_NONE:
		/* virtio 1.2, 5.1.4.1 */
		if (len > plain_max(n) && vdev_has(&n->v, NET_F_MTU)) {
			metric_inc(&net_rx_large);
			return false;
		}
		break;
	case NET_GSO_TCP4:
		need |= NET_F_GUEST_TSO4;
		break;
	case NET_GSO_TCP6:
		need |= NET_F_GUEST_TSO6;
		break;
	case NET_GSO_UDP_L4: /* the tap does not say which IP */
		need |= NET_F_GUEST_USO4 | NET_F_GUEST_USO6;
		break;
	default:
		metric_inc(&net_rx_refused);
		return false;
	}
	if (h->flags & NET_HDR_NEEDS_CSUM)
		need |= NET_F_GUEST_CSUM;
	if (len < NET_HDR_LEN + NET_ETH_LEN || (n->v.features & need) != need) {
		metric_inc(&net_rx_refused);
		return false;
	}
	/* virtio 1.2, 5.1.6.4.1: else flags are 0 */
	if (!vdev_has(&n->v, NET_F_GUEST_CSUM))
		h->flags = 0;
	return true;
}

/* A frame of `len` bytes is in the chains, but for its header. */
static void deliver(struct net *n, struct vq *q, struct net_hdr *h,
		    uint32_t len)
{
	const unsigned count = count_chains(&n->room, len);

	h->num_buffers = le16_of((uint16_t)count);
	(void)iov_scatter(&n->iov[1], n->room.n_iov, h, sizeof(*h));
	push(n, q, count, len);
	metric_inc(&net_rx_frames);
	metric_add(&net_rx_bytes, len - NET_HDR_LEN);
}

static int read_failed(struct net *n, int code)
{
	if (code != -EAGAIN && code != -EINTR)
		net_link_lost(n, -EBADFD); /* so much is wrong with it */
	return RX_NO_MORE;
}

/* One frame from the tap to the chains. */
static int receive(struct net_pair *p, struct vq *q, size_t *ret_len)
{
	struct net *n = p->n;
	struct net_room *m = &n->room;
	struct iovec front[NET_HDR_LEN], *body = &n->iov[1];
	const unsigned n_front =
		m->n_iov < NET_HDR_LEN ? m->n_iov : NET_HDR_LEN;
	unsigned n_body = m->n_iov;
	struct net_hdr h = { 0 };
	uint8_t more;
	ssize_t len;

	/* our header's memory stands for the first bytes of the guest's, of
	 * which each iovec has at least one */
	memcpy(front, body, n_front * sizeof(*front));
	iov_skip(&body, &n_body, sizeof(h));
	body[-1] = (struct iovec){ &h, sizeof(h) };
	body[n_body] = (struct iovec){ &more, sizeof(more) };
	len = readv(p->fd, body - 1, (int)n_body + 2);
	if (len < 0)
		len = -errno;
	memcpy(&n->iov[1], front, n_front * sizeof(*front));
	if (len <= 0)
		return read_failed(n, (int)len);
	*ret_len += (size_t)len;
	if ((uint64_t)len > m->len)
		metric_inc(&net_rx_large);
	else if (mend(n, &h, (uint32_t)len))
		deliver(n, q, &h, (uint32_t)len);
	return RX_DONE;
}

/* One frame from the tap to our own memory. */
static int hold(struct net_pair *p, size_t *ret_len)
{
	ssize_t len = read(p->fd, p->held, NET_HELD_LEN);

	if (len < 0)
		len = -errno;
	if (len <= 0)
		return read_failed(p->n, (int)len);
	*ret_len += (size_t)len;
	if (len == NET_HELD_LEN)
		metric_inc(&net_rx_large);
	else
		p->held_len = (uint32_t)len;
	return RX_DONE;
}

/* From there to the chains. */
static int release(struct net_pair *p, struct vq *q)
{
	struct net *n = p->n;
	const uint32_t len = p->held_len;
	struct net_hdr h = { 0 };

	if (len > n->room.len && n->room.all)
		return RX_NO_ROOM;
	p->held_len = 0;
	memcpy(&h, p->held, len < sizeof(h) ? len : sizeof(h));
	if (len > n->room.len) {
		metric_inc(&net_rx_large);
	} else if (mend(n, &h, len)) {
		(void)iov_scatter(&n->iov[1], n->room.n_iov, p->held, len);
		deliver(n, q, &h, len);
	}
	return RX_DONE;
}

/* --- turns ---------------------------------------------------------------- */

static int next_frame(struct net_pair *p, struct vq *q, size_t *ret_len)
{
	struct net *n = p->n;

	if (n->room.n_chains == 0)
		return RX_NO_ROOM;
	if (p->held_len) /* counted when it came */
		return release(p, q);
	if (!throttle_open(&n->rx_throttle))
		return RX_WAIT;
	if (mergeable(n) && n->room.all && n->room.len < frame_max(n))
		return hold(p, ret_len);
	return receive(p, q, ret_len);
}

static void wait_for_frames(struct net_pair *p)
{
	struct net *n = p->n;
	int r;

	if (p->rx_polled || n->gone || n->v.shut)
		return;
	r = loop_poll(n->cfg.loop, &p->rx_op, p->fd, POLLIN);
	CHECK(r == 0);
	p->rx_polled = true;
}

/* <0: fault. */
static int pump(struct net_pair *p)
{
	struct net *n = p->n;
	struct vq *q = &n->v.queue[net_rx_queue(p)];
	size_t len = 0, before;
	int r = 0, what = RX_DONE;

	n->room.n_chains = n->room.n_iov = 0;
	n->room.len = 0;
	vq_kicks_off(q);
	for (unsigned i = 0; i < NET_BUDGET_FRAMES && len < NET_BUDGET_LEN;
	     i++) {
		r = gather(n, q);
		if (r < 0)
			break;
		before = len;
		what = next_frame(p, q, &len);
		if (what != RX_DONE)
			break;
		if (len > before)
			throttle_charge(&n->rx_throttle,
					len - before - NET_HDR_LEN, 1);
	}
	give_back(n, q);
	if (r < 0)
		return r;
	p->hungry = what == RX_NO_ROOM;
	p->rx_waits = what == RX_WAIT;
	vdev_interrupt(&n->v, net_rx_queue(p));
	if (!p->hungry && !p->rx_waits)
		wait_for_frames(p);
	return 0;
}

static void pump_or_fault(struct net_pair *p)
{
	int r = pump(p);

	if (r < 0)
		vdev_fault(&p->n->v, net_rx_queue(p), r, "bad receive buffer");
}

int net_rx_kick(struct net_pair *p)
{
	/* else the guest's buffers are found when there is a frame */
	return p->hungry ? pump(p) : 0;
}

void net_rx_done(struct loop_op *op, int res)
{
	struct net_pair *p = CONTAINER_OF(op, struct net_pair, rx_op);
	struct net *n = p->n;

	p->rx_polled = false;
	if (res < 0 || !vdev_live(&n->v) || p->index >= n->active)
		return;
	if ((res & (POLLERR | POLLNVAL)) ||
	    (res & (POLLIN | POLLHUP)) == POLLHUP) {
		net_link_lost(n, -EBADFD);
		return;
	}
	pump_or_fault(p);
}

/* The queues of a tap do not starve each other for long: a batch is bounded,
 * and whoever comes first next time is the kernel's choice. */
void net_rx_go_on(struct throttle *t)
{
	struct net *n = CONTAINER_OF(t, struct net, rx_throttle);

	for (unsigned i = 0; i < n->active && vdev_live(&n->v); i++)
		if (n->pair[i].rx_waits)
			pump_or_fault(&n->pair[i]);
}
