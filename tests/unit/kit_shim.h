/* kit_shim.h: a machine for parts of the guest kernel that run in a unit test:
 * RAM at the window the kernel was compiled for, no processor. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_KIT_SHIM_H
#define UNIT_KIT_SHIM_H

#include <setjmp.h>
#include <stdint.h>

/* Fresh RAM of this size and its allocator. Once in a process. */
void kit_boot(uint64_t ram);
/* Where a machine that ends comes out, and its last words. */
extern jmp_buf kit_ended;
extern char kit_last_words[200];
/* How often the TLB was flushed. */
extern unsigned kit_flushes;

#endif
