/* format.h: printf's useful tenth: %s %c %d %u %x %lx %lu %ld %p %%, a width
 * and zero or left padding. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Fills buf, always ended with NUL; returns the length without it. What does
 * not fit is left out. */
size_t format(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_v(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

#endif
