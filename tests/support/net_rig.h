/* net_rig.h: a network device on a real loop, with a pair of sockets for each
 * queue of its tap and its guest on plain memory. One at a time; what cannot
 * fail on a sane host is CHECKed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_NET_RIG_H
#define SUPPORT_NET_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/net.h"

#define CARD_RAM  (4u << 20)
#define CARD_DATA 0x100000u /* from here on memory is the test's */
#define CARD_RING 64u
#define CARD_ALL  0x6fu /* NET_TAP_* */
#define CARD_PLAIN                                                 \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | NET_F_MAC | \
	 NET_F_STATUS | NET_F_MTU)
#define CARD_OFFLOADS                                                          \
	(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | \
	 NET_F_GUEST_ECN | NET_F_HOST_TSO4 | NET_F_HOST_TSO6 |                 \
	 NET_F_HOST_ECN | NET_F_GUEST_USO4 | NET_F_GUEST_USO6 |                \
	 NET_F_HOST_USO)

struct net_rig {
	struct loop *loop;
	struct vdev *v;
	struct gmem mem;
	struct net_config cfg;   /* set what differs before card_create */
	bool watched;            /* ... and whether there is a link socket */
	int host[NET_PAIRS_MAX]; /* the tap's other side */
	int news;                /* where link messages come from */
	struct vdriver drv[VDEV_QUEUES_MAX];
	unsigned fired; /* interrupts */
	/* what the tap was told */
	unsigned offloads, n_offloads;
	bool attached[NET_PAIRS_MAX];
	int attach_error;
};

extern struct net_rig card;
extern uint8_t card_ram[CARD_RAM];
extern const uint8_t card_mac[NET_MAC_LEN];

/* A device with address card_mac and MTU 1500, all offloads, link up. */
void card_create(enum loop_engine engine);
/* Its driver, with all queues that `features` make. */
void card_drive(uint64_t features);
void card_up(enum loop_engine engine, uint64_t features);
void card_down(void);

void card_kick(unsigned queue);
void card_reset(void);
/* Lets the loop do all that can be done now. */
void card_settle(void);

/* A frame that says where its bytes are, `len` without header. */
void card_frame(uint8_t *frame, size_t len, uint8_t seed);
/* Sends header and frame from guest memory at `gpa`; kicks and settles. */
void card_send(unsigned pair, const struct net_hdr *h, const uint8_t *frame,
	       uint32_t len);
/* What came out of the tap: bytes of header and frame, or -1. */
int card_sent(unsigned pair, void *buf, size_t len);
/* The host sends a frame through the tap. */
void card_arrives(unsigned pair, const struct net_hdr *h, const uint8_t *frame,
		  size_t len);
/* Offers a receive buffer; does not kick. */
void card_offer(unsigned pair, gpa_t gpa, uint32_t len);
/* Link news: a message of `type` (RTM_*) about the interface. */
void card_news(int type, int family, int index, unsigned flags);

/* The counter of this name. */
uint64_t card_count(const char *name);
bool card_link(void); /* as the configuration has it */

#endif
