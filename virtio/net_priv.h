/* net_priv.h: a network device's insides: net.c is the device and its life,
 * net_rx.c and net_tx.c are the ways of a frame, net_ctrl.c the control
 * queue, net_link.c knows whether the link is up. The machine lock protects
 * everything. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_NET_PRIV_H
#define VIRTIO_NET_PRIV_H

#include "base/metrics.h"
#include "loop/loop.h"
#include "virtio/net.h"
#include "virtio/throttle.h"

/* Work at a time of one queue. */
#define NET_BUDGET_FRAMES 64u
#define NET_BUDGET_LEN    (256u << 10)

/* A frame in our own memory: header, frame, and a byte that is only reached
 * by one that is too large. */
#define NET_HELD_LEN (NET_HDR_LEN + NET_FRAME_MAX + 1)

/* Buffers of a readv or writev: ours in front and behind, the guest's. */
#define NET_IOVS 1024u

/* What net_rx.c has popped within one turn: chains in order, and their
 * buffers at iov[1] .. iov[n_iov]. */
struct net_room {
	struct net_chain {
		uint32_t len; /* bytes */
		uint16_t head, n_iov;
	} chain[NET_QUEUE_MAX];
	unsigned n_chains, n_iov;
	uint64_t len; /* of all chains */
	bool all;     /* the ring has no more */
};

struct net_pair {
	struct net *n;
	int fd;
	uint8_t index;
	struct loop_op rx_op, tx_op; /* polls */
	bool rx_polled, tx_polled;   /* these are in flight */
	bool hungry;   /* the guest has no room; its next kick goes on */
	uint8_t *held; /* NET_HELD_LEN bytes */
	bool rx_waits, tx_waits; /* for the throttle of the direction */
	uint32_t held_len;       /* what is in there, header included; or 0 */
};

struct net {
	struct vdev v;
	struct net_config cfg;
	struct net_pair pair[NET_PAIRS_MAX];
	unsigned active; /* pairs in use, from the first on */
	struct iovec iov[NET_IOVS];
	struct net_room room;
	struct throttle rx_throttle, tx_throttle;
	unsigned turn; /* the pair that may send first when the rate allows */
	uint8_t *held; /* mapping of all pairs' */

	bool link_up, gone;  /* gone: the tap does not exist any more */
	bool asked, watched; /* link_fd was asked; and tells the truth */
	struct loop_op link_op, up_op;
	bool link_read, up_polled; /* in flight */
	struct iovec link_iov;
	_Alignas(8) uint8_t link_buf[4096];
};

extern struct metric net_rx_frames, net_rx_bytes, net_rx_large, net_rx_refused,
	net_tx_frames, net_tx_bytes, net_tx_bad, net_tx_spoofed, net_tx_down,
	net_tx_refused, net_ctrl_refused, net_link_changes;

static inline unsigned net_rx_queue(const struct net_pair *p)
{
	return 2u * p->index;
}

static inline unsigned net_tx_queue(const struct net_pair *p)
{
	return 2u * p->index + 1;
}

/* net_rx.c: as vdev_ops.notify. */
WUR int net_rx_kick(struct net_pair *p);
void net_rx_done(struct loop_op *op, int res);
void net_rx_go_on(struct throttle *t);

/* net_tx.c: as vdev_ops.notify. */
WUR int net_tx_kick(struct net_pair *p);
void net_tx_done(struct loop_op *op, int res);
void net_tx_go_on(struct throttle *t);

/* net_ctrl.c: as vdev_ops.notify. */
WUR int net_ctrl_kick(struct net *n, unsigned queue);

/* net.c: uses `pairs` pairs from now on. 0, or what the tap answers. */
WUR int net_set_pairs(struct net *n, unsigned pairs);

/* net_link.c: begins to watch, once. */
void net_link_watch(struct net *n);
/* The tap answered that it is down, or that it does not exist. */
void net_link_lost(struct net *n, int code);
void net_link_done(struct loop_op *op, int res);
void net_link_up_done(struct loop_op *op, int res);

#endif
