/* disk.c: disks by name, whole transfers: see mayfly.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/mayfly.h"
#include "drivers/blk.h"
#include "lib/string.h"
#include "linux/errno.h"

/* Bytes of one request: several are in flight for a large transfer. */
#define PIECE (64u << 10)

_Static_assert(MAYFLY_SECTOR == BLK_SECTOR && MAYFLY_EIO == -LINUX_EIO &&
		       MAYFLY_EINVAL == -LINUX_EINVAL,
	       "one set of numbers");

int mayfly_disk_info(unsigned disk, struct mayfly_disk *ret)
{
	struct blk_info info;

	if (!blk_open(disk, &info))
		return MAYFLY_ENODEV;
	*ret = (struct mayfly_disk){ info.sectors, info.read_only, info.flush };
	return 0;
}

int mayfly_disk_find(const char *name)
{
	struct blk_info info;

	for (unsigned i = 0; blk_open(i, &info); i++) {
		char id[BLK_ID_LEN + 1] = "";

		if (blk_do(i, BLK_GET_ID, 0, phys_of(id), BLK_ID_LEN) == 0 &&
		    str_equal(id, name))
			return (int)i;
	}
	return MAYFLY_ENODEV;
}

/* A request for each piece, as many at a time as the driver takes. */
static int transfer(unsigned disk, enum blk_type type, uint64_t sector,
		    gpa_t gpa, uint64_t len)
{
	int64_t rc = 0, result;

	while (len > 0 && rc == 0) {
		uint32_t n = (uint32_t)min_u64(len, PIECE);
		int64_t r = blk_offer(disk, type, sector, gpa, n);

		if (r == -LINUX_EAGAIN) {
			r = blk_next(disk, true, &result);
			rc = r < 0 ? r : result;
			continue;
		}
		if (r < 0)
			rc = r;
		sector += n / BLK_SECTOR;
		gpa += n;
		len -= n;
	}
	blk_kick(disk);
	while (blk_next(disk, true, &result) >= 0)
		rc = rc ? rc : result;
	return (int)rc;
}

static int check(unsigned disk, uint64_t sector, size_t len,
		 struct mayfly_disk *d)
{
	if (mayfly_disk_info(disk, d))
		return MAYFLY_ENODEV;
	if (len % BLK_SECTOR || sector > d->sectors ||
	    len / BLK_SECTOR > d->sectors - sector)
		return MAYFLY_EINVAL;
	return 0;
}

int mayfly_disk_read(unsigned disk, uint64_t sector, void *buf, size_t len)
{
	struct mayfly_disk d;
	int rc = check(disk, sector, len, &d);

	return rc ? rc : transfer(disk, BLK_READ, sector, phys_of(buf), len);
}

int mayfly_disk_write(unsigned disk, uint64_t sector, const void *buf,
		      size_t len)
{
	struct mayfly_disk d;
	int rc = check(disk, sector, len, &d);

	if (!rc && d.read_only)
		rc = MAYFLY_EROFS;
	return rc ? rc : transfer(disk, BLK_WRITE, sector, phys_of(buf), len);
}

int mayfly_disk_flush(unsigned disk)
{
	struct mayfly_disk d;

	if (mayfly_disk_info(disk, &d))
		return MAYFLY_ENODEV;
	return d.flush ? (int)blk_do(disk, BLK_FLUSH, 0, 0, 0) : 0;
}
