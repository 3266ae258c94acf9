/* test_run_proxy.c: --publish, --egress, --resolver: words and bound ports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "cli/run_proxy.h"

TestSuite(run_proxy, .timeout = 10);

/* A parameter crosses processes, where pointers in it mean nothing. */
static struct criterion_test_params rows(unsigned n)
{
	static unsigned row[64];

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = i;
	cr_assert_leq(n, ARRAY_SIZE(row));
	return cr_make_param_array(unsigned, row, n);
}

static const struct good {
	const char *spec, *host;
	uint16_t guest_port;
	bool udp;
} good[] = {
	{ "8080:80", "127.0.0.1:8080", 80, false },
	{ "8080:80/tcp", "127.0.0.1:8080", 80, false },
	{ "5353:53/udp", "127.0.0.1:5353", 53, true },
	{ "0:1", "127.0.0.1:0", 1, false },
	{ "0.0.0.0:8080:80", "0.0.0.0:8080", 80, false },
	{ "[::]:65535:65535", "[::]:65535", 65535, false },
	{ "[::1]:0:80/udp", "[::1]:0", 80, true },
};

ParameterizedTestParameters(run_proxy, reads_publish)
{
	return rows(ARRAY_SIZE(good));
}

ParameterizedTest(unsigned *row, run_proxy, reads_publish, .timeout = 10)
{
	const struct good *g = &good[*row];
	struct run_proxy *p = run_proxy_new();
	struct err err = { 0 };
	char text[IP_TEXT_LEN];

	cr_assert_eq(run_proxy_publish(p, g->spec, &err), 0, "%s", err.msg);
	ip_format(&p->publish[0].host, text);
	cr_expect_str_eq(text, g->host);
	cr_expect_eq(p->publish[0].guest_port, g->guest_port);
	cr_expect_eq(p->publish[0].udp, g->udp);
	run_proxy_free(p);
}

Test(run_proxy, refuses_other_words)
{
	static const char *const bad[] = {
		"",          "80",       ":80",
		"80:",       "65536:80", "80:0",
		"80:65536",  "a:80",     "1.2.3:80:80",
		"::1:80:80", "[::1:8:8", "[1.2.3.4]:8:8",
		"8:8/sctp",  "8:8/",     "-1:80",
		"8:8:",      "name:8:8", " 8:8",
		"8:8 ",
	};
	struct run_proxy *p = run_proxy_new();

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };

		cr_expect_eq(run_proxy_publish(p, bad[i], &err), -EINVAL, "%s",
			     bad[i]);
		cr_expect(strstr(err.msg, bad[i]), "%s", err.msg);
	}
	cr_expect_eq(p->n_publish, 0);
	run_proxy_free(p);
}

Test(run_proxy, has_limits)
{
	struct run_proxy *p = run_proxy_new();
	struct err err = { 0 };

	for (unsigned i = 0; i < NETPROXY_PUBLISH_MAX; i++)
		cr_assert_eq(run_proxy_publish(p, "0:80", &err), 0);
	cr_expect_eq(run_proxy_publish(p, "0:80", &err), -EINVAL);
	cr_expect(strstr(err.msg, "64 ports"), "%s", err.msg);
	for (unsigned i = 0; i < NETPROXY_RESOLVERS_MAX; i++)
		cr_assert_eq(run_proxy_resolver(p, "10.0.0.1", &err), 0);
	err = (struct err){ 0 };
	cr_expect_eq(run_proxy_resolver(p, "10.0.0.1", &err), -EINVAL);
	run_proxy_free(p);
}

Test(run_proxy, reads_resolvers)
{
	static const struct {
		const char *spec, *text;
	} words[] = { { "10.0.0.1", "10.0.0.1:53" },
		      { "10.0.0.1:5353", "10.0.0.1:5353" },
		      { "[::1]:5353", "[::1]:5353" },
		      { "[::1]", "[::1]:53" },
		      { "::1", "[::1]:53" } };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		struct run_proxy *p = run_proxy_new();
		struct err err = { 0 };
		char text[IP_TEXT_LEN];

		cr_assert_eq(run_proxy_resolver(p, words[i].spec, &err), 0,
			     "%s", words[i].spec);
		ip_format(&p->resolver[0], text);
		cr_expect_str_eq(text, words[i].text);
		run_proxy_free(p);
	}
}

Test(run_proxy, reads_resolv_conf)
{
	char path[] = "/tmp/mayfly-resolv-XXXXXX", text[IP_TEXT_LEN];
	struct run_proxy *p = run_proxy_new();
	const int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_gt(dprintf(fd, "# nameserver 1.1.1.1\nsearch a.test\n"
				 "nameserver 10.0.0.1\nnameserver nobody\n"
				 "nameserver\t2001:db8::1\noptions x\n"
				 "nameserver 10.0.0.3\nnameserver 10.0.0.4\n"),
		     0);
	run_proxy_read_resolvers(p, path);
	cr_assert_eq(p->n_resolvers, 3);
	ip_format(&p->resolver[1], text);
	cr_expect_str_eq(text, "[2001:db8::1]:53");
	(void)unlink(path);
	(void)close(fd);
	p->n_resolvers = 0;
	run_proxy_read_resolvers(p, path); /* a host without one */
	cr_expect_eq(p->n_resolvers, 0);
	run_proxy_free(p);
}

/* --- ports ------------------------------------------------------------------- */

static int try_bind(const struct ip_port *at, int type, bool reuse)
{
	struct sockaddr_storage ss;
	const socklen_t len = ip_to_sockaddr(at, false, &ss);
	const int on = 1, fd = socket(AF_INET, type, 0);
	int r;

	if (reuse)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	r = bind(fd, (struct sockaddr *)&ss, len) ? -errno : 0;
	if (r == 0 && type == SOCK_STREAM && listen(fd, 1))
		r = -errno;
	(void)close(fd);
	return r;
}

static void expect_reserved(const char *spec, int type)
{
	struct run_proxy *p = run_proxy_new(), *q = run_proxy_new();
	struct err err = { 0 };
	char again[IP_TEXT_LEN + 8], text[IP_TEXT_LEN];

	cr_assert_eq(run_proxy_publish(p, spec, &err), 0);
	cr_assert_eq(run_proxy_bind(p, &err), 0, "%s", err.msg);
	cr_expect_gt(p->publish[0].host.port, 0);
	/* whoever comes, with whatever option */
	cr_expect_eq(try_bind(&p->publish[0].host, type, false), -EADDRINUSE);
	cr_expect_eq(try_bind(&p->publish[0].host, type, true), -EADDRINUSE);
	ip_format(&p->publish[0].host, text);
	(void)snprintf(again, sizeof(again), "%s:80%s", text,
		       type == SOCK_DGRAM ? "/udp" : "");
	cr_assert_eq(run_proxy_publish(q, again, &err), 0, "%s", err.msg);
	cr_expect_eq(run_proxy_bind(q, &err), -EADDRINUSE);
	cr_expect(strstr(err.msg, text), "%s", err.msg);
	run_proxy_free(q);
	run_proxy_free(p);
}

Test(run_proxy, a_port_is_reserved)
{
	expect_reserved("0:80", SOCK_STREAM);
	expect_reserved("0.0.0.0:0:80", SOCK_STREAM);
	expect_reserved("0:80/udp", SOCK_DGRAM);
}
