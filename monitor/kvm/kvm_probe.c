/* kvm_probe.c: see kvm_probe.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/kvm_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "kvm/x86_cpuid.h"

const struct kvm_probe_cap kvm_probe_caps[] = {
	{ "USER_MEMORY", "guest memory", KVM_CAP_USER_MEMORY, true },
	{ "IRQCHIP", "interrupt controllers", KVM_CAP_IRQCHIP, true },
	{ "SPLIT_IRQCHIP", "local APIC only", KVM_CAP_SPLIT_IRQCHIP, true },
	{ "SET_TSS_ADDR", "real mode on Intel", KVM_CAP_SET_TSS_ADDR, true },
	{ "EXT_CPUID", "CPU features", KVM_CAP_EXT_CPUID, true },
	{ "NR_MEMSLOTS", "memory regions", KVM_CAP_NR_MEMSLOTS, true },
	{ "MP_STATE", "vCPU start and halt", KVM_CAP_MP_STATE, true },
	{ "VCPU_EVENTS", "pending events", KVM_CAP_VCPU_EVENTS, true },
	{ "XSAVE", "SSE and AVX state", KVM_CAP_XSAVE, true },
	{ "XCRS", "AVX", KVM_CAP_XCRS, true },
	{ "SIGNAL_MSI", "device interrupts", KVM_CAP_SIGNAL_MSI, true },
	{ "IMMEDIATE_EXIT", "stopping a vCPU", KVM_CAP_IMMEDIATE_EXIT, true },
	{ "ADJUST_CLOCK", "the guest's clock", KVM_CAP_ADJUST_CLOCK, true },
	{ "TSC_DEADLINE_TIMER", "guest timers", KVM_CAP_TSC_DEADLINE_TIMER,
	  false },
	{ "GET_TSC_KHZ", "clock speed", KVM_CAP_GET_TSC_KHZ, false },
	{ "IOEVENTFD", "kicks without an exit", KVM_CAP_IOEVENTFD, false },
	{ "IRQFD", "interrupts by eventfd", KVM_CAP_IRQFD, false },
	{ "SYNC_REGS", "registers without calls", KVM_CAP_SYNC_REGS, false },
	{ "KVMCLOCK_CTRL", "pausing", KVM_CAP_KVMCLOCK_CTRL, false },
	{ "READONLY_MEM", "shared images", KVM_CAP_READONLY_MEM, false },
	{ "MANUAL_DIRTY_LOG_PROTECT2", "quick reset",
	  KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, false },
	{ "X2APIC_API", "more than 254 vCPUs", KVM_CAP_X2APIC_API, false },
	{ "HALT_POLL", "polling per guest", KVM_CAP_HALT_POLL, false },
};
const unsigned kvm_probe_n_caps = ARRAY_SIZE(kvm_probe_caps);
_Static_assert(ARRAY_SIZE(kvm_probe_caps) <= KVM_PROBE_CAPS,
	       "struct kvm_probe has a place for each");

#define GUEST_GPA   0x1000
#define GUEST_LOOPS 1000
#define GUEST_EXITS 64
#define GUEST_PORT  0x10

/* Twice the same: one exit to start the clock, then what is measured. */
static const uint8_t guest_code[] = {
	0xe6,
	GUEST_PORT, /* out %al, port */
	0xb9,
	GUEST_LOOPS & 0xff,
	GUEST_LOOPS >> 8, /* mov $LOOPS, %cx */
	0x49,             /* 1: dec %cx */
	0x75,
	0xfd, /* jnz 1b */
	0xe6,
	GUEST_PORT, /* 2: out %al, port */
	0xeb,
	0xfc, /* jmp 2b */
};
#define GUEST_INSNS (2 * GUEST_LOOPS + 1)

/* --- in the child ---------------------------------------------------------- */

static void ask(int kvm, struct kvm_probe *p)
{
	AUTO_FREE struct kvm_cpuid2 *cpuid = NULL;
	struct err err = { 0 };

	p->api = ioctl(kvm, KVM_GET_API_VERSION, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(kvm_probe_caps); i++)
		p->cap[i] =
			ioctl(kvm, KVM_CHECK_EXTENSION, kvm_probe_caps[i].id);
	p->vcpus_good = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	p->vcpus_max = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (!cpuid_alloc(&cpuid, &err) && !cpuid_ask(kvm, cpuid, &err))
		p->cpuid_entries = cpuid->nent;
}

/* One page with the code in it. The address of the TSS is for Intel, which
 * wants three pages for real mode somewhere out of the way. */
static int give_memory(int vm)
{
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = GUEST_GPA,
		.memory_size = 4096,
	};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	memcpy(page, guest_code, sizeof(guest_code));
	slot.userspace_addr = (uintptr_t)page;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return -errno;
	(void)ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL); /* AMD needs none */
	return 0;
}

static int set_entry(int vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = GUEST_GPA, .rflags = 2 };

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

/* Until the next write to the port. */
static int run_to_port(int vcpu, const struct kvm_run *run, struct kvm_probe *p)
{
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		return -errno;
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_PORT) {
		p->exit_reason = run->exit_reason;
		return -EIO;
	}
	return 0;
}

static int run_guest(int kvm, int vcpu, struct kvm_probe *p)
{
	int len = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run;
	uint64_t start;
	int rc;

	if (len < 0)
		return -errno;
	run = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		   0);
	if (run == MAP_FAILED)
		return -errno;
	rc = set_entry(vcpu);
	if (rc == 0)
		rc = run_to_port(vcpu, run, p);
	start = clock_mono_ns();
	if (rc == 0)
		rc = run_to_port(vcpu, run, p);
	p->insn_ps = clock_mono_ns() - start; /* and one exit: see below */
	start = clock_mono_ns();
	for (unsigned i = 0; i < GUEST_EXITS && rc == 0; i++)
		rc = run_to_port(vcpu, run, p);
	p->exit_ns = (clock_mono_ns() - start) / GUEST_EXITS;
	p->insn_ps = p->insn_ps > p->exit_ns ? p->insn_ps - p->exit_ns : 0;
	p->insn_ps = p->insn_ps * 1000 / GUEST_INSNS;
	return rc;
}

/* p->step is always the one that is being tried. */
static int try_all(const char *path, struct kvm_probe *p)
{
	int kvm, vm, vcpu, rc;
	uint64_t start;

	p->api_want = KVM_API_VERSION;
	p->step = KVM_PROBE_OPEN;
	kvm = open(path, O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return -errno;

	p->step = KVM_PROBE_API;
	ask(kvm, p);
	if (p->api != KVM_API_VERSION)
		return p->api < 0 ? -ENOTTY : -EPROTO;

	p->step = KVM_PROBE_VM;
	start = clock_mono_ns();
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return -errno;
	p->vm_ns = clock_mono_ns() - start;

	p->step = KVM_PROBE_MEMORY;
	rc = give_memory(vm);
	if (rc < 0)
		return rc;

	p->step = KVM_PROBE_VCPU;
	start = clock_mono_ns();
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return -errno;
	p->vcpu_ns = clock_mono_ns() - start;

	p->step = KVM_PROBE_RUN;
	rc = run_guest(kvm, vcpu, p);
	if (rc == 0)
		p->step = KVM_PROBE_DONE;
	return rc; /* the end of the process closes all */
}

/* --- in the caller --------------------------------------------------------- */

/* The child holds the other end of `fd` and says nothing: its end is the end
 * of the file. True when that came in time. */
static bool wait_hangup(int fd, unsigned timeout_ms)
{
	uint64_t end = clock_mono_ns() + timeout_ms * 1000000ULL;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		uint64_t now = clock_mono_ns();

		n = poll(&p, 1, now < end ? (int)((end - now) / 1000000) : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static int run_child(const char *path, unsigned timeout_ms,
		     struct kvm_probe *shared, struct err *err)
{
	AUTO_FD rd = -1;
	AUTO_FD wr = -1;
	int fds[2], status;
	bool ended;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "pipe");
	rd = fds[0];
	wr = fds[1];
	pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "fork");
	if (pid == 0) {
		shared->code = try_all(path, shared);
		_exit(0);
	}
	(void)close(take_fd(&wr));
	ended = wait_hangup(rd, timeout_ms);
	if (!ended)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended && shared->step != KVM_PROBE_DONE) {
		shared->timed_out = true;
		shared->code = -ETIMEDOUT;
	} else if (shared->code == 0 && shared->step != KVM_PROBE_DONE) {
		shared->code = -ECHILD; /* it died on the way */
	}
	return 0;
}

int kvm_probe(const char *path, unsigned timeout_ms,
	      struct kvm_probe *ret_probe, struct err *err)
{
	struct kvm_probe *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (shared == MAP_FAILED)
		return err_set(err, -errno, "map %zu bytes", sizeof(*shared));
	rc = run_child(path, timeout_ms, shared, err);
	if (rc == 0)
		*ret_probe = *shared;
	(void)munmap(shared, sizeof(*shared));
	return rc;
}
