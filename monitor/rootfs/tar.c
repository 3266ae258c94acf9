/* tar.c: reads tar archives, see source.h. Formats: POSIX.1-2017, pax; for the
 * GNU types the manual of GNU tar, "Basic Tar Format". */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "rootfs/source.h"
#include "rootfs/tar_field.h"
#include "rootfs/tree.h"
#include "rootfs/walk.h"

#define BLOCK     ARCHIVE_BLOCK
#define EXTRA_MAX (1u << 20) /* bytes of a pax header or a long name */
#define MAJOR_MAX 0xfffu
#define MINOR_MAX 0xfffffu

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], check[8];
	char type, link[100], magic[6], version[2], user[32], group[32];
	char major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "tar");

/* What the entries before an entry say about it. */
struct extra {
	char *name, *link; /* GNU; owned */
	struct tar_pax pax;
};

struct reader {
	const struct archive *archive;
	struct tree *tree;
	uint64_t off; /* of the next header */
	struct extra extra;
	struct tar_pax global;
	unsigned n_entries;
};

struct entry {
	struct header h;
	char name[WALK_PATH_MAX + 1], link[WALK_PATH_MAX + 1];
	uint64_t size, data;
	struct tree_inode attr;
};

/* --- headers ---------------------------------------------------------------- */

static bool is_zero(const void *block)
{
	static const uint8_t zero[BLOCK];

	return memcmp(block, zero, BLOCK) == 0;
}

/* The sum of all bytes, the sum's own field as blanks. Some old writers
 * summed signed bytes. */
static bool has_right_sum(const struct header *h)
{
	const uint8_t *p = (const void *)h;
	const size_t from = offsetof(struct header, check);
	int64_t sum = 0, signed_sum = 0, said;

	for (size_t i = 0; i < BLOCK; i++) {
		uint8_t c =
			i >= from && i < from + sizeof(h->check) ? ' ' : p[i];

		sum += c;
		signed_sum += (int8_t)c;
	}
	return tar_number(h->check, sizeof(h->check), &said) &&
	       (said == sum || said == signed_sum);
}

bool tar_is_tar(const uint8_t head[ARCHIVE_BLOCK])
{
	struct header h;

	memcpy(&h, head, sizeof(h));
	return !is_zero(head) && has_right_sum(&h);
}

/* A field of a header that is a string, perhaps without NUL, behind `dst`. */
static void append(char *dst, const char *field, size_t len)
{
	size_t at = strlen(dst), n = strnlen(field, len);

	memcpy(dst + at, field, n);
	dst[at + n] = '\0';
}

static int set_name(char dst[WALK_PATH_MAX + 1], const char *src,
		    struct err *err)
{
	size_t n = strlen(src);

	if (n > WALK_PATH_MAX)
		return err_set(err, -ENAMETOOLONG,
			       "a name of %zu bytes, the limit is %u", n,
			       WALK_PATH_MAX);
	memcpy(dst, src, n + 1);
	return 0;
}

static const struct tar_pax *pax_with(const struct reader *r, unsigned key)
{
	if (r->extra.pax.has & key)
		return &r->extra.pax;
	return r->global.has & key ? &r->global : NULL;
}

static int set_names(const struct reader *r, struct entry *e, struct err *err)
{
	const struct tar_pax *pax;

	e->name[0] = e->link[0] = '\0';
	if (memcmp(e->h.magic, "ustar", 6) == 0 && e->h.prefix[0]) {
		append(e->name, e->h.prefix, sizeof(e->h.prefix));
		append(e->name, "/", 1);
	}
	append(e->name, e->h.name, sizeof(e->h.name));
	append(e->link, e->h.link, sizeof(e->h.link));
	if (r->extra.name && set_name(e->name, r->extra.name, err))
		return err->code;
	if (r->extra.link && set_name(e->link, r->extra.link, err))
		return err->code;
	pax = pax_with(r, TAR_PAX_PATH);
	if (pax && set_name(e->name, pax->path, err))
		return err->code;
	pax = pax_with(r, TAR_PAX_LINK);
	return pax ? set_name(e->link, pax->link, err) : 0;
}

struct number {
	const char *what, *field;
	size_t len;
	unsigned pax_key;
	int64_t min, max;
};

static int get_number(const struct reader *r, const struct number *n,
		      int64_t *ret, struct err *err)
{
	const struct tar_pax *pax = pax_with(r, n->pax_key);
	int64_t v = 0;

	if (pax)
		v = n->pax_key == TAR_PAX_SIZE  ? pax->size
		    : n->pax_key == TAR_PAX_UID ? pax->uid
		    : n->pax_key == TAR_PAX_GID ? pax->gid
						: pax->mtime_sec;
	else if (!tar_number(n->field, n->len, &v))
		return err_set(err, -EINVAL, "its %s is no number", n->what);
	if (v < n->min || v > n->max)
		return err_set(err, -EINVAL,
			       "its %s is %lld, allowed are %lld to %lld",
			       n->what, (long long)v, (long long)n->min,
			       (long long)n->max);
	*ret = v;
	return 0;
}

#define NUMBER(field, key, min, max)                                  \
	{                                                             \
#field, e->h.field, sizeof(e->h.field), key, min, max \
	}

static int set_numbers(const struct reader *r, struct entry *e, struct err *err)
{
	const struct tar_pax *pax = pax_with(r, TAR_PAX_MTIME);
	const struct number mode = NUMBER(mode, 0, INT64_MIN, INT64_MAX);
	const struct number uid = NUMBER(uid, TAR_PAX_UID, 0, UINT32_MAX);
	const struct number gid = NUMBER(gid, TAR_PAX_GID, 0, UINT32_MAX);
	const struct number mtime =
		NUMBER(mtime, TAR_PAX_MTIME, INT64_MIN, INT64_MAX);
	int64_t v[4] = { 0 };

	if (get_number(r, &mode, &v[0], err) ||
	    get_number(r, &uid, &v[1], err) ||
	    get_number(r, &gid, &v[2], err) ||
	    get_number(r, &mtime, &v[3], err))
		return err->code;
	e->attr = (struct tree_inode){
		.mode = (uint32_t)v[0] & 07777,
		.uid = (uint32_t)v[1],
		.gid = (uint32_t)v[2],
		.mtime_sec = v[3],
		.mtime_nsec = pax ? pax->mtime_nsec : 0,
	};
	return 0;
}

/* Types whose size is a hint at most: nothing follows the header. */
static bool has_contents(char type)
{
	return !strchr("23456", type) || type == '\0';
}

/* The header at r->off into *e: what is common to all types. 1 at the end. */
static int read_header(struct reader *r, struct entry *e, struct err *err)
{
	const struct archive *a = r->archive;
	const struct number size = NUMBER(size, TAR_PAX_SIZE, 0, INT64_MAX);
	int64_t len = 0;

	if (r->off == a->len && r->n_entries > 0)
		return 1; /* the zeros are missing: other tars do not mind */
	if (archive_read(a, r->off, &e->h, BLOCK, "a header", err))
		return err->code;
	if (is_zero(&e->h))
		return 1;
	if (!has_right_sum(&e->h))
		return err_set(err, -EINVAL,
			       "no tar header at offset %llu: its sum is "
			       "wrong",
			       (unsigned long long)r->off);
	if (has_contents(e->h.type) && get_number(r, &size, &len, err))
		return err->code;
	e->size = (uint64_t)len;
	e->data = r->off + BLOCK;
	if (e->size > a->len - e->data)
		return err_set(err, -EINVAL,
			       "truncated: %llu bytes at offset %llu, the "
			       "archive has %llu bytes",
			       (unsigned long long)e->size,
			       (unsigned long long)e->data,
			       (unsigned long long)a->len);
	/* a file's length: the sum fits; a last block may be cut short */
	r->off = round_up_u64(e->data + e->size, BLOCK);
	if (r->off > a->len)
		r->off = a->len;
	return 0;
}

/* --- what comes before an entry -------------------------------------------- */

static void forget(struct extra *x)
{
	free(x->name);
	free(x->link);
	tar_pax_fini(&x->pax);
	*x = (struct extra){ 0 };
}

static char *read_extra(const struct reader *r, const struct entry *e,
			struct err *err)
{
	AUTO_FREE char *text = NULL;

	if (e->size > EXTRA_MAX) {
		(void)err_set(err, -EINVAL,
			      "a header of %llu bytes, the limit is %u",
			      (unsigned long long)e->size, EXTRA_MAX);
		return NULL;
	}
	text = malloc(e->size + 1);
	if (!text) {
		(void)err_set(err, -ENOMEM, "a header");
		return NULL;
	}
	if (archive_read(r->archive, e->data, text, e->size, "a header", err))
		return NULL;
	text[e->size] = '\0';
	return take_ptr(&text);
}

/* 1 when the entry was such, 0 when it is one of its own. */
static int take_extra(struct reader *r, const struct entry *e, struct err *err)
{
	AUTO_FREE char *text = NULL;
	char **to;

	if (!e->h.type || !strchr("LKxgV", e->h.type))
		return 0;
	if (e->h.type == 'V') /* a label of the volume */
		return 1;
	text = read_extra(r, e, err);
	if (!text)
		return err->code;
	if (e->h.type == 'x' || e->h.type == 'g') {
		struct tar_pax *pax =
			e->h.type == 'x' ? &r->extra.pax : &r->global;

		return tar_pax_parse(pax, text, e->size, err) ? err->code : 1;
	}
	to = e->h.type == 'L' ? &r->extra.name : &r->extra.link;
	free(*to);
	*to = take_ptr(&text);
	return 1;
}

/* --- entries ---------------------------------------------------------------- */

static int put(struct reader *r, const struct entry *e, struct err *err)
{
	return tree_put_path(r->tree, e->name, strlen(e->name), &e->attr, err)
		       ? 0
		       : err->code;
}

static int put_file(struct reader *r, struct entry *e, struct err *err)
{
	size_t n = strlen(e->name);

	/* before POSIX a directory was a file with a '/' at its end */
	if (e->h.type == '\0' && n > 0 && e->name[n - 1] == '/') {
		e->attr.mode |= S_IFDIR;
		return put(r, e, err);
	}
	e->attr.mode |= S_IFREG;
	e->attr.size = e->size;
	e->attr.from = e->data;
	return put(r, e, err);
}

static int put_symlink(struct reader *r, struct entry *e, struct err *err)
{
	size_t n = strlen(e->link);

	if (n == 0 || n > ROOTFS_TARGET_MAX)
		return err_set(err, -EINVAL,
			       "a target of %zu bytes, allowed are 1 to %u", n,
			       ROOTFS_TARGET_MAX);
	e->attr.mode |= S_IFLNK;
	e->attr.target = e->link;
	return put(r, e, err);
}

static int put_link(struct reader *r, const struct entry *e, struct err *err)
{
	struct tree_node *dir, *to;
	const char *name = NULL;
	size_t n = 0;

	if (e->size > 0)
		return err_set(err, -EINVAL,
			       "a hard link with contents, which are not "
			       "supported");
	dir = tree_dir_of(r->tree, e->link, strlen(e->link), &name, &n, err);
	if (!dir)
		return source_wrap(err, e->link);
	to = tree_child(r->tree, dir, name, n);
	if (!to || S_ISDIR(to->inode->mode)) {
		(void)err_set(err, -EINVAL, "%s",
			      to ? "a directory, no hard link can name it"
				 : "to be hard-linked, but not there before");
		return source_wrap(err, e->link);
	}
	dir = tree_dir_of(r->tree, e->name, strlen(e->name), &name, &n, err);
	if (!dir)
		return err->code;
	return tree_link(r->tree, dir, name, n, to->inode, err);
}

static int put_device(struct reader *r, struct entry *e, uint32_t type,
		      struct err *err)
{
	const struct number major = NUMBER(major, 0, 0, MAJOR_MAX);
	const struct number minor = NUMBER(minor, 0, 0, MINOR_MAX);
	int64_t ma = 0, mi = 0;

	if (get_number(r, &major, &ma, err) || get_number(r, &minor, &mi, err))
		return err->code;
	e->attr.mode |= type;
	e->attr.rdev = ROOTFS_RDEV(ma, mi);
	return put(r, e, err);
}

static int put_entry(struct reader *r, struct entry *e, struct err *err)
{
	switch (e->h.type) {
	case '\0':
	case '0':
	case '7': /* contiguous: a file */
		return put_file(r, e, err);
	case '1':
		return put_link(r, e, err);
	case '2':
		return put_symlink(r, e, err);
	case '3':
		return put_device(r, e, S_IFCHR, err);
	case '4':
		return put_device(r, e, S_IFBLK, err);
	case '5':
		e->attr.mode |= S_IFDIR;
		return put(r, e, err);
	case '6':
		e->attr.mode |= S_IFIFO;
		return put(r, e, err);
	case 'S':
		return err_set(err, -EINVAL,
			       "a sparse file, which is not supported");
	default:
		return err_set(err, -EINVAL, "type %#x, which is not supported",
			       (unsigned char)e->h.type);
	}
}

static int read_entry(struct reader *r, struct entry *e, struct err *err)
{
	uint64_t at = r->off;
	int code = read_header(r, e, err);

	if (code != 0)
		return code;
	r->n_entries++;
	code = take_extra(r, e, err);
	if (code > 0)
		return 0;
	if (code < 0 || set_names(r, e, err))
		return err_wrap(err, "the header at offset %llu",
				(unsigned long long)at);
	if (set_numbers(r, e, err) || put_entry(r, e, err))
		return source_wrap(err, e->name);
	forget(&r->extra);
	return 0;
}

int tar_scan(const struct archive *a, struct tree *t, struct err *err)
{
	struct reader r = { .archive = a, .tree = t };
	struct entry e;
	int code;

	do
		code = read_entry(&r, &e, err);
	while (code == 0);
	forget(&r.extra);
	tar_pax_fini(&r.global);
	return code < 0 ? code : 0;
}
