/* rng.h: virtio entropy device (virtio 1.2, 5.4): the host's getrandom(2).
 *
 * Requests are answered while the guest kicks. To bound the time the machine
 * lock is held, a request gets at most RNG_REQUEST_MAX bytes, which the
 * specification allows, and one kick serves at most RNG_KICK_MAX bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_RNG_H
#define VIRTIO_RNG_H

#include "base/attr.h"
#include "virtio/vdev.h"

struct err;

#define RNG_REQUEST_MAX (64u << 10)
#define RNG_KICK_MAX    (256u << 10)

/* Returns owned in *ret_v, for vdev_free; `mem` is borrowed. -ENOMEM. */
WUR int rng_new(const struct gmem *mem, struct irq_line irq,
		struct vdev **ret_v, struct err *err);

#endif
