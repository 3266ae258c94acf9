/* x86_acpi.h: the ACPI tables of the machine: RSDP, XSDT, FADT, MADT, DSDT.
 *
 * Hardware-reduced ACPI, always: there are no PM1 registers, and a FADT that
 * promised them would make Linux give up ACPI, and with it the devices, the
 * other processors and power-off. Linux then leaves PIC and PIT alone
 * (acpi_generic_reduced_hw_init) and does not miss them: the local APIC timer
 * needs neither. `legacy_pic` is for guests that do not read ACPI, or that
 * are told not to (acpi=off). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_X86_ACPI_H
#define BOOT_X86_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct boot_config;
struct err;
struct gmem;

#define ACPI_TABLES_MAX 8192

/* Built as they lie at PLACE_ACPI_GPA; the RSDP is first. */
struct acpi_tables {
	uint8_t bytes[ACPI_TABLES_MAX];
	size_t len;
};

/* n_cpus and n_devices are within the limits of boot.h and layout.h. */
void acpi_build(const struct boot_config *cfg, struct acpi_tables *ret);

/* Builds and writes them. -ENOMEM: guest memory ends below 1 MiB. */
WUR int acpi_write(const struct boot_config *cfg, const struct gmem *mem,
		   gpa_t *ret_rsdp, struct err *err);

#endif
