/* balloon_rig.c: see balloon_rig.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/balloon_rig.h"

#include <string.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/err.h"
#include "tests/support/watched_madvise.h"
#include "virtio/mmio.h"

#define RINGS 0x1000u /* two pages for each */

struct balloon_rig bln;
_Alignas(4096) uint8_t bln_ram[BLN_RAM];

static void fire(void *ctx)
{
	(void)ctx;
	bln.fired++;
	bln.stop = true;
}

void bln_create(void)
{
	struct err err = { 0 };
	int r = loop_new(8, LOOP_POLL, &bln.loop, &err);

	CHECK(r == 0);
	bln.mem = (struct gmem){
		.n_regions = 2,
		.region = { { 0, BLN_HOLE, bln_ram },
			    { 2ull * BLN_HOLE, BLN_RAM - BLN_HOLE,
			      bln_ram + BLN_HOLE } },
	};
	memset(bln_ram + BLN_PAGES, BLN_FILL, BLN_RAM - BLN_PAGES);
	watched_madvise = (struct watched_madvise){ .from = bln_ram,
						    .to = bln_ram + BLN_RAM };
	bln.cfg.loop = bln.loop;
	bln.cfg.mem = &bln.mem;
	bln.cfg.irq = (struct irq_line){ fire, NULL };
	if (!bln.cfg.stats_s)
		bln.cfg.stats_s = 1000;
	bln.cfg.reporting = bln.cfg.hinting = bln.cfg.deflate_on_oom = true;
	r = balloon_new(&bln.cfg, &bln.v, &err);
	CHECK(r == 0);
}

void bln_drive(uint64_t features, unsigned queues)
{
	bool ok;

	loop_lock(bln.loop);
	ok = vdriver_negotiate(bln.v, features);
	CHECK(ok);
	for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
		vdriver_init(&bln.drv[i], bln_ram, RINGS + i * 0x2000,
			     BLN_RING);
		if (queues & (1u << i))
			vdriver_set_queue(bln.v, i, &bln.drv[i]);
	}
	vdriver_go(bln.v);
	loop_unlock(bln.loop);
	CHECK(vdev_live(bln.v));
}

void bln_up(void)
{
	bln_create();
	bln_drive(BLN_ALL, 0x1f);
}

void bln_down(void)
{
	int r;

	loop_lock(bln.loop);
	vdev_shutdown(bln.v);
	loop_unlock(bln.loop);
	r = loop_run(bln.loop, NULL, true);
	CHECK(r == 0);
	vdev_free(bln.v);
	loop_free(bln.loop);
	watched_madvise = (struct watched_madvise){ 0 };
}

void bln_kick(unsigned queue)
{
	loop_lock(bln.loop);
	vdriver_set_reg(bln.v, MMIO_REG_QUEUE_NOTIFY, queue);
	loop_unlock(bln.loop);
}

unsigned bln_again(void)
{
	unsigned n = 0;

	loop_lock(bln.loop);
	while (vdev_again(bln.v))
		n++;
	loop_unlock(bln.loop);
	return n;
}

void bln_chain(unsigned queue, const struct vdriver_buf *b, unsigned n)
{
	(void)vdriver_add(&bln.drv[queue], b, n);
	bln_kick(queue);
	(void)bln_again();
}

void bln_list(unsigned queue, const uint32_t *pages, unsigned n)
{
	const struct vdriver_buf b = { BLN_LIST, 4 * n, false };

	for (unsigned i = 0; i < n; i++) {
		le32 page = le32_of(pages[i]);

		memcpy(bln_ram + BLN_LIST + (size_t)4 * i, &page, 4);
	}
	bln_chain(queue, &b, 1);
}

void bln_await(void)
{
	int r;

	bln.stop = false;
	r = loop_run(bln.loop, &bln.stop, false);
	CHECK(r == 0);
}

bool bln_page_is(uint64_t off, uint8_t byte)
{
	for (unsigned i = 0; i < BALLOON_PAGE; i++)
		if (bln_ram[off + i] != byte)
			return false;
	return true;
}

unsigned bln_used(unsigned queue)
{
	uint32_t head, len;
	unsigned n = 0;

	for (; vdriver_used(&bln.drv[queue], &head, &len); n++)
		CHECK(len == 0);
	return n;
}
