/* entropy.h: random bytes: ChaCha20 keyed from RDRAND or a virtio entropy
 * device, its key replaced after every use. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_ENTROPY_H
#define KERNEL_ENTROPY_H

#include "kernel/types.h"

/* False: the machine has no source, and buf holds clock noise only. */
bool entropy_fill(void *buf, uint64_t len);

#endif
