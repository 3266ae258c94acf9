/* balloon.h: the virtio memory balloon (virtio 1.2, 5.5): pages of the
 * kernel's store for the host, and back.
 *
 * Nothing happens by itself: whoever has time calls balloon_serve, and
 * balloon_wait when there is nothing to do. Both wait for the device, which
 * answers at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_BALLOON_H
#define DRIVERS_BALLOON_H

#include "kernel/types.h"

/* What was negotiated (virtio 1.2, 5.5.3). */
#define BALLOON_STATS          (1u << 1)
#define BALLOON_DEFLATE_ON_OOM (1u << 2)
#define BALLOON_HINTS          (1u << 3)
#define BALLOON_REPORTS        (1u << 5)

/* The balloon, started when first asked for; false: there is none. */
WUR bool balloon_open(uint32_t *ret_features);

/* All below: of an open balloon. Sizes are in pages. */
uint64_t balloon_target(void);
uint64_t balloon_actual(void);

/* Does what the host asked for: moves towards the target as far as there are
 * free pages, sends statistics, hints. True: something was done. */
bool balloon_serve(void);
/* Sleeps until the host wants something, or the time has come (0: never).
 * May return early. */
void balloon_wait(uint64_t until_ns);

/* Out of memory: takes up to n pages back whatever the host wants, if it
 * allows that (BALLOON_DEFLATE_ON_OOM). Returns how many. */
uint64_t balloon_relieve(uint64_t n);

/* With BALLOON_REPORTS: this memory, which the caller owns, holds nothing:
 * it reads as zeros when it is used again. */
void balloon_report(gpa_t gpa, uint32_t len);

#endif
