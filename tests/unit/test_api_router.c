/* test_api_router.c: requests and what they are answered with, on a machine
 * that is nothing but a balloon. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "api/api_answer.h"
#include "api/api_http.h"
#include "api/api_router.h"
#include "base/attr.h"
#include "tests/support/balloon_rig.h"
#include "virtio/mmio.h"
#include "vmm/machine_priv.h"

static struct machine machine;
static const struct machine_disk disk = { .id = "vda",
					  .name = "/a.img",
					  .read_only = true,
					  .rate = { .bytes = 1000 } };
static const struct machine_net net = { .name = "tap=tap0",
					.mac = { 2, 0, 0, 0, 0, 0xab },
					.mtu = 1500,
					.rate = { .ops = 50 } };
static const struct machine_balloon balloon = { .hinting = true,
						.reporting = true };
static const struct api_port ports[] = {
	{ "127.0.0.1:8080", 80, false },
	{ "[::1]:5353", 53, true },
};
static struct api_env env = {
	.machine = &machine,
	.mem_len = BLN_RAM,
	.n_cpus = 2,
	.image = "vmlinux",
	.boot_args = "quiet",
	.disk = &disk,
	.n_disks = 1,
	.net = &net,
	.n_nets = 1,
	.balloon = &balloon,
	.port = ports,
	.n_ports = 2,
};
static struct api_answer a;

static void up(void)
{
	bln_up();
	machine.balloon = bln.v;
	machine.cfg.loop = bln.loop;
}

static void down(void)
{
	api_answer_fini(&a);
	bln_down();
}

TestSuite(api_router, .init = up, .fini = down, .timeout = 20);

/* The body of the answer is in a.body. */
static unsigned ask(enum api_method method, const char *path, const char *body)
{
	static struct api_request r;

	r.method = method;
	(void)snprintf(r.path, sizeof(r.path), "%s", path);
	r.body = body;
	r.body_len = strlen(body);
	api_answer_fini(&a);
	loop_lock(bln.loop);
	api_route(&env, &r, &a);
	loop_unlock(bln.loop);
	return a.status;
}

/* A member of the answer; the test's until the next one. */
static json_t *member(const char *name)
{
	static json_t *o;

	json_decref(o);
	o = json_loadb(a.body, a.len, 0, NULL);
	cr_assert(o, "%.*s", (int)a.len, a.body);
	return json_object_get(o, name);
}

static bool faults_with(const char *part)
{
	const char *s = json_string_value(member("fault_message"));

	return a.status == 400 && s && strstr(s, part);
}

Test(api_router, what_the_machine_is)
{
	cr_expect_eq(ask(API_GET, "/", ""), 200);
	cr_expect_str_eq(json_string_value(member("state")), "Running");
	cr_expect_eq(ask(API_GET, "/version", ""), 200);
	cr_expect_str_eq(json_string_value(member("firecracker_version")),
			 MAYFLY_VERSION);
	cr_expect_eq(ask(API_GET, "/machine-config/", ""), 200);
	cr_expect_eq(json_integer_value(member("vcpu_count")), 2);
	cr_expect_eq(json_integer_value(member("mem_size_mib")), 8);
	cr_expect_str_eq(json_string_value(member("huge_pages")), "None");
	env.huge_pages = true;
	cr_expect_eq(ask(API_GET, "/machine-config", ""), 200);
	cr_expect_str_eq(json_string_value(member("huge_pages")),
			 "Transparent");
}

Test(api_router, the_whole_configuration)
{
	json_t *d;

	cr_expect_eq(ask(API_GET, "///vm/config", ""), 200);
	d = json_array_get(member("drives"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(d, "drive_id")),
			 "vda");
	cr_expect(json_is_true(json_object_get(d, "is_read_only")));
	d = json_object_get(d, "rate_limiter");
	cr_expect(json_is_null(json_object_get(d, "ops")));
	cr_expect_eq(json_integer_value(json_object_get(
			     json_object_get(d, "bandwidth"), "size")),
		     1000);
	d = json_array_get(member("network-interfaces"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(d, "host_dev_name")),
			 "tap0");
	cr_expect_str_eq(json_string_value(json_object_get(d, "guest_mac")),
			 "02:00:00:00:00:ab");
	d = json_object_get(json_object_get(d, "tx_rate_limiter"), "ops");
	cr_expect_eq(json_integer_value(json_object_get(d, "size")), 50);
	cr_expect(json_is_null(
		json_object_get(member("boot-source"), "initrd_path")));
	cr_expect(json_is_null(member("vsock")));
	env.vsock_cid = 7;
	env.vsock_path = "/v.sock";
	cr_expect_eq(ask(API_GET, "/vm/config", ""), 200);
	d = member("vsock");
	cr_expect_eq(json_integer_value(json_object_get(d, "guest_cid")), 7);
	cr_expect_str_eq(json_string_value(json_object_get(d, "uds_path")),
			 "/v.sock");
	cr_expect_eq(json_integer_value(
			     json_object_get(member("balloon"), "amount_mib")),
		     0);
	cr_expect_eq(json_integer_value(json_object_get(
			     member("machine-config"), "vcpu_count")),
		     2);
}

Test(api_router, the_balloon_is_resized)
{
	cr_expect_eq(ask(API_PATCH, "/balloon", "{\"amount_mib\": 3}"), 204);
	cr_expect_eq(a.len, 0);
	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_CONFIG), 768);
	cr_expect_eq(ask(API_GET, "/balloon", ""), 200);
	cr_expect_eq(json_integer_value(member("amount_mib")), 3);
	cr_expect(json_is_true(member("free_page_reporting")));
	cr_expect(json_is_false(member("deflate_on_oom")));
	cr_expect_eq(ask(API_PATCH, "/balloon", "{\"amount_mib\": 8}"), 400);
	cr_expect(faults_with("Requested memory should be less than 8MiB"));
	cr_expect_eq(ask(API_PATCH, "/balloon", "{\"amount_mib\":4294967295}"),
		     400);
	cr_expect_eq(vdriver_reg(bln.v, MMIO_REG_CONFIG), 768);
}

Test(api_router, statistics)
{
	const struct balloon_stat s = { le16_of(BALLOON_S_MEMFREE),
					le64_of(123) };
	const struct vdriver_buf b = { BLN_LIST, sizeof(s), false };

	cr_expect_eq(ask(API_GET, "/balloon/statistics", ""), 200);
	cr_expect_eq(json_integer_value(member("actual_pages")), 0);
	cr_expect_null(member("free_memory"));
	memcpy(bln_ram + BLN_LIST, &s, sizeof(s));
	bln_chain(BALLOON_STATS, &b, 1);
	vdriver_set_reg(bln.v, MMIO_REG_CONFIG + 4, 512);
	cr_expect_eq(ask(API_GET, "/balloon/statistics", ""), 200);
	cr_expect_eq(json_integer_value(member("free_memory")), 123);
	cr_expect_eq(json_integer_value(member("actual_mib")), 2);
	cr_expect_null(member("swap_in"));
	cr_expect_eq(ask(API_PATCH, "/balloon/statistics",
			 "{\"stats_polling_interval_s\": 7}"),
		     204);
	cr_expect_eq(ask(API_GET, "/balloon", ""), 200);
	cr_expect_eq(json_integer_value(member("stats_polling_interval_s")), 7);
	(void)ask(API_PATCH, "/balloon/statistics",
		  "{\"stats_polling_interval_s\": 0}");
	cr_expect(faults_with("cannot be enabled/disabled"));
	(void)ask(API_PATCH, "/balloon/statistics",
		  "{\"stats_polling_interval_s\": 65536}");
	cr_expect(faults_with("invalid value: integer `65536`, expected u16"));
}

Test(api_router, hints)
{
	cr_expect_eq(ask(API_GET, "/balloon/hinting/status", ""), 200);
	cr_expect_eq(json_integer_value(member("host_cmd")), 0);
	cr_expect(json_is_null(member("guest_cmd")));
	cr_expect_eq(ask(API_PATCH, "/balloon/hinting/start", ""), 204);
	cr_expect_eq(ask(API_GET, "/balloon/hinting/status", ""), 200);
	cr_expect_eq(json_integer_value(member("host_cmd")), 2);
	cr_expect_eq(ask(API_PATCH, "/balloon/hinting/start",
			 "{\"acknowledge_on_stop\": false}"),
		     204);
	cr_expect_eq(ask(API_PATCH, "/balloon/hinting/stop", ""), 204);
	cr_expect_eq(ask(API_GET, "/balloon/hinting/status", ""), 200);
	cr_expect_eq(json_integer_value(member("host_cmd")), 1);
	(void)ask(API_PATCH, "/balloon/hinting/start",
		  "{\"acknowledge_on_stop\": 1}");
	cr_expect(faults_with("invalid type: integer `1`"));
	vdriver_set_reg(bln.v, MMIO_REG_STATUS, 0);
	(void)ask(API_PATCH, "/balloon/hinting/start", "");
	cr_expect(faults_with("Device not activated yet."));
}

Test(api_router, a_machine_without_a_balloon)
{
	machine.balloon = NULL;
	env.balloon = NULL;
	(void)ask(API_GET, "/balloon", "");
	cr_expect(faults_with("No balloon device found."));
	(void)ask(API_GET, "/balloon/statistics", "");
	cr_expect(faults_with("No balloon device found."));
	(void)ask(API_GET, "/balloon/hinting/status", "");
	cr_expect(faults_with("No balloon device found."));
	(void)ask(API_PATCH, "/balloon/hinting/stop", "");
	cr_expect(faults_with("No balloon device found."));
	(void)ask(API_PATCH, "/balloon", "{\"amount_mib\": 1}");
	cr_expect(faults_with("No balloon device found."));
	(void)ask(API_PATCH, "/balloon/statistics",
		  "{\"stats_polling_interval_s\": 1}");
	cr_expect(faults_with("No balloon device found."));
	cr_expect_eq(ask(API_GET, "/vm/config", ""), 200);
	cr_expect(json_is_null(member("balloon")));
	env.balloon = &balloon;
}

Test(api_router, published_ports)
{
	cr_expect_eq(ask(API_GET, "/mayfly/ports", ""), 200);
	cr_expect(strstr(a.body, "\"host\":\"127.0.0.1:8080\"") ||
		  strstr(a.body, "\"host\": \"127.0.0.1:8080\""));
	cr_expect(strstr(a.body, "udp"));
	env.n_ports = 0;
	cr_expect_eq(ask(API_GET, "/mayfly/ports", ""), 200);
	cr_expect_null(strstr(a.body, "host"));
	env.n_ports = 2;
}

Test(api_router, every_counter_has_its_lines)
{
	unsigned lines = 0;

	cr_expect_eq(ask(API_GET, "/mayfly/metrics", ""), 200);
	cr_expect(strstr(a.type, "text/plain"));
	cr_expect(strstr(a.body, "\n# TYPE mayfly_requests_api counter\n"
				 "mayfly_requests_api "));
	cr_expect(strstr(a.body, "\nmayfly_inflated_bytes_balloon "));
	cr_expect(strstr(a.body, "\nmayfly_rx_frames_net "));
	cr_expect(strstr(a.body, "\nmayfly_throttled_virtio "));
	cr_expect(strstr(a.body, "\n# TYPE mayfly_in_flight_virtio gauge\n"
				 "mayfly_in_flight_virtio 0\n"));
	for (const char *s = a.body; *s; s++)
		lines += *s == '\n';
	cr_expect_eq(lines % 3, 0);
	cr_expect_null(strstr(a.body, "(null)"));
}

struct bad {
	enum api_method method;
	char path[40], body[48];
	char part[80]; /* of the fault */
};

ParameterizedTestParameters(api_router, refuses)
{
	static struct bad bad[] = {
		{ API_GET, "/nothing", "", "path: GET nothing." },
		{ API_PUT, "/unknown/x", "{}", "path: PUT unknown." },
		{ API_DELETE, "/balloon", "", "path: DELETE balloon." },
		{ API_GET, "/balloon/x", "", "path: GET balloon." },
		{ API_GET, "/balloonx", "", "path: GET balloonx." },
		{ API_GET, "/vm", "", "path: GET vm." },
		{ API_GET, "/v\xff\xc3/x", "", "path: GET v??." },
		{ API_PATCH, "/", "{}", "path: PATCH ." },
		{ API_PATCH, "/boot-source", "{}", "Invalid request method" },
		{ API_PUT, "/boot-source", "{}",
		  "not supported after starting the microVM." },
		{ API_PUT, "/drives/rootfs", "{}",
		  "not supported after starting the microVM." },
		{ API_PUT, "/balloon", "{}",
		  "not supported after starting the microVM." },
		{ API_PATCH, "/machine-config", "{}",
		  "not supported after starting the microVM." },
		{ API_PUT, "/actions", "", "Empty PUT request." },
		{ API_PATCH, "/balloon", "", "Empty PATCH request." },
		{ API_PUT, "/actions", "{\"action_type\":\"InstanceStart\"}",
		  "not supported after starting the microVM." },
		{ API_PUT, "/actions", "{\"action_type\":\"FlushMetrics\"}",
		  "GET /mayfly/metrics" },
		{ API_PUT, "/actions", "{\"action_type\":\"SendCtrlAltDel\"}",
		  "no keyboard" },
		{ API_PUT, "/actions", "{\"action_type\":\"x\"}",
		  "unknown variant `x`" },
		{ API_PUT, "/actions", "{\"action_type\":5}",
		  "invalid type: integer `5`, expected a string" },
		{ API_PATCH, "/balloon", "{\"vcpu_count\": 2}",
		  "unknown field `vcpu_count`, expected `amount_mib`" },
		{ API_PATCH, "/balloon", "{}",
		  "missing field `amount_mib` at line 1 column 2." },
		{ API_PATCH, "/balloon", "{\n \n}",
		  "missing field `amount_mib` at line 3 column 1." },
		{ API_PATCH, "/balloon", "{\"amount_mib\": \"1\"}",
		  "invalid type: string \"1\", expected u32" },
		{ API_PATCH, "/balloon", "{\"\xc3\xa9\": 1}", "`??`" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": 1.0}",
		  "invalid type: floating point" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": null}",
		  "invalid type: null" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": true}",
		  "invalid type: boolean `true`" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": {}}",
		  "invalid type: map" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": []}",
		  "invalid type: sequence" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": 4294967296}",
		  "invalid value: integer `4294967296`, expected u32" },
		{ API_PATCH, "/balloon", "{\"amount_mib\":1,\"amount_mib\":1}",
		  "duplicate" },
		{ API_PATCH, "/balloon", "[]", "invalid type: sequence" },
		{ API_PATCH, "/balloon", "5", "invalid type: integer `5`" },
		{ API_PATCH, "/balloon", "{\"amount_mib\": 1}x",
		  "deserializing the json body" },
		{ API_PATCH, "/balloon", "\xff", "line 1 column" },
		{ API_PATCH, "/balloon", "{\"\\u0000\": 1}", "line 1 column" },
	};

	return cr_make_param_array(struct bad, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad *b, api_router, refuses)
{
	cr_expect_eq(ask(b->method, b->path, b->body), 400, "%s", b->path);
	cr_expect(faults_with(b->part), "%s %s: %.*s", b->path, b->body,
		  (int)a.len, a.body);
}
