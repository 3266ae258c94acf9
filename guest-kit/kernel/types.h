/* types.h: what every file of the kernel needs: integers, attributes, and
 * the way between guest-physical addresses and pointers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/kit.h"

/* One static image: every symbol is near and reached without a table. Unit
 * tests link parts of it with a C library. */
#ifndef KIT_ON_HOST
#pragma GCC visibility push(hidden)
#endif

typedef uint64_t gpa_t;

#define NORETURN           _Noreturn
#define WUR                __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define COLD               __attribute__((cold, noinline))

#define PAGE_LEN  4096ull
#define PAGE_MASK (PAGE_LEN - 1)

/* Big tables that are hardly touched: not part of the image file. */
#define LARGE __attribute__((section(".bss.0large,\"aw\",@nobits#")))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline uint64_t page_down(uint64_t x)
{
	return x & ~PAGE_MASK;
}

/* Callers have checked that x is not within a page of the end. */
static inline uint64_t page_up(uint64_t x)
{
	return (x + PAGE_MASK) & ~PAGE_MASK;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline void *phys_ptr(gpa_t gpa)
{
	return KIT_PHYS(gpa);
}

/* Of the kernel's own image or anything reached through phys_ptr. */
static inline gpa_t phys_of(const void *p)
{
	return (uintptr_t)p - KIT_PHYS_BASE;
}

#endif
