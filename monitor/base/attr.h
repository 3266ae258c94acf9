/* attr.h: compiler attributes and the few macros every unit may use. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

/* The result carries an error and must be looked at. */
#define WUR          __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NORETURN     __attribute__((noreturn))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The object of which `p` points to the member `m`. */
#define CONTAINER_OF(p, type, m) \
	((type *)(void *)((char *)(p)-offsetof(type, m)))

#endif
