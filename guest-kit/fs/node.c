/* node.c: operations of the tree's inodes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/node.h"

#include "fs/dir.h"
#include "fs/fifo.h"
#include "fs/inode.h"
#include "kernel/kmem.h"
#include "kernel/store.h"

static void free_store(struct inode *node)
{
	if (node->store)
		store_put(node->store);
}

static void free_target(struct inode *node)
{
	kmem_free(node->target, node->target_len + 1ull);
}

const struct inode_ops *node_ops(uint32_t mode)
{
	static const struct inode_ops regular = { .open = regular_open,
						  .free = free_store };
	static const struct inode_ops dir = { .open = dir_open,
					      .lookup = dir_lookup,
					      .next = dir_next,
					      .free = dir_free };
	static const struct inode_ops link = { .free = free_target };
	static const struct inode_ops fifo = { .open = fifo_open,
					       .free = fifo_free };
	static const struct inode_ops dev = { .open = dev_open };
	static const struct inode_ops blkdev = { .open = blkdev_open };
	static const struct inode_ops socket = { 0 };

	switch (mode & S_IFMT) {
	case S_IFREG:
		return &regular;
	case S_IFDIR:
		return &dir;
	case S_IFLNK:
		return &link;
	case S_IFIFO:
		return &fifo;
	case S_IFCHR:
		return &dev;
	case S_IFBLK:
		return &blkdev;
	default:
		return &socket;
	}
}

int node_stat(struct file *f, struct linux_stat *ret)
{
	inode_stat(f->node, ret);
	return 0;
}
