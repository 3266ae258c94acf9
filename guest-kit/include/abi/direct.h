/* direct.h: the ELF note by which a guest asks to be entered in its final
 * CPU state (long mode, paging on, any ring) instead of through PVH.
 *
 * Monitors that do not know the note use the PVH note of the same file. Note
 * name "Mayfly", type DIRECT_NOTE_TYPE, descriptor struct direct_note.
 * Addresses marked gva are valid under the page tables at cr3, which are part
 * of the loaded image. At entry:
 *   rdi  gpa of the PVH hvm_start_info (magic 0x336ec578, version 1)
 *   rsp  as in the note; other general registers 0; rflags DIRECT_RFLAGS
 *   CR0  PE MP ET NE WP AM PG       CR4  PAE OSFXSR OSXMMEXCPT, and where the
 *   EFER LME LMA SCE NXE                 CPU has them FSGSBASE OSXSAVE
 *   XCR0 x87 SSE and, where the CPU has them, AVX and AVX-512
 *   cs, ss flat 64-bit code and flat data of the ring in the selector;
 *   ds, es, fs, gs flat data of the same ring, base 0
 *   tr   a busy 64-bit TSS; GDTR, IDTR, STAR, LSTAR, FMASK as in the note
 *   kvmclock and its wall clock on, at the given gpas, unless those are 0
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_DIRECT_H
#define ABI_DIRECT_H

#include <stdint.h>

#define DIRECT_NOTE_NAME "Mayfly"
#define DIRECT_NOTE_TYPE 1u
#define DIRECT_VERSION   1u
#define DIRECT_RFLAGS    0x202u /* interrupts on: nothing can fire yet */

struct direct_note {
	uint32_t version; /* DIRECT_VERSION */
	uint16_t cs, ss;
	uint64_t rip, rsp;      /* gva */
	uint64_t cr3;           /* gpa, page-aligned */
	uint64_t gdt, idt, tss; /* gva */
	uint16_t gdt_limit, idt_limit;
	uint32_t tss_limit;
	uint16_t tr, pad16;
	uint32_t pad32;
	uint64_t star, lstar, fmask;
	uint64_t clock_gpa;      /* struct pvclock_vcpu_time_info, or 0 */
	uint64_t wall_clock_gpa; /* struct pvclock_wall_clock, or 0 */
};

_Static_assert(sizeof(struct direct_note) == 112, "ABI");

#endif
