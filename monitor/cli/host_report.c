/* host_report.c: see host_report.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/host_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *const status_words[HOST_STATUSES] = { "ok", "slow",
							 "missing" };

struct host_check *host_add(struct host_report *r, const char *group,
			    const char *id, enum host_status status,
			    const char *text, ...)
{
	struct host_check *c = &r->check[r->n];
	va_list ap;

	CHECK(r->n < HOST_CHECKS_MAX);
	r->n++;
	*c = (struct host_check){ .id = id, .group = group, .status = status };
	va_start(ap, text);
	(void)vsnprintf(c->text, sizeof(c->text), text, ap);
	va_end(ap);
	return c;
}

struct host_check *host_value(struct host_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->value, sizeof(c->value), fmt, ap);
	va_end(ap);
	return c;
}

struct host_check *host_mend(struct host_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->mend, sizeof(c->mend), fmt, ap);
	va_end(ap);
	return c;
}

bool host_can_run(const struct host_report *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->check[i].required && r->check[i].status == HOST_MISSING)
			return false;
	return true;
}

enum host_status host_overall(const struct host_report *r)
{
	if (!host_can_run(r))
		return HOST_MISSING;
	for (unsigned i = 0; i < r->n; i++)
		if (r->check[i].status != HOST_OK)
			return HOST_SLOW;
	return HOST_OK;
}

static unsigned count(const struct host_report *r, enum host_status status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += r->check[i].status == status;
	return n;
}

int host_print(const struct host_report *r, FILE *out)
{
	const char *group = "";
	unsigned slow = count(r, HOST_SLOW), missing = count(r, HOST_MISSING);

	for (unsigned i = 0; i < r->n; i++) {
		const struct host_check *c = &r->check[i];

		if (strcmp(group, c->group) != 0) {
			(void)fprintf(out, "%s%s\n", i ? "\n" : "", c->group);
			group = c->group;
		}
		(void)fprintf(out, "  %-7s  %s%s%s\n", status_words[c->status],
			      c->text,
			      !c->mend[0]            ? ""
			      : c->status == HOST_OK ? "; hint: "
						     : "; to mend: ",
			      c->mend);
	}
	if (!host_can_run(r))
		(void)fprintf(out, "\nNo guest can run here yet.\n");
	else if (slow + missing > 0)
		(void)fprintf(out,
			      "\nGuests can run here; %u slow, %u missing.\n",
			      slow, missing);
	else
		(void)fprintf(out, "\nGuests can run here.\n");
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

/* A value of digits alone is a number. */
static json_t *value_json(const char *value)
{
	char *end;
	long long n;

	if (value[0] == '\0')
		return json_null();
	errno = 0;
	n = strtoll(value, &end, 10);
	if (*end == '\0' && errno == 0)
		return json_integer(n);
	return json_string(value);
}

static json_t *check_json(const struct host_check *c)
{
	return json_pack("{ss ss ss sb so ss ss*}", "id", c->id, "group",
			 c->group, "status", status_words[c->status],
			 "required", c->required, "value", value_json(c->value),
			 "text", c->text, "mend", c->mend[0] ? c->mend : NULL);
}

int host_print_json(const struct host_report *r, FILE *out)
{
	json_t *checks = json_array();
	json_t *root;
	int rc = checks ? 0 : -ENOMEM;

	for (unsigned i = 0; i < r->n && rc == 0; i++)
		if (json_array_append_new(checks, check_json(&r->check[i])))
			rc = -ENOMEM;
	root = json_pack("{ss sb ss so}", "version", MAYFLY_VERSION, "can_run",
			 host_can_run(r), "overall",
			 status_words[host_overall(r)], "checks", checks);
	if (!root)
		return -ENOMEM;
	if (rc == 0 && json_dumpf(root, out, JSON_INDENT(1)) < 0)
		rc = -EIO;
	json_decref(root);
	if (rc == 0 && (fputc('\n', out) == EOF || fflush(out) != 0))
		rc = -EIO;
	return rc;
}
