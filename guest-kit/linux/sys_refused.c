/* sys_refused.c: calls about files that this file system answers with a no:
 * extended attributes, other roots, mounts. What they name is looked at
 * first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/at.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

static int64_t if_path(const struct regs *r, unsigned how, int64_t answer)
{
	struct dentry *d;
	int rc = at_find(CWD, ARG1(r), how, &d);

	if (rc)
		return rc;
	dentry_put(d);
	return answer;
}

static int64_t if_fd(const struct regs *r, int64_t answer)
{
	struct file *f = fd_hold(ARG1(r));

	if (!f)
		return -LINUX_EBADF;
	file_put(f);
	return answer;
}

/* set: not supported; get and remove: there is none; list: nothing. */
#define XATTR(call, answer)                             \
	int64_t sys_##call(struct regs *r)              \
	{                                               \
		return if_path(r, WALK_FOLLOW, answer); \
	}                                               \
	int64_t sys_l##call(struct regs *r)             \
	{                                               \
		return if_path(r, 0, answer);           \
	}                                               \
	int64_t sys_f##call(struct regs *r)             \
	{                                               \
		return if_fd(r, answer);                \
	}

XATTR(setxattr, -LINUX_EOPNOTSUPP)
XATTR(getxattr, -LINUX_ENODATA)
XATTR(listxattr, 0)
XATTR(removexattr, -LINUX_ENODATA)

int64_t sys_chroot(struct regs *r)
{
	return if_path(r, WALK_FOLLOW, -LINUX_EPERM);
}

int64_t sys_mount(struct regs *r)
{
	(void)r;
	return -LINUX_EPERM;
}

int64_t sys_umount2(struct regs *r)
{
	(void)r;
	return -LINUX_EPERM;
}
