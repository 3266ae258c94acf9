/* ratelimit.h: token buckets: how many bytes and how many operations a second
 * something may do. Arithmetic only: the caller brings the time, and waits
 * (throttle.h does both for a device).
 *
 * A bucket fills at its rate, up to its burst. Work is let through while no
 * bucket is in debt, and is then charged in full, by which a bucket may go
 * into debt: so work of any size goes through, even more than the bucket ever
 * holds, and what comes after it waits until the debt is paid off. In any
 * t seconds, whatever the sizes are, not more goes through than
 *
 *	rate * t + burst + one piece of work
 *
 * and, while something is always waiting and is let through within the time
 * in which a burst collects, not less than rate * t less one piece. Fractions
 * of a token are kept exactly, there is no drift.
 *
 * Everything is plain data: a copy of the struct is the state, and goes on
 * from the same levels. No option value overflows. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_RATELIMIT_H
#define VIRTIO_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* A burst that is not given is a tenth of a second's worth: enough for late
 * timers, and 1 % of what the rate allows in 10 s. */
#define RATELIMIT_BURSTS_PER_SEC 10u

struct ratelimit_config {
	uint64_t bytes, ops;             /* a second; 0: no limit */
	uint64_t bytes_burst, ops_burst; /* 0: not given */
};

struct ratelimit_bucket {
	uint64_t rate;  /* tokens a second; 0: no limit */
	int64_t burst;  /* the level is not more than this */
	int64_t level;  /* tokens; below 0: debt */
	uint32_t parts; /* and billionths of one */
};

struct ratelimit {
	struct ratelimit_bucket bytes, ops;
	uint64_t now_ns; /* until when the buckets have been filled */
};

/* Times are CLOCK_MONOTONIC nanoseconds. One that is earlier than the one
 * before counts as the same. The buckets are full. */
void ratelimit_init(struct ratelimit *rl, const struct ratelimit_config *cfg,
		    uint64_t now_ns);

/* False: there is no limit, and the rest need not be called. */
static inline bool ratelimit_is_set(const struct ratelimit *rl)
{
	return rl->bytes.rate || rl->ops.rate;
}

/* Work may start now. */
bool ratelimit_ready(struct ratelimit *rl, uint64_t now_ns);

/* Work was started, or turned out to be this much more than was charged. */
void ratelimit_charge(struct ratelimit *rl, uint64_t now_ns, uint64_t bytes,
		      uint64_t ops);

/* The first moment at which ratelimit_ready is true if nothing is charged
 * meanwhile; UINT64_MAX: never in practice. */
uint64_t ratelimit_ready_at(const struct ratelimit *rl);

#endif
