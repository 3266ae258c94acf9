/* user.h: copies from and to the program's memory, checked. A range that was
 * checked stays good only until the thread sleeps: check, touch, then sleep.
 * All take any address and length. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H

#include "kernel/types.h"

/* 0 or -EFAULT, and then nothing was copied. */
WUR int user_read(void *dst, uint64_t gva, uint64_t len);
WUR int user_write(uint64_t gva, const void *src, uint64_t len);
WUR int user_zero(uint64_t gva, uint64_t len);

/* The string at gva with its end into buf; its length, -EFAULT, or
 * -ENAMETOOLONG where it does not fit into room bytes. */
WUR int64_t user_string(char *buf, uint64_t room, uint64_t gva);

#endif
