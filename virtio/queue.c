/* queue.c: see queue.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/queue.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/checked.h"
#include "base/endian.h"
#include "mem/gmem.h"

#define DESC_LEN        16u
#define HEAD_LEN        2u /* an entry of avail */
#define USED_ELEM_LEN   8u
#define RING_HDR_LEN    4u           /* flags, idx: of avail and of used */
#define RING_EVENT_LEN  2u           /* the event field behind the entries */
#define CHAIN_BYTES_MAX (1ull << 32) /* virtio 1.2, 2.7.5.2 */

#define DESC_F_NEXT          1u
#define DESC_F_WRITE         2u
#define DESC_F_INDIRECT      4u
#define AVAIL_F_NO_INTERRUPT 1u
#define USED_F_NO_NOTIFY     1u

/* A descriptor in host byte order, on our side of the fence. */
struct desc {
	gpa_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

void vq_init(struct vq *q, uint16_t size_max)
{
	CHECK(is_pow2(size_max) && size_max <= VQ_SIZE_MAX);
	*q = (struct vq){ .size_max = size_max };
}

void vq_reset(struct vq *q)
{
	vq_init(q, q->size_max);
}

/* --- rings ---------------------------------------------------------------- */

static uint64_t avail_len(uint32_t size)
{
	return RING_HDR_LEN + (uint64_t)HEAD_LEN * size + RING_EVENT_LEN;
}

static uint64_t used_len(uint32_t size)
{
	return RING_HDR_LEN + (uint64_t)USED_ELEM_LEN * size + RING_EVENT_LEN;
}

static uint8_t *used_event(const struct vq *q)
{
	return q->avail + RING_HDR_LEN + (size_t)HEAD_LEN * q->size;
}

static uint8_t *avail_event(const struct vq *q)
{
	return q->used + RING_HDR_LEN + (size_t)USED_ELEM_LEN * q->size;
}

/* Both lie in RAM, so neither end wraps. */
static bool overlap(gpa_t a, uint64_t a_len, gpa_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

int vq_enable(struct vq *q, const struct gmem *mem, uint64_t features)
{
	const uint32_t size = q->size;
	const uint64_t d_len = (uint64_t)DESC_LEN * size;
	const uint64_t a_len = avail_len(size), u_len = used_len(size);
	struct iovec d, a, u;

	CHECK(!q->ready);
	if (!is_pow2(size) || size > q->size_max)
		return -EPROTO;
	/* virtio 1.2, 2.7: alignments */
	if (q->desc_gpa % 16 || q->avail_gpa % 2 || q->used_gpa % 4)
		return -EPROTO;
	if (gmem_span(mem, q->desc_gpa, d_len, &d) ||
	    gmem_span(mem, q->avail_gpa, a_len, &a) ||
	    gmem_span(mem, q->used_gpa, u_len, &u))
		return -EFAULT;
	if (overlap(q->desc_gpa, d_len, q->avail_gpa, a_len) ||
	    overlap(q->desc_gpa, d_len, q->used_gpa, u_len) ||
	    overlap(q->avail_gpa, a_len, q->used_gpa, u_len))
		return -EPROTO;

	q->mem = mem;
	q->desc = d.iov_base;
	q->avail = a.iov_base;
	q->used = u.iov_base;
	q->next_avail = q->next_used = q->signalled = 0;
	q->indirect = features & VIRTIO_F_INDIRECT_DESC;
	q->event_idx = features & VIRTIO_F_EVENT_IDX;
	q->ready = true;
	return 0;
}

void vq_stop(struct vq *q)
{
	q->stopped = true;
}

void vq_disable(struct vq *q)
{
	if (q->in_flight == 0) {
		vq_reset(q);
		return;
	}
	q->stopped = true;
	q->closing = true;
}

static bool running(const struct vq *q)
{
	return q->ready && !q->stopped;
}

/* Acquire: entries and descriptors published by this index are seen. */
static uint16_t avail_idx(const struct vq *q)
{
	return gload16_acquire(q->avail + 2);
}

/* --- popping -------------------------------------------------------------- */

static struct desc desc_load(const struct vq *q, uint16_t i)
{
	const uint8_t *p = q->desc + (size_t)i * DESC_LEN;

	return (struct desc){ gload64(p), gload32(p + 8), gload16(p + 12),
			      gload16(p + 14) };
}

/* An indirect table may have any alignment, so its entries are copied out.
 * The table was found to lie in RAM: the sum does not wrap. */
static int indirect_load(const struct vq *q, gpa_t table, uint32_t i,
			 struct desc *ret)
{
	struct {
		le64 gpa;
		le32 len;
		le16 flags, next;
	} raw;
	int r = gmem_read(q->mem, table + (gpa_t)i * DESC_LEN, &raw,
			  sizeof(raw));

	_Static_assert(sizeof(raw) == DESC_LEN, "ABI");
	if (r < 0)
		return r;
	*ret = (struct desc){ le64_get(raw.gpa), le32_get(raw.len),
			      le16_get(raw.flags), le16_get(raw.next) };
	return 0;
}

static int chain_add(const struct vq *q, struct vq_chain *c, unsigned n_iov,
		     const struct desc *d)
{
	const bool write = d->flags & DESC_F_WRITE;
	const unsigned n = c->n_read + c->n_write;

	/* virtio 1.2, 2.7.4.2: readable before writable (empty ones
	 * have no say) */
	if (!write && c->n_write > 0)
		return -EPROTO;
	if (d->len == 0)
		return 0;
	if (c->read_len + c->write_len + d->len > CHAIN_BYTES_MAX)
		return -EPROTO;
	if (n == n_iov)
		return -ENOBUFS;
	if (gmem_span(q->mem, d->gpa, d->len, &c->iov[n]))
		return -EFAULT;
	if (write) {
		c->n_write++;
		c->write_len += d->len;
	} else {
		c->n_read++;
		c->read_len += d->len;
	}
	return 0;
}

/* virtio 1.2, 2.7.5.3: the table ends the chain and holds no other table. */
static int walk_indirect(const struct vq *q, struct vq_chain *c, unsigned n_iov,
			 const struct desc *ptr, unsigned left)
{
	const uint32_t n = ptr->len / DESC_LEN;
	uint32_t i = 0;

	if (!q->indirect || (ptr->flags & DESC_F_NEXT))
		return -EPROTO;
	if (n == 0 || ptr->len % DESC_LEN || n > q->size)
		return -EPROTO;
	if (!gmem_has(q->mem, ptr->gpa, ptr->len))
		return -EFAULT;
	for (; left > 0; left--) {
		struct desc d;
		int r = indirect_load(q, ptr->gpa, i, &d);

		if (r < 0)
			return r;
		if (d.flags & DESC_F_INDIRECT)
			return -EPROTO;
		r = chain_add(q, c, n_iov, &d);
		if (r < 0)
			return r;
		if (!(d.flags & DESC_F_NEXT))
			return 0;
		if (d.next >= n)
			return -EPROTO;
		i = d.next;
	}
	return -EPROTO; /* more than `size` buffers: a loop */
}

static int walk(const struct vq *q, struct vq_chain *c, unsigned n_iov)
{
	uint16_t i = c->head;

	for (unsigned left = q->size; left > 0; left--) {
		struct desc d;
		int r;

		if (i >= q->size)
			return -EPROTO;
		d = desc_load(q, i);
		if (d.flags & DESC_F_INDIRECT)
			return walk_indirect(q, c, n_iov, &d, left);
		r = chain_add(q, c, n_iov, &d);
		if (r < 0)
			return r;
		if (!(d.flags & DESC_F_NEXT))
			return 0;
		i = d.next;
	}
	return -EPROTO;
}

int vq_pop(struct vq *q, struct iovec *iov, unsigned n_iov,
	   struct vq_chain *ret_chain)
{
	struct vq_chain c = { .iov = iov };
	const uint8_t *entry;
	uint16_t waiting;
	int r;

	if (!running(q))
		return 0;
	waiting = (uint16_t)(avail_idx(q) - q->next_avail);
	if (waiting == 0) {
		if (!vq_arm(q))
			return 0;
		waiting = (uint16_t)(avail_idx(q) - q->next_avail);
		if (waiting == 0)
			return -EPROTO; /* the index went back */
	}
	/* Every chain outstanding has a head of its own, so a guest that
	 * keeps the rules never has more than `size` of them. */
	if (waiting > q->size - q->in_flight)
		return -EPROTO;
	entry = q->avail + RING_HDR_LEN +
		(size_t)HEAD_LEN * (q->next_avail & (q->size - 1));
	c.head = gload16(entry);
	r = walk(q, &c, n_iov);
	if (r < 0)
		return r;
	q->next_avail++;
	q->in_flight++;
	*ret_chain = c;
	return 1;
}

void vq_undo(struct vq *q)
{
	CHECK(q->in_flight > 0);
	q->next_avail--;
	q->in_flight--;
	if (q->closing && q->in_flight == 0)
		vq_reset(q);
}

/* --- pushing -------------------------------------------------------------- */

/* True when the element is in the ring and only the index is missing. */
static bool put_used(struct vq *q, uint16_t head, uint32_t len)
{
	uint8_t *elem;

	CHECK(q->in_flight > 0);
	q->in_flight--;
	if (q->stopped) {
		if (q->closing && q->in_flight == 0)
			vq_reset(q);
		return false;
	}
	elem = q->used + RING_HDR_LEN +
	       (size_t)USED_ELEM_LEN * (q->next_used & (q->size - 1));
	gstore32(elem, head);
	gstore32(elem + 4, len);
	q->next_used++;
	return true;
}

void vq_push(struct vq *q, uint16_t head, uint32_t len)
{
	/* release: the guest that sees the index sees the elements and the
	 * buffers' bytes */
	if (put_used(q, head, len))
		gstore16_release(q->used + 2, q->next_used);
}

void vq_push_early(struct vq *q, uint16_t head, uint32_t len)
{
	(void)put_used(q, head, len);
}

bool vq_wants_interrupt(struct vq *q)
{
	const uint16_t old = q->signalled, new = q->next_used;
	uint16_t event;

	if (!running(q) || old == new)
		return false;
	q->signalled = new;
	/* The used index must be visible before the guest's wish is read, or
	 * both sides could miss each other (virtio 1.2, 2.7.7, 2.7.8). */
	atomic_thread_fence(memory_order_seq_cst);
	if (!q->event_idx)
		return !(gload16(q->avail) & AVAIL_F_NO_INTERRUPT);
	/* Was the element numbered `event` among [old, new), modulo 2^16? */
	event = gload16(used_event(q));
	return (uint16_t)(event - old) < (uint16_t)(new - old);
}

/* --- kicks ---------------------------------------------------------------- */

bool vq_has_avail(const struct vq *q)
{
	return running(q) && avail_idx(q) != q->next_avail;
}

bool vq_arm(struct vq *q)
{
	if (!running(q))
		return false;
	if (q->polled)
		return vq_has_avail(q);
	if (q->event_idx)
		gstore16(avail_event(q), q->next_avail);
	else if (q->kicks_off)
		gstore16(q->used, 0);
	q->kicks_off = false;
	/* the wish must be visible before the index is looked at again */
	atomic_thread_fence(memory_order_seq_cst);
	return vq_has_avail(q);
}

void vq_kicks_off(struct vq *q)
{
	if (!running(q) || q->event_idx || q->kicks_off)
		return;
	gstore16(q->used, USED_F_NO_NOTIFY);
	q->kicks_off = true;
}

/* --- looking instead ------------------------------------------------------- */

bool vq_poll_begin(struct vq *q)
{
	if (!running(q) || !q->event_idx || q->polled)
		return false;
	q->polled = true;
	/* an index the guest has passed already (virtio 1.2, 2.7.10) */
	gstore16(avail_event(q), (uint16_t)(q->next_avail - 1));
	/* A chain added before this load may have missed the wish for kicks
	 * that stood there until now; one added later differs from it. */
	q->looked = avail_idx(q);
	return q->looked != q->next_avail;
}

bool vq_poll(struct vq *q)
{
	uint16_t idx;

	if (!running(q) || !q->polled)
		return false;
	idx = avail_idx(q);
	if (idx == q->looked)
		return false;
	q->looked = idx;
	return true;
}

bool vq_poll_end(struct vq *q)
{
	if (!q->polled)
		return false;
	q->polled = false;
	(void)vq_arm(q); /* the fence, too */
	return running(q) && avail_idx(q) != q->looked;
}
