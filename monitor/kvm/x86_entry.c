/* x86_entry.c: a vCPU's state at its first instruction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "kvm/x86_cpuid.h"

/* Intel SDM volume 3, 2.5: control registers; AMD APM volume 2, 3.1.7 */
#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_PG (1ull << 31)

#define CR4_PAE        (1ull << 5)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_OSXSAVE    (1ull << 18)

#define EFER_SCE (1ull << 0)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)

#define MSR_MISC_ENABLE     0x1a0
#define MSR_MTRR_DEF_TYPE   0x2ff
#define MSR_STAR            0xc0000081
#define MSR_LSTAR           0xc0000082
#define MSR_FMASK           0xc0000084
#define MSR_KVM_WALL_CLOCK  0x4b564d00 /* KVM: cpuid.rst, msr.rst */
#define MSR_KVM_SYSTEM_TIME 0x4b564d01

#define MISC_ENABLE_FAST_STRINGS 1u
#define MTRR_ENABLE_WRITE_BACK   0x806u

#define RFLAGS_FIXED 0x2u
#define RFLAGS_IF    0x200u

#define SEG_CODE     0xb /* execute, read, accessed */
#define SEG_DATA     0x3 /* read, write, accessed */
#define SEG_TSS_BUSY 0xb

/* The x87 control word and MXCSR that the SysV ABI starts a program with. */
#define FCW_DEFAULT   0x37f
#define MXCSR_DEFAULT 0x1f80

#define XCR0_X87_SSE 0x3u
#define XCR0_AVX     0x4u
#define XCR0_AVX512  0xe0u

static struct kvm_segment flat(uint16_t selector, uint8_t type, bool code64)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.dpl = selector & 3,
		.l = code64,
		.db = !code64,
	};
}

static void set_data_segments(struct kvm_sregs *s, uint16_t selector)
{
	s->ds = s->es = s->fs = s->gs = s->ss = flat(selector, SEG_DATA, false);
}

static void set_tss(struct kvm_sregs *s, uint16_t selector, uint64_t base,
		    uint32_t limit)
{
	s->tr = (struct kvm_segment){
		.selector = selector,
		.base = base,
		.limit = limit,
		.type = SEG_TSS_BUSY,
		.present = 1,
	};
}

static int load(struct vcpu *c, const struct kvm_sregs *s,
		const struct kvm_regs *r, struct err *err)
{
	static const struct vcpu_msr msrs[] = {
		{ MSR_MISC_ENABLE, MISC_ENABLE_FAST_STRINGS },
		{ MSR_MTRR_DEF_TYPE, MTRR_ENABLE_WRITE_BACK },
	};
	int e;

	if (ioctl(c->fd, KVM_SET_SREGS, s))
		return err_set(err, -errno,
			       "KVM refuses the entry state (cr3 0x%llx, "
			       "cs 0x%x)",
			       (unsigned long long)s->cr3, s->cs.selector);
	if (ioctl(c->fd, KVM_SET_REGS, r))
		return err_set(err, -errno, "KVM registers of vCPU %u", c->id);
	e = vcpu_set_msrs(c, msrs, ARRAY_SIZE(msrs));
	if (e)
		return err_set(err, e, "KVM MSRs of vCPU %u", c->id);
	return 0;
}

static int get_sregs(const struct vcpu *c, struct kvm_sregs *s, struct err *err)
{
	if (ioctl(c->fd, KVM_GET_SREGS, s))
		return err_set(err, -errno, "KVM registers of vCPU %u", c->id);
	return 0;
}

int vcpu_enter_pvh(struct vcpu *c, uint64_t rip, uint64_t rbx, struct err *err)
{
	struct kvm_regs r = { .rip = rip, .rbx = rbx, .rflags = RFLAGS_FIXED };
	struct kvm_sregs s;
	int e = get_sregs(c, &s, err);

	if (e)
		return e;
	/* Xen docs/misc/pvh.pandoc: initial CPU state */
	s.cs = flat(0x8, SEG_CODE, false);
	set_data_segments(&s, 0x10);
	set_tss(&s, 0x18, 0, 0x67);
	s.cr0 = CR0_PE | CR0_ET;
	s.cr4 = 0;
	s.efer = 0;
	return load(c, &s, &r, err);
}

int vcpu_enter_linux64(struct vcpu *c, const struct vcpu_linux64 *e,
		       struct err *err)
{
	struct kvm_regs r = { .rip = e->rip,
			      .rsp = e->rsp,
			      .rsi = e->rsi,
			      .rflags = RFLAGS_FIXED };
	struct kvm_sregs s;
	int x = get_sregs(c, &s, err);

	if (x)
		return x;
	/* Linux Documentation/x86/boot.rst, "64-bit boot protocol" */
	s.cs = flat(0x10, SEG_CODE, true);
	set_data_segments(&s, 0x18);
	set_tss(&s, 0x20, 0, 0x67);
	s.gdt.base = e->gdt;
	s.gdt.limit = e->gdt_limit;
	s.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	s.cr3 = e->cr3;
	s.cr4 = CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;
	return load(c, &s, &r, err);
}

static int set_fpu(const struct vcpu *c, struct err *err)
{
	struct kvm_fpu fpu = { .fcw = FCW_DEFAULT, .mxcsr = MXCSR_DEFAULT };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	uint32_t can = cpuid_reg(c->cpuid, 0xd, 0, 0);

	if (ioctl(c->fd, KVM_SET_FPU, &fpu))
		return err_set(err, -errno, "KVM FPU of vCPU %u", c->id);
	if (!c->vm->has_xcrs || !cpuid_has(c->cpuid, 1, 0, 2, 26))
		return 0;
	xcrs.xcrs[0].value = XCR0_X87_SSE | (can & XCR0_AVX);
	if ((can & XCR0_AVX512) == XCR0_AVX512 && (can & XCR0_AVX))
		xcrs.xcrs[0].value |= XCR0_AVX512;
	if (ioctl(c->fd, KVM_SET_XCRS, &xcrs))
		return err_set(err, -errno, "KVM XCR0 of vCPU %u", c->id);
	return 0;
}

static int set_direct_msrs(const struct vcpu *c, const struct vcpu_direct *e,
			   struct err *err)
{
	struct vcpu_msr msrs[5] = {
		{ MSR_STAR, e->star },
		{ MSR_LSTAR, e->lstar },
		{ MSR_FMASK, e->fmask },
	};
	unsigned n = 3;
	int x;

	if (e->wall_clock_gpa)
		msrs[n++] = (struct vcpu_msr){ MSR_KVM_WALL_CLOCK,
					       e->wall_clock_gpa };
	if (e->clock_gpa)
		msrs[n++] = (struct vcpu_msr){ MSR_KVM_SYSTEM_TIME,
					       e->clock_gpa | 1 };
	x = vcpu_set_msrs(c, msrs, n);
	if (x)
		return err_set(err, x, "KVM MSRs of vCPU %u", c->id);
	return 0;
}

int vcpu_enter_direct(struct vcpu *c, const struct vcpu_direct *e,
		      struct err *err)
{
	const struct kvm_cpuid2 *cpuid = c->cpuid;
	struct kvm_regs r = { .rip = e->rip,
			      .rsp = e->rsp,
			      .rdi = e->rdi,
			      .rflags = RFLAGS_FIXED | RFLAGS_IF };
	struct kvm_sregs s;
	int x = get_sregs(c, &s, err);

	if (x)
		return x;
	s.cs = flat(e->cs, SEG_CODE, true);
	set_data_segments(&s, e->ss);
	set_tss(&s, e->tr, e->tss, e->tss_limit);
	s.gdt.base = e->gdt;
	s.gdt.limit = e->gdt_limit;
	s.idt.base = e->idt;
	s.idt.limit = e->idt_limit;
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	s.cr3 = e->cr3;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (cpuid_has(cpuid, 7, 0, 1, 0))
		s.cr4 |= CR4_FSGSBASE;
	if (cpuid_has(cpuid, 1, 0, 2, 26))
		s.cr4 |= CR4_OSXSAVE;
	s.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	x = load(c, &s, &r, err);
	if (!x)
		x = set_fpu(c, err);
	if (!x)
		x = set_direct_msrs(c, e, err);
	return x;
}
