/* page.c: physical pages: ranges never used yet, known to be zero under this
 * monitor, and what was freed (buddy.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/page.h"

#include "kernel/buddy.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "lib/string.h"

#define RANGES_MAX   16
#define RESERVED_MAX 12

/* The program does not get the last few pages: page tables, open files and
 * the console that says so need some. */
#define RESERVE_MIN 8
#define RESERVE_MAX 64

#define RAM_TOP (512ull << 30)

struct range {
	gpa_t start, end;
};

static struct range unused[RANGES_MAX];
static unsigned n_unused, current;
static uint64_t n_free, n_total, n_reserve;

LARGE __attribute__((aligned(4096))) uint8_t page_zeros[PAGE_LEN];

extern char kit_image[], kit_image_end[];
extern char kit_first_pages[], kit_first_pages_end[];
extern uint64_t kit_pdpt[512];

static struct range reserved[RESERVED_MAX]; /* sorted */
static unsigned n_reserved;

static void reserve(gpa_t start, uint64_t len)
{
	unsigned i;

	if (n_reserved == RESERVED_MAX)
		machine_panic("too many modules");
	for (i = n_reserved++; i && reserved[i - 1].start > start; i--)
		reserved[i] = reserved[i - 1];
	reserved[i] = (struct range){ page_down(start), page_up(start + len) };
}

static void reserve_all(const struct pvh_start_info *s)
{
	const struct pvh_module *module = phys_ptr(s->modules);

	reserve(0, PAGE_LEN);
	reserve(phys_of(kit_image), (uint64_t)(kit_image_end - kit_image));
	reserve(phys_of(s), sizeof(*s));
	reserve(s->memmap, s->n_memmap * sizeof(struct pvh_range));
	if (s->cmdline)
		reserve(s->cmdline, strlen(phys_ptr(s->cmdline)) + 1);
	if (s->n_modules)
		reserve(s->modules, s->n_modules * sizeof(*module));
	for (unsigned i = 0; i < s->n_modules; i++)
		reserve(module[i].gpa, module[i].len);
}

static void add_range(gpa_t start, gpa_t end)
{
	start = page_up(start);
	end = page_down(end);
	if (start >= end || n_unused == RANGES_MAX)
		return;
	unused[n_unused++] = (struct range){ start, end };
	n_free += (end - start) / PAGE_LEN;
}

/* A range of RAM less everything reserved. */
static void add_ram(gpa_t start, gpa_t end)
{
	for (unsigned i = 0; i < n_reserved; i++) {
		if (reserved[i].end <= start)
			continue;
		if (reserved[i].start >= end)
			break;
		add_range(start, reserved[i].start);
		start = max_u64(start, reserved[i].end);
	}
	add_range(start, end);
}

/* n pages in a row that were never used. */
static void *take_unused(uint64_t n)
{
	while (current < n_unused &&
	       unused[current].start == unused[current].end)
		current++;
	for (unsigned i = current; i < n_unused; i++) {
		gpa_t gpa = unused[i].start;

		if ((unused[i].end - gpa) / PAGE_LEN < n)
			continue;
		unused[i].start += n * PAGE_LEN;
		n_free -= n;
		return phys_ptr(gpa);
	}
	return NULL;
}

#define GIB (1ull << 30)

static void map_gib(uint64_t i, uint64_t *pd)
{
	const uint64_t large_page = (1ull << 63) | 0xe7;

	for (unsigned j = 0; j < 512; j++)
		pd[j] = (i * GIB + j * (2ull << 20)) | large_page;
	kit_pdpt[i] = phys_of(pd) | 0x67;
}

/* Nothing but RAM is there, and few machines have that much. */
void page_map_middle(const struct pvh_start_info *s)
{
	static LARGE uint64_t tables[2][512] __attribute__((aligned(4096)));
	const struct pvh_range *map = phys_ptr(s->memmap);

	for (unsigned n = 0; n < s->n_memmap; n++)
		for (uint64_t i = 1; i <= 2; i++)
			if (map[n].type == PVH_RANGE_RAM && !kit_pdpt[i] &&
			    map[n].gpa < (i + 1) * GIB &&
			    map[n].gpa + map[n].len > i * GIB)
				map_gib(i, tables[i - 1]);
}

/* The window of physical addresses grows to cover RAM beyond 4 GiB. The
 * tables come from below: they must be reachable already. */
static void map_high(gpa_t end)
{
	for (uint64_t i = 4; i < 512 && i * GIB < end; i++) {
		uint64_t *pd = take_unused(1);

		if (!pd)
			machine_panic("no memory to map memory");
		map_gib(i, pd);
	}
}

/* A byte for each page, which is touched when the page is freed. */
static void init_buddy(gpa_t end)
{
	uint64_t pages = end / PAGE_LEN;
	uint8_t *state = take_unused(page_up(pages) / PAGE_LEN);

	if (!state)
		machine_panic("no memory for the lists of free memory");
	if (!machine.platform)
		memset(state, 0, pages);
	buddy_init(state, pages);
}

void page_init(void)
{
	const struct pvh_start_info *s = machine.start;
	const struct pvh_range *map = phys_ptr(s->memmap);
	gpa_t end = 0;

	reserve_all(s);
	add_range(phys_of(kit_first_pages), phys_of(kit_first_pages_end));
	/* The kernel's neighbourhood first: its page tables exist. */
	for (unsigned i = 0; i < s->n_memmap; i++)
		if (map[i].type == PVH_RANGE_RAM &&
		    map[i].gpa >= KIT_LOAD_GPA && map[i].gpa < KIT_PHYS_LEN)
			add_ram(map[i].gpa,
				min_u64(map[i].gpa + map[i].len, KIT_PHYS_LEN));
	for (unsigned i = 0; i < s->n_memmap; i++)
		if (map[i].type == PVH_RANGE_RAM && map[i].gpa < KIT_LOAD_GPA)
			add_ram(map[i].gpa, map[i].gpa + map[i].len);
	for (unsigned i = 0; i < s->n_memmap; i++) {
		gpa_t stop = min_u64(map[i].gpa + map[i].len, RAM_TOP);

		if (map[i].type != PVH_RANGE_RAM)
			continue;
		if (map[i].gpa >= KIT_PHYS_LEN && map[i].gpa < RAM_TOP) {
			map_high(stop);
			add_ram(map[i].gpa, stop);
		}
		end = max_u64(end, stop);
	}
	init_buddy(end);
	n_total = n_free;
	n_reserve = min_u64(RESERVE_MIN + n_total / 1024, RESERVE_MAX);
}

static void *take(uint64_t n, bool zeroed)
{
	uint64_t freed = buddy_take(n);
	void *run;

	if (freed) {
		n_free -= n;
		run = phys_ptr(freed * PAGE_LEN);
	} else {
		run = take_unused(n);
		/* This monitor's RAM is zero where nothing was loaded. */
		if (!run || machine.platform)
			return run;
	}
	return zeroed ? memset(run, 0, n * PAGE_LEN) : run;
}

void *page_alloc(void)
{
	return take(1, false);
}

void *page_alloc_zeroed(void)
{
	return take(1, true);
}

void *page_alloc_program(void)
{
	return n_free > n_reserve ? take(1, true) : NULL;
}

void *page_alloc_run(uint64_t n)
{
	return take(n, false);
}

void *page_alloc_run_zeroed(uint64_t n)
{
	return take(n, true);
}

void page_free_run(void *first, uint64_t n)
{
	buddy_put(phys_of(first) / PAGE_LEN, n);
	n_free += n;
}

void page_free(void *page)
{
	page_free_run(page, 1);
}

bool page_has_room(void)
{
	return n_free > n_reserve;
}

uint64_t page_count_free(void)
{
	return n_free;
}

uint64_t page_count_total(void)
{
	return n_total;
}
