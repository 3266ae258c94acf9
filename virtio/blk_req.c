/* blk_req.c: one request, from its chain to its status byte.
 *
 *            .-> MOVE (IN, OUT), again while bytes are left --.
 *   chain ---+-> FALLOCATE, a range at a time                 +-> SYNC -> end
 *            |      `-> ZERO, where the file cannot do it ----'    (write-
 *            `-> SYNC (FLUSH)                                     through)
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/iov.h"
#include "base/metrics.h"
#include "virtio/blk_priv.h"

#define ZERO_IOVS 16u

static struct metric reads = { "reads_blk", "read requests", 0 };
static struct metric writes = { "writes_blk", "write requests", 0 };
static struct metric flushes = { "flushes_blk", "flush requests", 0 };
static struct metric read_bytes = { "read_bytes_blk", "bytes read", 0 };
static struct metric write_bytes = { "write_bytes_blk", "bytes written", 0 };
static struct metric at_once = { "at_once_blk",
				 "reads and writes that the kick itself did",
				 0 };
static struct metric bounced = { "bounced_blk",
				 "requests through a bounce buffer", 0 };
static struct metric errors = { "errors_blk", "requests that ended S_IOERR",
				0 };

struct metric *const blk_metrics[] = { &reads,       &writes,  &flushes,
				       &read_bytes,  &bounced, &errors,
				       &write_bytes, &at_once, NULL };

/* Never written; not const because an iovec points to it. */
static _Alignas(4096) uint8_t zeros[64u << 10];

/* --- the chain ------------------------------------------------------------ */

/* Takes the chain apart: header, data, status byte. Drivers may cut these
 * into buffers as they like (virtio 1.2, 2.7.4). */
static int take_apart(struct blk_req *r, const struct vq_chain *c,
		      struct blk_header *ret_h)
{
	struct iovec *last;

	if (c->write_len == 0 ||
	    !iov_gather(c->iov, c->n_read, ret_h, sizeof(*ret_h)))
		return -EPROTO;
	r->head = c->head;
	r->room = c->write_len - 1;
	r->data = r->iov;
	r->n_data = c->n_read + c->n_write;
	last = &r->iov[r->n_data - 1];
	last->iov_len--;
	r->status = (uint8_t *)last->iov_base + last->iov_len;
	if (last->iov_len == 0)
		r->n_data--;
	iov_skip(&r->data, &r->n_data, sizeof(*ret_h));
	return 0;
}

/* --- ends ----------------------------------------------------------------- */

static void answer(struct blk_req *r, uint8_t status)
{
	const bool fills = r->type == BLK_T_IN || r->type == BLK_T_GET_ID;
	const uint64_t filled = fills ? r->moved : 0;

	if (status == BLK_S_IOERR)
		metric_inc(&errors);
	*(volatile uint8_t *)r->status = status;
	/* the status byte counts when nothing is missing before it */
	blk_answer(r, (uint32_t)(filled + (filled == r->room)));
}

/* --- steps ---------------------------------------------------------------- */

static int submit_move(struct blk_req *r)
{
	const struct blk *b = r->b;
	const struct iovec *iov = r->data;
	unsigned n = r->n_data;

	if (r->bounce) {
		r->bounce_iov.iov_base = r->bounce;
		r->bounce_iov.iov_len =
			r->left < BLK_BOUNCE_LEN ? r->left : BLK_BOUNCE_LEN;
		if (r->type == BLK_T_OUT) { /* `left` counts these bytes */
			bool all = iov_gather(iov, n, r->bounce,
					      r->bounce_iov.iov_len);

			CHECK(all);
		}
		iov = &r->bounce_iov;
		n = 1;
	}
	if (r->type == BLK_T_IN)
		return loop_readv(b->cfg.loop, &r->op, b->cfg.fd, iov, n,
				  r->off);
	return loop_writev(b->cfg.loop, &r->op, b->cfg.fd, iov, n, r->off);
}

static int submit_fallocate(struct blk_req *r)
{
	const struct blk *b = r->b;

	return loop_fallocate(b->cfg.loop, &r->op, b->cfg.fd,
			      FALLOC_FL_KEEP_SIZE |
				      (r->punch ? FALLOC_FL_PUNCH_HOLE
						: FALLOC_FL_ZERO_RANGE),
			      r->off, r->left);
}

static int submit_zero(struct blk_req *r)
{
	const struct blk *b = r->b;
	uint64_t left = r->left;
	unsigned n = 0;

	for (; n < ZERO_IOVS && left > 0; n++) {
		size_t len = left < sizeof(zeros) ? left : sizeof(zeros);

		r->iov[n] = (struct iovec){ zeros, len };
		left -= len;
	}
	return loop_writev(b->cfg.loop, &r->op, b->cfg.fd, r->iov, n, r->off);
}

static int submit(struct blk_req *r)
{
	switch (r->step) {
	case BLK_MOVE:
		return submit_move(r);
	case BLK_FALLOCATE:
		return submit_fallocate(r);
	case BLK_ZERO:
		return submit_zero(r);
	case BLK_SYNC:
		return loop_fsync(r->b->cfg.loop, &r->op, r->b->cfg.fd, true);
	case BLK_IDLE:
		break;
	}
	CHECK(false);
	return -EINVAL;
}

/* --- what comes next ------------------------------------------------------ */

/* The end, or the step that makes the data last. */
static enum blk_step finish_write(const struct blk_req *r, uint8_t *status)
{
	const struct blk *b = r->b;

	*status = BLK_S_OK;
	if (r->type != BLK_T_FLUSH && b->writeback &&
	    vdev_has(&b->v, BLK_F_FLUSH))
		return BLK_IDLE;
	if (!b->sync_failed)
		return BLK_SYNC;
	*status = BLK_S_IOERR;
	return BLK_IDLE;
}

/* The next range that is not empty. */
static enum blk_step next_range(struct blk_req *r, uint8_t *status)
{
	while (r->next_range < r->n_ranges) {
		const struct blk_range *g = &r->range[r->next_range++];

		r->off = le64_get(g->sector) * BLK_SECTOR;
		r->left = (uint64_t)le32_get(g->sectors) * BLK_SECTOR;
		r->punch = r->type == BLK_T_DISCARD ||
			   (le32_get(g->flags) & BLK_SEG_UNMAP);
		if (r->left > 0)
			return BLK_FALLOCATE;
	}
	return finish_write(r, status);
}

static enum blk_step moved(struct blk_req *r, unsigned n, uint8_t *status)
{
	/* the other way, submit_move gathers */
	if (r->bounce && r->type == BLK_T_IN)
		(void)iov_scatter(r->data, r->n_data, r->bounce, n);
	iov_skip(&r->data, &r->n_data, n);
	r->moved += n;
	if (r->left > 0)
		return BLK_MOVE;
	return r->type == BLK_T_IN ? BLK_IDLE : finish_write(r, status);
}

/* What fallocate(2) could not do is done another way. A file that cannot
 * forget bytes need not: what is discarded may read as anything. */
static enum blk_step allocated(struct blk_req *r, int res, uint8_t *status)
{
	if (res == -EOPNOTSUPP && r->type == BLK_T_WRITE_ZEROES)
		return BLK_ZERO;
	if (res == 0 || res == -EOPNOTSUPP) {
		r->left = 0;
		return next_range(r, status);
	}
	*status = BLK_S_IOERR;
	return BLK_IDLE;
}

/* A step ended with `res`. BLK_IDLE: *status is the answer. */
static enum blk_step after(struct blk_req *r, int res, uint8_t *status)
{
	const enum blk_step was = r->step;

	*status = BLK_S_IOERR;
	if (was == BLK_SYNC && res < 0 && res != -ECANCELED)
		r->b->sync_failed = true;
	/* the queue was taken back, or nobody is there any more */
	if (r->b->v.queue[r->queue].stopped)
		return BLK_IDLE;
	if (was == BLK_FALLOCATE)
		return allocated(r, res, status);
	if (was == BLK_SYNC) {
		if (res == 0)
			*status = BLK_S_OK;
		return BLK_IDLE;
	}
	if (res <= 0) /* 0: the file ends here */
		return BLK_IDLE;
	CHECK((uint64_t)res <= r->left);
	*status = BLK_S_OK;
	r->off += (unsigned)res;
	r->left -= (unsigned)res;
	if (was == BLK_ZERO)
		throttle_charge_late(&r->b->throttle, (unsigned)res);
	if (was == BLK_MOVE)
		return moved(r, (unsigned)res, status);
	return r->left > 0 ? BLK_ZERO : next_range(r, status);
}

/* What the page cache has, and the kick has time for, is moved right here:
 * cheaper than waking the loop for it. Returns the step that is left. */
static enum blk_step move_now(struct blk_req *r, uint8_t *status)
{
	struct blk *b = r->b;
	int n;

	if (b->cfg.io_align || r->left > b->now_left)
		return BLK_MOVE;
	b->now_left -= (unsigned)r->left;
	if (r->type == BLK_T_IN)
		n = loop_readv_now(b->cfg.fd, r->data, r->n_data, r->off);
	else
		n = loop_writev_now(b->cfg.fd, r->data, r->n_data, r->off);
	if (n == -EAGAIN)
		return BLK_MOVE;
	metric_inc(&at_once);
	return after(r, n, status);
}

/* What io_uring hands to a thread of its own: everything but reads, and
 * writes that go to the device directly. */
static bool is_elsewhere(const struct blk_req *r)
{
	return r->step != BLK_MOVE ||
	       (r->type == BLK_T_OUT && !r->b->cfg.io_align);
}

/* 1: the step is in flight; 0: there is none, or the host refuses it, and
 * the request is answered. */
static int go(struct blk_req *r, enum blk_step step, uint8_t status)
{
	r->step = step;
	if (step == BLK_MOVE)
		step = r->step = move_now(r, &status);
	if (step != BLK_IDLE && submit(r) == 0) {
		r->elsewhere = is_elsewhere(r);
		r->b->v.elsewhere += r->elsewhere;
		return 1;
	}
	answer(r, step == BLK_IDLE ? status : BLK_S_IOERR);
	return 0;
}

void blk_req_done(struct loop_op *op, int res)
{
	struct blk_req *r = CONTAINER_OF(op, struct blk_req, op);
	struct blk *b = r->b;
	uint8_t status = BLK_S_IOERR;
	const enum blk_step step = after(r, res, &status);

	b->v.elsewhere -= r->elsewhere;
	r->elsewhere = false;
	if (go(r, step, status) == 0)
		vdev_op_end(&b->v); /* may reset the device */
}

/* --- first steps ---------------------------------------------------------- */

static bool in_disk(const struct blk *b, uint64_t sector, uint64_t n)
{
	return sector <= b->sectors && n <= b->sectors - sector;
}

/* O_DIRECT takes the guest's buffers as they are. */
static bool is_aligned(const struct blk_req *r)
{
	const struct blk_config *cfg = &r->b->cfg;

	for (unsigned i = 0; i < r->n_data; i++) {
		const struct iovec *io = &r->data[i];

		if ((uintptr_t)io->iov_base % cfg->mem_align ||
		    io->iov_len % cfg->io_align)
			return false;
	}
	return true;
}

static int start_move(struct blk_req *r, uint64_t sector)
{
	struct blk *b = r->b;
	const uint64_t len = iov_total(r->data, r->n_data);

	if (len % BLK_SECTOR || !in_disk(b, sector, len / BLK_SECTOR) ||
	    (r->type == BLK_T_OUT && b->cfg.read_only))
		return go(r, BLK_IDLE, BLK_S_IOERR);
	if (len == 0)
		return go(r, BLK_IDLE, BLK_S_OK);
	r->off = sector * BLK_SECTOR;
	r->left = len;
	if (b->cfg.io_align) {
		if (r->off % b->cfg.io_align || len % b->cfg.io_align)
			return go(r, BLK_IDLE, BLK_S_IOERR);
		if (!is_aligned(r)) {
			if (b->n_bounce_free == 0)
				return -EAGAIN;
			r->bounce = b->bounce_free[--b->n_bounce_free];
			metric_inc(&bounced);
		}
	}
	metric_inc(r->type == BLK_T_IN ? &reads : &writes);
	metric_add(r->type == BLK_T_IN ? &read_bytes : &write_bytes, len);
	return go(r, BLK_MOVE, 0);
}

static int start_ranges(struct blk_req *r)
{
	const struct blk *b = r->b;
	const uint64_t len = iov_total(r->data, r->n_data);
	const uint32_t known =
		r->type == BLK_T_WRITE_ZEROES ? BLK_SEG_UNMAP : 0;
	enum blk_step step;
	uint8_t status = BLK_S_OK;

	if (b->cfg.read_only || len == 0 || len > sizeof(r->range) ||
	    len % sizeof(r->range[0]) ||
	    !iov_gather(r->data, r->n_data, r->range, len))
		return go(r, BLK_IDLE, BLK_S_IOERR);
	r->n_ranges = (unsigned)(len / sizeof(r->range[0]));
	/* all are looked at before the first is worked on */
	for (unsigned i = 0; i < r->n_ranges; i++) {
		const struct blk_range *g = &r->range[i];

		/* virtio 1.2, 5.2.6.2 */
		if (le32_get(g->flags) & ~known)
			return go(r, BLK_IDLE, BLK_S_UNSUPP);
		if (le32_get(g->sectors) > BLK_RANGE_SECTORS_MAX ||
		    !in_disk(b, le64_get(g->sector), le32_get(g->sectors)))
			return go(r, BLK_IDLE, BLK_S_IOERR);
	}
	step = next_range(r, &status);
	return go(r, step, status);
}

static int start_flush(struct blk_req *r)
{
	uint8_t status = BLK_S_OK;
	enum blk_step step;

	metric_inc(&flushes);
	if (r->b->cfg.read_only) /* there is nothing to keep */
		return go(r, BLK_IDLE, BLK_S_OK);
	step = finish_write(r, &status);
	return go(r, step, status);
}

static int get_id(struct blk_req *r)
{
	if (iov_total(r->data, r->n_data) < BLK_SERIAL)
		return go(r, BLK_IDLE, BLK_S_IOERR);
	(void)iov_scatter(r->data, r->n_data, r->b->serial, BLK_SERIAL);
	r->moved = BLK_SERIAL;
	return go(r, BLK_IDLE, BLK_S_OK);
}

int blk_req_start(struct blk_req *r, const struct vq_chain *c)
{
	struct blk_header h;
	int e = take_apart(r, c, &h);
	bool reads_data, writes_data;

	if (e < 0)
		return e;
	r->type = le32_get(h.type);
	r->left = r->moved = 0;
	r->n_ranges = r->next_range = 0;
	/* data may only go one way, and only where there is any */
	reads_data = c->read_len > sizeof(h);
	writes_data = c->write_len > 1;
	switch (r->type) {
	case BLK_T_IN:
		return reads_data ? -EPROTO : start_move(r, le64_get(h.sector));
	case BLK_T_OUT:
		return writes_data ? -EPROTO
				   : start_move(r, le64_get(h.sector));
	case BLK_T_FLUSH:
		return start_flush(r);
	case BLK_T_GET_ID:
		return reads_data ? -EPROTO : get_id(r);
	case BLK_T_DISCARD:
	case BLK_T_WRITE_ZEROES:
		if (!vdev_has(&r->b->v, r->type == BLK_T_DISCARD
						? BLK_F_DISCARD
						: BLK_F_WRITE_ZEROES))
			break;
		return writes_data ? -EPROTO : start_ranges(r);
	default:
		break;
	}
	return go(r, BLK_IDLE, BLK_S_UNSUPP);
}
