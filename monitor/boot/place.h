/* place.h: who lies where in guest memory while a machine is loaded.
 *
 *   0x00001000  PVH: start info, memory map, modules, command line
 *               Linux: GDT, boot_params, command line, page tables
 *   0x0009fc00  reserved: MP table; 0x000e0000 ACPI tables
 *   0x00100000  and up: images
 *
 * Every range is claimed before it is written, so nothing overlaps and
 * everything is RAM. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_PLACE_H
#define BOOT_PLACE_H

#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct err;
struct gmem;

#define PLACE_INFO_GPA 0x1000ULL  /* start info or boot_params */
#define PLACE_MP_GPA   0x9fc00ULL /* last KiB of conventional memory */
#define PLACE_MP_LEN   0x400ULL
#define PLACE_ACPI_GPA 0xe0000ULL
#define PLACE_ACPI_LEN 0x20000ULL
#define PLACE_HIGH_GPA 0x100000ULL /* 1 MiB */

#define PLACE_MAX 160

/* `what` and `n` name the range in messages: "segment 3"; n < 0: no number.
 * Zeroed: nothing is claimed. */
struct place_range {
	gpa_t gpa;
	uint64_t len;
	const char *what; /* borrowed, a literal */
	int n;
};

struct place {
	const struct gmem *mem; /* borrowed */
	struct place_range range[PLACE_MAX];
	unsigned n_ranges;
};

/* Also claims the reserved part of the first megabyte. */
void place_init(struct place *p, const struct gmem *mem);

/*
 * Claims a range for something that must lie exactly there. -ENOMEM: guest
 * memory ends before (the message says how much is needed), -ENOEXEC: it
 * cannot be there with any memory size, or overlaps what is claimed.
 */
WUR int place_claim(struct place *p, gpa_t gpa, uint64_t len, const char *what,
		    int n, struct err *err);

/* Claims the lowest free page-aligned range at or above `from` (at or above
 * 1 MiB) and below the hole. -ENOMEM. */
WUR int place_low(struct place *p, gpa_t from, uint64_t len, const char *what,
		  gpa_t *ret_gpa, struct err *err);

/* Claims the highest free page-aligned range whose last byte is at or below
 * `last` and below the hole. -ENOMEM. */
WUR int place_high(struct place *p, uint64_t last, uint64_t len,
		   const char *what, gpa_t *ret_gpa, struct err *err);

/* The end of the highest claimed range below the hole. */
gpa_t place_end(const struct place *p);

/* Bytes of RAM below the hole. */
uint64_t place_low_ram(const struct gmem *mem);

#endif
