/* test_stop.c: page tables of a guest, and what it says of a stop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "mem/x86_walk.h"
#include "tests/support/stop_rig.h"

static struct stop_rig rig;

static void up(void)
{
	stop_rig_up(&rig);
}

static void down(void)
{
	stop_rig_down(&rig);
}

TestSuite(x86_walk, .init = up, .fini = down, .timeout = 10);
TestSuite(stop, .init = up, .fini = down, .timeout = 10);

/* --- page tables ------------------------------------------------------------ */

struct address {
	char why[40];
	uint64_t gva;
	int want;
	gpa_t gpa;
	uint64_t len;
};

ParameterizedTestParameters(x86_walk, addresses)
{
	static struct address a[] = {
		{ "a page", RIG_TEXT, 0, RIG_PAGES, 0x1000 },
		{ "its last byte", RIG_TEXT + 0xfff, 0, RIG_PAGES + 0xfff, 1 },
		{ "an absent page", RIG_DATA + 0x1010, -EFAULT, 0, 0xff0 },
		{ "an absent table", 0x10000, -EFAULT, 0, 0x1f0000 },
		{ "an absent directory", 0x40000000, -EFAULT, 0, 1ull << 30 },
		{ "an absent half", 1ull << 40, -EFAULT, 0, 1ull << 39 },
		{ "large, beyond RAM", RIG_HUGE, -EFAULT, 0, 2u << 20 },
		{ "not canonical", 0x800000000000, -EFAULT, 0, 1 },
		{ "nor this", 0xffff7fffffffffff, -EFAULT, 0, 1 },
		{ "the upper half", 0xffff800000000000, -EFAULT, 0,
		  1ull << 39 },
	};

	return cr_make_param_array(struct address, a, sizeof(a) / sizeof(*a));
}

ParameterizedTest(struct address *a, x86_walk, addresses, .timeout = 10)
{
	struct x86_page page = { 0 };

	cr_assert_eq(x86_walk(&rig.mem, RIG_PML4, a->gva, &page), a->want, "%s",
		     a->why);
	cr_assert_eq(page.gpa, a->gpa, "%s", a->why);
	cr_assert_eq(page.len, a->len, "%s: 0x%llx", a->why,
		     (unsigned long long)page.len);
}

Test(x86_walk, large_page)
{
	struct x86_page page;
	static uint8_t ram[4u << 20];
	struct gmem mem;

	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	memcpy(ram, rig.ram, RIG_RAM);
	cr_assert_eq(x86_walk(&mem, RIG_PML4, RIG_HUGE + 0x12345, &page), 0);
	cr_assert_eq(page.gpa, 0x12345);
	cr_assert_eq(page.len, (2u << 20) - 0x12345);
	cr_assert(page.writable);
}

Test(x86_walk, tables_out_of_ram_are_absent)
{
	struct x86_page page;

	cr_assert_eq(x86_walk(&rig.mem, 0xfffff000, RIG_TEXT, &page), -EFAULT);
	stop_rig_entry(&rig, RIG_PDPT, 0, 0x000ffffffffff001);
	cr_assert_eq(x86_walk(&rig.mem, RIG_PML4, RIG_TEXT, &page), -EFAULT);
}

/* --- a stop ------------------------------------------------------------------- */

Test(stop, is_loaded)
{
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(rig.stop.s.n_threads, 2);
	cr_assert_eq(stop_thread(&rig.stop, 7), &rig.stop.thread[1]);
	cr_assert_null(stop_thread(&rig.stop, 2));
	cr_assert_str_eq(
		stop_area_name(&rig.stop, stop_area(&rig.stop, RIG_LIB + 1)),
		"/lib/lib.so");
	cr_assert_null(stop_area(&rig.stop, RIG_DATA + 0x2000));
}

struct lie {
	char why[40];
	size_t off;
	uint64_t value;
	unsigned len;
};

#define STOP(member) RIG_STOP + offsetof(struct debug_stop, member)
#define AREA(i, member)                               \
	RIG_AREAS + (i) * sizeof(struct debug_area) + \
		offsetof(struct debug_area, member)

ParameterizedTestParameters(stop, lies)
{
	static struct lie l[] = {
		{ "version", STOP(version), 2, 4 },
		{ "length", STOP(len), 8, 4 },
		{ "no reason", STOP(reason), 0, 4 },
		{ "reason", STOP(reason), 7, 4 },
		{ "signal", STOP(signal), 65, 4 },
		{ "no threads", STOP(n_threads), 0, 4 },
		{ "many threads", STOP(n_threads), DEBUG_THREADS_MAX + 1, 4 },
		{ "many areas", STOP(n_areas), DEBUG_AREAS_MAX + 1, 4 },
		{ "no strings", STOP(strings_len), 0, 4 },
		{ "strings", STOP(strings_len), DEBUG_STRINGS_MAX + 1, 4 },
		{ "strings without an end", STOP(strings_len), 5, 4 },
		{ "threads nowhere", STOP(threads_gpa), RIG_RAM, 8 },
		{ "areas nowhere", STOP(areas_gpa), UINT64_MAX, 8 },
		{ "strings nowhere", STOP(strings_gpa), RIG_RAM - 1, 8 },
		{ "another thread", STOP(tid), 7, 4 },
		{ "thread 0", RIG_THREADS + sizeof(struct debug_thread), 0, 4 },
		{ "an area that overlaps", AREA(1, start), RIG_TEXT, 8 },
		{ "an empty area", AREA(0, end), RIG_TEXT, 8 },
		{ "not a page", AREA(0, start), RIG_TEXT + 1, 8 },
		{ "the kernel's half", AREA(4, end), UINT64_MAX << 12, 8 },
		{ "a name beyond", AREA(0, name_off), 1000, 4 },
	};

	return cr_make_param_array(struct lie, l, sizeof(l) / sizeof(*l));
}

ParameterizedTest(struct lie *l, stop, lies, .timeout = 10)
{
	memcpy(rig.ram + l->off, &l->value, l->len);
	cr_assert_neq(stop_load(&rig.stop, RIG_STOP), 0, "%s", l->why);
	cr_assert_eq(rig.stop.s.n_areas, 0);
}

Test(stop, names_are_text)
{
	memset(rig.s.name, '\x1b', sizeof(rig.s.name));
	memset(rig.thread[1].name, 0xff, sizeof(rig.thread[1].name));
	stop_rig_write(&rig);
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_str_eq(rig.stop.s.name, "???????????????");
	cr_assert_str_eq(rig.stop.thread[1].name, "???????????????");
}

Test(stop, memory_is_read_across_pages)
{
	uint8_t buf[0x2000];

	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(stop_read(&rig.stop, RIG_TEXT + 0xff0, buf, 0x20), 0x20);
	cr_assert_arr_eq(buf, rig.ram + RIG_PAGES + 0xff0, 0x20);
	/* present, absent, and the area's end */
	cr_assert_eq(stop_read(&rig.stop, RIG_DATA + 0xff0, buf, 0x2000),
		     0x1010);
	cr_assert_arr_eq(buf, rig.ram + RIG_PAGES + 0x2ff0, 0x10);
	for (unsigned i = 0x10; i < 0x1010; i++)
		cr_assert_eq(buf[i], 0);
	cr_assert_eq(stop_read(&rig.stop, 0x1000, buf, 1), 0);
}

Test(stop, absent_pages_of_a_file_are_lacking)
{
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert(stop_lacks(&rig.stop, RIG_LIB + 0x1fff, 1));
	cr_assert(stop_lacks(&rig.stop, RIG_LIB - 1, 2));
	cr_assert_not(stop_lacks(&rig.stop, RIG_LIB - 1, 1));
	cr_assert_not(stop_lacks(&rig.stop, RIG_TEXT, 0x2000));
	cr_assert_not(stop_lacks(&rig.stop, RIG_DATA, 0x2000), "zeros");
}

Test(stop, pages_that_are_not_writable_are_asked_for_first)
{
	uint64_t missing = 0;

	stop_rig_entry(&rig, RIG_PT, 1, (RIG_PAGES + 0x1000) | 1);
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(stop_write(&rig.stop, RIG_TEXT + 0xfff, "ab", 2, false,
				&missing),
		     -EAGAIN);
	cr_assert_eq(missing, RIG_TEXT + 0x1000);
	cr_assert_eq(stop_write(&rig.stop, RIG_TEXT + 0xfff, "ab", 2, true,
				&missing),
		     0);
	cr_assert_eq(rig.ram[RIG_PAGES + 0x1000], 'b');
}

Test(stop, memory_is_written)
{
	uint64_t missing = 0;
	uint8_t buf[0x20];

	memset(buf, 0xab, sizeof(buf));
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(stop_write(&rig.stop, RIG_TEXT + 0xff0, buf, 0x20, false,
				&missing),
		     0);
	cr_assert_arr_eq(rig.ram + RIG_PAGES + 0xff0, buf, 0x20);
	cr_assert_eq(stop_write(&rig.stop, RIG_DATA + 0xff8, buf, 0x20, false,
				&missing),
		     -EAGAIN);
	cr_assert_eq(missing, RIG_DATA + 0x1000);
	cr_assert_eq(stop_write(&rig.stop, 0x1000, buf, 1, false, &missing),
		     -EFAULT);
}

Test(stop, answer_goes_back)
{
	struct debug_thread t;
	struct debug_stop s;

	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	rig.stop.thread[1].regs[DEBUG_RIP] = 0x1234;
	rig.stop.thread[1].action = DEBUG_STEP;
	rig.stop.s.signal = 0;
	stop_store(&rig.stop);
	memcpy(&t, rig.ram + RIG_THREADS + sizeof(t), sizeof(t));
	memcpy(&s, rig.ram + RIG_STOP, sizeof(s));
	cr_assert_eq(t.regs[DEBUG_RIP], 0x1234);
	cr_assert_eq(t.action, DEBUG_STEP);
	cr_assert_eq(s.signal, 0);
}

Test(stop, fpu_of_a_lying_guest)
{
	uint8_t area[STOP_FPU_MAX];

	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(stop_read_fpu(&rig.stop, &rig.stop.thread[0], area,
				   sizeof(area)),
		     832);
	cr_assert_eq(stop_read_fpu(&rig.stop, &rig.stop.thread[1], area, 512),
		     0);
	rig.s.fpu_len = STOP_FPU_MAX + 1;
	rig.thread[0].fpu_gpa = RIG_RAM - 1;
	stop_rig_write(&rig);
	cr_assert_eq(stop_load(&rig.stop, RIG_STOP), 0);
	cr_assert_eq(stop_read_fpu(&rig.stop, &rig.stop.thread[0], area,
				   sizeof(area)),
		     0);
}
