/* regular.c: open regular files: a store and a position. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/regular.h"

#include "fs/inode.h"
#include "fs/node.h"
#include "kernel/store.h"
#include "linux/errno.h"

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	struct inode *node = f->node;
	int64_t n;

	if (*pos >= inode_size(node) || !io->left)
		return 0;
	n = store_read(node->store, *pos, io);
	if (n > 0)
		*pos += (uint64_t)n;
	if (!(f->flags & O_NOATIME))
		inode_accessed(node);
	return n;
}

static int64_t write(struct file *f, struct io *io, uint64_t *pos)
{
	struct inode *node = f->node;
	uint64_t size = inode_size(node);
	int64_t n;

	if (node->seals & SEAL_WRITE)
		return -LINUX_EPERM;
	if (!io->left)
		return 0;
	if (f->flags & O_APPEND)
		*pos = size;
	if (*pos >= FILE_LEN_MAX)
		return -LINUX_EFBIG;
	io_limit(io, FILE_LEN_MAX - *pos);
	if (node->seals & SEAL_GROW) {
		if (*pos >= size)
			return -LINUX_EPERM;
		io_limit(io, size - *pos);
	}
	n = store_write(node->store, *pos, io);
	if (n > 0) {
		*pos += (uint64_t)n;
		inode_modified(node);
	}
	return n;
}

/* Pages are data, whatever is in them; behind the end there is a hole. */
int64_t file_seek(uint64_t pos, uint64_t size, int64_t off, unsigned whence)
{
	uint64_t base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = pos;
		break;
	case SEEK_END:
		base = size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0 || (uint64_t)off >= size)
			return -LINUX_ENXIO;
		return whence == SEEK_DATA ? off : (int64_t)size;
	default:
		return -LINUX_EINVAL;
	}
	if (off > 0 && (uint64_t)off > FILE_LEN_MAX - base)
		return -LINUX_EINVAL;
	off += (int64_t)base;
	return off < 0 ? -LINUX_EINVAL : off;
}

static int64_t seek(struct file *f, int64_t off, unsigned whence)
{
	int64_t pos = file_seek(f->pos, inode_size(f->node), off, whence);

	if (pos >= 0)
		f->pos = (uint64_t)pos;
	return pos;
}

static struct store *store(struct file *f)
{
	return inode_store(f->node);
}

int regular_open(struct inode *node, struct file *f)
{
	static const struct file_ops ops = {
		.read = read,
		.write = write,
		.seek = seek,
		.stat = node_stat,
		.store = store,
	};

	if (!inode_store(node))
		return -LINUX_ENOMEM;
	f->ops = &ops;
	return 0;
}
