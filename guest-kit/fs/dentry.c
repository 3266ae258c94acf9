/* dentry.c: names and paths. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dentry.h"

#include "kernel/kmem.h"
#include "lib/string.h"
#include "linux/errno.h"

struct dentry *dentry_new(struct dentry *parent, struct inode *node,
			  const char *name, unsigned len, bool copy)
{
	struct dentry *d = node ? kmem_alloc(sizeof(*d)) : NULL;

	if (!d) {
		if (node)
			inode_put(node);
		return NULL;
	}
	*d = (struct dentry){
		.refs = 1,
		.node = node,
		.name = (char *)(uintptr_t)name,
		.len = (uint16_t)len,
	};
	if (copy && !dentry_rename(d, name, len)) {
		dentry_put(d);
		return NULL;
	}
	if (parent)
		d->parent = dentry_get(parent);
	return d;
}

struct dentry *dentry_get(struct dentry *d)
{
	d->refs++;
	return d;
}

/* Not by recursion: a chain of removed directories may be long. */
void dentry_put(struct dentry *d)
{
	while (d && !--d->refs) {
		struct dentry *parent = d->parent;

		inode_put(d->node);
		if (d->own_name)
			kmem_free(d->name, d->len + 1ull);
		kmem_free(d, sizeof(*d));
		d = parent;
	}
}

bool dentry_rename(struct dentry *d, const char *name, unsigned len)
{
	char *copy = kmem_alloc(len + 1ull);

	if (!copy)
		return false;
	memcpy(copy, name, len);
	if (d->own_name)
		kmem_free(d->name, d->len + 1ull);
	d->name = copy;
	d->len = (uint16_t)len;
	d->own_name = true;
	return true;
}

bool dentry_below(const struct dentry *d, const struct dentry *above)
{
	for (; d != above; d = d->parent)
		if (!d->parent || d->parent == d)
			return false;
	return true;
}

bool dentry_reachable(const struct dentry *d)
{
	for (; d->attached; d = d->parent)
		if (d->parent == d)
			return true;
	return false;
}

int64_t dentry_path(const struct dentry *d, const struct dentry *root,
		    char *buf, uint64_t room)
{
	static const char deleted[] = " (deleted)";
	uint64_t tail = d->attached || !d->parent ? 0 : sizeof(deleted) - 1;
	uint64_t at = room, len;

	if (room <= tail + 1)
		return -LINUX_ERANGE;
	buf[--at] = 0;
	at -= tail;
	memcpy(buf + at, deleted, tail);
	if (d == root)
		buf[--at] = '/';
	for (; d != root && d->parent != d; d = d->parent) {
		if (at < d->len + 1u)
			return -LINUX_ERANGE;
		at -= d->len;
		memcpy(buf + at, d->name, d->len);
		if (!d->parent)
			break;
		buf[--at] = '/';
	}
	len = room - at;
	memmove(buf, buf + at, len);
	return (int64_t)len - 1;
}
