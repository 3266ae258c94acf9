/* sys_attr.c: changes of attributes: modes, owners, times, sizes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/regular.h"
#include "kernel/clock.h"
#include "kernel/user.h"
#include "linux/at.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

/* The inode of a descriptor, held; NULL in *ret: it has none, and nothing to
 * change. `any`: also of O_PATH. */
static int node_of(uint64_t fd, bool any, struct inode **ret)
{
	struct file *f = any ? fd_hold_any(fd) : fd_hold(fd);

	if (!f)
		return -LINUX_EBADF;
	*ret = f->node ? inode_get(f->node) : NULL;
	file_put(f);
	return *ret ? 0 : -LINUX_EINVAL;
}

static int node_at(uint64_t dirfd, uint64_t gva, uint64_t flags,
		   struct inode **ret)
{
	struct dentry *d;
	int rc = at_find(dirfd, gva, at_how(flags), &d);

	if (rc)
		return rc;
	*ret = inode_get(d->node);
	dentry_put(d);
	return 0;
}

/* /proc and /sys are as they are. */
static int may_change(const struct inode *node)
{
	return node->fs == FS_PROC || node->fs == FS_SYS ? -LINUX_EPERM : 0;
}

/* Takes node's reference. */
static int64_t change_mode(struct inode *node, uint64_t mode)
{
	int rc = may_change(node);

	if (!rc && inode_is(node, S_IFLNK))
		rc = -LINUX_EOPNOTSUPP;
	if (!rc) {
		node->mode = (node->mode & S_IFMT) | ((uint32_t)mode & 07777);
		inode_changed(node);
	}
	inode_put(node);
	return rc;
}

int64_t sys_chmod(struct regs *r)
{
	struct inode *node;
	int rc = node_at(CWD, ARG1(r), 0, &node);

	return rc ? rc : change_mode(node, ARG2(r));
}

int64_t sys_fchmod(struct regs *r)
{
	struct inode *node;
	int rc = node_of(ARG1(r), false, &node);

	return rc ? rc : change_mode(node, ARG2(r));
}

int64_t sys_fchmodat(struct regs *r)
{
	struct inode *node;
	int rc = node_at(ARG1(r), ARG2(r), 0, &node);

	return rc ? rc : change_mode(node, ARG3(r));
}

/* Takes node's reference. -1: leave it. */
static int64_t change_owner(struct inode *node, uint64_t uid, uint64_t gid)
{
	int rc = may_change(node);

	if (!rc) {
		if ((uint32_t)uid != UINT32_MAX)
			node->uid = (uint32_t)uid;
		if ((uint32_t)gid != UINT32_MAX)
			node->gid = (uint32_t)gid;
		/* Linux takes these bits from files, also from root's. */
		if (!inode_is(node, S_IFDIR)) {
			node->mode &= ~S_ISUID;
			if (node->mode & 0010)
				node->mode &= ~S_ISGID;
		}
		inode_changed(node);
	}
	inode_put(node);
	return rc;
}

int64_t sys_chown(struct regs *r)
{
	struct inode *node;
	int rc = node_at(CWD, ARG1(r), 0, &node);

	return rc ? rc : change_owner(node, ARG2(r), ARG3(r));
}

int64_t sys_lchown(struct regs *r)
{
	struct inode *node;
	int rc = node_at(CWD, ARG1(r), AT_SYMLINK_NOFOLLOW, &node);

	return rc ? rc : change_owner(node, ARG2(r), ARG3(r));
}

int64_t sys_fchown(struct regs *r)
{
	struct inode *node;
	int rc = node_of(ARG1(r), false, &node);

	return rc ? rc : change_owner(node, ARG2(r), ARG3(r));
}

int64_t sys_fchownat(struct regs *r)
{
	struct inode *node;
	int rc;

	if ((uint32_t)ARG5(r) & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -LINUX_EINVAL;
	rc = node_at(ARG1(r), ARG2(r), ARG5(r), &node);
	return rc ? rc : change_owner(node, ARG3(r), ARG4(r));
}

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

struct times {
	struct {
		int64_t sec, nsec;
	} at[2]; /* access, modification */
};

static const struct times both_now = { { { 0, UTIME_NOW }, { 0, UTIME_NOW } } };

static bool is_time(int64_t nsec)
{
	return (nsec >= 0 && nsec < (int64_t)NS_PER_SEC) || nsec == UTIME_NOW ||
	       nsec == UTIME_OMIT;
}

static void set_time(struct fs_time *time, int64_t sec, int64_t nsec)
{
	if (nsec == UTIME_NOW)
		*time = fs_now();
	else if (nsec != UTIME_OMIT)
		*time = (struct fs_time){ sec, (uint32_t)nsec };
}

/* Takes node's reference. */
static int64_t change_times(struct inode *node, const struct times *t)
{
	int rc = may_change(node);

	if (!rc && !is_time(t->at[0].nsec))
		rc = -LINUX_EINVAL;
	if (!rc && !is_time(t->at[1].nsec))
		rc = -LINUX_EINVAL;
	if (!rc) {
		set_time(&node->atime, t->at[0].sec, t->at[0].nsec);
		set_time(&node->mtime, t->at[1].sec, t->at[1].nsec);
		inode_changed(node);
	}
	inode_put(node);
	return rc;
}

int64_t sys_utimensat(struct regs *r)
{
	struct times t = both_now;
	struct inode *node;
	int rc;

	if (ARG3(r) && user_read(&t, ARG3(r), sizeof(t)))
		return -LINUX_EFAULT;
	if (t.at[0].nsec == UTIME_OMIT && t.at[1].nsec == UTIME_OMIT)
		return 0;
	if ((uint32_t)ARG4(r) & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -LINUX_EINVAL;
	if (!ARG2(r) && (int32_t)ARG1(r) != AT_FDCWD) {
		if ((uint32_t)ARG4(r))
			return -LINUX_EINVAL;
		rc = node_of(ARG1(r), false, &node);
	} else {
		rc = node_at(ARG1(r), ARG2(r), ARG4(r), &node);
	}
	return rc ? rc : change_times(node, &t);
}

/* struct timeval[2]: microseconds. */
static int64_t times_of_day(uint64_t dirfd, uint64_t path, uint64_t gva)
{
	struct times t = both_now;
	struct inode *node;
	int rc;

	if (gva) {
		if (user_read(&t, gva, sizeof(t)))
			return -LINUX_EFAULT;
		for (unsigned i = 0; i < 2; i++) {
			if (t.at[i].nsec < 0 || t.at[i].nsec >= 1000000)
				return -LINUX_EINVAL;
			t.at[i].nsec *= 1000;
		}
	}
	rc = !path && (int32_t)dirfd != AT_FDCWD
		     ? node_of(dirfd, false, &node)
		     : node_at(dirfd, path, 0, &node);
	return rc ? rc : change_times(node, &t);
}

int64_t sys_utimes(struct regs *r)
{
	return times_of_day(CWD, ARG1(r), ARG2(r));
}

int64_t sys_futimesat(struct regs *r)
{
	return times_of_day(ARG1(r), ARG2(r), ARG3(r));
}

int64_t sys_utime(struct regs *r)
{
	struct times t = both_now;
	struct inode *node;
	int64_t sec[2];
	int rc;

	if (ARG2(r)) {
		if (user_read(sec, ARG2(r), sizeof(sec)))
			return -LINUX_EFAULT;
		t = (struct times){ { { sec[0], 0 }, { sec[1], 0 } } };
	}
	rc = node_at(CWD, ARG1(r), 0, &node);
	return rc ? rc : change_times(node, &t);
}

/* What both truncate calls check of the file. */
static int64_t cut(struct inode *node, int64_t len)
{
	uint64_t size = inode_size(node);

	if (len < 0)
		return -LINUX_EINVAL;
	if (((uint64_t)len < size && (node->seals & SEAL_SHRINK)) ||
	    ((uint64_t)len > size && (node->seals & SEAL_GROW)))
		return -LINUX_EPERM;
	return inode_truncate(node, (uint64_t)len);
}

int64_t sys_truncate(struct regs *r)
{
	struct inode *node;
	int64_t rc;

	if ((int64_t)ARG2(r) < 0)
		return -LINUX_EINVAL;
	rc = node_at(CWD, ARG1(r), 0, &node);
	if (rc)
		return rc;
	if (inode_is(node, S_IFDIR))
		rc = -LINUX_EISDIR;
	else if (!inode_is(node, S_IFREG))
		rc = -LINUX_EINVAL;
	else if (node->fs != FS_ROOT)
		rc = -LINUX_EPERM;
	else if (node->running)
		rc = -LINUX_ETXTBSY;
	else
		rc = cut(node, (int64_t)ARG2(r));
	inode_put(node);
	return rc;
}

int64_t sys_ftruncate(struct regs *r)
{
	struct file *f;
	int64_t rc;

	if ((int64_t)ARG2(r) < 0)
		return -LINUX_EINVAL;
	f = fd_hold(ARG1(r));
	if (!f)
		return -LINUX_EBADF;
	if (!f->node || !inode_is(f->node, S_IFREG) || f->node->fs != FS_ROOT ||
	    (f->flags & O_ACCMODE) == O_RDONLY)
		rc = -LINUX_EINVAL;
	else
		rc = cut(f->node, (int64_t)ARG2(r));
	file_put(f);
	return rc;
}
