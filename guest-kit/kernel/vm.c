/* vm.c: operations on mappings: the table of areas and the page tables change
 * together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vm.h"

#include "fs/fs.h"
#include "kernel/page.h"
#include "kernel/store.h"
#include "kernel/vm_priv.h"
#include "linux/errno.h"

/* Below the stack there is room for a large frame to fault in. */
#define STACK_GAP (256 * PAGE_LEN)

/* The lower half, all of it */
#define VM_SPACE (VM_END + PAGE_LEN)

static uint64_t arena;
/* There is no free range longer than hole_max between arena and search_from. */
static uint64_t search_from, hole_max;

void vm_set_arena(uint64_t start)
{
	arena = search_from = start;
	hole_max = 0;
}

bool vm_is_free(uint64_t start, uint64_t len)
{
	unsigned i = area_after(start);

	return i == area_count() || area_at(i)->start >= start + len;
}

bool vm_is_mapped(uint64_t start, uint64_t len)
{
	uint64_t end = start + len;

	for (unsigned i = area_after(start); start < end; i++) {
		if (i == area_count() || area_at(i)->start > start)
			return false;
		start = area_at(i)->end;
	}
	return true;
}

bool vm_area_at(uint64_t gva, struct vm_area *ret)
{
	unsigned i = area_after(gva);

	if (i == area_count() || area_at(i)->start > gva)
		return false;
	*ret = *area_at(i);
	return true;
}

static uint64_t find_from(uint64_t start, uint64_t len, uint64_t limit)
{
	for (unsigned i = area_after(start); i < area_count(); i++) {
		const struct vm_area *a = area_at(i);
		uint64_t stop =
			a->start - (a->flags & VM_STACK ? STACK_GAP : 0);

		if (stop > start && stop - start >= len)
			break;
		if (stop > start)
			hole_max = max_u64(hole_max, stop - start);
		start = a->end;
	}
	return start < limit && len <= limit - start ? start : 0;
}

uint64_t vm_find(uint64_t hint, uint64_t len, uint64_t limit)
{
	uint64_t at;

	if (hint >= VM_MIN && hint < limit && len <= limit - hint &&
	    vm_is_free(hint, len))
		return hint;
	if (len <= hole_max) {
		search_from = arena;
		hole_max = 0;
	}
	at = find_from(search_from, len, limit);
	if (at)
		search_from = at;
	else
		at = find_from(arena, len, limit);
	return at;
}

int vm_unmap(uint64_t start, uint64_t len)
{
	uint64_t end = start + len, floor, ceiling;
	unsigned i = area_after(start);
	bool middle = i < area_count() && area_at(i)->start < start &&
		      area_at(i)->end > end;
	int rc;

	if (i == area_count() || area_at(i)->start >= end)
		return 0;
	rc = area_split(start, !middle);
	if (!rc)
		rc = area_split(end, true);
	if (rc)
		return rc;
	pt_clear(start, end);
	area_remove(start, end);
	i = area_after(start);
	floor = i ? area_at(i - 1)->end : 0;
	ceiling = i < area_count() ? area_at(i)->start : VM_SPACE;
	/* Otherwise the table is likely to be used again: vm_sweep. */
	if (len >= TABLE_SPAN)
		(void)pt_free_tables(floor, ceiling);
	if (floor < search_from)
		search_from = max_u64(floor, arena);
	return 0;
}

bool vm_sweep(void)
{
	uint64_t floor = 0;
	bool freed = false;

	for (unsigned i = 0; i < area_count(); i++) {
		freed |= pt_free_tables(floor, area_at(i)->start);
		floor = area_at(i)->end;
	}
	return pt_free_tables(floor, VM_SPACE) || freed;
}

int vm_map(const struct vm_area *area)
{
	int rc = vm_unmap(area->start, area->end - area->start);

	if (!rc)
		rc = area_insert(area);
	if (!rc)
		area_join(area->start, area->end);
	return rc;
}

int vm_map_zeros(uint64_t start, uint64_t len, unsigned prot, unsigned flags)
{
	const struct vm_area area = {
		.start = start, .end = start + len, .prot = prot, .flags = flags
	};

	return vm_map(&area);
}

/* Entries for pages that lie in a row. */
static int set_pages(uint64_t start, gpa_t gpa, uint64_t len, uint64_t flags)
{
	for (uint64_t off = 0; off < len; off += PAGE_LEN) {
		uint64_t *pte = pt_entry(start + off, true);

		if (!pte)
			return -LINUX_ENOMEM;
		*pte = (gpa + off) | flags;
	}
	return 0;
}

int vm_map_phys(uint64_t start, gpa_t gpa, uint64_t len, unsigned prot)
{
	int rc = vm_map_zeros(start, len, prot, VM_PHYS);

	return rc ? rc : set_pages(start, gpa, len, pte_make(0, prot, true));
}

int vm_give_pages(uint64_t start, void *run, uint64_t len)
{
	const struct vm_area *a = area_at(area_after(start));

	return set_pages(start, phys_of(run), len,
			 pte_make(0, a->prot, true) | PTE_OWNED);
}

void vm_discard(uint64_t start, uint64_t len)
{
	pt_clear(start, start + len);
}

bool vm_overcommits(uint64_t len, unsigned prot, unsigned flags)
{
	return ((prot & VM_WRITE) || (flags & VM_SHARED)) &&
	       !(flags & VM_NORESERVE) && len / PAGE_LEN > page_count_total();
}

/* Of one area. */
static int protect_part(unsigned i, uint64_t start, uint64_t end, unsigned prot)
{
	struct vm_area *a = area_at(i);
	int rc;

	if (a->prot == prot)
		return 0;
	if ((prot & VM_WRITE) && (a->flags & VM_NO_WRITE))
		return -LINUX_EACCES;
	if (!(a->prot & VM_WRITE) && !a->store &&
	    vm_overcommits(end - start, prot, a->flags))
		return -LINUX_ENOMEM;
	rc = area_split(start, false);
	if (!rc)
		rc = area_split(end, false);
	if (rc)
		return rc;
	a = area_at(area_after(start));
	a->prot = prot;
	pt_protect(start, end, prot, a->flags & VM_SHARED);
	return 0;
}

int vm_protect(uint64_t start, uint64_t len, unsigned prot)
{
	uint64_t at = start, end = start + len;
	int rc = 0;

	while (!rc && at < end) {
		unsigned i = area_after(at);
		uint64_t stop;

		if (i == area_count() || area_at(i)->start > at) {
			rc = -LINUX_ENOMEM;
			break;
		}
		stop = min_u64(end, area_at(i)->end);
		rc = protect_part(i, at, stop, prot);
		at = stop;
	}
	area_join(start, at);
	return rc;
}

int vm_move(uint64_t from, uint64_t len, uint64_t to, uint64_t new_len,
	    bool keep)
{
	struct vm_area area = *area_at(area_after(from));
	int rc;

	area.off += from - area.start;
	area.start = to;
	area.end = to + new_len;
	area.flags &= ~(VM_STACK | VM_HEAP);
	rc = vm_map(&area);
	if (rc)
		return rc;
	rc = pt_move(from, to, min_u64(len, new_len));
	if (rc) {
		int undone = vm_unmap(to, new_len);

		return undone ? undone : rc;
	}
	return keep ? 0 : vm_unmap(from, len);
}

void vm_store_changed(struct store *s, uint64_t from, uint64_t to, bool cut)
{
	for (unsigned i = 0; i < area_count(); i++) {
		const struct vm_area *a = area_at(i);
		uint64_t first = a->off / PAGE_LEN;
		uint64_t pages = (a->end - a->start) / PAGE_LEN;
		uint64_t start, end;

		if (a->store != s || first >= to || first + pages <= from)
			continue;
		start = a->start + (max_u64(first, from) - first) * PAGE_LEN;
		end = a->start +
		      (min_u64(first + pages, to) - first) * PAGE_LEN;
		if (cut)
			pt_clear(start, end);
		else
			pt_clear_borrowed(start, end);
	}
}

/* As Linux writes it into /proc/PID/maps; NULL: nothing. */
static const char *name_of(const struct vm_area *a)
{
	static LARGE char path[512];

	if (a->flags & VM_PROGRAM)
		return fs_program_path(path, sizeof(path)) ? path : NULL;
	if (a->file)
		return fs_file_path(a->file, path, sizeof(path)) ? path : NULL;
	return a->store              ? "/dev/zero (deleted)"
	       : a->flags & VM_STACK ? "[stack]"
	       : a->flags & VM_HEAP  ? "[heap]"
	       : a->flags & VM_PHYS  ? "[vdso]"
				     : NULL;
}

bool vm_next(uint64_t gva, struct vm_range *ret)
{
	unsigned i = area_after(gva);
	const struct vm_area *a;

	if (i == area_count())
		return false;
	a = area_at(i);
	*ret = (struct vm_range){
		.start = a->start,
		.end = a->end,
		.prot = a->prot,
		.flags = a->flags,
		.file = a->file,
		.name = name_of(a),
		.file_off = a->store ? a->off : 0,
	};
	return true;
}
