/* vm.c: which ranges are mapped, and the operations on them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vm.h"

#include "kernel/vm_priv.h"
#include "lib/string.h"
#include "linux/errno.h"

#define AREAS_MAX 1024

struct area {
	uint64_t start, end;
	unsigned prot;
};

#define PROT_HOLE ~0u /* area_replace: leave nothing */

static LARGE struct area areas[AREAS_MAX]; /* sorted, disjoint */
static unsigned n_areas;
static uint64_t arena;

/* A fault makes this much, aligned: heaps grow up, stacks down. */
#define FAULT_AROUND (16 * PAGE_LEN)

void vm_set_arena(uint64_t start)
{
	arena = start;
}

/* The first area that ends after gva. */
static unsigned area_after(uint64_t gva)
{
	unsigned low = 0, high = n_areas;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (areas[mid].end > gva)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void area_move(unsigned from, unsigned to)
{
	memmove(areas + to, areas + from, (n_areas - from) * sizeof(areas[0]));
	n_areas += to - from;
}

static bool joins(unsigned a, unsigned b)
{
	return areas[a].end == areas[b].start && areas[a].prot == areas[b].prot;
}

/* [start, end) gets prot, whatever was there before. */
static int area_replace(uint64_t start, uint64_t end, unsigned prot)
{
	unsigned i = area_after(start), j;

	if (n_areas + 2 > AREAS_MAX)
		return -LINUX_ENOMEM;
	if (i < n_areas && areas[i].start < start) {
		area_move(i, i + 1);
		areas[i].end = start;
		areas[++i].start = start;
	}
	for (j = i; j < n_areas && areas[j].end <= end; j++)
		;
	if (j < n_areas && areas[j].start < end)
		areas[j].start = end;
	if (prot == PROT_HOLE) {
		area_move(j, i);
		return 0;
	}
	area_move(j, i + 1);
	areas[i] = (struct area){ start, end, prot };
	if (i + 1 < n_areas && joins(i, i + 1)) {
		areas[i].end = areas[i + 1].end;
		area_move(i + 2, i + 1);
	}
	if (i && joins(i - 1, i)) {
		areas[i - 1].end = areas[i].end;
		area_move(i + 1, i);
	}
	return 0;
}

bool vm_next(uint64_t gva, struct vm_range *ret)
{
	unsigned i = area_after(gva);

	if (i == n_areas)
		return false;
	*ret = (struct vm_range){ .start = areas[i].start,
				  .end = areas[i].end,
				  .prot = areas[i].prot };
	return true;
}

bool vm_is_free(uint64_t start, uint64_t len)
{
	unsigned i = area_after(start);

	return i == n_areas || areas[i].start >= start + len;
}

bool vm_is_mapped(uint64_t start, uint64_t len)
{
	uint64_t end = start + len;

	for (unsigned i = area_after(start); start < end; i++) {
		if (i == n_areas || areas[i].start > start)
			return false;
		start = areas[i].end;
	}
	return true;
}

uint64_t vm_find(uint64_t hint, uint64_t len)
{
	uint64_t start = arena;

	if (hint >= VM_MIN && hint < VM_END && len <= VM_END - hint &&
	    vm_is_free(hint, len))
		return hint;
	for (unsigned i = area_after(start); i < n_areas; i++) {
		if (areas[i].start >= start && areas[i].start - start >= len)
			break;
		start = areas[i].end;
	}
	return start < VM_END && len <= VM_END - start ? start : 0;
}

int vm_map(uint64_t start, uint64_t len, unsigned prot)
{
	int rc;

	if (!vm_is_free(start, len)) {
		rc = vm_unmap(start, len);
		if (rc)
			return rc;
	}
	return area_replace(start, start + len, prot);
}

int vm_map_phys(uint64_t start, gpa_t gpa, uint64_t len, unsigned prot)
{
	int rc = vm_map(start, len, prot);

	for (uint64_t off = 0; !rc && off < len; off += PAGE_LEN)
		rc = pt_set_phys(start + off, gpa + off, prot);
	return rc;
}

int vm_unmap(uint64_t start, uint64_t len)
{
	int rc = area_replace(start, start + len, PROT_HOLE);

	if (!rc)
		pt_clear(start, start + len);
	return rc;
}

void vm_discard(uint64_t start, uint64_t len)
{
	pt_clear_owned(start, start + len);
}

int vm_protect(uint64_t start, uint64_t len, unsigned prot)
{
	int rc;

	if (!vm_is_mapped(start, len))
		return -LINUX_ENOMEM;
	rc = area_replace(start, start + len, prot);
	if (!rc)
		pt_protect(start, start + len, prot);
	return rc;
}

int vm_move(uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t end = from + len;
	int rc = 0;

	if (!vm_is_mapped(from, len))
		return -LINUX_EFAULT;
	for (uint64_t at = from; !rc && at < end;) {
		const struct area a = areas[area_after(at)];
		uint64_t stop = min_u64(a.end, end);

		rc = area_replace(at - from + to, stop - from + to, a.prot);
		at = stop;
	}
	if (!rc)
		rc = pt_move(from, to, len);
	if (!rc)
		rc = vm_unmap(from, len);
	return rc;
}

int vm_populate(uint64_t start, uint64_t len)
{
	uint64_t end = start + len;

	while (start < end) {
		unsigned i = area_after(start);
		uint64_t stop;
		int rc;

		if (i == n_areas || areas[i].start > start)
			return -LINUX_EFAULT;
		stop = min_u64(areas[i].end, end);
		rc = pt_populate(start, stop, areas[i].prot);
		if (rc)
			return rc;
		start = stop;
	}
	return 0;
}

/* Rights as the processor has them: writable and executable are readable. */
static bool allows(unsigned prot, unsigned access)
{
	if (prot)
		prot |= VM_READ;
	return (prot & access) == access;
}

enum vm_fault vm_fault(uint64_t gva, unsigned access)
{
	uint64_t page = page_down(gva), block;
	unsigned i;

	if (gva >= VM_END)
		return VM_FAULT_BAD;
	i = area_after(gva);
	if (i == n_areas || areas[i].start > gva ||
	    !allows(areas[i].prot, access))
		return VM_FAULT_BAD;
	if (pt_is_present(page)) {
		pt_flush_page(page);
		return VM_FAULT_FIXED;
	}
	block = gva & ~(FAULT_AROUND - 1);
	if (!pt_populate(page, page + PAGE_LEN, areas[i].prot)) {
		(void)pt_populate(max_u64(block, areas[i].start),
				  min_u64(block + FAULT_AROUND, areas[i].end),
				  areas[i].prot);
		return VM_FAULT_FIXED;
	}
	return VM_FAULT_NO_MEMORY;
}

bool vm_user_ok(uint64_t gva, uint64_t len, unsigned access)
{
	uint64_t end = gva + len;
	unsigned i;

	if (!len)
		return true;
	if (gva >= VM_END || len > VM_END - gva)
		return false;
	i = area_after(gva);
	for (uint64_t at = gva; at < end; i++) {
		if (i == n_areas || areas[i].start > at ||
		    !allows(areas[i].prot, access))
			return false;
		at = areas[i].end;
	}
	return pt_all_present(page_down(gva), page_up(end)) ||
	       !vm_populate(page_down(gva), page_up(end) - page_down(gva));
}

int64_t vm_user_strlen(uint64_t gva, uint64_t max)
{
	const char *s = user_ptr(gva);
	uint64_t len = 0;

	for (;;) {
		uint64_t room = PAGE_LEN - ((gva + len) & PAGE_MASK);

		if (!vm_user_ok(gva + len, 1, VM_READ))
			return -LINUX_EFAULT;
		for (; room; room--, len++) {
			if (len > max)
				return -LINUX_ENAMETOOLONG;
			if (!s[len])
				return (int64_t)len;
		}
	}
}
