/* limit.h: resource limits, as setrlimit(2) numbers them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_LIMIT_H
#define LINUX_LIMIT_H

#include "kernel/types.h"

enum limit_id {
	LIMIT_CPU,
	LIMIT_FSIZE,
	LIMIT_DATA,
	LIMIT_STACK,
	LIMIT_CORE,
	LIMIT_RSS,
	LIMIT_NPROC,
	LIMIT_NOFILE,
	LIMIT_MEMLOCK,
	LIMIT_AS,
	LIMIT_LOCKS,
	LIMIT_SIGPENDING,
	LIMIT_MSGQUEUE,
	LIMIT_NICE,
	LIMIT_RTPRIO,
	LIMIT_RTTIME,
	LIMITS,
};

struct limit {
	uint64_t soft, hard; /* UINT64_MAX: none */
};

const struct limit *limit_of(enum limit_id which);

#endif
