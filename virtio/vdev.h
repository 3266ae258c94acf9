/* vdev.h: a virtio device as its transport and the machine see it.
 *
 * Every function is called with the machine lock (loop_lock) held. Devices
 * touch their own struct, their queues, guest memory through chains, the
 * loop, log and metrics: not KVM, not other devices, not argv. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_VDEV_H
#define VIRTIO_VDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/queue.h"

struct err;
struct gmem;
struct vdev;

#define VDEV_QUEUES_MAX 8

/* virtio 1.2, 2.1: device status */
#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER      2u
#define VIRTIO_STATUS_DRIVER_OK   4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED      128u

/* virtio 1.2, 6: feature bits of every device */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX     (1ull << 29)
#define VIRTIO_F_VERSION_1     (1ull << 32)

/* Raises the device's interrupt. Callable with the machine lock held. */
struct irq_line {
	void (*fire)(void *ctx);
	void *ctx;
};

/* What a device is, what it can do, its whole life. Static and const. */
struct vdev_ops {
	const char *name;
	uint32_t device_id;
	uint64_t features; /* all that can be offered, beyond the ring's own */
	uint16_t queues;   /* 1..VDEV_QUEUES_MAX */
	uint16_t queue_max; /* entries of each, a power of two */
	uint16_t config_len; /* bytes of device-specific configuration */

	/* DRIVER_OK was set. */
	int (*activate)(struct vdev *v);
	/* <0: the guest broke a rule; the caller faults the device. */
	int (*notify)(struct vdev *v, unsigned queue);
	/* Asks that requests in flight end early; vdev_busy tells when. */
	void (*quiesce)(struct vdev *v);
	/* Back to as-created. Nothing is in flight. */
	void (*reset)(struct vdev *v);
	void (*fini)(struct vdev *v); /* frees the device */

	/* Offset and length are within config_len. NULL: zeros, read-only. */
	void (*config_read)(struct vdev *v, unsigned off, void *buf,
			    unsigned n);
	void (*config_write)(struct vdev *v, unsigned off, const void *buf,
			     unsigned n);
};

/* Written by the transport (mmio.c), read by devices. */
struct vdev {
	const struct vdev_ops *ops;
	const struct gmem *mem;
	struct irq_line irq;
	uint64_t features; /* negotiated */
	uint32_t status;
	uint32_t isr; /* virtio 1.2, 4.2.2: InterruptStatus */
	uint32_t config_generation;
	uint32_t features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	unsigned in_flight; /* operations the loop still owns */
	bool reset_pending; /* the guest asked while requests were in flight */
	struct vq queue[VDEV_QUEUES_MAX];
};

void vdev_init(struct vdev *v, const struct vdev_ops *ops,
	       const struct gmem *mem, struct irq_line irq);

/* Queue interrupt if the driver wants one (flags or event index). */
void vdev_interrupt(struct vdev *v, unsigned queue);
/* The configuration changed: bumps the generation, interrupts. */
void vdev_config_changed(struct vdev *v);
/* The guest broke a rule: queues stop, NEEDS_RESET, config interrupt, a
 * counter and a rate-limited log line. The one place a guest's fault ends. */
void vdev_fault(struct vdev *v, unsigned queue, int code, const char *what);

/* Loop operations the device has in flight: devices call these around each.
 * The last end of a device with a pending reset completes the reset. */
void vdev_op_begin(struct vdev *v);
void vdev_op_end(struct vdev *v);

static inline bool vdev_has(const struct vdev *v, uint64_t feature)
{
	return (v->features & feature) != 0;
}
static inline bool vdev_live(const struct vdev *v)
{
	return (v->status & VIRTIO_STATUS_DRIVER_OK) &&
	       !(v->status & VIRTIO_STATUS_NEEDS_RESET);
}

#endif
