/* blk.c: see blk.h. The device, its queues and its life; what becomes of a
 * request is in blk_req.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/blk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/checked.h"
#include "base/err.h"
#include "virtio/blk_priv.h"

#define BOUNCE_ALIGN 4096u
#define KICK_MAX     (2 * BLK_QUEUE_MAX) /* requests started at a time */

static struct blk *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct blk, v);
}

/* --- requests ------------------------------------------------------------- */

/* What was pushed is told at the end of this batch. */
static void arm_after(struct blk *b)
{
	if (b->after_pending)
		return;
	b->after_pending = true;
	loop_after(b->cfg.loop, &b->after);
}

/* The slot to pop into. One that was never used was never touched, and costs
 * no memory. */
static struct blk_req *slot_next(struct blk *b)
{
	struct blk_req *r = b->free;

	if (r)
		return r;
	/* a chain in flight has an entry of its own, each entry of each queue
	 * a slot; and there is one to pop into */
	CHECK(b->n_used < b->n_reqs);
	r = &b->req[b->n_used];
	r->op.done = blk_req_done;
	r->b = b;
	r->iov = b->iov + (size_t)b->n_used * BLK_QUEUE_MAX;
	b->n_used++;
	b->free = r;
	return r;
}

static void slot_free(struct blk *b, struct blk_req *r)
{
	if (r->bounce) {
		b->bounce_free[b->n_bounce_free++] = r->bounce;
		arm_after(b); /* some may be waiting for it */
	}
	r->bounce = NULL;
	r->step = BLK_IDLE;
	r->next_free = b->free;
	b->free = r;
}

void blk_answer(struct blk_req *r, uint32_t used_len)
{
	struct blk *b = r->b;

	vq_push(&b->v.queue[r->queue], r->head, used_len);
	b->pushed |= (uint8_t)(1u << r->queue);
	slot_free(b, r);
	if (!b->pumping)
		arm_after(b);
}

/* One interrupt for all that ended together. */
static void interrupt(struct blk *b)
{
	const unsigned pushed = b->pushed;

	b->pushed = 0;
	for (unsigned i = 0; i < b->v.ops->queues; i++)
		if (pushed & (1u << i))
			vdev_interrupt(&b->v, i);
}

/* Bytes of a chain that has a header and a status byte, without these. */
static uint64_t payload(const struct vq_chain *c)
{
	return c->read_len - sizeof(struct blk_header) + c->write_len - 1;
}

/* Starts what the queue holds. Returns as vdev_ops.notify. */
static int start_all(struct blk *b, unsigned queue)
{
	struct vq *q = &b->v.queue[queue];

	b->hungry &= (uint8_t) ~(1u << queue);
	for (unsigned n = 0; n < KICK_MAX; n++) {
		struct blk_req *r = slot_next(b);
		struct vq_chain c;
		int res;

		res = vq_pop(q, r->iov, BLK_QUEUE_MAX, &c);
		if (res <= 0)
			return res;
		if (!throttle_open(&b->throttle)) {
			vq_undo(q);
			b->hungry |= (uint8_t)(1u << queue);
			if (n > 0) /* the others' turn first */
				b->turn = queue + 1;
			return 0;
		}
		r->queue = (uint8_t)queue;
		b->free = r->next_free;
		vdev_op_begin(&b->v);
		res = blk_req_start(r, &c);
		if (res >= 0)
			throttle_charge(&b->throttle, payload(&c), 1);
		if (res > 0)
			continue;
		if (res < 0) {
			vq_undo(q);
			slot_free(b, r);
		}
		vdev_op_end(&b->v);
		if (res == -EAGAIN) {
			b->hungry |= (uint8_t)(1u << queue);
			return 0;
		}
		if (res < 0)
			return res;
	}
	return 1;
}

/* The same, and tells at once what could be answered at once. */
static int pump(struct blk *b, unsigned queue)
{
	int r;

	b->pumping = true;
	b->now_left = b->cfg.now_max;
	r = start_all(b, queue);
	b->pumping = false;
	b->now_left = 0;
	interrupt(b);
	return r;
}

/* Goes on with queues that had to wait, in turn. */
static void feed(struct blk *b)
{
	const unsigned n = b->v.ops->queues, first = b->turn;

	for (unsigned k = 0; k < n; k++) {
		const unsigned i = (first + k) % n;
		int r = 0;

		if ((b->hungry & (1u << i)) && vdev_live(&b->v))
			r = pump(b, i);
		if (r < 0)
			vdev_fault(&b->v, i, r, "bad request");
		if (r > 0) { /* more than at a time: in the next batch */
			b->hungry |= (uint8_t)(1u << i);
			arm_after(b);
		}
	}
}

static void go_on(struct throttle *t)
{
	feed(CONTAINER_OF(t, struct blk, throttle));
}

/* The end of a batch; then what waited for a bounce buffer, of which some may
 * be free now. */
static void after_done(struct loop_op *op, int res)
{
	struct blk *b = CONTAINER_OF(op, struct blk, after);

	(void)res;
	b->after_pending = false;
	interrupt(b);
	feed(b);
}

static int blk_notify(struct vdev *v, unsigned queue)
{
	return pump(of(v), queue);
}

/* --- configuration -------------------------------------------------------- */

static uint8_t log2_of(uint32_t v)
{
	return (uint8_t)__builtin_ctz(v);
}

static void blk_config_read(struct vdev *v, unsigned off, void *buf, unsigned n)
{
	const struct blk *b = of(v);
	const struct blk_config *cfg = &b->cfg;
	const bool discard = v->offered & BLK_F_DISCARD;
	const struct blk_space s = {
		.capacity = le64_of(b->sectors),
		.size_max = le32_of(BLK_SEG_LEN_MAX),
		/* header and status byte take a descriptor each */
		.seg_max = le32_of(BLK_QUEUE_MAX - 2),
		.blk_size = le32_of(cfg->block_len),
		.physical_exp = log2_of(cfg->physical_len / cfg->block_len),
		.min_io_size =
			le16_of((uint16_t)(cfg->physical_len / cfg->block_len)),
		.writeback = b->writeback && (!vdev_has(v, BLK_F_CONFIG_WCE) ||
					      vdev_has(v, BLK_F_FLUSH)),
		.num_queues = le16_of(v->ops->queues),
		.max_discard_sectors =
			le32_of(discard ? BLK_RANGE_SECTORS_MAX : 0),
		.max_discard_seg = le32_of(discard ? BLK_RANGES_MAX : 0),
		.discard_sector_alignment =
			le32_of(discard ? cfg->physical_len / BLK_SECTOR : 0),
		.max_write_zeroes_sectors =
			le32_of(discard ? BLK_RANGE_SECTORS_MAX : 0),
		.max_write_zeroes_seg = le32_of(discard ? BLK_RANGES_MAX : 0),
		.write_zeroes_may_unmap = discard,
	};

	memcpy(buf, (const uint8_t *)&s + off, n);
}

/* The one field a driver may write. */
static void blk_config_write(struct vdev *v, unsigned off, const void *buf,
			     unsigned n)
{
	const unsigned at = offsetof(struct blk_space, writeback);

	if (vdev_has(v, BLK_F_CONFIG_WCE) && off <= at && at < off + n)
		of(v)->writeback = ((const uint8_t *)buf)[at - off] != 0;
}

/* --- life ----------------------------------------------------------------- */

static void blk_quiesce(struct vdev *v)
{
	struct blk *b = of(v);

	for (unsigned i = 0; i < b->n_used; i++)
		if (b->req[i].step != BLK_IDLE)
			loop_cancel(b->cfg.loop, &b->req[i].op);
	throttle_cancel(&b->throttle);
}

static void blk_reset(struct vdev *v)
{
	struct blk *b = of(v);

	b->writeback = true;
	b->pushed = b->hungry = 0;
	b->turn = 0;
}

static void blk_fini(struct vdev *v)
{
	struct blk *b = of(v);

	CHECK(!b->after_pending);
	free(b->bounce);
	free(b->iov);
	free(b->req);
	free(b);
}

/* `queues` is the one thing that differs between two block devices. */
#define OPS(n)                                                                \
	{                                                                     \
		.name = "blk", .device_id = BLK_ID,                           \
		.features = BLK_F_SIZE_MAX | BLK_F_SEG_MAX | BLK_F_RO |       \
			    BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY |   \
			    BLK_F_CONFIG_WCE | BLK_F_MQ | BLK_F_DISCARD |     \
			    BLK_F_WRITE_ZEROES,                               \
		.queues = (n), .queue_max = BLK_QUEUE_MAX,                    \
		.config_len = BLK_SPACE_LEN, .notify = blk_notify,            \
		.quiesce = blk_quiesce, .reset = blk_reset, .fini = blk_fini, \
		.config_read = blk_config_read,                               \
		.config_write = blk_config_write,                             \
	}

static const struct vdev_ops blk_ops[BLK_NUM_QUEUES_MAX] = {
	OPS(1), OPS(2), OPS(3), OPS(4), OPS(5), OPS(6), OPS(7), OPS(8),
};

static int allocate(struct blk *b, struct err *err)
{
	const size_t n = (size_t)b->cfg.queues * BLK_QUEUE_MAX + 1;

	b->req = calloc(n, sizeof(*b->req));
	b->iov = calloc(n * BLK_QUEUE_MAX, sizeof(*b->iov));
	if (!b->req || !b->iov)
		return err_set(err, -ENOMEM, "block device");
	if (b->cfg.io_align) {
		b->bounce = aligned_alloc(BOUNCE_ALIGN,
					  (size_t)BLK_BOUNCES * BLK_BOUNCE_LEN);
		if (!b->bounce)
			return err_set(err, -ENOMEM, "block device");
		for (unsigned i = 0; i < BLK_BOUNCES; i++)
			b->bounce_free[i] =
				b->bounce + (size_t)i * BLK_BOUNCE_LEN;
		b->n_bounce_free = BLK_BOUNCES;
	}
	b->n_reqs = (unsigned)n;
	return 0;
}

static uint64_t not_offered(const struct blk_config *cfg)
{
	uint64_t f = cfg->queues > 1 ? 0 : BLK_F_MQ;

	/* a read-only disk still takes FLUSH, which costs nothing */
	return f |
	       (cfg->read_only ? BLK_F_DISCARD | BLK_F_WRITE_ZEROES : BLK_F_RO);
}

int blk_new(const struct blk_config *cfg, struct vdev **ret_v, struct err *err)
{
	const uint64_t len = cfg->len & ~((uint64_t)cfg->block_len - 1);
	struct blk *b;
	int r;

	CHECK(cfg->queues >= 1 && cfg->queues <= BLK_NUM_QUEUES_MAX);
	CHECK(is_pow2(cfg->block_len) && is_pow2(cfg->physical_len) &&
	      cfg->block_len >= BLK_SECTOR && cfg->block_len <= 4096 &&
	      cfg->physical_len >= cfg->block_len);
	CHECK(!cfg->io_align ||
	      (is_pow2(cfg->io_align) && cfg->io_align <= cfg->block_len &&
	       is_pow2(cfg->mem_align) && cfg->mem_align <= BOUNCE_ALIGN));
	if (len == 0 || len > INT64_MAX)
		return err_set(err, -EINVAL,
			       "%llu bytes are less than a block of %u",
			       (unsigned long long)cfg->len, cfg->block_len);
	b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(err, -ENOMEM, "block device");
	vdev_init(&b->v, &blk_ops[cfg->queues - 1], cfg->mem, cfg->irq);
	b->v.offered &= ~not_offered(cfg);
	b->cfg = *cfg;
	b->cfg.serial = NULL;
	b->sectors = len / BLK_SECTOR;
	b->writeback = true;
	b->after.done = after_done;
	throttle_init(&b->throttle, &cfg->limit, cfg->loop, &b->v, go_on);
	memcpy(b->serial, cfg->serial, strnlen(cfg->serial, BLK_SERIAL));
	r = allocate(b, err);
	if (r) {
		blk_fini(&b->v);
		return r;
	}
	*ret_v = &b->v;
	return 0;
}
