/* clock.h: what time it is: kvmclock where the hypervisor offers it, else the
 * time-stamp counter. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include "kernel/types.h"

#define NS_PER_SEC 1000000000ull

/* Nanoseconds since the machine started; never goes back. */
uint64_t clock_now(void);
/* Nanoseconds since 1970. Without a wall clock, since the machine started. */
uint64_t clock_wall(void);
/* What clock_now says at that time of clock_wall; 0: before the start. */
uint64_t clock_from_wall(uint64_t wall_ns);
/* The calling thread sleeps until clock_now says so. */
void clock_sleep_until(uint64_t until_ns);
/* Ticks of the time-stamp counter in ns, which is at most an hour. */
uint64_t clock_tsc_from_ns(uint64_t ns);
/* And back, for any number of ticks. */
uint64_t clock_ns_from_tsc(uint64_t tsc);

#endif
