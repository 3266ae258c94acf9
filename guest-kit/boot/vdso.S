/* vdso.S: the shared object that every Linux program finds in its memory by
 * AT_SYSINFO_EHDR: what time it is, without a system call. It is mapped,
 * headers and all, where the program can execute it: in its own half of the
 * address space a thread can be interrupted for another's turn. The data it
 * reads is the kernel's. Without kvmclock, and until the kernel has first
 * read the clock, it makes the system call. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/layout.h"

#define SYS_gettimeofday  96
#define SYS_time          201
#define SYS_clock_gettime 228

/* By clock id: REALTIME, REALTIME_COARSE, TAI; and those with MONOTONIC,
 * MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME. */
#define WALL_CLOCKS 0x821
#define ALL_CLOCKS  0x8f3
#define CLOCK_ID_MAX 11

#define NS_PER_SEC 1000000000

/* struct pvclock_vcpu_time_info */
#define PV_TSC        8
#define PV_NS         16
#define PV_MULTIPLIER 24
#define PV_SHIFT      28

	.section .rodata.vdso, "a", @progbits
	.balign 1024 /* within a page; what else is there may be seen */
	.globl kit_vdso
#define OFF(symbol) (symbol - kit_vdso)
kit_vdso: /* ELF header: shared object, x86-64 */
	.ascii "\177ELF"
	.byte 2, 1, 1, 0
	.quad 0
	.word 3, 62
	.long 1
	.quad 0, OFF(program_headers), 0
	.long 0
	.word 64, 56, 2, 64, 0, 0
program_headers:
	.long 1, 5 /* PT_LOAD, R X */
	.quad 0, 0, 0, OFF(end), OFF(end), 4096
	.long 2, 4 /* PT_DYNAMIC, R */
	.quad OFF(dynamic), OFF(dynamic), OFF(dynamic)
	.quad dynamic_end - dynamic, dynamic_end - dynamic, 8
dynamic:
	.quad 4, OFF(hash)
	.quad 5, OFF(strings)
	.quad 6, OFF(symbols)
	.quad 10, strings_end - strings
	.quad 11, 24
	.quad 14, soname - strings
	.quad 0x6ffffff0, OFF(versions)
	.quad 0x6ffffffc, OFF(definitions)
	.quad 0x6ffffffd, 2
	.quad 0, 0
dynamic_end:
hash: /* one bucket with all symbols in a row */
	.long 1, 5
	.long 1
	.long 0, 2, 3, 4, 0
	.balign 8
	.macro symbol name, start, stop
	.long \name - strings
	.byte 0x12, 0 /* global function */
	.word 1
	.quad OFF(\start), \stop - \start
	.endm
symbols:
	.quad 0, 0, 0
	symbol name1, clock_gettime, gettimeofday
	symbol name2, gettimeofday, time
	symbol name3, time, getcpu
	symbol name4, getcpu, now
versions: /* of each symbol */
	.word 0, 2, 2, 2, 2
	.balign 8
definitions: /* struct Elf64_Verdef and _Verdaux: the object, the version */
	.word 1, 1, 1, 1
	.long 0xdeebfa1, 20, 28
	.long soname - strings, 0
	.word 1, 0, 2, 1
	.long 0x3ae75f6, 20, 0
	.long version - strings, 0
strings:
	.byte 0
version: .asciz "LINUX_2.6"
soname:	.asciz "linux-vdso.so.1"
name1:	.asciz "__vdso_clock_gettime"
name2:	.asciz "__vdso_gettimeofday"
name3:	.asciz "__vdso_time"
name4:	.asciz "__vdso_getcpu"
strings_end:

clock_gettime: /* edi: clock, rsi: struct timespec */
	cmp $CLOCK_ID_MAX, %edi
	ja 2f
	mov $ALL_CLOCKS, %eax
	bt %edi, %eax
	jnc 2f
	call now
	jc 2f
	mov $WALL_CLOCKS, %edx
	bt %edi, %edx
	jnc 1f
	add %r9, %rax
1:	xor %edx, %edx
	mov $NS_PER_SEC, %ecx
	div %rcx
	mov %rax, (%rsi)
	mov %rdx, 8(%rsi)
	xor %eax, %eax
	ret
2:	mov $SYS_clock_gettime, %eax
	syscall
	ret

gettimeofday: /* rdi: struct timeval, rsi: time zone */
	test %rsi, %rsi
	jnz 1f
	test %rdi, %rdi
	jz 1f
	call now
	jc 1f
	add %r9, %rax
	xor %edx, %edx
	mov $NS_PER_SEC, %ecx
	div %rcx
	mov %rax, (%rdi)
	mov %edx, %eax
	xor %edx, %edx
	mov $1000, %ecx
	div %ecx
	mov %rax, 8(%rdi)
	xor %eax, %eax
	ret
1:	mov $SYS_gettimeofday, %eax
	syscall
	ret

time: /* rdi: where to put the seconds, too, or 0 */
	call now
	jc 2f
	add %r9, %rax
	xor %edx, %edx
	mov $NS_PER_SEC, %ecx
	div %rcx
	test %rdi, %rdi
	jz 1f
	mov %rax, (%rdi)
1:	ret
2:	mov $SYS_time, %eax
	syscall
	ret

getcpu: /* rdi: processor, rsi: node */
	xor %eax, %eax
	test %rdi, %rdi
	jz 1f
	mov %eax, (%rdi)
1:	test %rsi, %rsi
	jz 2f
	mov %eax, (%rsi)
2:	ret

/* rax: nanoseconds since the start; r9: what 1970 is before that. Carry: not
 * known. Changes rcx, rdx, r8, r10. */
now:
	movabs $kit_vdso_data, %r9
	movabs $kit_pvclock, %r8
	cmpl $0, (%r9)
	je 4f
	mov 8(%r9), %r9
1:	mov (%r8), %r10d
	test $1, %r10b /* being written */
	jnz 1b
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	sub PV_TSC(%r8), %rax
	movsbl PV_SHIFT(%r8), %ecx
	test %ecx, %ecx
	js 2f
	shl %cl, %rax
	jmp 3f
2:	neg %ecx
	shr %cl, %rax
3:	mov PV_MULTIPLIER(%r8), %edx
	mul %rdx
	shrd $32, %rdx, %rax
	add PV_NS(%r8), %rax
	cmp (%r8), %r10d
	jne 1b
	clc
	ret
4:	stc
	ret
end:
	.org kit_vdso + 1024 /* more does not assemble */

	.section .data.entry, "aw", @progbits
	.balign 8
	.globl kit_vdso_data
kit_vdso_data: /* clock.c: whether kvmclock is in use; ns from 1970 to its zero */
	.quad 0, 0
	.section .note.GNU-stack, "", @progbits
