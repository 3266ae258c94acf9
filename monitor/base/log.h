/* log.h: one line per event, one write(2) per line, to one descriptor.
 *
 * Line: "mayfly: LEVEL UNIT: text\n". Any thread may log. Nothing here
 * allocates. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Set once before threads start. Default: stderr, LOG_WARN. */
void log_setup(int fd, enum log_level max);
enum log_level log_level(void);

void log_line(enum log_level l, const char *unit, const char *fmt, ...)
	PRINTF(3, 4);

#define log_err(unit, ...)   log_line(LOG_ERR, unit, __VA_ARGS__)
#define log_warn(unit, ...)  log_line(LOG_WARN, unit, __VA_ARGS__)
#define log_info(unit, ...)  log_line(LOG_INFO, unit, __VA_ARGS__)
#define log_debug(unit, ...) log_line(LOG_DEBUG, unit, __VA_ARGS__)

/*
 * For whatever a guest can trigger: a token bucket per call site (10 lines at
 * once, then 1 a second) that says how many lines it swallowed. Level: warn.
 * Never pass guest bytes as a string.
 */
struct log_bucket {
	_Atomic uint64_t filled_ns;
	_Atomic uint32_t tokens, swallowed;
};
void log_guest_line(struct log_bucket *b, const char *unit, const char *fmt,
		    ...) PRINTF(3, 4);

#define log_guest(unit, ...)                                         \
	do {                                                         \
		static struct log_bucket bucket_ = { .tokens = 10 }; \
		log_guest_line(&bucket_, unit, __VA_ARGS__);         \
	} while (0)

#endif
