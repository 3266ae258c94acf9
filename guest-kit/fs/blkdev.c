/* blkdev.c: disks as block devices. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/blkdev.h"

#include "drivers/blk.h"
#include "drivers/virtio.h"
#include "fs/dev.h"
#include "fs/inode.h"
#include "fs/node.h"
#include "fs/regular.h"
#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/user.h"
#include "kernel/wait.h"
#include "lib/string.h"
#include "linux/errno.h"

#define CHUNK_LEN (256u << 10) /* of one request */

#define BLKROGET     0x0000125eu
#define BLKGETSIZE   0x00001260u
#define BLKFLSBUF    0x00001261u
#define BLKSSZGET    0x00001268u
#define BLKPBSZGET   0x0000127bu
#define BLKBSZGET    0x80081270u
#define BLKGETSIZE64 0x80081272u

struct blkdev {
	unsigned nth;
	struct blk_info info;
	uint64_t len;        /* bytes */
	struct waitq room;   /* requests came back */
	struct lock partial; /* who changes a piece of a sector */
	/* The block that small reads come from. */
	uint8_t *block; /* a page, or NULL: never needed */
	uint64_t block_at;
	bool block_valid;
	uint32_t writes; /* ever begun: a block read meanwhile is stale */
};

static struct blkdev disks[BLK_MAX];

unsigned blkdev_count(void)
{
	struct virtio probe;
	unsigned n = 0;

	while (n < BLK_MAX && virtio_find(&probe, VIRTIO_ID_BLK, n, 0))
		n++;
	return n;
}

/* One request on memory of the kernel's that lies in one piece. */
static int64_t request(struct blkdev *d, enum blk_type type, uint64_t at,
		       void *buf, uint64_t len)
{
	int64_t rc;

	while ((rc = blk_do(d->nth, type, at / BLK_SECTOR,
			    buf ? phys_of(buf) : 0, (uint32_t)len)) ==
	       -LINUX_EAGAIN)
		(void)waitq_sleep_deaf(&d->room, WAIT_FOREVER);
	waitq_wake(&d->room, WAKE_ANY);
	return rc;
}

static void forget_block(struct blkdev *d, uint64_t at, uint64_t len)
{
	d->writes++;
	if (at < d->block_at + PAGE_LEN && d->block_at < at + len)
		d->block_valid = false;
}

static int64_t write_sectors(struct blkdev *d, uint64_t at, void *buf,
			     uint64_t len)
{
	int64_t rc;

	forget_block(d, at, len);
	rc = request(d, BLK_WRITE, at, buf, len);
	/* Whoever read the block while it was written may have either. */
	forget_block(d, at, len);
	return rc;
}

/* The block around `at` is in d->block afterwards; d->partial is taken. */
static int64_t read_block(struct blkdev *d, uint64_t at)
{
	uint64_t block_at = page_down(at);
	uint32_t before = d->writes;
	int64_t rc;

	if (d->block_valid && d->block_at == block_at)
		return 0;
	if (!d->block)
		d->block = page_alloc();
	if (!d->block)
		return -LINUX_ENOMEM;
	d->block_valid = false;
	rc = request(d, BLK_READ, block_at, d->block,
		     min_u64(PAGE_LEN, d->len - block_at));
	d->block_at = block_at;
	d->block_valid = !rc && before == d->writes;
	return rc;
}

/* Up to the end of a block. */
static int64_t read_small(struct blkdev *d, struct io *io, uint64_t at,
			  uint64_t len)
{
	uint64_t off = at & PAGE_MASK;
	int64_t rc;

	lock_take(&d->partial);
	rc = read_block(d, at);
	if (!rc)
		rc = io_put(io, d->block + off, min_u64(len, PAGE_LEN - off));
	lock_drop(&d->partial);
	return rc;
}

/* A piece of one sector. */
static int64_t write_small(struct blkdev *d, struct io *io, uint64_t at,
			   uint64_t len)
{
	uint64_t off = at % BLK_SECTOR, n = min_u64(len, BLK_SECTOR - off);
	uint8_t *sector = kmem_alloc(BLK_SECTOR);
	int64_t rc, done = 0;

	if (!sector)
		return -LINUX_ENOMEM;
	lock_take(&d->partial);
	rc = request(d, BLK_READ, at - off, sector, BLK_SECTOR);
	if (!rc)
		done = io_get(io, sector + off, n);
	if (!rc && done > 0)
		rc = write_sectors(d, at - off, sector, BLK_SECTOR);
	lock_drop(&d->partial);
	kmem_free(sector, BLK_SECTOR);
	return rc ? rc : done;
}

/* Whole sectors, through a buffer, as many as it has room for. */
static int64_t move_sectors(struct blkdev *d, enum blk_type type, struct io *io,
			    uint64_t at, uint64_t len)
{
	uint64_t pages = (min_u64(len, CHUNK_LEN) + PAGE_MASK) / PAGE_LEN;
	uint8_t *buf = page_alloc_run(pages);
	int64_t n, rc;

	while (!buf && pages > 1) {
		pages /= 2;
		buf = page_alloc_run(pages);
	}
	if (!buf)
		return -LINUX_ENOMEM;
	len = min_u64(len, pages * PAGE_LEN);
	if (type == BLK_READ) {
		rc = request(d, BLK_READ, at, buf, len);
		n = rc ? rc : io_put(io, buf, len);
	} else {
		n = io_get(io, buf, len);
		/* What could be read of a bad buffer: whole sectors. */
		if (n > 0)
			n -= n % BLK_SECTOR;
		rc = n > 0 ? write_sectors(d, at, buf, (uint64_t)n) : 0;
		n = rc ? rc : n ? n : -LINUX_EFAULT;
	}
	page_free_run(buf, pages);
	return n;
}

static int64_t one_piece(struct blkdev *d, enum blk_type type, struct io *io,
			 uint64_t at)
{
	uint64_t len = io->left;

	if (!(at % BLK_SECTOR) && len >= BLK_SECTOR &&
	    (type == BLK_WRITE || len >= PAGE_LEN))
		return move_sectors(d, type, io, at, len - len % BLK_SECTOR);
	return type == BLK_READ ? read_small(d, io, at, len)
				: write_small(d, io, at, len);
}

/* O_DIRECT: position, addresses and lengths are of whole sectors. */
static bool is_aligned(const struct io *io, uint64_t pos)
{
	uint64_t bits = pos | io->left;

	for (unsigned i = 0; !io->kernel && i < io->n; i++)
		bits |= io->vec[i].base | io->vec[i].len;
	return !(bits % BLK_SECTOR);
}

static int64_t move(struct file *f, enum blk_type type, struct io *io,
		    uint64_t *pos)
{
	struct blkdev *d = f->data;
	int64_t done = 0, n = 0;

	if (!io->left)
		return 0;
	if ((f->flags & O_DIRECT) && !is_aligned(io, *pos))
		return -LINUX_EINVAL;
	if (*pos >= d->len)
		return type == BLK_READ ? 0 : -LINUX_ENOSPC;
	io_limit(io, d->len - *pos);
	while (io->left && (n = one_piece(d, type, io, *pos)) > 0) {
		*pos += (uint64_t)n;
		done += n;
	}
	return done ? done : n;
}

static int flush(struct blkdev *d)
{
	return d->info.flush ? (int)request(d, BLK_FLUSH, 0, NULL, 0) : 0;
}

static int sync(struct file *f)
{
	return flush(f->data);
}

void blkdev_sync(void)
{
	for (unsigned i = 0; i < BLK_MAX; i++)
		if (disks[i].writes)
			(void)flush(&disks[i]); /* sync(2) tells no errors */
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	return move(f, BLK_READ, io, pos);
}

static int64_t write(struct file *f, struct io *io, uint64_t *pos)
{
	const struct blkdev *d = f->data;
	int64_t n, rc;

	if (d->info.read_only)
		return -LINUX_EPERM;
	n = move(f, BLK_WRITE, io, pos);
	if (n <= 0 || !(f->flags & O_DSYNC))
		return n;
	rc = sync(f);
	return rc ? rc : n;
}

static int64_t seek(struct file *f, int64_t off, unsigned whence)
{
	const struct blkdev *d = f->data;
	int64_t pos = file_seek(f->pos, d->len, off, whence);

	if (pos >= 0 && (uint64_t)pos > d->len)
		return -LINUX_EINVAL;
	if (pos >= 0)
		f->pos = (uint64_t)pos;
	return pos;
}

static int64_t tell(uint64_t gva, uint64_t value, uint64_t len)
{
	return user_write(gva, &value, len);
}

static int64_t ioctl(struct file *f, uint32_t call, uint64_t gva)
{
	struct blkdev *d = f->data;

	switch (call) {
	case BLKROGET:
		return tell(gva, d->info.read_only, 4);
	case BLKGETSIZE:
		return tell(gva, d->info.sectors, 8);
	case BLKGETSIZE64:
		return tell(gva, d->len, 8);
	case BLKSSZGET:
	case BLKPBSZGET:
		return tell(gva, BLK_SECTOR, 4);
	case BLKBSZGET:
		return tell(gva, PAGE_LEN, 4);
	case BLKFLSBUF:
		d->block_valid = false;
		return 0;
	default:
		return -LINUX_ENOTTY;
	}
}

int blkdev_open(struct inode *node, struct file *f)
{
	static const struct file_ops ops = { .read = read,
					     .write = write,
					     .seek = seek,
					     .ioctl = ioctl,
					     .stat = node_stat,
					     .sync = sync };
	unsigned major = DEV_MAJOR(node->rdev), minor = DEV_MINOR(node->rdev);
	unsigned nth = minor / BLKDEV_MINORS;
	struct blkdev *d = &disks[nth % BLK_MAX];

	if (major != BLKDEV_MAJOR || minor % BLKDEV_MINORS || nth >= BLK_MAX ||
	    !blk_open(nth, &d->info))
		return -LINUX_ENXIO;
	if (d->info.read_only && (f->flags & O_ACCMODE) != O_RDONLY)
		return -LINUX_EACCES;
	d->nth = nth;
	d->len = d->info.sectors * BLK_SECTOR;
	f->data = d;
	f->ops = &ops;
	return 0;
}
