/* table.c: see table.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/err.h"
#include "guest-kit/include/abi/rootfs.h"
#include "rootfs/walk.h"

_Static_assert(sizeof(struct table_header) == sizeof(struct rootfs_header) &&
		       offsetof(struct table_header, data_off) ==
			       offsetof(struct rootfs_header, data_off),
	       "abi/rootfs.h");
_Static_assert(sizeof(struct table_entry) == sizeof(struct rootfs_entry) &&
		       offsetof(struct table_entry, link) ==
			       offsetof(struct rootfs_entry, link) &&
		       offsetof(struct table_entry, rdev) ==
			       offsetof(struct rootfs_entry, rdev),
	       "abi/rootfs.h");

#define NSEC_PER_SEC 1000000000u

bool table_is_image(const uint8_t head[TABLE_HEAD_LEN])
{
	le64 magic;

	memcpy(&magic, head, sizeof(magic));
	return le64_get(magic) == ROOTFS_MAGIC;
}

static bool has(uint64_t len, uint64_t off, uint64_t part)
{
	return off <= len && part <= len - off;
}

static int bad(struct err *err, const char *what)
{
	(void)err_set(err, -EINVAL, "broken root image: %s", what);
	return -EINVAL;
}

static int check_header(const uint8_t *bytes, uint64_t len, struct table *ret,
			struct err *err)
{
	const struct table_header *h = (const void *)bytes;
	uint64_t entries, strings, n_strings, data, end;

	if (len < sizeof(*h) || !table_is_image(bytes))
		return bad(err, "no header");
	if (le32_get(h->version) != ROOTFS_VERSION)
		return bad(err, "its version is not known here");
	if (le64_get(h->len) != len || len % ROOTFS_PAGE != 0)
		return bad(err, "longer or shorter than it was made");
	entries = le64_get(h->entries_off);
	strings = le64_get(h->strings_off);
	n_strings = le64_get(h->strings_len);
	data = le64_get(h->data_off);
	ret->n = le32_get(h->n_entries);
	if (ret->n == 0 || ret->n > ROOTFS_ENTRIES_MAX)
		return bad(err, "the number of its entries");
	end = (uint64_t)ret->n * sizeof(struct table_entry);
	if (entries % 8 != 0 || entries < sizeof(*h) ||
	    !has(len, entries, end) || le64_get(h->pad) != 0)
		return bad(err, "where its entries lie");
	if (strings < entries + end || !has(len, strings, n_strings))
		return bad(err, "where its strings lie");
	if (data % ROOTFS_PAGE != 0 || data > len || data < strings + n_strings)
		return bad(err, "where its contents lie");
	ret->bytes = bytes;
	ret->len = len;
	ret->entry = (const void *)(bytes + entries);
	ret->strings = (const char *)bytes + strings;
	return 0;
}

/* What a check of the whole table keeps between entries. */
struct check {
	const struct table *t;
	uint64_t strings_len;
	uint32_t next_child; /* the first entry of no directory so far */
	uint64_t next_data;
	uint32_t *n_links; /* names of each entry but itself */
};

/* `len` bytes without NUL, and a NUL behind them. */
static bool is_string(const struct check *c, uint64_t off, uint64_t len)
{
	return has(c->strings_len, off, len) && len < c->strings_len - off &&
	       !memchr(c->t->strings + off, 0, len) &&
	       c->t->strings[off + len] == 0;
}

static const char *name_of(const struct table *t, const struct table_entry *e)
{
	return t->strings + le32_get(e->name_off);
}

static const char *check_name(const struct check *c,
			      const struct table_entry *e)
{
	size_t len = le16_get(e->name_len);
	const char *name;

	if (!is_string(c, le32_get(e->name_off), len) || len > ROOTFS_NAME_MAX)
		return "a name that is no string";
	name = name_of(c->t, e);
	if (e == c->t->entry)
		return len ? "a root with a name" : NULL;
	if (len == 0 || memchr(name, '/', len) || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return "a name that none can have";
	return NULL;
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r != 0 ? r : (a_len > b_len) - (a_len < b_len);
}

static const char *check_dir(struct check *c, uint32_t i)
{
	const struct table *t = c->t;
	const struct table_entry *e = &t->entry[i];
	uint64_t n = le64_get(e->size), first = le64_get(e->data);

	if (n == 0)
		return first ? "an empty directory with a first entry" : NULL;
	if (first != c->next_child || first <= i || n > t->n - first)
		return "a directory whose entries lie elsewhere";
	for (uint64_t k = first; k < first + n; k++) {
		const struct table_entry *a = &t->entry[k - 1];
		const struct table_entry *b = &t->entry[k];

		if (le32_get(b->parent) != i)
			return "an entry of another directory";
		if (check_name(c, b))
			return check_name(c, b);
		if (k > first &&
		    compare(name_of(t, a), le16_get(a->name_len), name_of(t, b),
			    le16_get(b->name_len)) >= 0)
			return "names out of order";
	}
	c->next_child = (uint32_t)(first + n);
	return NULL;
}

static const char *check_file(struct check *c, const struct table_entry *e)
{
	uint64_t len = le64_get(e->size), data = le64_get(e->data);

	if (len == 0)
		return data ? "an empty file with contents" : NULL;
	if (data != c->next_data || !has(c->t->len, data, len))
		return "contents that lie elsewhere";
	/* len of the image is a multiple of the page: no overflow */
	c->next_data = round_up_u64(data + len, ROOTFS_PAGE);
	return NULL;
}

static const char *check_link(const struct check *c, uint32_t i)
{
	const struct table_entry *e = &c->t->entry[i], *to;
	struct table_entry same;
	uint32_t link = le32_get(e->link);

	if (link >= i)
		return "a hard link to what does not precede it";
	to = &c->t->entry[link];
	if (le32_get(to->link) != ROOTFS_NO_LINK || S_ISDIR(le32_get(to->mode)))
		return "a hard link to a directory or a link";
	same = *e;
	same.parent = to->parent;
	same.name_off = to->name_off;
	same.name_len = to->name_len;
	same.link = to->link;
	if (memcmp(&same, to, sizeof(same)) != 0)
		return "a hard link that differs from its file";
	c->n_links[link]++;
	return NULL;
}

static const char *check_contents(struct check *c, uint32_t i)
{
	const struct table_entry *e = &c->t->entry[i];
	uint64_t len = le64_get(e->size), data = le64_get(e->data);

	switch (le32_get(e->mode) & S_IFMT) {
	case S_IFDIR:
		return check_dir(c, i);
	case S_IFREG:
		return check_file(c, e);
	case S_IFLNK:
		if (len == 0 || len > ROOTFS_TARGET_MAX ||
		    !is_string(c, data, len))
			return "the target of a symbolic link";
		return NULL;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return len || data ? "a special file with contents" : NULL;
	default:
		return "an unknown type of file";
	}
}

static const char *check_entry(struct check *c, uint32_t i)
{
	const struct table_entry *e = &c->t->entry[i];
	uint32_t mode = le32_get(e->mode), type = mode & S_IFMT;

	if (mode & ~(S_IFMT | 07777u) || le16_get(e->pad) != 0)
		return "unknown bits";
	if (i == 0 && (type != S_IFDIR || le32_get(e->parent) != 0))
		return "a root that is no directory";
	if (i == 0 && check_name(c, e))
		return check_name(c, e);
	if (le32_get(e->mtime_nsec) >= NSEC_PER_SEC)
		return "a time";
	if (le32_get(e->rdev) != 0 && type != S_IFCHR && type != S_IFBLK)
		return "a device number without a device";
	if (le32_get(e->link) != ROOTFS_NO_LINK)
		return check_link(c, i);
	return check_contents(c, i);
}

static const char *check_nlink(const struct check *c, uint32_t i)
{
	const struct table_entry *e = &c->t->entry[i];
	uint32_t n = 1 + c->n_links[i];
	uint64_t first = le64_get(e->data);

	if (le32_get(e->link) != ROOTFS_NO_LINK)
		return NULL; /* equal to its file's */
	if (S_ISDIR(le32_get(e->mode))) {
		n++;
		for (uint64_t k = 0; k < le64_get(e->size); k++)
			n += S_ISDIR(le32_get(c->t->entry[first + k].mode));
	}
	return le32_get(e->nlink) != n ? "a number of names" : NULL;
}

static int check_entries(struct check *c, struct err *err)
{
	const struct table *t = c->t;
	const char *why = NULL;
	uint32_t i;

	for (i = 0; i < t->n && !why; i++)
		/* every entry has been found in a directory before its turn */
		why = i >= c->next_child ? "an entry in no directory"
					 : check_entry(c, i);
	if (!why && c->next_data != t->len)
		return bad(err, "bytes behind its contents");
	for (uint32_t k = 0; k < t->n && !why; k++) {
		why = check_nlink(c, k);
		i = k + 1;
	}
	if (why)
		return err_set(err, -EINVAL, "broken root image: entry %u: %s",
			       i - 1, why);
	return 0;
}

int table_open(const uint8_t *bytes, uint64_t len, struct table *ret,
	       struct err *err)
{
	const struct table_header *h = (const void *)bytes;
	struct table t = { 0 };
	struct check c = { .t = &t, .next_child = 1 };

	if (check_header(bytes, len, &t, err))
		return err->code;
	c.n_links = calloc(t.n, sizeof(*c.n_links));
	if (!c.n_links)
		return err_set(err, -ENOMEM, "check of a root image");
	c.strings_len = le64_get(h->strings_len);
	c.next_data = le64_get(h->data_off);
	if (check_entries(&c, err) == 0)
		*ret = t;
	free(c.n_links);
	return err->code;
}

/* --- walking ---------------------------------------------------------------- */

static const struct table_entry *entry_of(void *ctx, uint32_t i)
{
	const struct table *t = ctx;

	return &t->entry[i];
}

static bool walk_is_dir(void *ctx, uint32_t i)
{
	return S_ISDIR(le32_get(entry_of(ctx, i)->mode));
}

static uint32_t walk_parent(void *ctx, uint32_t i)
{
	return le32_get(entry_of(ctx, i)->parent);
}

static const char *walk_target(void *ctx, uint32_t i, size_t *ret_len)
{
	const struct table_entry *e = entry_of(ctx, i);
	const struct table *t = ctx;

	if (!S_ISLNK(le32_get(e->mode)))
		return NULL;
	*ret_len = le64_get(e->size);
	return t->strings + le64_get(e->data);
}

static int walk_child(void *ctx, uint32_t dir, const char *name, size_t len,
		      uint32_t *ret)
{
	const struct table_entry *d = entry_of(ctx, dir);
	uint32_t lo = (uint32_t)le64_get(d->data);
	uint32_t hi = lo + (uint32_t)le64_get(d->size);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct table_entry *e = entry_of(ctx, mid);
		int r = compare(name, len, name_of(ctx, e),
				le16_get(e->name_len));

		if (r == 0) {
			*ret = mid;
			return 0;
		}
		if (r < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -ENOENT;
}

int table_find(const struct table *t, const char *path, uint32_t *ret)
{
	struct table copy = *t; /* the walk's context is not const */
	const struct walk_tree w = { walk_is_dir, walk_parent, walk_target,
				     walk_child, &copy };

	return walk(&w, path, strlen(path), ret);
}
