/* page.h: physical pages. Whatever RAM the memory map names, less the kernel
 * image and what the monitor loaded. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "kernel/types.h"

void page_init(void);

/* NULL when there is none. Content: anything, or zeros. */
WUR void *page_alloc(void);
WUR void *page_alloc_zeroed(void);
/* n pages in a row, content anything; only while memory was never used. */
WUR void *page_alloc_run(uint64_t n);
/* Zeroed, for the program and its files; NULL also when only what the kernel
 * needs to go on is left. */
WUR void *page_alloc_program(void);
void page_free(void *page);

/* Reads as zeros; never written. */
extern const uint8_t page_zeros[PAGE_LEN];

uint64_t page_count_free(void);
uint64_t page_count_total(void);

#endif
