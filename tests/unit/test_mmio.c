/* test_mmio.c: the virtio-mmio registers, as drivers and liars use them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <string.h>

#include "base/attr.h"
#include "base/metrics.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/mmio.h"
#include "virtio/vdev.h"

#define ACK    VIRTIO_STATUS_ACKNOWLEDGE
#define DRIVER VIRTIO_STATUS_DRIVER
#define FOK    VIRTIO_STATUS_FEATURES_OK
#define DOK    VIRTIO_STATUS_DRIVER_OK
#define RESET  VIRTIO_STATUS_NEEDS_RESET
#define FAILED VIRTIO_STATUS_FAILED

#define F_OWN      (1ull << 5) /* a feature of the device's own */
#define F_NONE     (1ull << 6)
#define CONFIG_LEN 10u

static _Alignas(4096) uint8_t ram[0x4000];
static uint8_t config[CONFIG_LEN];
static struct gmem mem;
static struct vdriver drv;
static struct vdev v;
static unsigned fired, notified;

static void fire(void *ctx)
{
	(void)ctx;
	fired++;
}

static int on_notify(struct vdev *dev, unsigned queue)
{
	(void)dev;
	(void)queue;
	notified++;
	return 0;
}

static void nothing(struct vdev *dev)
{
	(void)dev;
}

static void config_get(struct vdev *dev, unsigned off, void *buf, unsigned n)
{
	(void)dev;
	cr_assert(n > 0 && off < CONFIG_LEN && n <= CONFIG_LEN - off);
	memcpy(buf, config + off, n);
}

static void config_set(struct vdev *dev, unsigned off, const void *buf,
		       unsigned n)
{
	(void)dev;
	cr_assert(n > 0 && off < CONFIG_LEN && n <= CONFIG_LEN - off);
	memcpy(config + off, buf, n);
}

static const struct vdev_ops ops = {
	.name = "board",
	.device_id = 42,
	.features = F_OWN,
	.queues = 2,
	.queue_max = 16,
	.config_len = CONFIG_LEN,
	.notify = on_notify,
	.quiesce = nothing,
	.fini = nothing,
	.config_read = config_get,
	.config_write = config_set,
};

static void up(void)
{
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	for (unsigned i = 0; i < CONFIG_LEN; i++)
		config[i] = (uint8_t)(0x10 + i);
	vdev_init(&v, &ops, &mem, (struct irq_line){ fire, NULL });
	vdriver_init(&drv, ram, 0x100, 8);
}

static uint32_t get(unsigned off)
{
	return vdriver_reg(&v, off);
}

static void set(unsigned off, uint32_t value)
{
	vdriver_set_reg(&v, off, value);
}

static uint64_t metric(unsigned i)
{
	return metric_get(mmio_metrics[i]);
}
#define IGNORED metric(0)

static void live(void)
{
	cr_assert(vdriver_negotiate(&v, VIRTIO_F_VERSION_1));
	vdriver_set_queue(&v, 0, &drv);
	vdriver_go(&v);
	cr_assert(vdev_live(&v));
}

TestSuite(mmio, .init = up, .timeout = 5);

/* --- identity and unknown registers ---------------------------------------- */

Test(mmio, says_what_it_is)
{
	cr_expect_eq(get(0x000), 0x74726976);
	cr_expect_eq(get(0x004), 2);
	cr_expect_eq(get(0x008), 42);
	cr_expect_eq(get(0x00c), MMIO_VENDOR);
	cr_expect_eq(get(0x070), 0);
	cr_expect_eq(get(0x034), 16);
	cr_expect_eq(get(0x044), 0);
	cr_expect_eq(get(0x060), 0);
}

Test(mmio, has_no_shared_memory)
{
	uint64_t before = IGNORED;

	set(MMIO_REG_SHM_SEL, 3);
	for (unsigned off = 0xb0; off <= 0xbc; off += 4)
		cr_expect_eq(get(off), UINT32_MAX);
	cr_expect_eq(IGNORED, before);
}

Test(mmio, every_other_register_is_zero_and_counted)
{
	static const uint16_t readable[] = {
		0x00, 0x04, 0x08, 0x0c, 0x10, 0x34, 0x44,
		0x60, 0x70, 0xb0, 0xb4, 0xb8, 0xbc, 0xfc,
	};
	unsigned n = 0;

	for (unsigned off = 0; off < 0x100; off += 4) {
		uint64_t before = IGNORED;
		bool known = false;

		for (unsigned i = 0; i < ARRAY_SIZE(readable); i++)
			known |= readable[i] == off;
		n += known;
		if (known)
			(void)get(off);
		else
			cr_expect_eq(get(off), 0, "%#x", off);
		cr_expect_eq(IGNORED, before + !known, "%#x", off);
	}
	cr_expect_eq(n, ARRAY_SIZE(readable));
}

Test(mmio, writes_to_read_only_registers_do_nothing)
{
	static const uint16_t fixed[] = { 0x00, 0x04, 0x08, 0x0c, 0x10, 0x34,
					  0x60, 0xb0, 0xc0, 0xfc, 0x18 };

	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
		const uint32_t before = get(fixed[i]);
		const uint64_t n = IGNORED;

		set(fixed[i], UINT32_MAX);
		cr_expect_eq(IGNORED, n + 1, "%#x", fixed[i]);
		cr_expect_eq(get(fixed[i]), before, "%#x", fixed[i]);
	}
}

struct access {
	unsigned off, n;
};

ParameterizedTestParameters(mmio, registers_are_32_bits_wide)
{
	static struct access wrong[] = {
		{ 0x70, 1 }, { 0x70, 2 }, { 0x70, 8 }, { 0x71, 4 },
		{ 0x72, 2 }, { 0x6e, 4 }, { 0xfc, 8 }, { 0xfe, 4 },
		{ 0x72, 4 }, { 0x00, 8 }, { 0x73, 1 }, { 0x30, 8 },
	};

	return cr_make_param_array(struct access, wrong, ARRAY_SIZE(wrong));
}

ParameterizedTest(struct access *a, mmio, registers_are_32_bits_wide)
{
	static const uint8_t zeros[8];
	uint8_t x[8];
	uint64_t before = IGNORED;

	set(MMIO_REG_STATUS, ACK | DRIVER);
	memset(x, 0xff, sizeof(x));
	mmio_read(&v, a->off, x, a->n);
	cr_expect_eq(memcmp(x, zeros, a->n), 0);
	memset(x, 0xff, sizeof(x));
	mmio_write(&v, a->off, x, a->n);
	cr_expect_eq(v.status, ACK | DRIVER);
	cr_expect_eq(v.queue_sel, 0);
	cr_expect_eq(IGNORED, before + 2);
}

Test(mmio, an_access_outside_the_window_is_our_bug, .signal = SIGABRT)
{
	uint8_t x[8];

	mmio_read(&v, 0xffc, x, 8);
}

/* --- features and status --------------------------------------------------- */

Test(mmio, offers_its_features_in_two_words)
{
	set(MMIO_REG_DEVICE_FEATURES_SEL, 0);
	cr_expect_eq(get(MMIO_REG_DEVICE_FEATURES),
		     1u << 28 | 1u << 29 | F_OWN);
	set(MMIO_REG_DEVICE_FEATURES_SEL, 1);
	cr_expect_eq(get(MMIO_REG_DEVICE_FEATURES), 1);
	set(MMIO_REG_DEVICE_FEATURES_SEL, 2);
	cr_expect_eq(get(MMIO_REG_DEVICE_FEATURES), 0);
	set(MMIO_REG_DEVICE_FEATURES_SEL, UINT32_MAX);
	cr_expect_eq(get(MMIO_REG_DEVICE_FEATURES), 0);
}

struct nego {
	char why[32];
	uint64_t features;
	bool want;
};

ParameterizedTestParameters(mmio, features_ok)
{
	static struct nego negos[] = {
		{ "only version 1", VIRTIO_F_VERSION_1, true },
		{ "all of them",
		  VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX |
			  VIRTIO_F_INDIRECT_DESC | F_OWN,
		  true },
		{ "not version 1", F_OWN, false },
		{ "none", 0, false },
		{ "not offered, low", VIRTIO_F_VERSION_1 | F_NONE, false },
		{ "not offered, high", VIRTIO_F_VERSION_1 | 1ull << 63, false },
		{ "everything", UINT64_MAX, false },
	};

	return cr_make_param_array(struct nego, negos, ARRAY_SIZE(negos));
}

ParameterizedTest(struct nego *n, mmio, features_ok)
{
	cr_expect_eq(vdriver_negotiate(&v, n->features), n->want, "%s", n->why);
	cr_expect_eq(v.features, n->want ? n->features : 0, "%s", n->why);
	cr_expect_not(v.status & RESET, "%s", n->why);
}

Test(mmio, a_device_may_offer_less)
{
	v.offered &= ~F_OWN;
	cr_expect_not(vdriver_negotiate(&v, VIRTIO_F_VERSION_1 | F_OWN));
}

Test(mmio, a_refused_driver_may_try_again)
{
	cr_expect_not(vdriver_negotiate(&v, VIRTIO_F_VERSION_1 | F_NONE));
	set(MMIO_REG_DRIVER_FEATURES_SEL, 0);
	set(MMIO_REG_DRIVER_FEATURES, 0);
	set(MMIO_REG_STATUS, ACK | DRIVER | FOK);
	cr_expect_eq(get(MMIO_REG_STATUS), ACK | DRIVER | FOK);
}

Test(mmio, features_are_fixed_after_features_ok)
{
	cr_assert(vdriver_negotiate(&v, VIRTIO_F_VERSION_1));
	set(MMIO_REG_DRIVER_FEATURES_SEL, 0);
	set(MMIO_REG_DRIVER_FEATURES, F_OWN);
	cr_expect_not(vdev_has(&v, F_OWN));
	cr_expect_not(v.driver_features & F_OWN);
}

Test(mmio, words_beyond_the_second_are_counted_if_not_zero)
{
	uint64_t before = IGNORED;

	set(MMIO_REG_DRIVER_FEATURES_SEL, 2);
	set(MMIO_REG_DRIVER_FEATURES, 0);
	cr_expect_eq(IGNORED, before);
	set(MMIO_REG_DRIVER_FEATURES, 1);
	cr_expect_eq(IGNORED, before + 1);
	cr_expect_eq(v.driver_features, 0);
}

/* From `from` (reached by honest steps), one write, then `want`. */
struct status {
	char why[40];
	uint32_t from, write, want;
};

ParameterizedTestParameters(mmio, status_machine)
{
	static struct status steps[] = {
		{ "acknowledge", 0, ACK, ACK },
		{ "two at once", 0, ACK | DRIVER, ACK | DRIVER },
		{ "same again", ACK | DRIVER, ACK | DRIVER, ACK | DRIVER },
		{ "unknown bits", ACK, ACK | 0xffffff30u, ACK },
		{ "the device's own bit", ACK, ACK | RESET, ACK },
		{ "taking a bit back", ACK | DRIVER, ACK, ACK | DRIVER },
		{ "taking one, adding one", ACK, DRIVER, ACK },
		{ "driver ok", ACK | DRIVER | FOK, ACK | DRIVER | FOK | DOK,
		  ACK | DRIVER | FOK | DOK },
		{ "features ok and driver ok", ACK | DRIVER,
		  ACK | DRIVER | FOK | DOK, ACK | DRIVER | FOK | DOK },
		{ "driver ok before features ok", ACK | DRIVER,
		  ACK | DRIVER | DOK, ACK | DRIVER | RESET },
		{ "driver ok out of nothing", 0, DOK, RESET },
		{ "failed", ACK | DRIVER, ACK | DRIVER | FAILED,
		  ACK | DRIVER | FAILED },
		{ "failed and driver ok", ACK | DRIVER | FOK,
		  ACK | DRIVER | FOK | DOK | FAILED,
		  ACK | DRIVER | FOK | FAILED },
		{ "driver ok after failed", ACK | DRIVER | FOK | FAILED,
		  ACK | DRIVER | FOK | FAILED | DOK,
		  ACK | DRIVER | FOK | FAILED | DOK },
		{ "reset", ACK | DRIVER | FOK | DOK, 0, 0 },
		{ "reset of a reset device", 0, 0, 0 },
	};

	return cr_make_param_array(struct status, steps, ARRAY_SIZE(steps));
}

ParameterizedTest(struct status *s, mmio, status_machine)
{
	static const uint32_t order[] = { ACK, DRIVER, FOK, DOK, FAILED };
	uint32_t reached = 0;

	set(MMIO_REG_DRIVER_FEATURES_SEL, 1);
	set(MMIO_REG_DRIVER_FEATURES, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (s->from & order[i])
			set(MMIO_REG_STATUS, reached |= order[i]);
	cr_assert_eq(get(MMIO_REG_STATUS), s->from, "%s", s->why);
	set(MMIO_REG_STATUS, s->write);
	cr_expect_eq(get(MMIO_REG_STATUS), s->want, "%s: %#x", s->why,
		     get(MMIO_REG_STATUS));
	cr_expect_eq(vdev_live(&v), (s->want & DOK) && !(s->want & FAILED),
		     "%s", s->why);
}

/* --- queues --------------------------------------------------------------- */

Test(mmio, a_queue_comes_up)
{
	live();
	set(MMIO_REG_QUEUE_SEL, 0);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 1);
	cr_expect_eq(v.queue[0].desc_gpa, drv.desc);
	set(MMIO_REG_QUEUE_NOTIFY, 0);
	cr_expect_eq(notified, 1);
}

Test(mmio, a_queue_may_come_up_late)
{
	cr_assert(vdriver_negotiate(&v, VIRTIO_F_VERSION_1));
	vdriver_go(&v);
	set(MMIO_REG_QUEUE_NOTIFY, 1);
	cr_expect_eq(notified, 0);
	vdriver_set_queue(&v, 1, &drv);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 1);
	set(MMIO_REG_QUEUE_NOTIFY, 1);
	cr_expect_eq(notified, 1);
}

Test(mmio, a_queue_keeps_64_bit_addresses)
{
	cr_assert(vdriver_negotiate(&v, VIRTIO_F_VERSION_1));
	for (unsigned off = 0x80; off <= 0xa4; off += 4)
		set(off, 0x01000000 + off);
	cr_expect_eq(v.queue[0].desc_gpa, 0x0100008401000080);
	cr_expect_eq(v.queue[0].avail_gpa, 0x0100009401000090);
	cr_expect_eq(v.queue[0].used_gpa, 0x010000a4010000a0);
}

Test(mmio, a_queue_that_does_not_exist)
{
	uint64_t before;

	cr_assert(vdriver_negotiate(&v, VIRTIO_F_VERSION_1));
	set(MMIO_REG_QUEUE_SEL, 2);
	before = IGNORED;
	cr_expect_eq(get(MMIO_REG_QUEUE_NUM_MAX), 0);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(IGNORED, before, "that is how drivers look");
	set(MMIO_REG_QUEUE_NUM, 8);
	set(MMIO_REG_QUEUE_READY, 1);
	cr_expect_eq(IGNORED, before + 2);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(v.status, ACK | DRIVER | FOK);
	set(MMIO_REG_QUEUE_SEL, UINT32_MAX);
	set(MMIO_REG_QUEUE_NUM, 8);
	cr_expect_eq(get(MMIO_REG_QUEUE_NUM_MAX), 0);
}

Test(mmio, a_ready_queue_is_fixed)
{
	uint64_t before;

	live();
	before = IGNORED;
	set(MMIO_REG_QUEUE_NUM, 16);
	set(MMIO_REG_QUEUE_DESC_LOW, 0x1000);
	set(MMIO_REG_QUEUE_READY, 1);
	set(MMIO_REG_QUEUE_READY, 2);
	cr_expect_eq(IGNORED, before + 4);
	cr_expect_eq(v.queue[0].size, 8);
	cr_expect_eq(v.queue[0].desc_gpa, drv.desc);
}

Test(mmio, queues_wait_for_features_ok)
{
	set(MMIO_REG_STATUS, ACK);
	set(MMIO_REG_STATUS, ACK | DRIVER);
	vdriver_set_queue(&v, 0, &drv);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(v.queue[0].size, 0);
	cr_expect_eq(v.status, ACK | DRIVER);
}

Test(mmio, a_bad_ring_faults_and_stays_down)
{
	cr_assert(vdriver_negotiate(&v, VIRTIO_F_VERSION_1));
	vdriver_go(&v);
	drv.size = 12;
	vdriver_set_queue(&v, 0, &drv);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(get(MMIO_REG_STATUS), ACK | DRIVER | FOK | DOK | RESET);
	cr_expect_eq(get(MMIO_REG_INTERRUPT_STATUS), VIRTIO_ISR_CONFIG);
	drv.size = 8;
	vdriver_set_queue(&v, 0, &drv);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 0, "until a reset");
	live();
}

Test(mmio, a_queue_can_be_taken_back)
{
	struct vdriver_buf b = { 0x1000, 8, true };
	struct iovec iov[16];
	struct vq_chain c;

	live();
	(void)vdriver_add(&drv, &b, 1);
	cr_assert_eq(vq_pop(&v.queue[0], iov, 16, &c), 1);
	set(MMIO_REG_QUEUE_READY, 0);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 1, "a chain is in flight");
	vq_push(&v.queue[0], c.head, 0);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(vdriver_used_idx(&drv), 0);
	vdriver_init(&drv, ram, 0x100, 8);
	vdriver_set_queue(&v, 0, &drv);
	cr_expect_eq(get(MMIO_REG_QUEUE_READY), 1);
}

/* --- interrupts, configuration, reset --------------------------------------- */

Test(mmio, interrupts_are_acknowledged_by_bit)
{
	live();
	v.isr = VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG;
	cr_expect_eq(get(MMIO_REG_INTERRUPT_STATUS), 3);
	set(MMIO_REG_INTERRUPT_ACK, VIRTIO_ISR_QUEUE | 0xf0);
	cr_expect_eq(get(MMIO_REG_INTERRUPT_STATUS), VIRTIO_ISR_CONFIG);
	set(MMIO_REG_INTERRUPT_ACK, VIRTIO_ISR_CONFIG);
	cr_expect_eq(get(MMIO_REG_INTERRUPT_STATUS), 0);
}

Test(mmio, generation_changes_with_the_configuration)
{
	uint32_t before = get(MMIO_REG_CONFIG_GENERATION);

	vdev_config_changed(&v);
	cr_expect_neq(get(MMIO_REG_CONFIG_GENERATION), before);
	before = get(MMIO_REG_CONFIG_GENERATION);
	live();
	set(MMIO_REG_STATUS, 0);
	cr_expect_eq(get(MMIO_REG_CONFIG_GENERATION), before);
}

ParameterizedTestParameters(mmio, configuration_has_any_width)
{
	static struct access any[] = {
		{ 0, 1 }, { 9, 1 },  { 0, 2 }, { 8, 2 },     { 9, 2 },
		{ 0, 4 }, { 1, 4 },  { 6, 4 }, { 7, 4 },     { 0, 8 },
		{ 2, 8 }, { 8, 8 },  { 9, 8 }, { 10, 1 },    { 10, 8 },
		{ 3, 8 }, { 16, 4 }, { 8, 4 }, { 0xeff, 1 }, { 0xef8, 8 },
	};

	return cr_make_param_array(struct access, any, ARRAY_SIZE(any));
}

ParameterizedTest(struct access *a, mmio, configuration_has_any_width)
{
	uint8_t x[10];
	uint64_t before = IGNORED;
	const bool fits = a->n <= CONFIG_LEN && a->off <= CONFIG_LEN - a->n;

	memset(x, 0xee, sizeof(x));
	mmio_read(&v, MMIO_REG_CONFIG + a->off, x, a->n);
	for (unsigned i = 0; i < a->n; i++)
		cr_expect_eq(x[i],
			     a->off + i < CONFIG_LEN ? 0x10 + a->off + i : 0);
	cr_expect_eq(x[a->n], 0xee);
	cr_expect_eq(IGNORED, before + (a->off >= CONFIG_LEN));

	before = IGNORED;
	memset(x, 0x77, sizeof(x));
	mmio_write(&v, MMIO_REG_CONFIG + a->off, x, a->n);
	cr_expect_eq(IGNORED, before + !fits);
	for (unsigned i = 0; i < CONFIG_LEN; i++)
		cr_expect_eq(config[i], fits && i >= a->off && i < a->off + a->n
						? 0x77
						: 0x10 + i);
}

Test(mmio, nothing_is_heard_while_a_reset_is_pending)
{
	uint64_t before;

	live();
	vdev_op_begin(&v);
	set(MMIO_REG_STATUS, 0);
	before = IGNORED;
	set(MMIO_REG_QUEUE_SEL, 1);
	set(MMIO_REG_STATUS, ACK);
	set(MMIO_REG_QUEUE_NOTIFY, 0);
	mmio_write(&v, MMIO_REG_CONFIG, "x", 1);
	cr_expect_eq(IGNORED, before + 4);
	cr_expect_eq(notified, 0);
	cr_expect_eq(get(MMIO_REG_STATUS), ACK | DRIVER | FOK | DOK);
	cr_expect_eq(get(MMIO_REG_MAGIC), MMIO_MAGIC);
	vdev_op_end(&v);
	cr_expect_eq(get(MMIO_REG_STATUS), 0);
	live();
}
