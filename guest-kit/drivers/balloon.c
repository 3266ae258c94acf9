/* balloon.c: see balloon.h. A request is one list, one buffer or one report,
 * and is waited for, so descriptor 0 of each queue is all that is used; hints
 * go HINT_PARTS pages at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/balloon.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/page.h"

#define RING       64
#define LIST_MAX   (PAGE_LEN / sizeof(uint32_t)) /* a page of page numbers */
#define HINT_PARTS 16

#define MUST_TELL_HOST (1u << 0)
#define WANTED                                                     \
	(MUST_TELL_HOST | BALLOON_STATS | BALLOON_DEFLATE_ON_OOM | \
	 BALLOON_HINTS | BALLOON_REPORTS)

#define CONFIG_TARGET  0
#define CONFIG_ACTUAL  4
#define CONFIG_COMMAND 8
#define COMMAND_STOP   0u
#define COMMAND_DONE   1u

#define STAT_FREE  4
#define STAT_TOTAL 5

struct stat {
	uint16_t tag;
	uint64_t bytes;
} __attribute__((packed));

/* Pages that are not in the store: their numbers, a page of them at a time. */
struct numbers {
	struct numbers *below;
	uint64_t n;
	uint32_t page[LIST_MAX - 4];
};

static struct {
	bool tried, usable;
	struct virtio dev;
	unsigned stats, hints, reports; /* queue numbers */
	uint32_t *list;                 /* a page that the device reads */
	struct stat *stat;              /* another */
	struct numbers *given, *hinted;
	uint64_t actual;
	uint32_t run; /* the hinting command that was answered */
} b;

enum { INFLATE, DEFLATE };

/* --- pages ------------------------------------------------------------------ */

/* A free page, and room for its number; 0: there is none. */
static uint32_t take(struct numbers **top)
{
	struct numbers *t = *top;
	void *page;

	if (!t || t->n == ARRAY_LEN(t->page)) {
		t = page_alloc();
		if (!t)
			return 0;
		t->below = *top;
		t->n = 0;
		*top = t;
	}
	page = page_alloc();
	if (!page)
		return 0;
	t->page[t->n] = (uint32_t)(phys_of(page) / PAGE_LEN);
	return t->page[t->n++];
}

/* The number of the page taken last; 0: all are back. */
static uint32_t untake(struct numbers **top)
{
	struct numbers *t = *top;

	while (t && t->n == 0) {
		*top = t->below;
		page_free(t);
		t = *top;
	}
	return t ? t->page[--t->n] : 0;
}

/* --- talking ---------------------------------------------------------------- */

static void finish(unsigned queue)
{
	unsigned index;
	uint32_t len;

	virtio_notify(&b.dev, queue);
	while (!virtq_pop(&b.dev, queue, &index, &len))
		virtio_wait(&b.dev, queue, 0);
}

static void tell(unsigned queue, const void *bytes, uint32_t len)
{
	virtq_add(&b.dev.q[queue], 0, phys_of(bytes), len, false);
	finish(queue);
}

static uint32_t config(unsigned off)
{
	unsigned at;

	mmio_begin();
	at = mmio_read(b.dev.gpa + VIRTIO_CONFIG + off);
	mmio_run();
	return mmio_value(at);
}

static void set_actual(uint64_t pages)
{
	b.actual = pages;
	mmio_write_now(b.dev.gpa + VIRTIO_CONFIG + CONFIG_ACTUAL,
		       (uint32_t)pages);
}

static void offer_stats(void)
{
	b.stat[0] = (struct stat){ STAT_FREE, page_count_free() * PAGE_LEN };
	b.stat[1] = (struct stat){ STAT_TOTAL, page_count_total() * PAGE_LEN };
	virtq_add(&b.dev.q[b.stats], 0, phys_of(b.stat), 2 * sizeof(*b.stat),
		  false);
}

/* --- start ------------------------------------------------------------------ */

static bool init(void)
{
	unsigned n = 2;

	b.list = page_alloc();
	b.stat = page_alloc();
	if (!b.list || !b.stat ||
	    !virtio_find(&b.dev, VIRTIO_ID_BALLOON, 0, IRQ_BALLOON))
		return false;
	b.dev.features = virtio_offers(&b.dev) & WANTED;
	/* those that exist, without gaps */
	b.stats = b.dev.features & BALLOON_STATS ? n++ : 0;
	b.hints = b.dev.features & BALLOON_HINTS ? n++ : 0;
	b.reports = b.dev.features & BALLOON_REPORTS ? n++ : 0;
	if (!virtio_prepare(&b.dev, n, RING))
		return false;
	if (b.stats)
		offer_stats();
	b.dev.config_changed = true; /* nobody has looked yet */
	return virtio_start(&b.dev, b.stats ? b.stats : VIRTIO_QUEUES_MAX);
}

bool balloon_open(uint32_t *ret_features)
{
	if (!b.tried) {
		b.tried = true;
		b.usable = init();
	}
	if (b.usable)
		*ret_features = b.dev.features;
	return b.usable;
}

/* --- size ------------------------------------------------------------------- */

uint64_t balloon_target(void)
{
	return config(CONFIG_TARGET);
}

uint64_t balloon_actual(void)
{
	return b.actual;
}

static uint64_t inflate(uint64_t n)
{
	uint32_t k = 0, page;

	while (k < min_u64(n, LIST_MAX) && (page = take(&b.given)))
		b.list[k++] = page;
	if (k) {
		tell(INFLATE, b.list, k * (uint32_t)sizeof(*b.list));
		set_actual(b.actual + k);
	}
	return k;
}

static uint64_t deflate(uint64_t n)
{
	uint32_t k = 0, page;

	while (k < min_u64(n, LIST_MAX) && (page = untake(&b.given)))
		b.list[k++] = page;
	if (k) {
		tell(DEFLATE, b.list, k * (uint32_t)sizeof(*b.list));
		set_actual(b.actual - k);
	}
	/* only now are they ours */
	for (uint32_t i = 0; i < k; i++)
		page_free(phys_ptr(b.list[i] * PAGE_LEN));
	return k;
}

uint64_t balloon_relieve(uint64_t n)
{
	uint64_t done = 0, k = 1;

	if (!(b.dev.features & BALLOON_DEFLATE_ON_OOM))
		return 0;
	for (; k && done < n; done += k)
		k = deflate(n - done);
	return done;
}

static bool follow(uint64_t target)
{
	return b.actual < target ? inflate(target - b.actual) > 0
				 : deflate(b.actual - target) > 0;
}

/* --- hints and reports ------------------------------------------------------ */

/* All free pages, until there are none or the host has enough. */
static void hint(uint32_t run)
{
	uint32_t page = 1;

	b.list[0] = run;
	tell(b.hints, b.list, sizeof(*b.list));
	while (page && config(CONFIG_COMMAND) == run) {
		struct virtq_part part[HINT_PARTS];
		unsigned n = 0;

		while (n < HINT_PARTS && (page = take(&b.hinted)))
			part[n++] = (struct virtq_part){ page * PAGE_LEN,
							 PAGE_LEN, true };
		if (n == 0)
			break;
		virtq_add_chain(&b.dev.q[b.hints], 0, part, n);
		finish(b.hints);
	}
	b.list[0] = COMMAND_STOP;
	tell(b.hints, b.list, sizeof(*b.list));
}

/* What was hinted stays out of use until the host says DONE. */
static bool serve_hints(uint32_t command)
{
	uint32_t page;

	if (command == b.run)
		return false;
	b.run = command;
	if (command > COMMAND_DONE) {
		hint(command);
		return true;
	}
	while (command == COMMAND_DONE && (page = untake(&b.hinted)))
		page_free(phys_ptr(page * PAGE_LEN));
	return true;
}

void balloon_report(gpa_t gpa, uint32_t len)
{
	virtq_add(&b.dev.q[b.reports], 0, gpa, len, true);
	finish(b.reports);
}

/* --- service ---------------------------------------------------------------- */

bool balloon_serve(void)
{
	bool done = false;
	unsigned index;
	uint32_t len;

	b.dev.config_changed = false;
	if (b.stats && virtq_pop(&b.dev, b.stats, &index, &len)) {
		offer_stats();
		virtio_notify(&b.dev, b.stats);
		done = true;
	}
	done |= follow(balloon_target());
	if (b.hints)
		done |= serve_hints(config(CONFIG_COMMAND));
	return done;
}

void balloon_wait(uint64_t until_ns)
{
	/* without statistics this queue never has anything: it serves to wait
	 * for the configuration */
	virtio_wait(&b.dev, b.stats ? b.stats : INFLATE, until_ns);
}
