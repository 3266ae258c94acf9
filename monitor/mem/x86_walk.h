/* x86_walk.h: from a guest's virtual address to its physical one, by the
 * four-level page tables it keeps. The tables are the guest's: each entry is
 * loaded once, and what points out of RAM is not there. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEM_X86_WALK_H
#define MEM_X86_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct gmem;

struct x86_page {
	gpa_t gpa;
	uint64_t len;
	bool writable; /* every level says so */
};

/*
 * 0: ret->gpa is where gva lies, and ret->len bytes from there on are in the
 * same page, which is in RAM as a whole. -EFAULT: not mapped, and so are (by
 * the same entry) ret->len bytes from gva on, at least 1. An address that is
 * not canonical is not mapped.
 */
WUR int x86_walk(const struct gmem *m, gpa_t cr3, uint64_t gva,
		 struct x86_page *ret);

#endif
