/* report.h: what a run tells: the end of a guest in words, the timeline, the
 * exit record. Printed after the guest is gone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdint.h>

#include "base/attr.h"

struct err;
struct machine;
struct outcome;

/* Everything a record is made of. Borrowed. */
struct report {
	const char *image;
	const struct machine *machine; /* NULL: it never came to be */
	const struct outcome *outcome;
	uint64_t start_ns; /* of the process, CLOCK_MONOTONIC */
};

/* Why the guest ended, on stderr; nothing for a guest that ended well. */
void report_end(const struct report *r);

/* The timeline, on stderr. */
void report_trace(const struct report *r);

/* One JSON object and a newline into fd. docs/mayfly.1, EXIT RECORD. */
WUR int report_record(const struct report *r, int fd, struct err *err);

/* What failed, on stderr: one line, with the system's words where ours do not
 * say it all. */
void report_failed(const struct err *err);

#endif
