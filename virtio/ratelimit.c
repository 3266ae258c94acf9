/* ratelimit.c: see ratelimit.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/ratelimit.h"

#include "base/clock.h"

static struct ratelimit_bucket full(uint64_t rate, uint64_t burst)
{
	if (burst == 0)
		burst = rate / RATELIMIT_BURSTS_PER_SEC;
	if (burst > INT64_MAX)
		burst = INT64_MAX;
	return (struct ratelimit_bucket){ .rate = rate,
					  .burst = (int64_t)burst,
					  .level = (int64_t)burst };
}

/* What `ns` bring. Beyond the burst everything is lost, fractions too. */
static void fill(struct ratelimit_bucket *b, uint64_t ns)
{
	/* neither the product nor the sum exceeds 128 bits */
	const unsigned __int128 parts =
		(unsigned __int128)b->rate * ns + b->parts;
	const unsigned __int128 tokens = parts / NS_PER_SEC;
	const unsigned __int128 room =
		(unsigned __int128)((__int128)b->burst - b->level);

	if (tokens >= room) {
		b->level = b->burst;
		b->parts = 0;
		return;
	}
	b->level = (int64_t)((__int128)b->level + (__int128)tokens);
	b->parts = (uint32_t)(parts % NS_PER_SEC);
}

static void fill_both(struct ratelimit *rl, uint64_t now_ns)
{
	if (now_ns <= rl->now_ns)
		return;
	fill(&rl->bytes, now_ns - rl->now_ns);
	fill(&rl->ops, now_ns - rl->now_ns);
	rl->now_ns = now_ns;
}

static void charge(struct ratelimit_bucket *b, uint64_t tokens)
{
	if (!b->rate)
		return;
	if (tokens > INT64_MAX ||
	    __builtin_sub_overflow(b->level, (int64_t)tokens, &b->level))
		b->level = INT64_MIN;
}

/* Nanoseconds until the debt is paid. */
static uint64_t debt_ns(const struct ratelimit_bucket *b)
{
	unsigned __int128 parts, ns;

	if (b->level >= 0)
		return 0;
	parts = (unsigned __int128)-(__int128)b->level * NS_PER_SEC - b->parts;
	ns = (parts + b->rate - 1) / b->rate;
	return ns < UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

void ratelimit_init(struct ratelimit *rl, const struct ratelimit_config *cfg,
		    uint64_t now_ns)
{
	*rl = (struct ratelimit){
		.bytes = full(cfg->bytes, cfg->bytes_burst),
		.ops = full(cfg->ops, cfg->ops_burst),
		.now_ns = now_ns,
	};
}

bool ratelimit_ready(struct ratelimit *rl, uint64_t now_ns)
{
	fill_both(rl, now_ns);
	return rl->bytes.level >= 0 && rl->ops.level >= 0;
}

void ratelimit_charge(struct ratelimit *rl, uint64_t now_ns, uint64_t bytes,
		      uint64_t ops)
{
	fill_both(rl, now_ns);
	charge(&rl->bytes, bytes);
	charge(&rl->ops, ops);
}

uint64_t ratelimit_ready_at(const struct ratelimit *rl)
{
	const uint64_t a = debt_ns(&rl->bytes), b = debt_ns(&rl->ops);
	uint64_t at;

	if (__builtin_add_overflow(rl->now_ns, a > b ? a : b, &at))
		return UINT64_MAX;
	return at;
}
