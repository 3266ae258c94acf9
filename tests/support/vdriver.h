/* vdriver.h: the driver side of a virtqueue and of virtio-mmio, on plain
 * memory: builds chains as a guest would, and as a hostile one would.
 *
 * Guest-physical 0 is ram[0]. Nothing is checked here: that is the point. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_VDRIVER_H
#define SUPPORT_VDRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/layout.h"

struct vdev;
struct vq;

/* virtio 1.2, 2.7.5 */
#define VDRIVER_NEXT     1u
#define VDRIVER_WRITE    2u
#define VDRIVER_INDIRECT 4u

struct vdriver {
	uint8_t *ram;                 /* borrowed */
	gpa_t desc, avail, used, end; /* end: first byte behind the rings */
	uint16_t size;
	uint16_t avail_idx; /* as published */
	uint16_t used_seen;
	uint16_t next_desc; /* where vdriver_add goes on, modulo size */
};

struct vdriver_buf {
	gpa_t gpa;
	uint32_t len;
	bool write; /* for the device to write */
};

/* Lays zeroed rings out from `at`, a multiple of 16. */
void vdriver_init(struct vdriver *d, uint8_t *ram, gpa_t at, uint16_t size);

/* Descriptor `i` of the table at `table`: d->desc or an indirect one. */
void vdriver_desc(struct vdriver *d, gpa_t table, unsigned i, gpa_t gpa,
		  uint32_t len, uint16_t flags, uint16_t next);

/* Publishes a head; the second only moves the index. */
void vdriver_offer(struct vdriver *d, uint16_t head);
void vdriver_publish(struct vdriver *d, uint16_t avail_idx);

/* A well-formed chain, published. Returns its head. */
uint16_t vdriver_add(struct vdriver *d, const struct vdriver_buf *b,
		     unsigned n);
uint16_t vdriver_add_indirect(struct vdriver *d, gpa_t table,
			      const struct vdriver_buf *b, unsigned n);

/* The next used element; false when there is none. */
bool vdriver_used(struct vdriver *d, uint32_t *ret_head, uint32_t *ret_len);

/* The fields around the rings. */
uint16_t vdriver_used_idx(const struct vdriver *d);
uint16_t vdriver_used_flags(const struct vdriver *d);
uint16_t vdriver_avail_event(const struct vdriver *d);
void vdriver_set_avail_flags(struct vdriver *d, uint16_t flags);
void vdriver_set_used_event(struct vdriver *d, uint16_t event);

/* Points a queue at the rings, without a transport. */
void vdriver_attach(const struct vdriver *d, struct vq *q);

/* Registers of virtio-mmio. */
uint32_t vdriver_reg(struct vdev *v, unsigned off);
void vdriver_set_reg(struct vdev *v, unsigned off, uint32_t value);

/* The handshake of virtio 1.2, 3.1.1: until FEATURES_OK, one queue, DRIVER_OK.
 * vdriver_negotiate returns whether the device agreed. */
bool vdriver_negotiate(struct vdev *v, uint64_t features);
void vdriver_set_queue(struct vdev *v, unsigned queue, const struct vdriver *d);
void vdriver_go(struct vdev *v);

#endif
