/* mem.h: what the calls about memory share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_MEM_H
#define LINUX_MEM_H

#include "kernel/types.h"

/* Rounds *len up to pages; false: start is not a page's, or the end is beyond
 * all numbers. */
WUR bool mem_range(uint64_t start, uint64_t *len);
/* Of the addresses a program can have. */
bool mem_is_outside(uint64_t start, uint64_t len);

#endif
