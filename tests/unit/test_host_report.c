/* test_host_report.c: what mayfly check prints, and what it reads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/host_probe.h"
#include "cli/host_report.h"

static struct host_report report;
static char text[65536];

static const char *printed(int (*print)(const struct host_report *, FILE *))
{
	FILE *f = fmemopen(text, sizeof(text), "w");

	cr_assert_not_null(f);
	cr_assert_eq(print(&report, f), 0);
	fclose(f);
	return text;
}

static const struct host_check *find(const char *id)
{
	for (unsigned i = 0; i < report.n; i++)
		if (strcmp(report.check[i].id, id) == 0)
			return &report.check[i];
	return NULL;
}

/* --- printing -------------------------------------------------------------- */

Test(host_report, lines_under_headings, .timeout = 10)
{
	struct host_check *c;

	(void)host_add(&report, "KVM", "kvm.a", HOST_OK, "opens, version %d",
		       12);
	c = host_add(&report, "KVM", "kvm.b", HOST_SLOW, "crawls");
	(void)host_mend(c, "run");
	c = host_add(&report, "Memory", "mem.c", HOST_OK, "enough");
	(void)host_mend(c, "buy more");
	(void)host_add(&report, "Memory", "mem.d", HOST_MISSING, "no swap");
	cr_assert_str_eq(printed(host_print),
			 "KVM\n"
			 "  ok       opens, version 12\n"
			 "  slow     crawls; to mend: run\n"
			 "\n"
			 "Memory\n"
			 "  ok       enough; hint: buy more\n"
			 "  missing  no swap\n"
			 "\n"
			 "Guests can run here; 1 slow, 1 missing.\n");
	cr_assert(host_can_run(&report));
	cr_assert_eq(host_overall(&report), HOST_SLOW);
}

Test(host_report, required_and_missing_is_a_no, .timeout = 10)
{
	struct host_check *c = host_add(&report, "KVM", "kvm.a", HOST_MISSING,
					"there is no /dev/kvm");

	cr_assert(host_can_run(&report));
	c->required = true;
	cr_assert_not(host_can_run(&report));
	cr_assert_eq(host_overall(&report), HOST_MISSING);
	cr_assert(strstr(printed(host_print), "No guest can run here yet."));
	c->status = HOST_OK;
	cr_assert(host_can_run(&report));
	cr_assert_eq(host_overall(&report), HOST_OK);
	cr_assert(strstr(printed(host_print), "\nGuests can run here.\n"));
}

Test(host_report, json_has_all_of_it, .timeout = 10)
{
	struct host_check *c = host_add(&report, "KVM", "kvm.a", HOST_SLOW,
					"quote \" and tab \t");
	json_t *root, *check;

	c->required = true;
	(void)host_value(c, "12");
	(void)host_mend(c, "do this");
	c = host_add(&report, "KVM", "kvm.b", HOST_OK, "fine");
	(void)host_value(c, "12 monkeys");
	(void)host_add(&report, "KVM", "kvm.c", HOST_OK, "plain");

	root = json_loads(printed(host_print_json), 0, NULL);
	cr_assert_not_null(root);
	cr_assert(json_is_true(json_object_get(root, "can_run")));
	cr_assert_str_eq(json_string_value(json_object_get(root, "overall")),
			 "slow");
	cr_assert_str_eq(json_string_value(json_object_get(root, "version")),
			 MAYFLY_VERSION);
	check = json_array_get(json_object_get(root, "checks"), 0);
	cr_assert_str_eq(json_string_value(json_object_get(check, "id")),
			 "kvm.a");
	cr_assert_str_eq(json_string_value(json_object_get(check, "status")),
			 "slow");
	cr_assert_str_eq(json_string_value(json_object_get(check, "text")),
			 "quote \" and tab \t");
	cr_assert_str_eq(json_string_value(json_object_get(check, "mend")),
			 "do this");
	cr_assert(json_is_true(json_object_get(check, "required")));
	cr_assert_eq(json_integer_value(json_object_get(check, "value")), 12);
	check = json_array_get(json_object_get(root, "checks"), 1);
	cr_assert_str_eq(json_string_value(json_object_get(check, "value")),
			 "12 monkeys");
	cr_assert_null(json_object_get(check, "mend"));
	check = json_array_get(json_object_get(root, "checks"), 2);
	cr_assert(json_is_null(json_object_get(check, "value")));
	json_decref(root);
}

Test(host_report, an_empty_report_is_valid_json, .timeout = 10)
{
	json_t *root = json_loads(printed(host_print_json), 0, NULL);

	cr_assert_eq(json_array_size(json_object_get(root, "checks")), 0);
	json_decref(root);
}

Test(host_report, long_texts_are_cut, .timeout = 10)
{
	char big[2000];
	struct host_check *c;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	c = host_add(&report, "KVM", "kvm.a", HOST_OK, "%s", big);
	(void)host_value(c, "%s", big);
	(void)host_mend(c, "%s", big);
	cr_assert_eq(strlen(c->text), sizeof(c->text) - 1);
	cr_assert_eq(strlen(c->value), sizeof(c->value) - 1);
	cr_assert_eq(strlen(c->mend), sizeof(c->mend) - 1);
}

Test(host_report, a_full_device_is_an_error, .timeout = 10)
{
	FILE *f = fopen("/dev/full", "w");

	cr_assert_not_null(f);
	(void)host_add(&report, "KVM", "kvm.a", HOST_OK, "fine");
	cr_assert_eq(host_print(&report, f), -EIO);
	fclose(f);
	f = fopen("/dev/full", "w");
	cr_assert_eq(host_print_json(&report, f), -EIO);
	fclose(f);
}

Test(host_report, too_many_findings_are_a_bug, .signal = SIGABRT, .timeout = 10)
{
	for (int i = 0; i <= HOST_CHECKS_MAX; i++)
		(void)host_add(&report, "KVM", "kvm.a", HOST_OK, "fine");
}

/* --- reading --------------------------------------------------------------- */

/* A host made of files. */
static char root[64];

static void make_root(void)
{
	strcpy(root, "/tmp/test_host.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static void put(const char *path, const char *content)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	cr_assert_not_null(f, "%s", full);
	cr_assert_geq(fputs(content, f), 0);
	fclose(f);
}

static void remove_root(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", root);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(host_probe, .init = make_root, .fini = remove_root, .timeout = 20);

Test(host_probe, files_numbers_and_fields)
{
	struct host_fs fs = { root };
	char buf[8];
	long long v = 7;

	put("/a/number", "42\n");
	put("/a/words", "long enough to be cut\n");
	put("/a/info", "First:  1 kB\nSecond:   2 kB\nNone: x\n");
	put("/a/empty", "");
	cr_assert_eq(host_read(&fs, "/a/number", buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "42");
	cr_assert_eq(host_read(&fs, "/a/words", buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "long en");
	cr_assert_eq(host_read(&fs, "/a/empty", buf, sizeof(buf)), 0);
	cr_assert_str_eq(buf, "");
	cr_assert_eq(host_read(&fs, "/a/none", buf, sizeof(buf)), -ENOENT);
	cr_assert_eq(host_read(&fs, "/a", buf, sizeof(buf)), -EISDIR);
	cr_assert_str_eq(buf, "");
	cr_assert(host_read_number(&fs, "/a/number", &v));
	cr_assert_eq(v, 42);
	cr_assert(host_read_field(&fs, "/a/info", "First:", &v));
	cr_assert_eq(v, 1);
	cr_assert(host_read_field(&fs, "/a/info", "Second:", &v));
	cr_assert_eq(v, 2);
	cr_assert_not(host_read_field(&fs, "/a/info", "None:", &v));
	cr_assert_not(host_read_field(&fs, "/a/info", "Third:", &v));
	cr_assert_not(host_read_number(&fs, "/a/words", &v));
	cr_assert_not(host_read_number(&fs, "/a/empty", &v));
	cr_assert_eq(v, 2);
	cr_assert(host_exists(&fs, "/a"));
	cr_assert_not(host_exists(&fs, "/b"));
}

Test(host_probe, words)
{
	cr_assert(host_has_word("a vmx c", "vmx"));
	cr_assert(host_has_word("vmx", "vmx"));
	cr_assert(host_has_word("cpu,cpuacct", "cpu"));
	cr_assert_not(host_has_word("avmx vmxb", "vmx"));
	cr_assert_not(host_has_word("", "vmx"));
}

Test(host_probe, a_bare_host_is_no_trouble)
{
	struct host_fs fs = { root }; /* no /proc, no /sys */

	host_probe_kernel(&fs, &report);
	host_probe_memory(&fs, &report);
	host_probe_isolation(&fs, &report);
	host_probe_io(&fs, &report);
	host_probe_limits(&fs, &report);
	cr_assert_not_null(find("kernel.release"));
	cr_assert_null(find("memory.available"));
	cr_assert(host_can_run(&report)); /* none of it is required */
}

Test(host_probe, a_host_set_up_badly)
{
	struct host_fs fs = { root };

	put("/proc/cmdline", "quiet debugfs=on\n");
	put("/sys/kernel/debug/x", "");
	put("/sys/module/kvm/parameters/nx_huge_pages", "Y\n");
	put("/sys/module/kvm/parameters/halt_poll_ns", "200000\n");
	put("/sys/devices/system/cpu/vulnerabilities/itlb_multihit",
	    "Not affected\n");
	put("/sys/devices/system/cpu/smt/active", "1\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled",
	    "always madvise [never]\n");
	put("/sys/kernel/mm/ksm/run", "1\n");
	put("/proc/sys/vm/overcommit_memory", "2\n");
	put("/proc/meminfo", "MemAvailable:  1024 kB\nSwapTotal: 2048 kB\n"
			     "HugePages_Total: 4\nHugePages_Free: 3\n"
			     "Hugepagesize: 2048 kB\n");
	host_probe_kernel(&fs, &report);
	host_probe_memory(&fs, &report);
	cr_assert_eq(find("kernel.debugfs")->status, HOST_SLOW);
	cr_assert_eq(find("kvm.nx_huge_pages")->status, HOST_SLOW);
	cr_assert(strstr(find("kvm.halt_poll_ns")->mend, "200 us"));
	cr_assert_neq(find("cpu.smt")->mend[0], '\0');
	cr_assert_eq(find("memory.thp")->status, HOST_SLOW);
	cr_assert_str_eq(find("memory.thp")->value, "never");
	cr_assert_neq(find("memory.ksm")->mend[0], '\0');
	cr_assert_eq(find("memory.overcommit")->status, HOST_SLOW);
	cr_assert_eq(find("memory.available")->status, HOST_SLOW);
	cr_assert_str_eq(find("memory.available")->value, "1048576");
	cr_assert_str_eq(find("memory.huge_pages")->value, "3");
	cr_assert_eq(find("memory.huge_pages")->mend[0], '\0');
	cr_assert_str_eq(find("memory.swap")->value, "2097152");
}

Test(host_probe, a_host_set_up_well)
{
	struct host_fs fs = { root };

	put("/proc/cmdline", "quiet debugfs=off kvm.nx_huge_pages=never\n");
	put("/sys/kernel/debug/x", "");
	put("/sys/module/kvm/parameters/nx_huge_pages", "never\n");
	put("/sys/module/kvm/parameters/halt_poll_ns", "0\n");
	put("/sys/devices/system/cpu/smt/active", "0\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled",
	    "always [madvise] never\n");
	put("/sys/kernel/mm/ksm/run", "0\n");
	put("/proc/sys/vm/overcommit_memory", "0\n");
	put("/proc/meminfo", "MemAvailable:  1048576 kB\nSwapTotal: 0 kB\n");
	host_probe_kernel(&fs, &report);
	host_probe_memory(&fs, &report);
	for (unsigned i = 0; i < report.n; i++) {
		cr_expect_eq(report.check[i].status, HOST_OK, "%s",
			     report.check[i].text);
		cr_expect_eq(report.check[i].mend[0], '\0', "%s",
			     report.check[i].mend);
	}
	cr_assert_eq(host_overall(&report), HOST_OK);
}

Test(host_probe, a_cpu_with_the_bug_keeps_its_guard)
{
	struct host_fs fs = { root };

	put("/sys/module/kvm/parameters/nx_huge_pages", "Y\n");
	put("/sys/devices/system/cpu/vulnerabilities/itlb_multihit",
	    "KVM: Mitigation: Split huge pages\n");
	host_probe_kernel(&fs, &report);
	cr_assert_eq(find("kvm.nx_huge_pages")->status, HOST_OK);
}

Test(host_probe, control_groups_of_each_kind)
{
	struct host_fs fs = { root };
	const struct host_check *c;

	put("/proc/self/mounts", "cgroup2 /cg cgroup2 rw 0 0\n");
	put("/cg/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	host_probe_isolation(&fs, &report);
	c = find("cgroups");
	cr_assert_eq(c->status, HOST_OK, "%s", c->text);
	cr_assert_str_eq(c->value, "v2");

	report.n = 0;
	put("/proc/self/mounts", "cgroup /c/cpu cgroup rw,cpu,cpuacct 0 0\n"
				 "cgroup /c/m cgroup rw,memory 0 0\n"
				 "tmpfs /tmp tmpfs rw 0 0\n"
				 "cgroup2 /c/u cgroup2 rw 0 0\n");
	host_probe_isolation(&fs, &report);
	c = find("cgroups");
	cr_assert_eq(c->status, HOST_MISSING);
	cr_assert_str_eq(c->value, "hybrid");
	cr_assert_str_eq(c->text, "control groups (hybrid) without pids io");

	report.n = 0;
	put("/proc/self/mounts", "tmpfs /tmp tmpfs rw 0 0\n");
	host_probe_isolation(&fs, &report);
	cr_assert_eq(find("cgroups")->status, HOST_MISSING);
}

Test(host_probe, the_real_host_does_not_crash_it)
{
	static const struct host_fs real = { "" };

	host_probe(&real, &report);
	cr_assert_gt(report.n, 5);
	cr_assert_not_null(find("kvm.device"));
	(void)printed(host_print);
}
