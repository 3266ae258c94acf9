/* vm_area.c: the table of areas. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"
#include "kernel/store.h"
#include "kernel/vm_priv.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"

#define FIRST_AREAS 16

static struct vm_area first_areas[FIRST_AREAS];
static struct vm_area *areas = first_areas;
static unsigned n_areas, capacity = FIRST_AREAS;

unsigned area_count(void)
{
	return n_areas;
}

struct vm_area *area_at(unsigned i)
{
	return &areas[i];
}

unsigned area_after(uint64_t gva)
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

static void hold(const struct vm_area *a)
{
	if (a->store)
		store_get_mapped(a->store);
	if (a->file)
		file_get(a->file);
}

static void let_go(const struct vm_area *a)
{
	if (a->store)
		store_put_mapped(a->store);
	if (a->file)
		file_put(a->file);
}

/* Room for one more. */
static int reserve(void)
{
	const uint64_t len = capacity * sizeof(*areas);
	struct vm_area *more;

	if (n_areas < capacity)
		return 0;
	more = kmem_alloc(2 * len);
	if (!more)
		return -LINUX_ENOMEM;
	memcpy(more, areas, len);
	if (areas != first_areas)
		kmem_free(areas, len);
	areas = more;
	capacity *= 2;
	return 0;
}

static void shift(unsigned from, unsigned to)
{
	memmove(areas + to, areas + from, (n_areas - from) * sizeof(areas[0]));
	n_areas += to - from;
}

static int insert_at(unsigned i, const struct vm_area *a)
{
	int rc = reserve();

	if (rc)
		return rc;
	shift(i, i + 1);
	areas[i] = *a;
	hold(a);
	return 0;
}

int area_insert(const struct vm_area *a)
{
	if (n_areas >= VM_AREAS_MAX)
		return -LINUX_ENOMEM;
	return insert_at(area_after(a->start), a);
}

int area_split(uint64_t gva, bool fewer_soon)
{
	unsigned i = area_after(gva);
	struct vm_area tail;
	int rc;

	if (i == n_areas || areas[i].start >= gva)
		return 0;
	if (n_areas >= VM_AREAS_MAX && !fewer_soon)
		return -LINUX_ENOMEM;
	tail = areas[i];
	tail.start = gva;
	tail.off += gva - areas[i].start;
	rc = insert_at(i + 1, &tail);
	if (!rc)
		areas[i].end = gva;
	return rc;
}

void area_remove(uint64_t start, uint64_t end)
{
	unsigned i = area_after(start), j;

	for (j = i; j < n_areas && areas[j].end <= end; j++)
		let_go(&areas[j]);
	shift(j, i);
}

static bool can_join(const struct vm_area *a, const struct vm_area *b)
{
	return a->end == b->start && a->prot == b->prot &&
	       a->flags == b->flags && a->store == b->store &&
	       a->file == b->file &&
	       (!a->store || a->off + (a->end - a->start) == b->off);
}

void area_join(uint64_t start, uint64_t end)
{
	unsigned i = area_after(start), kept;

	if (i)
		i--;
	for (kept = i++; i < n_areas && areas[i].start <= end; i++) {
		if (can_join(&areas[kept], &areas[i])) {
			areas[kept].end = areas[i].end;
			let_go(&areas[i]);
		} else {
			areas[++kept] = areas[i];
		}
	}
	if (kept < n_areas)
		shift(i, kept + 1);
}
