/* page.h: physical pages. Whatever RAM the memory map names, less the kernel
 * image and what the monitor loaded. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "kernel/types.h"

struct pvh_start_info;

/* RAM from 1 to 3 GiB can be reached afterwards: modules may be there. */
void page_map_middle(const struct pvh_start_info *s);
void page_init(void);

/* NULL when there is none. Content: anything, or zeros. Memory that was used
 * before is taken first, so that little is ever touched. */
WUR void *page_alloc(void);
WUR void *page_alloc_zeroed(void);
/* Zeroed, for the program and its files; NULL also when only what the kernel
 * needs to go on is left. */
WUR void *page_alloc_program(void);
/* Something beyond that is left. */
bool page_has_room(void);
void page_free(void *page);

/* n pages in a row. */
WUR void *page_alloc_run(uint64_t n);
WUR void *page_alloc_run_zeroed(uint64_t n);
/* Any part of a run, by itself or with neighbours. */
void page_free_run(void *first, uint64_t n);

/* Reads as zeros; never written. */
extern uint8_t page_zeros[PAGE_LEN];

uint64_t page_count_free(void);
uint64_t page_count_total(void);

#endif
