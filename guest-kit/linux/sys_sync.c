/* sys_sync.c: what is to be safe, what is to be there, what will be read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/blkdev.h"
#include "fs/inode.h"
#include "fs/regular.h"
#include "kernel/page.h"
#include "kernel/store.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

static int64_t sync_fd(uint64_t fd)
{
	struct file *f = fd_hold(fd);
	int64_t rc = 0;

	if (!f)
		return -LINUX_EBADF;
	if (f->ops->sync)
		rc = f->ops->sync(f);
	else if (!f->node ||
		 !(inode_is(f->node, S_IFREG) || inode_is(f->node, S_IFDIR)))
		rc = -LINUX_EINVAL;
	file_put(f);
	return rc;
}

int64_t sys_fsync(struct regs *r)
{
	return sync_fd(ARG1(r));
}

int64_t sys_fdatasync(struct regs *r)
{
	return sync_fd(ARG1(r));
}

/* Writes to disks go through; files in memory need nothing. */
int64_t sys_sync(struct regs *r)
{
	(void)r;
	blkdev_sync();
	return 0;
}

/* No file system here is kept on a disk. */
int64_t sys_syncfs(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));

	if (!f)
		return -LINUX_EBADF;
	file_put(f);
	return 0;
}

/* A range of a file that has positions and ranges. */
static int64_t check_range(uint64_t fd, int64_t off, int64_t len)
{
	struct file *f = fd_hold(fd);
	int64_t rc = 0;

	if (!f)
		return -LINUX_EBADF;
	if (!f->ops->seek)
		rc = -LINUX_ESPIPE;
	else if (off < 0 || len < 0)
		rc = -LINUX_EINVAL;
	file_put(f);
	return rc;
}

int64_t sys_sync_file_range(struct regs *r)
{
	if ((uint32_t)ARG4(r) & ~7u)
		return -LINUX_EINVAL;
	return check_range(ARG1(r), (int64_t)ARG2(r), (int64_t)ARG3(r));
}

#define POSIX_FADV_MAX 5u

int64_t sys_fadvise64(struct regs *r)
{
	int64_t rc = check_range(ARG1(r), 0, (int64_t)ARG3(r));

	return !rc && (uint32_t)ARG4(r) > POSIX_FADV_MAX ? -LINUX_EINVAL : rc;
}

int64_t sys_readahead(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));
	int64_t rc = 0;

	if (!f)
		return -LINUX_EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		rc = -LINUX_EBADF;
	else if (!f->node ||
		 !(inode_is(f->node, S_IFREG) || inode_is(f->node, S_IFBLK)))
		rc = -LINUX_EINVAL;
	file_put(f);
	return rc;
}

#define FALLOC_KEEP_SIZE  0x01u
#define FALLOC_PUNCH_HOLE 0x02u
#define FALLOC_ZERO_RANGE 0x10u

/* Every page of the range is the file's own afterwards. */
static int fill(struct store *s, uint64_t first, uint64_t end)
{
	if (end - first > page_count_free())
		return -LINUX_ENOSPC;
	for (; first < end; first++)
		if (!store_page(s, first, true))
			return -LINUX_ENOSPC;
	return 0;
}

static int64_t allocate(struct inode *node, uint32_t mode, uint64_t off,
			uint64_t len)
{
	struct store *s = inode_store(node);
	uint64_t size = inode_size(node), end = off + len;
	bool clears = mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE);
	bool grows = end > size && !(mode & FALLOC_KEEP_SIZE);
	int rc = 0;

	if (((node->seals & SEAL_WRITE) && clears) ||
	    ((node->seals & SEAL_GROW) && grows))
		return -LINUX_EPERM;
	if (clears && off < size)
		rc = store_punch(s, off, min_u64(end, size) - off);
	/* Behind the end pages would be forgotten with the next cut. */
	if (!rc && !clears)
		rc = fill(s, off / PAGE_LEN,
			  (grows || end <= size ? end + PAGE_MASK : size) /
				  PAGE_LEN);
	if (!rc && grows)
		rc = store_resize(s, end);
	if (!rc)
		inode_modified(node);
	return rc == -LINUX_ENOMEM ? -LINUX_ENOSPC : rc;
}

static int64_t allocate_file(struct file *f, uint32_t mode, int64_t off,
			     int64_t len)
{
	int64_t end;

	if (off < 0 || len <= 0)
		return -LINUX_EINVAL;
	if ((mode &
	     ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) ||
	    ((mode & FALLOC_PUNCH_HOLE) &&
	     mode != (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)))
		return -LINUX_EOPNOTSUPP;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -LINUX_EBADF;
	if (!f->node || inode_is(f->node, S_IFIFO))
		return -LINUX_ESPIPE;
	if (inode_is(f->node, S_IFDIR))
		return -LINUX_EISDIR;
	if (!inode_is(f->node, S_IFREG) || f->node->fs != FS_ROOT)
		return -LINUX_ENODEV;
	if (__builtin_add_overflow(off, len, &end))
		return -LINUX_EFBIG;
	return allocate(f->node, mode, (uint64_t)off, (uint64_t)len);
}

int64_t sys_fallocate(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));
	int64_t rc;

	if (!f)
		return -LINUX_EBADF;
	rc = allocate_file(f, (uint32_t)ARG2(r), (int64_t)ARG3(r),
			   (int64_t)ARG4(r));
	file_put(f);
	return rc;
}
