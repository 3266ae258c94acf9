/* vm_priv.h: page tables of the lower half, for vm.c. Ranges are aligned and
 * checked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_VM_PRIV_H
#define KERNEL_VM_PRIV_H

#include "kernel/types.h"

WUR int pt_set_phys(uint64_t gva, gpa_t gpa, unsigned prot);
/* Pages that do not exist yet come into being, zeroed. */
int pt_populate(uint64_t start, uint64_t end, unsigned prot);
void pt_protect(uint64_t start, uint64_t end, unsigned prot);
void pt_clear(uint64_t start, uint64_t end);
/* Only pages that belong to the mapping. */
void pt_clear_owned(uint64_t start, uint64_t end);
WUR int pt_move(uint64_t from, uint64_t to, uint64_t len);
bool pt_is_present(uint64_t gva);
bool pt_all_present(uint64_t start, uint64_t end);
void pt_flush_page(uint64_t gva);

#endif
