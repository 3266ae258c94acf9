/* entry.S: every way into the kernel. Ring 0 is the stubs at the top of this
 * file and nothing else: a few instructions that leave for ring 3, and the
 * services ring 3 cannot do for itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/layout.h"

/* --- ring 0 ---------------------------------------------------------------
 * Stub n is at TEXT_GPA + STUB_LEN * n. An exception leaves its frame on its
 * IST stack, where ring 3 can read it, and returns through a frame prepared
 * in advance: no register changes. An interrupt only leaves a bit behind.
 */
	.section .text.0stubs, "ax", @progbits
stubs_start:
	.macro stub_at n
	.org STUB_LEN * \n, 0xcc
	.endm

	.set v, 0
	.rept VEC_IRQ
	stub_at v
	.if v == VEC_NMI
	iretq
	.elseif v == VEC_UD
	jmp undefined_opcode
	.elseif v == 14
	jmp page_fault
	.else
	lea iret_frames + 40 * v(%rip), %rsp
	iretq
	.endif
	.set v, v + 1
	.endr
	.rept 31
	stub_at v
	orl $1 << (v - VEC_IRQ), kit_irq_word(%rip)
	iretq
	.set v, v + 1
	.endr
	stub_at VEC_SPURIOUS
	iretq
	.org STUB_LEN * IDT_VECTORS, 0xcc

page_fault: /* ring 3 cannot read CR2: it travels in rax */
	mov %rax, kit_fault_rax(%rip)
	mov %cr2, %rax
	lea iret_frames + 40 * 14(%rip), %rsp
	iretq

undefined_opcode: /* a service, if it is the kernel's own ud2 */
	cmpl $(TEXT_GPA + service_ud_off), (%rsp)
	jne 1f
	cmpl $PHYS_BASE >> 32, 4(%rsp)
	jne 1f
	addq $2, (%rsp)
	cmp $SVC_HALT, %eax
	je service_halt
	cmp $SVC_WRMSR, %eax
	je service_wrmsr
	cmp $SVC_RDMSR, %eax
	je service_rdmsr
	cmp $SVC_FLUSH, %eax
	je service_flush
	lidt no_idt(%rip)
	ud2
1:	lea iret_frames + 40 * VEC_UD(%rip), %rsp
	iretq

service_halt: /* interrupts are off: nothing fits between test and halt */
	test %rsi, %rsi
	jz 1f
	mov %rsi, %rdx
	mov %esi, %eax
	shr $32, %rdx
	mov $0x6e0, %ecx
	wrmsr
1:	cmpl $0, (%rdi)
	jne 2f
	sti
	hlt
2:	iretq

service_wrmsr:
	mov %edi, %ecx
	mov %esi, %eax
	mov %rsi, %rdx
	shr $32, %rdx
	wrmsr
	iretq

service_rdmsr:
	mov %edi, %ecx
	rdmsr
	shl $32, %rdx
	or %rdx, %rax
	iretq

service_flush:
	test %rdi, %rdi
	jz 1f
	invlpg (%rdi)
	iretq
1:	mov %cr3, %rax
	mov %rax, %cr3
	iretq

/* --- ring 3 --------------------------------------------------------------- */
	.globl kit_service
	/* uint64_t kit_service(uint64_t a, uint64_t b, unsigned service) */
kit_service:
	mov %edx, %eax
	.set service_ud_off, . - stubs_start
service_ud:
	ud2
	ret

	.globl kit_entry
kit_entry: /* rdi: gpa of the start info */
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, %rsi
	fninit
	ldmxcsr mxcsr_default(%rip)
	xor %ebp, %ebp
	call kit_main
	ud2

	/* struct regs, from the vector down */
	.macro push_regs
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	.endm
	.macro pop_regs
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	.endm

/* SYSCALL arrives here in ring 3 on page-table-virtualised KVM, in ring 0
 * elsewhere, with the program's stack and, in ring 0, interrupts on. From
 * there an IRETQ to ring 3; the way back is the same for both. */
	.globl kit_syscall_entry
kit_syscall_entry:
	mov %rsp, user_rsp(%rip)
	lea kit_stack_top(%rip), %rsp
	push $SEL_USER_DS
	push user_rsp(%rip)
	push %r11
	push $SEL_USER_CS
	push %rcx
	push $0
	push $256
	push_regs
	mov %rsp, %rdi
	mov %cs, %eax
	test $3, %al
	jnz 1f
	push $SEL_USER_DS
	push %rdi
	push $RFLAGS_RING3
	push $SEL_USER_CS
	lea 1f(%rip), %rax
	push %rax
	iretq
1:	cld
	xor %ebp, %ebp
	call kit_syscall
	pop_regs
	add $16, %rsp
	mov (%rsp), %rcx
	mov 16(%rsp), %r11
	pushq 16(%rsp)
	popfq
	mov 24(%rsp), %rsp
	.globl kit_syscall_out
kit_syscall_out:
	jmp *%rcx

/* Exceptions: the processor's frame lies below kit_ist_trap_top (or the NMI
 * stack's top, for #DF and #MC). */
	.macro trap_entry vector, error, top
trap_\vector:
	push \top-8(%rip)
	push \top-16(%rip)
	push \top-24(%rip)
	push \top-32(%rip)
	push \top-40(%rip)
	.if \error
	push \top-48(%rip)
	.else
	push $0
	.endif
	push $\vector
	.if \vector == 14
	mov %rax, kit_fault_gva(%rip)
	mov kit_fault_rax(%rip), %rax
	.endif
	jmp trap_common
	.endm
	.altmacro
	.set v, 0
	.rept VEC_IRQ
	.if v == VEC_DF || v == VEC_MC
	trap_entry %v, (v == VEC_DF), kit_ist_nmi_top
	.else
	trap_entry %v, (v == 10 || v == 11 || v == 12 || v == 13 || v == 14 || v == 17 || v == 21 || v == 29 || v == 30), kit_ist_trap_top
	.endif
	.set v, v + 1
	.endr
	.noaltmacro

	.globl kit_enter_regs
	/* void kit_enter_regs(const struct regs *regs) */
kit_enter_regs:
	mov %rdi, %rsp
	jmp 1f
trap_common:
	push_regs
	cld
	mov %rsp, %rdi
	xor %ebp, %ebp
	call kit_trap
1:	pop_regs
	add $16, %rsp
	iretq

	.section .rodata.frames, "a", @progbits
	.balign 16
	.macro frame vector
	.quad trap_\vector, SEL_USER_CS, RFLAGS_RING3, kit_trap_stack_top
	.quad SEL_USER_DS
	.endm
	.altmacro
iret_frames:
	.set v, 0
	.rept VEC_IRQ
	frame %v
	.set v, v + 1
	.endr
	.noaltmacro
mxcsr_default:
	.long 0x1f80
no_idt:
	.word 0
	.quad 0

	.section .data.entry, "aw", @progbits
	.balign 64
	.globl kit_irq_word, kit_fault_gva
user_rsp:
	.quad 0
kit_fault_rax:
	.quad 0
kit_fault_gva:
	.quad 0
kit_irq_word:
	.long 0
	.section .note.GNU-stack, "", @progbits
