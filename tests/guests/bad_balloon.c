/* bad_balloon.c: a driver of the balloon that breaks every rule: broken
 * chains, each of which must cost the device and nothing else; pages that are
 * none, or that hold the rings; reports and statistics that lie; storms,
 * resets and queues taken back in between; processor 1 rewriting all of it
 * while processor 0 kicks. In between the balloon must take pages as ever.
 * Needs -m 64M -c 2 and every word of --balloon.
 *
 * With the word "tables" on the command line it gives its own page tables
 * away instead, which is its end and nobody else's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define ROUND    3000000000ull /* time stamps: about a second */
#define RAM_END  0x4000000ull
#define PAGE     4096u
#define LIST     (BARE_ARENA + 0x100000)
#define LIST_LEN 0x100000u
#define TABLE    (BARE_ARENA + 0x200000)
#define PAGES    (BARE_ARENA + 0x400000) /* a page to lose, one to keep */
#define CONFIG   0x100u

enum { INFLATE, DEFLATE, STATS, HINT, REPORT, QUEUES };

#define F_ALL    0x2full /* all but PAGE_POISON */
#define F_POISON 0x10ull

static unsigned dev;
static volatile struct ring ring[QUEUES];
static volatile uint32_t go, paused;

/* A fresh start with these features, all queues. */
static void start(uint64_t features)
{
	EXPECT(dev_reset(dev));
	EXPECT(dev_features(dev, features));
	for (unsigned i = 0; i < QUEUES; i++)
		EXPECT(ring_open(&ring[i], dev, i, RING_MAX));
	dev_ok(dev);
	EXPECT(dev_status(dev) == 15);
}

static void offer(unsigned queue, uint64_t gpa, uint32_t len, uint16_t flags)
{
	ring_desc(&ring[queue], 0, gpa, len, flags, 0);
	ring_offer(&ring[queue], 0);
	ring_kick(&ring[queue]);
}

static void fill(uint64_t gpa, uint64_t value)
{
	for (unsigned i = 0; i < PAGE; i += 8)
		put64(gpa + i, value);
}

static bool holds(uint64_t gpa, uint64_t value)
{
	for (unsigned i = 0; i < PAGE; i += 8)
		if (get64(gpa + i) != value)
			return false;
	return true;
}

/* The balloon takes the page it is given and no other. */
static void works(void)
{
	start(F_ALL);
	fill(PAGES, 0x5a5a);
	fill(PAGES + PAGE, 0x6b6b);
	put32(LIST, PAGES / PAGE);
	offer(INFLATE, LIST, 4, 0);
	EXPECT(ring_wait(&ring[INFLATE]));
	EXPECT(ring[INFLATE].used[0].len == 0);
	EXPECT(holds(PAGES, 0));
	EXPECT(holds(PAGES + PAGE, 0x6b6b));
	fill(PAGES, 0x7c7c);
	offer(DEFLATE, LIST, 4, 0);
	EXPECT(ring_wait(&ring[DEFLATE]));
	EXPECT(holds(PAGES, 0x7c7c));
	EXPECT(dev_status(dev) == 15);
}

/* --- broken chains ----------------------------------------------------------- */

struct part {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
};

#define W DESC_WRITE

static const struct broken {
	const char *name;
	unsigned queue, n;
	struct part part[3];
} broken[] = {
	{ "a list to write", INFLATE, 1, { { LIST, 4, W } } },
	{ "a list and more", INFLATE, 2, { { LIST, 4, 0 }, { LIST, 4, W } } },
	{ "an odd list", INFLATE, 1, { { LIST, 4097, 0 } } },
	{ "a list of a byte", INFLATE, 1, { { LIST, 1, 0 } } },
	{ "a list behind RAM", INFLATE, 1, { { RAM_END, 4, 0 } } },
	{ "a list over the end", INFLATE, 1, { { RAM_END - 4, 8, 0 } } },
	{ "a list in registers", INFLATE, 1, { { BARE_DEVICES, 4, 0 } } },
	{ "a list that wraps", INFLATE, 1, { { ~0ull - 3, 8, 0 } } },
	{ "a huge list", INFLATE, 1, { { LIST, 0xfffffffc, 0 } } },
	{ "a loop of descriptors", INFLATE, 1, { { LIST, 4, DESC_NEXT } } },
	{ "deflate to write", DEFLATE, 1, { { LIST, 4, W } } },
	{ "deflate by halves", DEFLATE, 1, { { LIST, 2, 0 } } },
	{ "statistics to write", STATS, 1, { { LIST, 10, W } } },
	{ "statistics behind RAM", STATS, 1, { { RAM_END - 4, 10, 0 } } },
	{ "a long command", HINT, 1, { { LIST, 8, 0 } } },
	{ "a short command", HINT, 1, { { LIST, 3, 0 } } },
	{ "a hint behind RAM", HINT, 1, { { RAM_END, PAGE, W } } },
	{ "a report to read", REPORT, 1, { { PAGES, PAGE, 0 } } },
	{ "a report of registers", REPORT, 1, { { BARE_DEVICES, PAGE, W } } },
	{ "a report over the end", REPORT, 1, { { RAM_END - PAGE, 8192, W } } },
	{ "memory before a list",
	  INFLATE,
	  2,
	  { { PAGES, 8, W }, { LIST, 4, 0 } } },
};

static void break_chains(void)
{
	for (unsigned i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		const struct broken *c = &broken[i];
		volatile struct ring *r = &ring[c->queue];

		bare_context = c->name;
		works();
		start(F_ALL);
		for (unsigned j = 0; j < c->n; j++)
			ring_desc(r, j, c->part[j].gpa, c->part[j].len,
				  c->part[j].flags |
					  (j + 1 < c->n ? DESC_NEXT : 0),
				  (uint16_t)((j + 1) % c->n));
		ring_offer(r, 0);
		ring_kick(r);
		EXPECT(dev_status(dev) & STATUS_NEEDS_RESET);
		EXPECT(r->used_idx == 0);
	}
	works();
}

/* A queue whose feature was not taken does not exist. */
static void kick_the_absent(void)
{
	bare_context = "kicking an absent queue";
	start(0);
	offer(REPORT, PAGES, PAGE, W);
	EXPECT(dev_status(dev) & STATUS_NEEDS_RESET);
	works();
}

/* --- lies -------------------------------------------------------------------- */

static void name_what_is_no_memory(void)
{
	bare_context = "naming pages that are none";
	works();
	for (unsigned i = 0; i < LIST_LEN; i += 4)
		put32(LIST + i,
		      RAM_END / PAGE + (uint32_t)(bare_random() >> (i & 31)));
	offer(INFLATE, LIST, LIST_LEN, 0);
	EXPECT(ring_wait(&ring[INFLATE]));
	EXPECT(dev_status(dev) == 15);
	for (unsigned i = 0; i < LIST_LEN; i += 4) /* one page, very often */
		put32(LIST + i, PAGES / PAGE + (i / 4 & 1) * 2);
	offer(INFLATE, LIST, LIST_LEN / 16, 0);
	EXPECT(ring_wait(&ring[INFLATE]));
	works();
}

/* The rings are zeros from one moment to the next. */
static void give_the_rings_away(void)
{
	bare_context = "giving the rings away";
	for (unsigned i = 0; i < QUEUES; i++) {
		works();
		put32(LIST, (uint32_t)((uintptr_t)&ring[i] / PAGE));
		put32(LIST + 4, LIST / PAGE); /* the list itself */
		offer(INFLATE, LIST, 8, 0);
		EXPECT(get32(LIST) == 0);
		for (unsigned j = 0; j < QUEUES; j++)
			reg_set(dev, REG_NOTIFY, j);
	}
	works();
}

static void report_what_overlaps(void)
{
	volatile struct ring *r = &ring[REPORT];

	bare_context = "reporting what overlaps";
	works();
	for (unsigned i = 0; i < RING_MAX; i++)
		ring_desc(r, i, PAGES + (bare_random() & 0xffffff),
			  (uint32_t)bare_random() & 0x7fffff,
			  W | (i + 1 < RING_MAX ? DESC_NEXT : 0),
			  (uint16_t)(i + 1));
	ring_offer(r, 0);
	ring_kick(r);
	EXPECT(ring_wait(r));
	EXPECT(dev_status(dev) == 15);
	fill(PAGES + PAGE, 0x3333);
	offer(REPORT, PAGES + 1, 2 * PAGE - 2, W); /* no whole page */
	EXPECT(ring_wait(r));
	EXPECT(holds(PAGES + PAGE, 0x3333));
	works();
}

static void lie_about_statistics(void)
{
	bare_context = "lying about statistics";
	works();
	for (unsigned i = 0; i < LIST_LEN; i += 8)
		put64(LIST + i, bare_random());
	for (unsigned i = 0; i < 200; i++) { /* each sends the last one back */
		offer(STATS, LIST, i * 4111, 0);
		EXPECT(ring[STATS].used_idx == i);
	}
	EXPECT(dev_status(dev) == 15);
	works();
}

/* No run was started: nothing may be taken. */
static void hint_unasked(void)
{
	bare_context = "hinting unasked";
	works();
	fill(PAGES, 0x4444);
	for (uint32_t cmd = 0; cmd < 20; cmd++) {
		put32(LIST, cmd);
		offer(HINT, LIST, 4, 0);
		EXPECT(ring_wait(&ring[HINT]));
		offer(HINT, PAGES, PAGE, W);
		EXPECT(ring_wait(&ring[HINT]));
	}
	EXPECT(holds(PAGES, 0x4444));
	works();
}

/* What reads as the poison must go on doing so. */
static void change_the_poison(void)
{
	bare_context = "changing the poison";
	EXPECT(dev_reset(dev));
	EXPECT(dev_features(dev, F_ALL | F_POISON));
	reg_set(dev, CONFIG + 12, 0x55555555);
	for (unsigned i = 0; i < QUEUES; i++)
		EXPECT(ring_open(&ring[i], dev, i, RING_MAX));
	dev_ok(dev);
	reg_set(dev, CONFIG + 12, 0);
	EXPECT(reg_get(dev, CONFIG + 12) == 0x55555555);
	fill(PAGES, 0x5555555555555555);
	offer(REPORT, PAGES, PAGE, W);
	EXPECT(ring_wait(&ring[REPORT]));
	EXPECT(holds(PAGES, 0x5555555555555555));
	works();
}

static void write_configuration(void)
{
	bare_context = "writing the configuration";
	works();
	for (unsigned i = 0; i < 2000; i++) {
		const uint64_t r = bare_random();
		const uint64_t at = reg(dev, CONFIG + (r & 31));

		switch (r >> 8 & 3) {
		case 0:
			put8(at, (uint8_t)(r >> 16));
			break;
		case 1:
			put16(at & ~1ull, (uint16_t)(r >> 16));
			break;
		case 2:
			put32(at & ~3ull, (uint32_t)(r >> 16));
			break;
		default:
			put64(at & ~7ull, r >> 16);
			break;
		}
	}
	EXPECT(reg_get(dev, CONFIG) == 0); /* the target is the host's */
	EXPECT(reg_get(dev, CONFIG + 8) == 0);
	works();
}

/* --- storms ------------------------------------------------------------------ */

static void storm(void)
{
	bare_context = "a storm";
	works();
	for (unsigned i = 0; i < 20000; i++)
		reg_set(dev, REG_NOTIFY,
			i % 16 < 8 ? i % 8 : (uint32_t)bare_random());
	EXPECT(dev_status(dev) == 15);
	works();
}

/* Queues go, come back elsewhere, and the device starts anew, with lists in
 * the rings. */
static void rebuild(void)
{
	bare_context = "rebuilding";
	works();
	for (unsigned i = 0; i < LIST_LEN; i += 4)
		put32(LIST + i, PAGES / PAGE + (i / 4) % 64);
	for (unsigned i = 0; i < 300; i++) {
		const uint64_t r = bare_random();

		offer(r & 1 ? INFLATE : DEFLATE, LIST,
		      (uint32_t)(r >> 8) & 0xfffc, 0);
		reg_set(dev, REG_QUEUE_SEL, (uint32_t)(r >> 4) % 7);
		reg_set(dev, REG_QUEUE_NUM, (uint32_t)(r >> 24) & 255);
		reg_set64(dev, REG_DESC, LIST + (r & 0xfff0));
		reg_set(dev, REG_QUEUE_READY, (uint32_t)(r >> 40) & 1);
		if ((r >> 48 & 15) == 0)
			reg_set(dev, REG_STATUS, 0);
		if (dev_status(dev) != 15)
			start(r >> 56 & 1 ? F_ALL : F_ALL & ~8ull);
	}
	works();
}

/* --- two processors ---------------------------------------------------------- */

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Mostly good, so that there is something to race. */
static void rewrite(uint64_t r, uint64_t s)
{
	volatile struct ring *q = &ring[s % QUEUES];
	volatile struct desc *d = &q->desc[r >> 16 & 63];

	switch (r & 15) {
	case 0:
		q->avail[r >> 8 & 63] = (uint16_t)(s >> 8 & 0x4f);
		break;
	case 1:
		d->flags = (uint16_t)(s >> 8 & 7);
		break;
	case 2:
		d->len = (uint32_t)(s >> 8);
		break;
	case 3:
		d->next = (uint16_t)(s >> 8 & 0x7f);
		break;
	case 4:
		if ((r >> 8 & 0xff) == 1)
			q->avail_idx = (uint16_t)s;
		break;
	case 5:
		d->gpa = RAM_END - (s >> 8 & 0xfff);
		break;
	case 6:
	case 7:
		d->gpa = TABLE + (s >> 8 & 0xfffff);
		d->len = (uint32_t)(s >> 32) & 0xffff;
		d->flags = q->queue >= HINT ? W : 0;
		break;
	default: /* the lists */
		put32(LIST + (r >> 8 & 0xfffc),
		      s & 0x100 ? (uint32_t)(s >> 16)
				: (uint32_t)(PAGES / PAGE) +
					  (uint32_t)(s >> 16 & 0x3ff));
		break;
	}
}

static void __attribute__((noreturn)) racer(void)
{
	uint64_t x = 0x123456789abcdef;

	for (;;) {
		while (!go)
			paused = 1;
		rewrite(next(&x), next(&x));
	}
}

static void race(void)
{
	const uint64_t begin = rdtsc();
	unsigned resets = 0;

	bare_context = "racing";
	EXPECT(bare_start(1, racer));
	works();
	go = 1;
	/* on a busy host the racer may take its time */
	while (rdtsc() - begin < (resets ? ROUND : 20 * ROUND)) {
		const unsigned q = bare_random() % QUEUES;
		const uint64_t r = bare_random();

		ring_desc(&ring[q], 0, q >= HINT ? PAGES + (r & 0xffff) : LIST,
			  (uint32_t)(r >> 16) & 0xfffc, q >= HINT ? W : 0, 0);
		ring_offer(&ring[q], 0);
		ring_kick(&ring[q]);
		if (dev_status(dev) == 15)
			continue;
		resets++;
		EXPECT(dev_reset(dev));
		EXPECT(dev_features(dev, F_ALL));
		for (unsigned i = 0; i < QUEUES; i++)
			(void)ring_open(&ring[i], dev, i, RING_MAX);
		dev_ok(dev);
	}
	go = 0;
	paused = 0;
	barrier();
	while (!paused)
		;
	EXPECT(resets > 0);
	works();
}

/* --- the end ------------------------------------------------------------------ */

static void __attribute__((noreturn)) give_everything_away(void)
{
	start(F_ALL);
	for (uint32_t i = 0; i < LIST / PAGE; i++)
		put32(LIST + 4 * i, i);
	offer(INFLATE, LIST, 4 * (LIST / PAGE), 0);
	for (;;) /* what is left of us may run on for a while */
		reg_set(dev, REG_NOTIFY, INFLATE);
}

void bare_main(void)
{
	while (dev < 18 && reg_get(dev, 0x08) != 5)
		dev++;
	EXPECT(dev < 18);
	if (bare_arg("tables"))
		give_everything_away();
	break_chains();
	kick_the_absent();
	name_what_is_no_memory();
	give_the_rings_away();
	report_what_overlaps();
	lie_about_statistics();
	hint_unasked();
	change_the_poison();
	write_configuration();
	storm();
	rebuild();
	race();
	bare_context = "using the others";
	EXPECT(rng_works());
	PASS("a balloon");
}
