/* test_cpio.c: cpio archives, well made and not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"
#include "guest-kit/include/abi/rootfs.h"
#include "tests/support/archive_make.h"

TestSuite(cpio, .timeout = 10);

static struct archive_make a;
static struct table t;
static struct err err;

static void add(const struct cpio_make *e)
{
	cpio_make_add(&a, e);
}

static int open_cpio(void)
{
	err = (struct err){ 0 };
	return archive_image(a.bytes, a.len, cpio_scan, &t, &err);
}

Test(cpio, every_kind_of_file)
{
	const struct table_entry *e;

	add(&(struct cpio_make){
		.name = ".", .mode = S_IFDIR | 0711, .nlink = 4 });
	add(&(struct cpio_make){ .name = "bin", .mode = S_IFDIR | 0755 });
	add(&(struct cpio_make){ .name = "bin/prog",
				 .mode = S_IFREG | 0755,
				 .uid = 1,
				 .gid = 2,
				 .mtime = 99,
				 .contents = "code" });
	add(&(struct cpio_make){ .name = "/lib/l",
				 .mode = S_IFLNK | 0777,
				 .contents = "../bin/prog" });
	add(&(struct cpio_make){ .name = "dev/tty",
				 .mode = S_IFCHR | 0666,
				 .rdev_major = 5,
				 .rdev_minor = 1 });
	add(&(struct cpio_make){ .name = "sock", .mode = S_IFSOCK | 0600 });
	cpio_make_end(&a);
	a.len += 300; /* zeros up to a block */
	cr_assert_eq(open_cpio(), 0, "%s", err.msg);
	cr_expect_eq(le32_get(t.entry[0].mode), S_IFDIR | 0711);
	e = table_at(&t, "bin/prog");
	cr_assert_not_null(e);
	cr_expect(le32_get(e->uid) == 1 && le32_get(e->gid) == 2);
	cr_expect_eq(le64_get(e->mtime_sec), 99);
	cr_expect(table_has_file(&t, "lib/l", "code"));
	cr_expect_eq(le32_get(table_at(&t, "dev/tty")->rdev),
		     ROOTFS_RDEV(5, 1));
	cr_expect_eq(le32_get(table_at(&t, "sock")->mode), S_IFSOCK | 0600);
	archive_image_fini(&t);
}

/* The contents come with the last name, usually. */
Test(cpio, hard_links)
{
	const uint32_t mode = S_IFREG | 0644;

	add(&(struct cpio_make){
		.name = "x", .ino = 7, .mode = mode, .nlink = 3 });
	add(&(struct cpio_make){
		.name = "a", .ino = 7, .mode = mode, .nlink = 3 });
	add(&(struct cpio_make){ .name = "d/b",
				 .ino = 7,
				 .mode = mode,
				 .nlink = 3,
				 .contents = "shared" });
	add(&(struct cpio_make){
		.name = "alone", .ino = 7, .mode = mode, .nlink = 1 });
	cpio_make_end(&a);
	cr_assert_eq(open_cpio(), 0, "%s", err.msg);
	cr_expect(table_has_file(&t, "x", "shared"));
	cr_expect(table_has_file(&t, "a", "shared"));
	cr_expect(table_has_file(&t, "d/b", "shared"));
	cr_expect_eq(le32_get(table_at(&t, "a")->nlink), 3);
	cr_expect_eq(table_at(&t, "a")->link.le, ROOTFS_NO_LINK);
	cr_expect(table_has_file(&t, "alone", ""));
	archive_image_fini(&t);
}

struct bad_cpio {
	const char *why;
	struct cpio_make entry;
	char part[40]; /* of the message */
};

#define FILE_MODE (S_IFREG | 0644)

static const struct bad_cpio bad[] = {
	{ "up", { .name = "../x", .mode = FILE_MODE }, "'..'" },
	{ "no type", { .name = "x", .mode = 0644 }, "unknown type" },
	{ "unknown bits", { .name = "x", .mode = 0xffff0000 }, "unknown bits" },
	{ "empty target",
	  { .name = "s", .mode = S_IFLNK },
	  "a target of 0 bytes" },
	{ "long target",
	  { .name = "s", .mode = S_IFLNK, .filesize = "00001000" },
	  "truncated" },
	{ "device number",
	  { .name = "c", .mode = S_IFCHR, .rdev_minor = 1u << 20 },
	  "device 0:1048576" },
	{ "contents beyond",
	  { .name = "f", .mode = FILE_MODE, .filesize = "FFFFFFFF" },
	  "truncated: a file" },
	{ "name beyond",
	  { .name = "f", .mode = FILE_MODE, .namesize = "00000FFF" },
	  "truncated: a name" },
	{ "name too long",
	  { .name = "f", .mode = FILE_MODE, .namesize = "00010000" },
	  "a name of 65536 bytes" },
	{ "no name",
	  { .name = "f", .mode = FILE_MODE, .namesize = "00000000" },
	  "a name of 0 bytes" },
	{ "name without end",
	  { .name = "four", .mode = FILE_MODE, .namesize = "00000004" },
	  "does not end where it should" },
	{ "no number",
	  { .name = "f", .mode = FILE_MODE, .namesize = "0000000g" },
	  "a number that is none" },
	{ "empty name",
	  { .name = "", .mode = FILE_MODE },
	  "the root is no directory" },
};

/* Parameters are copied to another process, where pointers mean nothing. */
ParameterizedTestParameters(cpio, refuses)
{
	static unsigned row[ARRAY_SIZE(bad)];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		row[i] = i;
	return cr_make_param_array(unsigned, row, ARRAY_SIZE(row));
}

ParameterizedTest(const unsigned *row, cpio, refuses)
{
	const struct bad_cpio *b = &bad[*row];

	add(&b->entry);
	cpio_make_end(&a);
	cr_assert_lt(open_cpio(), 0, "%s", b->why);
	cr_expect_not_null(strstr(err.msg, b->part), "%s: %s", b->why, err.msg);
}

Test(cpio, ends_where_it_says)
{
	add(&(struct cpio_make){
		.name = "f", .mode = FILE_MODE, .contents = "x" });
	cr_assert_eq(open_cpio(), -EINVAL, "no trailer");
	cr_expect_not_null(strstr(err.msg, "truncated: a header"));
	cpio_make_end(&a);
	a.bytes[a.len + 100] = 1;
	a.len += 512;
	cr_assert_eq(open_cpio(), -EINVAL, "something behind it");
	cr_expect_not_null(strstr(err.msg, "more behind the trailer"));
}
