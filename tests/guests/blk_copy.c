/* blk_copy.c: works with the machine's disks, for the tests and for figures.
 *
 *   info N              what disk N says about itself
 *   copy DEPTH BYTES    disk 0 to disk 1 in pieces, DEPTH in flight; flushes
 *   try TYPE SECTOR LEN a request to disk 0; prints its status
 *   zero SECTOR N FLAGS a range of zeroes on disk 0
 *   rate DEPTH read|write MS    random 4 KiB requests a second on disk 0
 *   moved DEPTH read|write BYTES MS    random requests, and the time they took
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "kit_blk.h"

static struct blk disk[2];

static void need(struct blk *b, unsigned nth)
{
	if (blk_open(b, nth, BLK_ALL))
		return;
	printf("disk %u: not there\n", nth);
	exit(2);
}

static int info(char **arg)
{
	struct blk *b = &disk[0];
	unsigned nth = (unsigned)atoi(arg[0]);
	int st;

	need(b, nth);
	memset(KIT_PHYS(BLK_DATA), 0, 32);
	st = blk_do(b, BLK_GET_ID, 0, BLK_DATA, 20);
	printf("sectors %llu block %u queues %u %s serial %s status %d\n",
	       (unsigned long long)b->sectors, *blk_reg(b, BLK_REG_CONFIG + 20),
	       *blk_reg(b, BLK_REG_CONFIG + 32) >> 16,
	       b->features & BLK_F_RO ? "ro" : "rw",
	       (const char *)KIT_PHYS(BLK_DATA), st);
	return 0;
}

/* A slot carries its piece from disk 0 to disk 1; which way it is going: */
static uint64_t piece_at[BLK_DEPTH];

static int fail(const char *what, unsigned slot, int status)
{
	printf("%s at sector %llu: status %d\n", what,
	       (unsigned long long)piece_at[slot], status);
	return 1;
}

static uint32_t piece_len(const struct blk *b, uint64_t sector, uint32_t len)
{
	uint64_t left = (b->sectors - sector) * 512;

	return left < len ? (uint32_t)left : len;
}

static int copy(char **arg)
{
	const unsigned depth = (unsigned)atoi(arg[0]);
	const uint32_t len = (uint32_t)atoi(arg[1]);
	struct blk *a = &disk[0], *b = &disk[1];
	uint64_t next = 0;
	unsigned reading = 0, writing = 0;

	need(a, 0);
	need(b, 1);
	for (unsigned i = 0; i < depth && next < a->sectors; i++) {
		piece_at[i] = next;
		blk_add(a, i, BLK_IN, next, BLK_DATA + i * (uint64_t)len,
			piece_len(a, next, len));
		next += len / 512;
		reading++;
	}
	blk_kick(a);
	while (reading + writing > 0) {
		if (reading && a->s->used_idx != a->seen) {
			int i = blk_wait(a);

			if (a->s->status[i])
				return fail("read", i, a->s->status[i]);
			reading--;
			blk_add(b, i, BLK_OUT, piece_at[i],
				BLK_DATA + (unsigned)i * (uint64_t)len,
				piece_len(a, piece_at[i], len));
			writing++;
			blk_kick(b);
		}
		if (writing && b->s->used_idx != b->seen) {
			int i = blk_wait(b);

			if (b->s->status[i])
				return fail("write", i, b->s->status[i]);
			writing--;
			if (next >= a->sectors)
				continue;
			piece_at[i] = next;
			blk_add(a, i, BLK_IN, next,
				BLK_DATA + (unsigned)i * (uint64_t)len,
				piece_len(a, next, len));
			next += len / 512;
			reading++;
			blk_kick(a);
		}
	}
	if (blk_do(b, BLK_FLUSH, 0, 0, 0) != 0)
		return fail("flush", 0, b->s->status[0]);
	printf("copied %llu sectors\n", (unsigned long long)a->sectors);
	return 0;
}

static int try(char **arg)
{
	need(&disk[0], 0);
	printf("status %d\n", blk_do(&disk[0], (uint32_t)atoi(arg[0]),
				     strtoull(arg[1], NULL, 0), BLK_DATA,
				     (uint32_t)strtoul(arg[2], NULL, 0)));
	return 0;
}

static int zero(char **arg)
{
	volatile uint32_t *range = KIT_PHYS(BLK_DATA);

	need(&disk[0], 0);
	*(volatile uint64_t *)KIT_PHYS(BLK_DATA) = strtoull(arg[0], NULL, 0);
	range[2] = (uint32_t)atoi(arg[1]);
	range[3] = (uint32_t)atoi(arg[2]);
	printf("status %d\n",
	       blk_do(&disk[0], BLK_WRITE_ZEROES, 0, BLK_DATA, 16));
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t random64(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Requests at random places for `ns`, DEPTH in flight, until all have ended.
 * Fills *ret_done and *ret_ns; 1: one failed. */
static int flow(unsigned depth, uint32_t type, uint32_t len, uint64_t ns,
		uint64_t *ret_done, uint64_t *ret_ns)
{
	struct blk *b = &disk[0];
	uint64_t start, places, done = 0, spent = 0;
	unsigned in_flight = 0;

	need(b, 0);
	places = b->sectors * 512 / len;
	for (unsigned i = 0; i < depth; i++, in_flight++)
		blk_add(b, i, type, random64() % places * (len / 512),
			BLK_DATA + i * (uint64_t)len, len);
	start = now_ns();
	blk_kick(b);
	while (in_flight > 0) {
		unsigned added = 0;

		do { /* all that has ended, then one kick */
			int i = blk_wait(b);

			if (i < 0 || b->s->status[i])
				return fail("request", 0, -1);
			done++;
			in_flight--;
			if (spent < ns) {
				blk_add(b, (unsigned)i, type,
					random64() % places * (len / 512),
					BLK_DATA + (unsigned)i * (uint64_t)len,
					len);
				in_flight++;
				added++;
			}
		} while (b->s->used_idx != b->seen);
		if (added)
			blk_kick(b);
		spent = now_ns() - start;
	}
	*ret_done = done;
	*ret_ns = spent;
	return 0;
}

static uint32_t direction(const char *word)
{
	return strcmp(word, "read") ? BLK_OUT : BLK_IN;
}

static int rate(char **arg)
{
	uint64_t done, ns;

	if (flow((unsigned)atoi(arg[0]), direction(arg[1]), 4096,
		 strtoull(arg[2], NULL, 10) * 1000000, &done, &ns))
		return 1;
	printf("%llu requests a second\n",
	       (unsigned long long)(done * 1000000000ull / ns));
	return 0;
}

static int moved(char **arg)
{
	uint64_t done, ns;

	if (flow((unsigned)atoi(arg[0]), direction(arg[1]),
		 (uint32_t)atoi(arg[2]), strtoull(arg[3], NULL, 10) * 1000000,
		 &done, &ns))
		return 1;
	printf("%llu requests in %llu us\n", (unsigned long long)done,
	       (unsigned long long)(ns / 1000));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n;
		int (*run)(char **arg);
	} deeds[] = {
		{ "info", 1, info }, { "copy", 2, copy }, { "try", 3, try },
		{ "zero", 3, zero }, { "rate", 3, rate }, { "moved", 4, moved },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(deeds) / sizeof(*deeds); i++)
		if (strcmp(argv[1], deeds[i].name) == 0 &&
		    argc == 2 + deeds[i].n)
			return deeds[i].run(argv + 2);
	puts("blk_copy: no such deed");
	return 100;
}
