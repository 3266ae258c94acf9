/* rng.h: the virtio entropy device. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_RNG_H
#define DRIVERS_RNG_H

#include "kernel/types.h"

/* All of len bytes (at most a page), waiting; false: there is no device. */
WUR bool rng_read(void *buf, uint64_t len);

#endif
