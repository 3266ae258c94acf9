/* blk.c: virtio block (virtio 1.2, 5.2): request n uses the descriptors 3n to
 * 3n + 2 and the nth header, all in one page of the device's own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/blk.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/page.h"
#include "linux/errno.h"

#define PARTS 3 /* header, data, status */

#define FEATURE_RO    (1u << 5)
#define FEATURE_FLUSH (1u << 9)

struct request {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;
	uint8_t pad[15];
};

/* What a driver knows of a request. */
enum state { FREE, IN_FLIGHT, ENDED };

static struct blk {
	bool tried, usable;
	struct virtio dev;
	struct blk_info info;
	struct request *request; /* BLK_REQUESTS; with the device in part */
	uint8_t state[BLK_REQUESTS];
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
	    !virtio_prepare(&b->dev, 1, VIRTIO_RING_MAX))
		return false;
	b->request = page_alloc_zeroed();
	if (!b->request)
		return false;
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

int64_t blk_start(unsigned nth, enum blk_type type, uint64_t sector, gpa_t gpa,
		  uint32_t len)
{
	struct blk *b = &disks[nth];
	struct virtq_part part[PARTS];
	struct request *r;
	unsigned n = 0, at = 0;

	while (at < BLK_REQUESTS && b->state[at] != FREE)
		at++;
	if (at == BLK_REQUESTS)
		return -LINUX_EAGAIN;
	r = &b->request[at];
	*r = (struct request){ .type = type, .sector = sector, .status = 0xff };
	part[n++] = (struct virtq_part){ phys_of(r), 16, false };
	if (len)
		part[n++] = (struct virtq_part){ gpa, len, type == BLK_READ };
	part[n++] = (struct virtq_part){ phys_of(&r->status), 1, true };
	b->state[at] = IN_FLIGHT;
	virtq_add_chain(&b->dev.q[0], PARTS * at, part, n);
	virtio_notify(&b->dev, 0);
	return at;
}

static void reap(struct blk *b)
{
	unsigned index;
	uint32_t len;

	while (virtq_pop(&b->dev, 0, &index, &len))
		if (index / PARTS < BLK_REQUESTS)
			b->state[index / PARTS] = ENDED;
}

int64_t blk_wait(unsigned nth, unsigned request)
{
	struct blk *b = &disks[nth];

	if (b->state[request] == FREE)
		return -LINUX_EINVAL;
	for (reap(b); b->state[request] != ENDED; reap(b)) {
		b->dev.config_changed = false; /* the size is as it was */
		virtio_wait(&b->dev, 0, 0);
	}
	b->state[request] = FREE;
	return *(volatile uint8_t *)&b->request[request].status ? -LINUX_EIO
								: 0;
}

int64_t blk_do(unsigned nth, enum blk_type type, uint64_t sector, gpa_t gpa,
	       uint32_t len)
{
	int64_t r = blk_start(nth, type, sector, gpa, len);

	return r < 0 ? r : blk_wait(nth, (unsigned)r);
}
