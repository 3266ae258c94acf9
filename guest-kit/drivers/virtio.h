/* virtio.h: a virtio device behind the MMIO transport, and its split rings
 * (virtio 1.2, 2.7 and 4.2), driver side. A request is one descriptor
 * (virtq_add), or a chain of some in a row (virtq_add_chain). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include "kernel/types.h"

#define VIRTIO_QUEUES_MAX 5
#define VIRTIO_RING_MAX   128 /* such a ring fits in a page */

#define VIRTIO_ID_NET     1
#define VIRTIO_ID_BLK     2
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_RNG     4
#define VIRTIO_ID_BALLOON 5
#define VIRTIO_ID_VSOCK   19

#define VIRTIO_CONFIG 0x100 /* device-specific registers */

struct virtq {
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	uint16_t n;         /* entries, a power of two */
	uint16_t next;      /* avail index after the last published */
	uint16_t announced; /* ... at the last notification */
	uint16_t seen;      /* used index up to which was popped */
	uint16_t waiters;   /* threads in virtio_wait */
	bool silent;        /* what was added last was not worth a kick */
};

struct virtio {
	uint32_t gpa;
	uint16_t gsi;
	uint8_t irq_bit;
	bool event_idx;
	bool routed;         /* its interrupt can reach us */
	bool config_changed; /* set by virtio_wait; the owner clears it */
	bool config_fixed;   /* the owner's: it never cares about that */
	uint32_t features; /* the device's own, to ask for; see virtio_offers */
	unsigned n_queues;
	struct virtq q[VIRTIO_QUEUES_MAX];
};

/* The nth device of this kind; false if there is none. */
WUR bool virtio_find(struct virtio *v, uint16_t id, unsigned nth,
		     unsigned irq_bit);

/* Rings of n entries (a power of two, at most VIRTIO_RING_MAX) and memory for
 * them, no device access yet: requests can be added. */
WUR bool virtio_prepare(struct virtio *v, unsigned n_queues, uint16_t n);

/* The lower 32 feature bits that the device offers: one exit. */
uint32_t virtio_offers(const struct virtio *v);

/* Resets the device, negotiates, hands it the rings and what is in them;
 * `notify` is a queue, or VIRTIO_QUEUES_MAX for none. False: not usable. */
WUR bool virtio_start(struct virtio *v, unsigned notify);

/* There must be room: at most n requests at a time. The index comes back when
 * the device is done. */
void virtq_add(struct virtq *q, unsigned index, gpa_t gpa, uint32_t len,
	       bool device_writes);
/* As one request: n parts in descriptors index .. index + n - 1, those the
 * device reads first. Its index is that of the first. */
struct virtq_part {
	gpa_t gpa;
	uint32_t len;
	bool device_writes;
};
void virtq_add_chain(struct virtq *q, unsigned index,
		     const struct virtq_part *parts, unsigned n);
/* Tells the device about what was added, if it wants to know. */
void virtio_notify(struct virtio *v, unsigned queue);
/* The processor is about to sleep: tells the device even if it does not want to
 * know, as long as it has not looked by itself. */
void virtio_insist(struct virtio *v, unsigned queue);
/* What the device has finished next; false: nothing. */
WUR bool virtq_pop(struct virtio *v, unsigned queue, unsigned *ret_index,
		   uint32_t *ret_len);
bool virtq_has_used(const struct virtq *q);

/* A short while of looking at the queue; true: there is something to pop. */
bool virtio_spin(const struct virtio *v, unsigned queue);

/* An interrupt comes for what the queue gets next, and irq_on's handler, which
 * calls virtio_acknowledge, hears of it. True: something is there already.
 * virtq_pop ends it. */
bool virtio_listen(struct virtio *v, unsigned queue);
void virtio_acknowledge(struct virtio *v);

/* The calling thread waits until the queue has something to pop or had, the
 * configuration changed, or the time has come (0: never). May return early. */
void virtio_wait(struct virtio *v, unsigned queue, uint64_t until_ns);

#endif
