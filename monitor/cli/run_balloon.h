/* run_balloon.h: `--balloon on|WORD[,WORD]...`: words in, a configuration
 * out. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_BALLOON_H
#define CLI_RUN_BALLOON_H

#include <stdint.h>

#include "base/attr.h"
#include "vmm/machine.h"

struct err;

#define RUN_BALLOON_STATS_MAX 65535u /* seconds */

/* Errors name the word and what is allowed. */
WUR int run_balloon_parse(const char *spec, struct machine_balloon *ret,
			  struct err *err);

/* The target must leave the guest some of its memory. */
WUR int run_balloon_check(const struct machine_balloon *b, uint64_t mem_len,
			  struct err *err);

#endif
