/* blk_priv.h: a block device's insides: blk.c is the device, its queues and
 * its life, blk_req.c what becomes of one request. The machine lock protects
 * everything. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_BLK_PRIV_H
#define VIRTIO_BLK_PRIV_H

#include "loop/loop.h"
#include "virtio/blk.h"
#include "virtio/throttle.h"

/* What the loop does for a request. */
enum blk_step {
	BLK_IDLE, /* the slot is free */
	BLK_MOVE, /* bytes between file and guest */
	BLK_FALLOCATE,
	BLK_ZERO, /* a range is written over, where fallocate cannot */
	BLK_SYNC,
};

/* A slot. */
struct blk_req {
	struct loop_op op;
	struct blk *b;
	struct blk_req *next_free;
	struct iovec *iov; /* BLK_QUEUE_MAX of them, this slot's own */
	enum blk_step step;
	bool elsewhere; /* counted in vdev.elsewhere */
	uint8_t queue;
	uint16_t head;
	uint32_t type;
	uint8_t *status; /* the guest's byte, written once */
	uint64_t room;   /* bytes before it that are for the device to write */

	/* IN and OUT: what is left to move, between guest memory (part of
	 * `iov`) and `off`; that and `left` also say how far a range being
	 * zeroed got. */
	struct iovec *data;
	unsigned n_data;
	uint64_t off, left, moved;
	uint8_t *bounce; /* or NULL */
	struct iovec bounce_iov;

	struct blk_range range[BLK_RANGES_MAX]; /* our copy */
	unsigned n_ranges, next_range;
	bool punch; /* this range: give the space back */
};

struct blk {
	struct vdev v;
	struct blk_config cfg;
	uint64_t sectors;
	char serial[BLK_SERIAL];
	bool writeback;   /* as CONFIG_WCE has it */
	bool sync_failed; /* for ever */

	bool pumping;      /* the queue is being emptied */
	unsigned now_left; /* bytes that may still be moved at once */

	struct loop_op after; /* the end of a batch */
	bool after_pending;
	uint8_t pushed; /* bit n: queue n, since the last interrupt */
	uint8_t hungry; /* bit n: queue n waits for a bounce buffer or a rate */
	unsigned turn;  /* the queue that goes on first, modulo their number */
	struct throttle throttle;

	struct blk_req *req;     /* the slots */
	unsigned n_reqs, n_used; /* req[n_used ..] were never used */
	struct blk_req *free;
	struct iovec *iov; /* of all slots */
	uint8_t *bounce;   /* BLK_BOUNCES buffers */
	uint8_t *bounce_free[BLK_BOUNCES];
	unsigned n_bounce_free;
};

/* blk_req.c: what was popped into slot `r`. 1: it is in flight. 0: it was
 * answered. -EPROTO: a broken chain. -EAGAIN: no bounce buffer; later. After
 * a negative result the chain is still the queue's. */
WUR int blk_req_start(struct blk_req *r, const struct vq_chain *c);
void blk_req_done(struct loop_op *op, int res);

/* blk.c: the request has its status; the slot is free afterwards. */
void blk_answer(struct blk_req *r, uint32_t used_len);

#endif
