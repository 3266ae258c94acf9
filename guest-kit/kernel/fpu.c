/* fpu.c: XSAVE in its standard format, or FXSAVE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/fpu.h"

#include "kernel/cpu.h"
#include "kernel/machine.h"
#include "lib/string.h"

#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_XSAVE         0xd
#define XSAVEOPT            1u /* leaf 0xd, subleaf 1, eax */

/* What the monitor's entry and pvh.S may switch on. */
#define FEATURES_MAX 0xe7u

#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_MASK    0xffbfu /* where the area says 0: SDM 1, 11.6.6 */

struct area { /* as far as the kernel looks */
	uint16_t fcw, fsw;
	uint32_t pad[5];
	uint32_t mxcsr, mxcsr_mask;
	uint8_t registers[480];
	uint64_t features, compact, reserved[6];
};

static struct {
	uint32_t len; /* 0: not known yet */
	uint32_t features;
	uint32_t mxcsr_mask;
	bool opt;
} fpu;

static COLD void init(void)
{
	static LARGE struct area legacy __attribute__((aligned(64)));
	uint32_t low, high;

	__asm__ volatile("fxsave64 %0" : "=m"(legacy));
	fpu.mxcsr_mask = legacy.mxcsr_mask ? legacy.mxcsr_mask : MXCSR_MASK;
	fpu.len = FPU_LEGACY_LEN;
	if (!(machine.features_ecx & CPUID_1_ECX_OSXSAVE))
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	fpu.features = low & FEATURES_MAX;
	fpu.opt = cpuid(CPUID_XSAVE, 1).eax & XSAVEOPT;
	fpu.len += FPU_HEADER_LEN;
	for (unsigned i = 2; i < 32; i++) {
		struct cpuid_regs r;

		if (!(fpu.features >> i & 1))
			continue;
		r = cpuid(CPUID_XSAVE, i); /* length, offset */
		if (fpu.len < r.eax + r.ebx)
			fpu.len = r.eax + r.ebx;
	}
}

uint32_t fpu_len(void)
{
	if (!fpu.len)
		init();
	return fpu.len;
}

uint64_t fpu_features(void)
{
	(void)fpu_len();
	return fpu.features;
}

void fpu_save_whole(void *area)
{
	uint32_t features = (uint32_t)fpu_features();

	if (!features)
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
	else
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(features), "d"(0)
				 : "memory");
}

void fpu_save(void *area)
{
	uint32_t features = (uint32_t)fpu_features();

	if (!fpu.opt)
		fpu_save_whole(area);
	else
		__asm__ volatile("xsaveopt64 (%0)"
				 :
				 : "r"(area), "a"(features), "d"(0)
				 : "memory");
}

void fpu_load(const void *area)
{
	uint32_t features = (uint32_t)fpu_features();

	if (!features)
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
	else
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(area), "a"(features), "d"(0)
				 : "memory");
}

void fpu_reset(void)
{
	static LARGE struct area initial __attribute__((aligned(64)));

	initial.fcw = 0x37f;
	initial.mxcsr = MXCSR_DEFAULT;
	fpu_load(&initial);
}

bool fpu_check(void *p, uint64_t features)
{
	struct area *a = p;

	if (fpu_len() > FPU_LEGACY_LEN) {
		a->features &= features & fpu.features;
		if (a->compact)
			return false;
		memset(a->reserved, 0, sizeof(a->reserved));
	}
	if (a->mxcsr & ~fpu.mxcsr_mask)
		return false;
	return true;
}
