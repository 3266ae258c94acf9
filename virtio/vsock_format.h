/* vsock_format.h: what a socket device and its driver say to each other
 * (virtio 1.2, 5.10), for the device and for what tests it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_VSOCK_FORMAT_H
#define VIRTIO_VSOCK_FORMAT_H

#include <stdint.h>

#include "base/endian.h"

#define VSOCK_ID        19u
#define VSOCK_QUEUE_MAX 256u
#define VSOCK_SPACE_LEN 8u /* the configuration: le64 guest_cid */

enum vsock_queue { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUES };

#define VSOCK_CID_HOST 2u
#define VSOCK_CID_MIN  3u /* of a guest; 0xffffffff is no address */
#define VSOCK_CID_MAX  0xfffffffeu

/* virtio 1.2, 5.10.3 */
#define VSOCK_F_STREAM    (1ull << 0)
#define VSOCK_F_SEQPACKET (1ull << 1)

#define VSOCK_TYPE_STREAM    1u
#define VSOCK_TYPE_SEQPACKET 2u

/* virtio 1.2, 5.10.6 */
enum vsock_op {
	VSOCK_OP_INVALID,
	VSOCK_OP_REQUEST,
	VSOCK_OP_RESPONSE,
	VSOCK_OP_RST,
	VSOCK_OP_SHUTDOWN,
	VSOCK_OP_RW,
	VSOCK_OP_CREDIT_UPDATE,
	VSOCK_OP_CREDIT_REQUEST,
};

/* Flags of SHUTDOWN: what the sender will not do any more. */
#define VSOCK_SHUTDOWN_RECEIVE 1u
#define VSOCK_SHUTDOWN_SEND    2u
#define VSOCK_SHUTDOWN_BOTH    3u

/* Flags of RW, SEQPACKET. */
#define VSOCK_SEQ_EOM 1u /* the last piece of a record */
#define VSOCK_SEQ_EOR 2u

struct vsock_hdr {
	le64 src_cid, dst_cid;
	le32 src_port, dst_port;
	le32 len; /* bytes behind the header */
	le16 type, op;
	le32 flags;
	le32 buf_alloc, fwd_cnt; /* the sender's receive buffer */
} __attribute__((packed));

_Static_assert(sizeof(struct vsock_hdr) == 44, "ABI");

#endif
