/* mmio.h: the virtio-mmio version 2 transport (virtio 1.2, 4.2.2), device
 * side. Turns register accesses of an untrusted guest into vdev life. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include <stdint.h>

struct metric;
struct vdev;

#define MMIO_MAGIC   0x74726976u /* "virt" */
#define MMIO_VERSION 2u
#define MMIO_VENDOR  0x7966796du /* "myfy" */
#define MMIO_LEN     0x1000u

/* Register offsets; all are 32 bits wide. */
enum mmio_reg {
	MMIO_REG_MAGIC = 0x00,
	MMIO_REG_VERSION = 0x04,
	MMIO_REG_DEVICE_ID = 0x08,
	MMIO_REG_VENDOR_ID = 0x0c,
	MMIO_REG_DEVICE_FEATURES = 0x10,
	MMIO_REG_DEVICE_FEATURES_SEL = 0x14,
	MMIO_REG_DRIVER_FEATURES = 0x20,
	MMIO_REG_DRIVER_FEATURES_SEL = 0x24,
	MMIO_REG_QUEUE_SEL = 0x30,
	MMIO_REG_QUEUE_NUM_MAX = 0x34,
	MMIO_REG_QUEUE_NUM = 0x38,
	MMIO_REG_QUEUE_READY = 0x44,
	MMIO_REG_QUEUE_NOTIFY = 0x50,
	MMIO_REG_INTERRUPT_STATUS = 0x60,
	MMIO_REG_INTERRUPT_ACK = 0x64,
	MMIO_REG_STATUS = 0x70,
	MMIO_REG_QUEUE_DESC_LOW = 0x80,
	MMIO_REG_QUEUE_DESC_HIGH = 0x84,
	MMIO_REG_QUEUE_DRIVER_LOW = 0x90,
	MMIO_REG_QUEUE_DRIVER_HIGH = 0x94,
	MMIO_REG_QUEUE_DEVICE_LOW = 0xa0,
	MMIO_REG_QUEUE_DEVICE_HIGH = 0xa4,
	MMIO_REG_SHM_SEL = 0xac,
	MMIO_REG_SHM_LEN_LOW = 0xb0,
	MMIO_REG_SHM_LEN_HIGH = 0xb4,
	MMIO_REG_SHM_BASE_LOW = 0xb8,
	MMIO_REG_SHM_BASE_HIGH = 0xbc,
	MMIO_REG_QUEUE_RESET = 0xc0, /* the feature is not offered */
	MMIO_REG_CONFIG_GENERATION = 0xfc,
	MMIO_REG_CONFIG = 0x100, /* device-specific, any width */
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const mmio_metrics[];

/*
 * One access inside the device's 4 KiB window; off + n <= 0x1000, n is 1, 2,
 * 4 or 8. The machine lock is held. Anything the specification does not
 * define reads as 0 and is ignored when written, and is counted. Reads write
 * all n bytes of buf.
 *
 * A write of 0 to Status may leave the device with reset_pending set: Status
 * reads as before until the operations in flight ended. Some drivers do not
 * wait for 0; a vCPU may be held back for them until reset_pending is clear.
 */
void mmio_read(struct vdev *v, unsigned off, void *buf, unsigned n);
void mmio_write(struct vdev *v, unsigned off, const void *buf, unsigned n);

#endif
