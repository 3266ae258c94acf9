/* irq.c: local APIC (in xAPIC mode, through its page) and I/O APIC. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/irq.h"

#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/machine.h"
#include "kernel/wait.h"

#define MSR_TSC_DEADLINE 0x6e0

#define LAPIC_GPA     0xfee00000u
#define LAPIC_ID      0x020
#define LAPIC_EOI     0x0b0
#define LAPIC_SVR     0x0f0
#define LAPIC_TIMER   0x320
#define LAPIC_INITIAL 0x380
#define LAPIC_DIVIDE  0x3e0
#define SVR_ENABLE    0x100u
#define LVT_DEADLINE  (2u << 17)
#define DIVIDE_BY_16  3u

/* What KVM and QEMU count the timer with. */
#define LAPIC_TICKS_PER_US 1000u

#define IOAPIC_GPA(n) (0xfec00000u + (n)*0x10000u) /* as QEMU places more */
#define IOAPIC_PINS   24
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_RTE(n) (0x10 + 2 * (n))

static bool ready;
static enum { TIMER_UNKNOWN, TIMER_ONE_SHOT, TIMER_DEADLINE } timer;

static volatile uint32_t *reg(uint32_t gpa, uint32_t off)
{
	return phys_ptr((gpa_t)gpa + off);
}

static void init(void)
{
	if (ready)
		return;
	ready = true;
	*reg(LAPIC_GPA, LAPIC_SVR) = SVR_ENABLE | VEC_SPURIOUS;
}

void irq_route(unsigned gsi, unsigned bit)
{
	uint32_t gpa = IOAPIC_GPA(gsi / IOAPIC_PINS);
	uint32_t rte = IOAPIC_RTE(gsi % IOAPIC_PINS);
	uint32_t id;

	init();
	id = *reg(LAPIC_GPA, LAPIC_ID) >> 24;
	if (id) { /* the reset value is 0 */
		*reg(gpa, IOAPIC_SELECT) = rte + 1;
		*reg(gpa, IOAPIC_WINDOW) = id << 24;
	}
	*reg(gpa, IOAPIC_SELECT) = rte;
	*reg(gpa, IOAPIC_WINDOW) = VEC_IRQ + bit; /* fixed, edge, unmasked */
}

static struct waitq waiting[32];
static void (*handlers[32])(void);
static uint32_t handled;
static uint32_t seen; /* set and acknowledged, but not yet taken */
static uint64_t armed = UINT64_MAX;

void irq_wake(unsigned bit)
{
	waitq_wake(&waiting[bit], WAKE_ANY);
}

void irq_wait(unsigned bit, uint64_t until_ns)
{
	(void)waitq_sleep_deaf(&waiting[bit],
			       until_ns ? until_ns : WAIT_FOREVER);
}

/* One end for each bit: a vector may come again after it. Where the program
 * was interrupted its frame has been taken (entry.S). */
static void collect(void)
{
	uint32_t bits = 0;

	if (!kit_irq_word)
		return;
	__asm__ volatile("xchg %0, %1"
			 : "+r"(bits), "+m"(kit_irq_word)
			 :
			 : "memory");
	seen |= bits;
	if (bits & 1u << IRQ_TIMER)
		armed = UINT64_MAX;
	for (uint32_t b = bits; b; b &= b - 1)
		*reg(LAPIC_GPA, LAPIC_EOI) = 0;
	for (uint32_t b = bits; b; b &= b - 1)
		irq_wake((unsigned)__builtin_ctz(b));
}

uint32_t irq_take(uint32_t mask)
{
	uint32_t bits;

	collect();
	bits = seen & mask;
	seen &= ~mask;
	return bits;
}

void irq_on(unsigned bit, void (*fn)(void))
{
	handlers[bit] = fn;
	handled |= 1u << bit;
}

void irq_run(void)
{
	uint32_t bits = irq_take(handled);

	for (; bits; bits &= bits - 1)
		handlers[__builtin_ctz(bits)]();
}

/* The processor's word about the deadline mode is not enough: where CPUID is
 * not intercepted in ring 3 it speaks of the host. The register knows. */
static void timer_init(void)
{
	volatile uint32_t *lvt = reg(LAPIC_GPA, LAPIC_TIMER);

	if (timer != TIMER_UNKNOWN)
		return;
	timer = TIMER_ONE_SHOT;
	if (machine.features_ecx & CPUID_1_ECX_TSC_DEADLINE) {
		*lvt = (VEC_IRQ + IRQ_TIMER) | LVT_DEADLINE;
		full_barrier(); /* before the deadline: SDM 3, 10.5.4.1 */
		if (*lvt & LVT_DEADLINE) {
			timer = TIMER_DEADLINE;
			return;
		}
	}
	*reg(LAPIC_GPA, LAPIC_DIVIDE) = DIVIDE_BY_16;
	*lvt = VEC_IRQ + IRQ_TIMER;
}

uint64_t irq_armed(void)
{
	return armed;
}

/* Ticks of the TSC at which it is `until_ns`; 0: the timer that counts by
 * itself has been started. */
static uint64_t set_timer(uint64_t until_ns)
{
	uint64_t now, left;

	init();
	timer_init();
	now = clock_now();
	left = until_ns > now ? min_u64(until_ns - now, 60 * NS_PER_SEC) : 0;
	armed = now + left;
	if (timer == TIMER_DEADLINE)
		return rdtsc() + clock_tsc_from_ns(left);
	*reg(LAPIC_GPA, LAPIC_INITIAL) =
		(uint32_t)(left * LAPIC_TICKS_PER_US / 16000) + 1;
	return 0;
}

void irq_arm(uint64_t until_ns)
{
	uint64_t tsc = set_timer(until_ns);

	if (tsc)
		cpu_wrmsr(MSR_TSC_DEADLINE, tsc);
}

static void (*before_halt)(void);

void irq_before_halt(void (*fn)(void))
{
	before_halt = fn;
}

void irq_halt(uint64_t until_ns)
{
	init();
	if (before_halt)
		before_halt();
	cpu_halt(&kit_irq_word,
		 until_ns && until_ns < armed ? set_timer(until_ns) : 0);
}
