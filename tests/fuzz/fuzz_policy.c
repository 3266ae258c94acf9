/* fuzz_policy.c: --egress, and the DNS messages it learns from.
 *
 * Input: a kind, the length of a policy, the policy's words, and a message.
 * The oracle: a policy that was refused says so and names a word; no policy
 * allows the host itself, a link or a crowd unless a rule's own address is
 * such; what a message teaches is at most what its name's rules allow, and a
 * refusal is an answer no longer than its query. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "net/dns.h"
#include "net/policy.h"

#define NOW   1000000000u
#define WORDS 512u
#define MSG   1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct policy p;

/* A rule of its own for such an address? */
static bool is_meant(enum ip_scope scope)
{
	for (unsigned i = 0; i < p.n_rules; i++)
		if (!p.rule[i].is_name && ip_scope(&p.rule[i].net) == scope)
			return true;
	return false;
}

static void judge(const uint8_t *bytes, size_t len)
{
	struct ip_port to = { .port = 80 };
	enum ip_scope scope;

	if (len < 4)
		return;
	if (len < 16)
		to.ip = ip_of_v4(bytes);
	else
		memcpy(to.ip.a, bytes, 16);
	scope = ip_scope(&to.ip);
	if (scope != IP_GLOBAL && policy_allows(&p, &to, NOW))
		CHECK(is_meant(scope));
	if (p.none || (!p.all && p.n_rules == 0))
		CHECK(!policy_allows(&p, &to, NOW));
	if (p.all && scope == IP_GLOBAL)
		CHECK(policy_allows(&p, &to, NOW));
}

static void learn(void *ctx, const struct ip *ip, uint32_t ttl_s)
{
	const struct dns_question *q = ctx;
	const unsigned before = p.n_learned;

	policy_learn(&p, q->name, ip, ttl_s, NOW);
	CHECK(p.n_learned <= POLICY_LEARNED_MAX);
	if (p.n_learned > before)
		CHECK(policy_allows_name(&p, q->name) &&
		      ip_scope(ip) == IP_GLOBAL);
}

static void read_message(const uint8_t *bytes, size_t len)
{
	uint8_t msg[MSG];
	struct dns_question q;
	size_t n;
	int r;

	memcpy(msg, bytes, len);
	r = dns_question(msg, len, false, &q);
	CHECK(r == 0 || r == -EPROTO);
	if (r == 0)
		CHECK(strlen(q.name) <= DNS_NAME_MAX && q.end <= len &&
		      q.end > DNS_HEADER_LEN);
	if (dns_question(msg, len, true, &q) == 0) {
		r = dns_addresses(msg, len, learn, &q);
		CHECK(r == 0 || r == -EPROTO);
	}
	n = dns_refuse(msg, len, DNS_REFUSED);
	CHECK(n <= len && (n == 0 || n >= DNS_HEADER_LEN));
	CHECK(n == 0 || dns_refuse(msg, n, DNS_REFUSED) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char words[WORDS + 1];
	struct err err = { 0 };
	size_t n;
	int r;

	if (len < 2)
		return 0;
	n = data[1] < len - 2 ? data[1] : len - 2;
	memcpy(words, data + 2, n);
	words[n] = '\0';
	p = (struct policy){ .n_rules = 0 };
	r = policy_parse(&p, words, &err);
	CHECK(r == err.code &&
	      (r == 0 || (r == -EINVAL && err.msg[0] == '\'')));
	CHECK(p.n_rules <= POLICY_RULES_MAX);
	if (r)
		return 0;
	data += 2 + n;
	len -= 2 + n;
	judge(data, len);
	read_message(data, len < MSG ? len : MSG);
	judge(data, len);
	return 0;
}
