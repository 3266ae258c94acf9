/* blkdev.h: disks as block devices: /dev/vda and further. Whole sectors go
 * straight to the disk and writes always do; pieces of a sector are changed
 * in a copy, and small reads come from the block that was read last. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_BLKDEV_H
#define FS_BLKDEV_H

/* Disks of this machine, at most BLK_MAX; asks none of them. */
unsigned blkdev_count(void);
/* What was written to any of them is safe, as far as they do not fail. */
void blkdev_sync(void);

/* Device numbers: so many minors each, for partitions nobody looks for. */
#define BLKDEV_MAJOR  254u
#define BLKDEV_MINORS 16u

#endif
