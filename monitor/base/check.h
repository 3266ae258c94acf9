/* check.h: our own invariants. On in every flavour, never on foreign data. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/attr.h"

/* Prints one line to stderr and aborts. */
NORETURN void check_failed(const char *expr, const char *file, int line);

/* `e` must have no side effects. */
#define CHECK(e) ((e) ? (void)0 : check_failed(#e, __FILE__, __LINE__))

#endif
