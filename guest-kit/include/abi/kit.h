/* kit.h: the address space every program of the guest kit lives in.
 *
 * Program and kernel share ring 3 and one set of page tables. Lower half:
 * the program. Upper half, from KIT_PHYS_BASE: guest-physical addresses one
 * to one, 0 .. 1 GiB, 3 .. 4 GiB and where there is RAM, readable and writable
 * except the kernel's own text and constants, never executable except that
 * text; 3 .. 4 GiB, where devices live, is uncached. The kernel is linked at
 * its place in this window. Nothing protects it from the program: the wall
 * is the virtual machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_KIT_H
#define ABI_KIT_H

#include <stdint.h>

#ifndef KIT_PHYS_BASE /* unit tests have a window of their own */
#define KIT_PHYS_BASE 0xffffc00000000000ull
#endif
#define KIT_PHYS_LEN 0x100000000ull /* devices are below */
#define KIT_LOAD_GPA 0x100000ull    /* where the kernel's image begins */

/* Guest-physical address -> pointer, for gpa of RAM or a device. */
#define KIT_PHYS(gpa) ((void *)(uintptr_t)(KIT_PHYS_BASE + (uint64_t)(gpa)))

#endif
