/* vm.h: the program's half of the address space.
 *
 * A sorted table of areas says what is mapped with which rights; the page
 * tables hold the pages that exist so far. A page comes into being when it is
 * touched or populated. Pages of a private area are its own, or still those
 * of the store it maps, read-only until they are written and copied; pages
 * of a shared area are the store's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include "kernel/types.h"

struct file;
struct store;

#define VM_READ  1u
#define VM_WRITE 2u
#define VM_EXEC  4u

#define VM_MIN 0x10000ull /* nothing below: a null pointer must fault */
#define VM_END 0x7ffffffff000ull

#define VM_AREAS_MAX 65530 /* what Linux calls max_map_count */

/* Flags of an area */
#define VM_SHARED    0x01u
#define VM_STACK     0x02u /* nothing is placed right below it */
#define VM_HEAP      0x04u /* made by brk */
#define VM_NORESERVE 0x08u
#define VM_NO_WRITE  0x10u /* of a file that is not open for writing */
#define VM_PHYS      0x20u /* its pages are not the program's: vm_map_phys */
#define VM_PROGRAM   0x40u /* the file that runs */

struct vm_area {
	uint64_t start, end;
	uint64_t off;        /* of start, in the store */
	struct store *store; /* NULL: zeros */
	struct file *file;   /* what was mapped, or NULL */
	unsigned prot, flags;
};

/* All take page-aligned ranges within VM_MIN .. VM_END and return 0 or a
 * negative Linux errno. */

/* Replaces what was there; takes references of its own. */
WUR int vm_map(const struct vm_area *area);
/* The same, private zeros. */
WUR int vm_map_zeros(uint64_t start, uint64_t len, unsigned prot,
		     unsigned flags);
/* Guest-physical memory that stays the caller's; replaces what was there. */
WUR int vm_map_phys(uint64_t start, gpa_t gpa, uint64_t len, unsigned prot);
/* Pages of page_alloc become those of a mapped private range without any. */
WUR int vm_give_pages(uint64_t start, void *run, uint64_t len);
WUR int vm_unmap(uint64_t start, uint64_t len);
/* Up to the first hole: -ENOMEM, or the first area that must not be written:
 * -EACCES. */
WUR int vm_protect(uint64_t start, uint64_t len, unsigned prot);
/* Part of one area, with its pages, gets new_len bytes elsewhere, at a free
 * place. keep: the old range stays, empty. */
WUR int vm_move(uint64_t from, uint64_t len, uint64_t to, uint64_t new_len,
		bool keep);
/* The pages of a mapped range exist afterwards, for writing too with write.
 * -ENOMEM (no memory, or a hole), -EFAULT (beyond the end of a file, or not
 * permitted). May be ignored: what is missing is made when touched. */
int vm_populate(uint64_t start, uint64_t len, bool write);
/* Contents are forgotten: as first mapped from now on. */
void vm_discard(uint64_t start, uint64_t len);
/* More than all memory, asked for in earnest: Linux's heuristic. */
bool vm_overcommits(uint64_t len, unsigned prot, unsigned flags);

bool vm_is_free(uint64_t start, uint64_t len);
/* One mapping, or several with no gap, cover it. */
bool vm_is_mapped(uint64_t start, uint64_t len);
/* The area gva lies in; false: none. */
bool vm_area_at(uint64_t gva, struct vm_area *ret);
/* A free range below `limit`, at hint if possible; 0 if there is none. */
uint64_t vm_find(uint64_t hint, uint64_t len, uint64_t limit);
/* vm_find looks from here up. */
void vm_set_arena(uint64_t start);
/* A page of a mapped range is in memory. */
bool vm_is_resident(uint64_t gva);
/* A page that exists, where the kernel reaches it; NULL: it does not. */
void *vm_page(uint64_t gva);

/* A mapping as others see it. */
struct vm_range {
	uint64_t start, end;
	unsigned prot, flags;
	struct file *file; /* borrowed, or NULL */
	const char *name;  /* as in /proc/PID/maps, or NULL; until vm_next */
	uint64_t file_off;
};
/* The first that ends after gva; false: none. */
bool vm_next(uint64_t gva, struct vm_range *ret);

/* Pages from .. to-1 of a store are not what they were, or with `cut` are no
 * more: they leave all mappings. */
void vm_store_changed(struct store *s, uint64_t from, uint64_t to, bool cut);

enum vm_fault {
	VM_FAULT_FIXED,
	VM_FAULT_UNMAPPED,  /* SIGSEGV, SEGV_MAPERR */
	VM_FAULT_FORBIDDEN, /* SIGSEGV, SEGV_ACCERR */
	VM_FAULT_BEYOND,    /* of a file's end: SIGBUS, BUS_ADRERR */
	VM_FAULT_NO_MEMORY, /* vm_no_memory */
};
enum vm_fault vm_fault(uint64_t gva, unsigned access);
/* The program needs a page and there is none: says so and ends the machine. */
_Noreturn void vm_no_memory(uint64_t gva);

/* To a program's memory that was checked. */
static inline void *user_ptr(uint64_t gva)
{
	return (void *)(uintptr_t)gva;
}

/* The program may read or write it and the pages exist: the kernel can touch
 * them without a fault. Any gva and len; access without VM_EXEC. */
WUR bool vm_user_ok(uint64_t gva, uint64_t len, unsigned access);
/* Length of the string at gva, or -EFAULT, or -ENAMETOOLONG beyond max. */
WUR int64_t vm_user_strlen(uint64_t gva, uint64_t max);

#endif
