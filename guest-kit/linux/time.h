/* time.h: time as the Linux ABI passes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_TIME_H
#define LINUX_TIME_H

#include "kernel/types.h"

/* Nanoseconds, at most some 146 years, so that sums cannot wrap. */
uint64_t time_ns(uint64_t sec, uint64_t nsec);
/* The struct timespec at gva: 0, -EFAULT or -EINVAL. */
WUR int64_t time_read_interval(uint64_t gva, uint64_t *ret_ns);

#endif
