/* blk.h: virtio block device (virtio 1.2, 5.2) over one file or block device.
 *
 * Requests. Every chain the guest offers becomes a request with a slot of its
 * own; all of them are in flight at once, straight between the file and the
 * guest's buffers. What the page cache can answer is answered by the kick
 * itself (docs/adr/0008); the rest is handed to the loop in one batch, and
 * what ends in one turn of the loop is one interrupt. There are as many slots
 * as all queues together have entries, made with the device: nothing is
 * allocated afterwards. Requests are answered in the order in which they end.
 *
 * Durability. FLUSH is fdatasync(2) and covers every write answered before it
 * was submitted. The device is write-through, an fdatasync after each write
 * before it is answered, for a driver that did not take FLUSH, or that set
 * `writeback` to 0 (CONFIG_WCE). After an fdatasync that failed nobody can
 * say what is on the disk: from then on no FLUSH and no write-through write
 * succeeds any more.
 *
 * Errors. S_IOERR: whatever the host answers; sectors beyond the end, bytes
 * that are no whole sectors, and writes to a read-only disk, all without
 * touching the file; a file that ends inside the disk. S_UNSUPP: an unknown
 * type, a type whose feature was not negotiated, unknown flags of a range.
 * A chain without a header or a status byte, or with buffers of the wrong
 * direction, is a fault of the driver (vdev_fault). The used length of a read
 * that failed counts the bytes that did arrive, the status byte is behind.
 *
 * Direct I/O (`io_align` is not 0): the file is open with O_DIRECT. Buffers
 * that are not aligned to it go through one of BLK_BOUNCES buffers of
 * BLK_BOUNCE_LEN bytes; when all are busy the request waits in its ring, and
 * those behind it too. An offset or length that is not a multiple of io_align
 * (possible where that is 4096, and with a driver that ignores blk_size) is
 * refused with S_IOERR: no read-modify-write.
 *
 * Rates (`limit`). Every request is one operation, FLUSH too, and as many
 * bytes as it carries in either direction: FLUSH none, DISCARD and
 * WRITE_ZEROES their list of ranges, and zeroes that the file system makes us
 * write what is written. Beyond its rate a disk leaves its rings alone until
 * it may go on, the queues in turn; nothing is refused.
 *
 * A file must not be changed by others meanwhile; if it is, the guest sees
 * its bytes change, and nothing worse happens. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/blk_format.h"
#include "virtio/ratelimit.h"
#include "virtio/vdev.h"

struct err;
struct loop;
struct metric;

#define BLK_NOW_MAX        (256u << 10)
#define BLK_NUM_QUEUES_MAX 8u
#define BLK_BOUNCES        8u
#define BLK_BOUNCE_LEN     (64u << 10)

/* All is borrowed and outlives the device, except for the struct itself and
 * the serial number, which are copied. */
struct blk_config {
	struct loop *loop;
	const struct gmem *mem;
	struct irq_line irq;
	int fd; /* not closed by the device; open for writing unless ... */
	bool read_only;
	uint64_t len;    /* bytes of the file; rounded down to whole blocks */
	unsigned queues; /* 1..BLK_NUM_QUEUES_MAX */
	uint32_t block_len;    /* logical block: a power of two, 512..4096 */
	uint32_t physical_len; /* a power of two, at least block_len */
	uint32_t io_align;  /* O_DIRECT: of offsets and lengths; 0: buffered */
	uint32_t mem_align; /* O_DIRECT: of memory, at most 4096 */
	struct ratelimit_config limit; /* bytes and requests of all queues */
	const char *serial;            /* the first BLK_SERIAL bytes count */
	/* Bytes that a kick may move by itself, where nothing has to be
	 * waited for: BLK_NOW_MAX; 0 leaves everything to the loop. */
	unsigned now_max;
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const blk_metrics[];

/* Returns owned in *ret_v, for vdev_free. -EINVAL: less than one block.
 * -ENOMEM. */
WUR int blk_new(const struct blk_config *cfg, struct vdev **ret_v,
		struct err *err);

#endif
