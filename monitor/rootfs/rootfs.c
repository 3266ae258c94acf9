/* rootfs.c: see rootfs.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "guest-kit/include/abi/rootfs.h"
#include "rootfs/pack.h"
#include "rootfs/source.h"
#include "rootfs/tree.h"

/* --- images in memory ------------------------------------------------------- */

/* A file of `len` zeros in memory, which nothing can make shorter. Returns the
 * descriptor. */
static int memory_file(uint64_t len, struct err *err)
{
	AUTO_FD fd = memfd_create("rootfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)len) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return err_set(err, -errno, "%llu bytes of memory",
			       (unsigned long long)len);
	return take_fd(&fd);
}

static void unmap(const uint8_t *bytes, uint64_t len)
{
	union {
		const uint8_t *constant;
		void *plain;
	} p = { bytes };

	(void)munmap(p.plain, len);
}

/* Maps and checks the image, and takes the descriptor. */
static int take_image(struct rootfs *r, int *fd, uint64_t len, struct err *err)
{
	const uint8_t *bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, *fd, 0);

	if (bytes == MAP_FAILED)
		return err_set(err, -errno, "map %llu bytes",
			       (unsigned long long)len);
	if (table_open(bytes, len, &r->table, err)) {
		unmap(bytes, len);
		return err->code;
	}
	r->len = len;
	r->fd = take_fd(fd);
	return 0;
}

static int build(struct rootfs *r, const struct tree *t,
		 const struct pack_source *source, struct err *err)
{
	AUTO_FD fd = -1;
	struct pack p;

	if (pack_init(&p, t, err))
		return err->code;
	fd = memory_file(p.len, err);
	if (fd >= 0 && pack_write(&p, source, fd, err) == 0)
		(void)take_image(r, &fd, p.len, err);
	pack_fini(&p);
	return err->code;
}

/* --- sources ---------------------------------------------------------------- */

static int open_dir(int fd, struct rootfs *r, struct err *err)
{
	struct pack_source source;
	struct dir_source dir;
	struct tree t;

	if (tree_init(&t, err))
		return err->code;
	dir_open(fd, &dir, &source);
	if (dir_scan(fd, &t, err) == 0)
		(void)build(r, &t, &source, err);
	dir_close(&dir);
	tree_fini(&t);
	return err->code;
}

typedef int (*scan_fn)(const struct archive *a, struct tree *t,
		       struct err *err);

static int open_archive(int fd, uint64_t len, scan_fn scan, struct rootfs *r,
			struct err *err)
{
	struct archive a = { fd, len };
	struct pack_source source;
	struct tree t;

	if (tree_init(&t, err))
		return err->code;
	archive_open(&a, &source);
	if (scan(&a, &t, err) == 0)
		(void)build(r, &t, &source, err);
	tree_fini(&t);
	return err->code;
}

/* Whoever truncates a file that is mapped here ends the machine, so only its
 * owner may be able to. */
static bool may_map(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int open_image(int *fd, const struct stat *st, struct rootfs *r,
		      struct err *err)
{
	uint64_t len = (uint64_t)st->st_size;
	AUTO_FD memory = -1;
	int code;

	if (may_map(st))
		return take_image(r, fd, len, err);
	memory = memory_file(len, err);
	if (memory < 0)
		return err->code;
	code = file_copy(*fd, 0, memory, 0, len);
	if (code != 0)
		return err_set(err, code, "copy it into memory");
	return take_image(r, &memory, len, err);
}

/* What people give instead, by the first bytes. */
static const struct {
	const char *bytes;
	size_t len;
	const char *what;
} others[] = {
	{ "\x1f\x8b", 2, "compressed with gzip: unpack it first" },
	{ "\xfd"
	  "7zXZ",
	  5, "compressed with xz: unpack it first" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed with zstd: unpack it first" },
	{ "BZh", 3, "compressed with bzip2: unpack it first" },
	{ "070702", 6, "cpio with checksums: make it with -H newc" },
	{ "070707", 6, "an old kind of cpio: make it with -H newc" },
	{ "\xc7\x71", 2, "an old kind of cpio: make it with -H newc" },
};

static int refuse(const uint8_t head[ARCHIVE_BLOCK], struct err *err)
{
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		if (memcmp(head, others[i].bytes, others[i].len) == 0)
			return err_set(err, -EINVAL, "%s", others[i].what);
	return err_set(err, -EINVAL,
		       "neither a directory nor a tar or cpio archive nor a "
		       "packed image");
}

static int open_any(const char *path, struct rootfs *r, struct err *err)
{
	AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint8_t head[ARCHIVE_BLOCK] = { 0 };
	struct stat st;
	uint64_t len;
	int code;

	if (fd < 0 || fstat(fd, &st))
		return err_set(err, -errno, "open");
	if (S_ISDIR(st.st_mode))
		return open_dir(fd, r, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL,
			       "neither a directory nor a regular file");
	len = (uint64_t)st.st_size;
	code = file_read_at(fd, 0, head,
			    len < sizeof(head) ? len : sizeof(head));
	if (code != 0)
		return err_set(err, code, "read");
	if (table_is_image(head))
		return open_image(&fd, &st, r, err);
	if (cpio_is_cpio(head))
		return open_archive(fd, len, cpio_scan, r, err);
	if (tar_is_tar(head))
		return open_archive(fd, len, tar_scan, r, err);
	return refuse(head, err);
}

int rootfs_open(const char *path, struct rootfs *ret, struct err *err)
{
	struct rootfs r = { .name = path, .fd = -1 };

	if (open_any(path, &r, err))
		return err_wrap(err, "%s", path);
	*ret = r;
	return 0;
}

void rootfs_close(struct rootfs *r)
{
	if (r->fd < 0)
		return;
	unmap(r->table.bytes, r->len);
	(void)close(r->fd);
	r->fd = -1;
}

const uint8_t *rootfs_bytes(const struct rootfs *r, uint64_t off)
{
	return r->table.bytes + off;
}

int rootfs_find(const struct rootfs *r, const char *path,
		struct rootfs_file *ret)
{
	const struct table_entry *e;
	uint32_t i;
	int code = table_find(&r->table, path, &i);

	if (code != 0)
		return code;
	e = &r->table.entry[i];
	if (!S_ISREG(le32_get(e->mode)))
		return -EACCES;
	*ret = (struct rootfs_file){ le64_get(e->data), le64_get(e->size) };
	return 0;
}
