/* layout.h: where the parts of the kernel image lie. Descriptor tables hold
 * split addresses, which no relocation can fill in, so what they point at is
 * placed by these constants; kit.ld uses the same numbers and checks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_LAYOUT_H
#define BOOT_LAYOUT_H

/* abi/kit.h has it for C; the assembler wants no suffix. Not the first slot of
 * the upper half: on page-table-virtualised KVM the guest hangs there. */
#define PHYS_BASE 0xffffc00000000000
#define PML4_SLOT 384

#define TEXT_GPA   0x100000 /* stubs first, one every STUB_LEN bytes */
#define RODATA_GPA 0x12c000
#define TABLES_GPA 0x140000 /* page tables, first pages, data, bss */
#define DATA_GPA   0x14b000 /* the TSS first */
#define STUB_LEN   48

/* Selectors: the order SYSCALL and SYSRET dictate. */
#define SEL_KERNEL_CS32 0x08
#define SEL_KERNEL_CS   0x10
#define SEL_KERNEL_DS   0x18
#define SEL_USER_CS32   0x23
#define SEL_USER_DS     0x2b
#define SEL_USER_CS     0x33
#define SEL_TSS         0x40
#define GDT_LEN         0x50

#define IDT_VECTORS  64
#define VEC_UD       6
#define VEC_DF       8
#define VEC_NMI      2
#define VEC_MC       18
#define VEC_IRQ      32 /* VEC_IRQ + n sets bit n of kit_irq_word; n < 31 */
#define VEC_IRQ_HIGH 48 /* from here on a higher priority class: own stack */
#define VEC_SPURIOUS 63
#define VEC_SYSCALL  256 /* struct regs of a system call */

#define TSS_LEN 0x68

/* The task state's stacks for gates: exceptions, interrupts, NMI, interrupts
 * of the higher class, spurious ones. */
#define TSS_IST(n)   (0x24 + 8 * ((n)-1))
#define IST_TRAP     1
#define IST_IRQ      2
#define IST_NMI      3
#define IST_IRQ_HIGH 4
#define IST_SPURIOUS 5
#define IST_STEP     64 /* a frame, aligned */

#define RFLAGS_RING3 0x202

#define REGS_LEN    176 /* struct regs */
#define REGS_VECTOR 120

/* STAR: SYSCALL loads 0x10/0x18, SYSRET would load 0x33/0x2b. */
#define STAR_HIGH ((SEL_USER_CS32 << 16) | SEL_KERNEL_CS)
/* TF, DF, NT, AC. Never IF: ring 3 could not set it again. */
#define FMASK_BITS 0x44500

/* Services of ring 0: kit_service (entry.S). */
#define SVC_HALT  0 /* rdi: word to test, rsi: TSC deadline or 0 */
#define SVC_WRMSR 1 /* rdi: index, rsi: value */
#define SVC_RDMSR 2 /* rdi: index; value in rax */
#define SVC_FLUSH 3 /* rdi: address to invalidate, or 0: everything */
#define SVC_RESET 4 /* triple fault */

#endif
