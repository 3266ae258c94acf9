/* api_machine.c: what the machine is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/api_body.h"
#include "api/api_router_priv.h"
#include "vmm/machine.h"

#define MIB (1ull << 20)

void api_get_instance(const struct api_env *env, const struct api_request *r,
		      struct api_answer *a)
{
	(void)env;
	(void)r;
	/* whoever answers runs, and stops answering when it ends */
	api_json(a,
		 json_pack("{s:s, s:s, s:s, s:s}", "id", "anonymous-instance",
			   "state", "Running", "vmm_version", MAYFLY_VERSION,
			   "app_name", "mayfly"));
}

/* Our own version: it promises no more than what there is. */
void api_get_version(const struct api_env *env, const struct api_request *r,
		     struct api_answer *a)
{
	(void)env;
	(void)r;
	api_json(a, json_pack("{s:s}", "firecracker_version", MAYFLY_VERSION));
}

static json_t *machine_config(const struct api_env *env)
{
	return json_pack("{s:I, s:I, s:b, s:b, s:s}", "vcpu_count",
			 (json_int_t)env->n_cpus, "mem_size_mib",
			 (json_int_t)(env->mem_len / MIB), "smt", 0,
			 "track_dirty_pages", 0, "huge_pages", "None");
}

void api_get_machine_config(const struct api_env *env,
			    const struct api_request *r, struct api_answer *a)
{
	(void)r;
	api_json(a, machine_config(env));
}

static json_t *drives(const struct api_env *env)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < env->n_disks; i++) {
		const struct machine_disk *d = &env->disk[i];
		json_t *drive = json_pack(
			"{s:s, s:s, s:b, s:b, s:s, s:s, s:n, s:n, s:n}",
			"drive_id", d->id, "path_on_host", d->name,
			"is_root_device", 0, "is_read_only", d->read_only,
			"cache_type", "Writeback", "io_engine", "Async",
			"partuuid", "rate_limiter", "socket");

		(void)json_array_append_new(list, drive); /* checks for NULL */
	}
	return list;
}

void api_get_config(const struct api_env *env, const struct api_request *r,
		    struct api_answer *a)
{
	json_t *boot = json_pack("{s:s, s:s, s:s?}", "kernel_image_path",
				 env->image, "boot_args", env->boot_args,
				 "initrd_path", env->initrd);

	(void)r;
	api_json(a, json_pack("{s:o, s:o, s:o, s:o, s:{s:n}, s:[], s:[], s:n, "
			      "s:n, s:n, s:n, s:n, s:n}",
			      "balloon", api_balloon_json(env), "drives",
			      drives(env), "boot-source", boot,
			      "machine-config", machine_config(env), "entropy",
			      "rate_limiter", "network-interfaces", "pmem",
			      "cpu-config", "logger", "metrics", "mmds-config",
			      "vsock", "memory-hotplug"));
}

void api_put_action(const struct api_env *env, const struct api_request *r,
		    struct api_answer *a)
{
	struct api_string action;
	const struct api_field fields[] = {
		{ "action_type", API_STRING, true, &action },
	};

	(void)env;
	if (!api_body(r, fields, 1, a))
		return;
	if (strcmp(action.text, "InstanceStart") == 0)
		api_fault(a, "The requested operation is not supported after "
			     "starting the microVM.");
	else if (strcmp(action.text, "FlushMetrics") == 0)
		api_fault(a, "The requested operation is not supported: "
			     "metrics are read with GET /mayfly/metrics.");
	else if (strcmp(action.text, "SendCtrlAltDel") == 0)
		api_fault(a, "The requested operation is not supported: the "
			     "machine has no keyboard.");
	else
		api_fault(a,
			  "An error occurred when deserializing the json body "
			  "of a request: unknown variant `%s`, expected one of "
			  "`FlushMetrics`, `InstanceStart`, `SendCtrlAltDel`.",
			  action.text);
}
