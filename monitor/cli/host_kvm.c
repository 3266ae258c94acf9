/* host_kvm.c: KVM: is it there, may we use it, does a guest run, how fast. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <cpuid.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/host_probe.h"
#include "vmm/kvm_facts.h"

#define KVM        "KVM"
#define DEVICE     "/dev/kvm"
#define TIMEOUT_MS 3000

/* An interpreter needs hundreds of nanoseconds, a CPU less than one. */
#define NATIVE_PS 100000

/* Creating a VM or a vCPU: well above what any host needs */
#define SLOW_NS 3000000

struct cpu {
	bool vmx, svm, hypervisor;
};

static void cpu_ask(const struct host_fs *fs, struct cpu *c)
{
	unsigned a, b, ecx, d;
	char info[8192];
	const char *flags;

	*c = (struct cpu){ 0 };
	if (host_read(fs, "/proc/cpuinfo", info, sizeof(info)) == 0 &&
	    (flags = strstr(info, "\nflags")) != NULL) {
		info[(size_t)(flags - info) + 1 + strcspn(flags + 1, "\n")] =
			'\0';
		c->vmx = host_has_word(flags, "vmx");
		c->svm = host_has_word(flags, "svm");
		c->hypervisor = host_has_word(flags, "hypervisor");
		return;
	}
	if (__get_cpuid(1, &a, &b, &ecx, &d)) {
		c->vmx = ecx & (1U << 5);
		c->hypervisor = ecx & (1U << 31);
	}
	if (__get_cpuid(0x80000001, &a, &b, &ecx, &d))
		c->svm = ecx & (1U << 2);
}

static bool in_container(const struct host_fs *fs)
{
	return host_exists(fs, "/.dockerenv") ||
	       host_exists(fs, "/run/.containerenv");
}

/* --- the device ------------------------------------------------------------ */

static const char *user_name(char *buf, size_t len)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;

	(void)snprintf(buf, len, "USER");
	while (f && (pw = fgetpwent(f)) != NULL && pw->pw_uid != getuid())
		;
	if (pw)
		(void)snprintf(buf, len, "%s", pw->pw_name);
	if (f)
		(void)fclose(f);
	return buf;
}

static const char *group_name(gid_t gid, char *buf, size_t len)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *gr = NULL;

	(void)snprintf(buf, len, "%u", (unsigned)gid);
	while (f && (gr = fgetgrent(f)) != NULL && gr->gr_gid != gid)
		;
	if (gr)
		(void)snprintf(buf, len, "%s", gr->gr_name);
	if (f)
		(void)fclose(f);
	return buf;
}

static void mend_permission(struct host_check *c)
{
	char user[64], group[64];
	struct stat st;

	(void)user_name(user, sizeof(user));
	if (stat(DEVICE, &st) == 0 && st.st_gid != 0 &&
	    (st.st_mode & 060) == 060)
		(void)host_mend(
			c, "as root: usermod -aG %s %s, then log in anew",
			group_name(st.st_gid, group, sizeof(group)), user);
	else
		(void)host_mend(c,
				"as root: groupadd -f kvm && chgrp kvm " DEVICE
				" && chmod 660 " DEVICE
				" && usermod -aG kvm %s, then log in "
				"anew",
				user);
}

static void mend_absence(struct host_check *c, const struct host_fs *fs,
			 const struct cpu *cpu)
{
	if (in_container(fs))
		(void)host_mend(c, "start the container with --device " DEVICE);
	else if (host_exists(fs, "/sys/module/kvm"))
		(void)host_mend(c, "as root: mknod " DEVICE " c 10 232");
	else if (cpu->vmx || cpu->svm)
		(void)host_mend(c, "as root: modprobe %s",
				cpu->vmx ? "kvm_intel" : "kvm_amd");
	else if (cpu->hypervisor)
		(void)host_mend(c, "this machine is virtual itself: have its "
				   "provider turn nested virtualisation on, or "
				   "use a bare-metal one");
	else
		(void)host_mend(c, "turn VT-x (Intel) or SVM (AMD) on in the "
				   "firmware's set-up, then: modprobe "
				   "kvm_intel, or kvm_amd");
}

static void add_device(const struct host_fs *fs, struct host_report *r,
		       const struct kvm_probe *p, const struct cpu *cpu)
{
	struct host_check *c;

	if (p->step > KVM_PROBE_API) {
		c = host_add(r, KVM, "kvm.device", HOST_OK,
			     DEVICE " opens, API version %d", p->api);
		(void)host_value(c, "%d", p->api);
		c->required = true;
		return;
	}
	if (p->step == KVM_PROBE_API && p->code == -EPROTO) {
		c = host_add(r, KVM, "kvm.device", HOST_MISSING,
			     DEVICE " speaks API version %d, not %d", p->api,
			     p->api_want);
		(void)host_mend(c, "use Linux 6.1 or newer");
	} else if (p->code == -ENOENT || p->code == -ENOTDIR) {
		c = host_add(r, KVM, "kvm.device", HOST_MISSING,
			     "there is no " DEVICE);
		mend_absence(c, fs, cpu);
	} else if (p->code == -EACCES) {
		c = host_add(r, KVM, "kvm.device", HOST_MISSING,
			     DEVICE " is there, but not for this user");
		mend_permission(c);
	} else if (p->code == -EPERM) {
		c = host_add(r, KVM, "kvm.device", HOST_MISSING,
			     DEVICE " is there, but this control group may "
				    "not use it");
		(void)host_mend(c, "start the container with --device " DEVICE);
	} else {
		c = host_add(r, KVM, "kvm.device", HOST_MISSING,
			     DEVICE " does not work: %s", strerror(-p->code));
		mend_absence(c, fs, cpu);
	}
	c->required = true;
}

/* --- what it can do -------------------------------------------------------- */

static void add_caps(struct host_report *r, const struct kvm_probe *p,
		     bool required)
{
	char lacks[200] = "";
	unsigned n = 0, have = 0;
	struct host_check *c;

	for (unsigned i = 0; i < kvm_probe_n_caps; i++) {
		const struct kvm_probe_cap *cap = &kvm_probe_caps[i];
		size_t len = strlen(lacks);

		if (cap->required != required)
			continue;
		n++;
		have += p->cap[i] > 0;
		if (p->cap[i] <= 0)
			(void)snprintf(lacks + len, sizeof(lacks) - len,
				       "%s%s (%s)", len ? ", " : "", cap->name,
				       cap->use);
	}
	if (have == n)
		c = host_add(r, KVM,
			     required ? "kvm.capabilities"
				      : "kvm.capabilities.optional",
			     HOST_OK, "KVM has all %u capabilities mayfly %s",
			     n, required ? "needs" : "can use");
	else
		c = host_add(r, KVM,
			     required ? "kvm.capabilities"
				      : "kvm.capabilities.optional",
			     required ? HOST_MISSING : HOST_SLOW,
			     "KVM lacks %s", lacks);
	if (have < n)
		(void)host_mend(c, "use Linux 6.1 or newer");
	c->required = required;
	(void)host_value(c, "%u", have);
}

static void add_kind(const struct host_fs *fs, struct host_report *r,
		     const struct cpu *cpu)
{
	const char *ext = cpu->vmx ? "VT-x" : "AMD-V";
	struct host_check *c;

	if (cpu->vmx || cpu->svm) {
		if (!cpu->hypervisor) {
			c = host_add(r, KVM, "kvm.kind", HOST_OK,
				     "KVM with %s, on bare metal", ext);
			(void)host_value(c, "bare-metal");
			return;
		}
		c = host_add(r, KVM, "kvm.kind", HOST_SLOW,
			     "KVM with %s, nested in another virtual machine: "
			     "each exit costs several times as much",
			     ext);
		(void)host_value(c, "nested");
		(void)host_mend(c, "use a bare-metal host");
	} else if (host_exists(fs, "/sys/module/kvm_pvm")) {
		c = host_add(r, KVM, "kvm.kind", HOST_SLOW,
			     "KVM in software (kvm_pvm): no VT-x, no AMD-V");
		(void)host_value(c, "pvm");
		(void)host_mend(c, "use a host with VT-x or AMD-V");
	}
}

static void add_step(struct host_report *r, const struct kvm_probe *p,
		     enum kvm_probe_step step, const char *id, const char *what,
		     uint64_t ns)
{
	struct host_check *c;

	if (p->step < step)
		return;
	if (p->step == step) {
		c = host_add(r, KVM, id, HOST_MISSING, "creating %s: %s", what,
			     strerror(-p->code));
		(void)host_mend(c, "dmesg may say why; %s",
				p->code == -ENOMEM  ? "free some memory"
				: p->code == -EBUSY ? "end the other monitor "
						      "(VirtualBox, VMware)"
						    : "try a newer kernel");
	} else {
		c = host_add(r, KVM, id, ns > SLOW_NS ? HOST_SLOW : HOST_OK,
			     "creating %s takes %llu us", what,
			     (unsigned long long)(ns / 1000));
		(void)host_value(c, "%llu", (unsigned long long)ns);
		if (ns > SLOW_NS)
			(void)host_mend(c, "see huge pages and debugfs below");
	}
	c->required = true;
}

static void add_run(struct host_report *r, const struct kvm_probe *p)
{
	struct host_check *c;
	double insn_ns = (double)p->insn_ps / 1000;

	if (p->step < KVM_PROBE_RUN)
		return;
	if (p->step == KVM_PROBE_RUN) {
		if (p->exit_reason)
			c = host_add(r, KVM, "kvm.run", HOST_MISSING,
				     "a small guest ended with KVM exit reason "
				     "%u",
				     p->exit_reason);
		else
			c = host_add(r, KVM, "kvm.run", HOST_MISSING,
				     "a small guest does not run: %s",
				     strerror(-p->code));
		(void)host_mend(c, "dmesg may say why; try another kernel");
		c->required = true;
		return;
	}
	c = host_add(r, KVM, "kvm.run", HOST_OK,
		     "a small guest runs; an exit takes %.1f us",
		     (double)p->exit_ns / 1000);
	(void)host_value(c, "%llu", (unsigned long long)p->exit_ns);
	c->required = true;
	if (p->insn_ps < NATIVE_PS) {
		c = host_add(r, KVM, "kvm.ring0", HOST_OK,
			     "ring-0 guest code runs natively (%.1f ns an "
			     "instruction)",
			     insn_ns);
		(void)host_value(c, "native");
		return;
	}
	c = host_add(r, KVM, "kvm.ring0", HOST_SLOW,
		     "ring-0 guest code is interpreted (%.0f ns an "
		     "instruction): kernels crawl; programs, which run in "
		     "ring 3, do not",
		     insn_ns);
	(void)host_value(c, "interpreted");
	(void)host_mend(c, "run programs here, and kernels on a host with VT-x "
			   "or AMD-V");
}

static void add_vcpus(struct host_report *r, const struct kvm_probe *p)
{
	struct host_check *c = host_add(r, KVM, "kvm.vcpus", HOST_OK,
					"up to %d vCPUs a guest, %d advised",
					p->vcpus_max, p->vcpus_good);

	(void)host_value(c, "%d", p->vcpus_max);
}

void host_probe_kvm(const struct host_fs *fs, struct host_report *r)
{
	struct kvm_probe p = { 0 };
	struct err err = { 0 };
	struct host_check *c;
	struct cpu cpu;

	cpu_ask(fs, &cpu);
	if (kvm_probe(DEVICE, TIMEOUT_MS, &p, &err) < 0) {
		c = host_add(r, KVM, "kvm.device", HOST_MISSING,
			     "KVM cannot be tried: %s: %s", err.msg,
			     strerror(-err.code));
		c->required = true;
		return;
	}
	add_device(fs, r, &p, &cpu);
	if (p.step <= KVM_PROBE_API)
		return;
	add_kind(fs, r, &cpu);
	add_caps(r, &p, true);
	add_caps(r, &p, false);
	add_step(r, &p, KVM_PROBE_VM, "kvm.vm", "a VM", p.vm_ns);
	if (p.step == KVM_PROBE_MEMORY) /* not worth a line when it works */
		add_step(r, &p, p.step, "kvm.memory", "its memory", 0);
	add_step(r, &p, KVM_PROBE_VCPU, "kvm.vcpu", "a vCPU", p.vcpu_ns);
	add_run(r, &p);
	add_vcpus(r, &p);
}
