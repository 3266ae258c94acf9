/* mmio.h: the virtio-mmio version 2 transport (virtio 1.2, 4.2.2), device
 * side. Turns register accesses of an untrusted guest into vdev life. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include <stdint.h>

struct vdev;

/*
 * One access inside the device's 4 KiB window; off + n <= 0x1000, n is 1, 2,
 * 4 or 8. The machine lock is held. Anything the specification does not
 * define reads as 0 and is ignored when written, and is counted. Reads write
 * all n bytes of buf.
 */
void mmio_read(struct vdev *v, unsigned off, void *buf, unsigned n);
void mmio_write(struct vdev *v, unsigned off, const void *buf, unsigned n);

#endif
