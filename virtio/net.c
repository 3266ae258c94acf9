/* net.c: see net.h. The device, its queues and its life. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/checked.h"
#include "base/err.h"
#include "base/log.h"
#include "virtio/net_priv.h"

#define HELD_STRIDE ((NET_HELD_LEN + 4095u) & ~4095u) /* whole pages */

_Static_assert(2 * NET_PAIRS_MAX + 1 <= VDEV_QUEUES_MAX, "queues");

struct metric net_rx_frames = { "rx_frames_net", "frames received", 0 };
struct metric net_rx_bytes = { "rx_bytes_net", "bytes of these", 0 };
struct metric net_rx_large = { "rx_large_net",
			       "received frames too large for the guest", 0 };
struct metric net_rx_refused = { "rx_refused_net",
				 "received frames the driver cannot take", 0 };
struct metric net_tx_frames = { "tx_frames_net", "frames sent", 0 };
struct metric net_tx_bytes = { "tx_bytes_net", "bytes of these", 0 };
struct metric net_tx_bad = { "tx_bad_net",
			     "frames not sent for their header or size", 0 };
struct metric net_tx_spoofed = { "tx_spoofed_net",
				 "frames not sent for their source address",
				 0 };
struct metric net_tx_down = { "tx_down_net",
			      "frames not sent because the link was down", 0 };
struct metric net_tx_refused = { "tx_refused_net",
				 "frames that the tap did not take", 0 };
struct metric net_ctrl_refused = { "ctrl_refused_net",
				   "control commands that were refused", 0 };
struct metric net_link_changes = { "link_changes_net",
				   "times the link went up or down", 0 };

struct metric *const net_metrics[] = { &net_rx_frames,
				       &net_rx_bytes,
				       &net_rx_large,
				       &net_rx_refused,
				       &net_tx_frames,
				       &net_tx_bytes,
				       &net_tx_bad,
				       &net_tx_spoofed,
				       &net_tx_down,
				       &net_tx_refused,
				       &net_ctrl_refused,
				       &net_link_changes,
				       NULL };

static struct net *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct net, v);
}

/* --- queues --------------------------------------------------------------- */

/* virtio 1.2, 5.1.2: where the control queue is depends on MQ. */
static unsigned ctrl_queue(const struct net *n)
{
	return vdev_has(&n->v, NET_F_MQ) ? 2 * n->cfg.pairs : 2;
}

static int net_notify(struct vdev *v, unsigned queue)
{
	struct net *n = of(v);

	if (vdev_has(v, NET_F_CTRL_VQ) && queue == ctrl_queue(n))
		return net_ctrl_kick(n, queue);
	if (queue / 2 >= n->active)
		return 0; /* waits until its pair is in use */
	return queue % 2 ? net_tx_kick(&n->pair[queue / 2])
			 : net_rx_kick(&n->pair[queue / 2]);
}

/* Pairs that join in look at their rings; the lists of the tap's queues and
 * of ours are the same whatever happens. */
int net_set_pairs(struct net *n, unsigned pairs)
{
	int r = 0;

	while (!r && n->active > pairs) {
		r = n->cfg.tap->set_attached(n->pair[n->active - 1].fd, false);
		if (!r)
			n->active--;
	}
	while (!r && n->active < pairs) {
		r = n->cfg.tap->set_attached(n->pair[n->active].fd, true);
		if (!r)
			n->pair[n->active++].hungry = true;
	}
	return r;
}

/* --- configuration -------------------------------------------------------- */

static void net_config_read(struct vdev *v, unsigned off, void *buf, unsigned n)
{
	const struct net *d = of(v);
	struct net_space s = {
		.status = le16_of(d->link_up ? NET_S_LINK_UP : 0),
		.max_virtqueue_pairs = le16_of((uint16_t)d->cfg.pairs),
		.mtu = le16_of(d->cfg.mtu),
	};

	memcpy(s.mac, d->cfg.mac, sizeof(s.mac));
	memcpy(buf, (const uint8_t *)&s + off, n);
}

/* --- life ----------------------------------------------------------------- */

/* What the driver takes of what the tap can give. */
static unsigned wanted_offloads(const struct net *n)
{
	const uint64_t f = n->v.features;
	unsigned o = 0;

	/* virtio 1.2, 5.1.3.1: all need GUEST_CSUM, ECN needs TSO */
	if (!(f & NET_F_GUEST_CSUM))
		return 0;
	o |= NET_TAP_CSUM;
	o |= f & NET_F_GUEST_TSO4 ? NET_TAP_TSO4 : 0;
	o |= f & NET_F_GUEST_TSO6 ? NET_TAP_TSO6 : 0;
	if ((f & NET_F_GUEST_ECN) && (o & (NET_TAP_TSO4 | NET_TAP_TSO6)))
		o |= NET_TAP_ECN;
	if ((f & NET_F_GUEST_USO4) && (f & NET_F_GUEST_USO6))
		o |= NET_TAP_USO4 | NET_TAP_USO6;
	return o & n->cfg.offloads;
}

/* A tap that refuses sends what the driver does not expect, and net_rx.c
 * drops it. */
static void set_offloads(const struct net *n, unsigned offloads)
{
	int r = n->gone ? 0 : n->cfg.tap->set_offloads(n->pair[0].fd, offloads);

	if (r)
		log_warn("net", "offloads of a tap: %s", strerror(-r));
}

static int net_activate(struct vdev *v)
{
	struct net *n = of(v);

	set_offloads(n, wanted_offloads(n));
	n->pair[0].hungry = true;
	net_link_watch(n);
	return 0;
}

/* Polls are left to end by themselves: they touch nothing, and what they find
 * is looked at afresh. */
static void net_reset(struct vdev *v)
{
	struct net *n = of(v);
	int r = n->gone ? 0 : net_set_pairs(n, 1);

	if (r)
		log_warn("net", "queues of a tap: %s", strerror(-r));
	set_offloads(n, 0);
	for (unsigned i = 0; i < n->cfg.pairs; i++) {
		n->pair[i].hungry = false;
		n->pair[i].rx_waits = n->pair[i].tx_waits = false;
		n->pair[i].held_len = 0;
	}
	(void)madvise(n->held, (size_t)n->cfg.pairs * HELD_STRIDE,
		      MADV_DONTNEED); /* only gives memory back */
}

static void net_quiesce(struct vdev *v)
{
	struct net *n = of(v);

	throttle_cancel(&n->rx_throttle);
	throttle_cancel(&n->tx_throttle);
	if (!v->shut) /* polls need not end for a reset, see net_reset */
		return;
	for (unsigned i = 0; i < n->cfg.pairs; i++) {
		loop_cancel(n->cfg.loop, &n->pair[i].rx_op);
		loop_cancel(n->cfg.loop, &n->pair[i].tx_op);
	}
	loop_cancel(n->cfg.loop, &n->link_op);
	loop_cancel(n->cfg.loop, &n->up_op);
}

static void net_fini(struct vdev *v)
{
	struct net *n = of(v);

	for (unsigned i = 0; i < n->cfg.pairs; i++)
		CHECK(!n->pair[i].rx_polled && !n->pair[i].tx_polled);
	CHECK(!n->link_read && !n->up_polled);
	if (n->held)
		(void)munmap(n->held, (size_t)n->cfg.pairs * HELD_STRIDE);
	free(n);
}

/* The number of pairs is the one thing that differs between two of these. */
#define OPS(n)                                                                \
	{                                                                     \
		.name = "net", .device_id = NET_ID,                           \
		.features = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MTU |       \
			    NET_F_MAC | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | \
			    NET_F_GUEST_ECN | NET_F_HOST_TSO4 |               \
			    NET_F_HOST_TSO6 | NET_F_HOST_ECN |                \
			    NET_F_MRG_RXBUF | NET_F_STATUS | NET_F_CTRL_VQ |  \
			    NET_F_MQ | NET_F_GUEST_USO4 | NET_F_GUEST_USO6 |  \
			    NET_F_HOST_USO,                                   \
		.queues = (n) == 1 ? 2 : 2 * (n) + 1,                         \
		.queue_max = NET_QUEUE_MAX,                                   \
		.config_len = sizeof(struct net_space),                       \
		.activate = net_activate, .notify = net_notify,               \
		.quiesce = net_quiesce, .reset = net_reset, .fini = net_fini, \
		.config_read = net_config_read,                               \
	}

static const struct vdev_ops net_ops[NET_PAIRS_MAX] = {
	OPS(1), OPS(2), OPS(3), OPS(4), OPS(5), OPS(6), OPS(7), OPS(8),
};

static uint64_t not_offered(const struct net_config *cfg)
{
	const unsigned o = cfg->offloads;
	const unsigned uso = NET_TAP_USO4 | NET_TAP_USO6;
	uint64_t f = cfg->pairs > 1 ? 0 : NET_F_CTRL_VQ | NET_F_MQ;

	f |= o & NET_TAP_CSUM ? 0 : NET_F_CSUM | NET_F_GUEST_CSUM;
	f |= o & NET_TAP_TSO4 ? 0 : NET_F_HOST_TSO4 | NET_F_GUEST_TSO4;
	f |= o & NET_TAP_TSO6 ? 0 : NET_F_HOST_TSO6 | NET_F_GUEST_TSO6;
	f |= o & NET_TAP_ECN ? 0 : NET_F_HOST_ECN | NET_F_GUEST_ECN;
	if ((o & uso) != uso)
		f |= NET_F_HOST_USO | NET_F_GUEST_USO4 | NET_F_GUEST_USO6;
	return f;
}

static void init_pair(struct net *n, unsigned i)
{
	n->pair[i] = (struct net_pair){
		.n = n,
		.fd = n->cfg.fd[i],
		.index = (uint8_t)i,
		.rx_op.done = net_rx_done,
		.tx_op.done = net_tx_done,
		.held = n->held + (size_t)i * HELD_STRIDE,
	};
}

int net_new(const struct net_config *cfg, struct vdev **ret_v, struct err *err)
{
	struct net *n;
	int r;

	CHECK(cfg->pairs >= 1 && cfg->pairs <= NET_PAIRS_MAX);
	CHECK(cfg->mtu >= NET_MTU_MIN);
	n = calloc(1, sizeof(*n));
	if (!n)
		return err_set(err, -ENOMEM, "network device");
	vdev_init(&n->v, &net_ops[cfg->pairs - 1], cfg->mem, cfg->irq);
	n->v.offered &= ~not_offered(cfg);
	n->cfg = *cfg;
	n->link_up = cfg->link_up;
	throttle_init(&n->rx_throttle, &cfg->limit, cfg->loop, &n->v,
		      net_rx_go_on);
	throttle_init(&n->tx_throttle, &cfg->limit, cfg->loop, &n->v,
		      net_tx_go_on);
	n->link_op.done = net_link_done;
	n->up_op.done = net_link_up_done;
	n->held = mmap(NULL, (size_t)cfg->pairs * HELD_STRIDE,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (n->held == MAP_FAILED) {
		n->held = NULL;
		net_fini(&n->v);
		return err_set(err, -ENOMEM, "network device");
	}
	for (unsigned i = 0; i < cfg->pairs; i++)
		init_pair(n, i);
	n->active = cfg->pairs;
	r = net_set_pairs(n, 1);
	if (r) {
		net_fini(&n->v);
		return err_set(err, r, "queues of the tap");
	}
	*ret_v = &n->v;
	return 0;
}
