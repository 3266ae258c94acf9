/* pt.c: page tables of the lower half.
 *
 * Under shadow paging the first write to a table the processor has walked
 * traps. The tables most programs need are part of the image (boot/tables.S)
 * and filled before that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/page.h"
#include "kernel/vm_priv.h"
#include "linux/errno.h"

#define PTE_TABLE \
	(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

#define LEVELS     4
#define LEVEL_BITS 9

extern char kit_image[], kit_image_end[];

uint64_t pte_make(gpa_t gpa, unsigned prot, bool writable)
{
	uint64_t pte = gpa | PTE_HELD | PTE_USER | PTE_ACCESSED | PTE_DIRTY;

	if (prot)
		pte |= PTE_PRESENT;
	if (writable && (prot & VM_WRITE))
		pte |= PTE_WRITE;
	if (!(prot & VM_EXEC))
		pte |= PTE_NX;
	return pte;
}

/* What an entry of this level maps; level 0 has pages. */
static uint64_t span_of(unsigned level)
{
	return PAGE_LEN << (LEVEL_BITS * level);
}

static unsigned index_at(uint64_t gva, unsigned level)
{
	return (gva / span_of(level)) % 512;
}

static uint64_t *table_of(uint64_t entry)
{
	return phys_ptr(entry & PTE_ADDRESS);
}

static uint64_t next_span(uint64_t gva, unsigned level)
{
	return (gva | (span_of(level) - 1)) + 1;
}

uint64_t *pt_entry(uint64_t gva, bool create)
{
	uint64_t *table = kit_pml4;

	for (unsigned level = LEVELS - 1; level; level--) {
		uint64_t *entry = &table[index_at(gva, level)];

		if (!*entry) {
			void *page = create ? page_alloc_zeroed() : NULL;

			if (!page)
				return NULL;
			*entry = phys_of(page) | PTE_TABLE;
		}
		table = table_of(*entry);
	}
	return &table[index_at(gva, 0)];
}

/* The entry for *gva or for the first address after it, below end, for which
 * there is a table. Holes cost nothing, however large. */
static uint64_t *existing_entry(uint64_t *gva, uint64_t end)
{
	while (*gva < end) {
		uint64_t *table = kit_pml4;
		unsigned level = LEVELS - 1;

		while (level && table[index_at(*gva, level)])
			table = table_of(table[index_at(*gva, level--)]);
		if (!level)
			return &table[index_at(*gva, 0)];
		*gva = next_span(*gva, level);
	}
	return NULL;
}

void pt_flush_page(uint64_t gva)
{
	cpu_flush(gva);
}

/* What to do with a page that exists; true: the processor may hold more
 * rights to it than are left. */
typedef bool pte_fn(uint64_t *pte, uint64_t gva, uint64_t arg);

#define FLUSH_ALL 1ull /* else: an address, or 0 for nothing */

static void flush(uint64_t what)
{
	if (what)
		cpu_flush(what == FLUSH_ALL ? 0 : what);
}

/* Returns what to flush. */
static uint64_t for_each(uint64_t start, uint64_t end, pte_fn *f, uint64_t arg)
{
	uint64_t what = 0, *pte;

	while ((pte = existing_entry(&start, end))) {
		uint64_t stop = min_u64(end, next_span(start, 1));

		for (; start < stop; start += PAGE_LEN, pte++)
			if ((*pte & PTE_HELD) && f(pte, start, arg))
				what = what ? FLUSH_ALL : start;
	}
	return what;
}

struct rights {
	unsigned prot;
	bool shared;
};

/* More rights need no flush: vm_fault deals with that. A store's page that was
 * looked up for reading becomes writable by a fault of its own. */
static bool protect_one(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	const struct rights *r = (const void *)(uintptr_t)arg;
	uint64_t old = *pte;
	bool writable = (old & PTE_OWNED) || (r->shared && (old & PTE_WRITE));
	uint64_t new = pte_make(old & PTE_ADDRESS, r->prot, writable) |
		       (old & PTE_OWNED);

	(void)gva;
	*pte = new;
	return (old & PTE_PRESENT) &&
	       (!(new &PTE_PRESENT) || (old & ~new &PTE_WRITE) ||
		(new & ~old &PTE_NX));
}

void pt_protect(uint64_t start, uint64_t end, unsigned prot, bool shared)
{
	const struct rights r = { prot, shared };

	flush(for_each(start, end, protect_one, (uintptr_t)&r));
}

static bool clear_one(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	uint64_t old = *pte;

	(void)gva;
	(void)arg;
	*pte = 0;
	if (old & PTE_OWNED)
		page_free(phys_ptr(old & PTE_ADDRESS));
	return old & PTE_PRESENT;
}

void pt_clear(uint64_t start, uint64_t end)
{
	flush(for_each(start, end, clear_one, 0));
}

static bool clear_borrowed(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	return !(*pte & PTE_OWNED) && clear_one(pte, gva, arg);
}

void pt_clear_borrowed(uint64_t start, uint64_t end)
{
	flush(for_each(start, end, clear_borrowed, 0));
}

/* arg: how far. */
static bool move_one(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	uint64_t old = *pte;

	*pt_entry(gva + arg, false) = old;
	*pte = 0;
	return old & PTE_PRESENT;
}

int pt_move(uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len, far = to - from;

	/* All tables first: half a move would be none. */
	for (uint64_t at = from; existing_entry(&at, end);) {
		uint64_t stop = min_u64(end, next_span(at, 1));

		if (!pt_entry(at + far, true) ||
		    !pt_entry(stop - PAGE_LEN + far, true))
			return -LINUX_ENOMEM;
		at = stop;
	}
	flush(for_each(from, end, move_one, far));
	return 0;
}

/* Those of the image stay. */
static bool is_allocated(const void *table)
{
	return (uintptr_t)table < (uintptr_t)kit_image ||
	       (uintptr_t)table >= (uintptr_t)kit_image_end;
}

/* Below the entries of `table`, at this level, for start to end. */
static bool free_below(uint64_t *table, unsigned level, uint64_t start,
		       uint64_t end)
{
	bool freed = false;

	for (uint64_t at = start, next; at < end; at = next) {
		uint64_t *entry = &table[index_at(at, level)], *below;

		next = next_span(at, level);
		if (!*entry)
			continue;
		below = table_of(*entry);
		if (level > 1)
			freed |= free_below(below, level - 1, at,
					    min_u64(next, end));
		if (next - span_of(level) >= start && next <= end &&
		    is_allocated(below)) {
			*entry = 0;
			page_free(below);
			freed = true;
		}
	}
	return freed;
}

bool pt_free_tables(uint64_t start, uint64_t end)
{
	if (end - start < TABLE_SPAN ||
	    !free_below(kit_pml4, LEVELS - 1, start, end))
		return false;
	flush(FLUSH_ALL); /* the processor keeps upper levels, too */
	return true;
}

bool pt_allows(uint64_t start, uint64_t end, bool write)
{
	const uint64_t want = PTE_PRESENT | (write ? PTE_WRITE : 0);

	for (start = page_down(start); start < end;) {
		const uint64_t *pte = pt_entry(start, false);
		uint64_t stop = min_u64(end, next_span(start, 1));

		if (!pte)
			return false;
		for (; start < stop; start += PAGE_LEN, pte++)
			if ((*pte & want) != want)
				return false;
	}
	return true;
}
