/* metrics.h: counters. Relaxed atomics in static tables, no strings made on
 * the hot path. A unit declares its counters as `struct metric` objects and
 * lists them in one table, read by an exporter. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

struct metric {
	const char *name; /* snake_case, unit last: console_tx_bytes */
	const char *help;
	_Atomic uint64_t value;
};

static inline void metric_add(struct metric *m, uint64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline void metric_inc(struct metric *m)
{
	metric_add(m, 1);
}

static inline uint64_t metric_get(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

#endif
