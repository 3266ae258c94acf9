/* fuzz_balloon.c: the balloon under rings written by a fuzzer, over a real
 * loop, with the host's side of it in between.
 *
 * Input: modes, n, n steps of 2 bytes, and the bytes of guest memory from
 * RINGS on. The oracle: memory is only ever given back in whole pages inside
 * of RAM (watched_madvise) and bytes around it stay as they are; what the
 * device counts is what was given back; every used length is 0; a chain in
 * flight is one being worked off or the statistics' buffer; a kick's work
 * ends; a quiet loop has no timer; a reset always ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "tests/support/walls.h"
#include "tests/support/watched_madvise.h"
#include "virtio/balloon_priv.h"
#include "virtio/mmio.h"

#define RAM    0x8000u
#define RINGS  0x100u
#define RING   8u
#define QUEUES BALLOON_QUEUES
#define AGAIN  100000u /* slices that one kick may take */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static struct loop *loop;
static struct vdriver drv[QUEUES];
static uint64_t features;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err = { 0 };
	int r;

	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	r = loop_new(8, LOOP_POLL, &loop, &err);
	CHECK(r == 0);
	return 0;
}

static void fire(void *ctx)
{
	(void)ctx;
}

static struct balloon *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct balloon, v);
}

static void up(struct vdev *v, uint8_t queues)
{
	(void)vdriver_negotiate(v, features & v->offered);
	vdriver_set_reg(v, MMIO_REG_CONFIG + 12, ram[RINGS - 4]);
	for (unsigned i = 0; i < QUEUES; i++)
		if (queues & (1u << i))
			vdriver_set_queue(v, i, &drv[i]);
	vdriver_go(v);
}

static void finish_work(struct vdev *v)
{
	unsigned n = 0;

	while (vdev_again(v)) {
		n++;
		CHECK(n < AGAIN);
	}
}

/* An answer is due: the buffer goes back. */
static void let_time_pass(struct vdev *v)
{
	struct balloon *b = of(v);
	int r;

	b->stats_due_ns = 0;
	loop_cancel(loop, &b->timer);
	loop_unlock(loop);
	r = loop_run(loop, NULL, true);
	loop_lock(loop);
	CHECK(r == 0 && !b->timer_on);
}

/* Chains of a queue that the device keeps. */
static unsigned held(struct vdev *v, unsigned queue)
{
	const struct balloon *b = of(v);

	return b->work[queue].busy +
	       (b->stats_held && b->stats_queue == queue ? 1u : 0);
}

static void look(struct vdev *v)
{
	struct balloon_status s;

	balloon_status(v, &s);
	CHECK(s.inflated + s.reported + s.hinted == watched_madvise.bytes);
	CHECK(s.target <= RAM);
	for (unsigned i = 0; i < QUEUES; i++) {
		const struct vq *q = &v->queue[i];

		if (!vdev_live(v) || !q->ready)
			continue;
		CHECK(q->in_flight == held(v, i));
		for (unsigned e = 0; e < RING && e < q->next_used; e++) {
			const uint8_t *used = ram + drv[i].used + 4 + 8 * e;

			CHECK(gload32(used + 4) == 0);
		}
	}
}

static void hint(struct vdev *v, uint8_t how)
{
	const int r =
		how & 1 ? balloon_hint_start(v, how & 2) : balloon_hint_stop(v);

	CHECK((r == 0) ==
	      (vdev_live(v) && vdev_has(v, BALLOON_F_FREE_PAGE_HINT)));
}

static void set(struct vdev *v, uint8_t x)
{
	int r = balloon_set_target(v, x * 512ull);

	CHECK(r == (x * 512u > RAM ? -ERANGE : 0));
	r = balloon_set_stats_interval(v, x * 1000u);
	CHECK((r == 0) == ((v->offered & BALLOON_F_STATS_VQ) && x > 0));
}

static void step(struct vdev *v, const uint8_t *p)
{
	const unsigned queue = p[1] % QUEUES;
	struct vdriver *d = &drv[queue];

	switch (p[0] % 12) {
	case 0:
	case 1:
	case 2:
		vdriver_publish(d, (uint16_t)(d->avail_idx + p[1] / 16));
		vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, queue);
		if (p[0] & 128)
			finish_work(v);
		break;
	case 3:
		(void)vdev_again(v);
		break;
	case 4:
		vdriver_set_reg(v, MMIO_REG_STATUS, 0);
		break;
	case 5:
		up(v, p[1]);
		break;
	case 6:
		vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, p[1] & 7);
		vdriver_set_reg(v, MMIO_REG_QUEUE_READY, p[1] / 8 & 1);
		break;
	case 7:
		mmio_write(v, MMIO_REG_CONFIG + p[1] % 16, p, 1);
		break;
	case 8:
		hint(v, p[1]);
		break;
	case 9:
		set(v, p[1]);
		break;
	case 10:
		let_time_pass(v);
		break;
	default:
		watched_madvise.error = p[1] & 1 ? EINVAL : 0;
		break;
	}
	look(v);
}

static struct vdev *make(uint8_t mode, const struct gmem *mem)
{
	const struct balloon_config cfg = {
		.loop = loop,
		.mem = mem,
		.irq = { fire, NULL },
		.target = 0x1000,
		.stats_s = mode & 1 ? 0 : 1000,
		.reporting = !(mode & 2),
		.hinting = !(mode & 4),
		.deflate_on_oom = !(mode & 8),
	};
	struct err err = { 0 };
	struct vdev *v = NULL;
	int r = balloon_new(&cfg, &v, &err);

	CHECK(r == 0);
	features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | 0x3f;
	if (mode & 16)
		features &= ~BALLOON_F_PAGE_POISON;
	if (mode & 32)
		features &= ~BALLOON_F_FREE_PAGE_HINT;
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gmem mem;
	struct vdev *v;
	size_t steps, n;
	int r;

	if (len < 2)
		return 0;
	steps = data[1] % 32;
	if (len < 2 + 2 * steps)
		return 0;
	walls_build(host, RAM);
	watched_madvise =
		(struct watched_madvise){ .from = ram, .to = ram + RAM };
	gmem_init_borrowed(&mem, 0, ram, RAM);
	v = make(data[0], &mem);
	for (unsigned i = 0; i < QUEUES; i++)
		vdriver_init(&drv[i], ram,
			     i ? (drv[i - 1].end + 15) & ~15ull : RINGS, RING);
	n = len - 2 - 2 * steps;
	memcpy(ram + RINGS, data + 2 + 2 * steps,
	       n < RAM - RINGS ? n : RAM - RINGS);
	ram[RINGS - 4] = data[0] & 64 ? 0x55 : 0;
	loop_lock(loop);
	up(v, 0x1f);
	for (size_t i = 0; i < steps; i++)
		step(v, data + 2 + 2 * i);
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	CHECK(v->status == 0);
	for (unsigned i = 0; i < QUEUES; i++)
		CHECK(v->queue[i].in_flight == 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	r = loop_run(loop, NULL, true);
	CHECK(r == 0 && !of(v)->timer_on);
	walls_check(host, RAM);
	vdev_free(v);
	watched_madvise = (struct watched_madvise){ 0 };
	return 0;
}
