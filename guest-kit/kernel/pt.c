/* pt.c: page tables of the lower half.
 *
 * Under shadow paging the first write to a table the processor has walked
 * traps. The tables most programs need are part of the image (boot/tables.S)
 * and filled before that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cpu.h"
#include "kernel/page.h"
#include "kernel/vm.h"
#include "kernel/vm_priv.h"
#include "linux/errno.h"

#define PTE_PRESENT  0x001ull
#define PTE_WRITE    0x002ull
#define PTE_USER     0x004ull
#define PTE_ACCESSED 0x020ull
#define PTE_DIRTY    0x040ull
#define PTE_OWNED    0x200ull /* software: freed with the mapping */
#define PTE_HELD     0x400ull /* software: the address is good, P or not */
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

#define PTE_TABLE \
	(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

#define TABLE_SPAN (512 * PAGE_LEN) /* what a last-level table maps */

static uint64_t pte_flags(unsigned prot)
{
	uint64_t flags = PTE_HELD | PTE_USER | PTE_ACCESSED | PTE_DIRTY;

	if (prot)
		flags |= PTE_PRESENT;
	if (prot & VM_WRITE)
		flags |= PTE_WRITE;
	if (!(prot & VM_EXEC))
		flags |= PTE_NX;
	return flags;
}

static uint64_t *table_at(uint64_t *entry, bool create)
{
	void *page;

	if (*entry)
		return phys_ptr(*entry & PTE_ADDRESS);
	if (!create)
		return NULL;
	page = page_alloc_zeroed();
	if (page)
		*entry = phys_of(page) | PTE_TABLE;
	return page;
}

/* The last-level table for gva, or NULL. */
static uint64_t *leaf_table(uint64_t gva, bool create)
{
	uint64_t *table = table_at(&kit_pml4[(gva >> 39) & 511], create);

	if (table)
		table = table_at(&table[(gva >> 30) & 511], create);
	if (table)
		table = table_at(&table[(gva >> 21) & 511], create);
	return table;
}

static unsigned leaf_index(uint64_t gva)
{
	return (gva >> 12) & 511;
}

void pt_flush_page(uint64_t gva)
{
	cpu_flush(gva);
}

int pt_set_phys(uint64_t gva, gpa_t gpa, unsigned prot)
{
	uint64_t *table = leaf_table(gva, true);

	if (!table)
		return -LINUX_ENOMEM;
	table[leaf_index(gva)] = gpa | pte_flags(prot);
	return 0;
}

int pt_populate(uint64_t start, uint64_t end, unsigned prot)
{
	uint64_t flags = pte_flags(prot) | PTE_OWNED;

	while (start < end) {
		uint64_t *table = leaf_table(start, true);
		uint64_t stop = min_u64(end, (start | (TABLE_SPAN - 1)) + 1);

		if (!table)
			return -LINUX_ENOMEM;
		for (; start < stop; start += PAGE_LEN) {
			uint64_t *pte = &table[leaf_index(start)];
			void *page;

			if (*pte & PTE_HELD)
				continue;
			page = page_alloc_program();
			if (!page)
				return -LINUX_ENOMEM;
			*pte = phys_of(page) | flags;
		}
	}
	return 0;
}

/* What to do with a page that exists; true: the processor may hold more
 * rights to it than are left. */
typedef bool pte_fn(uint64_t *pte, uint64_t gva, uint64_t arg);

static void for_each(uint64_t start, uint64_t end, pte_fn *f, uint64_t arg)
{
	uint64_t last = 0;
	unsigned n = 0;

	while (start < end) {
		uint64_t *table = leaf_table(start, false);
		uint64_t stop = min_u64(end, (start | (TABLE_SPAN - 1)) + 1);

		for (; table && start < stop; start += PAGE_LEN) {
			uint64_t *pte = &table[leaf_index(start)];

			if ((*pte & PTE_HELD) && f(pte, start, arg)) {
				n++;
				last = start;
			}
		}
		start = stop;
	}
	if (n)
		cpu_flush(n == 1 ? last : 0);
}

/* arg: the flags. More rights need no flush: vm_fault deals with that. */
static bool protect_one(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	uint64_t old = *pte;
	uint64_t new = (old & (PTE_ADDRESS | PTE_OWNED)) | arg;

	(void)gva;
	if (new == old)
		return false;
	*pte = new;
	return (old & PTE_PRESENT) &&
	       (!(new &PTE_PRESENT) || (old & ~new &PTE_WRITE) ||
		(new & ~old &PTE_NX));
}

void pt_protect(uint64_t start, uint64_t end, unsigned prot)
{
	for_each(start, end, protect_one, pte_flags(prot));
}

/* arg: flags a page must have to be cleared. */
static bool clear_one(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	uint64_t old = *pte;

	(void)gva;
	if ((old & arg) != arg)
		return false;
	*pte = 0;
	if (old & PTE_OWNED)
		page_free(phys_ptr(old & PTE_ADDRESS));
	return old & PTE_PRESENT;
}

void pt_clear(uint64_t start, uint64_t end)
{
	for_each(start, end, clear_one, 0);
}

void pt_clear_owned(uint64_t start, uint64_t end)
{
	for_each(start, end, clear_one, PTE_OWNED);
}

/* arg: how far. */
static bool move_one(uint64_t *pte, uint64_t gva, uint64_t arg)
{
	uint64_t target = gva + arg, old = *pte;

	leaf_table(target, false)[leaf_index(target)] = old;
	*pte = 0;
	return old & PTE_PRESENT;
}

int pt_move(uint64_t from, uint64_t to, uint64_t len)
{
	for (uint64_t off = 0; off < len; off += TABLE_SPAN)
		if (!leaf_table(to + off, true))
			return -LINUX_ENOMEM;
	if (len && !leaf_table(to + len - PAGE_LEN, true))
		return -LINUX_ENOMEM;
	for_each(from, from + len, move_one, to - from);
	return 0;
}

bool pt_is_present(uint64_t gva)
{
	const uint64_t *table = leaf_table(gva, false);

	return table && (table[leaf_index(gva)] & PTE_PRESENT);
}

bool pt_all_present(uint64_t start, uint64_t end)
{
	while (start < end) {
		const uint64_t *table = leaf_table(start, false);
		uint64_t stop = min_u64(end, (start | (TABLE_SPAN - 1)) + 1);

		if (!table)
			return false;
		for (; start < stop; start += PAGE_LEN)
			if (!(table[leaf_index(start)] & PTE_PRESENT))
				return false;
	}
	return true;
}
