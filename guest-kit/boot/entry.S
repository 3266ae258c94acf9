/* entry.S: every way into the kernel. Ring 0 is the stubs at the top of this
 * file and nothing else: a few instructions that leave for ring 3, and the
 * services ring 3 cannot do for itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/layout.h"

/* --- ring 0 ---------------------------------------------------------------
 * Stub n is at TEXT_GPA + STUB_LEN * n. An exception leaves its frame on its
 * IST stack, where ring 3 can read it, and returns through a frame prepared
 * in advance: no register changes.
 *
 * An interrupt leaves a bit behind. Where it found the kernel that is all:
 * the kernel looks at the bits before it goes back to the program. Where it
 * found the program (rip in the lower half) it returns to irq_entry, which
 * takes the frame from the IST stack. Until then the gate's stack begins below
 * it: page-table-virtualised KVM does not hold back interrupts of the same
 * priority class until this one has ended.
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
	.elseif v == VEC_UD /* a service, if it is the kernel's own ud2 */
	cmpl $(TEXT_GPA + service_ud_off), (%rsp)
	jne 1f
	cmpl $PHYS_BASE >> 32, 4(%rsp)
	jne 1f
	addq $2, (%rsp)
	jmp *%r8
1:	lea iret_frames + 40 * v(%rip), %rsp
	iretq
	.elseif v == 14 /* ring 3 cannot read CR2: it travels in rax */
	mov %rax, kit_fault_rax(%rip)
	mov %cr2, %rax
	lea iret_frames + 40 * v(%rip), %rsp
	iretq
	.else
	lea iret_frames + 40 * v(%rip), %rsp
	iretq
	.endif
	.set v, v + 1
	.endr
	.rept 31
	stub_at v
	orl $1 << (v - VEC_IRQ), kit_irq_word(%rip)
	cmpl $0, 4(%rsp)
	js irq_in_kernel
	.if v < VEC_IRQ_HIGH
	subq $IST_STEP, kit_tss + TSS_IST(IST_IRQ)(%rip)
	lea iret_frame_irq(%rip), %rsp
	.else
	subq $IST_STEP, kit_tss + TSS_IST(IST_IRQ_HIGH)(%rip)
	lea iret_frame_irq_high(%rip), %rsp
	.endif
	iretq
	.set v, v + 1
	.endr
	stub_at VEC_SPURIOUS
	iretq
	.org STUB_LEN * IDT_VECTORS, 0xcc

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

/* The way out, in ring 3: rsp is at the thread's struct regs, the last thing
 * on its stack. From the look at the bits to the jump an interrupt must not
 * be missed, and ring 3 cannot keep it away: a stub that finds rip in here
 * (nothing that can be interrupted lies below) sends it to exit_again, which
 * finds the frame as it was. So nothing here may write to the frame. */
kit_exit:
	cmpq $0, kit_irq_word(%rip) /* and kit_work */
	jne exit_work
	cmpl $VEC_SYSCALL, REGS_VECTOR(%rsp)
	jne 1f
	pop_regs /* rcx and r11 are rip and rflags, as SYSCALL left them */
	add $32, %rsp
	popfq
	pop %rsp
	jmp *%rcx
1:	pop_regs
	add $16, %rsp
	iretq
	.set exit_end_off, . - stubs_start

irq_in_kernel:
	cmpl $TEXT_GPA + exit_end_off, (%rsp)
	jb 1f
	iretq
1:	movl $TEXT_GPA + exit_again_off, (%rsp)
	iretq

/* The services; kit_service has prepared their registers. */
service_halt_until:
	wrmsr
service_halt: /* interrupts are off: nothing fits between test and halt */
	cmpl $0, (%rdi)
	jne 1f
	sti
	hlt
1:	iretq
service_wrmsr:
	wrmsr
	iretq
service_rdmsr:
	rdmsr
	iretq
service_flush_page:
	invlpg (%rdi)
	iretq
service_flush_all:
	mov %cr3, %rax
	mov %rax, %cr3
	iretq
service_reset:
	lidt no_idt(%rip)
	ud2

/* --- ring 3 --------------------------------------------------------------- */
	.globl kit_service
	/* uint64_t kit_service(uint64_t a, uint64_t b, unsigned service):
	 * what can be done before ring 0 is done here: r8 is where to go. */
kit_service:
	mov %edx, %r9d
	mov %edi, %ecx
	mov %esi, %eax
	mov %rsi, %rdx
	shr $32, %rdx
	cmp $SVC_WRMSR, %r9d
	lea service_wrmsr(%rip), %r8
	je service_ud
	cmp $SVC_FLUSH, %r9d
	je 1f
	cmp $SVC_HALT, %r9d
	je 2f
	cmp $SVC_RDMSR, %r9d
	je 3f
	lea service_reset(%rip), %r8
	jmp service_ud
1:	test %rdi, %rdi
	lea service_flush_page(%rip), %r8
	jnz service_ud
	lea service_flush_all(%rip), %r8
	jmp service_ud
2:	mov $0x6e0, %ecx
	test %rsi, %rsi
	lea service_halt_until(%rip), %r8
	jnz service_ud
	lea service_halt(%rip), %r8
	jmp service_ud
3:	lea service_rdmsr(%rip), %r8
	call service_ud
	shl $32, %rdx
	or %rdx, %rax
	ret
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

	.globl kit_enter_regs
	/* void kit_enter_regs(const struct regs *regs) */
kit_enter_regs:
	mov %rdi, %rsp
	pop_regs
	add $16, %rsp
	iretq

	.set exit_again_off, . - stubs_start
exit_again: /* rsp and the flags are the program's */
	mov kit_kernel_stack(%rip), %rsp
	sub $REGS_LEN, %rsp
	push $RFLAGS_RING3
	popfq
exit_work:
	.globl kit_thread_begin
kit_thread_begin: /* a new thread's first kit_switch "returns" here */
	mov %rsp, %rdi
	xor %ebp, %ebp
	call kit_exit_work
	jmp kit_exit

/* SYSCALL arrives here in ring 3 on page-table-virtualised KVM, in ring 0
 * elsewhere, with the program's stack and, in ring 0, interrupts on. From
 * there an IRETQ to ring 3; the way back is the same for both. */
	.globl kit_syscall_entry
kit_syscall_entry:
	mov %rsp, user_rsp(%rip)
	mov kit_kernel_stack(%rip), %rsp
	push $SEL_USER_DS
	push user_rsp(%rip)
	push %r11
	push $SEL_USER_CS
	push %rcx
	push %rax
	push $VEC_SYSCALL
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
	jmp kit_exit

/* void kit_switch(uint64_t *save_sp, uint64_t load_sp) */
	.globl kit_switch
kit_switch:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* Interrupts of the program. */
	.macro irq_entry name, top, ist
\name:
	mov kit_kernel_stack(%rip), %rsp
	push \top-8(%rip)
	push \top-16(%rip)
	push \top-24(%rip)
	push \top-32(%rip)
	push \top-40(%rip)
	addq $IST_STEP, kit_tss + TSS_IST(\ist)(%rip)
	push $0
	push $VEC_IRQ
	push_regs
	jmp exit_work
	.endm
	irq_entry irq_entry, kit_ist_irq_top, IST_IRQ
	irq_entry irq_entry_high, kit_ist_irq_high_top, IST_IRQ_HIGH

/* Exceptions: the processor's frame lies below kit_ist_trap_top (or the NMI
 * stack's top, for #DF and #MC), rsp is kit_trap_stack_top. What happened in
 * the program goes on on its thread's kernel stack; what happened in the
 * kernel's text is a bug of it. */
	.macro trap_common name, top, error
\name:
	cmpl $PHYS_BASE >> 32, \top-36(%rip)
	jne 1f
	cmpl $RODATA_GPA, \top-40(%rip)
	jb 2f
1:	mov kit_kernel_stack(%rip), %rsp
2:	push \top-8(%rip)
	push \top-16(%rip)
	push \top-24(%rip)
	push \top-32(%rip)
	push \top-40(%rip)
	.if \error
	push \top-48(%rip)
	.else
	push $0
	.endif
	push kit_trap_stack_top-8(%rip) /* the vector */
	push_regs
	mov %rsp, %rdi
	xor %ebp, %ebp
	call kit_trap
	jmp kit_exit
	.endm
	trap_common trap_plain, kit_ist_trap_top, 0
	trap_common trap_error, kit_ist_trap_top, 1
	trap_common trap_abort, kit_ist_nmi_top, 0

	.macro trap_entry vector
trap_\vector:
	.if \vector == 14
	mov %rax, kit_fault_gva(%rip)
	mov kit_fault_rax(%rip), %rax
	.endif
	push $\vector
	.if \vector == VEC_DF || \vector == VEC_MC
	jmp trap_abort
	.elseif (0x60227c00 >> \vector) & 1
	jmp trap_error
	.else
	jmp trap_plain
	.endif
	.endm
	.altmacro
	.set v, 0
	.rept VEC_IRQ
	trap_entry %v
	.set v, v + 1
	.endr
	.noaltmacro

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
iret_frame_irq:
	.quad irq_entry, SEL_USER_CS, RFLAGS_RING3, kit_trap_stack_top
	.quad SEL_USER_DS
iret_frame_irq_high:
	.quad irq_entry_high, SEL_USER_CS, RFLAGS_RING3, kit_trap_stack_top
	.quad SEL_USER_DS
mxcsr_default:
	.long 0x1f80
no_idt:
	.word 0
	.quad 0

	.section .data.entry, "aw", @progbits
	.balign 64
	.globl kit_irq_word, kit_work, kit_fault_gva, kit_kernel_stack
kit_kernel_stack: /* its top, of the thread that runs */
	.quad kit_stack_top
user_rsp:
	.quad 0
kit_fault_rax:
	.quad 0
kit_fault_gva:
	.quad 0
kit_irq_word: /* these two are looked at as one */
	.long 0
kit_work:
	.long 0
	.section .note.GNU-stack, "", @progbits
