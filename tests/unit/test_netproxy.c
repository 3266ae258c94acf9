/* test_netproxy.c: the guest's network over the socket device, packet by
 * packet, on real sockets of 127.0.0.1, on both loop engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"
#include "guest-kit/include/abi/netproxy.h"
#include "net/netproxy.h"
#include "net/policy.h"
#include "tests/support/vsock_rig.h"

#define ST  VSOCK_TYPE_STREAM
#define SQ  VSOCK_TYPE_SEQPACKET
#define G   1234u /* a port of the guest */
#define TCP NETPROXY_PORT_TCP
#define CTL NETPROXY_PORT_LISTEN
#define UDP NETPROXY_PORT_UDP

#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(netproxy, name)                           \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, netproxy, name,           \
			  .timeout = 60)

static struct policy policy;
static struct netproxy *np;
static struct netproxy_publish published;
static struct netproxy_config cfg;
static unsigned fds;
static uint8_t bytes[70000], got[70000];

/* --- rig --------------------------------------------------------------------- */

static void prepare(void)
{
	struct err err = { 0 };

	cfg.loop = sock.loop;
	cfg.policy = &policy;
	cr_assert_eq(netproxy_new(&cfg, &np, &err), 0);
	sock.cfg.service = &netproxy_service;
	sock.cfg.service_ctx = np;
}

/* With port 80 of the guest published, for UDP or TCP. */
static void up(enum loop_engine engine, const char *egress, bool udp)
{
	static const uint8_t loopback[] = { 127, 0, 0, 1 };
	struct err err = { 0 };

	fds = sock_fds();
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	policy = (struct policy){ .n_rules = 0 };
	cr_assert_eq(policy_parse(&policy, egress, &err), 0, "%s", err.msg);
	published = (struct netproxy_publish){ .host.ip = ip_of_v4(loopback),
					       .guest_port = 80,
					       .udp = udp };
	cr_assert_eq(netproxy_bind(&published, &err), 0, "%s", err.msg);
	cfg.publish = &published;
	cfg.n_publish = 1;
	sock.prepare = prepare;
	sock_create(engine);
	sock_drive(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VSOCK_F_STREAM |
			   VSOCK_F_SEQPACKET,
		   SOCK_RX_N, SOCK_RX_LEN);
}

static void down(void)
{
	sock_down();
	netproxy_free(np);
	(void)close(published.fd);
	cr_expect_eq(sock_fds(), fds, "a descriptor is left");
}

static int local(int type, struct sockaddr_in *ret)
{
	const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET };
	ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)ret, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)ret, &len), 0);
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(fd, 10), 0);
	return fd;
}

static int client(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(published.host.port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		(void)close(fd);
		return -1;
	}
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static struct netproxy_request request(uint16_t port, uint32_t backlog)
{
	return (struct netproxy_request){
		.magic = NETPROXY_MAGIC,
		.backlog = backlog,
		.addr = { NETPROXY_INET, port, { 127, 0, 0, 1 } },
	};
}

static void open_port(uint16_t type, uint32_t guest_port, uint32_t port)
{
	sock_send(type, VSOCK_OP_REQUEST, guest_port, port, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RESPONSE));
}

static struct netproxy_reply reply(void)
{
	struct netproxy_reply r = { 0 };

	while (sock_recv() && sock_got.op == VSOCK_OP_CREDIT_UPDATE)
		;
	cr_assert_eq(sock_got.op, VSOCK_OP_RW);
	cr_assert_eq(sock_got.len, sizeof(r));
	memcpy(&r, sock_got.data, sizeof(r));
	cr_assert_eq(r.magic, NETPROXY_MAGIC);
	return r;
}

static void send_request(uint16_t type, uint32_t guest_port, uint32_t port,
			 const struct netproxy_request *req)
{
	open_port(type, guest_port, port);
	sock_send(type, VSOCK_OP_RW, guest_port, port, VSOCK_SEQ_EOM, req,
		  sizeof(*req));
}

/* A connection of the guest to a listener; the host's end. */
static int dial(void)
{
	struct sockaddr_in at;
	const int l = local(SOCK_STREAM, &at);
	const struct netproxy_request req = request(ntohs(at.sin_port), 0);
	struct netproxy_reply r;
	int fd;

	send_request(ST, G, TCP, &req);
	r = reply();
	cr_assert_eq(r.error, 0);
	cr_expect_eq(memcmp(&r.peer, &req.addr, sizeof(r.peer)), 0);
	cr_expect_eq(r.local.family, NETPROXY_INET);
	fd = sock_accept(l);
	(void)close(l);
	return fd;
}

static uint64_t counter(const char *name)
{
	for (struct metric *const *m = netproxy_metrics; *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return metric_get(*m);
	cr_assert_fail("no counter %s", name);
	return 0;
}

/* --- out --------------------------------------------------------------------- */

BOTH_ENGINES(a_connection_of_the_guest)
{
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	sock_send(ST, VSOCK_OP_RW, G, TCP, 0, bytes, 50000);
	cr_assert(sock_read_all(fd, got, 50000));
	cr_expect_arr_eq(got, bytes, 50000);
	sock_write(fd, bytes, 500);
	do
		cr_assert(sock_recv());
	while (sock_got.op == VSOCK_OP_CREDIT_UPDATE);
	cr_expect_eq(sock_got.len, 500);
	cr_expect_eq(sock_got.flags, 0);
	cr_expect_arr_eq(sock_got.data, bytes, 500);
	cr_expect_eq(counter("connections_netproxy"), 1);
	(void)close(fd);
	down();
}

/* virtio 1.2, 2.7.10: the chain that was added last needs no kick. */
static bool needs_no_kick(void)
{
	const struct vdriver *d = &sock.drv[VSOCK_TX];

	return vdriver_avail_event(d) != (uint16_t)(d->avail_idx - 1);
}

BOTH_ENGINES(a_busy_connection_needs_no_kicks)
{
	unsigned without = 0;
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	/* it is a matter of time: once in so many rounds will do */
	for (unsigned i = 0; i < 200 && without < 3; i++) {
		const uint16_t used = vdriver_used_idx(&sock.drv[VSOCK_RX]);

		sock_write(fd, bytes, 10);
		while (vdriver_used_idx(&sock.drv[VSOCK_RX]) == used)
			sock_run(0);
		sock.lazy = true;
		sock_send(ST, VSOCK_OP_RW, G, TCP, 0, bytes, 100);
		sock.lazy = false;
		without += needs_no_kick();
		if (!needs_no_kick())
			sock_kick(VSOCK_TX);
		cr_assert(sock_read_all(fd, got, 100), "round %u", i);
		cr_assert(sock_recv_op(VSOCK_OP_RW));
	}
	cr_expect_eq(without, 3);
	/* when nothing goes to and fro any more, nothing is done */
	for (unsigned ms = 0; ms < 5000 && loop_in_flight(sock.loop) > 3; ms++)
		sock_run(1);
	cr_expect_eq(loop_in_flight(sock.loop), 3);
	(void)close(fd);
	down();
}

BOTH_ENGINES(a_request_in_pieces_and_bytes_behind_it)
{
	struct sockaddr_in at;
	int l, fd;

	up(*engine, "127.0.0.1:*", false);
	l = local(SOCK_STREAM, &at);
	const struct netproxy_request req = request(ntohs(at.sin_port), 0);

	open_port(ST, G, TCP);
	for (unsigned i = 0; i < sizeof(req) - 1; i++)
		sock_send(ST, VSOCK_OP_RW, G, TCP, 0, (const char *)&req + i,
			  1);
	memcpy(got, (const char *)&req + sizeof(req) - 1, 1);
	memcpy(got + 1, bytes, 1000);
	sock_send(ST, VSOCK_OP_RW, G, TCP, 0, got, 1001);
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, TCP, VSOCK_SHUTDOWN_SEND, NULL, 0);
	cr_expect_eq(reply().error, 0);
	fd = sock_accept(l);
	cr_assert(sock_read_all(fd, got, 1000));
	cr_expect_arr_eq(got, bytes, 1000);
	cr_expect_eq(sock_read(fd, got, 1), 0, "no end");
	(void)close(fd);
	(void)close(l);
	down();
}

BOTH_ENGINES(ends_of_both_sides)
{
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	(void)shutdown(fd, SHUT_WR);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_SEND);
	sock_send(ST, VSOCK_OP_RW, G, TCP, 0, bytes, 10);
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, TCP, VSOCK_SHUTDOWN_BOTH, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_assert(sock_read_all(fd, got, 10));
	cr_expect_eq(sock_read(fd, got, 1), 0);
	(void)close(fd);
	down();
}

BOTH_ENGINES(a_reset_by_the_guest)
{
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	sock_send(ST, VSOCK_OP_RST, G, TCP, 0, NULL, 0);
	cr_expect_eq(sock_read(fd, got, 1), -1);
	cr_expect_eq(errno, ECONNRESET);
	(void)close(fd);
	down();
}

BOTH_ENGINES(a_reset_behind_both_ends_is_none)
{
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, TCP, VSOCK_SHUTDOWN_SEND, NULL, 0);
	(void)shutdown(fd, SHUT_WR);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	sock_send(ST, VSOCK_OP_RST, G, TCP, 0, NULL, 0);
	cr_expect_eq(sock_read(fd, got, 1), 0);
	(void)close(fd);
	down();
}

BOTH_ENGINES(a_reset_by_the_host)
{
	static const struct linger at_once = { .l_onoff = 1 };
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	sock_write(fd, bytes, 100);
	sock_run(20);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 100);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(vsock_connections(sock.v), 0);
	down();
}

BOTH_ENGINES(writing_to_a_reset_socket_resets)
{
	static const struct linger at_once = { .l_onoff = 1 };
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
	sock_send(ST, VSOCK_OP_RW, G, TCP, 0, bytes, 10);
	do /* perhaps after "nobody reads" */
		cr_assert(sock_recv());
	while (sock_got.op == VSOCK_OP_SHUTDOWN);
	cr_expect_eq(sock_got.op, VSOCK_OP_RST);
	down();
}

/* Bytes that are lost are no end. */
BOTH_ENGINES(a_guest_that_is_gone_with_bytes_underway)
{
	static const int small = 4096;
	ssize_t n;
	int fd;

	up(*engine, "127.0.0.1:*", false);
	fd = dial();
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 2000 && counter("connections_netproxy"); i++) {
		sock_send(ST, VSOCK_OP_RW, G, TCP, 0, bytes, 4096);
		if (vsock_connections(sock.v) == 0)
			break; /* beyond its credit: nothing is read */
	}
	do
		n = sock_read(fd, got, sizeof(got));
	while (n > 0);
	cr_expect_eq(n, -1);
	cr_expect_eq(errno, ECONNRESET);
	(void)close(fd);
	down();
}

BOTH_ENGINES(nobody_listens)
{
	struct sockaddr_in at;
	struct netproxy_request req;

	up(*engine, "127.0.0.1:*", false);
	(void)close(local(SOCK_STREAM, &at));
	req = request(ntohs(at.sin_port), 0);
	send_request(ST, G, TCP, &req);
	cr_expect_eq(reply().error, ECONNREFUSED);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(vsock_connections(sock.v), 0);
	down();
}

BOTH_ENGINES(what_is_not_allowed)
{
	static const struct {
		uint8_t addr[4];
		int error;
	} to[] = { { { 127, 0, 0, 1 }, ECONNREFUSED },
		   { { 0, 0, 0, 0 }, ECONNREFUSED },
		   { { 169, 254, 169, 254 }, EACCES },
		   { { 10, 0, 0, 1 }, EACCES } };

	up(*engine, "192.0.2.7:1", false);
	for (unsigned i = 0; i < ARRAY_SIZE(to); i++) {
		struct netproxy_request req = request(80, 0);

		memcpy(req.addr.addr, to[i].addr, 4);
		send_request(ST, G, TCP, &req);
		cr_expect_eq(reply().error, to[i].error, "%u", i);
		cr_assert(sock_recv_op(VSOCK_OP_RST));
	}
	cr_expect_eq(counter("denied_netproxy"), 4);
	down();
}

/* --- broken words ------------------------------------------------------------ */

struct broken {
	const char *why;
	struct netproxy_request req;
	uint32_t len;
	bool answered; /* EINVAL; else RST only */
};

#define GOOD                        \
	{                           \
		NETPROXY_INET, 80,  \
		{                   \
			10, 1, 2, 3 \
		}                   \
	}

static const struct broken broken[] = {
	{ "magic", { 1, 0, 0, GOOD }, 32, false },
	{ "flags", { NETPROXY_MAGIC, 1, 0, GOOD }, 32, true },
	{ "backlog", { NETPROXY_MAGIC, 0, 1, GOOD }, 32, true },
	{ "family", { NETPROXY_MAGIC, 0, 0, { 1, 80, { 1 } } }, 32, true },
	{ "address",
	  { NETPROXY_MAGIC, 0, 0, { 2, 80, { [15] = 1 } } },
	  32,
	  true },
	{ "half of it", { NETPROXY_MAGIC, 0, 0, GOOD }, 31, false },
	{ "nothing", { NETPROXY_MAGIC, 0, 0, GOOD }, 0, false },
};

BOTH_ENGINES(broken_requests)
{
	up(*engine, "all", false);
	for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
		const struct broken *b = &broken[i];

		open_port(ST, G, TCP);
		sock_send(ST, VSOCK_OP_RW, G, TCP, 0, &b->req, b->len);
		sock_send(ST, VSOCK_OP_SHUTDOWN, G, TCP, VSOCK_SHUTDOWN_SEND,
			  NULL, 0);
		if (b->answered)
			cr_expect_eq(reply().error, EINVAL, "%s", b->why);
		cr_expect(sock_recv_op(VSOCK_OP_RST), "%s", b->why);
		/* SHUTDOWN may have come too late for the connection */
		sock_send(ST, VSOCK_OP_RST, G, TCP, 0, NULL, 0);
		while (sock_recv())
			;
	}
	cr_expect_eq(vsock_connections(sock.v), 0);
	down();
}

BOTH_ENGINES(ports_that_are_nobodys)
{
	static const struct {
		uint16_t type;
		uint32_t port;
	} ports[] = { { SQ, TCP },
		      { SQ, CTL },
		      { ST, UDP },
		      { ST, NETPROXY_PORT_FIRST },
		      { ST, NETPROXY_PORT_LAST } };
	int fd;

	up(*engine, "all", false);
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		sock_send(ports[i].type, VSOCK_OP_REQUEST, G, ports[i].port, 0,
			  NULL, 0);
		cr_expect(sock_recv_op(VSOCK_OP_RST), "%u", i);
	}
	/* nor do clients of the Unix socket reach such a port of the guest */
	fd = sock_client(SOCK_STREAM);
	sock_write(fd, "CONNECT 4026531856\n", 19);
	cr_expect(sock_closed(fd));
	(void)close(fd);
	down();
}

BOTH_ENGINES(a_guest_that_closes_before_it_is_connected)
{
	up(*engine, "all", false);
	open_port(ST, G, TCP);
	sock_send(ST, VSOCK_OP_RW, G, TCP, 0, bytes, 5);
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, TCP, VSOCK_SHUTDOWN_BOTH, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(vsock_connections(sock.v), 0);
	down();
}

/* --- in ---------------------------------------------------------------------- */

static void listen_on(uint32_t backlog)
{
	const struct netproxy_request req = request(80, backlog);
	struct netproxy_reply r;

	send_request(ST, G, CTL, &req);
	r = reply();
	cr_assert_eq(r.error, 0);
	cr_expect_eq(r.local.port, published.host.port);
}

static void accept_request(void)
{
	cr_assert_eq(sock_got.op, VSOCK_OP_REQUEST);
	cr_expect_eq(sock_got.dst_port, NETPROXY_PORT_INCOMING);
	cr_expect(sock_got.src_port > NETPROXY_PORT_FIRST &&
		  sock_got.src_port <= NETPROXY_PORT_LAST);
	sock_send(ST, VSOCK_OP_RESPONSE, NETPROXY_PORT_INCOMING,
		  sock_got.src_port, 0, NULL, 0);
}

/* The next n clients, up to their headers; the port the last calls from. */
static uint32_t incoming(unsigned n)
{
	struct netproxy_incoming in;

	while (n > 0) {
		cr_assert(sock_recv());
		if (sock_got.op != VSOCK_OP_RW) {
			accept_request();
			continue;
		}
		n--;
		cr_assert_eq(sock_got.len, sizeof(in));
		memcpy(&in, sock_got.data, sizeof(in));
		cr_expect_eq(in.magic, NETPROXY_MAGIC);
		cr_expect_eq(in.guest_port, 80);
		cr_expect_eq(in.local.port, 80);
		cr_expect_eq(in.peer.family, NETPROXY_INET);
		cr_expect_eq(in.peer.addr[0], 127);
	}
	return sock_got.src_port;
}

BOTH_ENGINES(clients_of_a_published_port)
{
	uint32_t port;
	int fd;

	up(*engine, "none", false);
	cr_expect_eq(client(), -1, "nobody listens yet");
	listen_on(5);
	fd = client();
	sock_write(fd, bytes, 100);
	port = incoming(1);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 100);
	sock_send(ST, VSOCK_OP_RW, NETPROXY_PORT_INCOMING, port, 0, bytes, 200);
	cr_assert(sock_read_all(fd, got, 200));
	/* the guest stops listening; who is there stays */
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, CTL, VSOCK_SHUTDOWN_SEND, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(client(), -1);
	sock_send(ST, VSOCK_OP_RW, NETPROXY_PORT_INCOMING, port, 0, bytes, 200);
	cr_assert(sock_read_all(fd, got, 200));
	(void)close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	/* and again, beside a connection of the last time */
	listen_on(5);
	fd = client();
	cr_expect_geq(fd, 0);
	(void)incoming(1);
	(void)close(fd);
	down();
}

BOTH_ENGINES(no_more_clients_than_the_guest_has_room_for)
{
	static const uint32_t three = 3, many = UINT32_MAX;
	int fd[8];

	up(*engine, "none", false);
	listen_on(2);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = client();
	(void)incoming(2);
	cr_expect_not(sock_recv());
	/* more than it ever had */
	sock_send(ST, VSOCK_OP_RW, G, CTL, 0, &three, sizeof(three));
	(void)incoming(2);
	cr_expect_not(sock_recv());
	sock_send(ST, VSOCK_OP_RW, G, CTL, 0, &many, 2);
	cr_expect_not(sock_recv());
	sock_send(ST, VSOCK_OP_RW, G, CTL, 0, &many, 2);
	(void)incoming(2);
	cr_expect_not(sock_recv());
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		(void)close(fd[i]);
	down();
}

BOTH_ENGINES(clients_that_the_guest_never_heard_of_cost_nothing)
{
	up(*engine, "none", false);
	listen_on(1);
	for (unsigned i = 0; i < 5; i++) {
		const int fd = client();
		uint32_t port;

		cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
		port = sock_got.src_port;
		sock_send(ST, VSOCK_OP_RST, NETPROXY_PORT_INCOMING, port, 0,
			  NULL, 0);
		cr_expect_eq(sock_read(fd, got, 1), -1);
		cr_expect_eq(errno, ECONNRESET);
		(void)close(fd);
	}
	down();
}

BOTH_ENGINES(a_client_that_resets_early)
{
	static const struct linger at_once = { .l_onoff = 1 };
	int fd;

	up(*engine, "none", false);
	listen_on(1);
	fd = client();
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	fd = client();
	(void)incoming(1);
	(void)close(fd);
	down();
}

BOTH_ENGINES(listening_that_fails)
{
	struct netproxy_request req = request(81, 1);

	up(*engine, "none", false);
	send_request(ST, G, CTL, &req);
	cr_expect_eq(reply().error, ENOENT);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	req = request(80, 0);
	send_request(ST, G, CTL, &req);
	cr_expect_eq(reply().error, EINVAL);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	listen_on(1);
	req = request(80, 1);
	send_request(ST, G + 1, CTL, &req);
	cr_expect_eq(reply().error, EADDRINUSE);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	down();
}

BOTH_ENGINES(a_reset_of_the_device_ends_it_all)
{
	int fd;

	up(*engine, "127.0.0.1:*", false);
	listen_on(5);
	fd = client();
	(void)incoming(1);
	open_port(SQ, G, UDP);
	sock_reset();
	cr_expect_eq(sock_read(fd, got, 1), 0);
	cr_expect_eq(client(), -1);
	cr_expect_eq(vsock_connections(sock.v), 0);
	(void)close(fd);
	down();
}

/* --- datagrams --------------------------------------------------------------- */

static void send_datagram(uint16_t port, uint32_t len)
{
	struct netproxy_datagram d = {
		.addr = { NETPROXY_INET, port, { 127, 0, 0, 1 } },
	};

	memcpy(got, &d, sizeof(d));
	memcpy(got + sizeof(d), bytes, len);
	sock_send(SQ, VSOCK_OP_RW, G, UDP, VSOCK_SEQ_EOM, got,
		  (uint32_t)sizeof(d) + len);
}

static struct netproxy_datagram datagram(void)
{
	struct netproxy_datagram d = { 0 };

	do
		cr_assert(sock_recv());
	while (sock_got.op == VSOCK_OP_CREDIT_UPDATE);
	cr_assert_eq(sock_got.op, VSOCK_OP_RW);
	cr_assert_geq(sock_got.len, sizeof(d));
	memcpy(&d, sock_got.data, sizeof(d));
	return d;
}

static struct netproxy_reply bind_udp(uint16_t port)
{
	const struct netproxy_request req = request(port, 0);

	send_request(SQ, G, UDP, &req);
	return reply();
}

BOTH_ENGINES(datagrams_there_and_back)
{
	struct sockaddr_in at, from;
	socklen_t len = sizeof(from);
	struct netproxy_datagram d;
	struct netproxy_reply r;
	uint16_t port;
	int fd;

	up(*engine, "127.0.0.1:*", true);
	fd = local(SOCK_DGRAM, &at);
	port = ntohs(at.sin_port);
	r = bind_udp(0);
	cr_assert_eq(r.error, 0);
	cr_expect_eq(r.flags, 0);
	send_datagram(port, 3000);
	cr_expect_eq(recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from,
			      &len),
		     3000);
	cr_expect_arr_eq(got, bytes, 3000);
	cr_expect_eq(ntohs(from.sin_port), r.local.port);
	cr_expect_eq(sendto(fd, bytes, 0, 0, (struct sockaddr *)&from, len), 0);
	cr_expect_eq(sendto(fd, bytes, 9, 0, (struct sockaddr *)&from, len), 9);
	d = datagram();
	cr_expect_eq(sock_got.len, sizeof(d));
	cr_expect_eq(d.addr.port, port);
	d = datagram();
	cr_expect_eq(sock_got.len, sizeof(d) + 9);
	cr_expect(sock_got.flags & VSOCK_SEQ_EOM);
	(void)close(fd);
	down();
}

BOTH_ENGINES(datagrams_that_are_not_allowed)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct netproxy_reply r;

	up(*engine, "none", true);
	r = bind_udp(0);
	send_datagram(9, 10);
	cr_expect_eq(datagram().error, ECONNREFUSED);
	/* nor does the guest hear from such */
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(r.local.port);
	cr_expect_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)),
		     1);
	cr_expect_not(sock_recv());
	cr_expect_eq(counter("strange_datagrams_netproxy"), 1);
	(void)close(fd);
	fds--; /* it was there before */
	down();
}

BOTH_ENGINES(a_published_port_answers_its_clients)
{
	struct sockaddr_in at, to = { .sin_family = AF_INET };
	struct netproxy_datagram d;
	struct netproxy_reply r;
	int fd;

	up(*engine, "none", true);
	fd = local(SOCK_DGRAM, &at);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(published.host.port);
	/* before anybody listens: for nobody */
	cr_expect_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)),
		     1);
	r = bind_udp(80);
	cr_expect_eq(r.error, 0);
	cr_expect_eq(r.flags, NETPROXY_PUBLISHED);
	cr_expect_eq(r.local.port, published.host.port);
	cr_expect_eq(sendto(fd, "ab", 2, 0, (struct sockaddr *)&to, sizeof(to)),
		     2);
	d = datagram();
	cr_expect_eq(sock_got.len, sizeof(d) + 2);
	send_datagram(d.addr.port, 100);
	cr_expect_eq(sock_read(fd, got, sizeof(got)), 100);
	/* no way to others */
	send_datagram((uint16_t)(d.addr.port ^ 1), 100);
	cr_expect_eq(datagram().error, ECONNREFUSED);
	(void)close(fd);
	down();
}

struct bad_record {
	const char *why;
	struct netproxy_datagram d;
	uint32_t len;
};

static const struct bad_record bad_records[] = {
	{ "short", { 0, 0, GOOD }, 23 },
	{ "an error", { 1, 0, GOOD }, 24 },
	{ "a pad", { 0, 1, GOOD }, 24 },
	{ "another family", { 0, 0, { NETPROXY_INET6, 80, { 0 } } }, 24 },
	{ "no family", { 0, 0, { 0, 80, { 0 } } }, 24 },
	{ "an address", { 0, 0, { NETPROXY_INET, 80, { [4] = 1 } } }, 24 },
	{ "long", { 0, 0, GOOD }, 24 + NETPROXY_UDP_MAX + 1 },
};

BOTH_ENGINES(broken_records)
{
	up(*engine, "all", true);
	for (unsigned i = 0; i < ARRAY_SIZE(bad_records); i++) {
		const struct bad_record *b = &bad_records[i];

		cr_assert_eq(bind_udp(0).error, 0);
		memset(got, 0, sizeof(got));
		memcpy(got, &b->d, sizeof(b->d));
		sock_send(SQ, VSOCK_OP_RW, G, UDP, VSOCK_SEQ_EOM, got, b->len);
		do
			cr_assert(sock_recv(), "%s", b->why);
		while (sock_got.op == VSOCK_OP_CREDIT_UPDATE);
		cr_expect_eq(sock_got.op, VSOCK_OP_RST, "%s", b->why);
	}
	cr_expect_eq(vsock_connections(sock.v), 0);
	down();
}

/* --- names ------------------------------------------------------------------- */

#define QUERY "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1"
#define ANSWER                                                \
	"\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1a\4test\0\0\1\0\1" \
	"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\1\2\3"

static void ask(const char *query, uint32_t len)
{
	struct netproxy_datagram d = {
		.addr = { NETPROXY_INET, NETPROXY_RESOLVER_PORT,
			  NETPROXY_RESOLVER },
	};

	memcpy(got, &d, sizeof(d));
	memcpy(got + sizeof(d), query, len);
	sock_send(SQ, VSOCK_OP_RW, G, UDP, VSOCK_SEQ_EOM, got,
		  (uint32_t)sizeof(d) + len);
}

BOTH_ENGINES(names_go_to_the_hosts_resolver)
{
	struct sockaddr_storage ss = { 0 };
	struct ip_port to = { .port = 80 };
	struct sockaddr_in at, from;
	socklen_t len = sizeof(from);
	struct netproxy_datagram d;
	char answer[sizeof(ANSWER)];
	int fd;

	fd = local(SOCK_DGRAM, &at);
	memcpy(&ss, &at, sizeof(at));
	cfg.resolver[0] = ip_of_sockaddr(&ss);
	cfg.n_resolvers = 1;
	up(*engine, "a.test:80", true);
	to.ip = ip_of_v4((const uint8_t[]){ 10, 1, 2, 3 });
	cr_assert_eq(bind_udp(0).error, 0);
	ask(QUERY, sizeof(QUERY) - 1);
	cr_assert_eq(recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from,
			      &len),
		     sizeof(QUERY) - 1);
	/* under another number than the guest's */
	cr_expect_arr_eq(got + 2, QUERY + 2, sizeof(QUERY) - 1 - 2);
	memcpy(answer, ANSWER, sizeof(answer));
	memcpy(answer, got, 2);
	cr_expect_not(policy_allows(&policy, &to, 0));
	for (unsigned i = 0; i < 2; i++) /* the second time nobody has asked */
		cr_expect_gt(sendto(fd, answer, sizeof(answer) - 1, 0,
				    (struct sockaddr *)&from, len),
			     0);
	d = datagram();
	cr_expect_eq(d.addr.addr[0], 192);
	cr_expect_eq(d.addr.port, 53);
	cr_expect_eq(sock_got.len, sizeof(d) + sizeof(ANSWER) - 1);
	cr_expect_arr_eq(sock_got.data + sizeof(d), ANSWER, sizeof(ANSWER) - 1);
	cr_expect(policy_allows(&policy, &to, 0));
	cr_expect_not(sock_recv());
	cr_expect_eq(counter("strange_datagrams_netproxy"), 1);
	/* the resolver itself is not the guest's to talk to */
	send_datagram(ntohs(at.sin_port), 10);
	cr_expect_eq(datagram().error, ECONNREFUSED);
	(void)close(fd);
	fds--;
	cfg.n_resolvers = 0;
	down();
}

BOTH_ENGINES(a_resolver_that_is_gone)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in at;
	struct netproxy_datagram d;

	(void)close(local(SOCK_DGRAM, &at));
	memcpy(&ss, &at, sizeof(at));
	cfg.resolver[0] = ip_of_sockaddr(&ss);
	cfg.n_resolvers = 1;
	up(*engine, "all", true);
	cr_assert_eq(bind_udp(0).error, 0);
	for (unsigned i = 0; i < 2; i++) {
		ask(QUERY, sizeof(QUERY) - 1);
		d = datagram();
		cr_expect_eq(d.error, ECONNREFUSED);
		cr_expect_eq(d.addr.addr[3], 53);
	}
	cfg.n_resolvers = 0;
	down();
}

BOTH_ENGINES(the_next_resolver_is_asked_again)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in at, from;
	socklen_t len = sizeof(from);
	uint16_t ports[2];
	int fd[2];

	for (unsigned i = 0; i < 2; i++) {
		fd[i] = local(SOCK_DGRAM, &at);
		memcpy(&ss, &at, sizeof(at));
		cfg.resolver[i] = ip_of_sockaddr(&ss);
	}
	cfg.n_resolvers = 2;
	up(*engine, "all", true);
	cr_assert_eq(bind_udp(0).error, 0);
	for (unsigned i = 0; i < 4; i++) {
		ask(QUERY, sizeof(QUERY) - 1);
		cr_expect_eq(recvfrom(fd[i % 2], got, sizeof(got), 0,
				      (struct sockaddr *)&from, &len),
			     sizeof(QUERY) - 1, "%u", i);
		if (i < 2)
			ports[i] = from.sin_port;
	}
	cr_expect_neq(ports[0], ports[1]);
	(void)close(fd[0]);
	(void)close(fd[1]);
	fds -= 2;
	cfg.n_resolvers = 0;
	down();
}

BOTH_ENGINES(names_that_are_not_allowed)
{
	up(*engine, "b.test:80", true);
	cr_assert_eq(bind_udp(0).error, 0);
	ask(QUERY, sizeof(QUERY) - 1);
	(void)datagram();
	cr_expect_eq(sock_got.data[sizeof(struct netproxy_datagram) + 3] & 15,
		     5);
	ask(QUERY, 11); /* no message at all */
	cr_expect_not(sock_recv());
	down();
}

BOTH_ENGINES(a_host_without_a_resolver)
{
	up(*engine, "all", true);
	cr_assert_eq(bind_udp(0).error, 0);
	ask(QUERY, sizeof(QUERY) - 1);
	(void)datagram();
	cr_expect_eq(sock_got.data[sizeof(struct netproxy_datagram) + 3] & 15,
		     2);
	down();
}
