/* fpu.h: the registers the kernel does not use: x87, SSE, AVX, AVX-512. They
 * stay the program's while the kernel runs; saved when another thread's turn
 * comes, and for signal handlers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_FPU_H
#define KERNEL_FPU_H

#include "kernel/types.h"

#define FPU_LEGACY_LEN 512 /* the FXSAVE area, the first part */
#define FPU_HEADER_LEN 64
#define FPU_ALIGN      64
#define FPU_LEN_MAX    4096

/* Of an area: FPU_LEGACY_LEN where there is no XSAVE. */
uint32_t fpu_len(void);
/* XCR0's bits that are kept; 0 where there is no XSAVE. */
uint64_t fpu_features(void);

/* area is aligned to FPU_ALIGN and, for saving, its header zeros or saved to
 * before. fpu_save may leave out what is as it was at the last fpu_load from
 * there, or as at a program's start. */
void fpu_save(void *area);
void fpu_save_whole(void *area);
void fpu_load(const void *area);
/* As a program finds them at its start. */
void fpu_reset(void);
/* An area the program wrote, with these components (XSTATE_BV's bits): what
 * the processor would refuse is made harmless. False: hopeless. */
WUR bool fpu_check(void *area, uint64_t features);

#endif
