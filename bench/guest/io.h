/* io.h: the parts of the guest program of bench-io. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_IO_H
#define GUEST_IO_H

#include "bench/tally.h"
#include "kernel/types.h"

/* Prints and ends the machine with status 1. */
NORETURN void io_fail(const char *what, int64_t n);

/* Argument n as text or number; io_fail if there is none. */
const char *io_word(unsigned n);
uint64_t io_number(unsigned n);
bool io_is(unsigned n, const char *text);

/* Says that the work begins, or that it has ended and what it was: these
 * frame what is measured. The time is between the two. */
void io_begin(void);
NORETURN void io_end(const struct tally *t);

/* What the first argument asks for; the others are theirs. */
NORETURN void io_blk(void);
NORETURN void io_net(void);
NORETURN void io_vsock(void);

#endif
