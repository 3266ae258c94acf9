/* api_machine.c: what the machine is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
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
			 "track_dirty_pages", 0, "huge_pages",
			 env->huge_pages ? "Transparent" : "None");
}

void api_get_machine_config(const struct api_env *env,
			    const struct api_request *r, struct api_answer *a)
{
	(void)r;
	api_json(a, machine_config(env));
}

/* An average as a bucket that a second fills; null: no limit. */
static json_t *bucket(uint64_t rate, uint64_t burst)
{
	return rate ? json_pack("{s:I, s:I, s:o}", "size", (json_int_t)rate,
				"refill_time", (json_int_t)1000,
				"one_time_burst",
				burst ? json_integer((json_int_t)burst)
				      : json_null())
		    : json_null();
}

static json_t *limiter(const struct machine_rate *r)
{
	return r->bytes || r->ops
		       ? json_pack("{s:o, s:o}", "bandwidth",
				   bucket(r->bytes, r->bytes_burst), "ops",
				   bucket(r->ops, r->ops_burst))
		       : json_null();
}

static json_t *drives(const struct api_env *env)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < env->n_disks; i++) {
		const struct machine_disk *d = &env->disk[i];
		json_t *drive = json_pack(
			"{s:s, s:s, s:b, s:b, s:s, s:s, s:o, s:n, s:n}",
			"drive_id", d->id, "path_on_host", d->name,
			"is_root_device", 0, "is_read_only", d->read_only,
			"cache_type", "Writeback", "io_engine", "Async",
			"rate_limiter", limiter(&d->rate), "partuuid",
			"socket");

		(void)json_array_append_new(list, drive); /* checks for NULL */
	}
	return list;
}

static json_t *networks(const struct api_env *env)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < env->n_nets; i++) {
		const struct machine_net *n = &env->net[i];
		const bool tap = strncmp(n->name, "tap=", 4) == 0;
		char id[16], mac[18];

		(void)snprintf(id, sizeof(id), "net%u", i);
		(void)snprintf(mac, sizeof(mac),
			       "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0],
			       n->mac[1], n->mac[2], n->mac[3], n->mac[4],
			       n->mac[5]);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:i, s:o, s:o}",
					"iface_id", id, "host_dev_name",
					tap ? n->name + 4 : n->name,
					"guest_mac", mac, "mtu", (int)n->mtu,
					"rx_rate_limiter", limiter(&n->rate),
					"tx_rate_limiter", limiter(&n->rate)));
	}
	return list;
}

static json_t *vsock(const struct api_env *env)
{
	return env->vsock_cid ? json_pack("{s:I, s:s}", "guest_cid",
					  (json_int_t)env->vsock_cid,
					  "uds_path", env->vsock_path)
			      : json_null();
}

void api_get_config(const struct api_env *env, const struct api_request *r,
		    struct api_answer *a)
{
	json_t *boot = json_pack("{s:s, s:s, s:s?}", "kernel_image_path",
				 env->image, "boot_args", env->boot_args,
				 "initrd_path", env->initrd);

	(void)r;
	api_json(a,
		 json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:{s:n}, s:[], s:n, "
			   "s:n, s:n, s:n, s:n}",
			   "balloon", api_balloon_json(env), "drives",
			   drives(env), "boot-source", boot, "machine-config",
			   machine_config(env), "network-interfaces",
			   networks(env), "vsock", vsock(env), "entropy",
			   "rate_limiter", "pmem", "cpu-config", "logger",
			   "metrics", "mmds-config", "memory-hotplug"));
}

void api_get_ports(const struct api_env *env, const struct api_request *r,
		   struct api_answer *a)
{
	json_t *list = json_array();

	(void)r;
	for (unsigned i = 0; i < env->n_ports; i++) {
		const struct api_port *p = &env->port[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:i, s:s}", "host", p->host,
					"guest_port", (int)p->guest_port,
					"protocol", p->udp ? "udp" : "tcp"));
	}
	api_json(a, list);
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
