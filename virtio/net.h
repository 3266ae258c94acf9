/* net.h: virtio network device (virtio 1.2, 5.1) over a tap.
 *
 * Frames. A frame crosses in one system call on whichever thread is there: a
 * kick writes what the guest sends straight from its buffers to the tap; when
 * the tap has something, the loop thread reads it straight into the guest's
 * buffers. Neither waits: what the tap does not take stays in its ring until
 * the tap can be written to, and a guest without buffers is not read for
 * until it offers some. Work at a time is bounded, in frames and in bytes,
 * and ends with one interrupt. Only a frame that might be larger than what
 * the guest offers at the moment is received into a buffer of ours and waits
 * there for more room: nothing is lost between tap and guest because a guest
 * is slow, except what the tap's own queue drops.
 *
 * Headers. The tap is open with IFF_VNET_HDR and a header of NET_HDR_LEN
 * bytes, little-endian: the device's own. What a guest sends is looked at in
 * a copy, which is then what the tap gets: flags, gso_type and offsets must
 * fit features and frame. A header that lies costs the frame, a chain that
 * holds no header, or buffers of the wrong direction, the device.
 *
 * Offloads. The tap is told what the driver takes (GUEST_*) when it is ready
 * and to do without after a reset; frames from before that the driver cannot
 * take are dropped.
 *
 * Source. With `guard` only frames from the device's own address leave.
 *
 * Link. A tap that is down, or gone, is a link that is down: what is sent
 * then is dropped. `link_fd`, if there is one, tells when that changes;
 * without it the tap itself does, a down only when something is sent.
 *
 * Rates. Each direction has buckets of its own for the whole device. A frame
 * counts with its length, however many segments it is for; one that is
 * dropped counts, too. Where the rate is reached the guest's frames wait in
 * its rings, in turn between the pairs, and the host's in the tap.
 *
 * Queues. Pair n is queues 2n (receive) and 2n + 1 (transmit) and has a
 * descriptor of its own, a queue of the same tap. Pairs the driver does not
 * use are detached from the tap. With one pair there is no control queue.
 *
 * System calls after net_new: readv, writev, write (to link_fd), ioctl
 * (TUNSETOFFLOAD, TUNSETQUEUE), madvise, and the loop's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/net_format.h"
#include "virtio/ratelimit.h"
#include "virtio/vdev.h"

struct err;
struct loop;
struct metric;

#define NET_PAIRS_MAX 8u

/* What a tap can take from its device's driver, and what it is told:
 * TUN_F_* of <linux/if_tun.h>; the last two since Linux 6.2, together. */
#define NET_TAP_CSUM 0x01u
#define NET_TAP_TSO4 0x02u
#define NET_TAP_TSO6 0x04u
#define NET_TAP_ECN  0x08u
#define NET_TAP_USO4 0x20u
#define NET_TAP_USO6 0x40u

/* What is asked of a tap beside reading and writing: 0 or negative errno. */
struct net_tap_ops {
	int (*set_offloads)(int fd, unsigned offloads); /* NET_TAP_* */
	int (*set_attached)(int fd, bool attached);     /* a queue */
};
extern const struct net_tap_ops net_tap_ops; /* of a real one */

/* All is borrowed and outlives the device, except for the struct itself. */
struct net_config {
	struct loop *loop;
	const struct gmem *mem;
	struct irq_line irq;
	const struct net_tap_ops *tap;
	int fd[NET_PAIRS_MAX]; /* O_NONBLOCK; not closed by the device */
	unsigned pairs;        /* 1..NET_PAIRS_MAX */
	unsigned offloads;     /* NET_TAP_*: what the tap has */
	int link_fd;  /* a NETLINK_ROUTE socket in RTMGRP_LINK, or -1 */
	int if_index; /* of the tap, for link_fd */
	bool link_up; /* at the beginning */
	uint8_t mac[NET_MAC_LEN];
	bool guard;                    /* only frames from `mac` leave */
	uint16_t mtu;                  /* NET_MTU_MIN.. */
	struct ratelimit_config limit; /* of each direction */
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const net_metrics[];

/* Returns owned in *ret_v, for vdev_free. -ENOMEM, or what the tap answers to
 * set_attached. */
WUR int net_new(const struct net_config *cfg, struct vdev **ret_v,
		struct err *err);

#endif
