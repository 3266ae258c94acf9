/* test_run_vsock.c: --vsock: words, socket files, ports of the host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/run_vsock.h"
#include "cli/unix_path.h"
#include "virtio/vsock.h"

TestSuite(run_vsock, .timeout = 10);

static char dir[32], spec[80], path[64], other[64];
static struct run_vsock opt;
static struct run_vsock_host host;
static struct machine_vsock m;

static void set_up(void)
{
	struct err err = { 0 };

	(void)strcpy(dir, "/tmp/mayfly-vsock-XXXXXX");
	cr_assert(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	(void)snprintf(other, sizeof(other), "%s/s.seqpacket", dir);
	(void)snprintf(spec, sizeof(spec), "cid=7,path=%s", path);
	cr_assert_eq(run_vsock_parse(spec, &opt, &err), 0);
}

static int bound(const char *at, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_eq(unix_bind(fd, at), 0);
	return fd;
}

static bool exists(const char *at)
{
	struct stat st;

	return lstat(at, &st) == 0;
}

static void tear_down(void)
{
	(void)unlink(path);
	(void)unlink(other);
	cr_expect_eq(rmdir(dir), 0, "a file is left");
}

Test(run_vsock, words)
{
	struct err err = { 0 };
	struct run_vsock o;

	cr_assert_eq(run_vsock_parse("path=a=b/s,cid=3", &o, &err), 0);
	cr_expect_str_eq(o.path, "a=b/s");
	cr_expect_eq(o.cid, 3);
	cr_assert_eq(run_vsock_parse("cid=4294967294,path=s", &o, &err), 0);
	cr_expect_eq(o.cid, 0xfffffffe);
}

struct bad_words {
	char spec[128];
	char part[24]; /* of the message */
};

ParameterizedTestParameters(run_vsock, refuses)
{
	static struct bad_words bad[] = {
		{ "", "cid=N" },
		{ "x", "'x'" },
		{ "cid=3", "both" },
		{ "path=s", "both" },
		{ "cid=3,path=", "1 to 96" },
		{ "cid=3,path=s,", "''" },
		{ "cid=3,path=s,ro", "'ro'" },
		{ "cid=2,path=s", "3 to 4294967294" },
		{ "cid=4294967295,path=s", "3 to 4294967294" },
		{ "cid=4294967299,path=s", "'4294967299'" },
		{ "cid=-1,path=s", "'-1'" },
		{ "cid=,path=s", "''" },
		{ "cid=3x,path=s", "'3x'" },
		{ "cid=3,path=1234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567",
		  "1 to 96" },
	};
	return cr_make_param_array(struct bad_words, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_words *b, run_vsock, refuses)
{
	struct err err = { 0 };
	struct run_vsock o;

	cr_expect_eq(run_vsock_parse(b->spec, &o, &err), -EINVAL, "%s",
		     b->spec);
	cr_expect(strstr(err.msg, b->part), "%s: %s", b->spec, err.msg);
}

Test(run_vsock, listens_and_cleans_up, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };
	struct stat st;
	int fd;

	cr_assert_eq(run_vsock_open(&opt, &host, &m, &err), 0, "%s", err.msg);
	cr_expect_eq(m.cid, 7);
	cr_expect_eq(m.conns, VSOCK_CONNS_MAX);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 077, 0, "others may connect");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_expect_eq(unix_connect(fd, path), 0);
	close(fd);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_expect_eq(unix_connect(fd, other), 0);
	close(fd);
	run_vsock_close(&host);
	cr_expect_not(exists(path) || exists(other));
	run_vsock_close(&host); /* nothing twice */
}

Test(run_vsock, ports_of_the_host, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };
	char port[80];
	int l, fd;

	cr_assert_eq(run_vsock_open(&opt, &host, &m, &err), 0);
	(void)snprintf(port, sizeof(port), "%s_4294967295", path);
	cr_expect_eq(m.connect_port(m.ctx, UINT32_MAX, false), -ENOENT);
	l = bound(port, SOCK_STREAM);
	cr_expect_eq(m.connect_port(m.ctx, UINT32_MAX, false), -ECONNREFUSED);
	cr_assert_eq(listen(l, 0), 0);
	fd = m.connect_port(m.ctx, UINT32_MAX, false);
	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect_eq(m.connect_port(m.ctx, UINT32_MAX, false), -EAGAIN, "full");
	cr_expect_eq(m.connect_port(m.ctx, UINT32_MAX, true), -EPROTOTYPE);
	close(fd);
	close(l);
	(void)unlink(port);
	run_vsock_close(&host);
}

Test(run_vsock, a_stale_file_is_replaced, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };

	close(bound(path, SOCK_STREAM));
	close(bound(other, SOCK_SEQPACKET));
	cr_assert_eq(run_vsock_open(&opt, &host, &m, &err), 0, "%s", err.msg);
	run_vsock_close(&host);
	cr_expect_not(exists(path) || exists(other));
}

Test(run_vsock, somebody_else_listens, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };
	int fd = bound(other, SOCK_SEQPACKET);

	cr_assert_eq(listen(fd, 1), 0);
	cr_expect_eq(run_vsock_open(&opt, &host, &m, &err), -EADDRINUSE);
	cr_expect(strstr(err.msg, other), "%s", err.msg);
	cr_expect(exists(other), "it is not ours");
	cr_expect_not(exists(path), "this one was");
	close(fd);
}

Test(run_vsock, another_kind_of_file, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };

	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	cr_expect_eq(run_vsock_open(&opt, &host, &m, &err), -EEXIST);
	cr_expect(strstr(err.msg, path), "%s", err.msg);
	cr_expect(exists(path));
}

Test(run_vsock, no_such_folder, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };
	struct run_vsock o;

	cr_assert_eq(run_vsock_parse("cid=3,path=/nowhere/s", &o, &err), 0);
	cr_expect_eq(run_vsock_open(&o, &host, &m, &err), -ENOENT);
	cr_expect(strstr(err.msg, "/nowhere/s"), "%s", err.msg);
}

/* Somebody replaced the file while the guest ran. */
Test(run_vsock, what_is_not_ours_stays, .init = set_up, .fini = tear_down)
{
	struct err err = { 0 };

	cr_assert_eq(run_vsock_open(&opt, &host, &m, &err), 0);
	(void)unlink(path);
	close(bound(path, SOCK_STREAM));
	run_vsock_close(&host);
	cr_expect(exists(path));
	cr_expect_not(exists(other));
}

Test(run_vsock, few_descriptors, .init = set_up, .fini = tear_down)
{
	struct rlimit r = { 300, 300 };
	struct err err = { 0 };

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	cr_assert_eq(run_vsock_open(&opt, &host, &m, &err), 0);
	/* unless we may have more */
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	cr_expect_eq(m.conns, r.rlim_max > 300 ? VSOCK_CONNS_MAX : 300 - 128);
	run_vsock_close(&host);
}
