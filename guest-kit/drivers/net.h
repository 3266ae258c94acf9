/* net.h: virtio network devices (virtio 1.2, 5.1): whole Ethernet frames in
 * and out, no offloads. Many may be received and sent before the device is
 * told; net_push tells it about all of them at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_NET_H
#define DRIVERS_NET_H

#include "kernel/types.h"

#define NET_MAX        4  /* devices */
#define NET_BUFFERS    64 /* each way, of each device */
#define NET_MAC_LEN    6
#define NET_FRAME_ROOM 18u /* of a frame beside what the MTU counts */

struct net_info {
	uint8_t mac[NET_MAC_LEN];
	uint16_t mtu;
};

/* A received frame, in a buffer of the driver's until net_release. */
struct net_frame {
	uint8_t *bytes;
	uint32_t len;
	unsigned buffer;
};

/* The nth card, started when first asked for; false: there is none, or too
 * little memory. */
WUR bool net_open(unsigned nth, struct net_info *ret_info);

/* The rest is for open cards. */
WUR bool net_link_is_up(unsigned nth);

/* The next frame, if there is one. Does not wait. */
WUR bool net_receive(unsigned nth, struct net_frame *ret_frame);
/* Its buffer may be received into again, after the next net_push. */
void net_release(unsigned nth, const struct net_frame *frame);
/* Waits for a frame, or until the time has come (clock_now; 0: never). May
 * return early. */
void net_wait(unsigned nth, uint64_t until_ns);
/* True: there is a frame. Else fn is called (irq_on), once, when one may have
 * come. One fn for all cards. */
WUR bool net_listen(unsigned nth, void (*fn)(void));

/* Copies a frame, which leaves after the next net_push. -EAGAIN: every buffer
 * is on its way out; -EINVAL: longer than MTU and NET_FRAME_ROOM. */
WUR int64_t net_send(unsigned nth, const void *frame, uint32_t len);
void net_push(unsigned nth);

#endif
