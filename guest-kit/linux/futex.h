/* futex.h: futexes, as far as others need them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_FUTEX_H
#define LINUX_FUTEX_H

#include "kernel/types.h"

#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK   0x3fffffffu

struct thread;

/* Wakes at most n that wait for the word at gva; how many. */
int64_t futex_wake(uint64_t gva, int64_t n);
/* What the thread held by its robust list or as a PI futex goes on to the
 * next. The calling thread's. */
void futex_thread_ends(const struct thread *t);

#endif
