/* test_dns.c: questions, answers and refusals, and messages that lie. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "net/dns.h"
#include "net/ip.h"

TestSuite(dns, .timeout = 10);

/* A parameter crosses processes, where pointers in it mean nothing. */
static struct criterion_test_params rows(unsigned n)
{
	static unsigned row[64];

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = i;
	cr_assert_leq(n, ARRAY_SIZE(row));
	return cr_make_param_array(unsigned, row, n);
}

#define HEAD(flags, answers) "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define NAME                 "\3WwW\4test\0"
#define IN(type)             "\0" type "\0\1"
#define BYTES(s)             (const uint8_t *)(s), sizeof(s) - 1

static unsigned n_found;
static struct ip found[8];
static uint32_t ttl;

static void each(void *ctx, const struct ip *ip, uint32_t ttl_s)
{
	(void)ctx;
	cr_assert_lt(n_found, ARRAY_SIZE(found));
	found[n_found++] = *ip;
	ttl = ttl_s;
}

Test(dns, reads_a_question)
{
	static const char msg[] = HEAD("\1\0", "\0") NAME IN("\x1c") "rest";
	struct dns_question q;

	cr_assert_eq(dns_question(BYTES(msg), false, &q), 0);
	cr_expect_str_eq(q.name, "www.test");
	cr_expect_eq(q.type, 28);
	cr_expect_eq(q.end, sizeof(msg) - 1 - 4);
	cr_expect_eq(dns_id(BYTES(msg)), 0x1234);
	cr_expect_eq(dns_id((const uint8_t *)msg, 11), 0);
	cr_expect_eq(dns_question(BYTES(msg), true, &q), -EPROTO);
}

static const struct bad {
	const char *why, *msg;
	size_t len;
} bad[] = {
#define BAD(why, msg)                     \
	{                                 \
		why, msg, sizeof(msg) - 1 \
	}
	BAD("no header", "\0\0\1\0\0\1\0\0\0\0\0"),
	BAD("an answer", HEAD("\x81\0", "\0") NAME IN("\1")),
	BAD("another opcode", HEAD("\x28\0", "\0") NAME IN("\1")),
	BAD("two questions", "\0\0\1\0\0\2\0\0\0\0\0\0" NAME IN("\1")),
	BAD("no question", "\0\0\1\0\0\0\0\0\0\0\0\0"),
	BAD("a pointer", HEAD("\1\0", "\0") "\xc0\x0c" IN("\1")),
	BAD("a long label", HEAD("\1\0", "\0") "\x40"
					       "a\0" IN("\1")),
	BAD("a label past the end", HEAD("\1\0", "\0") "\x3f"
						       "abc"),
	BAD("no end", HEAD("\1\0", "\0") "\3abc"),
	BAD("no type", HEAD("\1\0", "\0") "\3abc\0\0\1\0"),
	BAD("a dot in a label", HEAD("\1\0", "\0") "\3a.c\0" IN("\1")),
	BAD("a blank", HEAD("\1\0", "\0") "\3a c\0" IN("\1")),
	BAD("a byte that is no letter",
	    HEAD("\1\0", "\0") "\3a\xe4z\0" IN("\1")),
	BAD("another class", HEAD("\1\0", "\0") "\3abc\0\0\1\0\3"),
};

ParameterizedTestParameters(dns, refuses_bad_questions)
{
	return rows(ARRAY_SIZE(bad));
}

ParameterizedTest(unsigned *row, dns, refuses_bad_questions, .timeout = 10)
{
	const struct bad *b = &bad[*row];
	struct dns_question q;

	cr_expect_eq(dns_question((const uint8_t *)b->msg, b->len, false, &q),
		     -EPROTO, "%s", b->why);
}

Test(dns, a_name_has_a_limit)
{
	uint8_t msg[300] = { 0, 0, 1, 0, 0, 1 };
	struct dns_question q;
	size_t at = 12;

	for (unsigned i = 0; i < 4; i++) { /* 4 * 63 + 3 dots: two too many */
		msg[at] = i < 3 ? 63 : 61;
		memset(msg + at + 1, 'x', 63);
		at += 1 + msg[at];
	}
	msg[at] = 0;
	msg[at + 2] = msg[at + 4] = 1;
	cr_expect_eq(dns_question(msg, at + 5, false, &q), 0);
	cr_expect_eq(strlen(q.name), DNS_NAME_MAX);
	msg[12 + 3 * 64] = 62;
	msg[at] = 'x';
	msg[at + 1] = 0;
	msg[at + 3] = msg[at + 5] = 1;
	msg[at + 4] = msg[at + 2] = 0;
	cr_expect_eq(dns_question(msg, at + 6, false, &q), -EPROTO);
}

#define ANSWER(n) HEAD("\x81\x80", n) NAME IN("\1")
#define A         "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\x0a\1\2\3"

Test(dns, reads_addresses)
{
	static const char msg[] =
		ANSWER("\4") "\xc0\x0c\0\5\0\1\0\0\0\x9\0\2\xc0\x10" A
			     "\1x\xc0\x10\0\x1c\0\1\0\0\0\5\0\x10"
			     "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
			     "\0\0\1\0\3\0\0\0\0\0\4abcd" /* another class */
			     "behind";

	n_found = 0;
	cr_assert_eq(dns_addresses(BYTES(msg), each, NULL), 0);
	cr_assert_eq(n_found, 2);
	cr_expect(ip_is_v4(&found[0]));
	cr_expect_eq(found[0].a[15], 3);
	cr_expect_eq(found[1].a[0], 0x20);
	cr_expect_eq(ttl, 5);
}

static const struct lie {
	const char *why, *msg;
	size_t len;
	unsigned n;
} lies[] = {
#define LIE(why, msg, n)                     \
	{                                    \
		why, msg, sizeof(msg) - 1, n \
	}
	LIE("fewer than said", ANSWER("\2") A, 1),
	LIE("data past the end",
	    ANSWER("\1") "\xc0\x0c\0\1\0\1\0\0\1\0\0\5\x0a\1\2\3", 0),
	LIE("half a record", ANSWER("\1") "\xc0\x0c\0\1\0\1\0\0\1\0\0", 0),
	LIE("half a pointer", ANSWER("\1") "\xc0", 0),
	LIE("a label past the end",
	    ANSWER("\1") "\x3f"
			 "a",
	    0),
	LIE("a reserved label", ANSWER("\1") "\x80" A, 0),
	LIE("a query", HEAD("\1\0", "\1") NAME IN("\1") A, 0),
};

ParameterizedTestParameters(dns, refuses_lies)
{
	return rows(ARRAY_SIZE(lies));
}

ParameterizedTest(unsigned *row, dns, refuses_lies, .timeout = 10)
{
	const struct lie *l = &lies[*row];
	n_found = 0;
	cr_expect_eq(dns_addresses((const uint8_t *)l->msg, l->len, each, NULL),
		     -EPROTO, "%s", l->why);
	cr_expect_eq(n_found, l->n, "%s", l->why);
}

Test(dns, an_address_of_the_wrong_length_is_none)
{
	static const char msg[] =
		ANSWER("\2") "\xc0\x0c\0\1\0\1\0\0\1\0\0\3abc"
			     "\xc0\x0c\0\x1c\0\1\0\0\1\0\0\4abcd";

	n_found = 0;
	cr_expect_eq(dns_addresses(BYTES(msg), each, NULL), 0);
	cr_expect_eq(n_found, 0);
}

Test(dns, refuses_a_query)
{
	char msg[] = "\x12\x34\1\x20\0\1\0\0\0\0\0\1" NAME IN("\1") "edns";
	uint8_t *m = (uint8_t *)msg;

	cr_expect_eq(dns_refuse(m, sizeof(msg) - 1, DNS_REFUSED),
		     sizeof(msg) - 1 - 4);
	cr_expect_arr_eq(m, "\x12\x34\x81\x85\0\1\0\0\0\0\0\0", 12);
	cr_expect_eq(dns_refuse(m, sizeof(msg) - 1, DNS_REFUSED), 0);
	cr_expect_eq(dns_refuse(m, 11, DNS_REFUSED), 0);
}

Test(dns, refuses_a_query_it_does_not_understand)
{
	char msg[] = "\x12\x34\1\0\0\2\0\7\0\0\0\1" NAME IN("\1");
	uint8_t *m = (uint8_t *)msg;

	cr_expect_eq(dns_refuse(m, sizeof(msg) - 1, DNS_SERVFAIL), 12);
	cr_expect_arr_eq(m, "\x12\x34\x81\x82\0\0\0\0\0\0\0\0", 12);
}
