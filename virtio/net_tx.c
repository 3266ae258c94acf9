/* net_tx.c: from the guest's buffers to the tap.
 *
 * Header and Ethernet header are copied out once, checked, and the copies are
 * what the tap gets; the rest of the frame goes straight from guest memory.
 * The host takes it for what it is: bytes of a stranger. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/iov.h"
#include "virtio/net_priv.h"

/* The part of a chain that is looked at. */
struct head {
	struct net_hdr h;
	uint8_t dst[NET_MAC_LEN], src[NET_MAC_LEN], type[2];
};

_Static_assert(sizeof(struct head) == NET_HDR_LEN + NET_ETH_LEN, "layout");

/* --- what leaves ---------------------------------------------------------- */

/* virtio 1.2, 5.1.6.2.1, for a frame of `len` bytes. */
static bool offload_fits(const struct net *n, const struct net_hdr *h,
			 uint64_t len)
{
	const uint8_t gso = h->gso_type & (uint8_t)~NET_GSO_ECN;
	const bool csum = h->flags & NET_HDR_NEEDS_CSUM;
	uint64_t need = csum ? NET_F_CSUM : 0;

	/* the two bytes of the sum lie in the frame */
	if (csum &&
	    (uint64_t)le16_get(h->csum_start) + le16_get(h->csum_offset) + 2 >
		    len)
		return false;
	switch (gso) {
	case NET_GSO_NONE:
		return h->gso_type == 0 && (n->v.features & need) == need;
	case NET_GSO_TCP4:
		need |= NET_F_HOST_TSO4;
		break;
	case NET_GSO_TCP6:
		need |= NET_F_HOST_TSO6;
		break;
	case NET_GSO_UDP_L4:
		need |= NET_F_HOST_USO;
		if (h->gso_type != gso)
			return false;
		break;
	default:
		return false;
	}
	if (h->gso_type & NET_GSO_ECN)
		need |= NET_F_HOST_ECN;
	return csum && le16_get(h->gso_size) > 0 &&
	       le16_get(h->hdr_len) <= len && (n->v.features & need) == need;
}

/* The copy that the tap gets: no bit and no number that nobody asked for. */
static void tidy(struct net_hdr *h)
{
	struct net_hdr t = { 0 };

	if (h->flags & NET_HDR_NEEDS_CSUM) {
		t.flags = NET_HDR_NEEDS_CSUM;
		t.csum_start = h->csum_start;
		t.csum_offset = h->csum_offset;
	}
	if (h->gso_type != NET_GSO_NONE) {
		t.gso_type = h->gso_type;
		t.gso_size = h->gso_size;
		t.hdr_len = h->hdr_len;
	}
	*h = t;
}

/* `len`: of header and frame. */
static bool may_leave(const struct net *n, const struct head *e, uint64_t len)
{
	if (len > NET_HDR_LEN + NET_FRAME_MAX ||
	    !offload_fits(n, &e->h, len - NET_HDR_LEN)) {
		metric_inc(&net_tx_bad);
		return false;
	}
	if (n->cfg.guard && memcmp(e->src, n->cfg.mac, NET_MAC_LEN) != 0) {
		metric_inc(&net_tx_spoofed);
		return false;
	}
	return true;
}

/* 0, also for a frame that is dropped; -EAGAIN: the tap takes none now;
 * -EPROTO: not a frame. The chain's buffers are at iov[1]. */
static int transmit(struct net_pair *p, const struct vq_chain *c)
{
	struct net *n = p->n;
	struct iovec *body = c->iov;
	unsigned n_body = c->n_read;
	struct head e;
	ssize_t r;

	if (c->n_write > 0 || c->read_len < NET_HDR_LEN)
		return -EPROTO;
	if (!iov_gather(body, n_body, &e, sizeof(e))) {
		metric_inc(&net_tx_bad); /* no whole Ethernet header */
		return 0;
	}
	if (!may_leave(n, &e, c->read_len))
		return 0;
	if (n->gone) {
		metric_inc(&net_tx_down);
		return 0;
	}
	tidy(&e.h);
	/* 26 bytes of the guest's give way to ours: at least one iovec of
	 * them, or part of one, in front of which there is one to spare */
	iov_skip(&body, &n_body, sizeof(e));
	body[-1] = (struct iovec){ &e, sizeof(e) };
	r = writev(p->fd, body - 1, (int)n_body + 1);
	if (r < 0)
		r = -errno;
	if (r == -EAGAIN || r == -EINTR)
		return -EAGAIN;
	if (r == -EIO || r == -EBADFD) {
		metric_inc(&net_tx_down);
		net_link_lost(n, (int)r);
	} else if (r < 0) {
		metric_inc(&net_tx_refused);
	} else {
		metric_inc(&net_tx_frames);
		metric_add(&net_tx_bytes, c->read_len - NET_HDR_LEN);
	}
	return 0;
}

/* --- turns ---------------------------------------------------------------- */

static void wait_for_tap(struct net_pair *p)
{
	struct net *n = p->n;
	int r;

	if (n->v.shut)
		return;
	r = loop_poll(n->cfg.loop, &p->tx_op, p->fd, POLLOUT);
	CHECK(r == 0);
	p->tx_polled = true;
}

/* As vdev_ops.notify. */
static int pump(struct net_pair *p)
{
	struct net *n = p->n;
	struct vq *q = &n->v.queue[net_tx_queue(p)];
	uint64_t len = 0;
	int r = 1;

	p->tx_waits = false;
	vq_kicks_off(q);
	for (unsigned i = 0; i < NET_BUDGET_FRAMES && len < NET_BUDGET_LEN;
	     i++) {
		struct vq_chain c;

		r = vq_pop(q, &n->iov[1], NET_QUEUE_MAX, &c);
		if (r <= 0)
			break;
		p->tx_waits = !throttle_open(&n->tx_throttle);
		r = p->tx_waits ? -EBUSY : transmit(p, &c);
		if (r < 0) {
			vq_undo(q);
			break;
		}
		throttle_charge(&n->tx_throttle, c.read_len - NET_HDR_LEN, 1);
		len += c.read_len;
		vq_push(q, c.head, 0);
		r = 1;
	}
	vdev_interrupt(&n->v, net_tx_queue(p));
	if (r == -EAGAIN)
		wait_for_tap(p);
	if (r == -EAGAIN || r == -EBUSY)
		return 0;
	return r;
}

int net_tx_kick(struct net_pair *p)
{
	return p->tx_polled || p->tx_waits ? 0 : pump(p);
}

static void pump_on(struct net_pair *p)
{
	struct net *n = p->n;
	int r = pump(p);

	if (r < 0)
		vdev_fault(&n->v, net_tx_queue(p), r, "bad frame");
	else if (r > 0) /* more than at a time */
		wait_for_tap(p);
}

/* Also when the wait was given up, because the link went down: then what
 * waits is dropped. */
void net_tx_done(struct loop_op *op, int res)
{
	struct net_pair *p = CONTAINER_OF(op, struct net_pair, tx_op);
	struct net *n = p->n;

	p->tx_polled = false;
	if (!vdev_live(&n->v) || p->index >= n->active)
		return;
	if (res > 0 && (res & (POLLERR | POLLNVAL)))
		net_link_lost(n, -EBADFD);
	pump_on(p);
}

/* Round robin, from the pair behind the one that was first last time. */
void net_tx_go_on(struct throttle *t)
{
	struct net *n = CONTAINER_OF(t, struct net, tx_throttle);

	n->turn = (n->turn + 1) % n->active;
	for (unsigned i = 0; i < n->active && vdev_live(&n->v); i++) {
		struct net_pair *p = &n->pair[(n->turn + i) % n->active];

		if (p->tx_waits && !p->tx_polled)
			pump_on(p);
	}
}
