/* host_probe.c: reading the host's files; what its kernel, memory and limits
 * are set to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/host_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"

#define KERNEL "Kernel"
#define MEMORY "Memory"
#define LIMITS "Limits"

#define MEMLOCK_WANT 65536
#define MEM_FEW_KIB  262144LL

/* --- reading --------------------------------------------------------------- */

static int open_in(const struct host_fs *fs, const char *path)
{
	char full[512];
	int fd, n = snprintf(full, sizeof(full), "%s%s", fs->root, path);

	if (n < 0 || (size_t)n >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int host_read(const struct host_fs *fs, const char *path, char *buf, size_t len)
{
	AUTO_FD fd = open_in(fs, path);
	size_t have = 0;
	ssize_t n = 0;

	buf[0] = '\0';
	if (fd < 0)
		return fd;
	do {
		n = read(fd, buf + have, len - 1 - have);
		if (n > 0)
			have += (size_t)n;
	} while (n > 0 && have < len - 1);
	if (n < 0 && have == 0)
		return -errno;
	buf[have] = '\0';
	if (have > 0 && buf[have - 1] == '\n')
		buf[have - 1] = '\0';
	return 0;
}

bool host_exists(const struct host_fs *fs, const char *path)
{
	AUTO_FD fd = open_in(fs, path);

	return fd >= 0 || fd == -EACCES;
}

static bool parse_number(const char *s, long long *ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || errno != 0)
		return false;
	*ret = v;
	return true;
}

bool host_read_number(const struct host_fs *fs, const char *path,
		      long long *ret)
{
	char buf[64];

	return host_read(fs, path, buf, sizeof(buf)) == 0 &&
	       parse_number(buf, ret);
}

bool host_read_field(const struct host_fs *fs, const char *path,
		     const char *key, long long *ret)
{
	char buf[8192];
	const char *line = buf;
	size_t len = strlen(key);

	if (host_read(fs, path, buf, sizeof(buf)) < 0)
		return false;
	while (line) {
		if (strncmp(line, key, len) == 0)
			return parse_number(line + len, ret);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return false;
}

bool host_has_word(const char *text, const char *word)
{
	static const char between[] = " ,\t\n";
	size_t len = strlen(word);

	while (*text) {
		size_t n = strcspn(text, between);

		if (n == len && strncmp(text, word, len) == 0)
			return true;
		text += n;
		text += strspn(text, between);
	}
	return false;
}

/* --- the kernel ------------------------------------------------------------ */

static void add_release(struct host_report *r)
{
	struct utsname u;
	unsigned long major, minor = 0;
	struct host_check *c;
	char *end;

	if (uname(&u) < 0)
		return;
	major = strtoul(u.release, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, NULL, 10);
	if (major > 5 || (major == 5 && minor >= 10)) {
		c = host_add(r, KERNEL, "kernel.release", HOST_OK, "Linux %s",
			     u.release);
	} else {
		c = host_add(r, KERNEL, "kernel.release", HOST_SLOW,
			     "Linux %s is older than what mayfly is made for",
			     u.release);
		(void)host_mend(c, "use Linux 6.1 or newer");
	}
	(void)host_value(c, "%s", u.release);
}

static void add_halt_poll(const struct host_fs *fs, struct host_report *r)
{
	static const char path[] = "/sys/module/kvm/parameters/halt_poll_ns";
	struct host_check *c;
	long long ns;

	if (!host_read_number(fs, path, &ns))
		return;
	c = host_add(r, KERNEL, "kvm.halt_poll_ns", HOST_OK,
		     "a halting vCPU %s",
		     ns > 0 ? "is polled for first" : "sleeps at once");
	(void)host_value(c, "%lld", ns);
	if (ns > 0)
		(void)host_mend(c,
				"up to %lld us of CPU a halt is much with many "
				"idle guests: echo 0 > %s",
				ns / 1000, path);
}

/* The parameter matters on CPUs without the bug it works around. */
static void add_nx_huge_pages(const struct host_fs *fs, struct host_report *r)
{
	static const char path[] = "/sys/module/kvm/parameters/nx_huge_pages";
	char set[32], bug[128];
	struct host_check *c;

	if (host_read(fs, path, set, sizeof(set)) < 0)
		return;
	(void)host_read(fs,
			"/sys/devices/system/cpu/vulnerabilities/itlb_multihit",
			bug, sizeof(bug));
	if (strcmp(set, "never") == 0) {
		c = host_add(r, KERNEL, "kvm.nx_huge_pages", HOST_OK,
			     "KVM starts no page-splitting thread for a VM");
	} else if (strcmp(set, "N") == 0) {
		c = host_add(r, KERNEL, "kvm.nx_huge_pages", HOST_OK,
			     "KVM keeps huge pages whole");
		(void)host_mend(c, "kvm.nx_huge_pages=never at boot also "
				   "saves a thread for each VM");
	} else if (strcmp(bug, "Not affected") != 0) {
		c = host_add(r, KERNEL, "kvm.nx_huge_pages", HOST_OK,
			     "KVM guards against iTLB multihit (%s)", set);
	} else {
		c = host_add(r, KERNEL, "kvm.nx_huge_pages", HOST_SLOW,
			     "KVM starts a thread for each VM against a bug "
			     "this CPU does not have");
		(void)host_mend(c, "boot with kvm.nx_huge_pages=never");
	}
	(void)host_value(c, "%s", set);
}

static void add_debugfs(const struct host_fs *fs, struct host_report *r)
{
	char cmdline[4096];
	struct host_check *c;

	if (host_read(fs, "/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return;
	if (host_has_word(cmdline, "debugfs=off") ||
	    !host_exists(fs, "/sys/kernel/debug")) {
		(void)host_add(r, KERNEL, "kernel.debugfs", HOST_OK,
			       "KVM keeps no debugfs files for its VMs");
		return;
	}
	c = host_add(r, KERNEL, "kernel.debugfs", HOST_SLOW,
		     "KVM makes debugfs files for each VM: 55 KiB, and most of "
		     "the time creating one takes");
	(void)host_mend(c, "boot with debugfs=off");
}

static void add_smt(const struct host_fs *fs, struct host_report *r)
{
	static const char path[] = "/sys/devices/system/cpu/smt/active";
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct host_check *c;
	long long smt;

	c = host_add(r, KERNEL, "cpu.online", HOST_OK, "%ld CPU%s online", cpus,
		     cpus == 1 ? "" : "s");
	(void)host_value(c, "%ld", cpus);
	if (!host_read_number(fs, path, &smt))
		return;
	c = host_add(r, KERNEL, "cpu.smt", HOST_OK,
		     smt ? "CPUs are sibling threads of shared cores"
			 : "no CPU shares a core");
	(void)host_value(c, "%lld", smt);
	if (smt)
		(void)host_mend(c, "if guests must not spy on each other: echo "
				   "off > /sys/devices/system/cpu/smt/control");
}

void host_probe_kernel(const struct host_fs *fs, struct host_report *r)
{
	add_release(r);
	add_smt(fs, r);
	add_halt_poll(fs, r);
	add_nx_huge_pages(fs, r);
	add_debugfs(fs, r);
}

/* --- memory ---------------------------------------------------------------- */

#define MEMINFO "/proc/meminfo"

static void add_available(const struct host_fs *fs, struct host_report *r)
{
	struct host_check *c;
	long long kib;

	if (!host_read_field(fs, MEMINFO, "MemAvailable:", &kib))
		return;
	if (kib >= MEM_FEW_KIB) {
		c = host_add(r, MEMORY, "memory.available", HOST_OK,
			     "%lld MiB of memory available", kib / 1024);
	} else {
		c = host_add(r, MEMORY, "memory.available", HOST_SLOW,
			     "only %lld MiB of memory available", kib / 1024);
		(void)host_mend(c, "end something, or add memory");
	}
	(void)host_value(c, "%lld", kib * 1024);
}

static void add_huge_pages(const struct host_fs *fs, struct host_report *r)
{
	long long all, unused, kib = 2048;
	struct host_check *c;

	if (!host_read_field(fs, MEMINFO, "HugePages_Total:", &all) ||
	    !host_read_field(fs, MEMINFO, "HugePages_Free:", &unused))
		return;
	if (!host_read_field(fs, MEMINFO, "Hugepagesize:", &kib))
		kib = 2048;
	c = host_add(r, MEMORY, "memory.huge_pages", HOST_OK,
		     "%lld of %lld reserved huge pages free (%lld KiB each)",
		     unused, all, kib);
	(void)host_value(c, "%lld", unused);
	if (unused == 0)
		(void)host_mend(c, "if guests are to have some: sysctl "
				   "vm.nr_hugepages=N");
}

static void add_thp(const struct host_fs *fs, struct host_report *r)
{
	static const char path[] = "/sys/kernel/mm/transparent_hugepage/"
				   "enabled";
	struct host_check *c;
	char buf[128], *set;

	if (host_read(fs, path, buf, sizeof(buf)) < 0)
		return;
	set = strchr(buf, '['); /* always [madvise] never */
	if (!set)
		return;
	set++;
	set[strcspn(set, "]")] = '\0';
	if (strcmp(set, "never") == 0) {
		c = host_add(r, MEMORY, "memory.thp", HOST_SLOW,
			     "transparent huge pages are off");
		(void)host_mend(c, "echo madvise > %s", path);
	} else {
		c = host_add(r, MEMORY, "memory.thp", HOST_OK,
			     "transparent huge pages: %s", set);
	}
	(void)host_value(c, "%s", set);
}

static void add_ksm(const struct host_fs *fs, struct host_report *r)
{
	struct host_check *c;
	long long run;

	if (!host_read_number(fs, "/sys/kernel/mm/ksm/run", &run))
		return;
	c = host_add(r, MEMORY, "memory.ksm", HOST_OK,
		     run == 1 ? "same-page merging (KSM) is on"
			      : "same-page merging (KSM) is off");
	(void)host_value(c, "%lld", run);
	if (run == 1)
		(void)host_mend(c,
				"it lets guests guess each other's pages; "
				"to end it: echo 2 > /sys/kernel/mm/ksm/run");
}

static void add_swap(const struct host_fs *fs, struct host_report *r)
{
	struct host_check *c;
	long long kib, mode;

	if (host_read_field(fs, MEMINFO, "SwapTotal:", &kib)) {
		if (kib == 0)
			c = host_add(r, MEMORY, "memory.swap", HOST_OK,
				     "no swap");
		else
			c = host_add(r, MEMORY, "memory.swap", HOST_OK,
				     "%lld MiB of swap", kib / 1024);
		(void)host_value(c, "%lld", kib * 1024);
		if (kib > 0)
			(void)host_mend(c, "guest memory, secrets too, may be "
					   "written to disk; to prevent it: "
					   "swapoff -a");
	}
	if (host_read_number(fs, "/proc/sys/vm/overcommit_memory", &mode) &&
	    mode == 2) {
		c = host_add(r, MEMORY, "memory.overcommit", HOST_SLOW,
			     "memory must be free before it is asked for: "
			     "fewer guests fit");
		(void)host_value(c, "2");
		(void)host_mend(c, "sysctl vm.overcommit_memory=0");
	}
}

void host_probe_memory(const struct host_fs *fs, struct host_report *r)
{
	add_available(fs, r);
	add_huge_pages(fs, r);
	add_thp(fs, r);
	add_ksm(fs, r);
	add_swap(fs, r);
}

/* --- limits ---------------------------------------------------------------- */

static void add_limit(struct host_report *r, const char *id, int resource,
		      const char *what, rlim_t want, const char *flag)
{
	struct rlimit lim;
	struct host_check *c;

	if (getrlimit((__rlimit_resource_t)resource, &lim) < 0)
		return;
	if (lim.rlim_cur == RLIM_INFINITY) {
		(void)host_add(r, LIMITS, id, HOST_OK, "no limit on %s", what);
		return;
	}
	c = host_add(r, LIMITS, id, lim.rlim_cur < want ? HOST_SLOW : HOST_OK,
		     "up to %llu %s", (unsigned long long)lim.rlim_cur, what);
	(void)host_value(c, "%llu", (unsigned long long)lim.rlim_cur);
	if (lim.rlim_cur < want)
		(void)host_mend(c, "ulimit %s %llu", flag,
				(unsigned long long)want);
}

/* Older kernels charge the ring to it. */
static void add_memlock(struct host_report *r)
{
	struct rlimit lim;
	struct host_check *c;

	if (getrlimit(RLIMIT_MEMLOCK, &lim) < 0)
		return;
	if (lim.rlim_cur == RLIM_INFINITY) {
		(void)host_add(r, LIMITS, "limit.memlock", HOST_OK,
			       "no limit on locked memory");
		return;
	}
	c = host_add(r, LIMITS, "limit.memlock",
		     lim.rlim_cur < MEMLOCK_WANT ? HOST_SLOW : HOST_OK,
		     "up to %llu KiB of locked memory",
		     (unsigned long long)lim.rlim_cur / 1024);
	(void)host_value(c, "%llu", (unsigned long long)lim.rlim_cur);
	if (lim.rlim_cur < MEMLOCK_WANT)
		(void)host_mend(c, "ulimit -l %d", MEMLOCK_WANT / 1024);
}

void host_probe_limits(const struct host_fs *fs, struct host_report *r)
{
	(void)fs; /* these are the process's own */
	add_limit(r, "limit.nofile", RLIMIT_NOFILE, "open files", 1024, "-n");
	add_limit(r, "limit.nproc", RLIMIT_NPROC,
		  "processes and threads of this user", 256, "-u");
	add_memlock(r);
}

void host_probe(const struct host_fs *fs, struct host_report *r)
{
	host_probe_kvm(fs, r);
	host_probe_kernel(fs, r);
	host_probe_memory(fs, r);
	host_probe_io(fs, r);
	host_probe_isolation(fs, r);
	host_probe_limits(fs, r);
}
