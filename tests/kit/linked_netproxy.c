/* linked_netproxy.c: TCP and UDP as abi/netproxy.h has it, by hand: the kit's
 * socket driver without the kit's sockets. The first word says what. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/netproxy.h"
#include "drivers/console.h"
#include "drivers/vsock.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"

#define PIECE   65536u
#define PATTERN 251u /* a prime: no two places of a piece look alike */
#define WORDS   6u

static LARGE uint8_t bytes[PIECE + PATTERN], back[PIECE];
static const char *word[WORDS];
static unsigned n_words;

static void say(const char *what, int64_t n)
{
	char line[96];

	console_write(CONSOLE_OUT, line,
		      format(line, sizeof(line), "%s %ld\n", what, (long)n));
	console_push(CONSOLE_OUT);
}

static void expect(bool good, const char *what, int64_t n)
{
	if (good)
		return;
	say("wrong:", 0);
	say(what, n);
	machine_exit(1);
}

static uint64_t number(unsigned i)
{
	uint64_t n = 0;

	expect(i < n_words, "words", n_words);
	for (const char *s = word[i]; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n;
}

/* Word i and the next: "192.0.2.1" (as IPv6 behind a "6") or "::1", a port. */
static struct netproxy_addr address(unsigned i)
{
	struct netproxy_addr a = { .family = NETPROXY_INET,
				   .port = (uint16_t)number(i + 1) };
	const char *s = word[i];
	uint8_t *to = a.addr;

	if (*s == ':' || *s == '6')
		a.family = NETPROXY_INET6;
	if (*s == ':') {
		a.addr[15] = 1;
		return a;
	}
	if (*s == '6') {
		a.addr[10] = a.addr[11] = 0xff;
		to += 12;
		s++;
	}
	for (unsigned n = 0; n < 4; n++, s += *s == '.')
		for (; *s >= '0' && *s <= '9'; s++)
			to[n] = (uint8_t)(to[n] * 10 + (*s - '0'));
	return a;
}

static bool same(const void *a, const void *b, uint64_t len)
{
	return memcmp(a, b, len) == 0;
}

/* --- TCP --------------------------------------------------------------------- */

static int open(enum vsock_type type, uint32_t port)
{
	const int conn = vsock_connect(type, port);
	const int r = conn < 0 ? conn : vsock_wait_open(conn);

	expect(r == 0, "no network", r);
	return conn;
}

static struct netproxy_request request(struct netproxy_addr a, uint32_t backlog)
{
	return (struct netproxy_request){ NETPROXY_MAGIC, 0, backlog, a };
}

static void read_all(int conn, void *buf, uint64_t len)
{
	uint8_t *to = buf;

	while (len > 0) {
		const int64_t n = vsock_recv_wait(conn, to, len);

		expect(n > 0, "receive", n);
		to += n;
		len -= (uint64_t)n;
	}
}

static struct netproxy_reply ask(int conn, struct netproxy_addr a,
				 uint32_t backlog)
{
	const struct netproxy_request req = request(a, backlog);
	struct netproxy_reply r;
	int64_t n = vsock_send_all(conn, &req, sizeof(req));

	expect(n == sizeof(req), "request", n);
	read_all(conn, &r, sizeof(r));
	expect(r.magic == NETPROXY_MAGIC, "magic", r.magic);
	return r;
}

static int dial(struct netproxy_addr a)
{
	const int conn = open(VSOCK_STREAM, NETPROXY_PORT_TCP);
	const struct netproxy_reply r = ask(conn, a, 0);

	expect(r.error == 0, "connect", r.error);
	expect(r.peer.family == a.family && r.peer.port == a.port &&
		       same(r.peer.addr, a.addr, 16),
	       "peer", r.peer.port);
	expect(r.local.family == a.family && r.local.port > 0, "local",
	       r.local.port);
	return conn;
}

/* connect ADDR PORT: the errno */
static void connect(void)
{
	const int conn = open(VSOCK_STREAM, NETPROXY_PORT_TCP);
	const struct netproxy_reply r = ask(conn, address(1), 0);

	say("errno", r.error);
	if (r.error)
		expect(vsock_recv_wait(conn, back, 1) == -LINUX_ECONNRESET,
		       "no end", 0);
	vsock_close(conn);
}

static LARGE struct talk {
	uint64_t sent, got;
	bool asked, there;
} talks[VSOCK_CONNS_MAX];

/* As much as goes either way. True: everything came back. */
static bool talk(int conn, uint64_t total)
{
	struct talk *t = &talks[conn];
	int64_t n = 0, m = 0;

	while (n >= 0 || m >= 0) {
		n = m = -LINUX_EAGAIN;
		if (t->sent < total) {
			const uint64_t len = min_u64(PIECE, total - t->sent);

			n = vsock_send(conn, bytes + (t->sent + conn) % PATTERN,
				       len);
			if (n > 0)
				t->sent += (uint64_t)n;
		}
		if (t->got < total)
			m = vsock_recv(conn, back, sizeof(back));
		if (m > 0) {
			expect(same(back, bytes + (t->got + conn) % PATTERN,
				    (uint64_t)m),
			       "bytes", conn);
			t->got += (uint64_t)m;
		}
		expect(n >= 0 || n == -LINUX_EAGAIN, "send", n);
		expect(m > 0 || m == -LINUX_EAGAIN, "receive", m);
	}
	return t->got == total;
}

/* echo ADDR PORT N BYTES: N connections at once, each so many bytes */
static void echo(void)
{
	const uint64_t n = number(3), each = number(4);

	for (uint64_t i = 0; i < n; i++) {
		const int conn = dial(address(1));

		talks[conn] = (struct talk){ 0 };
	}
	for (uint64_t ended = 0; ended < n;) {
		const int conn = vsock_next(0);

		if (!talk(conn, each))
			continue;
		vsock_close(conn);
		ended++;
	}
	say("echoed", (int64_t)(n * each));
}

/* churn ADDR PORT N: one after the other */
static void churn(void)
{
	for (uint64_t i = number(3); i > 0; i--) {
		const int conn = dial(address(1));
		const int64_t n = vsock_send_all(conn, bytes, 1 + i % 100);

		expect(n == (int64_t)(1 + i % 100), "send", n);
		read_all(conn, back, 1 + i % 100);
		vsock_close(conn);
	}
	say("ok", 0);
}

/* half ADDR PORT: our end, then the rest, then theirs. The first bytes and the
 * end are said before the answer is there. */
static void half(void)
{
	const struct netproxy_request req = request(address(1), 0);
	const int conn = open(VSOCK_STREAM, NETPROXY_PORT_TCP);
	struct netproxy_reply r;
	int64_t n = vsock_send_all(conn, &req, sizeof(req));
	uint32_t got = 0;

	expect(n == sizeof(req), "request", n);
	n = vsock_send_all(conn, bytes, 60000);
	expect(n == 60000, "send", n);
	vsock_shutdown(conn, VSOCK_SEND);
	read_all(conn, &r, sizeof(r));
	expect(r.error == 0, "connect", r.error);
	while ((n = vsock_recv_wait(conn, back + got, sizeof(back) - got)) > 0)
		got += (uint32_t)n;
	expect(n == 0 && got == 60000, "received", n < 0 ? n : got);
	expect(same(bytes, back, got), "bytes", got);
	vsock_close(conn);
	say("ok", 0);
}

/* reset ADDR PORT: the host sends three bytes and resets */
static void reset(void)
{
	const int conn = dial(address(1));
	int64_t n = vsock_send_all(conn, "!", 1);

	expect(n == 1, "send", n);
	do
		n = vsock_recv_wait(conn, back, 1);
	while (n > 0);
	say("errno", -n);
	vsock_close(conn);
}

/* abort ADDR PORT: we reset */
static void abort_(void)
{
	const int conn = dial(address(1));
	const int64_t n = vsock_send_all(conn, "abc", 3);

	expect(n == 3, "send", n);
	read_all(conn, back, 3);
	vsock_reset(conn);
	say("ok", 0);
}

/* --- listening --------------------------------------------------------------- */

static int publish(uint16_t family, uint16_t port, uint32_t backlog,
		   struct netproxy_reply *ret)
{
	const int conn = open(VSOCK_STREAM, NETPROXY_PORT_LISTEN);
	const struct netproxy_addr any = { .family = family, .port = port };

	*ret = ask(conn, any, backlog);
	return conn;
}

static void say_peer(const struct netproxy_incoming *in)
{
	const uint8_t *a = in->peer.addr;
	char line[96];

	console_write(CONSOLE_OUT, line,
		      format(line, sizeof(line),
			     "client of %u family %u %u.%u.%u.%u or %u\n",
			     in->guest_port, in->peer.family, a[0], a[1], a[2],
			     a[3], a[15]));
	console_push(CONSOLE_OUT);
}

/* Whatever came goes back. False: the client is done with. */
static bool answer(int conn)
{
	struct vsock_status st;
	int64_t n;

	while ((n = vsock_recv(conn, back, sizeof(back))) > 0) {
		const int64_t len = n;

		n = vsock_send_all(conn, back, (uint64_t)len);
		if (n != len)
			break;
	}
	vsock_get(conn, &st);
	if (n == -LINUX_EAGAIN && !st.reset)
		return true;
	vsock_close(conn);
	return false;
}

/* Echoes to so many, at most `backlog` at a time not looked at yet. */
static void serve_some(uint16_t family, uint64_t clients, uint32_t backlog)
{
	struct netproxy_reply r;
	const int control = publish(family, (uint16_t)number(1), backlog, &r);
	uint64_t ended = 0;

	expect(r.error == 0, "publish", r.error);
	say("published", r.local.port);
	while (ended < clients) {
		const int conn = vsock_next(0);
		struct talk *t = &talks[conn];
		struct netproxy_incoming in;
		const uint32_t one = 1;
		struct vsock_status st;
		int64_t n;

		if (conn == control)
			continue;
		vsock_get(conn, &st);
		if (!t->there) {
			n = vsock_recv(conn, &in, sizeof(in));
			if (n == -LINUX_EAGAIN && !st.reset)
				continue;
			if (n != sizeof(in)) { /* gone before it was here */
				vsock_close(conn);
				continue;
			}
			expect(in.magic == NETPROXY_MAGIC, "magic", in.magic);
			t->there = true;
			if (clients < 4)
				say_peer(&in);
			n = vsock_send_all(control, &one, sizeof(one));
			expect(n == sizeof(one), "give back", n);
		}
		if (answer(conn))
			continue;
		*t = (struct talk){ 0 };
		ended++;
	}
	vsock_close(control);
	say("served", (int64_t)ended);
}

/* serve PORT CLIENTS BACKLOG [6] */
static void serve(void)
{
	expect(vsock_listen(NETPROXY_PORT_INCOMING) == 0, "listen", 0);
	serve_some(n_words > 4 ? NETPROXY_INET6 : NETPROXY_INET, number(2),
		   (uint32_t)number(3));
}

/* unpublished PORT: nobody said --publish; a second listener of a port */
static void unpublished(void)
{
	struct netproxy_reply r;

	(void)publish(NETPROXY_INET, 9999, 1, &r);
	expect(r.error == LINUX_ENOENT, "unpublished", r.error);
	(void)publish(NETPROXY_INET, (uint16_t)number(1), 1, &r);
	expect(r.error == 0, "publish", r.error);
	(void)publish(NETPROXY_INET, (uint16_t)number(1), 1, &r);
	say("errno", r.error);
}

/* again PORT: one client, thrice; nobody listens in between */
static void again(void)
{
	expect(vsock_listen(NETPROXY_PORT_INCOMING) == 0, "listen", 0);
	for (unsigned i = 0; i < 3; i++)
		serve_some(NETPROXY_INET, 1, 1);
}

/* --- UDP --------------------------------------------------------------------- */

static LARGE struct {
	struct netproxy_datagram head;
	uint8_t data[NETPROXY_UDP_MAX];
} out, in;

static int bind(struct netproxy_addr a, struct netproxy_reply *ret)
{
	const struct netproxy_request req = request(a, 0);
	const int conn = open(VSOCK_SEQPACKET, NETPROXY_PORT_UDP);
	int64_t n = vsock_send_all(conn, &req, sizeof(req));

	expect(n == sizeof(req), "request", n);
	n = vsock_recv_wait(conn, ret, sizeof(*ret));
	expect(n == sizeof(*ret) && ret->magic == NETPROXY_MAGIC, "reply", n);
	return conn;
}

static void send_to(int conn, struct netproxy_addr a, uint32_t len)
{
	int64_t n;

	out.head = (struct netproxy_datagram){ .addr = a };
	n = vsock_send_all(conn, &out, sizeof(out.head) + len);
	expect(n == (int64_t)(sizeof(out.head) + len), "send", n);
}

/* The next record's payload; -errno of one that tells an error. */
static int64_t receive(int conn)
{
	const int64_t n = vsock_recv_wait(conn, &in, sizeof(in));

	expect(n >= (int64_t)sizeof(in.head), "record", n);
	return in.head.error ? -(int64_t)in.head.error
			     : n - (int64_t)sizeof(in.head);
}

/* udp ADDR PORT: an echo of many sizes; "errno" if there is none */
static void udp(void)
{
	static const uint32_t sizes[] = { 0,    1,    2,     512,
					  1472, 9000, 40000, NETPROXY_UDP_MAX };
	const struct netproxy_addr to = address(1);
	struct netproxy_reply r;
	const int conn =
		bind((struct netproxy_addr){ .family = to.family }, &r);

	expect(r.error == 0 && r.flags == 0, "bind", r.error);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		int64_t n;

		memcpy(out.data, bytes, sizes[i]);
		send_to(conn, to, sizes[i]);
		n = receive(conn);
		expect(in.head.addr.port == to.port &&
			       same(in.head.addr.addr, to.addr, 16),
		       "source", in.head.addr.port);
		if (n < 0) {
			say("errno", -n);
			return;
		}
		expect(n == sizes[i] && same(in.data, bytes, sizes[i]), "echo",
		       n);
	}
	vsock_close(conn);
	say("ok", 0);
}

/* udpserve PORT N: a published port; echoes N datagrams */
static void udpserve(void)
{
	struct netproxy_addr a = { .family = NETPROXY_INET,
				   .port = (uint16_t)number(1) };
	struct netproxy_reply r;
	const int conn = bind(a, &r);

	expect(r.error == 0 && r.flags == NETPROXY_PUBLISHED, "bind", r.error);
	say("published", r.local.port);
	(void)bind(a, &r);
	expect(r.error == LINUX_EADDRINUSE, "twice", r.error);
	for (uint64_t i = number(2); i > 0; i--) {
		const int64_t n = receive(conn);

		expect(n >= 0, "datagram", n);
		memcpy(out.data, in.data, (uint64_t)n);
		send_to(conn, in.head.addr, (uint32_t)n);
	}
	vsock_close(conn);
	say("ok", 0);
}

static uint32_t query(const char *name, uint8_t *to)
{
	static const uint8_t head[] = {
		0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0
	};
	static const uint8_t tail[] = { 0, 0, 1, 0, 1 };
	uint32_t n = sizeof(head), label = n++;

	memcpy(to, head, sizeof(head));
	for (; *name; name++) {
		if (*name == '.')
			label = n;
		to[n++] = (uint8_t)*name;
		to[label] = (uint8_t)(n - label - 1);
	}
	memcpy(to + n, tail, sizeof(tail));
	return n + sizeof(tail);
}

/* dns NAME PORT: the answer's code and last four bytes (an A record is last),
 * then the errno of connecting there */
static void dns(void)
{
	static const uint8_t resolver[] = NETPROXY_RESOLVER;
	struct netproxy_addr to = { .family = NETPROXY_INET,
				    .port = NETPROXY_RESOLVER_PORT };
	struct netproxy_reply r;
	const int conn =
		bind((struct netproxy_addr){ .family = NETPROXY_INET }, &r);
	int64_t n;

	memcpy(to.addr, resolver, sizeof(resolver));
	send_to(conn, to, query(word[1], out.data));
	n = receive(conn);
	expect(n >= 12 && in.data[0] == 0x12 && in.data[1] == 0x34, "answer",
	       n);
	expect(same(in.head.addr.addr, to.addr, 16) &&
		       in.head.addr.port == to.port,
	       "source", in.head.addr.port);
	say("rcode", in.data[3] & 15);
	if (in.data[7] == 0)
		return;
	memcpy(to.addr, in.data + n - 4, 4);
	to.port = (uint16_t)number(2);
	r = ask(open(VSOCK_STREAM, NETPROXY_PORT_TCP), to, 0);
	say("errno", r.error);
}

/* --- malice ------------------------------------------------------------------ */

static void expect_reset(int conn, const char *what)
{
	int64_t n;

	while ((n = vsock_recv_wait(conn, back, sizeof(back))) > 0)
		;
	expect(n == -LINUX_ECONNRESET, what, n);
	vsock_close(conn);
}

/* hostile ADDR PORT: broken words in every place; an echo must work after */
static void hostile(void)
{
	const struct netproxy_request good = request(address(1), 0);
	static const uint32_t ports[] = { NETPROXY_PORT_TCP,
					  NETPROXY_PORT_LISTEN,
					  NETPROXY_PORT_UDP };
	int conn;

	for (unsigned p = 0; p < ARRAY_LEN(ports); p++) {
		const enum vsock_type type = ports[p] == NETPROXY_PORT_UDP
						     ? VSOCK_SEQPACKET
						     : VSOCK_STREAM;
		const uint32_t backlog = ports[p] == NETPROXY_PORT_LISTEN;

		/* every byte of a request, each wrong in two ways */
		for (unsigned i = 0; i < 2 * sizeof(good); i++) {
			struct netproxy_request req = good;
			uint8_t *b = (uint8_t *)&req + i / 2;
			int64_t n;

			req.backlog = backlog;
			*b = (uint8_t)(i % 2 ? *b ^ 0xff : *b + 0x80);
			conn = open(type, ports[p]);
			n = vsock_send_all(conn, &req, sizeof(req));
			expect(n == sizeof(req), "send", n);
			vsock_shutdown(conn, VSOCK_SEND);
			expect_reset(conn, "request");
		}
		/* half a request, and none */
		conn = open(type, ports[p]);
		expect(vsock_send_all(conn, &good, 20) == 20, "send", 0);
		vsock_shutdown(conn, VSOCK_SEND);
		expect_reset(conn, "half a request");
		conn = open(type, ports[p]);
		vsock_close(conn);
		/* the wrong kind of connection */
		conn = vsock_connect(type == VSOCK_STREAM ? VSOCK_SEQPACKET
							  : VSOCK_STREAM,
				     ports[p]);
		expect(vsock_wait_open(conn) == -LINUX_ECONNREFUSED, "kind", 0);
		vsock_close(conn);
	}
	conn = vsock_connect(VSOCK_STREAM, NETPROXY_PORT_FIRST + 77);
	expect(vsock_wait_open(conn) == -LINUX_ECONNREFUSED, "port", 0);
	vsock_close(conn);

	/* as many half-open ones as the kit has */
	for (unsigned i = 0; i < 900; i++)
		(void)open(VSOCK_STREAM, NETPROXY_PORT_TCP);
	for (unsigned i = 0; i < 100; i++) {
		struct netproxy_reply r;

		conn = bind((struct netproxy_addr){ .family = NETPROXY_INET },
			    &r);
		expect(r.error == 0, "bind", r.error);
		/* a record that is none */
		expect(vsock_send_all(conn, &good, 10) == 10, "send", 0);
		expect_reset(conn, "record");
	}
	conn = dial(address(1));
	expect(vsock_send_all(conn, bytes, 1000) == 1000, "send", 0);
	read_all(conn, back, 1000);
	expect(same(bytes, back, 1000), "bytes", 0);
	say("ok", 0);
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = { { "connect", connect },   { "echo", echo },
		      { "churn", churn },       { "half", half },
		      { "reset", reset },       { "abort", abort_ },
		      { "serve", serve },       { "unpublished", unpublished },
		      { "again", again },       { "udp", udp },
		      { "udpserve", udpserve }, { "dns", dns },
		      { "hostile", hostile } };
	const char *s;
	uint32_t cid;

	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	s = machine.strings;
	for (unsigned i = 0; i < machine.argc; i++, s += strlen(s) + 1)
		if (i > 0 && n_words < WORDS)
			word[n_words++] = s;
	expect(n_words > 0, "words", n_words);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % PATTERN);
	expect(vsock_open(&cid), "no vsock device", 0);
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		if (str_equal(modes[i].name, word[0])) {
			modes[i].run();
			machine_exit(0);
		}
	expect(false, word[0], 0);
	machine_exit(1);
}
