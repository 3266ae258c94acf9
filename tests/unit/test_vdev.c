/* test_vdev.c: a device's life: kicks, interrupts, faults, resets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/attr.h"
#include "base/metrics.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/mmio.h"
#include "virtio/vdev.h"

/* A device that does as told and counts. */
struct puppet {
	struct vdev v;
	int activate_result, notify_result;
	unsigned activated, notified[2], quiesced, resets, finis;
};

static _Alignas(4096) uint8_t ram[0x4000];
static struct gmem mem;
static struct vdriver drv;
static struct puppet p;
static unsigned fired;

static void fire(void *ctx)
{
	(void)ctx;
	fired++;
}

static struct puppet *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct puppet, v);
}

static int puppet_activate(struct vdev *v)
{
	of(v)->activated++;
	return of(v)->activate_result;
}

static int puppet_notify(struct vdev *v, unsigned queue)
{
	of(v)->notified[queue]++;
	return of(v)->notify_result;
}

static void puppet_quiesce(struct vdev *v)
{
	of(v)->quiesced++;
}

static void puppet_reset(struct vdev *v)
{
	of(v)->resets++;
}

static void puppet_fini(struct vdev *v)
{
	of(v)->finis++;
}

static const struct vdev_ops puppet_ops = {
	.name = "puppet",
	.device_id = 42,
	.queues = 2,
	.queue_max = 16,
	.activate = puppet_activate,
	.notify = puppet_notify,
	.quiesce = puppet_quiesce,
	.reset = puppet_reset,
	.fini = puppet_fini,
};

static void up_to_features(void)
{
	memset(ram, 0, sizeof(ram));
	p = (struct puppet){ 0 };
	fired = 0;
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	vdev_init(&p.v, &puppet_ops, &mem, (struct irq_line){ fire, NULL });
	vdriver_init(&drv, ram, 0x100, 8);
	cr_assert(vdriver_negotiate(&p.v, VIRTIO_F_VERSION_1));
}

static void up(void)
{
	up_to_features();
	vdriver_set_queue(&p.v, 0, &drv);
	vdriver_go(&p.v);
	cr_assert(vdev_live(&p.v));
	p.resets = 0;
}

static void add_one(void)
{
	struct vdriver_buf b = { 0x1000, 16, true };

	(void)vdriver_add(&drv, &b, 1);
}

static void pop_one(struct vq_chain *c)
{
	static struct iovec iov[16];

	add_one();
	cr_assert_eq(vq_pop(&p.v.queue[0], iov, 16, c), 1);
}

/* By name; a name that does not exist fails the test at once. */
static uint64_t metric(const char *name)
{
	struct metric *const *m = vdev_metrics;

	while (*m && strcmp((*m)->name, name) != 0)
		m++;
	cr_assert_not_null(*m, "%s", name);
	return metric_get(*m);
}

Test(vdev, a_kick_reaches_the_device, .timeout = 5)
{
	up();
	vdev_notify(&p.v, 0);
	cr_expect_eq(p.notified[0], 1);
}

Test(vdev, stray_kicks_are_counted_and_ignored, .timeout = 5)
{
	uint64_t before = metric("stray_kicks_virtio");

	up();
	vdev_notify(&p.v, 1); /* not ready */
	vdev_notify(&p.v, 2); /* does not exist */
	vdev_notify(&p.v, UINT32_MAX);
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0);
	vdev_notify(&p.v, 0); /* not live */
	cr_expect_eq(p.notified[0] + p.notified[1], 0);
	cr_expect_eq(metric("stray_kicks_virtio"), before + 4);
}

Test(vdev, chains_kicked_before_driver_ok_are_found, .timeout = 5)
{
	up_to_features();
	vdriver_set_queue(&p.v, 0, &drv);
	add_one();
	vdriver_set_reg(&p.v, MMIO_REG_QUEUE_NOTIFY, 0);
	cr_expect_eq(p.notified[0], 0);
	vdriver_go(&p.v);
	cr_expect_eq(p.activated, 1);
	cr_expect_eq(p.notified[0], 1);
	cr_expect_eq(p.notified[1], 0);
}

Test(vdev, the_first_kick_survives_a_used_ring, .timeout = 5)
{
	up_to_features();
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0);
	cr_assert(vdriver_negotiate(&p.v,
				    VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX));
	memset(ram + drv.end - 2, 0xab, 2); /* avail_event of another life */
	vdriver_set_queue(&p.v, 0, &drv);
	vdriver_go(&p.v);
	cr_expect_eq(vdriver_avail_event(&drv), 0);
	cr_expect_eq(p.notified[0], 0);
}

Test(vdev, work_left_over_goes_on_when_asked, .timeout = 5)
{
	up();
	p.notify_result = 1;
	vdev_notify(&p.v, 0);
	cr_expect_eq(p.notified[0], 1, "not by itself");
	cr_expect(vdev_again(&p.v));
	cr_expect_eq(p.notified[0], 2);
	p.notify_result = 0;
	vdriver_set_reg(&p.v, MMIO_REG_INTERRUPT_ACK, 1);
	cr_expect_eq(p.notified[0], 3, "an acknowledgement asks, too");
	cr_expect_not(vdev_again(&p.v));
	cr_expect_eq(p.notified[0], 3);
}

Test(vdev, a_negative_notify_faults_the_device, .timeout = 5)
{
	uint64_t before = metric("guest_faults_virtio");
	uint32_t generation;

	up();
	p.notify_result = -EPROTO;
	generation = p.v.config_generation;
	vdev_notify(&p.v, 0);
	cr_expect(p.v.status & VIRTIO_STATUS_NEEDS_RESET);
	cr_expect_eq(p.v.isr, VIRTIO_ISR_CONFIG);
	cr_expect_eq(fired, 1);
	cr_expect(p.v.queue[0].stopped);
	cr_expect_not(vdev_live(&p.v));
	cr_expect_eq(p.v.config_generation, generation);
	vdev_fault(&p.v, 0, -EFAULT, "again");
	cr_expect_eq(fired, 1, "told once");
	cr_expect_eq(metric("guest_faults_virtio"), before + 1);
	vdev_notify(&p.v, 0);
	cr_expect_eq(p.notified[0], 1, "stopped");
}

Test(vdev, a_fault_before_driver_ok_is_silent, .timeout = 5)
{
	up_to_features();
	vdev_fault(&p.v, 0, -EPROTO, "early");
	cr_expect(p.v.status & VIRTIO_STATUS_NEEDS_RESET);
	cr_expect_eq(fired, 0);
}

Test(vdev, a_failed_activation_is_a_fault, .timeout = 5)
{
	up_to_features();
	p.activate_result = -EPROTO;
	vdriver_set_queue(&p.v, 0, &drv);
	add_one();
	vdriver_go(&p.v);
	cr_expect(p.v.status & VIRTIO_STATUS_NEEDS_RESET);
	cr_expect_eq(p.notified[0], 0);
}

Test(vdev, interrupts_follow_the_drivers_wish, .timeout = 5)
{
	struct vq_chain c;

	up();
	vdev_interrupt(&p.v, 0);
	cr_expect_eq(fired, 0, "nothing pushed");
	pop_one(&c);
	vq_push(&p.v.queue[0], c.head, 1);
	vdev_interrupt(&p.v, 0);
	cr_expect_eq(fired, 1);
	cr_expect_eq(p.v.isr, VIRTIO_ISR_QUEUE);
	vdriver_set_avail_flags(&drv, 1);
	pop_one(&c);
	vq_push(&p.v.queue[0], c.head, 1);
	vdev_interrupt(&p.v, 0);
	cr_expect_eq(fired, 1);
}

Test(vdev, config_changes_interrupt_a_live_driver_only, .timeout = 5)
{
	uint32_t generation;

	up_to_features();
	generation = p.v.config_generation;
	vdev_config_changed(&p.v);
	cr_expect_eq(fired, 0);
	cr_expect_eq(p.v.config_generation, generation + 1);
	vdriver_go(&p.v);
	vdev_config_changed(&p.v);
	cr_expect_eq(fired, 1);
	cr_expect_eq(p.v.isr, VIRTIO_ISR_CONFIG);
}

Test(vdev, reset_returns_to_as_created, .timeout = 5)
{
	up();
	vdriver_set_reg(&p.v, MMIO_REG_QUEUE_SEL, 1);
	vdev_fault(&p.v, 0, -EPROTO, "some");
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0);
	cr_expect_eq(p.resets, 1);
	cr_expect_eq(p.v.status, 0);
	cr_expect_eq(p.v.isr, 0);
	cr_expect_eq(p.v.features, 0);
	cr_expect_eq(p.v.driver_features, 0);
	cr_expect_eq(p.v.queue_sel + p.v.features_sel + p.v.driver_features_sel,
		     0);
	cr_expect_not(p.v.queue[0].ready);
	cr_expect_not(p.v.queue[0].stopped);
	cr_expect_eq(p.v.queue[0].size, 0);
	cr_expect_eq(p.v.queue[0].size_max, 16);
	cr_assert(vdriver_negotiate(&p.v, VIRTIO_F_VERSION_1));
	vdriver_set_queue(&p.v, 0, &drv);
	vdriver_go(&p.v);
	cr_expect(vdev_live(&p.v));
}

Test(vdev, reset_waits_for_operations_in_flight, .timeout = 5)
{
	struct vq_chain c;

	up();
	pop_one(&c);
	vdev_op_begin(&p.v);
	vdev_op_begin(&p.v);
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0);
	cr_expect(p.v.reset_pending);
	cr_expect_eq(p.quiesced, 1);
	cr_expect_neq(vdriver_reg(&p.v, MMIO_REG_STATUS), 0);
	cr_expect_not(vdev_live(&p.v));

	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0); /* impatient */
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	cr_expect_eq(p.quiesced, 1);
	vdev_op_end(&p.v);
	cr_expect_neq(vdriver_reg(&p.v, MMIO_REG_STATUS), 0);
	vdev_config_changed(&p.v);
	cr_expect_eq(fired, 0, "nobody listens");

	vq_push(&p.v.queue[0], c.head, 4);
	vdev_interrupt(&p.v, 0);
	cr_expect_eq(vdriver_used_idx(&drv), 0, "memory is the guest's again");
	vdev_op_end(&p.v);
	cr_expect_eq(vdriver_reg(&p.v, MMIO_REG_STATUS), 0);
	cr_expect_eq(p.resets, 1);
	cr_expect_eq(fired, 0);
	cr_expect_not(p.v.reset_pending);
}

Test(vdev, shutdown_stops_for_good, .timeout = 5)
{
	up();
	add_one();
	vdev_shutdown(&p.v);
	cr_expect_eq(p.quiesced, 1);
	vdev_notify(&p.v, 0);
	cr_expect_eq(p.notified[0], 0);
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0);
	cr_assert(vdriver_negotiate(&p.v, VIRTIO_F_VERSION_1));
	vdriver_set_queue(&p.v, 0, &drv);
	vdriver_go(&p.v);
	cr_expect_eq(p.notified[0], 0);
	cr_expect_eq(p.activated, 1);
	vdev_free(&p.v);
	cr_expect_eq(p.finis, 1);
	vdev_free(NULL);
}

Test(vdev, free_with_operations_in_flight_is_our_bug, .timeout = 5,
     .signal = SIGABRT)
{
	up();
	vdev_op_begin(&p.v);
	vdev_free(&p.v);
}

Test(vdev, op_end_without_begin_is_our_bug, .timeout = 5, .signal = SIGABRT)
{
	up();
	vdev_op_end(&p.v);
}

/* --- looking instead of being kicked ---------------------------------------- */

static void up_with_event_index(void)
{
	memset(ram, 0, sizeof(ram));
	p = (struct puppet){ 0 };
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	vdev_init(&p.v, &puppet_ops, &mem, (struct irq_line){ fire, NULL });
	vdriver_init(&drv, ram, 0x100, 8);
	cr_assert(vdriver_negotiate(&p.v,
				    VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX));
	vdriver_set_queue(&p.v, 0, &drv);
	vdriver_go(&p.v);
	cr_assert(vdev_live(&p.v));
}

Test(vdev, a_look_finds_what_a_kick_would_have_told, .timeout = 5)
{
	up_with_event_index();
	vdev_poll_begin(&p.v);
	cr_expect_eq(p.notified[0], 0);
	cr_expect_not(vdev_poll(&p.v));
	add_one();
	cr_expect(vdev_poll(&p.v));
	cr_expect_eq(p.notified[0], 1);
	cr_expect_not(vdev_poll(&p.v));
	add_one();
	cr_expect(vdev_poll_end(&p.v));
	cr_expect_eq(p.notified[0], 2);
	cr_expect_not(vdev_poll_end(&p.v));
}

Test(vdev, what_was_left_over_is_found_too, .timeout = 5)
{
	up_with_event_index();
	vdev_poll_begin(&p.v);
	add_one();
	p.notify_result = 1;
	cr_expect(vdev_poll(&p.v));
	p.notify_result = 0;
	cr_expect(vdev_poll(&p.v));
	cr_expect_eq(p.notified[0], 2);
	cr_expect_not(vdev_poll(&p.v));
}

Test(vdev, a_look_meets_faults_and_resets, .timeout = 5)
{
	up_with_event_index();
	vdev_poll_begin(&p.v);
	add_one();
	p.notify_result = -EPROTO;
	cr_expect(vdev_poll(&p.v));
	cr_expect(p.v.status & VIRTIO_STATUS_NEEDS_RESET);
	add_one();
	cr_expect_not(vdev_poll(&p.v));
	vdriver_set_reg(&p.v, MMIO_REG_STATUS, 0);
	cr_expect_not(vdev_poll(&p.v));
	cr_expect_not(vdev_poll_end(&p.v));
	vdev_poll_begin(&p.v);
	cr_expect_eq(p.notified[0], 1);
}
