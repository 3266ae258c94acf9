/* path.c: walks a path. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/path.h"

#include "kernel/kmem.h"
#include "lib/string.h"
#include "linux/errno.h"

struct walk {
	struct dentry *root; /* borrowed: what "/" and ".." stop at */
	struct dentry *at;   /* held */
	unsigned how, links;
	const char *rest;
	char *buf; /* FS_PATH_MAX bytes for targets of links, or NULL */
};

void path_end_put(struct path_end *e)
{
	dentry_put(e->dir);
	dentry_put(e->at);
}

/* Onto d, which is held. */
static int step(struct walk *w, struct dentry *d)
{
	bool crosses = d->node->fs != w->at->node->fs;

	dentry_put(w->at);
	w->at = d;
	return crosses && (w->how & WALK_NO_XDEV) ? -LINUX_EXDEV : 0;
}

static int step_up(struct walk *w)
{
	if (w->at == w->root)
		return w->how & WALK_BENEATH ? -LINUX_EXDEV : 0;
	/* Something without a place, or the root of all. */
	if (!w->at->parent || w->at->parent == w->at)
		return 0;
	return step(w, dentry_get(w->at->parent));
}

static int step_to_root(struct walk *w)
{
	if (w->how & WALK_BENEATH)
		return -LINUX_EXDEV;
	return step(w, dentry_get(w->root));
}

/* The path goes on with the target of a link, then what is left of it. */
static int put_target(struct walk *w, struct inode *link)
{
	char *buf = kmem_alloc(FS_PATH_MAX);
	uint64_t left = strlen(w->rest);
	int64_t len;
	int rc = 0;

	if (!buf)
		return -LINUX_ENOMEM;
	len = inode_readlink(link, buf, FS_PATH_MAX);
	if (len <= 0)
		rc = len ? (int)len : -LINUX_ENOENT;
	else if ((uint64_t)len + left >= FS_PATH_MAX)
		rc = -LINUX_ENAMETOOLONG;
	else
		memcpy(buf + len, w->rest, left + 1);
	if (rc) {
		kmem_free(buf, FS_PATH_MAX);
		return rc;
	}
	kmem_free(w->buf, FS_PATH_MAX);
	w->rest = w->buf = buf;
	return *buf == '/' ? step_to_root(w) : 0;
}

/* Through the link d, which is held and put; w->at is its directory. */
static int follow(struct walk *w, struct dentry *d)
{
	struct inode *link = d->node;
	struct dentry *to;
	int rc = 0;

	if (++w->links > PATH_LINKS_MAX || (w->how & WALK_NO_SYMLINKS)) {
		rc = -LINUX_ELOOP;
	} else if (!link->ops->jump) {
		rc = put_target(w, link);
	} else if (w->how & WALK_NO_MAGICLINKS) {
		rc = -LINUX_ELOOP;
	} else if (w->how & (WALK_BENEATH | WALK_IN_ROOT)) {
		rc = -LINUX_EXDEV;
	} else {
		rc = link->ops->jump(link, &to);
		if (!rc)
			rc = step(w, to);
	}
	dentry_put(d);
	return rc;
}

static int look_up(struct dentry *dir, const char *name, unsigned len,
		   struct dentry **ret)
{
	if (!dir->node->ops->lookup)
		return -LINUX_ENOTDIR;
	/* In a directory that was removed nothing can be. */
	if (!dir->attached && dir->node->fs == FS_ROOT)
		return -LINUX_ENOENT;
	return dir->node->ops->lookup(dir, name, len, ret);
}

/* Does the name at w->rest, `len` bytes. 1: it was the last one, and the end
 * is filled; 0: go on. */
static int one_name(struct walk *w, unsigned len, struct path_end *end)
{
	const char *name = w->rest;
	struct dentry *d = NULL;
	bool last;
	int rc;

	w->rest += len;
	end->slash = *w->rest == '/';
	while (*w->rest == '/')
		w->rest++;
	last = !*w->rest;
	if (!inode_is(w->at->node, S_IFDIR))
		return -LINUX_ENOTDIR;
	if (name[0] == '.' && len == 1)
		return 0;
	if (name[0] == '.' && name[1] == '.' && len == 2) {
		end->dots = true;
		return step_up(w);
	}
	end->dots = false;
	if (last && end->slash && (w->how & WALK_CREATE))
		return -LINUX_EISDIR;
	rc = look_up(w->at, name, len, &d);
	if (rc && (rc != -LINUX_ENOENT || !last))
		return rc;
	if (d && inode_is(d->node, S_IFLNK) &&
	    (!last || (end->slash && !(w->how & WALK_NAME)) ||
	     (w->how & WALK_FOLLOW))) {
		if (end->slash) /* stays between the target and the rest */
			w->rest--;
		return follow(w, d);
	}
	if (!last)
		return step(w, d);
	if (d && end->slash && !(w->how & WALK_NAME) &&
	    !inode_is(d->node, S_IFDIR)) {
		dentry_put(d);
		return -LINUX_ENOTDIR;
	}
	if (d && d->node->fs != w->at->node->fs && (w->how & WALK_NO_XDEV)) {
		dentry_put(d);
		return -LINUX_EXDEV;
	}
	end->plain = true;
	end->len = len;
	memcpy(end->name, name, len);
	end->name[len] = 0;
	end->dir = w->at;
	end->at = d;
	return 1;
}

static int walk_names(struct walk *w, struct path_end *end)
{
	for (;;) {
		unsigned len = 0;
		int rc;

		while (*w->rest == '/')
			w->rest++;
		if (!*w->rest)
			break;
		while (w->rest[len] && w->rest[len] != '/')
			len++;
		if (len > FS_NAME_MAX)
			return -LINUX_ENAMETOOLONG;
		rc = one_name(w, len, end);
		if (rc)
			return rc;
	}
	if (end->slash && !inode_is(w->at->node, S_IFDIR))
		return -LINUX_ENOTDIR;
	end->dir = dentry_get(w->at->parent ? w->at->parent : w->at);
	end->at = w->at;
	return 1;
}

int path_walk(struct dentry *from, const char *path, unsigned how,
	      struct path_end *ret)
{
	struct walk w = { .root = fs_root(), .how = how, .rest = path };
	int rc;

	*ret = (struct path_end){ 0 };
	if (!*path && !(how & WALK_EMPTY))
		return -LINUX_ENOENT;
	from = from ? from : fs_cwd();
	if (how & (WALK_BENEATH | WALK_IN_ROOT))
		w.root = from;
	w.at = dentry_get(from);
	rc = *path == '/' ? step_to_root(&w) : 0;
	if (!rc)
		rc = walk_names(&w, ret);
	kmem_free(w.buf, FS_PATH_MAX);
	if (rc < 0) {
		dentry_put(w.at);
		return rc;
	}
	return 0;
}

int path_find(struct dentry *from, const char *path, unsigned how,
	      struct dentry **ret)
{
	struct path_end end;
	int rc = path_walk(from, path, how, &end);

	if (rc)
		return rc;
	if (!end.at) {
		path_end_put(&end);
		return -LINUX_ENOENT;
	}
	dentry_put(end.dir);
	*ret = end.at;
	return 0;
}
