/* test_tar.c: tar archives, well made and not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"
#include "guest-kit/include/abi/rootfs.h"
#include "rootfs/tar_field.h"
#include "tests/support/archive_make.h"

TestSuite(tar, .timeout = 10);

static struct archive_make a;
static struct table t;
static struct err err;

static void add(const struct tar_make *e)
{
	tar_make_add(&a, e);
}

static int open_tar(void)
{
	err = (struct err){ 0 };
	return archive_image(a.bytes, a.len, tar_scan, &t, &err);
}

static void expect_open(void)
{
	tar_make_end(&a);
	cr_assert_eq(open_tar(), 0, "%s", err.msg);
}

Test(tar, every_kind_of_file)
{
	const struct table_entry *e;

	add(&(struct tar_make){ .name = "./", .type = '5', .mode = 0711 });
	add(&(struct tar_make){
		.name = "./bin/", .type = '5', .mode = 0755, .uid = 3 });
	add(&(struct tar_make){ .name = "./bin/prog",
				.contents = "#!",
				.mode = 04755,
				.uid = 10,
				.gid = 20,
				.mtime = 1234567 });
	add(&(struct tar_make){
		.name = "bin/p2", .type = '1', .link = "./bin/prog" });
	add(&(struct tar_make){
		.name = "bin/p3", .type = '2', .link = "prog" });
	add(&(struct tar_make){
		.name = "dev/null", .type = '3', .major = 1, .minor = 3 });
	add(&(struct tar_make){
		.name = "dev/vda", .type = '4', .major = 254, .minor = 70000 });
	add(&(struct tar_make){ .name = "pipe", .type = '6' });
	add(&(struct tar_make){ .name = "empty" });
	expect_open();

	cr_expect_eq(le32_get(t.entry[0].mode), S_IFDIR | 0711);
	cr_expect_eq(le32_get(t.entry[0].nlink), 4);
	e = table_at(&t, "/bin/prog");
	cr_assert(e && table_has_file(&t, "bin/prog", "#!"));
	cr_expect_eq(le32_get(e->mode), S_IFREG | 04755);
	cr_expect(le32_get(e->uid) == 10 && le32_get(e->gid) == 20);
	cr_expect_eq(le64_get(e->mtime_sec), 1234567);
	cr_expect_eq(le32_get(e->nlink), 2);
	cr_expect(table_has_file(&t, "/bin/p2", "#!"));
	cr_expect(table_has_file(&t, "/bin/p3", "#!"));
	e = table_at(&t, "/dev/vda");
	cr_assert_not_null(e);
	cr_expect_eq(le32_get(e->rdev), ROOTFS_RDEV(254, 70000));
	cr_expect_eq(le32_get(table_at(&t, "dev")->mode), S_IFDIR | 0755,
		     "made because it was missing");
	cr_expect_eq(le32_get(table_at(&t, "pipe")->mode), S_IFIFO | 0644);
	cr_expect(table_has_file(&t, "empty", ""));
	archive_image_fini(&t);
}

Test(tar, last_one_wins)
{
	add(&(struct tar_make){ .name = "a", .contents = "one" });
	add(&(struct tar_make){ .name = "b", .type = '1', .link = "a" });
	add(&(struct tar_make){ .name = "a", .contents = "two" });
	add(&(struct tar_make){ .name = "d", .type = '5', .mode = 0700 });
	add(&(struct tar_make){ .name = "d/f", .contents = "in" });
	add(&(struct tar_make){ .name = "d", .type = '5', .mode = 0777 });
	add(&(struct tar_make){ .name = "e", .type = '5' });
	add(&(struct tar_make){ .name = "e", .contents = "was empty" });
	expect_open();
	cr_expect(table_has_file(&t, "a", "two"));
	cr_expect(table_has_file(&t, "b", "one"), "it was linked before");
	cr_expect_eq(le32_get(table_at(&t, "b")->nlink), 1);
	cr_expect(table_has_file(&t, "d/f", "in"));
	cr_expect_eq(le32_get(table_at(&t, "d")->mode), S_IFDIR | 0777);
	cr_expect(table_has_file(&t, "e", "was empty"));
	archive_image_fini(&t);
}

Test(tar, names_stay_inside)
{
	add(&(struct tar_make){ .name = "/etc/passwd", .contents = "abs" });
	add(&(struct tar_make){
		.name = "out", .type = '2', .link = "../../../etc" });
	add(&(struct tar_make){ .name = "out/shadow",
				.contents = "through a link" });
	add(&(struct tar_make){ .name = "abs", .type = '2', .link = "/etc" });
	add(&(struct tar_make){ .name = "abs/group", .contents = "g" });
	expect_open();
	cr_expect(table_has_file(&t, "etc/passwd", "abs"));
	cr_expect(table_has_file(&t, "etc/shadow", "through a link"));
	cr_expect(table_has_file(&t, "/out/../etc/group", "g"));
	archive_image_fini(&t);
}

static const char long_name[] =
	"a/123456789012345678901234567890123456789012345678901234567890"
	"/123456789012345678901234567890123456789012345678901234567890"
	"/123456789012345678901234567890123456789012345678901234567890";

Test(tar, long_names)
{
	char prefixed[160];

	add(&(struct tar_make){ .name = "././@LongLink",
				.type = 'L',
				.contents = long_name,
				.gnu = true });
	add(&(struct tar_make){
		.name = "a/123", .contents = "gnu", .gnu = true });
	add(&(struct tar_make){
		.name = "././@LongLink", .type = 'K', .contents = long_name });
	add(&(struct tar_make){ .name = "link", .type = '2', .link = "a/1" });
	(void)snprintf(prefixed, sizeof(prefixed), "%.100s", long_name);
	add(&(struct tar_make){
		.name = "f", .contents = "ustar", .prefix = "x/y" });
	/* no prefix in the old GNU format: times are there */
	add(&(struct tar_make){
		.name = "g", .contents = "gnu", .prefix = "x/y", .gnu = true });
	expect_open();
	cr_expect(table_has_file(&t, long_name, "gnu"));
	cr_expect(table_has_file(&t, "link", "gnu"));
	cr_expect(table_has_file(&t, "x/y/f", "ustar"));
	cr_expect(table_has_file(&t, "g", "gnu"));
	archive_image_fini(&t);
}

Test(tar, pax_records)
{
	const struct table_entry *e;

	add(&(struct tar_make){
		.name = "g", .type = 'g', .contents = "11 uid=123\n" });
	add(&(struct tar_make){ .name = "x",
				.type = 'x',
				.contents = "14 path=n\xc3\xa4me\n"
					    "23 mtime=12.3456789015\n"
					    "17 comment=hello\n"
					    "9 gid=77\n" });
	add(&(struct tar_make){ .name = "short", .contents = "x", .mtime = 5 });
	add(&(struct tar_make){ .name = "next", .contents = "y", .mtime = 5 });
	add(&(struct tar_make){
		.name = "x", .type = 'x', .contents = "14 mtime=-1.5\n" });
	add(&(struct tar_make){ .name = "old", .contents = "z" });
	add(&(struct tar_make){
		.name = "x", .type = 'x', .contents = "9 size=3\n" });
	add(&(struct tar_make){
		.name = "sized", .contents = "abcdef", .size = "77777777" });
	expect_open();
	e = table_at(&t, "n\xc3\xa4me");
	cr_assert_not_null(e);
	cr_expect(le32_get(e->uid) == 123 && le32_get(e->gid) == 77);
	cr_expect_eq(le64_get(e->mtime_sec), 12);
	cr_expect_eq(le32_get(e->mtime_nsec), 345678901);
	e = table_at(&t, "next");
	cr_assert_not_null(e);
	cr_expect(le32_get(e->uid) == 123 && le32_get(e->gid) == 0);
	cr_expect_eq(le64_get(e->mtime_sec), 5);
	e = table_at(&t, "old");
	cr_expect_eq((int64_t)le64_get(e->mtime_sec), -2);
	cr_expect_eq(le32_get(e->mtime_nsec), 500000000);
	cr_expect(table_has_file(&t, "sized", "abc"));
	archive_image_fini(&t);
}

Test(tar, missing_end_is_no_harm)
{
	add(&(struct tar_make){ .name = "a", .contents = "one" });
	cr_assert_eq(open_tar(), 0, "%s", err.msg);
	archive_image_fini(&t);
	a.len -= 512 - 3; /* nor a last block that is short */
	cr_assert_eq(open_tar(), 0, "%s", err.msg);
	cr_expect(table_has_file(&t, "a", "one"));
	archive_image_fini(&t);
}

struct bad_tar {
	const char *why;
	struct tar_make first, second;
	char part[48]; /* of the message */
};

static const struct bad_tar bad[] = {
	{ "up", { .name = "a/../../x" }, { 0 }, "a name with '..'" },
	{ "up at the end", { .name = "a/.." }, { 0 }, "'..'" },
	{ "file as root", { .name = "./" }, { 0 }, "the root is no directory" },
	{ "file as directory",
	  { .name = "f" },
	  { .name = "f/x" },
	  "f/x: its directory" },
	{ "full directory as file",
	  { .name = "d/f" },
	  { .name = "d" },
	  "d: a directory with entries" },
	{ "loop",
	  { .name = "l", .type = '2', .link = "l" },
	  { .name = "l/x" },
	  "l/x" },
	{ "link to nothing",
	  { .name = "h", .type = '1', .link = "nothing" },
	  { 0 },
	  "h: nothing: to be hard-linked" },
	{ "link to a directory",
	  { .name = "d", .type = '5' },
	  { .name = "h", .type = '1', .link = "d" },
	  "h: d: a directory" },
	{ "link outside",
	  { .name = "h", .type = '1', .link = "../x" },
	  { 0 },
	  "a name with '..'" },
	{ "link with contents",
	  { .name = "f" },
	  { .name = "h", .type = '1', .link = "f", .contents = "x" },
	  "a hard link with contents" },
	{ "no target",
	  { .name = "s", .type = '2' },
	  { 0 },
	  "a target of 0 bytes" },
	{ "size beyond the file",
	  { .name = "f", .size = "00000100000" },
	  { 0 },
	  "truncated" },
	{ "size of 60 bits",
	  { .name = "f",
	    .size = "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff"
		    "\xff" },
	  { 0 },
	  "truncated" },
	{ "size below 0",
	  { .name = "f",
	    .size = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		    "\xfe" },
	  { 0 },
	  "its size is -2" },
	{ "size of letters", { .name = "f", .size = "12z" }, { 0 }, "number" },
	{ "sparse", { .name = "f", .type = 'S' }, { 0 }, "sparse" },
	{ "sparse in pax",
	  { .name = "x", .type = 'x', .contents = "22 GNU.sparse.major=1\n" },
	  { 0 },
	  "sparse" },
	{ "another type", { .name = "f", .type = 'M' }, { 0 }, "type 0x4d" },
	{ "device number",
	  { .name = "c", .type = '3', .major = 4096 },
	  { 0 },
	  "4096" },
	{ "pax without length",
	  { .name = "x", .type = 'x', .contents = "path=x\n" },
	  { 0 },
	  "a broken record" },
	{ "pax of length 0",
	  { .name = "x", .type = 'x', .contents = "0 path=x\n" },
	  { 0 },
	  "a broken record" },
	{ "pax too long",
	  { .name = "x", .type = 'x', .contents = "99 path=x\n" },
	  { 0 },
	  "a broken record" },
	{ "pax without =",
	  { .name = "x", .type = 'x', .contents = "6 abc\n" },
	  { 0 },
	  "without '='" },
	{ "pax number",
	  { .name = "x", .type = 'x', .contents = "11 uid=12x\n" },
	  { 0 },
	  "'12x' is no number" },
	{ "pax uid",
	  { .name = "x", .type = 'x', .contents = "18 uid=4294967296\n" },
	  { .name = "f" },
	  "its uid is 4294967296" },
	{ "pax time",
	  { .name = "x", .type = 'x', .contents = "11 mtime=-\n" },
	  { .name = "f" },
	  "no number" },
};

/* Parameters are copied to another process, where pointers mean nothing. */
ParameterizedTestParameters(tar, refuses)
{
	static unsigned row[ARRAY_SIZE(bad)];

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		row[i] = i;
	return cr_make_param_array(unsigned, row, ARRAY_SIZE(row));
}

ParameterizedTest(const unsigned *row, tar, refuses)
{
	const struct bad_tar *b = &bad[*row];

	add(&b->first);
	if (b->second.name)
		add(&b->second);
	tar_make_end(&a);
	cr_assert_lt(open_tar(), 0, "%s", b->why);
	cr_expect_not_null(strstr(err.msg, b->part), "%s: %s", b->why, err.msg);
}

Test(tar, wrong_sum)
{
	add(&(struct tar_make){ .name = "a", .contents = "one" });
	add(&(struct tar_make){ .name = "b", .contents = "two" });
	tar_make_end(&a);
	a.bytes[1024] = 'c';
	cr_assert_eq(open_tar(), -EINVAL);
	cr_expect_not_null(strstr(err.msg, "at offset 1024"), "%s", err.msg);
}

Test(tar, too_deep)
{
	char name[600] = "";

	for (int i = 0; i < 257; i++)
		strcat(name, "d/");
	strcat(name, "f");
	add(&(struct tar_make){ .name = "L", .type = 'L', .contents = name });
	add(&(struct tar_make){ .name = "f" });
	tar_make_end(&a);
	cr_assert_eq(open_tar(), -EMLINK);
	cr_expect_not_null(strstr(err.msg, "256"), "%s", err.msg);
}

Test(tar, numbers)
{
	int64_t v = 7;

	cr_assert(tar_number("0000644 ", 8, &v) && v == 0644);
	cr_assert(tar_number("  644\0zz", 8, &v) && v == 0644);
	cr_assert(tar_number("77777777", 8, &v) && v == 077777777);
	cr_assert(tar_number("\0\0\0", 3, &v) && v == 0);
	cr_assert(tar_number("\x80\0\1\2", 4, &v) && v == 258);
	cr_assert(tar_number("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10,
			     &v) &&
		  v == -1);
	cr_assert(tar_number("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12,
			     &v) &&
		  v == INT64_MAX);
	cr_assert(!tar_number("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12, &v));
	cr_assert(!tar_number("\x80\0\1\0\0\0\0\0\0\0\0\0", 12, &v));
	cr_assert(!tar_number("8", 1, &v) && !tar_number("-1", 2, &v));
	cr_assert(!tar_number("7777777777777777777777", 22, &v));
}
