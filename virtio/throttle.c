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
	t->woken = true;
	if (vdev_live(t->v))
		t->go_on(t);
	t->woken = false;
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

/* What waited for the timer starts as if that had been on time. The buckets
 * go on from there: they do not overflow before it is charged. */
static uint64_t start_time(struct throttle *t)
{
	const uint64_t now = clock_mono_ns();
	const uint64_t due = t->woken ? ratelimit_ready_at(&t->limit) : now;

	t->woken = false;
	return due < now ? due : now;
}

bool throttle_open(struct throttle *t)
{
	if (!ratelimit_is_set(&t->limit))
		return true;
	if (t->waiting)
		return false;
	if (ratelimit_ready(&t->limit, start_time(t)))
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
		ratelimit_charge(&t->limit, t->limit.now_ns, bytes, ops);
}

void throttle_charge_late(struct throttle *t, uint64_t bytes)
{
	if (ratelimit_is_set(&t->limit))
		ratelimit_charge(&t->limit, clock_mono_ns(), bytes, 0);
}

void throttle_cancel(struct throttle *t)
{
	if (t->waiting)
		loop_cancel(t->loop, &t->timer);
}
