/* pvh.S: the way in from PVH: 32-bit protected mode, ring 0, paging off, ebx
 * the start info. Brings the processor into the state the direct note asks
 * for and enters ring 3 at the same place. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/layout.h"

#define PA(symbol) ((symbol) - PHYS_BASE)

	.section .text.boot, "ax", @progbits
	.code32
	.globl pvh_entry
pvh_entry:
	cli
	cld
	mov %ebx, %ebp
	/* CR4: PAE OSFXSR OSXMMEXCPT, OSXSAVE and FSGSBASE if there */
	mov $1, %eax
	cpuid
	mov $0x620, %edi
	bt $26, %ecx
	jnc 1f
	or $1 << 18, %edi
1:	xor %eax, %eax
	cpuid
	cmp $7, %eax
	jb 2f
	mov $7, %eax
	xor %ecx, %ecx
	cpuid
	test $1, %ebx
	jz 2f
	or $1 << 16, %edi
2:	mov %edi, %cr4

	/* The first page table also maps the low addresses this code runs at;
	 * the real one keeps them for the program. */
	movl $PA(kit_pdpt) + 0x67, PA(boot_pml4)
	movl $PA(kit_pdpt) + 0x67, PA(boot_pml4 + 8 * PML4_SLOT)
	mov $PA(boot_pml4), %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx /* EFER: SCE LME NXE */
	xor %edx, %edx
	mov $0x901, %eax
	wrmsr
	mov $0x80050033, %eax /* PG AM WP NE ET MP PE */
	mov %eax, %cr0
	lgdt PA(kit_gdt_ptr32)
	ljmp $SEL_KERNEL_CS, $PA(3f)

	.code64
3:	movabs $4f, %rax
	jmp *%rax
4:	lea kit_pml4(%rip), %rax
	movabs $PHYS_BASE, %rcx
	sub %rcx, %rax
	mov %rax, %cr3
	lgdt kit_gdt_ptr(%rip)
	lidt kit_idt_ptr(%rip)
	mov $SEL_TSS, %eax
	ltr %ax
	mov $SEL_USER_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	xor %eax, %eax
	mov %eax, %ss

	mov $0xc0000081, %ecx /* STAR */
	xor %eax, %eax
	mov $STAR_HIGH, %edx
	wrmsr
	inc %ecx /* LSTAR */
	lea kit_syscall_entry(%rip), %rax
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
	mov $0xc0000084, %ecx /* FMASK */
	mov $FMASK_BITS, %eax
	xor %edx, %edx
	wrmsr

	/* XCR0: x87 SSE AVX AVX-512, as far as there */
	mov %cr4, %rax
	bt $18, %eax
	jnc 5f
	mov $0xd, %eax
	xor %ecx, %ecx
	cpuid
	and $0xe7, %eax
	xor %edx, %edx
	xor %ecx, %ecx
	xsetbv
5:
	/* kvmclock, if the hypervisor says KVM and has it */
	mov $0x40000000, %eax
	cpuid
	cmp $0x4b4d564b, %ebx /* "KVMKVMKVM" */
	jne 6f
	mov $0x40000001, %eax
	cpuid
	bt $3, %eax
	jnc 6f
	movabs $kit_wall_clock - PHYS_BASE, %rax
	xor %edx, %edx
	mov $0x4b564d00, %ecx
	wrmsr
	movabs $kit_pvclock - PHYS_BASE + 1, %rax
	inc %ecx
	wrmsr
6:
	mov %ebp, %edi
	lea kit_trap_stack_top(%rip), %rsp
	push $SEL_USER_DS
	lea kit_stack_top(%rip), %rax
	push %rax
	push $RFLAGS_RING3
	push $SEL_USER_CS
	lea kit_entry(%rip), %rax
	push %rax
	iretq

	.section .bss.0large, "aw", @nobits
	.balign 4096
boot_pml4:
	.fill 4096, 1, 0
	.section .note.GNU-stack, "", @progbits
