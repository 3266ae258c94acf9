/* archive_make.c: see archive_make.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/archive_make.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "rootfs/pack.h"
#include "rootfs/tree.h"

static void put(struct archive_make *a, const void *bytes, size_t len,
		size_t align)
{
	CHECK(len + align <= sizeof(a->bytes) - a->len);
	if (len > 0)
		memcpy(a->bytes + a->len, bytes, len);
	a->len += len;
	while (a->len % align != 0)
		a->bytes[a->len++] = 0;
}

/* `n` octal digits. */
static void octal(char *h, size_t off, unsigned n, uint64_t v)
{
	for (; n-- > 0; v >>= 3)
		h[off + n] = (char)('0' + (v & 7));
}

void tar_make_sum(struct archive_make *a, size_t off)
{
	char *h = (char *)a->bytes + off;
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (uint8_t)h[i];
	octal(h, 148, 6, sum);
	h[154] = '\0';
}

/* A string that may fill its field. */
static void field(char *h, size_t off, size_t max, const char *s)
{
	if (s)
		memcpy(h + off, s, strnlen(s, max));
}

void tar_make_add(struct archive_make *a, const struct tar_make *e)
{
	size_t off = a->len, len = e->contents ? strlen(e->contents) : 0;
	char h[513] = { 0 };

	field(h, 0, 100, e->name);
	octal(h, 100, 7, e->mode ? e->mode : 0644);
	octal(h, 108, 7, e->uid);
	octal(h, 116, 7, e->gid);
	octal(h, 124, 11, len);
	if (e->size) {
		memset(h + 124, 0, 12);
		/* base 256 has NULs in it */
		memcpy(h + 124, e->size,
		       e->size[0] & 0x80 ? 12 : strlen(e->size));
	}
	octal(h, 136, 11, e->mtime);
	h[156] = e->type ? e->type : '0';
	field(h, 157, 100, e->link);
	memcpy(h + 257,
	       e->gnu ? "ustar  \0"
		      : "ustar\0"
			"00",
	       8);
	octal(h, 329, 7, e->major);
	octal(h, 337, 7, e->minor);
	field(h, 345, 155, e->prefix);
	put(a, h, 512, 512);
	tar_make_sum(a, off);
	put(a, e->contents, len, 512);
}

void tar_make_end(struct archive_make *a)
{
	static const uint8_t zero[1024];

	put(a, zero, sizeof(zero), 512);
}

void cpio_make_add(struct archive_make *a, const struct cpio_make *e)
{
	size_t n = strlen(e->name) + 1;
	size_t len = e->contents ? strlen(e->contents) : 0;
	const uint32_t number[] = {
		e->ino,        e->mode,       e->uid, e->gid, e->nlink,
		e->mtime,      (uint32_t)len, 0,      0,      e->rdev_major,
		e->rdev_minor, (uint32_t)n,   0
	};
	char h[6 + 8 * ARRAY_SIZE(number) + 1] = "070701";

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		(void)snprintf(h + 6 + 8 * i, 9, "%08X", number[i]);
	if (e->filesize)
		memcpy(h + 6 + 6 * 8, e->filesize, 8);
	if (e->namesize)
		memcpy(h + 6 + 11 * 8, e->namesize, 8);
	put(a, h, 110, 1);
	put(a, e->name, n, 4);
	put(a, e->contents, len, 4);
}

void cpio_make_end(struct archive_make *a)
{
	cpio_make_add(a, &(struct cpio_make){ .name = "TRAILER!!!" });
}

static void build(const struct tree *t, const struct archive *a,
		  struct table *ret)
{
	struct archive copy = *a;
	struct err err = { 0 };
	AUTO_FD fd = memfd_create("image", MFD_CLOEXEC);
	struct pack_source source;
	struct pack p;
	void *bytes;
	int code;

	archive_open(&copy, &source);
	code = pack_init(&p, t, &err);
	CHECK(code == 0 && fd >= 0 && ftruncate(fd, (off_t)p.len) == 0);
	code = pack_write(&p, &source, fd, &err);
	CHECK(code == 0);
	bytes = mmap(NULL, p.len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(bytes != MAP_FAILED);
	code = table_open(bytes, p.len, ret, &err);
	CHECK(code == 0);
	pack_fini(&p);
}

int archive_image(const void *bytes, size_t len, archive_scan scan,
		  struct table *ret, struct err *err)
{
	AUTO_FD fd = memfd_create("archive", MFD_CLOEXEC);
	struct archive a = { fd, len };
	struct tree t;
	int code;

	CHECK(fd >= 0);
	code = file_write_at(fd, 0, bytes, len);
	CHECK(code == 0);
	code = tree_init(&t, err);
	CHECK(code == 0);
	code = scan(&a, &t, err);
	CHECK(code == err->code && (code == 0 || err->msg[0]));
	if (code == 0)
		build(&t, &a, ret);
	tree_fini(&t);
	return code;
}

void archive_image_fini(struct table *t)
{
	union {
		const uint8_t *constant;
		void *plain;
	} p = { t->bytes };

	(void)munmap(p.plain, t->len);
}

const struct table_entry *table_at(const struct table *t, const char *path)
{
	uint32_t i;

	return table_find(t, path, &i) == 0 ? &t->entry[i] : NULL;
}

bool table_has_file(const struct table *t, const char *path,
		    const char *contents)
{
	const struct table_entry *e = table_at(t, path);

	return e && S_ISREG(le32_get(e->mode)) &&
	       le64_get(e->size) == strlen(contents) &&
	       memcmp(t->bytes + le64_get(e->data), contents,
		      strlen(contents)) == 0;
}
