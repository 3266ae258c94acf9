/* host_isolation.c: what the host has to shut a monitor in with, and what it
 * has to do I/O with. Each is tried, in a child where trying leaves a mark. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* after the kernel's own headers, which define the same names */
#include <linux/if.h>
#include <linux/if_tun.h>

#include "base/cleanup.h"
#include "cli/host_probe.h"

#define ISOLATION "Isolation"
#define IO        "Input and output"

/* --- isolation ------------------------------------------------------------- */

static void add_landlock(struct host_report *r)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct host_check *c;

	if (abi > 0) {
		c = host_add(r, ISOLATION, "landlock", HOST_OK,
			     "Landlock, ABI version %ld", abi);
		(void)host_value(c, "%ld", abi);
		return;
	}
	c = host_add(r, ISOLATION, "landlock", HOST_MISSING, "no Landlock: %s",
		     strerror(errno));
	(void)host_mend(c, "boot with landlock first in lsm=, Linux 5.13 or "
			   "newer (CONFIG_SECURITY_LANDLOCK)");
}

static void add_seccomp(const struct host_fs *fs, struct host_report *r)
{
	const uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;
	char actions[96];
	struct host_check *c;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill_process) ==
	    0) {
		c = host_add(r, ISOLATION, "seccomp", HOST_OK,
			     "seccomp filters that end the process");
		if (host_read(fs, "/proc/sys/kernel/seccomp/actions_avail",
			      actions, sizeof(actions)) == 0)
			(void)host_value(c, "%s", actions);
		return;
	}
	c = host_add(r, ISOLATION, "seccomp", HOST_MISSING,
		     "no seccomp filters: %s", strerror(errno));
	(void)host_mend(c, "use a kernel with CONFIG_SECCOMP_FILTER");
}

/* 0, or the errno of unshare(CLONE_NEWUSER) in a child. */
static int try_user_namespace(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static void add_user_namespace(const struct host_fs *fs, struct host_report *r)
{
	static const char apparmor[] =
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
	int code = try_user_namespace();
	struct host_check *c;
	long long v;

	if (code == 0) {
		(void)host_add(r, ISOLATION, "user_namespaces", HOST_OK,
			       "user namespaces for this user");
		return;
	}
	c = host_add(r, ISOLATION, "user_namespaces", HOST_MISSING,
		     "no user namespaces: %s", strerror(code));
	if (host_read_number(fs, "/proc/sys/user/max_user_namespaces", &v) &&
	    v == 0)
		(void)host_mend(c, "sysctl user.max_user_namespaces=10000");
	else if (host_read_number(fs,
				  "/proc/sys/kernel/unprivileged_userns_clone",
				  &v) &&
		 v == 0)
		(void)host_mend(c, "sysctl kernel.unprivileged_userns_clone=1");
	else if (host_read_number(fs, apparmor, &v) && v == 1)
		(void)host_mend(c, "an AppArmor profile for mayfly, or sysctl "
				   "kernel.apparmor_restrict_unprivileged_"
				   "userns=0");
	else
		(void)host_mend(c, "in a container: allow unshare(2) in its "
				   "seccomp profile");
}

/* --- control groups -------------------------------------------------------- */

struct cgroups {
	bool v1, v2;
	bool memory, cpu, pids, io;
};

static void note_controllers(struct cgroups *g, const char *words)
{
	g->memory |= host_has_word(words, "memory");
	g->cpu |= host_has_word(words, "cpu");
	g->pids |= host_has_word(words, "pids");
	g->io |= host_has_word(words, "io") || host_has_word(words, "blkio");
}

static bool read_cgroups(const struct host_fs *fs, struct cgroups *g)
{
	char path[512], line[1024], list[256];
	FILE *f;

	*g = (struct cgroups){ 0 };
	(void)snprintf(path, sizeof(path), "%s/proc/self/mounts", fs->root);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		char dir[256], type[32], options[256];

		if (sscanf(line, "%*s %255s %31s %255s", dir, type, options) !=
		    3)
			continue;
		if (strcmp(type, "cgroup") == 0) {
			g->v1 = true;
			note_controllers(g, options);
		} else if (strcmp(type, "cgroup2") == 0) {
			g->v2 = true;
			(void)snprintf(path, sizeof(path),
				       "%s/cgroup.controllers", dir);
			(void)host_read(fs, path, list, sizeof(list));
			note_controllers(g, list);
		}
	}
	(void)fclose(f);
	return true;
}

static void add_cgroups(const struct host_fs *fs, struct host_report *r)
{
	const char *kind;
	struct host_check *c;
	struct cgroups g;

	if (!read_cgroups(fs, &g))
		return;
	if (!g.v1 && !g.v2) {
		c = host_add(r, ISOLATION, "cgroups", HOST_MISSING,
			     "no control groups are mounted");
		(void)host_mend(c, "mount -t cgroup2 none /sys/fs/cgroup");
		return;
	}
	kind = g.v1 && g.v2 ? "hybrid" : g.v2 ? "v2" : "v1";
	if (g.memory && g.cpu && g.pids && g.io) {
		c = host_add(r, ISOLATION, "cgroups", HOST_OK,
			     "control groups (%s) for memory, cpu, pids and io",
			     kind);
	} else {
		c = host_add(r, ISOLATION, "cgroups", HOST_MISSING,
			     "control groups (%s) without%s%s%s%s", kind,
			     g.memory ? "" : " memory", g.cpu ? "" : " cpu",
			     g.pids ? "" : " pids", g.io ? "" : " io");
		(void)host_mend(c, "add the names to cgroup.subtree_control of "
				   "the parent group");
	}
	(void)host_value(c, "%s", kind);
}

void host_probe_isolation(const struct host_fs *fs, struct host_report *r)
{
	add_landlock(r);
	add_seccomp(fs, r);
	add_user_namespace(fs, r);
	add_cgroups(fs, r);
}

/* --- input and output ------------------------------------------------------ */

/* A ring of `flags`, disabled; restricted to NOP and enabled. 0 or errno. */
static int try_ring(unsigned flags)
{
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED | flags };
	struct io_uring_restriction only = {
		.opcode = IORING_RESTRICTION_SQE_OP,
		.sqe_op = IORING_OP_NOP,
	};
	AUTO_FD fd = (int)syscall(SYS_io_uring_setup, 4, &p);

	if (fd < 0)
		return errno;
	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_RESTRICTIONS,
		    &only, 1) < 0 ||
	    syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS,
		    NULL, 0) < 0)
		return errno;
	return 0;
}

static void add_io_uring(const struct host_fs *fs, struct host_report *r)
{
	int plain = try_ring(0);
	struct host_check *c;
	long long disabled;

	if (plain == 0 && try_ring(IORING_SETUP_SINGLE_ISSUER |
				   IORING_SETUP_DEFER_TASKRUN) == 0) {
		c = host_add(r, IO, "io_uring", HOST_OK,
			     "io_uring, with restrictions and deferred task "
			     "work");
		(void)host_value(c, "full");
		return;
	}
	if (plain == 0) {
		c = host_add(r, IO, "io_uring", HOST_SLOW,
			     "io_uring, without deferred task work");
		(void)host_value(c, "plain");
		(void)host_mend(c, "use Linux 6.1 or newer");
		return;
	}
	c = host_add(r, IO, "io_uring", HOST_SLOW,
		     "no io_uring (%s): devices use poll", strerror(plain));
	(void)host_value(c, "none");
	if (host_read_number(fs, "/proc/sys/kernel/io_uring_disabled",
			     &disabled) &&
	    disabled > 0)
		(void)host_mend(
			c, disabled == 1 ? "sysctl kernel.io_uring_disabled=0, "
					   "or join its io_uring_group"
					 : "sysctl kernel.io_uring_disabled=0");
	else if (plain == ENOSYS || plain == EINVAL)
		(void)host_mend(c, "use Linux 5.10 or newer, with "
				   "CONFIG_IO_URING");
	else
		(void)host_mend(c, "in a container: allow io_uring_setup, "
				   "io_uring_register and io_uring_enter in "
				   "its seccomp profile");
}

static bool may_admin_net(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].effective & (1U << CAP_NET_ADMIN));
}

static void add_tap(struct host_report *r)
{
	AUTO_FD fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct host_check *c;
	unsigned features = 0;

	if (fd < 0) {
		int code = errno;

		c = host_add(r, IO, "tap", HOST_MISSING,
			     "no tap networking: /dev/net/tun: %s",
			     strerror(code));
		if (code == ENOENT)
			(void)host_mend(c, "as root: modprobe tun; in a "
					   "container: --device /dev/net/tun");
		else
			(void)host_mend(c, "as root: chmod 666 /dev/net/tun");
		return;
	}
	if (ioctl(fd, TUNGETFEATURES, &features) < 0 ||
	    !(features & IFF_VNET_HDR)) {
		c = host_add(r, IO, "tap", HOST_SLOW,
			     "taps without offloads (IFF_VNET_HDR)");
		(void)host_mend(c, "use Linux 6.1 or newer");
		return;
	}
	if (may_admin_net()) {
		c = host_add(r, IO, "tap", HOST_OK,
			     "taps, which this user may create");
		(void)host_value(c, "create");
	} else {
		c = host_add(r, IO, "tap", HOST_OK,
			     "taps made for this user may be used");
		(void)host_value(c, "use");
		(void)host_mend(c, "to have one, as root: ip tuntap add mode "
				   "tap user USER name tap0");
	}
}

void host_probe_io(const struct host_fs *fs, struct host_report *r)
{
	add_io_uring(fs, r);
	add_tap(r);
}
