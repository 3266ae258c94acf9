/* mmio.c: see mmio.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/mmio.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/metrics.h"
#include "virtio/vdev.h"

/* The bits of Status that belong to the driver. */
#define DRIVER_BITS                                            \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |    \
	 VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FEATURES_OK | \
	 VIRTIO_STATUS_FAILED)

static struct metric ignored = { "ignored_accesses_mmio",
				 "register accesses that mean nothing", 0 };
static struct metric refused = { "refused_features_mmio",
				 "FEATURES_OK not granted", 0 };

struct metric *const mmio_metrics[] = { &ignored, &refused, NULL };

static void ignore(void)
{
	metric_inc(&ignored);
}

/* NULL: QueueSel names no queue, which is how drivers probe. */
static struct vq *selected(struct vdev *v)
{
	return v->queue_sel < v->ops->queues ? &v->queue[v->queue_sel] : NULL;
}

/* --- reading -------------------------------------------------------------- */

static uint32_t features_word(uint64_t features, uint32_t sel)
{
	return sel > 1 ? 0 : (uint32_t)(features >> (32 * sel));
}

static uint32_t reg_read(struct vdev *v, unsigned off)
{
	const struct vq *q = selected(v);

	switch (off) {
	case MMIO_REG_MAGIC:
		return MMIO_MAGIC;
	case MMIO_REG_VERSION:
		return MMIO_VERSION;
	case MMIO_REG_DEVICE_ID:
		return v->ops->device_id;
	case MMIO_REG_VENDOR_ID:
		return MMIO_VENDOR;
	case MMIO_REG_DEVICE_FEATURES:
		return features_word(v->offered, v->features_sel);
	case MMIO_REG_QUEUE_NUM_MAX:
		return q ? q->size_max : 0;
	case MMIO_REG_QUEUE_READY:
		return q ? q->ready : 0;
	case MMIO_REG_INTERRUPT_STATUS:
		return v->isr;
	case MMIO_REG_STATUS:
		return v->status;
	case MMIO_REG_SHM_LEN_LOW:
	case MMIO_REG_SHM_LEN_HIGH:
	case MMIO_REG_SHM_BASE_LOW:
	case MMIO_REG_SHM_BASE_HIGH:
		return UINT32_MAX; /* virtio 1.2, 4.2.2: no such region */
	case MMIO_REG_CONFIG_GENERATION:
		return v->config_generation;
	default:
		ignore();
		return 0;
	}
}

static void config_read(struct vdev *v, unsigned off, void *buf, unsigned n)
{
	const unsigned len = v->ops->config_len;

	if (off >= len || !v->ops->config_read) {
		ignore();
		return;
	}
	/* what lies behind the end stays 0 */
	v->ops->config_read(v, off, buf, n < len - off ? n : len - off);
}

void mmio_read(struct vdev *v, unsigned off, void *buf, unsigned n)
{
	le32 reg;

	CHECK(n <= MMIO_LEN && off <= MMIO_LEN - n);
	memset(buf, 0, n);
	if (off >= MMIO_REG_CONFIG) {
		config_read(v, off - MMIO_REG_CONFIG, buf, n);
		return;
	}
	if (n != sizeof(reg) || off % sizeof(reg)) {
		ignore();
		return;
	}
	reg = le32_of(reg_read(v, off));
	memcpy(buf, &reg, sizeof(reg));
}

/* --- writing -------------------------------------------------------------- */

static void set_low(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & UINT32_MAX) | (uint64_t)value << 32;
}

static void driver_features_write(struct vdev *v, uint32_t value)
{
	const uint32_t sel = v->driver_features_sel;

	if ((v->status & VIRTIO_STATUS_FEATURES_OK) || (sel > 1 && value != 0))
		ignore();
	else if (sel == 0)
		set_low(&v->driver_features, value);
	else if (sel == 1)
		set_high(&v->driver_features, value);
}

static bool features_fit(const struct vdev *v)
{
	return !(v->driver_features & ~v->offered) &&
	       (v->driver_features & VIRTIO_F_VERSION_1);
}

/* virtio 1.2, 2.1 and 3.1.1: bits are only ever added. */
static void status_write(struct vdev *v, uint32_t value)
{
	uint32_t added;

	if (value == 0) {
		vdev_reset(v);
		return;
	}
	if (v->status & DRIVER_BITS & ~value) {
		ignore();
		return;
	}
	added = value & DRIVER_BITS & ~v->status;
	v->status |= added & (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	if (added & VIRTIO_STATUS_FEATURES_OK) {
		if (features_fit(v)) {
			v->features = v->driver_features;
			v->status |= VIRTIO_STATUS_FEATURES_OK;
		} else {
			metric_inc(&refused);
		}
	}
	if (added & VIRTIO_STATUS_FAILED) {
		v->status |= VIRTIO_STATUS_FAILED;
		for (unsigned i = 0; i < v->ops->queues; i++)
			vq_stop(&v->queue[i]);
		return; /* the driver gave up */
	}
	if (!(added & VIRTIO_STATUS_DRIVER_OK))
		return;
	if (!(v->status & VIRTIO_STATUS_FEATURES_OK)) {
		vdev_fault(v, 0, -EPROTO, "DRIVER_OK without FEATURES_OK");
		return;
	}
	v->status |= VIRTIO_STATUS_DRIVER_OK;
	if (vdev_live(v))
		vdev_start(v);
}

/* Queues are set up between FEATURES_OK and, usually, DRIVER_OK; a driver
 * that brings one up late is served as well. */
static bool queues_open(const struct vdev *v)
{
	return (v->status & VIRTIO_STATUS_FEATURES_OK) &&
	       !(v->status &
		 (VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED));
}

static void queue_ready_write(struct vdev *v, struct vq *q, uint32_t value)
{
	int r;

	if (value == 0 && q->ready) {
		vq_disable(q); /* reads as 1 while chains are in flight */
		return;
	}
	if (value != 1 || q->ready) {
		ignore();
		return;
	}
	r = vq_enable(q, v->mem, v->features);
	if (r < 0)
		vdev_fault(v, v->queue_sel, r, "bad ring");
}

static void queue_write(struct vdev *v, unsigned off, uint32_t value)
{
	struct vq *q = selected(v);

	if (!q || !queues_open(v)) {
		ignore();
		return;
	}
	if (off == MMIO_REG_QUEUE_READY) {
		queue_ready_write(v, q, value);
		return;
	}
	if (q->ready) {
		ignore();
		return;
	}
	switch (off) {
	case MMIO_REG_QUEUE_NUM:
		q->size = value;
		break;
	case MMIO_REG_QUEUE_DESC_LOW:
		set_low(&q->desc_gpa, value);
		break;
	case MMIO_REG_QUEUE_DESC_HIGH:
		set_high(&q->desc_gpa, value);
		break;
	case MMIO_REG_QUEUE_DRIVER_LOW:
		set_low(&q->avail_gpa, value);
		break;
	case MMIO_REG_QUEUE_DRIVER_HIGH:
		set_high(&q->avail_gpa, value);
		break;
	case MMIO_REG_QUEUE_DEVICE_LOW:
		set_low(&q->used_gpa, value);
		break;
	case MMIO_REG_QUEUE_DEVICE_HIGH:
		set_high(&q->used_gpa, value);
		break;
	default:
		CHECK(!"a queue register");
	}
}

static void reg_write(struct vdev *v, unsigned off, uint32_t value)
{
	switch (off) {
	case MMIO_REG_DEVICE_FEATURES_SEL:
		v->features_sel = value;
		break;
	case MMIO_REG_DRIVER_FEATURES_SEL:
		v->driver_features_sel = value;
		break;
	case MMIO_REG_DRIVER_FEATURES:
		driver_features_write(v, value);
		break;
	case MMIO_REG_QUEUE_SEL:
		v->queue_sel = value;
		break;
	case MMIO_REG_QUEUE_NUM:
	case MMIO_REG_QUEUE_READY:
	case MMIO_REG_QUEUE_DESC_LOW:
	case MMIO_REG_QUEUE_DESC_HIGH:
	case MMIO_REG_QUEUE_DRIVER_LOW:
	case MMIO_REG_QUEUE_DRIVER_HIGH:
	case MMIO_REG_QUEUE_DEVICE_LOW:
	case MMIO_REG_QUEUE_DEVICE_HIGH:
		queue_write(v, off, value);
		break;
	case MMIO_REG_QUEUE_NOTIFY:
		vdev_notify(v, value);
		break;
	case MMIO_REG_INTERRUPT_ACK:
		v->isr &= ~value;
		(void)vdev_again(v); /* whoever acknowledges wants the rest */
		break;
	case MMIO_REG_STATUS:
		status_write(v, value);
		break;
	case MMIO_REG_SHM_SEL:
		break; /* no region to select */
	default:
		ignore();
	}
}

static void config_write(struct vdev *v, unsigned off, const void *buf,
			 unsigned n)
{
	const unsigned len = v->ops->config_len;

	if (n > len || off > len - n || !v->ops->config_write) {
		ignore();
		return;
	}
	v->ops->config_write(v, off, buf, n);
}

void mmio_write(struct vdev *v, unsigned off, const void *buf, unsigned n)
{
	le32 reg;

	CHECK(n <= MMIO_LEN && off <= MMIO_LEN - n);
	if (v->reset_pending) {
		ignore(); /* the device has ears for nothing else now */
		return;
	}
	if (off >= MMIO_REG_CONFIG) {
		config_write(v, off - MMIO_REG_CONFIG, buf, n);
		return;
	}
	if (n != sizeof(reg) || off % sizeof(reg)) {
		ignore();
		return;
	}
	memcpy(&reg, buf, sizeof(reg));
	reg_write(v, off, le32_get(reg));
}
