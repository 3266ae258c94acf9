/* proc_system.c: /proc and /sys about the machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/proc.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/entropy.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/thread.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/process.h"

static void fill_meminfo(struct text *t, uint32_t arg)
{
	static const char *const zero[] = {
		"Buffers:",   "Cached:",      "SwapCached:",   "Active:",
		"Inactive:",  "SwapTotal:",   "SwapFree:",     "Dirty:",
		"Writeback:", "AnonPages:",   "Mapped:",       "Shmem:",
		"Slab:",      "CommitLimit:", "Committed_AS:", "VmallocTotal:",
	};
	uint64_t total = page_count_total() * 4, left = page_count_free() * 4;

	(void)arg;
	text_add(t, "%-16s%8lu kB\n", "MemTotal:", total);
	text_add(t, "%-16s%8lu kB\n", "MemFree:", left);
	text_add(t, "%-16s%8lu kB\n", "MemAvailable:", left);
	for (unsigned i = 0; i < ARRAY_LEN(zero); i++)
		text_add(t, "%-16s%8u kB\n", zero[i], 0u);
	text_add(t, "HugePages_Total:       0\nHugePages_Free:        0\n"
		    "Hugepagesize:       2048 kB\n");
}

/* CPUID 1: edx, then ecx; as Linux names them; empty: none. */
static const char flag_names[] =
	"fpu vme de pse tsc msr pae mce cx8 apic . sep mtrr pge mca cmov pat "
	"pse36 pn clflush . dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe "
	"pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg "
	"fma cx16 xtpr pdcm . pcid dca sse4_1 sse4_2 x2apic movbe popcnt "
	"tsc_deadline_timer aes xsave . avx f16c rdrand hypervisor ";

static void fill_flags(struct text *t)
{
	const struct cpuid_regs c = cpuid(1, 0);
	uint64_t bits = c.edx | (uint64_t)c.ecx << 32;

	text_add(t, "flags\t\t:");
	for (const char *s = flag_names; *s; bits >>= 1) {
		uint64_t len = 0;

		while (s[len] != ' ')
			len++;
		if ((bits & 1) && *s != '.') {
			text_bytes(t, " ", 1);
			text_bytes(t, s, len);
		}
		s += len + 1;
	}
	text_add(t, "\n");
}

static void fill_cpuinfo(struct text *t, uint32_t arg)
{
	struct cpuid_regs c = cpuid(0, 0);
	uint32_t vendor[4] = { c.ebx, c.edx, c.ecx, 0 }, brand[13] = { 0 };
	uint32_t family, model;

	(void)arg;
	c = cpuid(1, 0);
	family = (c.eax >> 8 & 15) +
		 ((c.eax >> 8 & 15) == 15 ? c.eax >> 20 & 255 : 0);
	model = (c.eax >> 4 & 15) | (c.eax >> 12 & 0xf0);
	text_add(t,
		 "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\n"
		 "model\t\t: %u\n",
		 (const char *)vendor, family, model);
	for (unsigned i = 0; i < 3; i++) {
		const struct cpuid_regs b = cpuid(0x80000002u + i, 0);

		memcpy(&brand[4 * i],
		       (const uint32_t[]){ b.eax, b.ebx, b.ecx, b.edx }, 16);
	}
	text_add(t, "model name\t: %s\nstepping\t: %u\n", (const char *)brand,
		 c.eax & 15);
	text_add(t, "cpu MHz\t\t: %lu.000\n",
		 (uint64_t)(clock_tsc_from_ns(NS_PER_SEC) / 1000000));
	text_add(t, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n"
		    "cpu cores\t: 1\napicid\t\t: 0\nfpu\t\t: yes\n");
	fill_flags(t);
	text_add(t, "clflush size\t: 64\ncache_alignment\t: 64\n\n");
}

static uint64_t busy_ticks(void)
{
	return min_u64(thread_cpu_total_ns(), clock_now()) / (NS_PER_SEC / 100);
}

static void fill_uptime(struct text *t, uint32_t arg)
{
	uint64_t up = clock_now() / (NS_PER_SEC / 100);
	uint64_t idle = up - busy_ticks();

	(void)arg;
	text_add(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100,
		 idle % 100);
}

static void fill_loadavg(struct text *t, uint32_t arg)
{
	(void)arg;
	text_add(t, "0.00 0.00 0.00 1/%u %d\n", thread_count(), PROCESS_PID);
}

static void fill_stat(struct text *t, uint32_t arg)
{
	uint64_t busy = busy_ticks();
	uint64_t idle = clock_now() / (NS_PER_SEC / 100) - busy;

	(void)arg;
	text_add(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
	text_add(t, "cpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
	text_add(t,
		 "intr 0\nctxt 0\nbtime %lu\nprocesses 1\n"
		 "procs_running 1\nprocs_blocked 0\n",
		 (uint64_t)((clock_wall() - clock_now()) / NS_PER_SEC));
}

static void fill_version(struct text *t, uint32_t arg)
{
	(void)arg;
	text_add(t, "Linux version %s (mayfly) %s\n", PROCESS_RELEASE,
		 PROCESS_VERSION);
}

/* A random one, version 4 (RFC 9562). */
static void add_uuid(struct text *t, const uint8_t id[16])
{
	for (unsigned i = 0; i < 16; i++)
		text_add(t, "%s%02x",
			 i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			 (unsigned)(i == 6   ? (id[i] & 0x0f) | 0x40
				    : i == 8 ? (id[i] & 0x3f) | 0x80
					     : id[i]));
	text_add(t, "\n");
}

static void fill_uuid(struct text *t, uint32_t arg)
{
	uint8_t id[16];

	(void)arg;
	entropy_fill(id, sizeof(id));
	add_uuid(t, id);
}

static void fill_boot_id(struct text *t, uint32_t arg)
{
	static uint8_t id[16];
	static bool made;

	(void)arg;
	if (!made)
		entropy_fill(id, sizeof(id));
	made = true;
	add_uuid(t, id);
}

static const struct proc_entry sys_random[] = {
	PROC_FILE("uuid", fill_uuid),
	PROC_FILE("boot_id", fill_boot_id),
};

static const struct proc_entry sys_kernel[] = {
	PROC_TEXT("hostname", PROCESS_HOSTNAME),
	PROC_TEXT("osrelease", PROCESS_RELEASE),
	PROC_TEXT("ostype", "Linux"),
	PROC_TEXT("pid_max", "32768"),
	PROC_TEXT("threads-max", "16384"),
	PROC_TEXT("ngroups_max", "65536"),
	PROC_TEXT("cap_last_cap", "40"),
	PROC_DIR("random", sys_random),
};

static const struct proc_entry sys_vm[] = {
	PROC_TEXT("overcommit_memory", "1"),
	PROC_TEXT("max_map_count", "65530"),
};

static const struct proc_entry sys_fs[] = {
	PROC_TEXT("file-max", "4096"),
	PROC_TEXT("nr_open", "4096"),
	PROC_TEXT("pipe-max-size", "1048576"),
};

static const struct proc_entry sys_net_core[] = {
	PROC_TEXT("somaxconn", "4096"),
};

static const struct proc_entry sys_net[] = {
	PROC_DIR("core", sys_net_core),
};

static const struct proc_entry sys[] = {
	PROC_DIR("fs", sys_fs),
	PROC_DIR("kernel", sys_kernel),
	PROC_DIR("net", sys_net),
	PROC_DIR("vm", sys_vm),
};

const struct proc_entry proc_system[] = {
	PROC_SPECIAL("self", S_IFLNK | 0777, &proc_self_link),
	PROC_SPECIAL("thread-self", S_IFLNK | 0777, &proc_thread_link),
	PROC_FILE("meminfo", fill_meminfo),
	PROC_FILE("cpuinfo", fill_cpuinfo),
	PROC_FILE("uptime", fill_uptime),
	PROC_FILE("loadavg", fill_loadavg),
	PROC_FILE("stat", fill_stat),
	PROC_FILE("version", fill_version),
	PROC_TEXT("filesystems", "nodev\ttmpfs\nnodev\tproc\nnodev\tsysfs"),
	PROC_LINK("mounts", "self/mounts"),
	PROC_DIR("sys", sys),
};

const unsigned proc_system_n = ARRAY_LEN(proc_system);

static const struct proc_entry cpu[] = {
	PROC_TEXT("online", "0"),
	PROC_TEXT("possible", "0"),
	PROC_TEXT("present", "0"),
	{ .name = "cpu0", .mode = S_IFDIR | 0555 },
};

static const struct proc_entry system_dir[] = { PROC_DIR("cpu", cpu) };
static const struct proc_entry devices[] = { PROC_DIR("system", system_dir) };

static const struct proc_entry huge_pages[] = {
	PROC_TEXT("enabled", "always madvise [never]"),
	PROC_TEXT("hpage_pmd_size", "2097152"),
};

static const struct proc_entry mm[] = {
	PROC_DIR("transparent_hugepage", huge_pages),
};

static const struct proc_entry kernel[] = { PROC_DIR("mm", mm) };

static const struct proc_entry fs[] = {
	{ .name = "cgroup", .mode = S_IFDIR | 0555 },
};

const struct proc_entry proc_sysfs[] = {
	PROC_DIR("devices", devices),
	PROC_DIR("fs", fs),
	PROC_DIR("kernel", kernel),
};

const unsigned proc_sysfs_n = ARRAY_LEN(proc_sysfs);
