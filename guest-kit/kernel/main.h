/* main.h: what entry.S calls. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include "kernel/types.h"

struct regs;

NORETURN void kit_main(gpa_t start_info, uint64_t tsc_entry);
void kit_syscall(struct regs *regs);
void kit_trap(struct regs *regs);

#endif
