/* test_policy.c: --egress: words, addresses, names and what was learned. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "guest-kit/include/abi/netproxy.h"
#include "net/policy.h"

TestSuite(policy, .timeout = 10);

/* A parameter crosses processes, where pointers in it mean nothing. */
static struct criterion_test_params rows(unsigned n)
{
	static unsigned row[64];

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = i;
	cr_assert_leq(n, ARRAY_SIZE(row));
	return cr_make_param_array(unsigned, row, n);
}

#define NOW (1000 * NS_PER_SEC)

static struct policy p;

static void parse(const char *spec)
{
	struct err err = { 0 };

	p = (struct policy){ .n_rules = 0 };
	cr_assert_eq(policy_parse(&p, spec, &err), 0, "%s", err.msg);
}

static struct ip_port at(const char *addr, uint16_t port)
{
	struct ip_port to = { .port = port };

	cr_assert_eq(ip_parse(addr, strlen(addr), &to.ip), 0);
	return to;
}

static bool allows(const char *addr, uint16_t port, uint64_t now_ns)
{
	const struct ip_port to = at(addr, port);

	return policy_allows(&p, &to, now_ns);
}

/* --- addresses --------------------------------------------------------------- */

struct verdict {
	const char *spec, *addr;
	uint16_t port;
	bool allowed;
};

static const struct verdict verdicts[] = {
	{ "none", "192.0.2.1", 80, false },
	{ "all", "192.0.2.1", 80, true },
	{ "all", "10.0.0.1", 1, true },
	{ "all", "2001:db8::1", 65535, true },
	{ "all", "127.0.0.1", 80, false },
	{ "all", "127.255.255.255", 80, false },
	{ "all", "0.0.0.0", 80, false },
	{ "all", "::", 80, false },
	{ "all", "::1", 80, false },
	{ "all", "::ffff:127.0.0.1", 80, false },
	{ "all", "169.254.169.254", 80, false },
	{ "all", "fe80::1", 80, false },
	{ "all", "febf::1", 80, false },
	{ "all", "fec0::1", 80, true },
	{ "all", "224.0.0.251", 5353, false },
	{ "all", "255.255.255.255", 9, false },
	{ "all", "ff02::fb", 5353, false },
	{ "all,127.0.0.1:80", "127.0.0.1", 80, true },
	{ "all,127.0.0.1:80", "127.0.0.1", 81, false },
	{ "0.0.0.0/0:*", "127.0.0.1", 80, false },
	{ "0.0.0.0/0:*", "169.254.1.1", 80, false },
	{ "0.0.0.0/0:*", "192.0.2.1", 80, true },
	{ "0.0.0.0/0:*", "2001:db8::1", 80, false },
	{ "[::/0]:*", "192.0.2.1", 80, false },
	{ "[::/0]:*", "2001:db8::1", 80, true },
	{ "[::/0]:*", "::1", 80, false },
	{ "[::1]:*", "::1", 80, true },
	{ "[::ffff:127.0.0.1]:*", "127.0.0.1", 80, true },
	{ "127.0.0.0/8:*", "127.9.9.9", 80, true },
	{ "126.0.0.0/7:*", "127.0.0.1", 80, false },
	{ "126.0.0.0/7:*", "126.0.0.1", 80, true },
	{ "169.254.0.0/16:80", "169.254.169.254", 80, true },
	{ "224.0.0.0/4:*", "224.0.0.251", 5353, true },
	{ "[fe80::/10]:*", "fe80::1", 1, true },
	{ "10.1.2.3:80", "10.1.2.3", 80, true },
	{ "10.1.2.3:80", "::ffff:10.1.2.3", 80, true },
	{ "10.1.2.3:80", "10.1.2.2", 80, false },
	{ "10.1.2.3:80", "10.1.2.3", 443, false },
	{ "10.1.2.0/23:80", "10.1.3.255", 80, true },
	{ "10.1.2.0/23:80", "10.1.4.0", 80, false },
	{ "10.1.2.3/31:80", "10.1.2.2", 80, true }, /* bits behind: no matter */
	{ "10.1.2.3:8000-8999", "10.1.2.3", 8000, true },
	{ "10.1.2.3:8000-8999", "10.1.2.3", 8999, true },
	{ "10.1.2.3:8000-8999", "10.1.2.3", 9000, false },
	{ "10.1.2.3:8000-8999", "10.1.2.3", 7999, false },
	{ "10.1.2.3:*", "10.1.2.3", 1, true },
	{ "10.1.2.3:*", "10.1.2.3", 0, false },
	{ "a.test:80,10.1.2.3:80", "10.1.2.3", 80, true },
	{ "a.test:80", "10.1.2.3", 80, false },
	{ "[2001:db8::/33]:443", "2001:db8:7fff::1", 443, true },
	{ "[2001:db8::/33]:443", "2001:db8:8000::1", 443, false },
};

ParameterizedTestParameters(policy, judges_addresses)
{
	return rows(ARRAY_SIZE(verdicts));
}

ParameterizedTest(unsigned *row, policy, judges_addresses, .timeout = 10)
{
	const struct verdict *v = &verdicts[*row];
	parse(v->spec);
	cr_expect_eq(allows(v->addr, v->port, NOW), v->allowed,
		     "%s: %s port %u", v->spec, v->addr, v->port);
}

static const char *bad_words[] = {
	"",         "host",         "host:",       ":80",         "host:0",
	"host:-",   "host:1-",      "host:9-8",    "host:65536",  "host:1 ",
	"1.2.3:8",  "1.2.3.4/33:8", "1.2.3.4/:8",  "1.2.3.4/x:8", "::1:80",
	"[::1]",    "[::1]80",      "[1.2.3.4]:8", "[::/129]:8",  "[]:8",
	"a..b:8",   "a b:8",        "*:8",         "*.:8",        ".:8",
	"x/8:8",    "localhost:80", "all,,none",   "all,none",    "none,a.b:8",
	"none,all", "LocalHost:80",
};

Test(policy, refuses_what_it_does_not_understand)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bad_words); i++) {
		struct err err = { 0 };

		p = (struct policy){ .n_rules = 0 };
		cr_expect_eq(policy_parse(&p, bad_words[i], &err), -EINVAL,
			     "%s", bad_words[i]);
		cr_expect(strchr(err.msg, '\''), "%s", err.msg);
	}
}

Test(policy, has_a_limit_of_rules)
{
	struct err err = { 0 };
	char word[32];

	parse("all");
	for (unsigned i = 0; i < POLICY_RULES_MAX; i++) {
		(void)snprintf(word, sizeof(word), "10.0.0.%u:80", i);
		cr_assert_eq(policy_parse(&p, word, &err), 0);
	}
	cr_expect_eq(policy_parse(&p, "10.0.1.1:80", &err), -EINVAL);
	cr_expect(strstr(err.msg, "64 rules"), "%s", err.msg);
}

/* --- names ------------------------------------------------------------------- */

Test(policy, answers_for_names_it_knows)
{
	parse("A.Test:80,*.b.test.:443");
	cr_expect(policy_allows_name(&p, "a.test"));
	cr_expect(policy_allows_name(&p, "x.b.test"));
	cr_expect(policy_allows_name(&p, "x.y.b.test"));
	cr_expect_not(policy_allows_name(&p, "b.test"));
	cr_expect_not(policy_allows_name(&p, "xb.test"));
	cr_expect_not(policy_allows_name(&p, "x.a.test"));
	cr_expect_not(policy_allows_name(&p, "test"));
	cr_expect_not(policy_allows_name(&p, ""));
	parse("all");
	cr_expect(policy_allows_name(&p, "whatever"));
	parse("10.0.0.1:53");
	cr_expect_not(policy_allows_name(&p, "a.test"));
}

Test(policy, learns_addresses_of_names)
{
	const struct ip_port a = at("10.1.1.1", 0), b = at("::1", 0);

	parse("a.test:80,a.test:443,b.test:25");
	policy_learn(&p, "a.test", &a.ip, 300, NOW);
	cr_expect(allows("10.1.1.1", 80, NOW));
	cr_expect(allows("10.1.1.1", 443, NOW));
	cr_expect_not(allows("10.1.1.1", 25, NOW));
	cr_expect_not(allows("10.1.1.2", 80, NOW));
	cr_expect(allows("10.1.1.1", 80, NOW + 299 * NS_PER_SEC));
	cr_expect_not(allows("10.1.1.1", 80, NOW + 300 * NS_PER_SEC));
	policy_learn(&p, "c.test", &a.ip, 300, NOW);
	cr_expect_not(allows("10.1.1.1", 25, NOW));
	/* a name is no way to the host itself */
	policy_learn(&p, "a.test", &b.ip, 300, NOW);
	cr_expect_not(allows("::1", 80, NOW));
}

Test(policy, keeps_short_lived_answers_for_a_while)
{
	const struct ip_port a = at("10.1.1.1", 0);

	parse("a.test:80");
	policy_learn(&p, "a.test", &a.ip, 0, NOW);
	cr_expect(allows("10.1.1.1", 80,
			 NOW + (NETPROXY_NAME_MIN_S - 1) * NS_PER_SEC));
	cr_expect_not(
		allows("10.1.1.1", 80, NOW + NETPROXY_NAME_MIN_S * NS_PER_SEC));
	/* for the longest that was said */
	policy_learn(&p, "a.test", &a.ip, 500, NOW);
	policy_learn(&p, "a.test", &a.ip, 100, NOW);
	cr_expect_eq(p.n_learned, 1);
	cr_expect(allows("10.1.1.1", 80, NOW + 400 * NS_PER_SEC));
	policy_learn(&p, "a.test", &a.ip, UINT32_MAX, NOW);
	cr_expect_not(allows("10.1.1.1", 80, NOW + 90000 * NS_PER_SEC));
}

Test(policy, forgets_what_ends_first_when_it_is_full)
{
	struct ip_port a = at("10.0.0.0", 80);

	parse("a.test:80");
	for (unsigned i = 0; i <= POLICY_LEARNED_MAX; i++) {
		a.ip.a[14] = (uint8_t)(i / 256);
		a.ip.a[15] = (uint8_t)i;
		policy_learn(&p, "a.test", &a.ip, i == 7 ? 100 : 1000, NOW);
	}
	cr_expect_eq(p.n_learned, POLICY_LEARNED_MAX);
	cr_expect_not(allows("10.0.0.7", 80, NOW));
	cr_expect(allows("10.0.0.6", 80, NOW));
	cr_expect(allows("10.0.4.0", 80, NOW));
}

/* --- addresses in their three forms ------------------------------------------ */

Test(policy, addresses_have_one_form)
{
	struct netproxy_addr w = { NETPROXY_INET, 80, { 10, 1, 2, 3 } };
	const struct ip_port v4 = at("10.1.2.3", 80), v6 = at("2001::5", 9);
	static const struct ip none;
	struct sockaddr_storage ss;
	struct ip_port q;
	char text[IP_TEXT_LEN];

	cr_assert(ip_of_wire(&w, &q));
	cr_expect(ip_equal(&q.ip, &v4.ip) && q.port == 80);
	w.addr[4] = 1;
	cr_expect_not(ip_of_wire(&w, &q));
	w.family = 3;
	cr_expect_not(ip_of_wire(&w, &q));
	w = ip_to_wire(&v4, NETPROXY_INET6, &none);
	cr_expect_eq(w.addr[10], 0xff);
	cr_expect_eq(w.addr[15], 3);
	w = ip_to_wire(&v6, NETPROXY_INET, &v4.ip);
	cr_expect_eq(w.addr[0], 10);
	cr_expect_eq(w.addr[4], 0);
	cr_expect_eq(ip_to_sockaddr(&v6, false, &ss), 0);
	cr_expect_gt(ip_to_sockaddr(&v6, true, &ss), 0);
	q = ip_of_sockaddr(&ss);
	cr_expect(ip_equal(&q.ip, &v6.ip) && q.port == 9);
	cr_expect_gt(ip_to_sockaddr(&v4, false, &ss), 0);
	q = ip_of_sockaddr(&ss);
	cr_expect(ip_equal(&q.ip, &v4.ip) && q.port == 80);
	ip_format(&v4, text);
	cr_expect_str_eq(text, "10.1.2.3:80");
	ip_format(&v6, text);
	cr_expect_str_eq(text, "[2001::5]:9");
}
