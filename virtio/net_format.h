/* net_format.h: what a network device and its driver say to each other
 * (virtio 1.2, 5.1), for the device and for what tests it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_NET_FORMAT_H
#define VIRTIO_NET_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"

#define NET_ID        1u
#define NET_QUEUE_MAX 256u
#define NET_MAC_LEN   6u
#define NET_MTU_MIN   68u
#define NET_MTU_MAX   65535u

/* virtio 1.2, 5.1.3 */
#define NET_F_CSUM       (1ull << 0)
#define NET_F_GUEST_CSUM (1ull << 1)
#define NET_F_MTU        (1ull << 3)
#define NET_F_MAC        (1ull << 5)
#define NET_F_GUEST_TSO4 (1ull << 7)
#define NET_F_GUEST_TSO6 (1ull << 8)
#define NET_F_GUEST_ECN  (1ull << 9)
#define NET_F_HOST_TSO4  (1ull << 11)
#define NET_F_HOST_TSO6  (1ull << 12)
#define NET_F_HOST_ECN   (1ull << 13)
#define NET_F_MRG_RXBUF  (1ull << 15)
#define NET_F_STATUS     (1ull << 16)
#define NET_F_CTRL_VQ    (1ull << 17)
#define NET_F_MQ         (1ull << 22)
#define NET_F_GUEST_USO4 (1ull << 54)
#define NET_F_GUEST_USO6 (1ull << 55)
#define NET_F_HOST_USO   (1ull << 56)

/* virtio 1.2, 5.1.6: flags and gso_type of a frame's header */
#define NET_HDR_NEEDS_CSUM 1u
#define NET_GSO_NONE       0u
#define NET_GSO_TCP4       1u
#define NET_GSO_TCP6       4u
#define NET_GSO_UDP_L4     5u
#define NET_GSO_ECN        0x80u /* beside a TCP type */

#define NET_S_LINK_UP 1u /* net_space.status */

/* virtio 1.2, 5.1.6.5: control commands and their answers */
#define NET_CTRL_MQ              4u
#define NET_CTRL_MQ_VQ_PAIRS_SET 0u
#define NET_CTRL_OK              0u
#define NET_CTRL_ERR             1u

/* In front of every frame, both ways; tap devices speak it, too. */
struct net_hdr {
	uint8_t flags, gso_type;
	le16 hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};

struct net_space { /* the configuration space */
	uint8_t mac[NET_MAC_LEN];
	le16 status, max_virtqueue_pairs, mtu;
};

#define NET_HDR_LEN   12u
#define NET_ETH_LEN   14u
#define NET_VLAN_LEN  4u
#define NET_FRAME_MAX 65550u /* virtio 1.2, 5.1.6.3.1: of offloaded ones */

struct net_ctrl_mq {
	uint8_t class, command;
	le16 pairs;
};

_Static_assert(sizeof(struct net_hdr) == NET_HDR_LEN, "ABI");
_Static_assert(sizeof(struct net_space) == 12, "ABI");
_Static_assert(sizeof(struct net_ctrl_mq) == 4, "ABI");

#endif
