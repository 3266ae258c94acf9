/* cpio.c: reads cpio archives of the newc kind, see source.h. Layout: the
 * kernel's Documentation/driver-api/early-userspace/buffer-format.rst. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/err.h"
#include "rootfs/source.h"
#include "rootfs/tree.h"
#include "rootfs/walk.h"

#define MAGIC       "070701"
#define MAGIC_LEN   6u
#define TRAILER     "TRAILER!!!"
#define HEADER_LEN  110u
#define ALIGN       4u
#define MAJOR_MAX   0xfffu
#define MINOR_MAX   0xfffffu
#define ZEROS_AHEAD 4096u

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_FILESIZE,
	F_DEV_MAJOR,
	F_DEV_MINOR,
	F_RDEV_MAJOR,
	F_RDEV_MINOR,
	F_NAMESIZE,
	F_CHECK,
	FIELDS
};

struct entry {
	uint32_t field[FIELDS];
	char name[WALK_PATH_MAX + 1];
	size_t name_len;
	uint64_t data, end; /* of the contents; of the entry */
};

bool cpio_is_cpio(const uint8_t head[ARCHIVE_BLOCK])
{
	return memcmp(head, MAGIC, MAGIC_LEN) == 0;
}

static bool parse_hex(const char *s, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 8; i++) {
		char c = s[i];

		if (!isxdigit((unsigned char)c))
			return false;
		v = v << 4 |
		    (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*ret = v;
	return true;
}

static int parse_header(const char h[HEADER_LEN], uint64_t off, struct entry *e,
			struct err *err)
{
	if (memcmp(h, MAGIC, MAGIC_LEN) != 0)
		return err_set(err, -EINVAL,
			       "no cpio header (newc) at offset %llu",
			       (unsigned long long)off);
	for (unsigned i = 0; i < FIELDS; i++)
		if (!parse_hex(h + 6 + 8 * (size_t)i, &e->field[i]))
			return err_set(err, -EINVAL,
				       "the header at offset %llu: a number "
				       "that is none",
				       (unsigned long long)off);
	return 0;
}

static int read_entry(const struct archive *a, uint64_t off, struct entry *e,
		      struct err *err)
{
	char h[HEADER_LEN];
	uint32_t len;

	if (archive_read(a, off, h, sizeof(h), "a header", err) ||
	    parse_header(h, off, e, err))
		return err->code;
	len = e->field[F_NAMESIZE]; /* with its NUL */
	if (len == 0 || len > sizeof(e->name))
		return err_set(err, -EINVAL,
			       "the header at offset %llu: a name of %u bytes, "
			       "allowed are 1 to %zu",
			       (unsigned long long)off, len, sizeof(e->name));
	if (archive_read(a, off + HEADER_LEN, e->name, len, "a name", err))
		return err->code;
	if (memchr(e->name, 0, len) != e->name + len - 1)
		return err_set(err, -EINVAL,
			       "the header at offset %llu: its name does not "
			       "end where it should",
			       (unsigned long long)off);
	e->name_len = len - 1;
	/* the offset is within a file: these sums fit */
	e->data = round_up_u64(off + HEADER_LEN + len, ALIGN);
	e->end = round_up_u64(e->data + e->field[F_FILESIZE], ALIGN);
	if (e->data > a->len || e->field[F_FILESIZE] > a->len - e->data)
		return err_set(err, -EINVAL,
			       "truncated: a file is %u bytes at offset %llu, "
			       "the archive has %llu bytes",
			       e->field[F_FILESIZE],
			       (unsigned long long)e->data,
			       (unsigned long long)a->len);
	return 0;
}

static int set_rdev(const struct entry *e, struct tree_inode *attr,
		    struct err *err)
{
	uint32_t major = e->field[F_RDEV_MAJOR], minor = e->field[F_RDEV_MINOR];

	if (major > MAJOR_MAX || minor > MINOR_MAX)
		return err_set(err, -EINVAL, "device %u:%u, the limit is %u:%u",
			       major, minor, MAJOR_MAX, MINOR_MAX);
	attr->rdev = ROOTFS_RDEV(major, minor);
	return 0;
}

static int set_type(const struct archive *a, const struct entry *e,
		    char target[ROOTFS_TARGET_MAX + 1], struct tree_inode *attr,
		    struct err *err)
{
	uint32_t len = e->field[F_FILESIZE];

	switch (attr->mode & S_IFMT) {
	case S_IFREG:
		attr->size = len;
		attr->from = e->data;
		return 0;
	case S_IFLNK:
		if (len == 0 || len > ROOTFS_TARGET_MAX)
			return err_set(err, -EINVAL,
				       "a target of %u bytes, allowed are 1 to "
				       "%u",
				       len, ROOTFS_TARGET_MAX);
		if (archive_read(a, e->data, target, len, "a target", err))
			return err->code;
		target[len] = '\0';
		attr->target = target;
		return memchr(target, 0, len)
			       ? err_set(err, -EINVAL, "a NUL in its target")
			       : 0;
	case S_IFCHR:
	case S_IFBLK:
		return set_rdev(e, attr, err);
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return err_set(err, -EINVAL, "mode %o: an unknown type",
			       attr->mode);
	}
}

/* Another name of a file that was there before. Its contents come with one of
 * the names, usually the last. */
static int add_link(struct tree *t, const struct entry *e,
		    struct tree_inode *inode, const struct tree_inode *attr,
		    struct err *err)
{
	const char *name = NULL;
	size_t n = 0;
	struct tree_node *dir =
		tree_dir_of(t, e->name, e->name_len, &name, &n, err);

	if (!dir || tree_link(t, dir, name, n, inode, err))
		return err->code;
	if (attr->size > 0) {
		inode->size = attr->size;
		inode->from = attr->from;
	}
	return 0;
}

static int add_entry(const struct archive *a, struct tree *t,
		     const struct entry *e, struct err *err)
{
	char target[ROOTFS_TARGET_MAX + 1];
	struct tree_inode attr = {
		.mode = e->field[F_MODE],
		.uid = e->field[F_UID],
		.gid = e->field[F_GID],
		.mtime_sec = e->field[F_MTIME],
		.dev = (uint64_t)e->field[F_DEV_MAJOR] << 32 |
		       e->field[F_DEV_MINOR],
		.ino = e->field[F_INO],
	};
	bool is_shared = e->field[F_NLINK] > 1 && S_ISREG(attr.mode);
	struct tree_inode *inode;
	struct tree_node *node;

	if (attr.mode & ~(S_IFMT | 07777u))
		return err_set(err, -EINVAL, "mode %o: unknown bits",
			       attr.mode);
	if (set_type(a, e, target, &attr, err))
		return err->code;
	inode = is_shared ? tree_find_ino(t, attr.dev, attr.ino) : NULL;
	if (inode)
		return add_link(t, e, inode, &attr, err);
	node = tree_put_path(t, e->name, e->name_len, &attr, err);
	if (!node)
		return err->code;
	return is_shared ? tree_keep_ino(t, node->inode, err) : 0;
}

/* Behind the trailer are zeros, up to somebody's block size. */
static int check_end(const struct archive *a, uint64_t off, struct err *err)
{
	uint8_t buf[ZEROS_AHEAD];

	while (off < a->len) {
		uint64_t left = a->len - off;
		size_t n = left < sizeof(buf) ? (size_t)left : sizeof(buf);

		if (archive_read(a, off, buf, n, "the end", err))
			return err->code;
		for (size_t i = 0; i < n; i++, off++)
			if (buf[i] != 0)
				return err_set(err, -EINVAL,
					       "more behind the trailer, at "
					       "offset %llu: one archive, not "
					       "several, and not compressed",
					       (unsigned long long)off);
	}
	return 0;
}

int cpio_scan(const struct archive *a, struct tree *t, struct err *err)
{
	struct entry e = { 0 };
	uint64_t off = 0;

	for (;;) {
		if (read_entry(a, off, &e, err))
			return err->code;
		off = e.end;
		if (strcmp(e.name, TRAILER) == 0)
			return check_end(a, off, err);
		if (add_entry(a, t, &e, err))
			return source_wrap(err, e.name);
	}
}
