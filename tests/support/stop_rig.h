/* stop_rig.h: guest memory with a stopped program in it, as the guest kernel
 * describes it, for tests of the debugging units. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_STOP_RIG_H
#define SUPPORT_STOP_RIG_H

#include "debug/stop.h"
#include "mem/gmem.h"

#define RIG_RAM (1u << 20)

/* Where things lie in guest-physical memory. */
#define RIG_PML4    0x1000u
#define RIG_PDPT    0x2000u
#define RIG_PD      0x3000u
#define RIG_PT      0x4000u /* of the first 2 MiB from RIG_TEXT on */
#define RIG_STOP    0x5000u
#define RIG_THREADS 0x6000u
#define RIG_AREAS   0x7000u
#define RIG_STRINGS 0x8000u
#define RIG_FPU     0x9000u
#define RIG_PAGES   0x10000u /* of the program: text, text, data, stack */

/* The program's memory. */
#define RIG_TEXT  0x400000ull /* two pages, r-x, of a file */
#define RIG_DATA  0x402000ull /* one page, rw-, and one that is absent */
#define RIG_LIB   0x410000ull /* two pages, r-x, absent, of a file */
#define RIG_HUGE  0x600000ull /* 2 MiB in one entry, at RAM's start */
#define RIG_STACK 0x5ff000ull /* one page, rw- */

struct stop_rig {
	struct gmem mem;
	struct stop stop;
	/* what the guest wrote; stop_rig_write puts it into memory */
	struct debug_stop s;
	struct debug_thread thread[2];
	struct debug_area area[5];
	uint8_t *ram;
};

/* Two threads, 1 and 7; the second one has no floating point state. */
void stop_rig_up(struct stop_rig *r);
void stop_rig_down(struct stop_rig *r);
/* s, thread[] and area[] go to guest memory. */
void stop_rig_write(struct stop_rig *r);
/* An entry of a page table. */
void stop_rig_entry(struct stop_rig *r, gpa_t table, unsigned i, uint64_t v);

#endif
