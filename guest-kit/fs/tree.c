/* tree.c: changes of the tree. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree.h"

#include "fs/dir.h"
#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/store.h"
#include "lib/string.h"
#include "linux/errno.h"

/* A name can be added at the end of this walk. */
static int may_add(const struct path_end *end, int if_not_ours)
{
	if (end->at || !end->plain)
		return -LINUX_EEXIST;
	if (!end->dir->attached)
		return -LINUX_ENOENT;
	/* What is not in /proc is not there to be made, either. */
	if (end->dir->node->fs == FS_PROC)
		return -LINUX_ENOENT;
	if (end->dir->node->fs != FS_ROOT)
		return if_not_ours;
	/* The last memory is there to remove something. */
	if (!page_has_room())
		return -LINUX_ENOSPC;
	return dir_reserve(end->dir);
}

/* Takes node's reference. */
static int add(const struct path_end *end, struct inode *node,
	       struct dentry **ret)
{
	struct inode *parent = end->dir->node;
	struct dentry *d =
		dentry_new(end->dir, node, end->name, end->len, true);

	if (!d)
		return -LINUX_ENOSPC;
	dir_attach(end->dir, d);
	inode_modified(parent);
	if (inode_is(node, S_IFDIR))
		parent->nlink++;
	if (ret)
		*ret = d;
	else
		dentry_put(d);
	return 0;
}

int tree_make(const struct path_end *end, uint32_t mode, struct inode *node,
	      struct dentry **ret)
{
	bool is_file = (mode & S_IFMT) == S_IFREG;
	int rc = may_add(end, is_file ? -LINUX_EACCES : -LINUX_EPERM);

	/* A slash behind what is no directory yet */
	if (!rc && end->slash && (mode & S_IFMT) != S_IFDIR)
		rc = -LINUX_ENOENT;
	if (rc) {
		if (node)
			inode_put(node);
		return rc;
	}
	if (!node)
		node = inode_new(FS_ROOT, mode);
	if (!node)
		return -LINUX_ENOSPC;
	if ((mode & S_IFMT) == S_IFDIR)
		node->nlink = 2;
	/* BSD's groups: of a directory with the bit */
	if (end->dir->node->mode & S_ISGID) {
		node->gid = end->dir->node->gid;
		if ((mode & S_IFMT) == S_IFDIR)
			node->mode |= S_ISGID;
	}
	return add(end, node, ret);
}

int tree_symlink(const struct path_end *end, const char *target, uint64_t len)
{
	struct inode *node = inode_new(FS_ROOT, S_IFLNK | 0777);

	if (!node)
		return -LINUX_ENOSPC;
	node->target = kmem_alloc(len + 1);
	if (!node->target) {
		inode_put(node);
		return -LINUX_ENOSPC;
	}
	memcpy(node->target, target, len);
	node->target_len = (uint32_t)len;
	return tree_make(end, node->mode, node, NULL);
}

int tree_link(const struct path_end *end, struct dentry *old)
{
	struct inode *node = old->node;
	int rc = may_add(end, -LINUX_EPERM);

	if (rc)
		return rc;
	if (end->slash)
		return -LINUX_ENOENT;
	if (node->fs != FS_ROOT)
		return -LINUX_EXDEV;
	if (inode_is(node, S_IFDIR))
		return -LINUX_EPERM;
	/* Removed for good, unless O_TMPFILE made it. */
	if (!node->nlink && !(old->attached || old->tmpfile))
		return -LINUX_ENOENT;
	rc = add(end, inode_get(node), NULL);
	if (rc)
		return rc;
	node->nlink++;
	inode_changed(node);
	return 0;
}

/* The name goes, the file perhaps with it. */
static void drop(struct dentry *d)
{
	struct inode *node = d->node, *parent = d->parent->node;

	inode_modified(parent);
	inode_changed(node);
	if (inode_is(node, S_IFDIR)) {
		parent->nlink--;
		node->nlink = 0;
	} else {
		node->nlink--;
	}
	dir_detach(d);
}

static int may_drop(const struct path_end *end)
{
	if (!end->at)
		return -LINUX_ENOENT;
	if (end->at->mounted)
		return -LINUX_EBUSY;
	return end->dir->node->fs == FS_ROOT ? 0 : -LINUX_EPERM;
}

int tree_unlink(const struct path_end *end)
{
	int rc;

	if (!end->plain)
		return -LINUX_EISDIR;
	rc = may_drop(end);
	if (!rc && inode_is(end->at->node, S_IFDIR))
		rc = -LINUX_EISDIR;
	if (!rc && end->slash)
		rc = -LINUX_ENOTDIR;
	if (!rc)
		drop(end->at);
	return rc;
}

int tree_rmdir(const struct path_end *end)
{
	int rc;

	if (!end->plain && end->dots)
		return -LINUX_ENOTEMPTY;
	if (!end->plain)
		return end->at == fs_root() ? -LINUX_EBUSY : -LINUX_EINVAL;
	rc = may_drop(end);
	if (rc)
		return rc;
	if (!inode_is(end->at->node, S_IFDIR))
		return -LINUX_ENOTDIR;
	if (!dir_is_empty(end->at->node))
		return -LINUX_ENOTEMPTY;
	drop(end->at);
	return 0;
}

static int may_rename(const struct path_end *from, const struct path_end *to,
		      unsigned flags)
{
	bool exchange = flags & RENAME_EXCHANGE;
	bool is_dir;
	int rc;

	if (from->dir->node->fs != to->dir->node->fs)
		return -LINUX_EXDEV;
	if (!from->plain)
		return -LINUX_EBUSY;
	if (!to->plain)
		return flags & RENAME_NOREPLACE ? -LINUX_EEXIST : -LINUX_EBUSY;
	if (!to->at && to->dir->node->fs == FS_PROC)
		return -LINUX_ENOENT;
	rc = may_drop(from);
	if (rc)
		return rc;
	if (to->at && (flags & RENAME_NOREPLACE))
		return -LINUX_EEXIST;
	if (!to->at && exchange)
		return -LINUX_ENOENT;
	if (exchange && to->slash && !inode_is(to->at->node, S_IFDIR))
		return -LINUX_ENOTDIR;
	is_dir = inode_is(from->at->node, S_IFDIR);
	if (!is_dir && (from->slash || (to->slash && !exchange)))
		return -LINUX_ENOTDIR;
	if (dentry_below(to->dir, from->at))
		return -LINUX_EINVAL;
	if (to->at && dentry_below(from->dir, to->at))
		return exchange ? -LINUX_EINVAL : -LINUX_ENOTEMPTY;
	if (!to->at)
		return to->dir->attached ? dir_reserve(to->dir) : -LINUX_ENOENT;
	if (to->at->node == from->at->node)
		return 0;
	rc = may_drop(to);
	if (rc || exchange)
		return rc;
	if (!is_dir)
		return inode_is(to->at->node, S_IFDIR) ? -LINUX_EISDIR : 0;
	if (!inode_is(to->at->node, S_IFDIR))
		return -LINUX_ENOTDIR;
	return dir_is_empty(to->at->node) ? 0 : -LINUX_ENOTEMPTY;
}

/* d, which is detached and held, into dir. */
static void settle(struct dentry *d, struct dentry *dir)
{
	struct dentry *old = d->parent;
	bool is_dir = inode_is(d->node, S_IFDIR);

	if (is_dir && old != dir) {
		old->node->nlink--;
		dir->node->nlink++;
	}
	d->parent = dentry_get(dir);
	dentry_put(old);
	dir_attach(dir, d);
	inode_changed(d->node);
	inode_modified(dir->node);
}

static void exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *dir_a = dentry_get(a->parent);
	struct dentry *dir_b = dentry_get(b->parent);
	struct dentry keep = *a;

	dir_detach(a);
	dir_detach(b);
	a->name = b->name;
	a->len = b->len;
	a->own_name = b->own_name;
	b->name = keep.name;
	b->len = keep.len;
	b->own_name = keep.own_name;
	settle(a, dir_b);
	settle(b, dir_a);
	dentry_put(dir_a);
	dentry_put(dir_b);
}

int tree_rename(const struct path_end *from, const struct path_end *to,
		unsigned flags)
{
	struct dentry *d = from->at;
	int rc = may_rename(from, to, flags);

	/* Two names of one file: nothing happens. */
	if (rc || (to->at && to->at->node == d->node))
		return rc;
	if (flags & RENAME_EXCHANGE) {
		exchange(d, to->at);
		return 0;
	}
	/* The tables are told by the hash that was kept: the name may change
	 * before the place. */
	if (!dentry_rename(d, to->name, to->len))
		return -LINUX_ENOSPC;
	if (to->at)
		drop(to->at);
	inode_modified(from->dir->node);
	dir_detach(d);
	settle(d, to->dir);
	return 0;
}

int tree_standard(struct dentry *dir, const char *name, uint32_t mode,
		  uint32_t rdev, const char *content)
{
	struct path_end end = { .dir = dir, .plain = true };
	struct dentry *d;
	int rc;

	end.len = (unsigned)strlen(name);
	str_copy(end.name, name, sizeof(end.name));
	rc = dir->node->ops->lookup(dir, name, end.len, &end.at);
	if (!rc)
		dentry_put(end.at);
	if (rc != -LINUX_ENOENT)
		return rc;
	if ((mode & S_IFMT) == S_IFLNK)
		return tree_symlink(&end, content, strlen(content));
	rc = tree_make(&end, mode, NULL, &d);
	if (rc)
		return rc;
	d->node->rdev = rdev;
	if (content) {
		struct store *s = inode_store(d->node);
		struct io io;

		io_kernel(&io, (char *)(uintptr_t)content, strlen(content));
		if (!s || store_write(s, 0, &io) < 0)
			rc = -LINUX_ENOMEM;
	}
	dentry_put(d);
	return rc;
}
