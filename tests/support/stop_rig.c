/* stop_rig.c: see stop_rig.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/stop_rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

#define P  3u /* present, writable */
#define PS 0x80u

static const char strings[] = "\0/bin/program\0/lib/lib.so";

void stop_rig_entry(struct stop_rig *r, gpa_t table, unsigned i, uint64_t v)
{
	memcpy(r->ram + table + 8ull * i, &v, sizeof(v));
}

static void map(struct stop_rig *r, uint64_t gva, gpa_t gpa)
{
	stop_rig_entry(r, RIG_PT, gva >> 12 & 511, gpa | P);
}

static void make_tables(struct stop_rig *r)
{
	stop_rig_entry(r, RIG_PML4, 0, RIG_PDPT | P);
	stop_rig_entry(r, RIG_PDPT, 0, RIG_PD | P);
	stop_rig_entry(r, RIG_PD, RIG_TEXT >> 21 & 511, RIG_PT | P);
	stop_rig_entry(r, RIG_PD, RIG_HUGE >> 21 & 511, P | PS);
	map(r, RIG_TEXT, RIG_PAGES);
	map(r, RIG_TEXT + 0x1000, RIG_PAGES + 0x1000);
	map(r, RIG_DATA, RIG_PAGES + 0x2000);
	map(r, RIG_STACK, RIG_PAGES + 0x3000);
}

static void make_areas(struct stop_rig *r)
{
	const struct debug_area area[5] = {
		{ RIG_TEXT, RIG_TEXT + 0x2000, 0, 5, DEBUG_AREA_PROGRAM, 1, 0 },
		{ RIG_DATA, RIG_DATA + 0x2000, 0, 3, 0, 0, 0 },
		{ RIG_LIB, RIG_LIB + 0x2000, 0x3000, 5, 0, 14, 0 },
		{ RIG_STACK, RIG_STACK + 0x1000, 0, 3, 0, 0, 0 },
		/* a reservation of terabytes */
		{ 0x10000000000ull, 0x50000000000ull, 0, 0, 0, 0, 0 },
	};

	memcpy(r->area, area, sizeof(area));
}

void stop_rig_up(struct stop_rig *r)
{
	struct err err = { 0 };

	memset(r, 0, sizeof(*r));
	r->ram = calloc(1, RIG_RAM);
	CHECK(r->ram);
	gmem_init_borrowed(&r->mem, 0, r->ram, RIG_RAM);
	CHECK(stop_init(&r->stop, &r->mem, &err) == 0);
	make_tables(r);
	make_areas(r);
	memcpy(r->ram + RIG_STRINGS, strings, sizeof(strings));
	for (unsigned i = 0; i < 0x4000; i++)
		r->ram[RIG_PAGES + i] = (uint8_t)(i + i / 256);
	r->s = (struct debug_stop){
		.version = DEBUG_VERSION,
		.len = sizeof(r->s),
		.reason = DEBUG_FATAL,
		.signal = 11,
		.tid = 1,
		.n_threads = 2,
		.n_areas = 5,
		.strings_len = sizeof(strings),
		.fpu_len = 832,
		.threads_gpa = RIG_THREADS,
		.areas_gpa = RIG_AREAS,
		.strings_gpa = RIG_STRINGS,
		.cr3 = RIG_PML4,
		.xcr0 = 7,
		.auxv_gva = RIG_STACK,
		.auxv_len = 32,
		.name = "program",
		.args = "program -x",
	};
	for (unsigned t = 0; t < 2; t++) {
		r->thread[t].tid = t ? 7 : 1;
		r->thread[t].fpu_gpa = t ? 0 : RIG_FPU;
		memcpy(r->thread[t].name, t ? "<two>" : "one", 4);
		for (unsigned i = 0; i < DEBUG_REGS; i++)
			r->thread[t].regs[i] = 0x1000ull * (t + 1) + i;
	}
	stop_rig_write(r);
}

void stop_rig_write(struct stop_rig *r)
{
	memcpy(r->ram + RIG_STOP, &r->s, sizeof(r->s));
	memcpy(r->ram + RIG_THREADS, r->thread, sizeof(r->thread));
	memcpy(r->ram + RIG_AREAS, r->area, sizeof(r->area));
}

void stop_rig_down(struct stop_rig *r)
{
	stop_fini(&r->stop);
	free(r->ram);
}
