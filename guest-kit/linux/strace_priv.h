/* strace_priv.h: the line that is being written, for strace.c. There is one:
 * nobody sleeps between its beginning and its end, when it is copied. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_STRACE_PRIV_H
#define LINUX_STRACE_PRIV_H

#include "kernel/types.h"

/* What does not fit into the line is left out. */
void strace_put(const char *fmt, ...) PRINTF(1, 2);
void strace_put_char(char c);
/* Out with it. */
void strace_end_line(void);

/* From a list: what comes behind the number, or NULL. */
const char *strace_name_of(const char *list, uint64_t v, unsigned base);

/* A value by a list of strace_names.h. */
void strace_put_name(const char *list, uint64_t v);
/* Several, and what is left as a number; `none` if there is nothing. */
void strace_put_flags(const char *list, uint64_t v, const char *none);

/* What lies in the program's memory; the address if that cannot be read. */
void strace_put_pointer(uint64_t gva);
void strace_put_octal(uint64_t v);
void strace_put_bytes(uint64_t gva, uint64_t len);
void strace_put_string(uint64_t gva);
/* n pieces, of which `filled` bytes count. */
void strace_put_vectors(uint64_t gva, uint64_t n, uint64_t filled);
void strace_put_timespec(uint64_t gva);
void strace_put_address(uint64_t gva, uint64_t len);
void strace_put_stat(uint64_t gva);
void strace_put_signals(uint64_t gva);
void strace_put_sigaction(uint64_t gva);
void strace_put_pollfds(uint64_t gva, uint64_t n);
void strace_put_epoll_events(uint64_t gva, uint64_t n);
void strace_put_ints(uint64_t gva);

#endif
