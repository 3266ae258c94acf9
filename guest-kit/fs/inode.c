/* inode.c: life and attributes of inodes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/inode.h"

#include "abi/rootfs.h"
#include "fs/image.h"
#include "fs/node.h"
#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/store.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/identity.h"

#define DAY_S 86400

static uint32_t next_number = 1;

void inode_numbers_from(uint32_t ino)
{
	next_number = ino;
}

uint32_t inode_number(void)
{
	return next_number++;
}

struct fs_time fs_now(void)
{
	uint64_t ns = clock_wall();

	return (struct fs_time){ (int64_t)(ns / NS_PER_SEC),
				 (uint32_t)(ns % NS_PER_SEC) };
}

struct inode *inode_new(enum fs_id fs, uint32_t mode)
{
	struct inode *node = kmem_alloc(sizeof(*node));

	if (!node)
		return NULL;
	node->ops = node_ops(mode);
	node->refs = 1;
	node->mode = mode;
	node->uid = identity_uids[ID_FS];
	node->gid = identity_gids[ID_FS];
	node->nlink = 1;
	node->fs = (uint8_t)fs;
	node->ino = inode_number();
	node->atime = node->mtime = node->ctime = fs_now();
	return node;
}

struct inode *inode_get(struct inode *node)
{
	node->refs++;
	return node;
}

void inode_put(struct inode *node)
{
	if (--node->refs || !image_forget(node))
		return;
	if (node->ops->free)
		node->ops->free(node);
	kmem_free(node, sizeof(*node));
}

struct store *inode_store(struct inode *node)
{
	if (!node->store)
		node->store =
			node->image ? image_store(node->image) : store_new();
	return node->store;
}

uint64_t inode_size(const struct inode *node)
{
	if (inode_is(node, S_IFLNK))
		return node->target_len;
	if (!inode_is(node, S_IFREG) || node->fs == FS_PROC ||
	    node->fs == FS_SYS)
		return 0;
	if (node->store)
		return store_len(node->store);
	return node->image ? node->image->size : 0;
}

int inode_truncate(struct inode *node, uint64_t len)
{
	struct store *s = inode_store(node);
	int rc = s ? store_resize(s, len) : -LINUX_ENOMEM;

	if (!rc)
		inode_modified(node);
	return rc;
}

int64_t inode_readlink(struct inode *node, char *buf, uint64_t room)
{
	if (!inode_is(node, S_IFLNK))
		return -LINUX_EINVAL;
	inode_accessed(node);
	if (node->ops->readlink)
		return node->ops->readlink(node, buf, room);
	room = min_u64(room, node->target_len);
	memcpy(buf, node->target, room);
	return (int64_t)room;
}

/* Major 0, one minor each, as Linux numbers what is on no device. */
uint64_t inode_dev(const struct inode *node)
{
	return 20u + node->fs;
}

static uint64_t pages_of(const struct inode *node)
{
	if (!inode_is(node, S_IFREG) || node->fs != FS_ROOT)
		return 0;
	if (node->store)
		return store_pages(node->store);
	return (inode_size(node) + PAGE_MASK) / PAGE_LEN;
}

void inode_stat(const struct inode *node, struct linux_stat *ret)
{
	*ret = (struct linux_stat){
		.dev = inode_dev(node),
		.ino = node->ino,
		.nlink = node->nlink,
		.mode = node->mode,
		.uid = node->uid,
		.gid = node->gid,
		.rdev = node->rdev,
		.size = (int64_t)inode_size(node),
		.blksize = PAGE_LEN,
		.blocks = (int64_t)(pages_of(node) * (PAGE_LEN / 512)),
		.atime = { (uint64_t)node->atime.sec, node->atime.nsec },
		.mtime = { (uint64_t)node->mtime.sec, node->mtime.nsec },
		.ctime = { (uint64_t)node->ctime.sec, node->ctime.nsec },
	};
	if (node->fs == FS_ROOT && inode_is(node, S_IFDIR)) {
		ret->size = PAGE_LEN;
		ret->blocks = PAGE_LEN / 512;
	}
}

void inode_changed(struct inode *node)
{
	node->ctime = fs_now();
}

void inode_modified(struct inode *node)
{
	node->mtime = node->ctime = fs_now();
}

static bool after(struct fs_time a, struct fs_time b)
{
	return a.sec != b.sec ? a.sec > b.sec : a.nsec > b.nsec;
}

void inode_accessed(struct inode *node)
{
	struct fs_time now = fs_now();

	if (!after(node->atime, node->mtime) ||
	    !after(node->atime, node->ctime) ||
	    now.sec - node->atime.sec >= DAY_S)
		node->atime = now;
}
