/* blk.c: virtio block (virtio 1.2, 5.2): request n uses the descriptors 3n to
 * 3n + 2 and the nth header, all in one page of the device's own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/blk.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/page.h"
#include "linux/errno.h"

#define PARTS 3   /* header, data, status */
#define RING  128 /* entries: PARTS for each request, a power of two */

_Static_assert(PARTS *BLK_REQUESTS <= RING && RING <= VIRTIO_RING_MAX &&
		       BLK_REQUESTS <= 32,
	       "descriptors, and bits of struct blk");

#define FEATURE_RO    (1u << 5)
#define FEATURE_FLUSH (1u << 9)

struct request {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;
	uint8_t pad[15];
};

static struct blk {
	bool tried, usable;
	struct virtio dev;
	struct blk_info info;
	struct request *request;   /* BLK_REQUESTS; with the device in part */
	uint32_t in_flight, ended; /* a bit a request; in neither: free */
} disks[BLK_MAX];

static void read_config(struct blk *b)
{
	unsigned low, high;

	mmio_begin();
	low = mmio_read(b->dev.gpa + VIRTIO_CONFIG);
	high = mmio_read(b->dev.gpa + VIRTIO_CONFIG + 4);
	mmio_run();
	b->info.sectors = (uint64_t)mmio_value(high) << 32 | mmio_value(low);
}

static bool init(struct blk *b, unsigned nth)
{
	uint32_t offered;

	if (!virtio_find(&b->dev, VIRTIO_ID_BLK, nth, IRQ_BLK(nth)) ||
	    !virtio_prepare(&b->dev, 1, RING))
		return false;
	b->request = page_alloc_zeroed();
	if (!b->request)
		return false;
	b->dev.config_fixed = true;
	offered = virtio_offers(&b->dev);
	b->dev.features = offered & (FEATURE_RO | FEATURE_FLUSH);
	b->info.read_only = offered & FEATURE_RO;
	b->info.flush = offered & FEATURE_FLUSH;
	if (!virtio_start(&b->dev, VIRTIO_QUEUES_MAX))
		return false;
	read_config(b);
	return true;
}

bool blk_open(unsigned nth, struct blk_info *ret_info)
{
	struct blk *b;

	if (nth >= BLK_MAX)
		return false;
	b = &disks[nth];
	if (!b->tried) {
		b->tried = true;
		b->usable = init(b, nth);
	}
	if (b->usable)
		*ret_info = b->info;
	return b->usable;
}

int64_t blk_offer(unsigned nth, enum blk_type type, uint64_t sector, gpa_t gpa,
		  uint32_t len)
{
	struct blk *b = &disks[nth];
	const uint32_t taken = b->in_flight | b->ended;
	struct virtq_part part[PARTS];
	struct request *r;
	unsigned n = 0, at;

	if (!~taken)
		return -LINUX_EAGAIN;
	at = (unsigned)__builtin_ctz(~taken);
	r = &b->request[at];
	*r = (struct request){ .type = type, .sector = sector, .status = 0xff };
	part[n++] = (struct virtq_part){ phys_of(r), 16, false };
	if (len)
		part[n++] = (struct virtq_part){
			gpa, len, type == BLK_READ || type == BLK_GET_ID
		};
	part[n++] = (struct virtq_part){ phys_of(&r->status), 1, true };
	b->in_flight |= 1u << at;
	virtq_add_chain(&b->dev.q[0], PARTS * at, part, n);
	return at;
}

void blk_kick(unsigned nth)
{
	virtio_notify(&disks[nth].dev, 0);
}

static void reap(struct blk *b)
{
	unsigned index;
	uint32_t len, bit;

	while (virtq_pop(&b->dev, 0, &index, &len)) {
		bit = index / PARTS < BLK_REQUESTS ? 1u << index / PARTS : 0;
		b->ended |= b->in_flight & bit;
		b->in_flight &= ~bit;
	}
}

/* Until one of these has ended. */
static void wait(struct blk *b, uint32_t bits)
{
	for (reap(b); !(b->ended & bits); reap(b)) {
		virtio_notify(&b->dev, 0);
		b->dev.config_changed = false; /* the size is as it was */
		virtio_wait(&b->dev, 0, 0);
	}
}

/* The result of what has ended. */
static int64_t take(struct blk *b, unsigned request)
{
	b->ended &= ~(1u << request);
	return *(volatile uint8_t *)&b->request[request].status ? -LINUX_EIO
								: 0;
}

int64_t blk_wait(unsigned nth, unsigned request)
{
	struct blk *b = &disks[nth];

	if (!((b->in_flight | b->ended) & (1u << request)))
		return -LINUX_EINVAL;
	wait(b, 1u << request);
	return take(b, request);
}

int64_t blk_next(unsigned nth, bool may_wait, int64_t *ret)
{
	struct blk *b = &disks[nth];
	unsigned request;

	if (!(b->in_flight | b->ended))
		return -LINUX_EINVAL;
	if (!b->ended && may_wait)
		wait(b, ~0u);
	else if (!b->ended)
		reap(b);
	if (!b->ended)
		return -LINUX_EAGAIN;
	request = (unsigned)__builtin_ctz(b->ended);
	*ret = take(b, request);
	return request;
}

int64_t blk_do(unsigned nth, enum blk_type type, uint64_t sector, gpa_t gpa,
	       uint32_t len)
{
	int64_t r = blk_offer(nth, type, sector, gpa, len);

	return r < 0 ? r : blk_wait(nth, (unsigned)r);
}
