/* rng.c: virtio entropy (virtio 1.2, 5.4). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/rng.h"

#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/page.h"
#include "kernel/wait.h"
#include "lib/string.h"

#define RING 8 /* entries; one is in use */

static struct {
	bool tried, usable;
	struct virtio dev;
	struct lock busy;
	uint8_t *page;
} rng;

static bool init(void)
{
	if (rng.tried)
		return rng.usable;
	rng.tried = true;
	rng.page = page_alloc();
	rng.usable = rng.page &&
		     virtio_find(&rng.dev, VIRTIO_ID_RNG, 0, IRQ_RNG) &&
		     virtio_prepare(&rng.dev, 1, RING) &&
		     virtio_start(&rng.dev, VIRTIO_QUEUES_MAX);
	return rng.usable;
}

static void fill(uint8_t *p, uint64_t len)
{
	while (len) {
		unsigned index;
		uint32_t got;

		virtq_add(&rng.dev.q[0], 0, phys_of(rng.page),
			  (uint32_t)min_u64(len, PAGE_LEN), true);
		virtio_notify(&rng.dev, 0);
		while (!virtq_pop(&rng.dev, 0, &index, &got))
			virtio_wait(&rng.dev, 0, 0);
		got = (uint32_t)min_u64(got, min_u64(len, PAGE_LEN));
		memcpy(p, rng.page, got);
		p += got;
		len -= got;
	}
	memset(rng.page, 0, PAGE_LEN);
}

bool rng_read(void *buf, uint64_t len)
{
	if (!init())
		return false;
	lock_take(&rng.busy);
	fill(buf, len);
	lock_drop(&rng.busy);
	return true;
}
