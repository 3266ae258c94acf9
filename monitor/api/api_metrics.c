/* api_metrics.c: every counter, as Prometheus reads them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/api_router_priv.h"
#include "base/metrics.h"
#include "vmm/control.h"

static void print(FILE *f, const struct metric *m)
{
	(void)fprintf(f,
		      "# HELP mayfly_%s %s\n"
		      "# TYPE mayfly_%s counter\n"
		      "mayfly_%s %llu\n",
		      m->name, m->help, m->name, m->name,
		      (unsigned long long)metric_get(m));
}

void api_get_metrics(const struct api_env *env, const struct api_request *r,
		     struct api_answer *a)
{
	const struct metric *m;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)env;
	(void)r;
	if (!f) {
		api_text(a, NULL, 0);
		return;
	}
	for (unsigned i = 0; (m = machine_counter(i)); i++)
		print(f, m);
	for (unsigned i = 0; api_metrics[i]; i++)
		print(f, api_metrics[i]);
	if (fclose(f)) {
		free(text);
		text = NULL;
	}
	api_text(a, text, len);
}
