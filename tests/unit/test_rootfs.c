/* test_rootfs.c: root images: from directories, back from files, walked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "guest-kit/include/abi/rootfs.h"
#include "mem/gmem.h"
#include "rootfs/rootfs.h"
#include "rootfs/tree.h"
#include "rootfs/walk.h"
#include "tests/support/archive_make.h"

TestSuite(rootfs, .timeout = 10);

static struct err err;
static struct archive_make tar;
static struct table table;

/* --- directories and files ---------------------------------------------------- */

static char dir[] = "/tmp/rootfs-XXXXXX";
static char path_buf[4][200];

/* A path in the test's directory; four at a time. */
static const char *at(const char *name)
{
	static unsigned turn;
	char *buf = path_buf[turn++ % 4];

	(void)snprintf(buf, sizeof(path_buf[0]), "%s/%s", dir, name);
	return buf;
}

static void put_file(const char *name, const char *contents)
{
	AUTO_FD fd =
		open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_eq(file_write_at(fd, 0, contents, strlen(contents)), 0);
}

static void remove_dir(void)
{
	char command[100];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_expect_eq(system(command), 0);
}

static void make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static int open_root(const char *path, struct rootfs *r)
{
	err = (struct err){ 0 };
	*r = (struct rootfs){ .fd = -1 };
	return rootfs_open(path, r, &err);
}

/* Everything in one: files, links of both kinds, a pipe, a socket. */
static void make_tree(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD s = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert_eq(mkdir(at("root"), 0755), 0);
	cr_assert_eq(mkdir(at("root/b"), 0700), 0);
	put_file("root/b/file", "contents");
	put_file("root/empty", "");
	cr_assert_eq(link(at("root/b/file"), at("root/a-link")), 0);
	cr_assert_eq(symlink("b/../a-link", at("root/sym")), 0);
	cr_assert_eq(symlink("/nowhere", at("root/dangling")), 0);
	cr_assert_eq(mkfifo(at("root/pipe"), 0600), 0);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/root/sock", dir);
	cr_assert_eq(bind(s, (const void *)&sun, sizeof(sun)), 0);
}

Test(rootfs, directory, .init = make_dir, .fini = remove_dir)
{
	const struct table_entry *e;
	struct rootfs_file f, g;
	struct rootfs r;
	struct stat st;

	make_tree();
	cr_assert_eq(open_root(at("root"), &r), 0, "%s", err.msg);
	cr_expect(table_has_file(&r.table, "/sym", "contents"));
	cr_expect(table_has_file(&r.table, "/empty", ""));
	cr_assert_eq(stat(at("root/b/file"), &st), 0);
	e = table_at(&r.table, "/b/file");
	cr_assert_not_null(e);
	cr_expect_eq(le32_get(e->mode), st.st_mode);
	cr_expect_eq(le64_get(e->mtime_sec), st.st_mtim.tv_sec);
	cr_expect_eq(le32_get(e->mtime_nsec), st.st_mtim.tv_nsec);
	cr_expect_eq(le32_get(e->nlink), 2);
	cr_expect_eq(rootfs_find(&r, "/a-link", &f), 0);
	cr_expect_eq(rootfs_find(&r, "/sym", &g), 0);
	cr_expect(f.off == g.off && f.len == 8);
	cr_expect_eq(memcmp(rootfs_bytes(&r, f.off), "contents", 8), 0);
	cr_expect_eq(rootfs_find(&r, "/dangling", &f), -ENOENT);
	cr_expect_eq(rootfs_find(&r, "/b", &f), -EACCES);
	cr_expect_eq(rootfs_find(&r, "/pipe", &f), -EACCES);
	cr_expect_eq(rootfs_find(&r, "/sock/x", &f), -ENOTDIR);
	cr_expect(S_ISSOCK(le32_get(table_at(&r.table, "sock")->mode)));
	rootfs_close(&r);
}

static void expect_refused(const char *path, int code, const char *part)
{
	struct rootfs r;

	cr_assert_eq(open_root(path, &r), code, "%s: %s", path, err.msg);
	cr_expect_not_null(strstr(err.msg, part), "%s", err.msg);
	cr_expect_eq(r.fd, -1);
}

Test(rootfs, what_cannot_be_read_is_named, .init = make_dir, .fini = remove_dir)
{
	expect_refused(at("nothing"), -ENOENT, "nothing: open");
	put_file("gz", "\x1f\x8b\x08");
	expect_refused(at("gz"), -EINVAL, "gzip: unpack it");
	put_file("odc", "070707000000");
	expect_refused(at("odc"), -EINVAL, "make it with -H newc");
	put_file("text", "hello");
	expect_refused(at("text"), -EINVAL, "neither a directory nor");
	cr_assert_eq(mkfifo(at("pipe"), 0600), 0);
	expect_refused(at("pipe"), -EINVAL, "nor a regular file");
}

/* A file that is not read as it was scanned, in the moment between. */
Test(rootfs, changed_file_is_refused, .init = make_dir, .fini = remove_dir)
{
	struct pack_source source;
	struct dir_source ds;
	struct tree t;
	struct pack p;
	AUTO_FD out = memfd_create("out", MFD_CLOEXEC);
	AUTO_FD fd = -1;

	cr_assert_eq(mkdir(at("root"), 0755), 0);
	put_file("root/f", "one");
	fd = open(at("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(tree_init(&t, &err), 0);
	cr_assert_eq(dir_scan(fd, &t, &err), 0);
	cr_assert_eq(pack_init(&p, &t, &err), 0);
	put_file("root/f", "longer");
	dir_open(fd, &ds, &source);
	cr_expect_eq(pack_write(&p, &source, out, &err), -EAGAIN);
	cr_expect_str_eq(err.msg, "f: it changed meanwhile");
	cr_assert_eq(unlink(at("root/f")), 0);
	cr_assert_eq(symlink("/etc/passwd", at("root/f")), 0);
	err = (struct err){ 0 };
	cr_expect_eq(pack_write(&p, &source, out, &err), -ELOOP);
	dir_close(&ds);
	pack_fini(&p);
	tree_fini(&t);
}

/* Mapped or copied: the same bytes; and packing an image is copying it. */
Test(rootfs, packed_image, .init = make_dir, .fini = remove_dir)
{
	struct rootfs r, again, copied;

	make_tree();
	cr_assert_eq(open_root(at("root"), &r), 0, "%s", err.msg);
	{
		AUTO_FD fd =
			open(at("img"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		cr_assert_eq(file_write_at(fd, 0, rootfs_bytes(&r, 0), r.len),
			     0);
	}
	cr_assert_eq(open_root(at("img"), &again), 0, "%s", err.msg);
	cr_assert_eq(chmod(at("img"), 0664), 0);
	cr_assert_eq(open_root(at("img"), &copied), 0, "%s", err.msg);
	cr_assert(again.len == r.len && copied.len == r.len);
	cr_expect_eq(
		memcmp(rootfs_bytes(&r, 0), rootfs_bytes(&again, 0), r.len), 0);
	cr_expect_eq(
		memcmp(rootfs_bytes(&r, 0), rootfs_bytes(&copied, 0), r.len),
		0);
	cr_expect_eq(fcntl(again.fd, F_GET_SEALS), -1, "it is the file");
	cr_expect(fcntl(copied.fd, F_GET_SEALS) & F_SEAL_SHRINK,
		  "others could truncate it: not mapped");
	rootfs_close(&again);
	rootfs_close(&copied);
	cr_assert_eq(truncate(at("img"), (off_t)r.len - 4096), 0);
	expect_refused(at("img"), -EINVAL, "longer or shorter");
	rootfs_close(&r);
}

/* Guest memory that is a file: the guest's writes are its own. */
Test(rootfs, mapped_as_guest_memory)
{
	AUTO_FD fd = memfd_create("image", MFD_CLOEXEC);
	struct gmem m;
	char buf[4] = "";

	cr_assert_eq(gmem_init(&m, 1 << 20, &err), 0);
	cr_assert_eq(ftruncate(fd, 8192), 0);
	cr_assert_eq(file_write_at(fd, 4096, "abc", 3), 0);
	cr_expect_eq(gmem_map_file(&m, (1 << 20) - 4096, 8192, fd), -EFAULT);
	cr_assert_eq(gmem_map_file(&m, (1 << 20) - 8192, 8192, fd), 0);
	cr_expect_eq(gmem_read(&m, (1 << 20) - 4096, buf, 3), 0);
	cr_expect_str_eq(buf, "abc");
	cr_expect_eq(gmem_write(&m, (1 << 20) - 4096, "xyz", 3), 0);
	cr_expect_eq(file_read_at(fd, 4096, buf, 3), 0);
	cr_expect_str_eq(buf, "abc");
	gmem_fini(&m);
}

/* --- walks -------------------------------------------------------------------- */

static void make_table(void)
{
	static const struct tar_make entries[] = {
		{ .name = "bin", .type = '2', .link = "usr/bin" },
		{ .name = "usr/bin/sh", .contents = "sh" },
		{ .name = "usr/bin/up", .type = '2', .link = "../../../x" },
		{ .name = "x", .contents = "x" },
		{ .name = "abs", .type = '2', .link = "/bin/sh" },
		{ .name = "l1", .type = '2', .link = "l2" },
		{ .name = "l2", .type = '2', .link = "l1" },
		{ .name = "a", .contents = "" },
		{ .name = "ab", .contents = "ab" },
		{ .name = "a\xff", .contents = "high" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		tar_make_add(&tar, &entries[i]);
	cr_assert_eq(archive_image(tar.bytes, tar.len, tar_scan, &table, &err),
		     0, "%s", err.msg);
}

static void drop_table(void)
{
	archive_image_fini(&table);
}

Test(walk, as_linux_walks, .init = make_table, .fini = drop_table,
     .timeout = 10)
{
	char path[WALK_PATH_MAX + 10];
	uint32_t i;

	cr_expect(table_has_file(&table, "/bin/sh", "sh"));
	cr_expect(table_has_file(&table, "bin//./sh", "sh"));
	cr_expect(table_has_file(&table, "/usr/../bin/sh", "sh"));
	cr_expect(table_has_file(&table, "/../../abs", "sh"));
	cr_expect(table_has_file(&table, "/bin/up", "x"));
	cr_expect(table_has_file(&table, "a", ""));
	cr_expect(table_has_file(&table, "ab", "ab"));
	cr_expect(table_has_file(&table, "a\xff", "high"));
	cr_expect_eq(table_find(&table, "", &i), 0);
	cr_expect_eq(i, 0);
	cr_expect_eq(table_find(&table, "abc", &i), -ENOENT);
	cr_expect_eq(table_find(&table, "x/y", &i), -ENOTDIR);
	cr_expect_eq(table_find(&table, "x/..", &i), -ENOTDIR);
	cr_expect_eq(table_find(&table, "l1", &i), -ELOOP);
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(table_find(&table, path, &i), -ENAMETOOLONG);
}

/* --- hostile images ------------------------------------------------------------- */

/* One changed field of an image of: / d d/f d/g(link) e(dir) s(symlink) f */
struct bad_image {
	const char *why;
	uint32_t entry; /* NONE: the header */
	size_t off;
	unsigned len;
	uint64_t value;
};

#define NONE UINT32_MAX
#define HEADER(field)                                \
	NONE, offsetof(struct rootfs_header, field), \
		sizeof(((struct rootfs_header *)0)->field)
#define ENTRY(i, field)                          \
	i, offsetof(struct rootfs_entry, field), \
		sizeof(((struct rootfs_entry *)0)->field)

/* 0 root; 1 d, 2 e, 3 f, 4 s; 5 d/f, 6 d/g */
static const struct bad_image bad[] = {
	{ "magic", HEADER(magic), 1 },
	{ "version", HEADER(version), 2 },
	{ "no entries", HEADER(n_entries), 0 },
	{ "too many entries", HEADER(n_entries), ROOTFS_ENTRIES_MAX + 1 },
	{ "entries beyond", HEADER(n_entries), 0x8000 },
	{ "an entry too few", HEADER(n_entries), 6 },
	{ "length", HEADER(len), 0x5000 },
	{ "entries unaligned", HEADER(entries_off), 65 },
	{ "entries wrap", HEADER(entries_off), UINT64_MAX - 7 },
	{ "strings in entries", HEADER(strings_off), 64 },
	{ "strings wrap", HEADER(strings_off), UINT64_MAX },
	{ "strings too long", HEADER(strings_len), 0x4000 },
	{ "strings too short", HEADER(strings_len), 4 },
	{ "data unaligned", HEADER(data_off), 0x1001 },
	{ "data in strings", HEADER(data_off), 0 },
	{ "data beyond", HEADER(data_off), 0x100000 },
	{ "reserved", HEADER(pad), 1 },
	{ "root's type", ENTRY(0, mode), 0100644 },
	{ "root's parent", ENTRY(0, parent), 1 },
	{ "root's name", ENTRY(0, name_len), 1 },
	{ "first child is the root", ENTRY(0, data), 0 },
	{ "children beyond", ENTRY(0, size), 7 },
	{ "children wrap", ENTRY(0, size), UINT64_MAX },
	{ "a child missing", ENTRY(0, size), 3 },
	{ "children of another", ENTRY(1, data), 3 },
	{ "child's parent", ENTRY(5, parent), 0 },
	{ "empty directory's child", ENTRY(2, data), 5 },
	{ "name beyond", ENTRY(3, name_off), 0x10000 },
	{ "name too long", ENTRY(3, name_len), 256 },
	{ "name of no length", ENTRY(3, name_len), 0 },
	{ "name longer than its string", ENTRY(3, name_len), 2 },
	{ "same name twice", ENTRY(3, name_off), 1 },
	{ "unknown bits", ENTRY(3, mode), 0200000 | 0100644 },
	{ "unknown type", ENTRY(3, mode), 0644 },
	{ "reserved bits", ENTRY(3, pad), 1 },
	{ "nanoseconds", ENTRY(3, mtime_nsec), 1000000000 },
	{ "device number", ENTRY(3, rdev), 1 },
	{ "contents beyond", ENTRY(3, size), 0x100000 },
	{ "contents wrap", ENTRY(3, size), UINT64_MAX },
	{ "contents elsewhere", ENTRY(3, data), 0x1800 },
	{ "contents of an empty file", ENTRY(3, size), 0 },
	{ "target beyond", ENTRY(4, data), 0x10000 },
	{ "target too long", ENTRY(4, size), 4096 },
	{ "target without end", ENTRY(4, size), 1 },
	{ "target empty", ENTRY(4, size), 0 },
	{ "link forward", ENTRY(5, link), 6 },
	{ "link to itself", ENTRY(6, link), 6 },
	{ "link to a directory", ENTRY(6, link), 1 },
	{ "link to another file", ENTRY(6, link), 3 },
	{ "link that differs", ENTRY(6, uid), 1 },
	{ "names of a file", ENTRY(3, nlink), 2 },
	{ "names of a linked file", ENTRY(5, nlink), 1 },
	{ "names of a directory", ENTRY(0, nlink), 3 },
};

static void make_small_image(void)
{
	static const struct tar_make entries[] = {
		{ .name = "d/f", .contents = "one" },
		{ .name = "d/g", .type = '1', .link = "d/f" },
		{ .name = "e", .type = '5' },
		{ .name = "f", .contents = "two" },
		{ .name = "s", .type = '2', .link = "d/f" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
		tar_make_add(&tar, &entries[i]);
	cr_assert_eq(archive_image(tar.bytes, tar.len, tar_scan, &table, &err),
		     0, "%s", err.msg);
}

ParameterizedTestParameters(rootfs, hostile_image)
{
	static unsigned row[ARRAY_SIZE(bad)];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		row[i] = i;
	return cr_make_param_array(unsigned, row, ARRAY_SIZE(row));
}

ParameterizedTest(const unsigned *row, rootfs, hostile_image)
{
	const struct bad_image *b = &bad[*row];
	struct table ret = { 0 };
	uint8_t *image;
	uint64_t off = b->off;

	make_small_image();
	image = malloc(table.len);
	cr_assert_not_null(image);
	memcpy(image, table.bytes, table.len);
	if (b->entry != NONE)
		off += sizeof(struct rootfs_header) +
		       b->entry * sizeof(struct rootfs_entry);
	memcpy(image + off, &b->value, b->len); /* little-endian, as we are */
	cr_assert_neq(memcmp(image, table.bytes, table.len), 0, "%s: no change",
		      b->why);
	cr_expect_eq(table_open(image, table.len, &ret, &err), -EINVAL, "%s",
		     b->why);
	cr_expect_null(ret.bytes, "%s", b->why);
	free(image);
	archive_image_fini(&table);
}
