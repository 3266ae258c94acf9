/* fuzz_rng.c: the entropy device under rings written by a fuzzer.
 *
 * Input: features, n, n steps, and the bytes of guest memory from RINGS on.
 * The oracle: bytes around RAM stay as they are; what one kick may do is
 * bounded; nothing stays in flight. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "tests/support/walls.h"
#include "virtio/mmio.h"
#include "virtio/rng.h"

#define RAM   0x4000u
#define RINGS 0x100u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static size_t drawn;

/* In libc's place: repeatable, and it sees where it is sent. */
ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
	uint8_t *p = buffer;

	(void)flags;
	CHECK(length > 0 && length <= RAM);
	CHECK(p >= ram && p <= ram + RAM - length);
	memset(p, (int)(drawn * 37 + 1), length);
	drawn += length;
	return (ssize_t)length;
}

static void fire(void *ctx)
{
	(void)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = { 0 };
	struct vdriver drv;
	struct gmem mem;
	struct vdev *v = NULL;
	size_t n_ops, n;
	bool ok;
	int r;

	log_setup(2, LOG_ERR);
	if (len < 2)
		return 0;
	n_ops = data[1] % 16;
	if (len < 2 + n_ops)
		return 0;
	walls_build(host, RAM);
	gmem_init_borrowed(&mem, 0, ram, RAM);
	r = rng_new(&mem, (struct irq_line){ fire, NULL }, &v, &err);
	CHECK(r == 0);
	ok = vdriver_negotiate(
		v, VIRTIO_F_VERSION_1 |
			   (data[0] & 1 ? VIRTIO_F_INDIRECT_DESC : 0) |
			   (data[0] & 2 ? VIRTIO_F_EVENT_IDX : 0));
	CHECK(ok);
	vdriver_init(&drv, ram, RINGS, 8);
	vdriver_set_queue(v, 0, &drv);
	n = len - 2 - n_ops;
	memcpy(ram + RINGS, data + 2 + n_ops,
	       n < RAM - RINGS ? n : RAM - RINGS);
	memcpy(&drv.avail_idx, ram + drv.avail + 2, 2);
	vdriver_go(v);

	for (size_t i = 0; i < n_ops; i++) {
		const uint16_t before = v->queue[0].next_used;
		const uint8_t op = data[2 + i];

		drawn = 0;
		if (op & 1)
			vdriver_publish(&drv,
					(uint16_t)(drv.avail_idx + op / 16));
		if (op & 2)
			vdriver_set_reg(v, MMIO_REG_INTERRUPT_ACK, 1);
		else
			vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, 0);
		CHECK(drawn <= RNG_KICK_MAX);
		CHECK((uint16_t)(v->queue[0].next_used - before) <= 16);
		CHECK(v->queue[0].in_flight <=
		      !!(v->status & VIRTIO_STATUS_NEEDS_RESET));
	}
	walls_check(host, RAM);
	vdev_shutdown(v);
	vdev_free(v);
	return 0;
}
