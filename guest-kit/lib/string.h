/* string.h: the few of the C library's functions the kernel uses. The
 * compiler may call the first four by itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
bool str_equal(const char *a, const char *b);
/* If s begins with prefix: what follows it; else NULL. */
const char *str_after(const char *s, const char *prefix);
/* Copies what fits and ends it with NUL. */
void str_copy(char *dst, const char *src, size_t size);

#endif
