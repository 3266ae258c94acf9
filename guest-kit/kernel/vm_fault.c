/* vm_fault.c: pages come into being: when the program touches them, when it
 * asks for them, when the kernel is about to touch them for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/exit.h"
#include "kernel/page.h"
#include "kernel/store.h"
#include "kernel/vm_priv.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/signal.h"

/* A fault costs far more than a page: it brings along its neighbours, more of
 * them the longer a program goes on in one direction. */
#define AROUND_PAGES     16ull
#define AROUND_PAGES_MAX 512ull
#define COPY_PAGES       8ull /* where they have to be copied */
/* Of what is free no more than this part goes on a guess. */
#define GUESS_PART 64

static const struct vm_area *find_area(uint64_t gva)
{
	unsigned i = area_after(gva);

	return i < area_count() && area_at(i)->start <= gva ? area_at(i) : NULL;
}

/* Rights as the processor has them: writable and executable are readable. */
static bool allows(unsigned prot, unsigned access)
{
	if (prot)
		prot |= VM_READ;
	return (prot & access) == access;
}

static int set_shared(const struct vm_area *a, uint64_t n, uint64_t *pte)
{
	const void *page = store_page(a->store, n, a->prot & VM_WRITE);

	if (!page)
		return -LINUX_ENOMEM;
	*pte = pte_make(phys_of(page), a->prot, true);
	return 0;
}

/* A page of the area's own, with what is there now. */
static int set_owned(const struct vm_area *a, const void *old, uint64_t *pte)
{
	void *page = page_alloc_program();

	if (!page)
		return -LINUX_ENOMEM;
	if (old != page_zeros)
		memcpy(page, old, PAGE_LEN);
	*pte = pte_make(phys_of(page), a->prot, true) | PTE_OWNED;
	return 0;
}

/* The page at gva exists afterwards. -ENOMEM, or -EFAULT beyond a file. */
static int make_page(const struct vm_area *a, uint64_t gva, uint64_t *pte,
		     bool write)
{
	uint64_t at = a->off + (gva - a->start);
	const void *old = page_zeros;

	if (*pte & PTE_HELD) {
		if (!write || (*pte & (PTE_OWNED | PTE_WRITE)))
			return 0;
		old = phys_ptr(*pte & PTE_ADDRESS);
	}
	if (a->store && at >= store_len(a->store))
		return -LINUX_EFAULT;
	if (a->flags & VM_SHARED)
		return set_shared(a, at / PAGE_LEN, pte);
	if (a->store && !(*pte & PTE_HELD))
		old = store_page(a->store, at / PAGE_LEN, false);
	/* Zeros that are only looked at take memory where there is plenty. */
	if (write || (!a->store && page_count_free() > page_count_total() / 4))
		return set_owned(a, old, pte);
	*pte = pte_make(phys_of(old), a->prot, false);
	return 0;
}

static int try_pages(const struct vm_area *a, uint64_t start, uint64_t end,
		     bool write, uint64_t fault)
{
	uint64_t stale = 0;
	int rc = 0;

	while (!rc && start < end) {
		uint64_t stop = min_u64(end, (start | (TABLE_SPAN - 1)) + 1);
		uint64_t *pte = pt_entry(start, true);

		if (!pte)
			return -LINUX_ENOMEM;
		for (; !rc && start < stop; start += PAGE_LEN, pte++) {
			uint64_t old = *pte;

			rc = make_page(a, start, pte, write);
			if ((old & PTE_PRESENT) && *pte != old &&
			    start != fault)
				stale = stale ? 1 : start;
		}
	}
	if (stale)
		pt_flush_page(stale == 1 ? 0 : stale);
	return rc;
}

/* Within one area. The processor may hold what was there before for the page
 * at `fault` no longer; for others that were replaced it may. */
static int make_pages(const struct vm_area *a, uint64_t start, uint64_t end,
		      bool write, uint64_t fault)
{
	int rc = try_pages(a, start, end, write, fault);

	if (rc == -LINUX_ENOMEM && vm_sweep())
		rc = try_pages(a, start, end, write, fault);
	return rc;
}

/* Where faults were, to see who goes on. */
struct stream {
	uint64_t up, down; /* addresses of the pages expected next */
	uint64_t pages;
};

static struct stream streams[4];

/* What a fault at this page brings along. */
static void around(uint64_t page, uint64_t pages_max, uint64_t *ret_start,
		   uint64_t *ret_end)
{
	static unsigned oldest;
	struct stream *s = NULL;
	uint64_t len;

	for (unsigned i = 0; i < ARRAY_LEN(streams) && !s; i++)
		if (page == streams[i].up || page == streams[i].down)
			s = &streams[i];
	if (!s) {
		s = &streams[oldest++ % ARRAY_LEN(streams)];
		*s = (struct stream){ .pages = AROUND_PAGES };
	} else {
		s->pages = min_u64(s->pages * 2, AROUND_PAGES_MAX);
	}
	len = max_u64(min_u64(s->pages, pages_max), 1) * PAGE_LEN;
	if (page == s->up) {
		*ret_start = page;
		*ret_end = page + len;
	} else if (page == s->down) {
		*ret_start = page + PAGE_LEN - min_u64(len, page);
		*ret_end = page + PAGE_LEN;
	} else {
		/* The power of two at or below len, aligned */
		len = 1ull << (63 - (unsigned)__builtin_clzll(len));
		*ret_start = page & ~(len - 1);
		*ret_end = *ret_start + len;
	}
	s->up = *ret_end;
	s->down = *ret_start - PAGE_LEN;
}

enum vm_fault vm_fault(uint64_t gva, unsigned access)
{
	const bool write = access == VM_WRITE;
	const struct vm_area *a = gva < VM_END ? find_area(gva) : NULL;
	uint64_t page = page_down(gva), start, end, most;

	if (!a)
		return VM_FAULT_UNMAPPED;
	if (!allows(a->prot, access))
		return VM_FAULT_FORBIDDEN;
	if (pt_allows(page, page + PAGE_LEN, write)) {
		pt_flush_page(page);
		return VM_FAULT_FIXED;
	}
	switch (make_pages(a, page, page + PAGE_LEN, write, page)) {
	case 0:
		break;
	case -LINUX_EFAULT:
		return VM_FAULT_BEYOND;
	default:
		return VM_FAULT_NO_MEMORY;
	}
	/* Looking at a file's pages costs no memory. A copy no longer sees what
	 * is written to the file: only of files that nobody writes to. */
	most = page_count_free() / GUESS_PART;
	if (a->store && !write)
		most = AROUND_PAGES_MAX;
	else if (a->store && !(a->flags & VM_SHARED))
		most = store_image(a->store) ? min_u64(most, COPY_PAGES) : 1;
	around(page, most, &start, &end);
	(void)make_pages(a, max_u64(start, a->start), min_u64(end, a->end),
			 write, page);
	return VM_FAULT_FIXED;
}

void vm_no_memory(uint64_t gva)
{
	char text[120];

	format(text, sizeof(text),
	       "out of memory: %lu KiB of guest memory, all used; give more "
	       "with -m",
	       page_count_total() * 4);
	console_print("\nmayfly: ");
	console_print(text);
	console_print("\n");
	machine_signal(LINUX_SIGKILL, gva, NULL, text);
}

/* The areas of a range allow this access, without a hole. */
static bool range_allows(uint64_t gva, uint64_t end, unsigned access)
{
	for (unsigned i = area_after(gva); gva < end; i++) {
		if (i == area_count() || area_at(i)->start > gva ||
		    !allows(area_at(i)->prot, access))
			return false;
		gva = area_at(i)->end;
	}
	return true;
}

int vm_populate(uint64_t start, uint64_t len, bool write)
{
	const uint64_t end = start + len;

	while (start < end) {
		const struct vm_area *a = find_area(start);
		uint64_t stop;
		int rc;

		if (!a)
			return -LINUX_ENOMEM;
		if (!allows(a->prot, write ? VM_WRITE : VM_READ))
			return -LINUX_EFAULT;
		stop = min_u64(a->end, end);
		rc = make_pages(a, start, stop, write, 0);
		if (rc)
			return rc;
		start = stop;
	}
	return 0;
}

void *vm_page(uint64_t gva)
{
	const uint64_t *pte = pt_entry(gva, false);

	return pte && (*pte & PTE_HELD) ? phys_ptr(*pte & PTE_ADDRESS) : NULL;
}

bool vm_is_resident(uint64_t gva)
{
	const struct vm_area *a = find_area(gva);

	if (vm_page(gva))
		return true;
	return a && a->store &&
	       store_page(a->store, (a->off + gva - a->start) / PAGE_LEN,
			  false) != page_zeros;
}

bool vm_user_ok(uint64_t gva, uint64_t len, unsigned access)
{
	const bool write = access & VM_WRITE;
	int rc;

	if (!len)
		return true;
	if (gva >= VM_END || len > VM_END - gva)
		return false;
	if (pt_allows(gva, gva + len, write))
		return true;
	if (!range_allows(gva, gva + len, access))
		return false;
	len = page_up(gva + len) - page_down(gva);
	rc = vm_populate(page_down(gva), len, write);
	if (rc == -LINUX_ENOMEM)
		vm_no_memory(gva);
	return !rc;
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
