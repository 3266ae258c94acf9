/* stack.h: the program's first stack: arguments, environment, auxiliary
 * vector, as the System V ABI for x86-64 lays them out. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include "kernel/types.h"

struct elf_image;

#define STACK_LEN (8ull << 20)

/* Maps the stack and fills it; returns the stack pointer to start with. */
uint64_t stack_build(const struct elf_image *image);
/* Where the auxiliary vector lies; the program may have changed it. */
uint64_t stack_auxv(uint64_t *ret_len);

#endif
