/* time.h: time as the Linux ABI passes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_TIME_H
#define LINUX_TIME_H

#include "kernel/types.h"

/* Nanoseconds, at most some 146 years, so that sums cannot wrap. */
uint64_t time_ns(uint64_t sec, uint64_t nsec);
/* The struct timespec at gva: 0, -EFAULT or -EINVAL. */
WUR int64_t time_read_interval(uint64_t gva, uint64_t *ret_ns);

/* What a clock of this id says; false: there is none. */
WUR bool time_read_clock(uint32_t id, uint64_t *ret_ns);
/* It counts the processor time of a thread or the process. */
bool time_is_cpu_clock(uint32_t id);
/* Its zero is 1970. */
bool time_is_wall_clock(uint32_t id);

#endif
