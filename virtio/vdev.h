/* vdev.h: a virtio device as its transport and the machine see it.
 *
 * Every function is called with the machine lock (loop_lock) held. Devices
 * touch their own struct, their queues, guest memory through chains, the
 * loop, log and metrics: not KVM, not other devices, not argv.
 *
 *             activate            write 0 to Status
 *   created ------------> live ----------------------> reset pending
 *      ^                   | vdev_fault                     |
 *      |                   v                                | the last
 *      +--- reset --- needs reset --- write 0 to Status --->| vdev_op_end
 *      +----------------------------------------------------+
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_VDEV_H
#define VIRTIO_VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/queue.h"

struct gmem;
struct metric;
struct vdev;

#define VDEV_QUEUES_MAX 17 /* eight pairs and a control queue */

/* virtio 1.2, 2.1: device status */
#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER      2u
#define VIRTIO_STATUS_DRIVER_OK   4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED      128u

/* virtio 1.2, 6: offered by every device; the ring's own are in queue.h */
#define VIRTIO_F_VERSION_1 (1ull << 32)

/* virtio 1.2, 4.2.2: InterruptStatus */
#define VIRTIO_ISR_QUEUE  1u
#define VIRTIO_ISR_CONFIG 2u

/* Raises the device's interrupt. Callable with the machine lock held. */
struct irq_line {
	void (*fire)(void *ctx);
	void *ctx;
};

/* What a device is, what it can do, its whole life. Static and const. */
struct vdev_ops {
	const char *name;
	uint32_t device_id;
	uint64_t features;  /* all that can be offered, beyond the ring's own */
	uint16_t queues;    /* 1..VDEV_QUEUES_MAX */
	uint16_t queue_max; /* entries of each, a power of two */
	uint16_t config_len; /* bytes of device-specific configuration */
	bool unpolled; /* a kick is not over before its chains are handled:
			* vdev_poll_begin leaves the device alone */

	/* DRIVER_OK was set. Queues that already hold chains are notified
	 * right after. NULL: nothing to do. <0: the device is faulted. */
	int (*activate)(struct vdev *v);
	/* The guest kicked; the device is live and the queue ready.
	 * 0: done. >0: the work allowed at a time is spent and more is
	 * waiting, see vdev_again. <0: the guest broke a rule; the caller
	 * faults the device. */
	int (*notify)(struct vdev *v, unsigned queue);
	/* Asks that operations in flight end early, for a reset (then
	 * reset_pending is set) or for good. The queues are stopped: done()
	 * hands its chains back with vq_push as ever, which only counts. */
	void (*quiesce)(struct vdev *v);
	/* Back to as-created. Nothing is in flight. NULL: no state. */
	void (*reset)(struct vdev *v);
	void (*fini)(struct vdev *v); /* frees the device */

	/* Offset and length are within config_len. NULL: zeros, read-only. */
	void (*config_read)(struct vdev *v, unsigned off, void *buf,
			    unsigned n);
	void (*config_write)(struct vdev *v, unsigned off, const void *buf,
			     unsigned n);
};

/* Written by the transport (mmio.c) and vdev.c, read by devices. */
struct vdev {
	const struct vdev_ops *ops;
	const struct gmem *mem;
	struct irq_line irq;
	uint64_t offered;  /* a device may clear bits before the guest runs */
	uint64_t features; /* negotiated */
	uint32_t status;
	uint32_t isr; /* virtio 1.2, 4.2.2: InterruptStatus */
	uint32_t config_generation;
	uint32_t features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	unsigned in_flight; /* operations the loop still owns ... */
	unsigned elsewhere; /* ... and those that a kernel thread carries out */
	uint32_t again;     /* bit n: queue n has work left over */
	bool reset_pending; /* the guest asked while requests were in flight */
	bool shut;          /* vdev_shutdown: no new operation, ever */
	struct vq queue[VDEV_QUEUES_MAX];
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const vdev_metrics[];

/* `mem` is borrowed until the device is freed. */
void vdev_init(struct vdev *v, const struct vdev_ops *ops,
	       const struct gmem *mem, struct irq_line irq);

/* For good, before the loop is run until quiet: queues stop, operations in
 * flight are asked to end early. */
void vdev_shutdown(struct vdev *v);
/* Frees the device (ops->fini). Nothing may be in flight. Accepts NULL. */
void vdev_free(struct vdev *v);

/* The guest kicked a queue: from the register or from an ioeventfd. A queue
 * that is not ready, or a device that is not live, is ignored and counted. */
void vdev_notify(struct vdev *v, unsigned queue);

/*
 * Goes on with queues whose notify returned >0. True: there is still more;
 * let go of the machine lock for a moment and call again. Without this call
 * such a queue waits for its next kick or interrupt acknowledgement.
 */
bool vdev_again(struct vdev *v);

/*
 * For a while the loop thread looks at the rings, and kicks are not needed.
 * vdev_poll handles what is new as if the guest had kicked, and what was left
 * over (vdev_again); vdev_poll_end does so once more and turns kicks on again.
 * Both return whether there was anything. A device that is not live is left
 * alone.
 */
void vdev_poll_begin(struct vdev *v);
WUR bool vdev_poll(struct vdev *v);
WUR bool vdev_poll_end(struct vdev *v);

/* Queue interrupt if the driver wants one (flags or event index). Once for
 * any number of pushes. */
void vdev_interrupt(struct vdev *v, unsigned queue);
/* The configuration changed: bumps the generation, interrupts. */
void vdev_config_changed(struct vdev *v);
/* The guest broke a rule: queues stop, NEEDS_RESET, config interrupt, a
 * counter and a rate-limited log line. The one place a guest's fault ends.
 * `code` is a negative errno, `what` a constant text. */
void vdev_fault(struct vdev *v, unsigned queue, int code, const char *what);

/*
 * The driver's view of life, for the transport. vdev_start: DRIVER_OK was
 * just set. vdev_reset: 0 was written to Status; done at once, or, with
 * operations in flight, by the last vdev_op_end. Until then reset_pending is
 * set and status keeps its value.
 */
void vdev_start(struct vdev *v);
void vdev_reset(struct vdev *v);

/* Loop operations that touch guest memory: devices call these around each.
 * The last end of a device with a pending reset completes the reset, so a
 * device does it last and looks at its state afresh afterwards. */
void vdev_op_begin(struct vdev *v);
void vdev_op_end(struct vdev *v);

static inline bool vdev_has(const struct vdev *v, uint64_t feature)
{
	return (v->features & feature) != 0;
}

/* Queues may be worked on. */
static inline bool vdev_live(const struct vdev *v)
{
	return (v->status & VIRTIO_STATUS_DRIVER_OK) &&
	       !(v->status &
		 (VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED)) &&
	       !v->reset_pending && !v->shut;
}

#endif
