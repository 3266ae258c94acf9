/* image.c: reads the root image. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/image.h"

#include "abi/rootfs.h"
#include "fs/inode.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/store.h"
#include "lib/string.h"

#define LISTS 64u

/* Inodes with several names, by the number of the first. */
static struct inode *linked[LISTS];

static const struct rootfs_header *header(void)
{
	return phys_ptr(machine.rootfs);
}

const struct rootfs_entry *image_root(void)
{
	return machine.rootfs ? image_entry(0) : NULL;
}

uint32_t image_entries(void)
{
	return machine.rootfs ? header()->n_entries : 0;
}

const struct rootfs_entry *image_entry(uint32_t index)
{
	const struct rootfs_entry *e =
		phys_ptr(machine.rootfs + header()->entries_off);

	return e + index;
}

static uint32_t index_of(const struct rootfs_entry *e)
{
	return (uint32_t)(e - image_entry(0));
}

static const char *string_at(uint64_t off)
{
	return phys_ptr(machine.rootfs + header()->strings_off + off);
}

const char *image_name(const struct rootfs_entry *e)
{
	return string_at(e->name_off);
}

/* As strcmp: below, at or above 0. */
static int compare(const char *name, unsigned len, const struct rootfs_entry *e)
{
	int rc = memcmp(name, image_name(e), min_u64(len, e->name_len));

	return rc ? rc : (int)len - (int)e->name_len;
}

bool image_search(uint32_t first, uint32_t n, const char *name, unsigned len,
		  uint32_t *ret)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int rc = compare(name, len, image_entry(first + mid));

		if (!rc) {
			*ret = mid;
			return true;
		}
		if (rc < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

/* Linux's number of 32 bits: 8 of minor, 12 of major, 12 of minor. */
static uint32_t device_number(uint32_t rdev)
{
	uint32_t minor = ROOTFS_RDEV_MINOR(rdev);

	return (minor & 0xff) | ROOTFS_RDEV_MAJOR(rdev) << 8 |
	       (minor & ~0xffu) << 12;
}

static bool read_target(struct inode *node, const struct rootfs_entry *e)
{
	node->target = kmem_alloc(e->size + 1);
	if (!node->target)
		return false;
	memcpy(node->target, string_at(e->data), e->size);
	node->target_len = (uint32_t)e->size;
	return true;
}

static struct inode *make(const struct rootfs_entry *e, uint32_t index)
{
	struct inode *node = inode_new(FS_ROOT, e->mode);

	if (!node)
		return NULL;
	node->ino = index + 1;
	node->image = e;
	node->uid = e->uid;
	node->gid = e->gid;
	node->nlink = e->nlink;
	node->mtime = (struct fs_time){ e->mtime_sec, e->mtime_nsec };
	node->atime = node->ctime = node->mtime;
	node->rdev = device_number(e->rdev);
	if (inode_is(node, S_IFLNK) && !read_target(node, e)) {
		kmem_free(node, sizeof(*node));
		return NULL;
	}
	return node;
}

struct inode *image_inode(const struct rootfs_entry *e)
{
	uint32_t index = e->link == ROOTFS_NO_LINK ? index_of(e) : e->link;
	struct inode **list = &linked[index % LISTS], *node;
	bool several = e->nlink > 1 && (e->mode & S_IFMT) != S_IFDIR;

	for (node = several ? *list : NULL; node; node = node->next_linked)
		if (node->ino == index + 1)
			return inode_get(node);
	node = make(image_entry(index), index);
	if (node && several) {
		node->next_linked = *list;
		*list = node;
	}
	return node;
}

bool image_forget(struct inode *node)
{
	struct inode **link = &linked[(node->ino - 1) % LISTS];

	if (!node->image || inode_is(node, S_IFDIR))
		return true;
	while (*link && *link != node)
		link = &(*link)->next_linked;
	if (!*link)
		return true;
	if (node->nlink)
		return false;
	*link = node->next_linked;
	return true;
}

struct store *image_store(const struct rootfs_entry *e)
{
	return e->size ? store_new_image(machine.rootfs + e->data, e->size)
		       : store_new();
}
