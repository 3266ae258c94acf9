/* vdriver.c: see vdriver.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vdriver.h"

#include <string.h>

#include "base/endian.h"
#include "virtio/mmio.h"
#include "virtio/vdev.h"

static void put16(struct vdriver *d, gpa_t gpa, uint16_t v)
{
	le16 x = le16_of(v);

	memcpy(d->ram + gpa, &x, sizeof(x));
}

static uint16_t get16(const struct vdriver *d, gpa_t gpa)
{
	le16 x;

	memcpy(&x, d->ram + gpa, sizeof(x));
	return le16_get(x);
}

static uint32_t get32(const struct vdriver *d, gpa_t gpa)
{
	le32 x;

	memcpy(&x, d->ram + gpa, sizeof(x));
	return le32_get(x);
}

void vdriver_init(struct vdriver *d, uint8_t *ram, gpa_t at, uint16_t size)
{
	*d = (struct vdriver){ .ram = ram, .size = size, .desc = at };
	d->avail = d->desc + 16ull * size;
	d->used = (d->avail + 6 + 2ull * size + 3) & ~3ull;
	d->end = d->used + 6 + 8ull * size;
	memset(ram + at, 0, d->end - at);
}

void vdriver_desc(struct vdriver *d, gpa_t table, unsigned i, gpa_t gpa,
		  uint32_t len, uint16_t flags, uint16_t next)
{
	uint8_t *p = d->ram + table + (size_t)i * 16;
	le64 a = le64_of(gpa);
	le32 l = le32_of(len);
	le16 f = le16_of(flags), n = le16_of(next);

	memcpy(p, &a, 8);
	memcpy(p + 8, &l, 4);
	memcpy(p + 12, &f, 2);
	memcpy(p + 14, &n, 2);
}

void vdriver_publish(struct vdriver *d, uint16_t avail_idx)
{
	d->avail_idx = avail_idx;
	put16(d, d->avail + 2, avail_idx);
}

void vdriver_offer(struct vdriver *d, uint16_t head)
{
	put16(d, d->avail + 4 + 2ull * (d->avail_idx % d->size), head);
	vdriver_publish(d, (uint16_t)(d->avail_idx + 1));
}

static uint16_t take_desc(struct vdriver *d)
{
	uint16_t i = d->next_desc;

	d->next_desc = (uint16_t)((i + 1) % d->size);
	return i;
}

uint16_t vdriver_add(struct vdriver *d, const struct vdriver_buf *b, unsigned n)
{
	const uint16_t head = d->next_desc;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = take_desc(d);
		uint16_t flags = (i + 1 < n ? VDRIVER_NEXT : 0) |
				 (b[i].write ? VDRIVER_WRITE : 0);

		vdriver_desc(d, d->desc, at, b[i].gpa, b[i].len, flags,
			     d->next_desc);
	}
	vdriver_offer(d, head);
	return head;
}

uint16_t vdriver_add_indirect(struct vdriver *d, gpa_t table,
			      const struct vdriver_buf *b, unsigned n)
{
	const uint16_t head = take_desc(d);

	for (unsigned i = 0; i < n; i++)
		vdriver_desc(d, table, i, b[i].gpa, b[i].len,
			     (uint16_t)((i + 1 < n ? VDRIVER_NEXT : 0) |
					(b[i].write ? VDRIVER_WRITE : 0)),
			     (uint16_t)(i + 1));
	vdriver_desc(d, d->desc, head, table, n * 16, VDRIVER_INDIRECT, 0);
	vdriver_offer(d, head);
	return head;
}

bool vdriver_used(struct vdriver *d, uint32_t *ret_head, uint32_t *ret_len)
{
	const gpa_t elem = d->used + 4 + 8ull * (d->used_seen % d->size);

	if (d->used_seen == vdriver_used_idx(d))
		return false;
	d->used_seen++;
	*ret_head = get32(d, elem);
	*ret_len = get32(d, elem + 4);
	return true;
}

uint16_t vdriver_used_idx(const struct vdriver *d)
{
	return get16(d, d->used + 2);
}

uint16_t vdriver_used_flags(const struct vdriver *d)
{
	return get16(d, d->used);
}

uint16_t vdriver_avail_event(const struct vdriver *d)
{
	return get16(d, d->used + 4 + 8ull * d->size);
}

void vdriver_set_avail_flags(struct vdriver *d, uint16_t flags)
{
	put16(d, d->avail, flags);
}

void vdriver_set_used_event(struct vdriver *d, uint16_t event)
{
	put16(d, d->avail + 4 + 2ull * d->size, event);
}

void vdriver_attach(const struct vdriver *d, struct vq *q)
{
	q->size = d->size;
	q->desc_gpa = d->desc;
	q->avail_gpa = d->avail;
	q->used_gpa = d->used;
}

/* --- transport ------------------------------------------------------------ */

uint32_t vdriver_reg(struct vdev *v, unsigned off)
{
	le32 x;

	mmio_read(v, off, &x, sizeof(x));
	return le32_get(x);
}

void vdriver_set_reg(struct vdev *v, unsigned off, uint32_t value)
{
	le32 x = le32_of(value);

	mmio_write(v, off, &x, sizeof(x));
}

static void add_status(struct vdev *v, uint32_t bits)
{
	vdriver_set_reg(v, MMIO_REG_STATUS,
			vdriver_reg(v, MMIO_REG_STATUS) | bits);
}

bool vdriver_negotiate(struct vdev *v, uint64_t features)
{
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	add_status(v, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(v, VIRTIO_STATUS_DRIVER);
	vdriver_set_reg(v, MMIO_REG_DRIVER_FEATURES_SEL, 0);
	vdriver_set_reg(v, MMIO_REG_DRIVER_FEATURES, (uint32_t)features);
	vdriver_set_reg(v, MMIO_REG_DRIVER_FEATURES_SEL, 1);
	vdriver_set_reg(v, MMIO_REG_DRIVER_FEATURES,
			(uint32_t)(features >> 32));
	add_status(v, VIRTIO_STATUS_FEATURES_OK);
	return vdriver_reg(v, MMIO_REG_STATUS) & VIRTIO_STATUS_FEATURES_OK;
}

void vdriver_set_queue(struct vdev *v, unsigned queue, const struct vdriver *d)
{
	vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, queue);
	vdriver_set_reg(v, MMIO_REG_QUEUE_NUM, d->size);
	vdriver_set_reg(v, MMIO_REG_QUEUE_DESC_LOW, (uint32_t)d->desc);
	vdriver_set_reg(v, MMIO_REG_QUEUE_DESC_HIGH, (uint32_t)(d->desc >> 32));
	vdriver_set_reg(v, MMIO_REG_QUEUE_DRIVER_LOW, (uint32_t)d->avail);
	vdriver_set_reg(v, MMIO_REG_QUEUE_DRIVER_HIGH,
			(uint32_t)(d->avail >> 32));
	vdriver_set_reg(v, MMIO_REG_QUEUE_DEVICE_LOW, (uint32_t)d->used);
	vdriver_set_reg(v, MMIO_REG_QUEUE_DEVICE_HIGH,
			(uint32_t)(d->used >> 32));
	vdriver_set_reg(v, MMIO_REG_QUEUE_READY, 1);
}

void vdriver_go(struct vdev *v)
{
	add_status(v, VIRTIO_STATUS_DRIVER_OK);
}
