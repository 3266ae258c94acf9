/* tables.S: what the processor reads: page tables, GDT, IDT, TSS. All of it
 * is part of the image, so that entering the kernel needs no instruction in
 * ring 0. Accessed and dirty bits are set already: nobody has to write them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/layout.h"

#define P  0x001
#define RW 0x002
#define US 0x004
#define UC 0x018
#define AD 0x060
#define PS 0x080
#define NX 0x8000000000000000

	.section .tables, "aw", @progbits
	.balign 4096
	.globl kit_pml4, kit_pdpt
kit_pml4:
	.quad low_pdpt - PHYS_BASE + P + RW + US + AD
	.fill PML4_SLOT - 1, 8, 0
	.quad kit_pdpt - PHYS_BASE + P + RW + US + AD
	.fill 511 - PML4_SLOT, 8, 0

/* The program's first GiB, ready but empty: tables nobody walks yet can be
 * filled without a trap, and these pages are in memory already. */
low_pdpt:
	.quad low_pd - PHYS_BASE + P + RW + US + AD
	.fill 511, 8, 0
low_pd:
	.fill 2, 8, 0
	.quad low_pt - PHYS_BASE + P + RW + US + AD /* from 4 MiB: text */
	.fill 508, 8, 0
	.quad stack_pt - PHYS_BASE + P + RW + US + AD /* the last 2 MiB */
low_pt:
	.fill 512, 8, 0
stack_pt:
	.fill 512, 8, 0

kit_pdpt: /* 1 .. 3 GiB and above 4: filled by page.c when there is RAM */
	.quad pd - PHYS_BASE + P + RW + US + AD
	.quad 0, 0
	.quad pd_devices - PHYS_BASE + P + RW + US + AD
	.fill 508, 8, 0
pd:
	.quad pt - PHYS_BASE + P + RW + US + AD
	.set i, 1
	.rept 511
	.quad NX + (i << 21) + P + RW + US + AD + PS
	.set i, i + 1
	.endr
pd_devices:
	.set i, 3 << 9
	.rept 512
	.quad NX + (i << 21) + P + RW + US + AD + PS + UC
	.set i, i + 1
	.endr
pt:
	.set i, 0
	.rept TEXT_GPA >> 12
	.quad NX + (i << 12) + P + RW + US + AD
	.set i, i + 1
	.endr
	.rept (RODATA_GPA - TEXT_GPA) >> 12
	.quad (i << 12) + P + US + AD
	.set i, i + 1
	.endr
	.rept (TABLES_GPA - RODATA_GPA) >> 12
	.quad NX + (i << 12) + P + US + AD
	.set i, i + 1
	.endr
	.rept 512 - (TABLES_GPA >> 12)
	.quad NX + (i << 12) + P + RW + US + AD
	.set i, i + 1
	.endr

/* The first pages that are given out: every start needs a few. */
	.globl kit_first_pages, kit_first_pages_end
kit_first_pages:
	.fill 2 * 4096, 1, 0
kit_first_pages_end:

/* Task state: stacks for gates, and a bitmap that opens every port, which is
 * the end of .bss. The linker knows how far away that is. */
	.section .tss, "aw", @progbits
	.globl kit_tss
kit_tss:
	.long 0
	.quad kit_ist_nmi_top, 0, 0 /* rsp0..2 */
	.quad 0
	.quad kit_ist_trap_top, kit_ist_irq_top, kit_ist_nmi_top
	.quad kit_ist_irq_high_top, kit_ist_spurious_top, 0, 0
	.quad 0
	.word 0, kit_iomap_off
	.if . - kit_tss - TSS_LEN
	.error "TSS"
	.endif

	.section .bss.0iomap, "aw", @nobits
	.fill 8192, 1, 0

	.section .data.descriptors, "aw", @progbits
	.balign 16
	.globl kit_gdt, kit_idt, kit_gdt_ptr, kit_idt_ptr, kit_gdt_ptr32
#define TSS_VA_LOW (DATA_GPA)
kit_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 0x08 ring 0 code, 32-bit */
	.quad 0x00af9b000000ffff /* 0x10 ring 0 code, 64-bit */
	.quad 0x00cf93000000ffff /* 0x18 ring 0 data */
	.quad 0x00cffb000000ffff /* 0x20 ring 3 code, 32-bit */
	.quad 0x00cff3000000ffff /* 0x28 ring 3 data */
	.quad 0x00affb000000ffff /* 0x30 ring 3 code, 64-bit */
	.quad 0
	.word kit_tss_limit, TSS_VA_LOW & 0xffff
	.byte (TSS_VA_LOW >> 16) & 0xff, 0x89, 0, TSS_VA_LOW >> 24
	.quad PHYS_BASE >> 32

/* One gate a vector: interrupt gate, ring 0 code, a stack of its own. Ring 3
 * may raise any of them. */
	.macro gate vector, ist
	.set off, TEXT_GPA + STUB_LEN * \vector
	.word off & 0xffff, SEL_KERNEL_CS
	.byte \ist, 0xee
	.word (off >> 16) & 0xffff
	.long (PHYS_BASE >> 32) & 0xffffffff, 0
	.endm
kit_idt:
	.set v, 0
	.rept IDT_VECTORS
	.if v == VEC_SPURIOUS
	gate v, IST_SPURIOUS
	.elseif v >= VEC_IRQ_HIGH
	gate v, IST_IRQ_HIGH
	.elseif v >= VEC_IRQ
	gate v, IST_IRQ
	.elseif v == VEC_NMI || v == VEC_DF || v == VEC_MC
	gate v, IST_NMI
	.else
	gate v, IST_TRAP
	.endif
	.set v, v + 1
	.endr

	.balign 16
	.word 0, 0, 0
kit_gdt_ptr:
	.word GDT_LEN - 1
	.quad kit_gdt
	.word 0, 0, 0
kit_idt_ptr:
	.word IDT_VECTORS * 16 - 1
	.quad kit_idt
	.word 0, 0, 0
kit_gdt_ptr32:
	.word GDT_LEN - 1
	.long kit_gdt - PHYS_BASE

	.section .note.kit, "a", @note
	.balign 4
	.long 2f - 1f, 4f - 3f, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
1:	.asciz "Xen"
2:	.balign 4
3:	.quad pvh_entry - PHYS_BASE
4:	.balign 4

	.long 2f - 1f, 4f - 3f, 1 /* abi/direct.h */
1:	.asciz "Mayfly"
2:	.balign 4
3:	.long 1
	.word SEL_USER_CS, SEL_USER_DS
	.quad kit_entry, kit_stack_top
	.quad kit_pml4 - PHYS_BASE
	.quad kit_gdt, kit_idt, kit_tss
	.word GDT_LEN - 1, IDT_VECTORS * 16 - 1
	.long kit_tss_limit
	.word SEL_TSS, 0
	.long 0
	.quad STAR_HIGH << 32, kit_syscall_entry, FMASK_BITS
	.quad kit_pvclock - PHYS_BASE, kit_wall_clock - PHYS_BASE
4:	.balign 4

/* Stacks. The pages used on every start are in the image, next to the data:
 * where memory is mapped page by page at a fault, neighbours come along. */
	.section .data.stacks, "aw", @progbits
	.balign 4096
	.globl kit_stack_top, kit_trap_stack_top, kit_ist_trap_top
	.globl kit_ist_irq_top, kit_ist_irq_high_top, kit_ist_spurious_top
	.globl kit_ist_nmi_top
	.fill 128, 1, 0
kit_ist_spurious_top:
	.fill 128, 1, 0
kit_ist_irq_high_top:
	.fill 128, 1, 0
kit_ist_irq_top:
	.fill 128, 1, 0
kit_ist_trap_top: /* the first thread's kernel stack */
	.fill 12288 - 512, 1, 0
kit_stack_top:
	.globl kit_pvclock, kit_wall_clock
kit_pvclock: /* both written by the hypervisor */
	.fill 32, 1, 0
kit_wall_clock:
	.fill 16, 1, 0

	.section .bss.0large, "aw", @nobits
	.balign 16
	.fill 512, 1, 0
kit_ist_nmi_top:
	.fill 8192, 1, 0
kit_trap_stack_top:
	.section .note.GNU-stack, "", @progbits
