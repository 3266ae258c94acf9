/* loop_turns.h: lets a loop do what is ready, for tests that drive one from
 * their only thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_LOOP_TURNS_H
#define SUPPORT_LOOP_TURNS_H

struct loop;

/* A few turns. The loop's lock is held before and after. */
void loop_turns(struct loop *l);

#endif
