/* open.c: from a path to an open file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/open.h"

#include "fs/node.h"
#include "fs/tree.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"
#include "linux/file.h"

#define O_TMPFILE_BIT 020000000u

/* What a file does not remember of how it was opened. */
#define ONLY_OPEN (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

/* What counts beside O_PATH. */
#define WITH_PATH (O_PATH | O_DIRECTORY | O_NOFOLLOW)

/* A file that is only a place in the tree, and what every other one is until
 * its inode's open made it more. */
static const struct file_ops path_ops = { .stat = node_stat };

static bool writes(uint32_t flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

int open_dentry(struct dentry *d, uint32_t flags, struct file **ret)
{
	struct inode *node = d->node;
	struct file *f = file_new(&path_ops, flags & ~ONLY_OPEN, NULL);
	int rc = 0;

	if (!f) {
		dentry_put(d);
		return -LINUX_ENOMEM;
	}
	f->at = d;
	f->node = node;
	if (!(flags & O_PATH)) {
		f->flags |= O_LARGEFILE;
		rc = node->ops->open ? node->ops->open(node, f) : -LINUX_ENXIO;
	}
	if (rc)
		file_put(f);
	else
		*ret = f;
	return rc;
}

int open_nameless(struct inode *node, const char *name, bool copy,
		  uint32_t flags, struct file **ret)
{
	struct dentry *d =
		dentry_new(NULL, node, name, (unsigned)strlen(name), copy);

	return d ? open_dentry(d, flags, ret) : -LINUX_ENOMEM;
}

/* What is there may be opened so. */
static int may_open(const struct path_end *end, uint32_t flags)
{
	const struct inode *node = end->at->node;

	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -LINUX_EEXIST;
	if (inode_is(node, S_IFLNK) && !(flags & O_PATH))
		return flags & O_DIRECTORY ? -LINUX_ENOTDIR : -LINUX_ELOOP;
	if ((flags & O_DIRECTORY) && !inode_is(node, S_IFDIR))
		return -LINUX_ENOTDIR;
	if (inode_is(node, S_IFDIR) && !(flags & O_PATH) &&
	    (writes(flags) || (flags & (O_CREAT | O_TRUNC))))
		return -LINUX_EISDIR;
	if (node->running && (writes(flags) || (flags & O_TRUNC)))
		return -LINUX_ETXTBSY;
	return 0;
}

static int open_end(const struct path_end *end, uint32_t flags, uint32_t mode,
		    struct file **ret)
{
	struct dentry *d;
	int rc;

	if (!end->at) {
		if (!(flags & O_CREAT))
			return -LINUX_ENOENT;
		rc = tree_make(end, S_IFREG | mode, NULL, &d);
		return rc ? rc : open_dentry(d, flags, ret);
	}
	rc = may_open(end, flags);
	if (!rc && (flags & O_TRUNC) && inode_is(end->at->node, S_IFREG) &&
	    end->at->node->fs == FS_ROOT)
		rc = inode_truncate(end->at->node, 0);
	return rc ? rc : open_dentry(dentry_get(end->at), flags, ret);
}

/* O_TMPFILE: a file in a directory without a name there. */
static int open_tmpfile(struct dentry *dir, uint32_t flags, uint32_t mode,
			struct file **ret)
{
	struct inode *node;
	struct dentry *d;
	char name[16];

	if (!inode_is(dir->node, S_IFDIR))
		return -LINUX_ENOTDIR;
	if (dir->node->fs != FS_ROOT)
		return -LINUX_EOPNOTSUPP;
	node = page_has_room() ? inode_new(FS_ROOT, S_IFREG | mode) : NULL;
	if (!node)
		return -LINUX_ENOSPC;
	node->nlink = 0;
	format(name, sizeof(name), "#%u", node->ino);
	d = dentry_new(dir, node, name, (unsigned)strlen(name), true);
	if (!d)
		return -LINUX_ENOSPC;
	d->tmpfile = !(flags & O_EXCL);
	return open_dentry(d, flags, ret);
}

int open_at(struct dentry *from, const char *path, uint32_t flags,
	    uint32_t mode, unsigned how, struct file **ret)
{
	bool tmpfile = flags & O_TMPFILE_BIT;
	struct path_end end;
	int rc;

	if (flags & O_PATH)
		flags &= WITH_PATH;
	else if (tmpfile && (!writes(flags) || !(flags & O_DIRECTORY)))
		return -LINUX_EINVAL;
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return -LINUX_EINVAL;
	if (!(flags & O_NOFOLLOW) && !((flags & O_CREAT) && (flags & O_EXCL)))
		how |= WALK_FOLLOW;
	if (flags & O_CREAT)
		how |= WALK_CREATE;
	rc = path_walk(from, path, how, &end);
	if (rc)
		return rc;
	if (!tmpfile || (flags & O_PATH))
		rc = open_end(&end, flags, mode, ret);
	else if (end.at)
		rc = open_tmpfile(end.at, flags, mode, ret);
	else
		rc = -LINUX_ENOENT;
	path_end_put(&end);
	return rc;
}
