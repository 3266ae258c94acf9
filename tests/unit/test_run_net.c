/* test_run_net.c: --net: words and, where this process may make them, taps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/run_net.h"

TestSuite(run_net, .timeout = 10);

Test(run_net, words)
{
	struct err err = { 0 };
	struct run_net n;

	cr_assert_eq(run_net_parse("tap=tap0", &n, &err), 0);
	cr_expect_str_eq(n.tap, "tap0");
	cr_expect_str_eq(n.name, "tap=tap0");
	cr_expect(!n.has_mac && !n.guard && n.mtu == 0 && n.queues == 1);
	run_net_fini(&n);
	cr_assert_eq(run_net_parse("mac=02:aB:03:04:05:ff,tap=vm-1.net_15chr,"
				   "mtu=9000,queues=8",
				   &n, &err),
		     0, "%s", err.msg);
	cr_expect_str_eq(n.tap, "vm-1.net_15chr");
	cr_expect_eq(memcmp(n.mac, "\x02\xab\x03\x04\x05\xff", 6), 0);
	cr_expect(n.has_mac && n.guard && n.mtu == 9000 && n.queues == 8);
	run_net_fini(&n);
	cr_assert_eq(run_net_parse("fd=7,queues=1,mac=02:00:00:00:00:01,"
				   "spoof=on",
				   &n, &err),
		     0);
	cr_expect_eq(n.fd, 7);
	cr_expect_str_eq(n.name, "fd=7");
	cr_expect_not(n.guard);
	cr_expect(n.rate.bytes == 0 && n.rate.ops == 0);
	run_net_fini(&n);
	cr_assert_eq(run_net_parse("tap=x,bw=2M,iops=9,iops-burst=3", &n, &err),
		     0);
	cr_expect(n.rate.bytes == 2 << 20 && n.rate.ops == 9 &&
		  n.rate.ops_burst == 3);
	run_net_fini(&n);
	cr_assert_eq(run_net_parse("tap=x,spoof=off", &n, &err), 0);
	cr_expect(n.guard, "also of an address of our own making");
	run_net_fini(&n);
}

struct bad_words {
	char spec[64];
	char part[32]; /* of the message */
};

ParameterizedTestParameters(run_net, refuses)
{
	static struct bad_words bad[] = {
		{ "", "''" },
		{ "tap0", "'tap0'" },
		{ "mac=02:00:00:00:00:01", "tap=NAME or fd=N" },
		{ "tap=x,fd=5", "one of them" },
		{ "tap=", "tap=''" },
		{ "tap=1234567890123456", "1 to 15" },
		{ "tap=a/b", "tap='a/b'" },
		{ "tap=a b", "tap='a b'" },
		{ "tap=tap%d", "tap='tap%d'" },
		{ "tap=a:b", "tap='a:b'" },
		{ "tap=..", "tap='..'" },
		{ "tap=x,", "''" },
		{ "fd=", "fd" },
		{ "fd=2", "3 to" },
		{ "fd=-1", "'-1'" },
		{ "fd=x", "'x'" },
		{ "fd=9999999999", "'9999999999'" },
		{ "fd=5,queues=2", "allowed is 1 with fd=" },
		{ "tap=x,queues=0", "1 to 8" },
		{ "tap=x,queues=9", "1 to 8" },
		{ "tap=x,mtu=67", "68 to 65535" },
		{ "tap=x,mtu=65536", "68 to 65535" },
		{ "tap=x,mtu=", "mtu" },
		{ "tap=x,mac=", "mac=''" },
		{ "tap=x,mac=02:00:00:00:00", "mac='02:00:00:00:00'" },
		{ "tap=x,mac=02:00:00:00:00:0g", "xx:xx" },
		{ "tap=x,mac=02:00:00:00:00:011", "xx:xx" },
		{ "tap=x,mac=02-00-00-00-00-01", "xx:xx" },
		{ "tap=x,mac=01:00:5e:00:00:01", "one station" },
		{ "tap=x,mac=00:00:00:00:00:00", "one station" },
		{ "tap=x,spoof=yes", "spoof" },
		{ "tap=x,spoof", "'spoof'" },
		{ "tap=x,bw=x", "bw" },
		{ "tap=x,bw-burst=1M", "only with bw=" },
		{ "tap=x,iops=x", "iops" },
		{ "tap=x,vhost=on", "'vhost=on'" },
	};

	return cr_make_param_array(struct bad_words, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_words *b, run_net, refuses)
{
	struct err err = { 0 };
	struct run_net n;

	cr_expect_eq(run_net_parse(b->spec, &n, &err), -EINVAL, "%s", b->spec);
	cr_expect_not_null(strstr(err.msg, b->part), "%s: %s", b->spec,
			   err.msg);
}

/* --- taps ------------------------------------------------------------------------ */

static int try(const char *spec, struct machine_net *m, struct err *err)
{
	struct run_net n;
	int r;

	*err = (struct err){ 0 };
	cr_assert_eq(run_net_parse(spec, &n, err), 0);
	r = run_net_open(&n, m, err);
	run_net_fini(&n);
	return r;
}

/* A network namespace of the test's own, which ends with its process. */
static void own_network(void)
{
	if (unshare(CLONE_NEWNET) || access("/dev/net/tun", R_OK | W_OK))
		cr_skip_test("no right to make taps");
	log_setup(STDERR_FILENO, LOG_ERR);
}

static void set_interface(const char *name, int what, int value)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct ifreq r = { 0 };

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (what == SIOCSIFMTU)
		r.ifr_mtu = value;
	else
		r.ifr_flags = (short)value;
	cr_assert_eq(ioctl(fd, (unsigned long)what, &r), 0);
	(void)close(fd);
}

static int raw_tap(const char *name, short flags)
{
	int fd = open("/dev/net/tun", O_RDWR);
	struct ifreq r = { .ifr_flags = flags };

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &r), 0);
	return fd;
}

Test(run_net, makes_a_tap)
{
	struct machine_net m, other;
	struct err err;
	int size = 0;

	own_network();
	cr_assert_eq(try("tap=t0", &m, &err), 0, "%s", err.msg);
	cr_expect_eq(m.pairs, 1);
	cr_expect_eq(m.mtu, 1500);
	cr_expect(m.link_fd >= 0 && m.if_index > 0 && !m.link_up);
	cr_expect_eq(m.offloads & 0xf, 0xf);
	cr_expect_eq(m.mac[0] & 3, 2, "local, of one station");
	cr_expect(fcntl(m.fd[0], F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(m.fd[0], F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(ioctl(m.fd[0], TUNGETVNETHDRSZ, &size), 0);
	cr_expect_eq(size, 12);
	cr_expect_eq(try("tap=t0", &other, &err), -EBUSY);
	cr_expect_not_null(strstr(err.msg, "--net tap=t0"), "%s", err.msg);
	run_net_close(&m);
	/* it is gone: the next may have other flags */
	cr_assert_eq(try("tap=t0,queues=2,mtu=100", &m, &err), 0, "%s",
		     err.msg);
	cr_expect_eq(m.mtu, 100);
	run_net_close(&m);
}

Test(run_net, hears_of_its_own_tap_only)
{
	struct machine_net a, b;
	char buf[4096];
	struct err err;

	own_network();
	cr_assert_eq(try("tap=t0", &a, &err), 0, "%s", err.msg);
	cr_assert_eq(try("tap=t1", &b, &err), 0, "%s", err.msg);
	while (recv(b.link_fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	set_interface("t0", SIOCSIFFLAGS, IFF_UP);
	cr_expect_gt(recv(a.link_fd, buf, sizeof(buf), MSG_DONTWAIT), 0);
	cr_expect_eq(recv(b.link_fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	run_net_close(&a);
	run_net_close(&b);
}

Test(run_net, takes_what_is_there)
{
	struct machine_net m;
	struct err err;
	char spec[16];
	int fd;

	own_network();
	fd = raw_tap("t0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	set_interface("t0", SIOCSIFMTU, 4000);
	set_interface("t0", SIOCSIFFLAGS, IFF_UP);
	(void)snprintf(spec, sizeof(spec), "fd=%d", fd);
	cr_assert_eq(try(spec, &m, &err), 0, "%s", err.msg);
	cr_expect_eq(m.fd[0], fd);
	cr_expect_eq(m.mtu, 4000);
	cr_expect(m.link_up && m.link_fd >= 0);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	run_net_close(&m);
	/* with several queues, one of them */
	fd = raw_tap("t1",
		     IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
	cr_assert_eq(try("tap=t1", &m, &err), 0, "%s", err.msg);
	run_net_close(&m);
	(void)close(fd);
}

static void expect_refused(const char *spec, int code, const char *part)
{
	struct machine_net m;
	struct err err;

	cr_expect_eq(try(spec, &m, &err), code, "%s: %d", spec, err.code);
	cr_expect_not_null(strstr(err.msg, part), "%s: %s", spec, err.msg);
}

static void expect_fd_refused(int fd, const char *part)
{
	char spec[16];

	(void)snprintf(spec, sizeof(spec), "fd=%d", fd);
	expect_refused(spec, -EINVAL, part);
	(void)close(fd);
}

Test(run_net, refuses_taps)
{
	int fd;

	own_network();
	expect_refused("tap=lo", -EINVAL, "no tap");
	fd = raw_tap("tun0", IFF_TUN | IFF_NO_PI);
	expect_refused("tap=tun0", -EINVAL, "no tap");
	(void)close(fd);
	fd = raw_tap("t0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	expect_refused("tap=t0", -EBUSY, "another process");
	cr_assert_eq(ioctl(fd, TUNSETPERSIST, 1ul), 0);
	(void)close(fd);
	expect_refused("tap=t0,queues=2", -EINVAL, "multi_queue");
	expect_refused("fd=333", -EBADF, "inherited");
	expect_fd_refused(open("/dev/null", O_RDWR), "not the descriptor");
	expect_fd_refused(open("/dev/net/tun", O_RDWR), "not the descriptor");
	expect_fd_refused(raw_tap("t1", IFF_TAP | IFF_NO_PI), "vnet_hdr");
	expect_fd_refused(raw_tap("t2", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR),
			  "a tun");
}
