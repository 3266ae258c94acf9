/* platform.h: the platform page, shared by the monitor and by guests.
 *
 * One page of registers at PLATFORM_GPA. Every access is an exit. Reads of
 * anything unnamed give 0, writes to it are ignored and counted. Registers
 * are naturally aligned and accessed at their width.
 *
 *  off  width  R/W  what
 *  0x00  4     R    magic, "MFLY"
 *  0x04  4     R    ABI version, 1
 *  0x08  1     W    ACPI sleep control: SLP_TYP S5 | SLP_EN powers off
 *  0x09  1     R/W  ACPI sleep status: 0
 *  0x0a  1     W    ACPI reset: PLATFORM_RESET_VALUE reboots
 *  0x10  4     W    exit at once with this status (low 8 bits)
 *  0x18  8     W    gpa of a struct platform_report: exit with it
 *  0x20  8     W    gpa of a struct platform_batch: do it now
 *  0x28  8     W    gpa of a struct debug_stop (abi/debug.h): the program has
 *                   stopped; the write ends when it may go on
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_PLATFORM_H
#define ABI_PLATFORM_H

#include <stdint.h>

#define PLATFORM_GPA         0xC0000000u
#define PLATFORM_LEN         0x1000u
#define PLATFORM_MAGIC       0x594c464du /* "MFLY", little-endian */
#define PLATFORM_ABI_VERSION 1u

#define PLATFORM_REG_MAGIC        0x00
#define PLATFORM_REG_VERSION      0x04
#define PLATFORM_REG_SLEEP        0x08
#define PLATFORM_REG_SLEEP_STATUS 0x09
#define PLATFORM_REG_RESET        0x0a
#define PLATFORM_REG_EXIT         0x10
#define PLATFORM_REG_REPORT       0x18
#define PLATFORM_REG_BATCH        0x20
#define PLATFORM_REG_STOP         0x28

/* ACPI 6.4, 4.8.3.7: SLP_EN is bit 5, SLP_TYPx bits 4:2; S5 is type 5. */
#define PLATFORM_SLP_TYP_S5  5
#define PLATFORM_SLEEP_OFF   ((PLATFORM_SLP_TYP_S5 << 2) | 0x20)
#define PLATFORM_RESET_VALUE 0x42

/*
 * How a guest ended, in guest memory. Integers are little-endian. All of it
 * is the guest's word: the monitor copies it once and checks it.
 */
#define PLATFORM_REPORT_EXITED 0u /* status is the exit status */
#define PLATFORM_REPORT_SIGNAL 1u /* died of `signal`; registers are set */
#define PLATFORM_REPORT_PANIC  2u /* the guest kernel gave up */
#define PLATFORM_REPORT_NOEXEC 3u /* the program cannot run; `text` says why */

#define PLATFORM_REGS \
	18 /* rax rbx rcx rdx rsi rdi rbp rsp r8..r15 rip rflags */

struct platform_report {
	uint32_t len; /* sizeof(struct platform_report) */
	uint32_t kind;
	uint32_t status;
	uint32_t signal;
	uint64_t fault_gva;
	uint64_t tsc_entry; /* guest TSC at its first instruction, or 0 */
	uint64_t tsc_main;  /* ... just before the program's entry, or 0 */
	uint64_t regs[PLATFORM_REGS];
	char text[160]; /* NUL-padded, printable ASCII */
};

/*
 * Several 32-bit register accesses in one exit, in order: what would be one
 * exit each. Only the platform page and the virtio-mmio windows can be
 * reached, not the registers at 0x10 and above of the platform page.
 */
#define PLATFORM_BATCH_MAX   64
#define PLATFORM_BATCH_WRITE 1u /* else read: value is stored back */

struct platform_batch_op {
	uint32_t gpa;
	uint32_t flags;
	uint32_t value;
};

struct platform_batch {
	uint32_t n; /* 1 .. PLATFORM_BATCH_MAX */
	struct platform_batch_op op[];
};

_Static_assert(sizeof(struct platform_report) == 344, "ABI");
_Static_assert(sizeof(struct platform_batch_op) == 12, "ABI");

#endif
