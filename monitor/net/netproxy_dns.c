/* netproxy_dns.c: the name server at NETPROXY_RESOLVER: queries go to the
 * host's resolver, if the policy knows the name, and the policy learns from
 * the answers.
 *
 * Whoever can forge an answer chooses where the guest may connect, and the
 * guest may be in league with him: so queries leave from sockets whose ports
 * the guest does not learn, under numbers that are not the guest's, and only
 * the server that was asked is heard. A socket that waits for nothing gets
 * another port, and the host's address of the moment, with its next query. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/dns.h"
#include "net/netproxy_priv.h"

#define ANSWERS_MAX 16u /* at a time */
#define PATIENCE_NS (10 * NS_PER_SEC)

const struct ip_port np_resolver = {
	.ip = { { [10] = 0xff, [11] = 0xff, 192, 0, 2, 53 } },
	.port = NETPROXY_RESOLVER_PORT,
};

_Static_assert(DNS_NAME_MAX == POLICY_NAME_MAX, "names");

/* --- numbers ----------------------------------------------------------------- */

/* Of a sequence that begins at random; nobody sees enough of it. */
static uint16_t next_id(struct np_dns *d)
{
	uint64_t z = d->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint16_t)(z >> 48);
}

static bool waits(const struct np_query *q, uint64_t now_ns)
{
	return q->u && now_ns - q->at_ns < PATIENCE_NS;
}

static struct np_query *find(struct np_dns *d, const struct np_server *s,
			     uint16_t id)
{
	const uint64_t now = clock_mono_ns();

	for (unsigned i = 0; i < NP_QUERIES_MAX; i++) {
		struct np_query *q = &d->query[i];

		if (waits(q, now) && q->server == s && q->id == id)
			return q;
	}
	return NULL;
}

/* The same question once more: it was not answered. */
static struct np_query *find_again(struct np_dns *d, const struct np_udp *u,
				   uint16_t guest_id)
{
	for (unsigned i = 0; i < NP_QUERIES_MAX; i++)
		if (d->query[i].u == u && d->query[i].guest_id == guest_id)
			return &d->query[i];
	return NULL;
}

static struct np_query *take(struct np_dns *d, struct np_udp *u,
			     uint16_t guest_id)
{
	struct np_query *q = find_again(d, u, guest_id);

	if (q) {
		q->tries++;
		return q;
	}
	q = &d->query[d->next_query];
	d->next_query = (d->next_query + 1) % NP_QUERIES_MAX;
	*q = (struct np_query){ .u = u, .guest_id = guest_id };
	return q;
}

/* --- servers ----------------------------------------------------------------- */

static void watch(struct np_server *s)
{
	if (!s->busy)
		s->busy =
			loop_poll(s->np->cfg.loop, &s->op, s->fd, POLLIN) == 0;
}

/* 0 or an errno. */
static int renew(struct np_server *s)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage ss;
	const socklen_t len = ip_to_sockaddr(&s->at, s->v6, &ss);

	(void)connect(s->fd, &none, sizeof(none)); /* it may be new */
	return connect(s->fd, (struct sockaddr *)&ss, len) ? errno : 0;
}

static bool is_quiet(const struct np_dns *d, const struct np_server *s)
{
	const uint64_t now = clock_mono_ns();

	for (unsigned i = 0; i < NP_QUERIES_MAX; i++)
		if (d->query[i].server == s && waits(&d->query[i], now))
			return false;
	return true;
}

/* 0 or an errno. */
static int ask(struct np_dns *d, struct np_query *q, uint8_t *msg, size_t len)
{
	struct np_server *s = &d->server[q->tries % d->n_servers];
	int r = s->fd < 0 ? EAFNOSUPPORT : 0;

	q->server = NULL; /* no more where it was */
	if (!r && is_quiet(d, s))
		r = renew(s);
	if (r)
		return r;
	do
		q->id = next_id(d);
	while (find(d, s, q->id));
	q->server = s;
	q->at_ns = clock_mono_ns();
	dns_set_id(msg, q->id);
	watch(s);
	/* the first error may be an earlier query's */
	for (unsigned i = 0; i < 2; i++)
		if (send(s->fd, msg, len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
	return errno;
}

/* --- queries ----------------------------------------------------------------- */

static bool may_ask(const struct policy *p, const uint8_t *msg, size_t len)
{
	struct dns_question q;

	return p->all || (dns_question(msg, len, false, &q) == 0 &&
			  policy_allows_name(p, q.name));
}

static void refuse(struct np_udp *u, uint8_t *msg, size_t len,
		   enum dns_rcode why)
{
	len = dns_refuse(msg, len, why);
	if (len > 0)
		(void)np_udp_give(u, &np_resolver, 0, msg, len);
}

void np_dns_out(struct np_udp *u, uint8_t *msg, size_t len)
{
	struct np_dns *d = &u->np->dns;
	struct np_query *q;
	uint16_t id;

	if (len < DNS_HEADER_LEN)
		return;
	if (!may_ask(u->np->cfg.policy, msg, len)) {
		np_count(NP_E_NAME_DENIED);
		refuse(u, msg, len, DNS_REFUSED);
		return;
	}
	if (d->n_servers == 0) {
		refuse(u, msg, len, DNS_SERVFAIL);
		return;
	}
	id = dns_id(msg, len);
	q = take(d, u, id);
	if (ask(d, q, msg, len) == 0)
		return;
	q->u = NULL;
	dns_set_id(msg, id);
	refuse(u, msg, len, DNS_SERVFAIL);
}

void np_dns_forget(struct np_udp *u)
{
	struct np_dns *d = &u->np->dns;

	for (unsigned i = 0; i < NP_QUERIES_MAX; i++)
		if (d->query[i].u == u)
			d->query[i].u = NULL;
}

/* --- answers ----------------------------------------------------------------- */

struct lesson {
	struct policy *policy;
	const char *name;
	uint64_t now_ns;
};

static void learn(void *ctx, const struct ip *ip, uint32_t ttl_s)
{
	const struct lesson *l = ctx;

	policy_learn(l->policy, l->name, ip, ttl_s, l->now_ns);
}

static void on_answer(struct np_server *s, uint8_t *msg, size_t len)
{
	struct np_dns *d = &s->np->dns;
	struct np_query *q =
		len < DNS_HEADER_LEN ? NULL : find(d, s, dns_id(msg, len));
	struct dns_question asked;
	struct lesson l = { s->np->cfg.policy, asked.name, clock_mono_ns() };
	struct np_udp *u;

	if (!q) {
		np_count(NP_E_STRANGER);
		return;
	}
	u = q->u;
	q->u = NULL;
	dns_set_id(msg, q->guest_id);
	if (dns_question(msg, len, true, &asked) == 0 &&
	    dns_addresses(msg, len, learn, &l))
		np_count(NP_E_STRANGER); /* whatever there was is learned */
	(void)np_udp_give(u, &np_resolver, 0, msg, len);
}

/* ICMP said that nobody is there: so hear all who wait. */
static void on_error(struct np_server *s, int error)
{
	struct np_dns *d = &s->np->dns;

	for (unsigned i = 0; i < NP_QUERIES_MAX; i++) {
		struct np_query *q = &d->query[i];

		if (!q->u || q->server != s)
			continue;
		(void)np_udp_give(q->u, &np_resolver, error, NULL, 0);
		q->server = NULL; /* who asks again may have more luck */
	}
}

static void on_readable(struct loop_op *op, int res)
{
	struct np_server *s = CONTAINER_OF(op, struct np_server, op);
	uint8_t *msg = s->np->scratch;

	s->busy = false;
	if (res < 0)
		return;
	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		const ssize_t n =
			recv(s->fd, msg, NETPROXY_UDP_MAX, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			on_error(s, errno);
		else
			on_answer(s, msg, (size_t)n);
	}
	if (!is_quiet(&s->np->dns, s))
		watch(s);
}

/* --- life -------------------------------------------------------------------- */

int np_dns_init(struct netproxy *np)
{
	struct np_dns *d = &np->dns;

	if (getrandom(&d->seed, sizeof(d->seed), 0) != sizeof(d->seed))
		return -errno;
	for (unsigned i = 0; i < np->cfg.n_resolvers; i++) {
		struct np_server *s = &d->server[i];

		s->np = np;
		s->at = np->cfg.resolver[i];
		s->v6 = !ip_is_v4(&s->at.ip);
		s->op.done = on_readable;
		s->fd = np_socket(s->v6, SOCK_DGRAM); /* <0: not such a host */
		d->n_servers++;
	}
	return 0;
}

void np_dns_stop(struct netproxy *np)
{
	for (unsigned i = 0; i < np->dns.n_servers; i++)
		loop_cancel(np->cfg.loop, &np->dns.server[i].op);
}

void np_dns_fini(struct netproxy *np)
{
	for (unsigned i = 0; i < np->dns.n_servers; i++)
		if (np->dns.server[i].fd >= 0)
			(void)close(np->dns.server[i].fd);
}
