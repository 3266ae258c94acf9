/* memmap.c: see memmap.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/memmap.h"

#include "base/check.h"
#include "boot/place.h"
#include "mem/gmem.h"

struct list {
	struct memmap_entry *out;
	unsigned n;
};

static void add(struct list *l, gpa_t from, gpa_t to, uint32_t type)
{
	if (from >= to)
		return;
	CHECK(l->n < MEMMAP_MAX);
	l->out[l->n++] = (struct memmap_entry){ from, to - from, type };
}

static gpa_t min_gpa(gpa_t a, gpa_t b)
{
	return a < b ? a : b;
}

unsigned memmap_build(const struct gmem *mem,
		      struct memmap_entry out[MEMMAP_MAX])
{
	struct list l = { out, 0 };
	gpa_t low = place_low_ram(mem);

	add(&l, 0, min_gpa(low, PLACE_MP_GPA), MEMMAP_RAM);
	add(&l, PLACE_MP_GPA, PLACE_HIGH_GPA, MEMMAP_RESERVED);
	add(&l, PLACE_HIGH_GPA, low, MEMMAP_RAM);
	add(&l, LAYOUT_PLATFORM, LAYOUT_PLATFORM + PAGE_LEN, MEMMAP_RESERVED);
	add(&l, LAYOUT_IOAPIC, LAYOUT_IOAPIC + PAGE_LEN, MEMMAP_RESERVED);
	add(&l, LAYOUT_LAPIC, LAYOUT_LAPIC + PAGE_LEN, MEMMAP_RESERVED);
	for (unsigned i = 1; i < mem->n_regions; i++)
		add(&l, mem->region[i].base,
		    mem->region[i].base + mem->region[i].len, MEMMAP_RAM);
	return l.n;
}
