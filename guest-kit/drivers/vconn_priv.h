/* vconn_priv.h: what the two halves of the driver share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_VCONN_PRIV_H
#define DRIVERS_VCONN_PRIV_H

#include "drivers/vconn.h"
#include "drivers/virtio.h"

enum queue { RX, TX, EVENT, QUEUES };

/* virtio 1.2, 5.10.6 */
enum op { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, UPDATE, ASK_CREDIT };

#define CID_HOST 2

#define EOM 1u /* of RW flags: a record ends here */

struct vconn_header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct vconn_header) == 44, "virtio 1.2, 5.10.6");

/* Bytes the host may send on a connection before they are taken: as much as a
 * machine of this size can keep for many. */
#define VCONN_WINDOW_MAX  262144u
#define VCONN_WINDOW_PART 1024u /* of memory */
extern uint32_t vconn_window;

extern struct virtio vconn_dev;

/* vconn.c: it is nobody's; its memory goes. */
void vconn_release(struct vconn *c);

/* vconn_tx.c. owe: the packet is sent as soon as there is room. */
void vconn_tx_init(void);
void vconn_owe(struct vconn *c, enum op op);
/* It waits for nothing any more. */
void vconn_leave_lists(struct vconn *c);
/* Somebody waits for room in the ring. */
bool vconn_tx_waits(void);
/* The room that came back goes to those that wait for it. */
void vconn_serve_waiting(void);

#endif
