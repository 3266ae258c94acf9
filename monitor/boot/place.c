/* place.c: see place.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/place.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/checked.h"
#include "base/err.h"
#include "mem/gmem.h"

#define MIB (1ULL << 20)

struct label {
	char text[40];
};

static struct label label_of(const char *what, int n)
{
	struct label l;

	if (n < 0)
		(void)snprintf(l.text, sizeof(l.text), "%s", what);
	else
		(void)snprintf(l.text, sizeof(l.text), "%s %d", what, n);
	return l;
}

uint64_t place_low_ram(const struct gmem *mem)
{
	const struct gmem_region *r = &mem->region[0];

	if (mem->n_regions == 0 || r->base != 0)
		return 0;
	return r->len < LAYOUT_HOLE_START ? r->len : LAYOUT_HOLE_START;
}

static void add_range(struct place *p, gpa_t gpa, uint64_t len,
		      const char *what, int n)
{
	CHECK(p->n_ranges < PLACE_MAX);
	p->range[p->n_ranges++] = (struct place_range){ gpa, len, what, n };
}

void place_init(struct place *p, const struct gmem *mem)
{
	p->mem = mem;
	p->n_ranges = 0;
	add_range(p, PLACE_MP_GPA, PLACE_HIGH_GPA - PLACE_MP_GPA,
		  "the reserved area", -1);
}

/* What overlaps [gpa, gpa + len); the sum is known to fit. */
static const struct place_range *find_overlap(const struct place *p, gpa_t gpa,
					      uint64_t len)
{
	for (unsigned i = 0; i < p->n_ranges; i++) {
		const struct place_range *r = &p->range[i];

		if (gpa < r->gpa + r->len && r->gpa < gpa + len)
			return r;
	}
	return NULL;
}

/* Guest memory that ends at or after `end`, in MiB: RAM skips the hole. */
static uint64_t mib_for(uint64_t end)
{
	if (end > LAYOUT_HOLE_END)
		end -= LAYOUT_HOLE_END - LAYOUT_HOLE_START;
	return (end + MIB - 1) / MIB;
}

static int too_small(const struct place *p, uint64_t end, const char *what,
		     struct err *err)
{
	return err_set(err, -ENOMEM,
		       "%s needs %llu MiB of guest memory, there are %llu MiB",
		       what, (unsigned long long)mib_for(end),
		       (unsigned long long)(gmem_total(p->mem) / MIB));
}

int place_claim(struct place *p, gpa_t gpa, uint64_t len, const char *what,
		int n, struct err *err)
{
	struct label l = label_of(what, n);
	const struct place_range *hit;
	uint64_t end, hit_end;

	if (len == 0)
		return 0;
	if (!add_u64(gpa, len, &end) || end > LAYOUT_MEM_MAX)
		return err_set(err, -ENOEXEC,
			       "%s: %llu bytes at %#llx: beyond any guest "
			       "memory (limit %#llx)",
			       l.text, (unsigned long long)len,
			       (unsigned long long)gpa, LAYOUT_MEM_MAX);
	if (gpa < LAYOUT_HOLE_END && end > LAYOUT_HOLE_START)
		return err_set(err, -ENOEXEC,
			       "%s at %#llx-%#llx: no RAM at %#llx-%#llx, "
			       "devices are there",
			       l.text, (unsigned long long)gpa,
			       (unsigned long long)end, LAYOUT_HOLE_START,
			       LAYOUT_HOLE_END);
	hit = find_overlap(p, gpa, len);
	if (hit) {
		hit_end = hit->gpa + hit->len;
		return err_set(err, -ENOEXEC,
			       "%s at %#llx-%#llx overlaps %s at %#llx-%#llx",
			       l.text, (unsigned long long)gpa,
			       (unsigned long long)end,
			       label_of(hit->what, hit->n).text,
			       (unsigned long long)hit->gpa,
			       (unsigned long long)hit_end);
	}
	if (!gmem_has(p->mem, gpa, len))
		return too_small(p, end, l.text, err);
	add_range(p, gpa, len, what, n);
	return 0;
}

int place_low(struct place *p, gpa_t from, uint64_t len, const char *what,
	      gpa_t *ret_gpa, struct err *err)
{
	uint64_t ram = place_low_ram(p->mem);
	gpa_t gpa = from < PLACE_HIGH_GPA ? PLACE_HIGH_GPA : from;
	const struct place_range *hit;

	CHECK(gpa <= LAYOUT_HOLE_END);
	if (len > LAYOUT_HOLE_START)
		return err_set(err, -ENOMEM,
			       "%s: %llu bytes do not fit below %#llx", what,
			       (unsigned long long)len, LAYOUT_HOLE_START);
	len = len ? len : 1;
	gpa = round_up_u64(gpa, PAGE_LEN);
	/* each round passes at least one range */
	while ((hit = find_overlap(p, gpa, len)) != NULL)
		gpa = round_up_u64(hit->gpa + hit->len, PAGE_LEN);
	if (gpa + len > LAYOUT_HOLE_START)
		return err_set(err, -ENOMEM,
			       "%s: %llu bytes at %#llx do not fit below "
			       "%#llx",
			       what, (unsigned long long)len,
			       (unsigned long long)gpa, LAYOUT_HOLE_START);
	if (gpa + len > ram)
		return too_small(p, gpa + len, what, err);
	add_range(p, gpa, len, what, -1);
	*ret_gpa = gpa;
	return 0;
}

int place_high(struct place *p, uint64_t last, uint64_t len, const char *what,
	       gpa_t *ret_gpa, struct err *err)
{
	uint64_t ram = place_low_ram(p->mem);
	uint64_t top = last < ram ? last + 1 : ram;
	const struct place_range *hit;
	gpa_t gpa;

	len = len ? len : 1;
	for (;;) {
		if (len > top)
			break;
		gpa = (top - len) & ~(PAGE_LEN - 1);
		hit = find_overlap(p, gpa, len);
		if (!hit && gpa >= PLACE_HIGH_GPA) {
			add_range(p, gpa, len, what, -1);
			*ret_gpa = gpa;
			return 0;
		}
		if (!hit)
			break;
		top = hit->gpa;
	}
	if (len <= last && place_end(p) <= last - len &&
	    place_end(p) + len <= LAYOUT_HOLE_START - PAGE_LEN)
		return too_small(p, round_up_u64(place_end(p), PAGE_LEN) + len,
				 what, err);
	return err_set(err, -ENOMEM,
		       "%s: %llu bytes do not fit in guest memory below %#llx",
		       what, (unsigned long long)len,
		       (unsigned long long)(last < LAYOUT_HOLE_START
						    ? last + 1
						    : LAYOUT_HOLE_START));
}

gpa_t place_end(const struct place *p)
{
	gpa_t end = 0;

	for (unsigned i = 0; i < p->n_ranges; i++) {
		gpa_t e = p->range[i].gpa + p->range[i].len;

		if (e <= LAYOUT_HOLE_START && e > end)
			end = e;
	}
	return end;
}
