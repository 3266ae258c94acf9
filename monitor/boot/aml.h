/* aml.h: a small emitter of ACPI Machine Language (ACPI 6.4, 20).
 *
 * Terms are appended; begin/end pairs nest and fill in package lengths. A
 * full buffer is remembered and reported once, by aml_is_full. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_AML_H
#define BOOT_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_CRS_MAX 64

struct aml {
	uint8_t *buf; /* borrowed */
	size_t cap, len;
	bool is_full;
};

/* The body of a resource template, without its end tag. */
struct aml_crs {
	uint8_t bytes[AML_CRS_MAX];
	size_t len;
};

/* Every begin returns the place where the package length goes, for aml_end.
 * Names are one segment of four characters. */
size_t aml_scope_begin(struct aml *a, const char *name);
size_t aml_device_begin(struct aml *a, const char *name);
size_t aml_package_begin(struct aml *a, uint8_t n_elements);
void aml_end(struct aml *a, size_t begin);

void aml_name(struct aml *a, const char *name); /* a value follows */
void aml_int(struct aml *a, uint64_t v);        /* shortest encoding */
void aml_string(struct aml *a, const char *s);

/* "PNP0501" in the compressed form (ACPI 6.4, 19.6.38). */
void aml_eisa_id(struct aml *a, const char *id);

/* Name(_CRS, ResourceTemplate () {...}) */
void aml_crs(struct aml *a, const struct aml_crs *crs);

void crs_memory32_fixed(struct aml_crs *c, uint32_t gpa, uint32_t len);
void crs_io16(struct aml_crs *c, uint16_t port, uint8_t len);
/* Extended interrupt: consumer, edge, active high, exclusive. */
void crs_interrupt(struct aml_crs *c, uint32_t gsi);

#endif
