/* host.h: the parts of host_io, the bound of bench-io's figures. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdint.h>

#include "bench/tally.h"

_Noreturn void host_die(const char *what);
_Noreturn void host_usage(void);
uint64_t host_now_ns(void);
uint32_t host_number(const char *word);

/* These frame what is measured: see tally.h. */
void host_begin(void);
void host_end(const struct tally *t);
/* What others start may now be used. */
void host_ready(void);

/* Each gets the words after its own; see host_io.c. */
void host_blk(int n, char **arg);
void host_stream(int n, char **arg);
void host_serve(int n, char **arg);
void host_tap(int n, char **arg);
void host_station(int n, char **arg);

#endif
