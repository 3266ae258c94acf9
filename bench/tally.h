/* tally.h: what guest and host programs of bench-io count alike: how long
 * each operation took, and which block comes next. No libc.
 *
 * Such a program says "begin" on a line of its own when it is ready and reads
 * a byte, works, says "end" and reads a byte, and then says what it did in one
 * line of NAME=NUMBER words. The bytes come from io_bench, which looks at the
 * processor time meanwhile. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include <stdint.h>

/* Buckets of a sixteenth of an octave: 6 % wide at most. */
#define TALLY_FINE    16u
#define TALLY_BUCKETS (TALLY_FINE * 40u)

struct tally {
	uint64_t n, bytes; /* operations, and what they moved */
	uint64_t min_ns;
	uint64_t count[TALLY_BUCKETS];
};

static inline unsigned tally_bucket(uint64_t ns)
{
	unsigned octave;

	if (ns < TALLY_FINE)
		return (unsigned)ns;
	octave = 63 - (unsigned)__builtin_clzll(ns) - 4;
	if (octave >= TALLY_BUCKETS / TALLY_FINE - 1)
		return TALLY_BUCKETS - 1;
	return (octave + 1) * TALLY_FINE +
	       (unsigned)(ns >> octave) % TALLY_FINE;
}

static inline void tally_add(struct tally *t, uint64_t ns, uint64_t bytes)
{
	if (t->n == 0 || ns < t->min_ns)
		t->min_ns = ns;
	t->n++;
	t->bytes += bytes;
	t->count[tally_bucket(ns)]++;
}

/* An operation of which nobody asks how long it took: quantiles stay 0. */
static inline void tally_move(struct tally *t, uint64_t bytes)
{
	t->n++;
	t->bytes += bytes;
}

/* The middle of the bucket in which this part of all (in 1/1000) lies. */
static inline uint64_t tally_quantile(const struct tally *t, unsigned part)
{
	const uint64_t rank = (t->n * part + 999) / 1000;
	uint64_t seen = 0;
	unsigned i = 0, octave;

	if (t->min_ns == 0)
		return 0;
	while (i < TALLY_BUCKETS - 1 && (seen += t->count[i]) < rank)
		i++;
	if (i < 2 * TALLY_FINE)
		return i;
	octave = i / TALLY_FINE - 1;
	return ((uint64_t)(TALLY_FINE + i % TALLY_FINE) << octave) +
	       (1ull << octave) / 2;
}

/* Marsaglia's xorshift; *state is not 0. */
static inline uint64_t tally_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
