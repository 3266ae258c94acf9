/* mmio.h: lists of 32-bit register accesses. On a machine with a platform
 * page a list is one exit; elsewhere its entries are done one by one. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include "kernel/types.h"

/* Start over. At most PLATFORM_BATCH_MAX entries follow. */
void mmio_begin(void);
void mmio_write(uint32_t gpa, uint32_t value);
/* Returns where mmio_value finds the result. */
unsigned mmio_read(uint32_t gpa);
void mmio_run(void);
uint32_t mmio_value(unsigned index);
/* A single access, at once. */
void mmio_write_now(uint32_t gpa, uint32_t value);

#endif
