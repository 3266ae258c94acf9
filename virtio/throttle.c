/* throttle.c: see throttle.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/throttle.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "virtio/vdev.h"

static struct metric waits = { "throttled_virtio",
			       "times that a device waited for a rate limit",
			       0 };

struct metric *const throttle_metrics[] = { &waits, NULL };

static void timer_done(struct loop_op *op, int res)
{
	struct throttle *t = CONTAINER_OF(op, struct throttle, timer);

	(void)res; /* cancelled: then the device is not live */
	t->waiting = false;
	if (vdev_live(t->v))
		t->go_on(t);
	vdev_op_end(t->v); /* may reset the device */
}

void throttle_init(struct throttle *t, const struct ratelimit_config *cfg,
		   struct loop *loop, struct vdev *v,
		   void (*go_on)(struct throttle *t))
{
	*t = (struct throttle){ .loop = loop, .v = v, .go_on = go_on };
	t->timer.done = timer_done;
	ratelimit_init(&t->limit, cfg, clock_mono_ns());
}

bool throttle_open(struct throttle *t)
{
	if (!ratelimit_is_set(&t->limit))
		return true;
	if (t->waiting)
		return false;
	if (ratelimit_ready(&t->limit, clock_mono_ns()))
		return true;
	if (loop_timer(t->loop, &t->timer, ratelimit_ready_at(&t->limit)))
		return true; /* rather too fast than never */
	vdev_op_begin(t->v);
	t->waiting = true;
	metric_inc(&waits);
	return false;
}

void throttle_charge(struct throttle *t, uint64_t bytes, uint64_t ops)
{
	if (ratelimit_is_set(&t->limit))
		ratelimit_charge(&t->limit, clock_mono_ns(), bytes, ops);
}

void throttle_cancel(struct throttle *t)
{
	if (t->waiting)
		loop_cancel(t->loop, &t->timer);
}
