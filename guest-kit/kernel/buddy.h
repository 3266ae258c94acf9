/* buddy.h: freed memory: blocks of 2^n pages that are joined with their
 * neighbour as soon as it is free, too. Pages are counted from guest-physical
 * address 0. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_BUDDY_H
#define KERNEL_BUDDY_H

#include "kernel/types.h"

/* `state`: a zero for each page below n_pages, of which only those for memory
 * that was given back are ever touched. */
void buddy_init(uint8_t *state, uint64_t n_pages);
/* n pages in a row, content anything; 0: there are none (page 0 is never
 * given). */
WUR uint64_t buddy_take(uint64_t n);
/* Pages that were taken, or that never were here. Not page 0. */
void buddy_put(uint64_t page, uint64_t n);

#endif
