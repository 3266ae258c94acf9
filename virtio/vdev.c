/* vdev.c: see vdev.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/vdev.h"

#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/metrics.h"

static struct metric faults = { "guest_faults_virtio",
				"devices stopped because a guest broke a rule",
				0 };
static struct metric stray_kicks = {
	"stray_kicks_virtio", "kicks of queues that could not be worked on", 0
};
static struct metric resets = { "resets_virtio", "device resets", 0 };

struct metric *const vdev_metrics[] = { &faults, &stray_kicks, &resets, NULL };

void vdev_init(struct vdev *v, const struct vdev_ops *ops,
	       const struct gmem *mem, struct irq_line irq)
{
	_Static_assert(VDEV_QUEUES_MAX <= 32, "bits of again");
	CHECK(ops->queues >= 1 && ops->queues <= VDEV_QUEUES_MAX);
	*v = (struct vdev){ .ops = ops, .mem = mem, .irq = irq };
	v->offered = ops->features | VIRTIO_F_VERSION_1 |
		     VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
	for (unsigned i = 0; i < ops->queues; i++)
		vq_init(&v->queue[i], ops->queue_max);
}

static void stop_queues(struct vdev *v)
{
	v->again = 0;
	for (unsigned i = 0; i < v->ops->queues; i++)
		vq_stop(&v->queue[i]);
}

void vdev_shutdown(struct vdev *v)
{
	v->shut = true;
	stop_queues(v);
	v->ops->quiesce(v);
}

void vdev_free(struct vdev *v)
{
	if (!v)
		return;
	CHECK(v->in_flight == 0);
	v->ops->fini(v);
}

/* --- work ----------------------------------------------------------------- */

static void notify(struct vdev *v, unsigned queue)
{
	int r = v->ops->notify(v, queue);

	if (r < 0)
		vdev_fault(v, queue, r, "bad request");
	else if (r > 0 && vdev_live(v))
		v->again |= 1u << queue;
}

void vdev_notify(struct vdev *v, unsigned queue)
{
	if (!vdev_live(v) || queue >= v->ops->queues ||
	    !v->queue[queue].ready) {
		metric_inc(&stray_kicks);
		return;
	}
	v->again &= ~(1u << queue);
	notify(v, queue);
}

bool vdev_again(struct vdev *v)
{
	const unsigned todo = v->again;

	v->again = 0;
	for (unsigned i = 0; i < v->ops->queues; i++)
		if ((todo & (1u << i)) && vdev_live(v) && v->queue[i].ready)
			notify(v, i);
	return v->again != 0;
}

void vdev_poll_begin(struct vdev *v)
{
	if (v->ops->unpolled)
		return;
	for (unsigned i = 0; i < v->ops->queues && vdev_live(v); i++)
		if (vq_poll_begin(&v->queue[i]))
			notify(v, i);
}

static bool poll_queues(struct vdev *v, bool (*is_new)(struct vq *q))
{
	bool any = v->again != 0;

	(void)vdev_again(v);
	for (unsigned i = 0; i < v->ops->queues; i++) {
		if (!is_new(&v->queue[i]) || !vdev_live(v))
			continue;
		notify(v, i);
		any = true;
	}
	return any;
}

bool vdev_poll(struct vdev *v)
{
	return poll_queues(v, vq_poll);
}

bool vdev_poll_end(struct vdev *v)
{
	return poll_queues(v, vq_poll_end);
}

void vdev_interrupt(struct vdev *v, unsigned queue)
{
	if (!vq_wants_interrupt(&v->queue[queue]))
		return;
	v->isr |= VIRTIO_ISR_QUEUE;
	v->irq.fire(v->irq.ctx);
}

/* virtio 1.2, 2.1.2: no notification before DRIVER_OK */
static void config_interrupt(struct vdev *v)
{
	if (!(v->status & VIRTIO_STATUS_DRIVER_OK) || v->reset_pending)
		return;
	v->isr |= VIRTIO_ISR_CONFIG;
	v->irq.fire(v->irq.ctx);
}

void vdev_config_changed(struct vdev *v)
{
	v->config_generation++;
	config_interrupt(v);
}

void vdev_fault(struct vdev *v, unsigned queue, int code, const char *what)
{
	stop_queues(v);
	if (v->status & VIRTIO_STATUS_NEEDS_RESET)
		return; /* told already */
	metric_inc(&faults);
	log_guest("virtio", "%s: queue %u: %s: %s", v->ops->name, queue, what,
		  strerror(-code));
	v->status |= VIRTIO_STATUS_NEEDS_RESET;
	config_interrupt(v);
}

/* --- life ----------------------------------------------------------------- */

void vdev_start(struct vdev *v)
{
	int r = v->ops->activate ? v->ops->activate(v) : 0;

	if (r < 0) {
		vdev_fault(v, 0, r, "activate");
		return;
	}
	/* A driver may have kicked too early, or left an old event index in
	 * memory it uses again: no chain is lost. */
	for (unsigned i = 0; i < v->ops->queues; i++)
		if (vdev_live(v) && vq_arm(&v->queue[i]))
			notify(v, i);
}

static void reset_now(struct vdev *v)
{
	metric_inc(&resets);
	if (v->ops->reset)
		v->ops->reset(v);
	for (unsigned i = 0; i < v->ops->queues; i++)
		vq_reset(&v->queue[i]);
	v->features = v->driver_features = 0;
	v->status = v->isr = 0;
	v->features_sel = v->driver_features_sel = v->queue_sel = 0;
	v->again = 0;
	v->reset_pending = false;
}

void vdev_reset(struct vdev *v)
{
	if (v->reset_pending)
		return;
	stop_queues(v);
	if (v->in_flight == 0) {
		reset_now(v);
		return;
	}
	v->reset_pending = true;
	v->ops->quiesce(v);
}

void vdev_op_begin(struct vdev *v)
{
	v->in_flight++;
}

void vdev_op_end(struct vdev *v)
{
	CHECK(v->in_flight > 0);
	v->in_flight--;
	if (v->in_flight == 0 && v->reset_pending)
		reset_now(v);
}
