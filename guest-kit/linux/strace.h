/* strace.h: --strace: a line on standard error for every system call. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_STRACE_H
#define LINUX_STRACE_H

#include "kernel/types.h"

struct regs;

/* Before the call with that number is made: says only what must be said now,
 * of calls that do not come back. */
void strace_call(const struct regs *r, uint64_t number);
/* The calling thread is about to sleep, perhaps in a call: what is known of
 * that is written now, the rest when it has ended. */
void strace_sleep(void);
/* The call made by the calling thread has ended. */
void strace_result(const struct regs *r, uint64_t number, int64_t result);

#endif
