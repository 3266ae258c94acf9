/* blk_format.h: what a block device and its driver say to each other
 * (virtio 1.2, 5.2), for the device and for what tests it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_BLK_FORMAT_H
#define VIRTIO_BLK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"

#define BLK_ID        2u
#define BLK_SECTOR    512u
#define BLK_SERIAL    20u /* bytes; NUL-padded, not terminated */
#define BLK_QUEUE_MAX 128u

/* virtio 1.2, 5.2.3 */
#define BLK_F_SIZE_MAX     (1ull << 1)
#define BLK_F_SEG_MAX      (1ull << 2)
#define BLK_F_RO           (1ull << 5)
#define BLK_F_BLK_SIZE     (1ull << 6)
#define BLK_F_FLUSH        (1ull << 9)
#define BLK_F_TOPOLOGY     (1ull << 10)
#define BLK_F_CONFIG_WCE   (1ull << 11)
#define BLK_F_MQ           (1ull << 12)
#define BLK_F_DISCARD      (1ull << 13)
#define BLK_F_WRITE_ZEROES (1ull << 14)

/* virtio 1.2, 5.2.6: request types */
#define BLK_T_IN           0u
#define BLK_T_OUT          1u
#define BLK_T_FLUSH        4u
#define BLK_T_GET_ID       8u
#define BLK_T_DISCARD      11u
#define BLK_T_WRITE_ZEROES 13u

#define BLK_S_OK     0u
#define BLK_S_IOERR  1u
#define BLK_S_UNSUPP 2u

#define BLK_SEG_UNMAP 1u /* blk_range.flags of WRITE_ZEROES */

#define BLK_RANGES_MAX        16u        /* ranges of a request */
#define BLK_RANGE_SECTORS_MAX (2u << 20) /* 1 GiB */
#define BLK_SPACE_LEN         60u
#define BLK_SEG_LEN_MAX       (1u << 20) /* bytes of a data buffer */

struct blk_header {
	le32 type, reserved;
	le64 sector;
};

/* A range of DISCARD and WRITE_ZEROES. */
struct blk_range {
	le64 sector;
	le32 sectors, flags;
};

struct blk_space {     /* the configuration space */
	le64 capacity; /* sectors */
	le32 size_max, seg_max;
	le16 cylinders;
	uint8_t heads, track;
	le32 blk_size;
	uint8_t physical_exp, alignment_offset;
	le16 min_io_size; /* logical blocks */
	le32 opt_io_size;
	uint8_t writeback, unused0;
	le16 num_queues;
	le32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
	le32 max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
};

_Static_assert(sizeof(struct blk_header) == 16, "ABI");
_Static_assert(sizeof(struct blk_range) == 16, "ABI");
_Static_assert(offsetof(struct blk_space, blk_size) == 20, "ABI");
_Static_assert(offsetof(struct blk_space, writeback) == 32, "ABI");
_Static_assert(offsetof(struct blk_space, num_queues) == 34, "ABI");
_Static_assert(offsetof(struct blk_space, write_zeroes_may_unmap) == 56, "ABI");

#endif
