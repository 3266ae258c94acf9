/* control.h: what can be asked of a machine, and changed, while it runs. The
 * machine lock is held, for instance in a callback of its loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_CONTROL_H
#define VMM_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/balloon.h"

struct machine;
struct metric;

/* -ENODEV: the machine has no balloon. Else as virtio/balloon.h has it. */
WUR int machine_balloon_status(struct machine *m, struct balloon_status *ret);
WUR int machine_balloon_resize(struct machine *m, uint64_t bytes);
WUR int machine_balloon_stats_every(struct machine *m, unsigned seconds);
WUR int machine_balloon_hint_start(struct machine *m, bool release);
WUR int machine_balloon_hint_stop(struct machine *m);

/* What is not over at this moment. */
struct machine_work {
	unsigned in_flight; /* operations of the loop, standing ones too */
	unsigned requests;  /* what a reset of the devices would wait for */
};

struct machine_work machine_work(const struct machine *m);

/* Every counter of the process, 0 .. until NULL. Needs no lock. */
const struct metric *machine_counter(unsigned n);

#endif
