/* test_kit_memory.c: the guest kernel's memory, without a processor: free
 * pages, small objects, contents of files, mappings. Random operations beside
 * a model that is too simple to be wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/store.h"
#include "kernel/vm.h"
#include "kernel/vm_priv.h"
#include "tests/unit/kit_shim.h"

#define MIB (1ull << 20)

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

/* --- free memory ------------------------------------------------------------ */

struct block {
	uint8_t *p;
	uint64_t len; /* bytes; pages when not of kmem */
	uint8_t stamp;
	bool small;
};

static void check_stamp(const struct block *b)
{
	uint64_t len = b->small ? b->len : b->len * PAGE_LEN;

	for (uint64_t i = 0; i<len; i += len> 5000 ? 997 : 1)
		cr_assert_eq(b->p[i], b->stamp);
}

static void give_back(struct block *b)
{
	check_stamp(b);
	if (b->small) {
		kmem_free(b->p, b->len);
	} else {
		uint64_t first = below((unsigned)b->len);

		if (b->len > first)
			page_free_run(b->p + first * PAGE_LEN, b->len - first);
		if (first)
			page_free_run(b->p, first);
	}
	b->p = NULL;
}

static void take(struct block *b)
{
	const bool zeroed = below(2);
	uint64_t bytes;

	b->small = below(2);
	b->stamp = (uint8_t)rand();
	if (b->small) {
		b->len = 1 + below(below(8) ? 2500 : 20000);
		b->p = kmem_alloc(b->len);
		bytes = b->len;
	} else {
		b->len = 1 + below(below(16) ? 3 : 300);
		b->p = zeroed ? page_alloc_run_zeroed(b->len)
			      : page_alloc_run(b->len);
		bytes = b->len * PAGE_LEN;
	}
	if (!b->p)
		return;
	cr_assert_eq((uintptr_t)b->p % (bytes < PAGE_LEN ? 16 : PAGE_LEN), 0);
	for (uint64_t i = 0; (b->small || zeroed) && i < bytes; i += 7)
		cr_assert_eq(b->p[i], 0);
	memset(b->p, b->stamp, bytes);
}

Test(kit_memory, free_pages_are_never_lost, .timeout = 60)
{
	static struct block blocks[1000];
	uint64_t all;
	void *run;

	kit_boot(64 * MIB);
	all = page_count_free();
	for (unsigned i = 0; i < 60000; i++) {
		struct block *b = &blocks[below(1000)];

		if (b->p)
			give_back(b);
		else
			take(b);
	}
	for (unsigned i = 0; i < 1000; i++)
		if (blocks[i].p)
			give_back(&blocks[i]);
	/* kmem keeps a page of each size at most */
	cr_assert_geq(page_count_free() + 13, all);
	run = page_alloc_run(1024);
	cr_assert(run, "4 MiB in a row");
	page_free_run(run, 1024);
	while (page_alloc_program())
		;
	cr_assert_gt(page_count_free(), 0, "a reserve for the kernel");
	cr_assert(page_alloc());
}

/* --- stores ----------------------------------------------------------------- */

#define FILE_MAX (4 * MIB)

static uint8_t model[FILE_MAX], buf[FILE_MAX];

static struct store *image_store(uint64_t *ret_len)
{
	uint8_t *image = page_alloc_run_zeroed(5);

	*ret_len = 4 * PAGE_LEN + 1 + below(PAGE_LEN);
	for (uint64_t i = 0; i < *ret_len; i++)
		model[i] = image[i] = (uint8_t)rand();
	return store_new_image(phys_of(image), *ret_len);
}

static void store_step(struct store *s, uint64_t *len)
{
	uint64_t off = below(below(4) ? 40000 : 2 * MIB);
	uint64_t n = below(below(2) ? 300 : 20000);
	uint64_t want = off >= *len ? 0 : min_u64(n, *len - off);
	struct io io;

	io_kernel(&io, buf, n);
	switch (below(5)) {
	case 0:
	case 1:
		for (uint64_t i = 0; i < n; i++)
			model[off + i] = buf[i] = (uint8_t)rand();
		cr_assert_eq(store_write(s, off, &io), (int64_t)n);
		*len = n ? max_u64(*len, off + n) : *len;
		break;
	case 2:
		cr_assert_eq(store_read(s, off, &io), (int64_t)want);
		cr_assert_eq(memcmp(buf, model + off, want), 0);
		break;
	case 3:
		cr_assert_eq(store_resize(s, off), 0);
		if (off < *len)
			memset(model + off, 0, *len - off);
		*len = off;
		break;
	default:
		if (!want)
			break;
		cr_assert_eq(store_punch(s, off, want), 0);
		memset(model + off, 0, want);
	}
	cr_assert_eq(store_len(s), *len);
}

Test(kit_memory, stores_are_files, .timeout = 60)
{
	uint64_t all;

	kit_boot(64 * MIB);
	store_put(store_new()); /* kmem's page */
	for (unsigned run = 0; run < 200; run++) {
		struct store *s;
		uint64_t len = 0, pages = 0;
		struct io io;

		srand(run);
		memset(model, 0, sizeof(model));
		s = run % 2 ? image_store(&len) : store_new();
		all = page_count_free();
		for (unsigned i = 0; i < 60; i++)
			store_step(s, &len);
		io_kernel(&io, buf, FILE_MAX);
		cr_assert_eq(store_read(s, 0, &io), (int64_t)len);
		cr_assert_eq(memcmp(buf, model, len), 0);
		for (uint64_t i = 0; i < FILE_MAX / PAGE_LEN; i++)
			pages += store_page(s, i, false) != page_zeros;
		cr_assert_eq(store_pages(s), pages);
		store_put(s);
		cr_assert_eq(page_count_free(), all);
	}
}

Test(kit_memory, a_store_is_as_large_as_memory, .timeout = 60)
{
	struct store *s;
	struct io io;
	uint64_t off = 0, all;
	int64_t n;

	kit_boot(64 * MIB);
	s = store_new();
	all = page_count_free();
	memset(buf, 5, sizeof(buf));
	do {
		io_kernel(&io, buf, MIB);
		n = store_write(s, off, &io);
		off += n > 0 ? (uint64_t)n : 0;
	} while (n > 0);
	cr_assert_eq(n, -ENOSPC);
	cr_assert_gt(off, 60 * MIB);
	cr_assert_gt(page_count_free(), page_count_total() / 40);
	cr_assert_eq(store_len(s), off);
	io_kernel(&io, buf, 1);
	cr_assert_eq(store_write(s, INT64_MAX, &io), -EFBIG);
	cr_assert_eq(store_resize(s, INT64_MAX), 0);
	cr_assert_eq(store_page(s, INT64_MAX / PAGE_LEN, false), page_zeros);
	cr_assert_eq(store_resize(s, 0), 0);
	cr_assert_eq(page_count_free(), all);
}

/* --- mappings --------------------------------------------------------------- */

#define PAGES 64u
#define BASE  0x7fe00000ull /* both sides of a last-level table's end */

/* What a program would see of one page. */
struct seen {
	bool mapped, own;
	unsigned prot;
	int store;      /* which, or -1 */
	unsigned index; /* of its page */
	bool shared;
	uint8_t value; /* when own */
};

static struct seen seen[PAGES];
static struct store *stores[2];
static uint8_t contents[2][PAGES];
static uint64_t store_end[2]; /* pages */

static uint64_t gva_of(unsigned page)
{
	return BASE + page * PAGE_LEN;
}

static void do_map(unsigned from, unsigned to)
{
	const int which = (int)below(3) - 1;
	const unsigned off = below(PAGES);
	const bool shared = which >= 0 && below(2);
	struct vm_area a = {
		.start = gva_of(from),
		.end = gva_of(to),
		.store = which < 0 ? NULL : stores[which],
		.off = which < 0 ? 0 : off * PAGE_LEN,
		.prot = below(8),
		.flags = shared ? VM_SHARED : 0,
	};

	cr_assert_eq(vm_map(&a), 0);
	for (unsigned i = from; i < to; i++)
		seen[i] = (struct seen){
			.mapped = true,
			.prot = a.prot,
			.store = which,
			.index = off + i - from,
			.shared = shared,
		};
}

static void do_protect(unsigned from, unsigned to)
{
	const unsigned prot = below(8);
	unsigned i = from;

	for (; i < to && seen[i].mapped; i++)
		seen[i].prot = prot;
	cr_assert_eq(vm_protect(gva_of(from), gva_of(to) - gva_of(from), prot),
		     i == to ? 0 : -ENOMEM);
}

static void do_move(unsigned from, unsigned to)
{
	unsigned len = 1, room = 1;
	const bool keep = below(2);

	if (!seen[from].mapped || seen[to].mapped)
		return;
	while (from + len < PAGES && len < 5 &&
	       area_after(gva_of(from)) == area_after(gva_of(from + len)) &&
	       seen[from + len].mapped)
		len++;
	while (to + room < PAGES && room < len && !seen[to + room].mapped)
		room++;
	len = room < len ? room : len;
	cr_assert_eq(vm_move(gva_of(from), len * PAGE_LEN, gva_of(to),
			     len * PAGE_LEN, keep),
		     0);
	for (unsigned i = 0; i < len; i++) {
		seen[to + i] = seen[from + i];
		seen[from + i].own = false;
		seen[from + i].mapped = keep;
	}
}

static void do_store(void)
{
	const unsigned which = below(2), n = below(PAGES);
	struct store *s = stores[which];
	uint8_t value = (uint8_t)rand();
	struct io io;

	switch (below(3)) {
	case 0:
		io_kernel(&io, &value, 1);
		cr_assert_eq(store_write(s, n * PAGE_LEN, &io), 1);
		contents[which][n] = value;
		store_end[which] = max_u64(store_end[which], n + 1);
		break;
	case 1:
		cr_assert_eq(store_resize(s, n * PAGE_LEN), 0);
		store_end[which] = n;
		for (unsigned i = n; i < PAGES; i++)
			contents[which][i] = 0;
		for (unsigned i = 0; i < PAGES; i++)
			if (seen[i].store == (int)which && seen[i].index >= n)
				seen[i].own = false;
		break;
	default:
		if (n >= store_end[which])
			break;
		cr_assert_eq(store_punch(s, n * PAGE_LEN, PAGE_LEN), 0);
		contents[which][n] = 0;
	}
}

static uint8_t value_of(const struct seen *p)
{
	return p->own         ? p->value
	       : p->store < 0 ? 0
			      : contents[p->store][p->index];
}

static enum vm_fault expected(const struct seen *p, unsigned access)
{
	unsigned prot = p->prot ? p->prot | VM_READ : 0;

	if (!p->mapped)
		return VM_FAULT_UNMAPPED;
	if ((prot & access) != access)
		return VM_FAULT_FORBIDDEN;
	if (p->store >= 0 &&
	    (p->index >= PAGES || p->index >= store_end[p->store]))
		return VM_FAULT_BEYOND;
	return VM_FAULT_FIXED;
}

static void do_touch(unsigned i, unsigned access)
{
	struct seen *p = &seen[i];
	const enum vm_fault want = expected(p, access);
	const uint64_t gva = gva_of(i) + below(PAGE_LEN);
	const uint64_t *pte;

	if (access != VM_EXEC && below(2))
		cr_assert_eq(vm_user_ok(gva, 1, access),
			     want == VM_FAULT_FIXED);
	else
		cr_assert_eq(vm_fault(gva, access), want);
	if (want != VM_FAULT_FIXED)
		return;
	pte = pt_entry(gva, false);
	cr_assert(*pte & PTE_PRESENT);
	cr_assert_eq(!(*pte & PTE_NX), !!(p->prot & VM_EXEC));
	cr_assert_eq(*(uint8_t *)vm_page(gva_of(i)), value_of(p));
	if (access != VM_WRITE)
		return;
	cr_assert(*pte & PTE_WRITE);
	p->value = (uint8_t)rand();
	*(uint8_t *)vm_page(gva_of(i)) = p->value;
	if (p->shared)
		contents[p->store][p->index] = p->value;
	else
		p->own = true;
}

static void check_all(void)
{
	for (unsigned i = 0; i < area_count(); i++) {
		const struct vm_area *a = area_at(i);

		cr_assert_lt(a->start, a->end);
		cr_assert(!i || a[-1].end <= a->start);
	}
	for (unsigned i = 0; i < PAGES; i++) {
		const uint64_t *pte = pt_entry(gva_of(i), false);
		const struct seen *p = &seen[i];

		cr_assert_eq(vm_is_mapped(gva_of(i), PAGE_LEN), p->mapped);
		if (!pte || !(*pte & PTE_HELD))
			continue;
		cr_assert(p->mapped);
		cr_assert(!(*pte & PTE_PRESENT) == !p->prot);
		cr_assert(!(*pte & PTE_WRITE) || (p->prot & VM_WRITE));
		cr_assert_eq(*(uint8_t *)vm_page(gva_of(i)), value_of(p));
	}
}

static void vm_step(void)
{
	unsigned from = below(PAGES), to = from + 1 + below(8);

	to = to < PAGES ? to : PAGES;
	switch (below(12)) {
	case 0:
	case 1:
		do_map(from, to);
		break;
	case 2:
		cr_assert_eq(vm_unmap(gva_of(from), gva_of(to) - gva_of(from)),
			     0);
		for (; from < to; from++)
			seen[from] = (struct seen){ .store = -1 };
		break;
	case 3:
		do_protect(from, to);
		break;
	case 4:
		do_move(from, below(PAGES));
		break;
	case 5:
		vm_discard(gva_of(from), gva_of(to) - gva_of(from));
		for (; from < to; from++)
			seen[from].own = false;
		break;
	case 6:
	case 7:
		do_store();
		break;
	default:
		do_touch(from,
			 (unsigned[]){ VM_READ, VM_WRITE, VM_EXEC }[below(3)]);
	}
}

static void vm_run(gpa_t image)
{
	stores[0] = store_new();
	stores[1] = store_new_image(image, 7 * PAGE_LEN);
	store_end[0] = 0;
	store_end[1] = 7;
	memset(contents, 0, sizeof(contents));
	for (unsigned i = 0; i < PAGES; i++)
		seen[i] = (struct seen){ .store = -1 };
	/* Of a file nobody writes to, pages may be copied early. */
	cr_assert(store_page(stores[1], 0, true));
	for (unsigned i = 0; i < 1000; i++) {
		vm_step();
		check_all();
	}
	cr_assert_eq(vm_unmap(BASE, PAGES * PAGE_LEN), 0);
	cr_assert_eq(area_count(), 0);
	(void)vm_sweep();
	store_put(stores[0]);
	store_put(stores[1]);
}

Test(kit_memory, mappings_are_what_a_program_sees, .timeout = 100)
{
	uint64_t left = 0;
	gpa_t image;

	kit_boot(64 * MIB);
	image = phys_of(page_alloc_run_zeroed(7));
	for (unsigned run = 0; run < 100; run++) {
		srand(run);
		vm_run(image);
		/* The table of areas has grown as far as it will. */
		if (run >= 10)
			cr_assert_eq(page_count_free(), left, "run %u", run);
		left = page_count_free();
	}
}

/* What a reservation of terabytes costs is what is touched of it. */
Test(kit_memory, reservations_cost_nothing, .timeout = 20)
{
	const uint64_t tib = 1ull << 40;
	uint64_t all;

	kit_boot(16 * MIB);
	vm_set_arena(0x20000000);
	all = page_count_free();
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t at = vm_find(0, 4 * tib, VM_END);

		cr_assert(at);
		cr_assert_eq(vm_map_zeros(at, 4 * tib, 0, 0), 0);
		cr_assert_eq(vm_protect(at + tib, PAGE_LEN, VM_WRITE), 0);
		cr_assert_eq(vm_fault(at + tib, VM_WRITE), VM_FAULT_FIXED);
		cr_assert_eq(vm_fault(at + 2 * tib, VM_READ),
			     VM_FAULT_FORBIDDEN);
		cr_assert_eq(area_count(), 3);
		cr_assert_eq(vm_unmap(at, 4 * tib), 0);
		cr_assert_eq(page_count_free(), all);
	}
	cr_assert_eq(vm_find(0, VM_END, VM_END), 0);
}

/* As many areas as Linux has, and no more. */
Test(kit_memory, areas_are_limited, .timeout = 60)
{
	unsigned n = 0;

	kit_boot(64 * MIB);
	while (!vm_map_zeros(VM_MIN + 2ull * n * PAGE_LEN, PAGE_LEN, VM_READ,
			     0))
		n++;
	cr_assert_eq(n, VM_AREAS_MAX);
	cr_assert_eq(area_count(), VM_AREAS_MAX);
	/* None can be cut in two, but ends can go and gaps can be filled. */
	cr_assert_eq(vm_unmap(VM_MIN, PAGE_LEN), 0);
	cr_assert_eq(vm_map_zeros(VM_MIN, 2 * PAGE_LEN, VM_READ, 0), 0);
	cr_assert_eq(area_count(), VM_AREAS_MAX - 1);
	cr_assert_eq(vm_map_zeros(1ull << 40, 3 * PAGE_LEN, VM_READ, 0), 0);
	cr_assert_eq(vm_unmap((1ull << 40) + PAGE_LEN, PAGE_LEN), -ENOMEM);
	cr_assert_eq(vm_protect((1ull << 40) + PAGE_LEN, PAGE_LEN, 0), -ENOMEM);
	cr_assert_eq(vm_unmap((1ull << 40) + PAGE_LEN, 2 * PAGE_LEN), 0);
	cr_assert_eq(vm_unmap(VM_MIN, 1ull << 41), 0);
	cr_assert_eq(area_count(), 0);
}

/* A program that wants more than there is gets one line. */
Test(kit_memory, out_of_memory_is_said, .timeout = 20)
{
	volatile uint64_t at = 1ull << 32;

	kit_boot(8 * MIB);
	cr_assert_eq(vm_map_zeros(at, 64 * MIB, VM_READ | VM_WRITE, 0), 0);
	while (vm_fault(at, VM_WRITE) == VM_FAULT_FIXED)
		at += PAGE_LEN;
	cr_assert_gt(at, (1ull << 32) + 6 * MIB);
	cr_assert_eq(vm_fault(at, VM_WRITE), VM_FAULT_NO_MEMORY);
	/* Looking costs nothing any more. */
	cr_assert_eq(vm_fault(at, VM_READ), VM_FAULT_FIXED);
	if (!setjmp(kit_ended)) {
		cr_assert_not(vm_user_ok(at, 1, VM_WRITE));
		cr_assert_fail("went on");
	}
	cr_assert(strstr(kit_last_words, "give more with -m"), "%s",
		  kit_last_words);
}
