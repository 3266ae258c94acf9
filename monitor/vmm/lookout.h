/* lookout.h: whether the loop thread looks at the rings for a while before it
 * sleeps, instead of being woken by a kick: the policy, as plain state.
 *
 * A kick costs an exit to user space and, when the work is not for the kick
 * itself to do, the wake-up of the loop thread: together 30-100 us where a
 * request may take 2. A guest that asks again and again in quick succession
 * makes the machine hot; then, each time the loop thread is about to sleep, it
 * asks for no kicks and looks at the rings for LOOKOUT_NS, and finds the next
 * request by itself. Looks that find nothing cool the machine down: a guest
 * that stopped asking costs a few looks and then nothing.
 *
 *   cold --- `need` kicks, less than LOOKOUT_GAP_NS apart ---> hot
 *    ^                                                         |
 *    +--- LOOKOUT_HEAT looks more without work than with it ---+
 *    +---- a stall: the host has no CPU for looking -----------+
 *
 * Between looks the loop thread sleeps; then LOOKOUT_KICKS_HOT such kicks wake
 * a hot one, for what a kick does by itself wakes nobody.
 *
 * Being hot in vain makes `need` grow, so that it gets rare.
 *
 * Times are CLOCK_MONOTONIC nanoseconds given by the caller. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_LOOKOUT_H
#define VMM_LOOKOUT_H

#include <stdbool.h>
#include <stdint.h>

#define LOOKOUT_NS        100000u
#define LOOKOUT_STALL_NS  300000u /* between two looks: somebody else ran */
#define LOOKOUT_GAP_NS    500000u
#define LOOKOUT_HEAT      4u
#define LOOKOUT_KICKS     4u
#define LOOKOUT_KICKS_HOT 2u /* hot, but asleep */
#define LOOKOUT_KICKS_MAX 4096u

struct lookout {
	unsigned need; /* 0: never, there is no CPU to look with */
	bool tight; /* there is only one: the kernel's threads need it, too */
	/* the rest starts as zeroes and is lookout.c's */
	bool looking; /* kicks are off */
	bool found;
	unsigned kicks, heat;
	uint64_t last_kick, last_look, until;
};

/* The guest kicked. True: the machine just became hot, or it is hot and the
 * last look ended too early: the loop thread should be awake to see to it. */
bool lookout_kicked(struct lookout *g, uint64_t now);

/* The loop thread is about to sleep. True: it looks instead; `looking` tells
 * whether it looked before. */
bool lookout_start(const struct lookout *g);

/* It looked, and found work or none. True: `looking` is set, and it should
 * look again. False: that was long enough, `looking` is no longer set. */
bool lookout_looked(struct lookout *g, uint64_t now, bool worked);

#endif
