/* test_run_disk.c: --disk: words, files and locks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/run_disk.h"

TestSuite(run_disk, .timeout = 10);

Test(run_disk, words)
{
	struct err err = { 0 };
	struct run_disk d;

	cr_assert_eq(run_disk_parse("a/b.img", 0, &d, &err), 0);
	cr_expect_str_eq(d.path, "a/b.img");
	cr_expect_str_eq(d.id, "vda");
	cr_expect_null(d.serial);
	cr_expect(!d.read_only && !d.direct && d.queues == 1);
	run_disk_fini(&d);
	cr_assert_eq(run_disk_parse("x,ro,direct,id=root-1,serial=a=b,queues=8",
				    3, &d, &err),
		     0);
	cr_expect_str_eq(d.path, "x");
	cr_expect_str_eq(d.id, "root-1");
	cr_expect_str_eq(d.serial, "a=b");
	cr_expect(d.read_only && d.direct && d.queues == 8);
	run_disk_fini(&d);
	cr_assert_eq(run_disk_parse("x,iops-burst=7,bw=10M,iops=500,"
				    "bw-burst=2048",
				    0, &d, &err),
		     0);
	cr_expect_eq(d.rate.bytes, 10 << 20);
	cr_expect_eq(d.rate.bytes_burst, 2048);
	cr_expect_eq(d.rate.ops, 500);
	cr_expect_eq(d.rate.ops_burst, 7);
	run_disk_fini(&d);
	cr_assert_eq(run_disk_parse("x", 7, &d, &err), 0);
	cr_expect(d.rate.bytes == 0 && d.rate.ops == 0);
	cr_expect_str_eq(d.id, "vdh");
	run_disk_fini(&d);
}

struct bad_words {
	char spec[64];
	char part[24]; /* of the message */
};

ParameterizedTestParameters(run_disk, refuses)
{
	static struct bad_words bad[] = {
		{ "", "FILE" },
		{ ",", "FILE" },
		{ ",ro", "FILE" },
		{ "x,", "''" },
		{ "x,RO", "'RO'" },
		{ "x,rw", "'rw'" },
		{ "x,ro=1", "'ro=1'" },
		{ "x,id", "'id'" },
		{ "x,id=", "id=''" },
		{ "x,id=a.b", "id='a.b'" },
		{ "x,id=123456789012345678901", "1 to 20" },
		{ "x,serial=", "serial=''" },
		{ "x,serial=a b", "serial='a b'" },
		{ "x,serial=\303\274", "serial=" },
		{ "x,queues=", "queues" },
		{ "x,queues=0", "'0'" },
		{ "x,queues=9", "1 to 8" },
		{ "x,queues=-1", "'-1'" },
		{ "x,bw", "'bw'" },
		{ "x,bw=", "bw: ''" },
		{ "x,bw=0", "bw: '0'" },
		{ "x,bw=1023", "1K to 1024G" },
		{ "x,bw=1025G", "1K to 1024G" },
		{ "x,bw=1MB", "'1MB'" },
		{ "x,bw=-1M", "'-1M'" },
		{ "x,iops=", "iops: ''" },
		{ "x,iops=0", "1 to 1000000000" },
		{ "x,iops=1K", "'1K'" },
		{ "x,bw=1M,bw-burst=0", "bw-burst: '0'" },
		{ "x,iops=5,iops-burst=0", "iops-burst: '0'" },
		{ "x,bw-burst=1M", "only with bw" },
		{ "x,bw=1M,iops-burst=1", "only with iops" },
		{ "x,BW=1M", "allowed is id=NAME" },
	};

	return cr_make_param_array(struct bad_words, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_words *b, run_disk, refuses)
{
	struct err err = { 0 };
	struct run_disk d;
	int r = run_disk_parse(b->spec, 0, &d, &err);

	cr_expect(r == -EINVAL || r == -ERANGE, "%s", b->spec);
	cr_expect_eq(r, err.code);
	cr_expect_not_null(strstr(err.msg, b->part), "%s: %s", b->spec,
			   err.msg);
}

/* --- files --------------------------------------------------------------------- */

static char path[] = "/tmp/mayfly-run-disk-XXXXXX";

static void make_file(off_t len)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, len), 0);
	(void)close(fd);
}

static int open_with(const char *words, struct machine_disk *ret,
		     struct err *err)
{
	char spec[128];
	struct run_disk d;
	int r;

	*err = (struct err){ 0 };
	(void)snprintf(spec, sizeof(spec), "%s%s", path, words);
	cr_assert_eq(run_disk_parse(spec, 0, &d, err), 0);
	r = run_disk_open(&d, ret, err);
	run_disk_fini(&d);
	if (!r)
		ret->name = ret->serial = NULL; /* were in `d` */
	return r;
}

static void expect_busy(const char *words)
{
	struct machine_disk m;
	struct err err;

	cr_expect_eq(open_with(words, &m, &err), -EBUSY, "%s", words);
	cr_expect_not_null(strstr(err.msg, path), "%s", err.msg);
	cr_expect_not_null(strstr(err.msg, "locked"), "%s", err.msg);
}

Test(run_disk, a_writer_is_alone)
{
	struct machine_disk a, b;
	struct err err;

	make_file(65536);
	cr_assert_eq(open_with("", &a, &err), 0, "%s", err.msg);
	cr_expect_eq(a.len, 65536);
	cr_expect_eq(a.block_len, 512);
	cr_expect_eq(a.physical_len, 4096);
	cr_expect_eq(a.io_align, 0);
	cr_expect_eq(fcntl(a.fd, F_GETFL) & O_ACCMODE, O_RDWR);
	cr_expect(fcntl(a.fd, F_GETFD) & FD_CLOEXEC);
	expect_busy("");
	expect_busy(",ro");
	(void)close(a.fd);
	cr_assert_eq(open_with(",ro", &a, &err), 0, "%s", err.msg);
	cr_expect_eq(fcntl(a.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	cr_assert_eq(open_with(",ro", &b, &err), 0, "%s", err.msg);
	expect_busy("");
	(void)close(a.fd);
	expect_busy("");
	(void)close(b.fd);
	cr_assert_eq(open_with("", &a, &err), 0, "%s", err.msg);
	(void)close(a.fd);
	(void)unlink(path);
}

Test(run_disk, direct_asks_for_alignment)
{
	struct machine_disk m;
	struct err err;

	make_file(65536);
	if (open_with(",direct", &m, &err)) {
		(void)unlink(path);
		cr_expect_not_null(strstr(err.msg, "direct"), "%s", err.msg);
		cr_skip_test("no direct I/O here");
	}
	cr_expect(m.io_align >= 512 && m.io_align <= m.block_len);
	cr_expect(m.mem_align >= 1 && m.mem_align <= 4096);
	cr_expect(fcntl(m.fd, F_GETFL) & O_DIRECT);
	(void)close(m.fd);
	(void)unlink(path);
}

Test(run_disk, what_cannot_be_a_disk)
{
	struct machine_disk m;
	struct err err;

	make_file(511);
	cr_expect_eq(open_with("", &m, &err), -EINVAL);
	cr_expect_not_null(strstr(err.msg, "511 bytes"), "%s", err.msg);
	(void)unlink(path);
	cr_expect_eq(open_with("", &m, &err), -ENOENT);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(open_with("", &m, &err), -EISDIR);
	(void)rmdir(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(open_with("", &m, &err), -EINVAL);
	cr_expect_not_null(strstr(err.msg, "neither"), "%s", err.msg);
	(void)unlink(path);
}
