/* balloon.h: virtio memory balloon (virtio 1.2, 5.5): memory that the guest
 * does not need goes back to the host.
 *
 * Pages reach the host in three ways, all ending in gmem_discard, so that
 * they leave the process at once and read as zeros when used again:
 *
 *   inflate   the host sets a target, the driver gives up that many pages
 *   report    the driver tells of free memory by itself, in large pieces
 *   hint      the host starts a run, the driver tells of all free memory once
 *
 * Whatever the guest names is its own memory, its own loss. A page number
 * that is not RAM is counted and skipped; parts of pages are left alone. A
 * chain with buffers of the wrong direction, a list that is no whole number
 * of page numbers, a hinting command that is not 4 bytes, and a kick of a
 * queue whose feature was not taken are faults of the driver (vdev_fault).
 *
 * A driver that poisons free pages (PAGE_POISON with a value other than 0)
 * wants to find that value in what it reported or hinted: such pages are kept.
 * Inflated ones are not: it writes to them first when it gets them back.
 *
 * Hints are worked off before the kick that brought them returns to the
 * guest, so the device is `unpolled`. A driver that lends a hinted page to
 * somebody before its chain is used would lose what they write; Linux lends
 * after the kick.
 *
 * Queues. The specification numbers all five for good; Linux numbers those
 * whose features it took without gaps. A driver that enabled as many queues
 * before DRIVER_OK as it has features for is understood by their order, which
 * fits both; any other by the specification's numbers.
 *
 * Statistics: the driver's buffer is kept and handed back when a new answer
 * is due; a timer runs only while there is a buffer to hand back. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_BALLOON_H
#define VIRTIO_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/balloon_format.h"
#include "virtio/vdev.h"

struct err;
struct loop;
struct metric;

/* Borrowed, and outlives the device; the struct itself is copied. */
struct balloon_config {
	struct loop *loop;
	const struct gmem *mem;
	struct irq_line irq;
	uint64_t target;  /* bytes to take at first; whole pages count */
	unsigned stats_s; /* seconds between statistics; 0: none, ever */
	bool reporting, hinting, deflate_on_oom; /* what is offered */
};

struct balloon_status {
	uint64_t target; /* bytes the host wants */
	uint64_t actual; /* bytes the driver says it gave; its word */
	bool live;       /* there is a driver */

	unsigned stats_s;     /* the interval; 0: not offered */
	uint32_t stats_valid; /* bit n: stat[n], by tag; 0: none came yet */
	uint64_t stat[BALLOON_TAGS];
	uint64_t stats_age_ns; /* since they came */

	uint32_t hint_host_cmd;  /* BALLOON_CMD_*, or the run */
	uint32_t hint_guest_cmd; /* what the driver answered last, if ... */
	bool hint_answered;

	/* bytes that left the process since the device was made */
	uint64_t inflated, reported, hinted;
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const balloon_metrics[];

/* Returns owned in *ret_v, for vdev_free. -ERANGE: the target is more than
 * guest memory. -ENOMEM. */
WUR int balloon_new(const struct balloon_config *cfg, struct vdev **ret_v,
		    struct err *err);

/*
 * For whoever controls the machine, with its lock. `v` is a balloon.
 */

/* Tells the driver; it may take its time, or never get there. -ERANGE: more
 * than guest memory. */
WUR int balloon_set_target(struct vdev *v, uint64_t bytes);

void balloon_status(struct vdev *v, struct balloon_status *ret);

/* -EOPNOTSUPP: statistics were not configured; -EINVAL: 0 seconds. */
WUR int balloon_set_stats_interval(struct vdev *v, unsigned seconds);

/*
 * Starts a new run of hints, ending one that goes on. `release`: the driver
 * may use the hinted pages again when it has hinted all (DONE); otherwise it
 * holds them back until balloon_hint_stop. Both: -EOPNOTSUPP: hinting was not
 * configured; -ENOTCONN: there is no driver that takes part.
 */
WUR int balloon_hint_start(struct vdev *v, bool release);
/* Ends the run: what was hinted is the guest's again. */
WUR int balloon_hint_stop(struct vdev *v);

#endif
