/* vm_priv.h: what the parts of vm.h share: the table of areas (vm_area.c) and
 * the page tables of the lower half (pt.c). Ranges are aligned and checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_VM_PRIV_H
#define KERNEL_VM_PRIV_H

#include "kernel/vm.h"

/* --- areas: sorted, disjoint, neighbours that can be one are one ------------ */

unsigned area_count(void);
struct vm_area *area_at(unsigned i);
/* The first area that ends after gva; area_count() if there is none. */
unsigned area_after(uint64_t gva);
/* No area crosses gva afterwards. -ENOMEM: too many areas, unless they are
 * about to become fewer. */
WUR int area_split(uint64_t gva, bool fewer_soon);
WUR int area_insert(const struct vm_area *a);
/* Whole areas. */
void area_remove(uint64_t start, uint64_t end);
/* Joins what can be joined from the one before start to the one at end. */
void area_join(uint64_t start, uint64_t end);

/* Page tables that map nothing are given back. Were there any? */
bool vm_sweep(void);

/* --- page tables ------------------------------------------------------------ */

#define PTE_PRESENT  0x001ull
#define PTE_WRITE    0x002ull
#define PTE_USER     0x004ull
#define PTE_ACCESSED 0x020ull
#define PTE_DIRTY    0x040ull
#define PTE_OWNED    0x200ull /* software: freed with the mapping */
#define PTE_HELD     0x400ull /* software: the address is good, P or not */
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

#define TABLE_SPAN (512 * PAGE_LEN) /* what a last-level table maps */

/* Where a page with these rights is. Only one that is `writable` as it is,
 * not to be copied first, gets the right to be written. */
uint64_t pte_make(gpa_t gpa, unsigned prot, bool writable);

/* Its entry in the last-level table; NULL: there is no table, no memory for
 * one. The following entries up to the end of the span follow it. */
uint64_t *pt_entry(uint64_t gva, bool create);

void pt_protect(uint64_t start, uint64_t end, unsigned prot, bool shared);
void pt_clear(uint64_t start, uint64_t end);
/* Only pages that are a store's. */
void pt_clear_borrowed(uint64_t start, uint64_t end);
WUR int pt_move(uint64_t from, uint64_t to, uint64_t len);
/* Tables that only map what lies between start and end go: nothing is there.
 * Were there any? */
bool pt_free_tables(uint64_t start, uint64_t end);
/* All pages exist, for writing too with write. Any range below VM_END. */
bool pt_allows(uint64_t start, uint64_t end, bool write);
void pt_flush_page(uint64_t gva);

#endif
