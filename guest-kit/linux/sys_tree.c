/* sys_tree.c: calls that make, name and remove files. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/at.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

static int64_t make_dir(uint64_t dirfd, uint64_t gva, uint64_t mode)
{
	struct path_end end;
	int rc = at_walk(dirfd, gva, WALK_NAME, &end);

	if (rc)
		return rc;
	rc = tree_make(
		&end, S_IFDIR | ((uint32_t)mode & (0777 | S_ISVTX) & ~fs_umask),
		NULL, NULL);
	path_end_put(&end);
	return rc;
}

int64_t sys_mkdir(struct regs *r)
{
	return make_dir(CWD, ARG1(r), ARG2(r));
}

int64_t sys_mkdirat(struct regs *r)
{
	return make_dir(ARG1(r), ARG2(r), ARG3(r));
}

static int64_t make_node(uint64_t dirfd, uint64_t gva, uint32_t mode,
			 uint64_t dev)
{
	bool device = (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;
	struct path_end end;
	struct dentry *d;
	int rc;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -LINUX_EPERM;
	default:
		return -LINUX_EINVAL;
	}
	rc = at_walk(dirfd, gva, WALK_NAME, &end);
	if (rc)
		return rc;
	rc = tree_make(&end, mode & ~fs_umask, NULL, &d);
	path_end_put(&end);
	if (rc)
		return rc;
	if (device)
		d->node->rdev = (uint32_t)dev;
	dentry_put(d);
	return 0;
}

int64_t sys_mknod(struct regs *r)
{
	return make_node(CWD, ARG1(r), (uint16_t)ARG2(r), ARG3(r));
}

int64_t sys_mknodat(struct regs *r)
{
	return make_node(ARG1(r), ARG2(r), (uint16_t)ARG3(r), ARG4(r));
}

static int64_t make_symlink(uint64_t target_gva, uint64_t dirfd, uint64_t gva)
{
	char *target = kmem_alloc(FS_PATH_MAX);
	struct path_end end;
	int64_t rc;
	uint64_t len;

	if (!target)
		return -LINUX_ENOMEM;
	rc = user_string(target, FS_PATH_MAX, target_gva);
	len = (uint64_t)rc;
	if (rc >= 0)
		rc = rc ? at_walk(dirfd, gva, WALK_NAME, &end) : -LINUX_ENOENT;
	if (!rc) {
		rc = tree_symlink(&end, target, len);
		path_end_put(&end);
	}
	kmem_free(target, FS_PATH_MAX);
	return rc;
}

int64_t sys_symlink(struct regs *r)
{
	return make_symlink(ARG1(r), CWD, ARG2(r));
}

int64_t sys_symlinkat(struct regs *r)
{
	return make_symlink(ARG1(r), ARG2(r), ARG3(r));
}

static int64_t make_link(uint64_t old_dirfd, uint64_t old_gva, uint64_t dirfd,
			 uint64_t gva, uint64_t flags)
{
	unsigned how = (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
		       (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path_end end;
	struct dentry *old;
	int rc;

	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -LINUX_EINVAL;
	rc = at_find(old_dirfd, old_gva, how, &old);
	if (rc)
		return rc;
	rc = at_walk(dirfd, gva, WALK_NAME, &end);
	if (!rc) {
		rc = tree_link(&end, old);
		path_end_put(&end);
	}
	dentry_put(old);
	return rc;
}

int64_t sys_link(struct regs *r)
{
	return make_link(CWD, ARG1(r), CWD, ARG2(r), 0);
}

int64_t sys_linkat(struct regs *r)
{
	return make_link(ARG1(r), ARG2(r), ARG3(r), ARG4(r), (uint32_t)ARG5(r));
}

typedef int remove_fn(const struct path_end *end);

static int64_t remove_name(uint64_t dirfd, uint64_t gva, remove_fn *fn)
{
	struct path_end end;
	int rc = at_walk(dirfd, gva, WALK_NAME, &end);

	if (rc)
		return rc;
	rc = fn(&end);
	path_end_put(&end);
	return rc;
}

int64_t sys_unlink(struct regs *r)
{
	return remove_name(CWD, ARG1(r), tree_unlink);
}

int64_t sys_rmdir(struct regs *r)
{
	return remove_name(CWD, ARG1(r), tree_rmdir);
}

int64_t sys_unlinkat(struct regs *r)
{
	if ((uint32_t)ARG3(r) & ~AT_REMOVEDIR)
		return -LINUX_EINVAL;
	return remove_name(ARG1(r), ARG2(r),
			   ARG3(r) & AT_REMOVEDIR ? tree_rmdir : tree_unlink);
}

static int64_t rename_name(uint64_t old_dirfd, uint64_t old_gva, uint64_t dirfd,
			   uint64_t gva, uint32_t flags)
{
	struct path_end from, to;
	int rc;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -LINUX_EINVAL;
	rc = at_walk(old_dirfd, old_gva, WALK_NAME, &from);
	if (rc)
		return rc;
	rc = at_walk(dirfd, gva, WALK_NAME, &to);
	if (!rc) {
		rc = tree_rename(&from, &to, flags);
		path_end_put(&to);
	}
	path_end_put(&from);
	return rc;
}

int64_t sys_rename(struct regs *r)
{
	return rename_name(CWD, ARG1(r), CWD, ARG2(r), 0);
}

int64_t sys_renameat(struct regs *r)
{
	return rename_name(ARG1(r), ARG2(r), ARG3(r), ARG4(r), 0);
}

int64_t sys_renameat2(struct regs *r)
{
	return rename_name(ARG1(r), ARG2(r), ARG3(r), ARG4(r),
			   (uint32_t)ARG5(r));
}
