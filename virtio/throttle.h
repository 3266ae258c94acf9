/* throttle.h: a device kept to its rates: ratelimit.h on the host's clock and
 * a timer of the loop.
 *
 * The device asks throttle_open before each piece of work it takes from a
 * queue and calls throttle_charge for what it took. When the answer is no it
 * leaves the queue alone: a timer is running, and `go_on` will be called. The
 * timer exists only then; without a limit no clock is read. It counts as an
 * operation of the device: quiesce cancels it (throttle_cancel), and a reset
 * is complete when it has ended. Levels survive a reset: a guest cannot reset
 * its way around a limit.
 *
 * Called with the machine lock held. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_THROTTLE_H
#define VIRTIO_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "loop/loop.h"
#include "virtio/ratelimit.h"

struct metric;
struct vdev;

struct throttle {
	struct ratelimit limit;
	struct loop *loop;
	struct vdev *v;
	struct loop_op timer;
	bool waiting; /* the timer is running */
	bool woken;   /* it has just ended, nothing was taken since */
	void (*go_on)(struct throttle *t);
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const throttle_metrics[];

/* `loop` and `v` are borrowed. `go_on` is called on the loop thread when work
 * may start again, and only while the device is live. */
void throttle_init(struct throttle *t, const struct ratelimit_config *cfg,
		   struct loop *loop, struct vdev *v,
		   void (*go_on)(struct throttle *t));

/* Work may start. False: not before `go_on`. */
WUR bool throttle_open(struct throttle *t);
/* Work has been taken, right after throttle_open. It is never too much; what
 * follows waits for it. */
void throttle_charge(struct throttle *t, uint64_t bytes, uint64_t ops);
/* Work taken some time ago turned out to be this much more. */
void throttle_charge_late(struct throttle *t, uint64_t bytes);
/* For quiesce: nothing waits any more. */
void throttle_cancel(struct throttle *t);

#endif
