/* clock.c: kvmclock (the pvclock ABI) or the time-stamp counter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/machine.h"
#include "kernel/wait.h"

struct pvclock { /* 32 bytes */
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t multiplier;
	int8_t shift;
	uint8_t flags, pad2[2];
};

struct pvclock_wall {
	uint32_t version, sec, nsec;
};

/* boot/tables.S; written by the hypervisor. */
extern volatile struct pvclock kit_pvclock;
extern volatile struct pvclock_wall kit_wall_clock;

/* boot/vdso.S; read by the program. */
extern volatile struct vdso_data {
	uint64_t ready, wall_at_zero;
} kit_vdso_data;

static struct {
	bool ready, pv;
	uint64_t khz;
	uint64_t last;
	uint64_t wall_at_zero;
} clk;

#define LAPIC_GPA     0xfee00000u
#define LAPIC_SVR     0x0f0
#define LAPIC_TIMER   0x320
#define LAPIC_INITIAL 0x380
#define LAPIC_CURRENT 0x390
#define LAPIC_DIVIDE  0x3e0
#define TIMER_MASKED  (1u << 16)
#define DIVIDE_BY_1   0xbu

/* Against the local APIC's timer, which QEMU and KVM count at 1 GHz. */
static uint64_t measure_khz(void)
{
	volatile uint32_t *lapic = phys_ptr(LAPIC_GPA);
	const uint32_t span_ns = 2000000;
	uint64_t start;
	uint32_t first, now;

	lapic[LAPIC_SVR / 4] |= 0x100 | VEC_SPURIOUS;
	lapic[LAPIC_TIMER / 4] = TIMER_MASKED | (VEC_IRQ + 30);
	lapic[LAPIC_DIVIDE / 4] = DIVIDE_BY_1;
	lapic[LAPIC_INITIAL / 4] = ~0u;
	first = lapic[LAPIC_CURRENT / 4];
	start = rdtsc();
	do {
		now = lapic[LAPIC_CURRENT / 4];
	} while (first - now < span_ns);
	start = (rdtsc() - start) * 1000000 / (first - now);
	lapic[LAPIC_INITIAL / 4] = 0;
	return start;
}

static uint64_t find_khz(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	if (r.eax >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.eax && r.ebx && r.ecx)
			return (uint64_t)r.ecx * r.ebx / r.eax / 1000;
	}
	if (machine.features_ecx >> 31) {
		r = cpuid(0x40000000, 0);
		if (r.eax >= 0x40000010 && r.eax < 0x40010000) {
			r = cpuid(0x40000010, 0);
			if (r.eax)
				return r.eax;
		}
	}
	return measure_khz();
}

static uint64_t pv_now(void)
{
	uint64_t ns, delta;
	uint32_t version;

	do {
		version = kit_pvclock.version;
		compiler_barrier();
		delta = rdtsc() - kit_pvclock.tsc;
		if (kit_pvclock.shift < 0)
			delta >>= -kit_pvclock.shift;
		else
			delta <<= kit_pvclock.shift;
		ns = kit_pvclock.ns + (uint64_t)(((unsigned __int128)delta *
						  kit_pvclock.multiplier) >>
						 32);
		compiler_barrier();
	} while ((version & 1) || version != kit_pvclock.version);
	return ns;
}

static void init(void)
{
	uint32_t multiplier = kit_pvclock.multiplier;
	const int8_t shift = kit_pvclock.shift;

	clk.ready = true;
	clk.pv = kit_pvclock.version && multiplier;
	if (!clk.pv) {
		clk.khz = find_khz();
		return;
	}
	/* ns = (tsc << shift) * multiplier >> 32 */
	clk.khz = (1000000ull << 32) / multiplier;
	clk.khz = shift < 0 ? clk.khz << -shift : clk.khz >> shift;
	if (kit_wall_clock.version && !(kit_wall_clock.version & 1))
		clk.wall_at_zero =
			kit_wall_clock.sec * NS_PER_SEC + kit_wall_clock.nsec;
	kit_vdso_data.wall_at_zero = clk.wall_at_zero;
	kit_vdso_data.ready = 1;
}

uint64_t clock_now(void)
{
	uint64_t now;

	if (!clk.ready)
		init();
	if (clk.pv) {
		now = pv_now();
	} else {
		now = clock_ns_from_tsc(rdtsc() - machine.tsc_entry);
	}
	if (now < clk.last)
		now = clk.last;
	clk.last = now;
	return now;
}

uint64_t clock_wall(void)
{
	uint64_t now = clock_now();

	return clk.wall_at_zero + now;
}

uint64_t clock_from_wall(uint64_t wall_ns)
{
	if (!clk.ready)
		init();
	return wall_ns > clk.wall_at_zero ? wall_ns - clk.wall_at_zero : 0;
}

uint64_t clock_tsc_from_ns(uint64_t ns)
{
	if (!clk.ready)
		init();
	return ns / 1000000 * clk.khz + ns % 1000000 * clk.khz / 1000000;
}

uint64_t clock_ns_from_tsc(uint64_t tsc)
{
	if (!clk.ready)
		init();
	return tsc / clk.khz * 1000000 + tsc % clk.khz * 1000000 / clk.khz;
}

void clock_sleep_until(uint64_t until_ns)
{
	while (clock_now() < until_ns)
		(void)thread_sleep_deaf(until_ns);
}
