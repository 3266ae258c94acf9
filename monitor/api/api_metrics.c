/* api_metrics.c: every counter, as Prometheus reads them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/api_router_priv.h"
#include "base/metrics.h"
#include "vmm/control.h"

static void print(FILE *f, const char *type, const char *name, const char *help,
		  uint64_t value)
{
	(void)fprintf(f,
		      "# HELP mayfly_%s %s\n"
		      "# TYPE mayfly_%s %s\n"
		      "mayfly_%s %llu\n",
		      name, help, name, type, name, (unsigned long long)value);
}

static void print_counter(FILE *f, const struct metric *m)
{
	print(f, "counter", m->name, m->help, metric_get(m));
}

static void print_work(FILE *f, struct machine_work w)
{
	print(f, "gauge", "in_flight_loop",
	      "operations of the event loop that have not ended", w.in_flight);
	print(f, "gauge", "in_flight_virtio",
	      "operations that a reset of their device would wait for",
	      w.requests);
}

void api_get_metrics(const struct api_env *env, const struct api_request *r,
		     struct api_answer *a)
{
	const struct metric *m;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)r;
	if (!f) {
		api_text(a, NULL, 0);
		return;
	}
	for (unsigned i = 0; (m = machine_counter(i)); i++)
		print_counter(f, m);
	for (unsigned i = 0; api_metrics[i]; i++)
		print_counter(f, api_metrics[i]);
	print_work(f, machine_work(env->machine));
	if (fclose(f)) {
		free(text);
		text = NULL;
	}
	api_text(a, text, len);
}
