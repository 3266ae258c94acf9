/* kmem.h: memory for the kernel's own objects. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_KMEM_H
#define KERNEL_KMEM_H

#include "kernel/types.h"

/* len bytes of zeros, aligned to 16, from 4096 bytes up to a page and in one
 * piece of physical memory; NULL when there is none. At most KMEM_MAX. */
#define KMEM_MAX (1ull << 22)
WUR void *kmem_alloc(uint64_t len);
/* The same len; p may be NULL. */
void kmem_free(void *p, uint64_t len);

#endif
