/* tree.c: see tree.h. Names are found by directory and bytes in a balanced
 * tree, so that no archive makes it slow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/tree.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"
#include "rootfs/walk.h"

/* What is looked for. Nodes in the search tree are compared with each other
 * and with this, so both begin with it. */
struct name_key {
	uint32_t dir;
	size_t len;
	const char *name;
};

struct name_entry {
	struct name_key key;
	struct tree_node *node;
};

static int compare_names(const void *pa, const void *pb)
{
	const struct name_key *a = pa, *b = pb;

	if (a->dir != b->dir)
		return a->dir < b->dir ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->name, b->name, a->len);
}

static int compare_inodes(const void *pa, const void *pb)
{
	const struct tree_inode *a = pa, *b = pb;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino == b->ino ? 0 : a->ino < b->ino ? -1 : 1;
}

static void drop_inode(void *p)
{
	struct tree_inode *inode = p;

	if (--inode->refs > 0)
		return;
	free(inode->target);
	free(inode);
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "a tree of files");
}

static struct tree_inode *new_inode(const struct tree_inode *from)
{
	struct tree_inode *inode = malloc(sizeof(*inode));

	if (!inode)
		return NULL;
	*inode = *from;
	inode->refs = 1;
	if (!from->target)
		return inode;
	inode->target = strdup(from->target);
	if (inode->target)
		return inode;
	free(inode);
	return NULL;
}

static int grow(struct tree *t, struct err *err)
{
	uint32_t cap = t->cap ? t->cap * 2 : 64;
	struct tree_node **node;

	if (t->n_nodes < t->cap)
		return 0;
	if (t->n_nodes == ROOTFS_ENTRIES_MAX)
		return err_set(err, -E2BIG, "more than %u files, the limit",
			       ROOTFS_ENTRIES_MAX);
	node = reallocarray(t->node, cap, sizeof(struct tree_node *));
	if (!node)
		return no_memory(err);
	t->node = node;
	t->cap = cap;
	return 0;
}

/* A node without an inode, in the array. NULL: no room. */
static struct tree_node *add_node(struct tree *t, struct tree_node *dir,
				  const char *name, size_t len, struct err *err)
{
	struct tree_node *node;

	if (grow(t, err))
		return NULL;
	node = calloc(1, sizeof(*node) + len + 1);
	if (!node) {
		(void)no_memory(err);
		return NULL;
	}
	memcpy(node->name, name, len);
	node->name_len = len;
	node->id = t->n_nodes;
	node->parent = dir ? dir : node;
	node->depth = dir ? dir->depth + 1 : 0;
	t->node[t->n_nodes++] = node;
	return node;
}

int tree_init(struct tree *t, struct err *err)
{
	const struct tree_inode attr = { .mode = S_IFDIR | 0755 };
	struct tree_node *root;

	*t = (struct tree){ 0 };
	root = add_node(t, NULL, "", 0, err);
	if (!root)
		return err->code;
	root->inode = new_inode(&attr);
	if (root->inode)
		return 0;
	tree_fini(t);
	return no_memory(err);
}

void tree_fini(struct tree *t)
{
	tdestroy(t->by_ino, drop_inode);
	tdestroy(t->by_name, free);
	for (uint32_t i = 0; i < t->n_nodes; i++) {
		if (t->node[i]->inode)
			drop_inode(t->node[i]->inode);
		free(t->node[i]);
	}
	free(t->node);
	*t = (struct tree){ 0 };
}

struct tree_node *tree_child(const struct tree *t, const struct tree_node *dir,
			     const char *name, size_t len)
{
	const struct name_key key = { dir->id, len, name };
	struct name_entry **found =
		tfind(&key, (void *const *)&t->by_name, compare_names);

	return found ? (*found)->node : NULL;
}

static int check_name(const struct tree_node *dir, const char *name, size_t len,
		      struct err *err)
{
	if (len > ROOTFS_NAME_MAX)
		return err_set(err, -ENAMETOOLONG,
			       "a name of %zu bytes, the limit is %u", len,
			       ROOTFS_NAME_MAX);
	if (len == 0 || memchr(name, '/', len) || memchr(name, 0, len) ||
	    (len == 1 && name[0] == '.') ||
	    (len == 2 && name[0] == '.' && name[1] == '.'))
		return err_set(err, -EINVAL, "not the name of a file");
	if (dir->depth >= TREE_DEPTH_MAX)
		return err_set(err, -EMLINK,
			       "more than %u directories deep, the limit",
			       TREE_DEPTH_MAX);
	return 0;
}

static bool is_dir(const struct tree_node *node)
{
	return S_ISDIR(node->inode->mode);
}

static struct tree_node *add_name(struct tree *t, struct tree_node *dir,
				  const char *name, size_t len,
				  struct tree_inode *inode, struct err *err)
{
	struct name_entry *entry = malloc(sizeof(*entry));
	struct tree_node *node = NULL;

	if (!entry)
		(void)no_memory(err);
	else
		node = add_node(t, dir, name, len, err);
	if (!node) {
		free(entry);
		return NULL;
	}
	*entry = (struct name_entry){ { dir->id, len, node->name }, node };
	if (!tsearch(entry, &t->by_name, compare_names)) {
		t->n_nodes--;
		free(node);
		free(entry);
		(void)no_memory(err);
		return NULL;
	}
	node->inode = inode;
	dir->n_children++;
	dir->n_subdirs += S_ISDIR(inode->mode);
	return node;
}

/* A name that exists gets another inode. */
static struct tree_node *replace(struct tree_node *node,
				 struct tree_inode *inode, struct err *err)
{
	if (node->n_children > 0) {
		(void)err_set(err, -EEXIST,
			      "a directory with entries has this name");
		return NULL;
	}
	node->parent->n_subdirs -= is_dir(node);
	node->parent->n_subdirs += S_ISDIR(inode->mode);
	drop_inode(node->inode);
	node->inode = inode;
	return node;
}

/* Takes one reference to the inode, also when it fails. */
static struct tree_node *name_inode(struct tree *t, struct tree_node *dir,
				    const char *name, size_t len,
				    struct tree_inode *inode, struct err *err)
{
	struct tree_node *node = tree_child(t, dir, name, len);

	node = node ? replace(node, inode, err)
		    : add_name(t, dir, name, len, inode, err);
	if (!node)
		drop_inode(inode);
	return node;
}

static void set_attributes(struct tree_inode *to, const struct tree_inode *from)
{
	to->mode = from->mode;
	to->uid = from->uid;
	to->gid = from->gid;
	to->mtime_sec = from->mtime_sec;
	to->mtime_nsec = from->mtime_nsec;
}

struct tree_node *tree_put(struct tree *t, struct tree_node *dir,
			   const char *name, size_t len,
			   const struct tree_inode *attr, struct err *err)
{
	struct tree_node *node;
	struct tree_inode *inode;

	if (check_name(dir, name, len, err))
		return NULL;
	node = tree_child(t, dir, name, len);
	if (node && is_dir(node) && S_ISDIR(attr->mode)) {
		set_attributes(node->inode, attr);
		return node;
	}
	inode = new_inode(attr);
	if (inode)
		return name_inode(t, dir, name, len, inode, err);
	(void)no_memory(err);
	return NULL;
}

int tree_link(struct tree *t, struct tree_node *dir, const char *name,
	      size_t len, struct tree_inode *inode, struct err *err)
{
	if (check_name(dir, name, len, err))
		return err->code;
	inode->refs++;
	return name_inode(t, dir, name, len, inode, err) ? 0 : err->code;
}

/* --- paths of archives ------------------------------------------------------ */

struct path_walk {
	struct tree *t;
	struct err *err;
};

static const struct tree_node *walk_node(void *ctx, uint32_t id)
{
	const struct path_walk *w = ctx;

	return w->t->node[id];
}

static bool walk_is_dir(void *ctx, uint32_t id)
{
	return is_dir(walk_node(ctx, id));
}

static uint32_t walk_parent(void *ctx, uint32_t id)
{
	return walk_node(ctx, id)->parent->id;
}

static const char *walk_target(void *ctx, uint32_t id, size_t *ret_len)
{
	const char *target = walk_node(ctx, id)->inode->target;

	if (target)
		*ret_len = strlen(target);
	return target;
}

/* Makes what is missing. */
static int walk_child(void *ctx, uint32_t dir, const char *name, size_t len,
		      uint32_t *ret)
{
	const struct tree_inode attr = { .mode = S_IFDIR | 0755 };
	const struct path_walk *w = ctx;
	struct tree_node *at = w->t->node[dir];
	struct tree_node *node = tree_child(w->t, at, name, len);

	if (!node)
		node = tree_put(w->t, at, name, len, &attr, w->err);
	if (!node)
		return w->err->code;
	*ret = node->id;
	return 0;
}

static bool has_dotdot(const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((i == 0 || path[i - 1] == '/') && len - i >= 2 &&
		    path[i] == '.' && path[i + 1] == '.' &&
		    (len - i == 2 || path[i + 2] == '/'))
			return true;
	return false;
}

/* Without what says nothing at the end: "/" and "/.". */
static size_t trim(const char *path, size_t len)
{
	while (len > 0 &&
	       (path[len - 1] == '/' ||
		(path[len - 1] == '.' && (len == 1 || path[len - 2] == '/'))))
		len--;
	return len;
}

struct tree_node *tree_dir_of(struct tree *t, const char *path, size_t len,
			      const char **ret_name, size_t *ret_name_len,
			      struct err *err)
{
	struct path_walk ctx = { t, err };
	const struct walk_tree w = { walk_is_dir, walk_parent, walk_target,
				     walk_child, &ctx };
	size_t end = trim(path, len), start = end;
	uint32_t dir = 0;
	int code;

	if (has_dotdot(path, len)) {
		(void)err_set(err, -EINVAL, "a name with '..' in it");
		return NULL;
	}
	while (start > 0 && path[start - 1] != '/')
		start--;
	code = walk(&w, path, start, &dir);
	if (code == 0 && !is_dir(t->node[dir]))
		code = -ENOTDIR;
	if (err->code != 0) /* one of those made on the way */
		(void)err_wrap(err, "its directory");
	else if (code != 0)
		(void)err_set(err, code, "its directory");
	if (code != 0)
		return NULL;
	*ret_name = path + start;
	*ret_name_len = end - start;
	return t->node[dir];
}

struct tree_node *tree_put_path(struct tree *t, const char *path, size_t len,
				const struct tree_inode *attr, struct err *err)
{
	const char *name = NULL;
	size_t n = 0;
	struct tree_node *dir = tree_dir_of(t, path, len, &name, &n, err);

	if (!dir || n > 0)
		return dir ? tree_put(t, dir, name, n, attr, err) : NULL;
	if (!S_ISDIR(attr->mode)) {
		(void)err_set(err, -EINVAL, "the root is no directory");
		return NULL;
	}
	set_attributes(dir->inode, attr);
	return dir;
}

/* --- hard links --------------------------------------------------------------- */

struct tree_inode *tree_find_ino(const struct tree *t, uint64_t dev,
				 uint64_t ino)
{
	const struct tree_inode key = { .dev = dev, .ino = ino };
	struct tree_inode **found =
		tfind(&key, (void *const *)&t->by_ino, compare_inodes);

	return found ? *found : NULL;
}

int tree_keep_ino(struct tree *t, struct tree_inode *inode, struct err *err)
{
	if (!tsearch(inode, &t->by_ino, compare_inodes))
		return no_memory(err);
	inode->refs++;
	return 0;
}
