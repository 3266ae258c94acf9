/* vcpu.c: see vcpu.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "kvm/vm.h"
#include "kvm/x86_cpuid.h"
#include "mem/gmem.h"

#define MSR_TSC      0x10
#define MSRS_AT_ONCE 16

/* struct kvm_msrs with room for entries */
struct msrs {
	uint32_t n, pad;
	struct kvm_msr_entry entry[MSRS_AT_ONCE];
};

_Static_assert(offsetof(struct msrs, entry) ==
		       offsetof(struct kvm_msrs, entries),
	       "KVM ABI");

const char *const vcpu_exit_names[VCPU_EXIT_KINDS] = {
	"interrupted", "mmio",      "pio",   "halt",      "eoi",     "shutdown",
	"internal",    "bad entry", "reset", "power off", "unknown",
};

const char *const vcpu_reg_names[VCPU_N_REGS] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8",
	"r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags",
};

int vcpu_init(struct vcpu *c, const struct vm *vm, unsigned id, struct err *err)
{
	void *run;
	int r;

	*c = (struct vcpu){ .vm = vm, .id = id };
	c->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (c->fd < 0)
		return err_set(err, -errno, "KVM create vCPU %u", id);
	run = mmap(NULL, vm->run_len, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd,
		   0);
	if (run == MAP_FAILED) {
		r = err_set(err, -errno, "map vCPU %u", id);
		(void)close(c->fd);
		return r;
	}
	c->run = run;
	return 0;
}

int vcpu_set_cpuid(struct vcpu *c, struct kvm_cpuid2 *table, unsigned n_cpus,
		   struct err *err)
{
	struct cpuid_topology t = {
		.apic_id = c->id,
		.n_cpus = n_cpus,
		.tsc_khz = vcpu_tsc_khz(c),
		.tsc_deadline = c->vm->has_tsc_deadline,
	};

	cpuid_adjust(table, &t);
	if (ioctl(c->fd, KVM_SET_CPUID2, table))
		return err_set(err, -errno, "KVM CPUID of vCPU %u", c->id);
	c->cpuid = table;
	return 0;
}

void vcpu_fini(struct vcpu *c)
{
	(void)munmap(c->run, c->vm->run_len);
	(void)close(c->fd);
}

static void decode_io(struct vcpu *c, struct vcpu_exit *x)
{
	struct kvm_run *run = c->run;

	if (x->reason == KVM_EXIT_MMIO) {
		x->kind = VCPU_EXIT_MMIO;
		x->gpa = run->mmio.phys_addr;
		x->is_write = run->mmio.is_write;
		x->size = run->mmio.len;
		x->count = 1;
		x->data = run->mmio.data;
		return;
	}
	x->kind = VCPU_EXIT_PIO;
	x->port = run->io.port;
	x->is_write = run->io.direction == KVM_EXIT_IO_OUT;
	x->size = run->io.size;
	x->count = run->io.count;
	x->data = (uint8_t *)run + run->io.data_offset;
}

static enum vcpu_exit_kind system_event(const struct kvm_run *run)
{
	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_RESET:
		return VCPU_EXIT_RESET;
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		return VCPU_EXIT_OFF;
	default:
		return VCPU_EXIT_SHUTDOWN;
	}
}

static void decode(struct vcpu *c, struct vcpu_exit *x)
{
	struct kvm_run *run = c->run;

	*x = (struct vcpu_exit){ .reason = run->exit_reason };
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
	case KVM_EXIT_IO:
		decode_io(c, x);
		break;
	case KVM_EXIT_HLT:
		x->kind = VCPU_EXIT_HLT;
		break;
	case KVM_EXIT_INTR:
		x->kind = VCPU_EXIT_INTR;
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
	case KVM_EXIT_IOAPIC_EOI:
		x->kind = VCPU_EXIT_EOI;
		break;
	case KVM_EXIT_SHUTDOWN:
		x->kind = VCPU_EXIT_SHUTDOWN;
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		x->kind = system_event(run);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		x->kind = VCPU_EXIT_INTERNAL;
		x->detail[0] = run->internal.suberror;
		break;
	case KVM_EXIT_FAIL_ENTRY:
		x->kind = VCPU_EXIT_ENTRY;
		x->detail[0] = run->fail_entry.hardware_entry_failure_reason;
		break;
	default:
		x->kind = VCPU_EXIT_UNKNOWN;
		x->detail[0] = run->hw.hardware_exit_reason;
		break;
	}
}

int vcpu_run(struct vcpu *c, struct vcpu_exit *ret_exit)
{
	if (ioctl(c->fd, KVM_RUN, 0) < 0) {
		if (errno == EINTR || errno == EAGAIN) {
			*ret_exit = (struct vcpu_exit){
				.kind = VCPU_EXIT_INTR,
				.reason = KVM_EXIT_INTR,
			};
			return 0;
		}
		if (errno != EFAULT)
			return -errno;
		/* a page of guest memory could not be had */
		*ret_exit = (struct vcpu_exit){
			.kind = VCPU_EXIT_UNKNOWN,
			.reason = c->run->exit_reason,
			.detail = { EFAULT },
		};
		return 0;
	}
	decode(c, ret_exit);
	return 0;
}

void vcpu_kick(struct vcpu *c, pthread_t t)
{
	/* the flag catches a thread that is just about to enter */
	__atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	(void)pthread_kill(t, VCPU_KICK_SIGNAL);
}

/* Reads up to `max` bytes at a guest-virtual address, page by page. */
static unsigned read_gva(const struct vcpu *c, const struct gmem *mem,
			 uint64_t gva, uint8_t *dst, unsigned max)
{
	unsigned n = 0;

	while (n < max) {
		struct kvm_translation tr = { .linear_address = gva + n };
		unsigned in_page = (unsigned)(PAGE_LEN - (gva + n) % PAGE_LEN);
		unsigned len = max - n < in_page ? max - n : in_page;

		if (ioctl(c->fd, KVM_TRANSLATE, &tr) || !tr.valid ||
		    gmem_read(mem, tr.physical_address, dst + n, len))
			break;
		n += len;
	}
	return n;
}

int vcpu_dump(const struct vcpu *c, const struct gmem *mem,
	      struct vcpu_dump *ret_dump)
{
	struct kvm_regs r;
	struct kvm_sregs s;

	if (ioctl(c->fd, KVM_GET_REGS, &r) || ioctl(c->fd, KVM_GET_SREGS, &s))
		return -errno;
	*ret_dump = (struct vcpu_dump){
		.reg = { r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp,
			 r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15,
			 r.rip, r.rflags },
		.cr0 = s.cr0,
		.cr2 = s.cr2,
		.cr3 = s.cr3,
		.cr4 = s.cr4,
		.efer = s.efer,
		.fs_base = s.fs.base,
		.gs_base = s.gs.base,
		.cs = s.cs.selector,
		.ss = s.ss.selector,
		.cpl = s.cs.dpl,
	};
	ret_dump->n_bytes = read_gva(c, mem, s.cs.base + r.rip, ret_dump->bytes,
				     sizeof(ret_dump->bytes));
	return 0;
}

int vcpu_tsc(const struct vcpu *c, uint64_t *ret_tsc)
{
	struct msrs m = { .n = 1, .entry[0].index = MSR_TSC };

	if (ioctl(c->fd, KVM_GET_MSRS, &m) != 1)
		return -EIO;
	*ret_tsc = m.entry[0].data;
	return 0;
}

uint32_t vcpu_tsc_khz(const struct vcpu *c)
{
	int khz = ioctl(c->fd, KVM_GET_TSC_KHZ, 0);

	return khz > 0 ? (uint32_t)khz : 0;
}

int vcpu_set_msrs(const struct vcpu *c, const struct vcpu_msr *msr, unsigned n)
{
	struct msrs m;

	while (n > 0) {
		unsigned some = n < MSRS_AT_ONCE ? n : MSRS_AT_ONCE;
		int done;

		memset(&m, 0, sizeof(m));
		m.n = some;
		for (unsigned i = 0; i < some; i++) {
			m.entry[i].index = msr[i].index;
			m.entry[i].data = msr[i].value;
		}
		done = ioctl(c->fd, KVM_SET_MSRS, &m);
		if (done < 0)
			return -errno;
		if ((unsigned)done < some) { /* refused: step over it */
			log_debug("kvm", "MSR 0x%x = 0x%llx refused, skipped",
				  msr[done].index,
				  (unsigned long long)msr[done].value);
			done++;
		}
		msr += done;
		n -= (unsigned)done;
	}
	return 0;
}
