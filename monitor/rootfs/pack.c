/* pack.c: see pack.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/err.h"
#include "base/file.h"
#include "rootfs/table.h"
#include "rootfs/tree.h"

#define LEN_MAX (1ull << 40) /* no guest has more memory */

/* By directory, then by name; the root first. */
static int compare(const void *pa, const void *pb)
{
	const struct tree_node *a = *(const struct tree_node *const *)pa;
	const struct tree_node *b = *(const struct tree_node *const *)pb;
	int r;

	if (a->parent->id != b->parent->id)
		return a->parent->id < b->parent->id ? -1 : 1;
	/* the root is its own parent and has no name: a prefix of all */
	r = memcmp(a->name, b->name,
		   a->name_len < b->name_len ? a->name_len : b->name_len);
	return r != 0 ? r
		      : (a->name_len > b->name_len) -
				(a->name_len < b->name_len);
}

/* Breadth-first: the children of each entry go behind what is there. Where the
 * children of a node begin in the sorted array is in `at`, by id. */
static void order(struct pack *p, const struct tree_node *const *sorted,
		  const uint32_t *at)
{
	uint32_t n = 1;

	p->node[0] = p->tree->node[0];
	for (uint32_t i = 0; i < n; i++) {
		const struct tree_node *dir = p->node[i];

		p->index[dir->id] = i;
		p->first[i] = dir->n_children > 0 ? n : 0;
		for (uint32_t k = 0; k < dir->n_children; k++)
			p->node[n++] = sorted[at[dir->id] + k];
	}
}

static int sort(struct pack *p, struct err *err)
{
	const uint32_t n = p->tree->n_nodes;
	const struct tree_node **sorted =
		reallocarray(NULL, n, sizeof(struct tree_node *));
	uint32_t *at = calloc(n, sizeof(*at));

	if (sorted && at) {
		memcpy(sorted, p->tree->node, n * sizeof(struct tree_node *));
		qsort(sorted, n, sizeof(struct tree_node *), compare);
		/* the root is first, and nobody's child */
		for (uint32_t i = n; i-- > 1;)
			at[sorted[i]->parent->id] = i;
		order(p, sorted, at);
	} else {
		(void)err_set(err, -ENOMEM, "order of %u files", n);
	}
	free(sorted);
	free(at);
	return err->code;
}

/* The first name of each inode gets its contents, in the entries' order. */
static int lay_out(struct pack *p, struct err *err)
{
	uint32_t n = p->tree->n_nodes;

	for (uint32_t i = 0; i < n; i++) {
		p->node[i]->inode->nlink = 0;
		p->strings_len += p->node[i]->name_len + 1;
	}
	p->len = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct tree_inode *inode = p->node[i]->inode;

		if (inode->nlink++ > 0)
			continue;
		inode->entry = i;
		inode->data = p->len;
		if (inode->target)
			p->strings_len += strlen(inode->target) + 1;
		if (!S_ISREG(inode->mode))
			continue;
		if (inode->size > LEN_MAX - p->len)
			return err_set(err, -EFBIG,
				       "files of more than %llu bytes, the "
				       "limit of guest memory",
				       LEN_MAX);
		p->len += round_up_u64(inode->size, ROOTFS_PAGE);
	}
	p->strings_off =
		sizeof(struct table_header) + n * sizeof(struct table_entry);
	p->data_off =
		round_up_u64(p->strings_off + p->strings_len, ROOTFS_PAGE);
	p->len += p->data_off;
	return 0;
}

int pack_init(struct pack *p, const struct tree *tree, struct err *err)
{
	uint32_t n = tree->n_nodes;

	*p = (struct pack){ .tree = tree };
	p->node = reallocarray(NULL, n, sizeof(struct tree_node *));
	p->index = calloc(n, sizeof(*p->index));
	p->first = calloc(n, sizeof(*p->first));
	if (!p->node || !p->index || !p->first)
		(void)err_set(err, -ENOMEM, "layout of %u files", n);
	else if (!sort(p, err))
		(void)lay_out(p, err);
	if (err->code != 0)
		pack_fini(p);
	return err->code;
}

void pack_fini(struct pack *p)
{
	free(p->node);
	free(p->index);
	free(p->first);
	*p = (struct pack){ 0 };
}

/* What pack_write knows on its way through the entries. */
struct writer {
	const struct pack *p;
	uint8_t *strings;
	uint64_t strings_at;
};

/* Puts a string with its NUL; returns where it lies in the strings. */
static uint64_t put_string(struct writer *w, const char *s, size_t len)
{
	uint64_t at = w->strings_at;

	memcpy(w->strings + at, s, len);
	w->strings_at += len + 1;
	return at;
}

/* The parts that depend on the type. */
static void fill_contents(struct writer *w, uint32_t i, struct table_entry *e)
{
	const struct tree_node *node = w->p->node[i];
	const struct tree_inode *inode = node->inode;
	uint64_t size = 0, data = 0;

	if (S_ISDIR(inode->mode)) {
		size = node->n_children;
		data = w->p->first[i];
	} else if (inode->target) {
		size = strlen(inode->target);
		data = put_string(w, inode->target, size);
	} else if (S_ISREG(inode->mode) && inode->size > 0) {
		size = inode->size;
		data = w->p->data_off + inode->data;
	}
	e->size = le64_of(size);
	e->data = le64_of(data);
}

/* `entry` is the table, filled up to entry i. */
static void fill_entry(struct writer *w, uint32_t i, struct table_entry *entry)
{
	const struct tree_node *node = w->p->node[i];
	const struct tree_inode *inode = node->inode;
	struct table_entry e;

	if (inode->entry != i) {
		e = entry[inode->entry];
		e.link = le32_of(inode->entry);
	} else {
		e = (struct table_entry){
			.mode = le32_of(inode->mode),
			.uid = le32_of(inode->uid),
			.gid = le32_of(inode->gid),
			.link = le32_of(ROOTFS_NO_LINK),
			.nlink = le32_of(S_ISDIR(inode->mode)
						 ? 2 + node->n_subdirs
						 : inode->nlink),
			.mtime_sec = le64_of((uint64_t)inode->mtime_sec),
			.mtime_nsec = le32_of(inode->mtime_nsec),
			.rdev = le32_of(inode->rdev),
		};
		fill_contents(w, i, &e);
	}
	e.parent = le32_of(w->p->index[node->parent->id]);
	e.name_off =
		le32_of((uint32_t)put_string(w, node->name, node->name_len));
	e.name_len = le16_of((uint16_t)node->name_len);
	entry[i] = e;
}

/* Header, entries and strings. */
static int write_table(const struct pack *p, int fd, struct err *err)
{
	const struct table_header h = {
		.magic = le64_of(ROOTFS_MAGIC),
		.version = le32_of(ROOTFS_VERSION),
		.n_entries = le32_of(p->tree->n_nodes),
		.len = le64_of(p->len),
		.entries_off = le64_of(sizeof(h)),
		.strings_off = le64_of(p->strings_off),
		.strings_len = le64_of(p->strings_len),
		.data_off = le64_of(p->data_off),
	};
	const size_t len = p->strings_off + p->strings_len;
	uint8_t *buf = calloc(1, len);
	struct writer w = { .p = p };
	int code;

	if (!buf)
		return err_set(err, -ENOMEM, "a table of %u files",
			       p->tree->n_nodes);
	w.strings = buf + p->strings_off;
	memcpy(buf, &h, sizeof(h));
	for (uint32_t i = 0; i < p->tree->n_nodes; i++)
		fill_entry(&w, i, (void *)(buf + sizeof(h)));
	code = file_write_at(fd, 0, buf, len);
	free(buf);
	return code ? err_set(err, code, "write the table") : 0;
}

int pack_write(const struct pack *p, const struct pack_source *source, int fd,
	       struct err *err)
{
	if (write_table(p, fd, err))
		return err->code;
	for (uint32_t i = 0; i < p->tree->n_nodes; i++) {
		const struct tree_inode *inode = p->node[i]->inode;

		if (!S_ISREG(inode->mode) || inode->entry != i ||
		    inode->size == 0)
			continue;
		if (source->copy(source->ctx, p->node[i], fd,
				 p->data_off + inode->data, err))
			return err->code;
	}
	return 0;
}
