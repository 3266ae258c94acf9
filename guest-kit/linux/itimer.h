/* itimer.h: timers that send signals (setitimer, timer_create). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_ITIMER_H
#define LINUX_ITIMER_H

struct siginfo;

/* A signal leaves its queue. If a timer sent it, its overruns are filled in
 * and its next interval begins: an interval nobody listens to costs nothing. */
void itimer_signal_taken(struct siginfo *info);

#endif
