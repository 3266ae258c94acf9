/* archive_make.h: tar and cpio archives written by hand, for tests of their
 * readers, and what a scan of one becomes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_ARCHIVE_MAKE_H
#define SUPPORT_ARCHIVE_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rootfs/source.h"
#include "rootfs/table.h"

struct err;

#define ARCHIVE_MAKE_MAX 32768u

struct archive_make {
	uint8_t bytes[ARCHIVE_MAKE_MAX];
	size_t len;
};

/* One entry; its contents are a string, or nothing when NULL. */
struct tar_make {
	const char *name;
	char type; /* '0' when 0 */
	const char *link, *contents;
	unsigned mode, uid, gid, major, minor;
	uint64_t mtime;
	const char *size; /* the field as it is to be, instead of the length */
	const char *prefix;
	bool gnu; /* its magic instead of ustar's */
};
void tar_make_add(struct archive_make *a, const struct tar_make *e);
/* The checksum of the header at `off`, after a change. */
void tar_make_sum(struct archive_make *a, size_t off);
void tar_make_end(struct archive_make *a);

struct cpio_make {
	const char *name;
	uint32_t ino, mode, uid, gid, nlink, mtime, rdev_major, rdev_minor;
	const char *contents;
	const char *namesize, *filesize; /* eight digits, instead of ours */
};
void cpio_make_add(struct archive_make *a, const struct cpio_make *e);
void cpio_make_end(struct archive_make *a);

typedef int (*archive_scan)(const struct archive *a, struct tree *t,
			    struct err *err);

/*
 * Scans `len` bytes, packs the tree and opens the image that comes out. 0, or
 * the scan's error; everything after the scan must work. The image is mapped
 * until archive_image_fini.
 */
int archive_image(const void *bytes, size_t len, archive_scan scan,
		  struct table *ret, struct err *err);
void archive_image_fini(struct table *t);

/* The entry a path leads to; NULL when there is none. */
const struct table_entry *table_at(const struct table *t, const char *path);
/* True when it is a regular file with these contents. */
bool table_has_file(const struct table *t, const char *path,
		    const char *contents);

#endif
