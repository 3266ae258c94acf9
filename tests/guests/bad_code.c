/* bad_code.c: a kernel in ring 0 that does what a processor, or KVM, cannot
 * bear. The word on the command line says what. Whatever comes of it is the
 * guest's end; an end with 0 says that it went well. */
/* SPDX-License-Identifier: Apache-2.0 */
#define BARE_RING 0
#include "bare_virtio.h"

#define RAM_END 0x4000000ull /* -m 64M */

extern uint64_t bare_pml4_page[] __asm__("bare_pml4");

static void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v),
			   "d"((uint32_t)(v >> 32)));
}

static void run_at(uint64_t gpa)
{
	((void (*)(void))gpa)();
}

static void sse(void)
{
	__asm__ volatile("pxor %xmm0, %xmm0\n\tmulps %xmm0, %xmm0");
}

static void x87(void)
{
	__asm__ volatile("fninit\n\tfld1\n\tfsqrt");
}

static void halt(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

static void spin(void)
{
	for (;;)
		;
}

static void run_device(void)
{
	run_at(BARE_DEVICES);
}

static void run_platform(void)
{
	run_at(PLATFORM_GPA);
}

static void run_lapic(void)
{
	run_at(BARE_LAPIC);
}

static void run_end(void)
{
	/* an instruction whose last bytes are no memory */
	put8(RAM_END - 1, 0x48);
	run_at(RAM_END - 1);
}

static void stack_device(void)
{
	__asm__ volatile("mov %0, %%rsp\n\tpush %%rax\n\tcall 1f\n1:\tpop %%rax"
			 :
			 : "r"(BARE_DEVICES + 0x800));
	bare_exit(0);
}

static void tables_gone(void)
{
	bare_pml4_page[0] = 0;
	__asm__ volatile("mov %%cr3, %%rax\n\tmov %%rax, %%cr3" ::: "rax");
}

static void tables_device(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(BARE_DEVICES));
}

static void tables_nowhere(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(0xffffff000ull));
}

static void no_paging(void)
{
	__asm__ volatile(
		"mov %%cr0, %%rax\n\tbtr $31, %%rax\n\tmov %%rax, %%cr0"
		:
		:
		: "rax");
}

static void bad_efer(void)
{
	wrmsr(0xc0000080, ~0ull);
}

static void bad_cr4(void)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(~0ull));
}

static void lapic_moves(void)
{
	wrmsr(0x1b, BARE_DEVICES | 0x900);
	(void)rng_works();
}

static void lapic_off(void)
{
	wrmsr(0x1b, BARE_LAPIC | 0x100);
	(void)rng_works();
}

static void x2apic(void)
{
	wrmsr(0x1b, BARE_LAPIC | 0xd00);
	wrmsr(0x830, 0x40020);
}

static void clock_nowhere(void)
{
	wrmsr(0x4b564d00, 0xffffff000ull);
	wrmsr(0x4b564d01, 0xffffff001ull);
}

static void clock_device(void)
{
	wrmsr(0x4b564d00, BARE_DEVICES);
	wrmsr(0x4b564d01, BARE_DEVICES | 1);
}

static void clock_end(void)
{
	wrmsr(0x4b564d00, RAM_END - 4);
	wrmsr(0x4b564d01, (RAM_END - 4) | 1);
}

static void async_pf(void)
{
	wrmsr(0x4b564d02, 0xffffff000ull | 7);
}

static void steal(void)
{
	wrmsr(0x4b564d03, 0xffffff000ull | 1);
}

static void eoi(void)
{
	wrmsr(0x4b564d04, 0xffffff000ull | 1);
}

static void hypercall(void)
{
	uint64_t nr = 9; /* KVM_HC_CLOCK_PAIRING, to nowhere */

	__asm__ volatile("vmmcall" : "+a"(nr) : "b"(~0ull), "c"(0));
}

static void store_storm(void)
{
	uint64_t to = BARE_DEVICES, n = 20000;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

static void copy_device(void)
{
	uint64_t to = BARE_DEVICES + 0x1000, from = BARE_DEVICES, n = 500;

	__asm__ volatile("rep movsl"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
}

static void locked(void)
{
	uint32_t *p = (uint32_t *)reg(BARE_RNG, REG_STATUS);

	__asm__ volatile("lock xaddl %1, %0\n\tlock orl $0x40, %0"
			 : "+m"(*p)
			 : "r"(1));
}

static void gdt_gone(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0xd0000000 };

	__asm__ volatile("lgdt %0\n\tmov %1, %%ss" : : "m"(none), "r"(0x18));
}

static void debug(void)
{
	__asm__ volatile("mov %0, %%dr7\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf"
			 :
			 : "r"(0x7ffull));
}

static const struct {
	const char *word;
	void (*run)(void);
} cases[] = {
	{ "sse", sse },
	{ "x87", x87 },
	{ "halt", halt },
	{ "spin", spin },
	{ "run-device", run_device },
	{ "run-platform", run_platform },
	{ "run-lapic", run_lapic },
	{ "run-end", run_end },
	{ "stack-device", stack_device },
	{ "tables-gone", tables_gone },
	{ "tables-device", tables_device },
	{ "tables-nowhere", tables_nowhere },
	{ "no-paging", no_paging },
	{ "bad-efer", bad_efer },
	{ "bad-cr4", bad_cr4 },
	{ "lapic-moves", lapic_moves },
	{ "lapic-off", lapic_off },
	{ "x2apic", x2apic },
	{ "clock-nowhere", clock_nowhere },
	{ "clock-device", clock_device },
	{ "clock-end", clock_end },
	{ "async-pf", async_pf },
	{ "steal", steal },
	{ "eoi", eoi },
	{ "hypercall", hypercall },
	{ "store-storm", store_storm },
	{ "copy-device", copy_device },
	{ "locked", locked },
	{ "gdt-gone", gdt_gone },
	{ "debug", debug },
};

void bare_main(void)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (bare_arg(cases[i].word)) {
			cases[i].run();
			PASS(cases[i].word);
		}
	EXPECT(!"a known word");
}
