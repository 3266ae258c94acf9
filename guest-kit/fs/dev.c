/* dev.c: character devices. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dev.h"

#include "fs/blkdev.h"
#include "fs/inode.h"
#include "fs/node.h"
#include "fs/tree.h"
#include "kernel/entropy.h"
#include "linux/console_file.h"
#include "linux/errno.h"

#define DEV_NULL    DEV_NUMBER(1, 3)
#define DEV_ZERO    DEV_NUMBER(1, 5)
#define DEV_FULL    DEV_NUMBER(1, 7)
#define DEV_RANDOM  DEV_NUMBER(1, 8)
#define DEV_URANDOM DEV_NUMBER(1, 9)
#define DEV_TTY     DEV_NUMBER(5, 0)
#define DEV_CONSOLE DEV_NUMBER(5, 1)

static int64_t read_nothing(struct file *f, struct io *io, uint64_t *pos)
{
	(void)f;
	(void)io;
	(void)pos;
	return 0;
}

static int64_t read_zeros(struct file *f, struct io *io, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return io_zero(io, io->left);
}

static int64_t read_random(struct file *f, struct io *io, uint64_t *pos)
{
	uint8_t buf[256];
	int64_t done = 0, n;

	(void)f;
	(void)pos;
	while (io->left) {
		uint64_t len = min_u64(io->left, sizeof(buf));

		/* Better none than bad ones. */
		n = entropy_fill(buf, len) ? io_put(io, buf, len) : -LINUX_EIO;
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

static int64_t write_away(struct file *f, struct io *io, uint64_t *pos)
{
	int64_t len = (int64_t)io->left;

	(void)f;
	(void)pos;
	io->left = 0;
	return len;
}

static int64_t write_full(struct file *f, struct io *io, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return io->left ? -LINUX_ENOSPC : 0;
}

/* No positions, and no errors. */
static int64_t seek(struct file *f, int64_t off, unsigned whence)
{
	(void)f;
	(void)off;
	(void)whence;
	return 0;
}

static const struct file_ops null_ops = { .read = read_nothing,
					  .write = write_away,
					  .seek = seek,
					  .stat = node_stat };
static const struct file_ops zero_ops = {
	.read = read_zeros,
	.write = write_away,
	.seek = seek,
	.stat = node_stat,
	.zeros = true,
};
static const struct file_ops full_ops = {
	.read = read_zeros, .write = write_full, .seek = seek, .stat = node_stat
};
static const struct file_ops random_ops = { .read = read_random,
					    .write = write_away,
					    .seek = seek,
					    .stat = node_stat };

/* There is no controlling terminal: /dev/tty is ENXIO, like what has no
 * driver. */
int dev_open(struct inode *node, struct file *f)
{
	switch (node->rdev) {
	case DEV_NULL:
		f->ops = &null_ops;
		return 0;
	case DEV_ZERO:
		f->ops = &zero_ops;
		return 0;
	case DEV_FULL:
		f->ops = &full_ops;
		return 0;
	case DEV_RANDOM:
	case DEV_URANDOM:
		f->ops = &random_ops;
		return 0;
	case DEV_CONSOLE:
		f->ops = console_file_ops();
		return 0;
	default:
		return -LINUX_ENXIO;
	}
}

int dev_make_nodes(struct dentry *dir)
{
	static const struct {
		const char *name;
		uint32_t mode, rdev;
		const char *target;
	} nodes[] = {
		{ "null", S_IFCHR | 0666, DEV_NULL, NULL },
		{ "zero", S_IFCHR | 0666, DEV_ZERO, NULL },
		{ "full", S_IFCHR | 0666, DEV_FULL, NULL },
		{ "random", S_IFCHR | 0666, DEV_RANDOM, NULL },
		{ "urandom", S_IFCHR | 0666, DEV_URANDOM, NULL },
		{ "tty", S_IFCHR | 0666, DEV_TTY, NULL },
		{ "console", S_IFCHR | 0600, DEV_CONSOLE, NULL },
		{ "shm", S_IFDIR | S_ISVTX | 0777, 0, NULL },
		{ "fd", S_IFLNK | 0777, 0, "/proc/self/fd" },
		{ "stdin", S_IFLNK | 0777, 0, "/proc/self/fd/0" },
		{ "stdout", S_IFLNK | 0777, 0, "/proc/self/fd/1" },
		{ "stderr", S_IFLNK | 0777, 0, "/proc/self/fd/2" },
	};
	int rc = 0;

	for (unsigned i = 0; !rc && i < ARRAY_LEN(nodes); i++)
		rc = tree_standard(dir, nodes[i].name, nodes[i].mode,
				   nodes[i].rdev, nodes[i].target);
	for (unsigned i = 0; !rc && i < blkdev_count(); i++) {
		const char name[] = { 'v', 'd', (char)('a' + i), 0 };

		rc = tree_standard(dir, name, S_IFBLK | 0660,
				   DEV_NUMBER(BLKDEV_MAJOR, i * BLKDEV_MINORS),
				   NULL);
	}
	return rc;
}
