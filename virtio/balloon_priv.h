/* balloon_priv.h: a balloon device's insides: balloon.c is the device, its
 * configuration and its life, balloon_pages.c what gives memory back,
 * balloon_stats.c the statistics. The machine lock protects everything. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_BALLOON_PRIV_H
#define VIRTIO_BALLOON_PRIV_H

#include "loop/loop.h"
#include "virtio/balloon.h"

/* A chain that is worked off a slice at a time. */
struct balloon_work {
	bool busy; /* the rest means something; the chain is in flight */
	uint16_t head;
	unsigned n; /* iovecs left, at `at` */
	struct iovec *at;
	struct iovec iov[BALLOON_QUEUE_MAX];
};

struct balloon {
	struct vdev v;
	struct balloon_config cfg;
	uint32_t target, actual;      /* pages */
	uint32_t poison;              /* poison_val; 0 unless negotiated */
	uint8_t role[BALLOON_QUEUES]; /* by queue; BALLOON_QUEUES: none */
	struct balloon_work work[BALLOON_QUEUES]; /* by queue */
	uint64_t inflated, reported, hinted;      /* bytes */

	uint32_t host_cmd, guest_cmd; /* of hinting */
	uint32_t last_run;            /* the newest command of a run */
	bool answered;                /* guest_cmd means something */
	bool release;                 /* DONE follows the driver's STOP */

	bool stats_held; /* a buffer to hand back: */
	uint8_t stats_queue;
	uint16_t stats_head;
	uint64_t stats_due_ns;
	struct loop_op timer;
	bool timer_on;
	uint32_t stats_valid;
	uint64_t stat[BALLOON_TAGS];
	uint64_t stats_ns; /* when they came */
};

/* balloon_pages.c: as vdev_ops.notify. */
WUR int balloon_pages_notify(struct balloon *b, unsigned queue,
			     enum balloon_queue role);
WUR int balloon_deflate_notify(struct balloon *b, unsigned queue);

/* balloon_stats.c */
WUR int balloon_stats_notify(struct balloon *b, unsigned queue);
/* The interval changed, or the device is to be quiet. */
void balloon_stats_rearm(struct balloon *b);
void balloon_stats_timer(struct loop_op *op, int res);

#endif
