/* sys_stat.c: what files are: stat, statx, statfs, access, readlink. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/at.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

static int64_t stat_fd(uint64_t fd, struct linux_stat *ret)
{
	struct file *f = fd_hold_any(fd);
	int rc;

	if (!f)
		return -LINUX_EBADF;
	rc = f->ops->stat(f, ret);
	file_put(f);
	return rc;
}

/* The path is "" and may be: the descriptor alone counts. */
static bool is_empty_path(uint64_t gva, uint64_t flags)
{
	char byte;

	return (flags & AT_EMPTY_PATH) &&
	       !user_read(&byte, gva, sizeof(byte)) && !byte;
}

static int64_t stat_at(uint64_t dirfd, uint64_t gva, uint64_t flags,
		       struct linux_stat *ret)
{
	struct dentry *d;
	int rc;

	if (is_empty_path(gva, flags) && (int32_t)dirfd != AT_FDCWD)
		return stat_fd(dirfd, ret);
	rc = at_find(dirfd, gva, at_how(flags), &d);
	if (rc)
		return rc;
	inode_stat(d->node, ret);
	dentry_put(d);
	return 0;
}

static int64_t give(int64_t rc, uint64_t gva, const struct linux_stat *st)
{
	return rc ? rc : user_write(gva, st, sizeof(*st));
}

int64_t sys_stat(struct regs *r)
{
	struct linux_stat st;

	return give(stat_at(CWD, ARG1(r), 0, &st), ARG2(r), &st);
}

int64_t sys_lstat(struct regs *r)
{
	struct linux_stat st;

	return give(stat_at(CWD, ARG1(r), AT_SYMLINK_NOFOLLOW, &st), ARG2(r),
		    &st);
}

int64_t sys_fstat(struct regs *r)
{
	struct linux_stat st;

	return give(stat_fd(ARG1(r), &st), ARG2(r), &st);
}

int64_t sys_newfstatat(struct regs *r)
{
	struct linux_stat st;

	if ((uint32_t)ARG4(r) &
	    ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -LINUX_EINVAL;
	return give(stat_at(ARG1(r), ARG2(r), ARG4(r), &st), ARG3(r), &st);
}

struct statx_time {
	int64_t sec;
	uint32_t nsec, pad;
};

struct linux_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id, spare[13];
};

_Static_assert(sizeof(struct linux_statx) == 256, "ABI");

#define STATX_BASIC    0x7ffu
#define STATX_RESERVED 0x80000000u

static uint32_t major_of(uint64_t dev)
{
	return (uint32_t)(dev >> 8 & 0xfff);
}

static uint32_t minor_of(uint64_t dev)
{
	return (uint32_t)((dev & 0xff) | (dev >> 12 & 0xfff00));
}

int64_t sys_statx(struct regs *r)
{
	uint32_t flags = (uint32_t)ARG3(r);
	struct linux_statx x;
	struct linux_stat st;
	int64_t rc;

	if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
		       AT_STATX_SYNC_TYPE)) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    ((uint32_t)ARG4(r) & STATX_RESERVED))
		return -LINUX_EINVAL;
	rc = stat_at(ARG1(r), ARG2(r), flags, &st);
	if (rc)
		return rc;
	x = (struct linux_statx){
		.mask = STATX_BASIC,
		.blksize = (uint32_t)st.blksize,
		.nlink = (uint32_t)st.nlink,
		.uid = st.uid,
		.gid = st.gid,
		.mode = (uint16_t)st.mode,
		.ino = st.ino,
		.size = (uint64_t)st.size,
		.blocks = (uint64_t)st.blocks,
		.atime = { (int64_t)st.atime[0], (uint32_t)st.atime[1], 0 },
		.ctime = { (int64_t)st.ctime[0], (uint32_t)st.ctime[1], 0 },
		.mtime = { (int64_t)st.mtime[0], (uint32_t)st.mtime[1], 0 },
		.rdev_major = major_of(st.rdev),
		.rdev_minor = minor_of(st.rdev),
		.dev_major = major_of(st.dev),
		.dev_minor = minor_of(st.dev),
	};
	return user_write(ARG5(r), &x, sizeof(x));
}

struct linux_statfs {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree, fsid;
	int64_t namelen, frsize, flags, spare[4];
};

_Static_assert(sizeof(struct linux_statfs) == 120, "ABI");

#define MAGIC_TMPFS 0x01021994
#define MAGIC_PROC  0x9fa0
#define MAGIC_SYSFS 0x62656572
#define MAGIC_PIPE  0x50495045

#define ST_VALID    0x20
#define ST_RELATIME 0x1000

static int64_t give_statfs(enum fs_id fs, uint64_t gva)
{
	static const int64_t magic[FS_IDS] = { MAGIC_TMPFS, MAGIC_PROC,
					       MAGIC_SYSFS, MAGIC_PIPE };
	struct linux_statfs st = {
		.type = magic[fs],
		.bsize = PAGE_LEN,
		.fsid = fs + 1ull,
		.namelen = FS_NAME_MAX,
		.frsize = PAGE_LEN,
		.flags = ST_VALID | ST_RELATIME,
	};

	if (fs == FS_ROOT) {
		st.blocks = page_count_total();
		st.bfree = st.bavail = page_count_free();
		/* An inode and its name: some 256 bytes. */
		st.files = st.blocks * 16;
		st.ffree = st.bfree * 16;
	}
	return user_write(gva, &st, sizeof(st));
}

int64_t sys_statfs(struct regs *r)
{
	struct dentry *d;
	enum fs_id fs;
	int rc = at_find(CWD, ARG1(r), WALK_FOLLOW, &d);

	if (rc)
		return rc;
	fs = (enum fs_id)d->node->fs;
	dentry_put(d);
	return give_statfs(fs, ARG2(r));
}

int64_t sys_fstatfs(struct regs *r)
{
	struct file *f = fd_hold_any(ARG1(r));
	enum fs_id fs = FS_PIPE;

	if (!f)
		return -LINUX_EBADF;
	if (f->node)
		fs = (enum fs_id)f->node->fs;
	file_put(f);
	return give_statfs(fs, ARG2(r));
}

#define R_OK 4u
#define W_OK 2u
#define X_OK 1u

/* As root: only a file that nobody may execute cannot be. */
static int64_t access_at(uint64_t dirfd, uint64_t gva, uint64_t mode,
			 uint64_t flags)
{
	struct linux_stat st;
	struct dentry *d;
	int rc = 0;

	if ((mode & ~(uint64_t)(R_OK | W_OK | X_OK)) ||
	    (flags &
	     ~(uint64_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -LINUX_EINVAL;
	if (is_empty_path(gva, flags) && (int32_t)dirfd != AT_FDCWD)
		return stat_fd(dirfd, &st);
	rc = at_find(dirfd, gva, at_how(flags), &d);
	if (rc)
		return rc;
	if ((mode & W_OK) && d->node->fs == FS_SYS)
		rc = -LINUX_EROFS;
	if ((mode & X_OK) && !inode_is(d->node, S_IFDIR) &&
	    !(d->node->mode & 0111))
		rc = -LINUX_EACCES;
	dentry_put(d);
	return rc;
}

int64_t sys_access(struct regs *r)
{
	return access_at(CWD, ARG1(r), (uint32_t)ARG2(r), 0);
}

int64_t sys_faccessat(struct regs *r)
{
	return access_at(ARG1(r), ARG2(r), (uint32_t)ARG3(r), 0);
}

int64_t sys_faccessat2(struct regs *r)
{
	return access_at(ARG1(r), ARG2(r), (uint32_t)ARG3(r),
			 (uint32_t)ARG4(r));
}

static int64_t read_link(uint64_t dirfd, uint64_t path, uint64_t gva,
			 int64_t size)
{
	char *buf;
	struct dentry *d;
	int64_t rc;

	if (size <= 0)
		return -LINUX_EINVAL;
	rc = at_find(dirfd, path, WALK_EMPTY, &d);
	if (rc)
		return rc;
	buf = kmem_alloc(FS_PATH_MAX);
	if (!buf)
		rc = -LINUX_ENOMEM;
	else if (!inode_is(d->node, S_IFLNK) &&
		 is_empty_path(path, AT_EMPTY_PATH))
		rc = -LINUX_ENOENT;
	else
		rc = inode_readlink(d->node, buf,
				    min_u64((uint64_t)size, FS_PATH_MAX));
	if (rc > 0 && user_write(gva, buf, (uint64_t)rc))
		rc = -LINUX_EFAULT;
	kmem_free(buf, FS_PATH_MAX);
	dentry_put(d);
	return rc;
}

int64_t sys_readlink(struct regs *r)
{
	if (is_empty_path(ARG1(r), AT_EMPTY_PATH))
		return -LINUX_ENOENT;
	return read_link(CWD, ARG1(r), ARG2(r), (int32_t)ARG3(r));
}

int64_t sys_readlinkat(struct regs *r)
{
	return read_link(ARG1(r), ARG2(r), ARG3(r), (int32_t)ARG4(r));
}
