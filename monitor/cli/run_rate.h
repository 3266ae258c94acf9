/* run_rate.h: the words that limit a device: bw=, bw-burst=, iops= and
 * iops-burst=, of --disk and whoever else has them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_RATE_H
#define CLI_RUN_RATE_H

#include "base/attr.h"
#include "vmm/machine.h"

struct err;

/* For the message that says which words are allowed. */
#define RUN_RATE_WORDS "bw=RATE, bw-burst=SIZE, iops=N, iops-burst=N"

/* 1: `s` was such a word and is in *rate; 0: it is another; else negative
 * errno, and the error names word and limit. */
WUR int run_rate_word(const char *s, struct machine_rate *rate,
		      struct err *err);
/* After the last word: a burst needs its rate. */
WUR int run_rate_check(const struct machine_rate *rate, struct err *err);

#endif
