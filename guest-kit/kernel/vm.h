/* vm.h: the program's half of the address space.
 *
 * A sorted table says what is mapped with which rights; the page tables hold
 * the pages that exist so far. A page comes into being when it is touched or
 * populated, and belongs to the mapping unless it is part of the program's
 * file. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include "kernel/types.h"

#define VM_READ  1u
#define VM_WRITE 2u
#define VM_EXEC  4u

#define VM_MIN 0x10000ull /* nothing below: a null pointer must fault */
#define VM_END 0x7ffffffff000ull

/* All take page-aligned ranges within VM_MIN .. VM_END and return 0 or a
 * negative Linux errno. */

/* Zeros on demand; replaces what was there. */
WUR int vm_map(uint64_t start, uint64_t len, unsigned prot);
/* Guest-physical memory that stays where it is; replaces what was there. */
WUR int vm_map_phys(uint64_t start, gpa_t gpa, uint64_t len, unsigned prot);
WUR int vm_unmap(uint64_t start, uint64_t len);
WUR int vm_protect(uint64_t start, uint64_t len, unsigned prot);
/* Moves pages and rights; the target is free. */
WUR int vm_move(uint64_t from, uint64_t to, uint64_t len);
/* The pages of a mapped range exist afterwards. A failure may be ignored:
 * what is missing is made when touched. */
int vm_populate(uint64_t start, uint64_t len);
/* Contents are forgotten: zeros from now on. */
void vm_discard(uint64_t start, uint64_t len);

/* A mapping, or neighbours with one name and the same rights. */
struct vm_range {
	uint64_t start, end;
	unsigned prot;
	const char *name; /* of its file, or NULL */
	uint64_t file_off;
};
/* The first that ends after gva; false: none. */
bool vm_next(uint64_t gva, struct vm_range *ret);

bool vm_is_free(uint64_t start, uint64_t len);
/* One mapping, or several with no gap, cover it. */
bool vm_is_mapped(uint64_t start, uint64_t len);
/* A free range, at hint if possible; 0 if there is none. */
uint64_t vm_find(uint64_t hint, uint64_t len);
/* vm_find looks from here up. */
void vm_set_arena(uint64_t start);

enum vm_fault { VM_FAULT_FIXED, VM_FAULT_BAD, VM_FAULT_NO_MEMORY };
enum vm_fault vm_fault(uint64_t gva, unsigned access);

/* To a program's memory that was checked. */
static inline void *user_ptr(uint64_t gva)
{
	return (void *)(uintptr_t)gva;
}

/* The program may access it and the pages exist: the kernel can touch them
 * without a fault. Any gva and len. */
WUR bool vm_user_ok(uint64_t gva, uint64_t len, unsigned access);
/* Length of the string at gva, or -EFAULT, or -ENAMETOOLONG beyond max. */
WUR int64_t vm_user_strlen(uint64_t gva, uint64_t max);

#endif
