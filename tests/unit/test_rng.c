/* test_rng.c: the entropy device, as a guest drives it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/mmio.h"
#include "virtio/rng.h"

#define RAM  (1u << 20)
#define DATA 0x10000u

static _Alignas(4096) uint8_t ram[RAM];
static struct gmem mem;
static struct vdriver drv;
static struct vdev *v;
static unsigned fired;

static void fire(void *ctx)
{
	(void)ctx;
	fired++;
}

static void up(void)
{
	struct err err = { 0 };

	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	vdriver_init(&drv, ram, 0x1000, 8);
	cr_assert_eq(rng_new(&mem, (struct irq_line){ fire, NULL }, &v, &err),
		     0);
	cr_assert(vdriver_negotiate(v, VIRTIO_F_VERSION_1 |
					       VIRTIO_F_INDIRECT_DESC));
	vdriver_set_queue(v, 0, &drv);
	vdriver_go(v);
}

static void down(void)
{
	vdev_shutdown(v);
	vdev_free(v);
}

static void kick(void)
{
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, 0);
}

TestSuite(rng, .init = up, .fini = down, .timeout = 5);

Test(rng, fills_every_buffer_and_nothing_else)
{
	const struct vdriver_buf b[] = { { DATA, 64, true },
					 { DATA + 128, 64, true } };
	static const uint8_t zeros[64];
	uint32_t head, len;

	cr_expect_eq(vdriver_reg(v, MMIO_REG_DEVICE_ID), 4);
	(void)vdriver_add(&drv, b, 2);
	kick();
	cr_assert(vdriver_used(&drv, &head, &len));
	cr_expect_eq(len, 128);
	cr_expect_eq(fired, 1);
	cr_expect_neq(memcmp(ram + DATA, zeros, 64), 0);
	cr_expect_neq(memcmp(ram + DATA + 128, zeros, 64), 0);
	cr_expect_neq(memcmp(ram + DATA, ram + DATA + 128, 64), 0);
	cr_expect_eq(memcmp(ram + DATA + 64, zeros, 64), 0);
	cr_expect_eq(memcmp(ram + DATA + 192, zeros, 64), 0);
}

Test(rng, caps_a_request)
{
	const struct vdriver_buf b = { DATA, RAM - DATA, true };
	uint32_t head, len;

	(void)vdriver_add(&drv, &b, 1);
	kick();
	cr_assert(vdriver_used(&drv, &head, &len));
	cr_expect_eq(len, RNG_REQUEST_MAX);
	for (size_t i = DATA + RNG_REQUEST_MAX; i < RAM; i++)
		cr_assert_eq(ram[i], 0);
}

Test(rng, caps_a_kick_and_goes_on_later)
{
	const struct vdriver_buf b = { DATA, RNG_REQUEST_MAX, true };

	for (unsigned i = 0; i < 6; i++)
		(void)vdriver_add(&drv, &b, 1);
	kick();
	cr_expect_eq(vdriver_used_idx(&drv), 4);
	cr_expect_eq(fired, 1);
	vdriver_set_reg(v, MMIO_REG_INTERRUPT_ACK, 1);
	cr_expect_eq(vdriver_used_idx(&drv), 6);
	cr_expect_eq(fired, 2);
	cr_expect_not(vdev_again(v));
}

Test(rng, config_space_is_empty)
{
	uint8_t x[8];

	memset(x, 0xff, sizeof(x));
	mmio_read(v, MMIO_REG_CONFIG, x, 8);
	for (unsigned i = 0; i < 8; i++)
		cr_expect_eq(x[i], 0);
	mmio_write(v, MMIO_REG_CONFIG, x, 8);
}

struct bad_rng {
	char why[32];
	struct vdriver_buf buf[2];
	unsigned n;
};

ParameterizedTestParameters(rng, faults_on)
{
	static struct bad_rng bad[] = {
		{ "a buffer to read", { { DATA, 8, false } }, 1 },
		{ "a buffer to read first",
		  { { DATA, 8, false }, { DATA, 8, true } },
		  2 },
		{ "an empty buffer", { { DATA, 0, true } }, 1 },
		{ "a buffer outside memory", { { RAM, 8, true } }, 1 },
	};

	return cr_make_param_array(struct bad_rng, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_rng *b, rng, faults_on)
{
	(void)vdriver_add(&drv, b->buf, b->n);
	kick();
	cr_expect(v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", b->why);
	cr_expect_eq(vdriver_used_idx(&drv), 0, "%s", b->why);
}
