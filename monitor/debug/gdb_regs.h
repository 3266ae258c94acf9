/* gdb_regs.h: a thread's registers as gdb numbers them, and the description
 * that tells gdb so (GDB manual, "Target Descriptions", i386 features). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEBUG_GDB_REGS_H
#define DEBUG_GDB_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct debug_thread;
struct stop;

#define GDB_REG_LEN_MAX 16u

/* How many there are: depends on the processor. */
unsigned gdb_regs_count(const struct stop *s);
unsigned gdb_reg_len(unsigned n); /* bytes; n < gdb_regs_count */

/* False: it cannot be had (no floating point state, say). */
WUR bool gdb_reg_read(const struct stop *s, const struct debug_thread *t,
		      unsigned n, uint8_t *ret);
WUR bool gdb_reg_write(const struct stop *s, struct debug_thread *t, unsigned n,
		       const uint8_t *value);

/* The description, piece by piece. */
void gdb_regs_describe(const struct stop *s,
		       void (*put)(void *ctx, const char *text), void *ctx);

#endif
