/* layout.h: the machine a guest sees, in guest-physical addresses.
 *
 *   0          .. 3 GiB   RAM, as much as asked
 *   0xC0000000            the platform page (guest-kit/include/abi/platform.h)
 *   0xC0001000 + 4K * n   virtio-mmio device n, GSI 5 + n
 *   0xFEC00000            IOAPIC      0xFEE00000  local APIC
 *   4 GiB      ..         the rest of RAM
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEM_LAYOUT_H
#define MEM_LAYOUT_H

#include <stdint.h>

/* A guest-physical address: an integer, never dereferenced. */
typedef uint64_t gpa_t;

#define PAGE_LEN           4096ULL
#define LAYOUT_HOLE_START  0xC0000000ULL  /* RAM ends here ... */
#define LAYOUT_HOLE_END    0x100000000ULL /* ... and goes on here */
#define LAYOUT_PLATFORM    0xC0000000ULL
#define LAYOUT_VIRTIO_BASE 0xC0001000ULL
#define LAYOUT_VIRTIO_LEN  0x1000ULL
#define LAYOUT_VIRTIO_GSI  5
#define LAYOUT_VIRTIO_MAX  18 /* GSI 5 .. 22: the IOAPIC has 24 pins */
#define LAYOUT_IOAPIC      0xFEC00000ULL
#define LAYOUT_LAPIC       0xFEE00000ULL
#define LAYOUT_MEM_MAX     (1ULL << 40) /* 1 TiB */

#endif
