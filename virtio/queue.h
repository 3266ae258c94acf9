/* queue.h: split virtqueue, device side (virtio 1.2, 2.7). Knows guest
 * memory, not devices.
 *
 *   desc   size * { le64 gpa, le32 len, le16 flags, le16 next }
 *   avail  le16 flags, le16 idx, size * le16 head, le16 used_event
 *   used   le16 flags, le16 idx, size * { le32 head, le32 len },
 *          le16 avail_event
 *
 * The guest may rewrite every byte of the rings and of its buffers at any
 * time. Each field is loaded once; devices never see a descriptor, only
 * iovecs that lie in guest RAM. Nothing here allocates, blocks or has a
 * thread of its own: the caller holds the machine lock. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/attr.h"
#include "mem/layout.h"

struct gmem;

#define VQ_SIZE_MAX 1024u /* entries; a device may allow fewer */

/* Ring features (virtio 1.2, 6), as vq_enable takes them. */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX     (1ull << 29)

/*
 * desc_gpa, avail_gpa, used_gpa and size are the transport's to write while
 * the queue is not ready; the rest is written by queue.c alone.
 */
struct vq {
	gpa_t desc_gpa, avail_gpa, used_gpa;
	uint32_t size; /* whatever the guest wrote; valid once ready */
	uint16_t size_max;

	uint16_t next_avail; /* index of the next chain to pop */
	uint16_t next_used;  /* index of the next used element */
	uint16_t signalled;  /* next_used when an interrupt was last decided */
	unsigned in_flight;  /* chains popped, not yet pushed or undone */
	bool ready;          /* enabled: rings validated, pointers below set */
	bool stopped;        /* nothing is popped, pushes leave no trace */
	bool closing;        /* resets itself when in_flight reaches 0 */
	bool indirect, event_idx;
	bool kicks_off;  /* the guest was asked not to notify */
	bool polled;     /* vq_poll looks for new chains, no kicks are needed */
	uint16_t looked; /* polled: the guest's index when last looked at */

	const struct gmem *mem;
	uint8_t *desc, *avail, *used; /* host side of the rings */
};

/*
 * One request: iov[0 .. n_read) holds what the guest wrote for the device,
 * iov[n_read .. n_read + n_write) is for the device to fill. Zero-length
 * descriptors yield no iovec.
 */
struct vq_chain {
	struct iovec *iov;            /* borrows: the array given to vq_pop */
	uint64_t read_len, write_len; /* bytes; together at most 4 GiB */
	uint16_t head;                /* to hand back to vq_push */
	uint16_t n_read, n_write;
};

/* `size_max` is a power of two, at most VQ_SIZE_MAX. */
void vq_init(struct vq *q, uint16_t size_max);

/*
 * Validates what the guest configured and caches the rings' host addresses.
 * -EPROTO: size not a power of two or beyond size_max, ring misaligned or
 * overlapping another; -EFAULT: a ring not wholly inside one region. The
 * queue is unchanged on failure. `mem` is borrowed until vq_reset.
 */
WUR int vq_enable(struct vq *q, const struct gmem *mem, uint64_t features);

/* From now on vq_pop finds nothing and vq_push only counts: the device is
 * in error or about to be reset. */
void vq_stop(struct vq *q);

/* The guest takes the queue back: stops it, and resets it once the last
 * chain in flight is pushed. q->ready tells when. */
void vq_disable(struct vq *q);

/* Back to vq_init. No chain may be pushed or undone afterwards. */
void vq_reset(struct vq *q);

/*
 * Takes the next chain. 1: *ret_chain is written and `iov` (borrowed, room
 * for n_iov) holds its buffers. 0: nothing is available, and the guest will
 * kick when that changes. -EPROTO, -EFAULT: the guest broke a rule; nothing
 * was taken. -ENOBUFS: the chain needs more than n_iov iovecs; nothing was
 * taken. Never for n_iov >= size_max, the most a chain may have.
 * *ret_chain is written only on 1; `iov` is scratch.
 */
WUR int vq_pop(struct vq *q, struct iovec *iov, unsigned n_iov,
	       struct vq_chain *ret_chain);

/* Puts the chain popped last, not yet pushed, back in front. */
void vq_undo(struct vq *q);

/* Hands a chain back, `used_len` bytes of it written by the device. Chains
 * may be pushed in any order, each once. */
void vq_push(struct vq *q, uint16_t head, uint32_t used_len);

/* As vq_push, but the guest sees it together with the next vq_push, which
 * must follow: chains that only make sense together. */
void vq_push_early(struct vq *q, uint16_t head, uint32_t used_len);

/* True when the guest wants an interrupt for what was pushed since the last
 * call. The only place that decides it; see vdev_interrupt. */
bool vq_wants_interrupt(struct vq *q);

/* A chain is waiting (or the guest's index lies, which vq_pop will tell). */
bool vq_has_avail(const struct vq *q);

/* As vq_has_avail, but when it returns false the guest has been asked to
 * kick at the next chain. vq_pop does so itself when it returns 0. */
bool vq_arm(struct vq *q);

/* A hint until the next vq_arm: kicks are not needed, the device will look
 * again by itself. With EVENT_IDX that is the resting state and free. */
void vq_kicks_off(struct vq *q);

/*
 * For a while the device looks at the queue instead of being told. Between
 * vq_poll_begin and vq_poll_end the guest is asked for no kicks, whatever
 * vq_pop and vq_arm find. vq_poll_begin: a chain is waiting, for which there
 * may be no kick. vq_poll: the guest has added something since the last look;
 * vq_poll_end too, and kicks are on again. Without EVENT_IDX, and on a queue
 * that is not ready, nothing changes and nothing is found.
 */
WUR bool vq_poll_begin(struct vq *q);
WUR bool vq_poll(struct vq *q);
WUR bool vq_poll_end(struct vq *q);

#endif
