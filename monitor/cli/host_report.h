/* host_report.h: a list of findings about the host, for people or as JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HOST_REPORT_H
#define CLI_HOST_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"

enum host_status { HOST_OK, HOST_SLOW, HOST_MISSING, HOST_STATUSES };

#define HOST_CHECKS_MAX 64

struct host_check {
	const char *id;    /* "kvm.device": stable, for programs */
	const char *group; /* "KVM": a heading */
	enum host_status status;
	bool required;  /* no guest without it */
	char value[96]; /* a number or a word; empty: none */
	char text[240]; /* what was found */
	char mend[320]; /* what to do about it, or a hint; empty: nothing */
};

struct host_report {
	unsigned n;
	struct host_check check[HOST_CHECKS_MAX];
};

/* Appends a finding; `id` and `group` are borrowed. `text` as printf. The
 * result is good until the report goes. */
struct host_check *host_add(struct host_report *r, const char *group,
			    const char *id, enum host_status status,
			    const char *text, ...) PRINTF(5, 6);

/* Both return `c`. The texts are cut to what fits. */
struct host_check *host_value(struct host_check *c, const char *fmt, ...)
	PRINTF(2, 3);
struct host_check *host_mend(struct host_check *c, const char *fmt, ...)
	PRINTF(2, 3);

/* True when nothing required is missing. */
bool host_can_run(const struct host_report *r);

/* The worst status; a missing one that is not required counts as slow. */
enum host_status host_overall(const struct host_report *r);

/* One line a finding, under headings, and a verdict. 0 or negative errno. */
WUR int host_print(const struct host_report *r, FILE *out);

/* One JSON object and a newline. 0 or negative errno. */
WUR int host_print_json(const struct host_report *r, FILE *out);

#endif
