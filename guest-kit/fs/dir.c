/* dir.c: the names in a directory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dir.h"

#include "abi/rootfs.h"
#include "fs/image.h"
#include "kernel/kmem.h"
#include "lib/string.h"
#include "linux/errno.h"

#define BUCKETS_MIN  8u
#define BUCKETS_MAX  (1u << 16)
#define FIRST_COOKIE 2u /* after . and .. */

struct dir {
	struct dentry **bucket; /* n_buckets, a power of two */
	uint32_t n_buckets, n;
	struct dentry *first, *last;
	struct dentry *hint; /* what dir_next gave last, while attached */
	uint32_t next_cookie;
	/* Children in the image, of which `left` were never made, and a bit
	 * for each of the others. */
	uint32_t image_first, image_n, left;
	uint8_t *made;
};

static uint64_t made_len(const struct dir *dir)
{
	return (dir->image_n + 7ull) / 8;
}

static uint32_t hash_of(const char *name, unsigned len)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (len--)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash;
}

static struct dentry **bucket_of(const struct dir *dir, uint32_t hash)
{
	return &dir->bucket[hash & (dir->n_buckets - 1)];
}

void dir_free(struct inode *node)
{
	struct dir *dir = node->dir;

	if (!dir)
		return;
	kmem_free(dir->bucket, dir->n_buckets * sizeof(*dir->bucket));
	kmem_free(dir->made, made_len(dir));
	kmem_free(dir, sizeof(*dir));
}

/* The directory's table, made when first needed; NULL: no memory. */
static struct dir *open_dir(struct inode *node)
{
	const struct rootfs_entry *image = node->image;
	struct dir *dir = node->dir;

	if (dir)
		return dir;
	dir = kmem_alloc(sizeof(*dir));
	if (!dir)
		return NULL;
	dir->next_cookie = FIRST_COOKIE;
	dir->n_buckets = BUCKETS_MIN;
	if (image) {
		dir->image_first = (uint32_t)image->data;
		dir->image_n = dir->left = (uint32_t)image->size;
	}
	node->dir = dir;
	dir->bucket = kmem_alloc(dir->n_buckets * sizeof(*dir->bucket));
	if (dir->image_n)
		dir->made = kmem_alloc(made_len(dir));
	if (!dir->bucket || (dir->image_n && !dir->made)) {
		dir_free(node);
		node->dir = NULL;
	}
	return node->dir;
}

/* More buckets when there are two names for each; without memory it stays. */
static void grow(struct dir *dir)
{
	uint32_t old_n = dir->n_buckets, n = old_n * 4;
	struct dentry **old = dir->bucket, **bucket;

	if (dir->n < 2 * old_n || n > BUCKETS_MAX)
		return;
	bucket = kmem_alloc(n * sizeof(*bucket));
	if (!bucket)
		return;
	dir->bucket = bucket;
	dir->n_buckets = n;
	for (struct dentry *d = dir->first; d; d = d->next) {
		struct dentry **head = bucket_of(dir, d->hash);

		d->chain = *head;
		*head = d;
	}
	kmem_free(old, old_n * sizeof(*old));
}

int dir_reserve(struct dentry *at)
{
	return open_dir(at->node) ? 0 : -LINUX_ENOSPC;
}

void dir_attach(struct dentry *at, struct dentry *d)
{
	struct dir *dir = at->node->dir;
	struct dentry **head;

	d->hash = hash_of(d->name, d->len);
	d->cookie = dir->next_cookie++;
	d->attached = true;
	head = bucket_of(dir, d->hash);
	d->chain = *head;
	*head = dentry_get(d);
	d->next = NULL;
	d->prev = dir->last;
	if (dir->last)
		dir->last->next = d;
	else
		dir->first = d;
	dir->last = d;
	dir->n++;
	grow(dir);
}

void dir_detach(struct dentry *d)
{
	struct dir *dir = d->parent->node->dir;
	struct dentry **link = bucket_of(dir, d->hash);

	while (*link != d)
		link = &(*link)->chain;
	*link = d->chain;
	if (dir->hint == d)
		dir->hint = d->prev;
	if (d->prev)
		d->prev->next = d->next;
	else
		dir->first = d->next;
	if (d->next)
		d->next->prev = d->prev;
	else
		dir->last = d->prev;
	d->chain = d->next = d->prev = NULL;
	d->attached = false;
	dir->n--;
	dentry_put(d);
}

/* The nth child of the image gets its name in the tree; NULL: no memory. */
static struct dentry *make(struct dentry *at, uint32_t n)
{
	struct dir *dir = at->node->dir;
	const struct rootfs_entry *e = image_entry(dir->image_first + n);
	struct dentry *d = dentry_new(at, image_inode(e), image_name(e),
				      e->name_len, false);

	if (!d)
		return NULL;
	dir->made[n / 8] |= (uint8_t)(1 << n % 8);
	dir->left--;
	dir_attach(at, d);
	return d;
}

static bool is_made(const struct dir *dir, uint32_t n)
{
	return dir->made[n / 8] >> n % 8 & 1;
}

int dir_lookup(struct dentry *at, const char *name, unsigned len,
	       struct dentry **ret)
{
	struct dir *dir = open_dir(at->node);
	uint32_t hash = hash_of(name, len), n;
	struct dentry *d;

	if (!dir)
		return -LINUX_ENOMEM;
	for (d = *bucket_of(dir, hash); d; d = d->chain)
		if (d->hash == hash && d->len == len &&
		    !memcmp(d->name, name, len)) {
			*ret = dentry_get(d);
			return 0;
		}
	if (!dir->left ||
	    !image_search(dir->image_first, dir->image_n, name, len, &n) ||
	    is_made(dir, n))
		return -LINUX_ENOENT;
	d = make(at, n);
	if (!d)
		return -LINUX_ENOMEM;
	*ret = d; /* dentry_new's reference */
	return 0;
}

static int make_all(struct dentry *at)
{
	struct dir *dir = at->node->dir;

	for (uint32_t n = 0; dir->left && n < dir->image_n; n++) {
		struct dentry *d;

		if (is_made(dir, n))
			continue;
		d = make(at, n);
		if (!d)
			return -LINUX_ENOMEM;
		dentry_put(d);
	}
	return 0;
}

int dir_next(struct dentry *at, uint64_t pos, struct dir_item *ret)
{
	struct dir *dir = open_dir(at->node);
	struct dentry *d;
	int rc;

	if (!dir)
		return -LINUX_ENOMEM;
	rc = make_all(at);
	if (rc)
		return rc;
	d = dir->hint && dir->hint->cookie <= pos ? dir->hint : dir->first;
	while (d && d->cookie < pos)
		d = d->next;
	if (!d)
		return 0;
	dir->hint = d;
	ret->name = d->name;
	ret->len = d->len;
	ret->ino = d->node->ino;
	ret->type = d->node->mode & S_IFMT;
	ret->next_pos = d->cookie + 1ull;
	return 1;
}

bool dir_is_empty(const struct inode *node)
{
	if (!node->dir)
		return !node->image || !node->image->size;
	return !node->dir->n && !node->dir->left;
}
