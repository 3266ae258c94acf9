/* bare.h: a guest that is nothing but one C file on the bare machine, for
 * tests that handle devices, interrupts and processors themselves.
 *
 * The monitor enters by PVH, in 32-bit ring 0. The code below goes on to long
 * mode and, unless BARE_RING is 0, to ring 3, and calls bare_main() there.
 * 0 .. 4 GiB are mapped one to one, writable and executable from ring 3, the
 * last GiB uncached. Every I/O port is open. Interrupts are off and there is
 * no IDT: whatever faults is a triple fault. No floating point.
 *
 * bare_start(n, fn) starts processor n, which goes the same way to fn().
 *
 * The file is still linked like any other program, so that it needs no rules
 * of its own; its main() says that it is a kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUESTS_BARE_H
#define GUESTS_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/platform.h"

#pragma GCC target("general-regs-only")
#pragma GCC optimize("no-tree-loop-distribute-patterns,no-stack-protector")

#ifndef BARE_RING
#define BARE_RING 3
#endif
#define BARE_STR_(x) #x
#define BARE_STR(x)  BARE_STR_(x)

/* Nothing else uses these: below the program, above the start info. */
#define BARE_TRAMPOLINE 0x9000       /* where other processors begin */
#define BARE_ARENA      0x2000000ull /* 32 MiB: free for tests up to the end */
#define BARE_LAPIC      0xfee00000ull
#define BARE_IOAPIC     0xfec00000ull
#define BARE_DEVICES    0xc0001000ull
#define BARE_CONSOLE    0u
#define BARE_RNG        1u
#define BARE_ERRORS     2u

__asm__(".section .note.pvh, \"a\", @note\n"
	"	.balign 4\n"
	"	.long 4, 4, 18\n"
	"	.asciz \"Xen\"\n"
	"	.long bare_entry\n"
	"	.data\n"
	"	.balign 4096\n"
	"bare_pml4: .quad bare_pdpt + 0x67\n"
	"	.fill 511, 8, 0\n"
	"bare_pdpt:\n"
	"	.set i, 0\n"
	"	.rept 4\n"
	"	.quad bare_pd + 4096 * i + 0x67\n"
	"	.set i, i + 1\n"
	"	.endr\n"
	"	.fill 508, 8, 0\n"
	"bare_pd:\n"
	"	.set i, 0\n"
	"	.rept 1536\n"
	"	.quad (i << 21) + 0xe7\n"
	"	.set i, i + 1\n"
	"	.endr\n"
	"	.rept 512\n"
	"	.quad (i << 21) + 0xff\n"
	"	.set i, i + 1\n"
	"	.endr\n"
	"bare_tss: .fill 102, 1, 0\n"
	"	.word 104\n"
	"	.fill 8192, 1, 0\n"
	"	.byte 0xff\n"
	"	.balign 16\n"
	"bare_gdt: .quad 0\n"
	"	.quad 0x00cf9b000000ffff\n" /* 08: ring 0 code, 32-bit */
	"	.quad 0x00af9b000000ffff\n" /* 10: ring 0 code */
	"	.quad 0x00cf93000000ffff\n" /* 18: ring 0 data */
	"	.quad 0\n"
	"	.quad 0x00cff3000000ffff\n" /* 28: ring 3 data */
	"	.quad 0x00affb000000ffff\n" /* 30: ring 3 code */
	"	.quad 0\n"
	"	.quad 0x0000890000002068, 0\n" /* 40: task state */
	"bare_gdt_ptr: .word 79\n"
	"	.long bare_gdt\n"
	"	.text\n"
	"	.code32\n"
	"bare_entry:\n"
	"	cli\n"
	"	cld\n"
	"	mov %ebx, bare_info\n"
	"	mov $bare_stack + 16384, %esp\n"
	"	mov $bare_main, %edi\n"
	"	lgdt bare_gdt_ptr\n"
	"bare_long:\n"
	"	mov $0x620, %eax\n"
	"	mov %eax, %cr4\n"
	"	mov $bare_pml4, %eax\n"
	"	mov %eax, %cr3\n"
	"	mov $0xc0000080, %ecx\n"
	"	xor %edx, %edx\n"
	"	mov $0x901, %eax\n"
	"	wrmsr\n"
	"	mov $0x80050033, %eax\n"
	"	mov %eax, %cr0\n"
	"	ljmp $0x10, $1f\n"
	"	.code64\n"
	"1:	mov $bare_tss, %eax\n" /* its descriptor holds a split address */
	"	mov %ax, bare_gdt + 0x42\n"
	"	shr $16, %eax\n"
	"	mov %al, bare_gdt + 0x44\n"
	"	mov %ah, bare_gdt + 0x47\n"
	"	movb $0x89, bare_gdt + 0x45\n"
	"	mov $0x40, %eax\n"
	"	ltr %ax\n"
	"	mov %esp, %ebp\n"
	"	sub $8, %rbp\n" /* as after a call */
	"	.if " BARE_STR(
		BARE_RING) " == 3\n"
			   "	mov $0x2b, %eax\n"
			   "	mov %eax, %ds\n"
			   "	mov %eax, %es\n"
			   "	push $0x2b\n"
			   "	push %rbp\n"
			   "	push $2\n"
			   "	push $0x33\n"
			   "	.else\n"
			   "	push $0x18\n"
			   "	push %rbp\n"
			   "	push $2\n"
			   "	push $0x10\n"
			   "	.endif\n"
			   "	mov %edi, %edi\n"
			   "	push %rdi\n"
			   "	iretq\n"
			   /* other processors: copied to BARE_TRAMPOLINE */
			   "	.code16\n"
			   "bare_ap: cli\n"
			   "	xor %eax, %eax\n"
			   "	mov %ax, %ds\n"
			   "	lgdtl " BARE_STR(
				   BARE_TRAMPOLINE) " + 1f - bare_ap\n"
						    "	mov $0x11, %eax\n"
						    "	mov %eax, %cr0\n"
						    "	ljmpl $0x08, $2f\n"
						    "1:	.word 79\n"
						    "	.long bare_gdt\n"
						    "bare_ap_end:\n"
						    "	.code32\n"
						    "2:	mov $0x18, %eax\n"
						    "	mov %eax, %ds\n"
						    "	mov %eax, %es\n"
						    "	mov %eax, %ss\n"
						    "	mov bare_ap_stack, "
						    "%esp\n"
						    "	mov bare_ap_fn, %edi\n"
						    "	movl $1, bare_ap_up\n"
						    "	jmp bare_long\n"
						    "	.code64\n");

extern const uint8_t bare_ap[], bare_ap_end[];
__attribute__((used)) uint32_t bare_info;
__attribute__((used)) uint8_t bare_stack[4][16384]
	__attribute__((aligned(4096)));
__attribute__((used)) volatile uint32_t bare_ap_stack, bare_ap_fn, bare_ap_up;

__attribute__((used, noreturn)) void bare_main(void);

int puts(const char *);
int main(void)
{
	(void)puts("this is a kernel");
	return 1;
}

/* --- access ---------------------------------------------------------------- */

static inline void put8(uint64_t gpa, uint8_t v)
{
	*(volatile uint8_t *)gpa = v;
}

static inline void put16(uint64_t gpa, uint16_t v)
{
	*(volatile uint16_t *)gpa = v;
}

static inline void put32(uint64_t gpa, uint32_t v)
{
	*(volatile uint32_t *)gpa = v;
}

static inline void put64(uint64_t gpa, uint64_t v)
{
	*(volatile uint64_t *)gpa = v;
}

static inline uint8_t get8(uint64_t gpa)
{
	return *(volatile uint8_t *)gpa;
}

static inline uint16_t get16(uint64_t gpa)
{
	return *(volatile uint16_t *)gpa;
}

static inline uint32_t get32(uint64_t gpa)
{
	return *(volatile uint32_t *)gpa;
}

static inline uint64_t get64(uint64_t gpa)
{
	return *(volatile uint64_t *)gpa;
}

static inline void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void bare_pause(uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < ticks)
		;
}

/* Ends the machine; what the console holds still goes out. */
static inline __attribute__((noreturn)) void bare_exit(unsigned status)
{
	for (;;)
		put32(PLATFORM_GPA + PLATFORM_REG_EXIT, status);
}

/* xorshift64: the same storm every time */
static inline uint64_t bare_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* The kernel command line: the user's words come first. */
static inline const char *bare_cmdline(void)
{
	return (const char *)get64(bare_info + 24ull);
}

static inline bool bare_arg(const char *word)
{
	const char *s = bare_cmdline();

	while (*word && *s == *word) {
		s++;
		word++;
	}
	return *word == '\0' && (*s == ' ' || *s == '\0');
}

/* Starts processor n at fn, or returns false after a while. */
static inline bool bare_start(unsigned n, void (*fn)(void))
{
	uint8_t *to = (uint8_t *)BARE_TRAMPOLINE;

	for (unsigned i = 0; i < (unsigned)(bare_ap_end - bare_ap); i++)
		((volatile uint8_t *)to)[i] = bare_ap[i];
	bare_ap_stack = (uint32_t)(uintptr_t)bare_stack[n] + 16384;
	bare_ap_fn = (uint32_t)(uintptr_t)fn;
	bare_ap_up = 0;
	barrier();
	put32(BARE_LAPIC + 0xf0, 0x1ff); /* on */
	put32(BARE_LAPIC + 0x310, n << 24);
	put32(BARE_LAPIC + 0x300, 0x4500); /* INIT */
	bare_pause(20000000);
	for (unsigned i = 0; i < 100 && !bare_ap_up; i++) {
		put32(BARE_LAPIC + 0x310, n << 24);
		put32(BARE_LAPIC + 0x300, /* SIPI */
		      0x4600 | BARE_TRAMPOLINE >> 12);
		bare_pause(20000000);
	}
	return bare_ap_up;
}

#endif
