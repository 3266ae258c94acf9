/* x86_mptable.h: the Intel MP table, for kernels without ACPI. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_X86_MPTABLE_H
#define BOOT_X86_MPTABLE_H

#include "base/attr.h"

struct err;
struct gmem;

/*
 * Floating pointer and table at PLACE_MP_GPA, the last KiB of conventional
 * memory, where kernels look for them: processors 0..n_cpus-1, one ISA bus,
 * one IOAPIC whose 24 pins are the bus's interrupts, one to one. -ENOMEM.
 */
WUR int mptable_write(const struct gmem *mem, unsigned n_cpus, struct err *err);

#endif
