/* blk.h: virtio block devices (virtio 1.2, 5.2): several requests in flight,
 * and waiting. Memory is guest-physical and whole: one buffer a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_BLK_H
#define DRIVERS_BLK_H

#include "kernel/types.h"

#define BLK_MAX      8  /* devices */
#define BLK_REQUESTS 32 /* in flight, of each device */
#define BLK_SECTOR   512u

#define BLK_ID_LEN 20u /* of a serial number; NULs at the end */

enum blk_type { BLK_READ = 0, BLK_WRITE = 1, BLK_FLUSH = 4, BLK_GET_ID = 8 };

struct blk_info {
	uint64_t sectors;
	bool read_only;
	bool flush; /* writes last only after BLK_FLUSH; else at once */
};

/* The nth disk, started when first asked for; false: there is none. */
WUR bool blk_open(unsigned nth, struct blk_info *ret_info);

/*
 * Of an open disk. Offers a request; the device is told by blk_kick, once for
 * all that was offered, or when somebody waits. `len` is a multiple of
 * BLK_SECTOR, 0 for BLK_FLUSH, BLK_ID_LEN for BLK_GET_ID. Returns its number, below BLK_REQUESTS, or
 * -EAGAIN while so many are in flight.
 */
WUR int64_t blk_offer(unsigned nth, enum blk_type type, uint64_t sector,
		      gpa_t gpa, uint32_t len);
void blk_kick(unsigned nth);

/* Waits for the request to end: 0 or -EIO. Each is waited for once. */
WUR int64_t blk_wait(unsigned nth, unsigned request);

/* The number of a request that has ended, its result (0 or -EIO) in *ret; as
 * good as a blk_wait of it. None has: waits for one, or -EAGAIN if not told
 * to `wait`. -EINVAL: none is in flight. */
WUR int64_t blk_next(unsigned nth, bool wait, int64_t *ret);

/* One request from start to end. 0, -EAGAIN or -EIO. */
WUR int64_t blk_do(unsigned nth, enum blk_type type, uint64_t sector, gpa_t gpa,
		   uint32_t len);

#endif
