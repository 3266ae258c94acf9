/* at.c: paths as system calls pass them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/at.h"

#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/errno.h"
#include "linux/file.h"

static int start_at(struct at *a, uint64_t dirfd, unsigned how)
{
	struct file *f;

	if ((int32_t)dirfd == AT_FDCWD ||
	    (*a->path == '/' && !(how & WALK_IN_ROOT)))
		return 0;
	f = fd_hold_any(dirfd);
	if (!f)
		return -LINUX_EBADF;
	if (f->at)
		a->from = dentry_get(f->at);
	file_put(f);
	return a->from ? 0 : -LINUX_ENOTDIR;
}

int at_get(struct at *a, uint64_t dirfd, uint64_t gva, unsigned how)
{
	int64_t rc;

	*a = (struct at){ .path = kmem_alloc(FS_PATH_MAX) };
	if (!a->path)
		return -LINUX_ENOMEM;
	rc = user_string(a->path, FS_PATH_MAX, gva);
	if (!rc && !(how & WALK_EMPTY))
		rc = -LINUX_ENOENT;
	if (rc >= 0)
		rc = start_at(a, dirfd, how);
	if (rc)
		at_put(a);
	return (int)rc;
}

void at_put(struct at *a)
{
	kmem_free(a->path, FS_PATH_MAX);
	dentry_put(a->from);
}

int at_walk(uint64_t dirfd, uint64_t gva, unsigned how, struct path_end *ret)
{
	struct at a;
	int rc = at_get(&a, dirfd, gva, how);

	if (rc)
		return rc;
	rc = path_walk(a.from, a.path, how, ret);
	at_put(&a);
	return rc;
}

int at_find(uint64_t dirfd, uint64_t gva, unsigned how, struct dentry **ret)
{
	struct at a;
	int rc = at_get(&a, dirfd, gva, how);

	if (rc)
		return rc;
	rc = path_find(a.from, a.path, how, ret);
	at_put(&a);
	return rc;
}

unsigned at_how(uint64_t flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
	       (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}
