/* fuzz_mmio.c: register accesses written by a fuzzer, over a device that
 * holds chains and operations as long as it likes.
 *
 * Input: n, n steps of 6 bytes (what, argument, le32 value), and the bytes of
 * guest memory from RINGS on. The oracle: after each step the status, the
 * features and the queues fit together; the device is called only while it
 * is live and within its configuration; a reset leaves nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/log.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/mmio.h"
#include "virtio/vdev.h"

#define RAM        0x4000u
#define RINGS      0x100u
#define QUEUES     2u
#define QUEUE_MAX  8u
#define CONFIG_LEN 12u
#define STEP_LEN   6u
#define HELD_MAX   (QUEUES * QUEUE_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static _Alignas(4096) uint8_t ram[RAM];

/* A chain the device works on: one operation each. */
struct held {
	uint8_t queue;
	uint16_t head;
};

struct board {
	struct vdev v;
	struct held held[HELD_MAX];
	unsigned n_held;
	bool quits; /* quiesce ends everything at once */
	bool again; /* notify leaves work over */
	uint8_t config[CONFIG_LEN];
};

static struct board *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct board, v);
}

static int board_activate(struct vdev *v)
{
	CHECK(vdev_live(v));
	return v->queue[1].size == 1 ? -1 : 0; /* some devices refuse */
}

static int board_notify(struct vdev *v, unsigned queue)
{
	struct board *b = of(v);
	struct iovec iov[QUEUE_MAX];
	struct vq_chain c;
	int r;

	CHECK(vdev_live(v) && queue < QUEUES && v->queue[queue].ready);
	r = vq_pop(&v->queue[queue], iov, QUEUE_MAX, &c);
	if (r <= 0)
		return r;
	CHECK(b->n_held < HELD_MAX);
	b->held[b->n_held++] = (struct held){ (uint8_t)queue, c.head };
	vdev_op_begin(v);
	return b->again;
}

/* The device finishes with the chain taken longest ago. */
static void finish(struct board *b)
{
	struct held h = b->held[0];

	if (b->n_held == 0)
		return;
	b->n_held--;
	memmove(b->held, b->held + 1, b->n_held * sizeof(h));
	vq_push(&b->v.queue[h.queue], h.head, 1);
	vdev_interrupt(&b->v, h.queue);
	vdev_op_end(&b->v);
}

static void board_quiesce(struct vdev *v)
{
	while (of(v)->quits && of(v)->n_held > 0)
		finish(of(v));
}

static void board_reset(struct vdev *v)
{
	CHECK(v->in_flight == 0 && of(v)->n_held == 0);
}

static void board_fini(struct vdev *v)
{
	(void)v;
}

static void board_config_read(struct vdev *v, unsigned off, void *buf,
			      unsigned n)
{
	CHECK(n > 0 && off < CONFIG_LEN && n <= CONFIG_LEN - off);
	memcpy(buf, of(v)->config + off, n);
}

static void board_config_write(struct vdev *v, unsigned off, const void *buf,
			       unsigned n)
{
	CHECK(n > 0 && off < CONFIG_LEN && n <= CONFIG_LEN - off);
	memcpy(of(v)->config + off, buf, n);
}

static const struct vdev_ops ops = {
	.name = "board",
	.device_id = 42,
	.features = 1u << 3,
	.queues = QUEUES,
	.queue_max = QUEUE_MAX,
	.config_len = CONFIG_LEN,
	.activate = board_activate,
	.notify = board_notify,
	.quiesce = board_quiesce,
	.reset = board_reset,
	.fini = board_fini,
	.config_read = board_config_read,
	.config_write = board_config_write,
};

static void fire(void *ctx)
{
	struct board *b = ctx;

	CHECK(b->v.status & VIRTIO_STATUS_DRIVER_OK);
	CHECK(b->v.isr != 0 && !b->v.reset_pending);
}

static void check_queue(const struct vdev *v, const struct vq *q)
{
	CHECK(q->in_flight <= QUEUE_MAX);
	if (!q->ready) {
		CHECK(q->in_flight == 0);
		return;
	}
	CHECK(v->status & VIRTIO_STATUS_FEATURES_OK);
	CHECK(is_pow2(q->size) && q->size <= QUEUE_MAX);
	CHECK(q->desc_gpa % 16 == 0 && q->avail_gpa % 2 == 0 &&
	      q->used_gpa % 4 == 0);
	CHECK(q->desc_gpa < RAM && RAM - q->desc_gpa >= 16ull * q->size);
	CHECK(q->avail_gpa < RAM && RAM - q->avail_gpa >= 6 + 2ull * q->size);
	CHECK(q->used_gpa < RAM && RAM - q->used_gpa >= 6 + 8ull * q->size);
	CHECK(q->desc == ram + q->desc_gpa && q->avail == ram + q->avail_gpa &&
	      q->used == ram + q->used_gpa);
	CHECK(q->indirect == vdev_has(v, VIRTIO_F_INDIRECT_DESC));
}

static void check(const struct board *b)
{
	const struct vdev *v = &b->v;

	CHECK(v->in_flight == b->n_held);
	CHECK(!(v->features & ~v->offered));
	CHECK(!v->features == !(v->status & VIRTIO_STATUS_FEATURES_OK));
	CHECK(!v->features || vdev_has(v, VIRTIO_F_VERSION_1));
	CHECK(!(v->status & VIRTIO_STATUS_DRIVER_OK) ||
	      (v->status & VIRTIO_STATUS_FEATURES_OK));
	CHECK(!v->reset_pending || (v->status != 0 && v->in_flight > 0));
	CHECK(v->status != 0 || (v->isr == 0 && v->in_flight == 0));
	for (unsigned i = 0; i < QUEUES; i++) {
		check_queue(v, &v->queue[i]);
		CHECK(!(v->status & VIRTIO_STATUS_NEEDS_RESET) ||
		      v->queue[i].stopped || !v->queue[i].ready);
	}
}

static void step(struct board *b, struct vdriver *drv, const uint8_t *p)
{
	static const uint64_t nego[] = {
		VIRTIO_F_VERSION_1,
		VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX,
		VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC,
		VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX |
			VIRTIO_F_INDIRECT_DESC | 1u << 3,
	};
	const unsigned width = 1u << (p[1] & 3);
	const unsigned off = (p[1] * 64u + p[2]) % (MMIO_LEN - 7);
	le32 raw;
	uint32_t value;
	uint8_t buf[8] = { 0 };

	memcpy(&raw, p + 2, sizeof(raw));
	value = le32_get(raw);
	switch (p[0] % 12) {
	case 0:
	case 1:
	case 2: /* a register as wide as it should be */
		vdriver_set_reg(&b->v, p[1] & 0xfc, value);
		break;
	case 3:
		(void)vdriver_reg(&b->v, p[1] & 0xfc);
		break;
	case 4: /* anything */
		memcpy(buf, p + 2, 4);
		mmio_write(&b->v, off, buf, width);
		break;
	case 5:
		mmio_read(&b->v, off, buf, width);
		break;
	case 6:
		vdriver_negotiate(&b->v, nego[p[1] & 3]);
		break;
	case 7:
		vdriver_set_queue(&b->v, p[1] % QUEUES, &drv[p[1] % QUEUES]);
		break;
	case 8:
		vdriver_go(&b->v);
		break;
	case 9:
		vdriver_publish(
			&drv[p[1] % QUEUES],
			(uint16_t)(drv[p[1] % QUEUES].avail_idx + p[2]));
		vdriver_set_reg(&b->v, MMIO_REG_QUEUE_NOTIFY, p[1] % QUEUES);
		break;
	case 10:
		finish(b);
		break;
	default:
		b->quits = p[1] & 1;
		b->again = p[1] & 2;
		if (p[1] & 4)
			vdev_config_changed(&b->v);
		if (p[1] & 8)
			(void)vdev_again(&b->v);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct board b = { 0 };
	struct vdriver drv[QUEUES];
	struct gmem mem;
	size_t n, steps;

	log_setup(2, LOG_ERR);
	if (len < 1)
		return 0;
	steps = data[0] % 64;
	if (len < 1 + steps * STEP_LEN)
		return 0;
	memset(ram, 0, sizeof(ram));
	vdriver_init(&drv[0], ram, RINGS, 4);
	vdriver_init(&drv[1], ram, (drv[0].end + 15) & ~15ull, 2);
	n = len - 1 - steps * STEP_LEN;
	memcpy(ram + RINGS, data + 1 + steps * STEP_LEN,
	       n < RAM - RINGS ? n : RAM - RINGS);
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	vdev_init(&b.v, &ops, &mem, (struct irq_line){ fire, &b });
	for (size_t i = 0; i < steps; i++) {
		step(&b, drv, data + 1 + i * STEP_LEN);
		check(&b);
	}
	while (b.n_held > 0)
		finish(&b);
	vdriver_set_reg(&b.v, MMIO_REG_STATUS, 0);
	check(&b);
	CHECK(b.v.status == 0);
	vdev_free(&b.v);
	return 0;
}
