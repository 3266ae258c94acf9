/* api_router.c: see api_router.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_router.h"

#include <stdbool.h>
#include <string.h>

#include "api/api_router_priv.h"
#include "base/attr.h"

static const struct route {
	const char *path;
	api_handler *handler;
	enum api_method method;
	bool body_optional; /* of PUT and PATCH; others have none */
} routes[] = {
	{ "", api_get_instance, API_GET, false },
	{ "version", api_get_version, API_GET, false },
	{ "vm/config", api_get_config, API_GET, false },
	{ "machine-config", api_get_machine_config, API_GET, false },
	{ "actions", api_put_action, API_PUT, false },
	{ "balloon", api_get_balloon, API_GET, false },
	{ "balloon", api_patch_balloon, API_PATCH, false },
	{ "balloon/statistics", api_get_stats, API_GET, false },
	{ "balloon/statistics", api_patch_stats, API_PATCH, false },
	{ "balloon/hinting/start", api_hint_start, API_PATCH, true },
	{ "balloon/hinting/stop", api_hint_stop, API_PATCH, true },
	{ "balloon/hinting/status", api_hint_status, API_GET, false },
	{ "mayfly/metrics", api_get_metrics, API_GET, false },
	{ "mayfly/ports", api_get_ports, API_GET, false },
};

/* What configures a machine before it runs: by the time somebody can ask,
 * ours does. By the first part of the path. */
static const struct {
	enum api_method method;
	const char *first;
} before_start[] = {
	{ API_PUT, "balloon" },        { API_PUT, "boot-source" },
	{ API_PUT, "cpu-config" },     { API_PUT, "drives" },
	{ API_PUT, "entropy" },        { API_PUT, "logger" },
	{ API_PUT, "machine-config" }, { API_PATCH, "machine-config" },
	{ API_PUT, "metrics" },        { API_PUT, "network-interfaces" },
	{ API_PUT, "pmem" },           { API_PUT, "serial" },
	{ API_PUT, "vsock" },
};

/* A path without the slashes around it. */
struct path {
	const char *s;
	size_t len, first; /* first: length of its first part */
};

static struct path path_of(const struct api_request *r)
{
	struct path p = { .s = r->path };

	while (*p.s == '/')
		p.s++;
	p.len = strlen(p.s);
	while (p.len > 0 && p.s[p.len - 1] == '/')
		p.len--;
	while (p.first < p.len && p.s[p.first] != '/')
		p.first++;
	return p;
}

static bool is(const char *name, const char *s, size_t len)
{
	return strlen(name) == len && memcmp(name, s, len) == 0;
}

void api_route(const struct api_env *env, const struct api_request *r,
	       struct api_answer *a)
{
	const struct path p = path_of(r);
	const bool has_body = r->method == API_PUT || r->method == API_PATCH;

	for (unsigned i = 0; i < ARRAY_SIZE(routes); i++) {
		const struct route *t = &routes[i];

		if (t->method != r->method || !is(t->path, p.s, p.len))
			continue;
		if (has_body && r->body_len == 0 && !t->body_optional)
			api_fault(a, "Empty %s request.",
				  api_method_names[r->method]);
		else
			t->handler(env, r, a);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(before_start); i++)
		if (before_start[i].method == r->method &&
		    is(before_start[i].first, p.s, p.first)) {
			api_fault(a, "The requested operation is not supported "
				     "after starting the microVM.");
			return;
		}
	api_fault(a, "Invalid request method and/or path: %s %.*s.",
		  api_method_names[r->method], (int)p.first, p.s);
}
