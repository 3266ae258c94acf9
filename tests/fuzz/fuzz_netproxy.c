/* fuzz_netproxy.c: the guest's network under a guest driven by a fuzzer, over
 * the socket device, with real sockets of 127.0.0.1: one listener, one
 * published TCP port, one published UDP port, one name server.
 *
 * Input: steps of 3 bytes, each with up to 63 bytes behind it. The oracle:
 * the host's listener is the only one that is ever reached; no connection has
 * more bytes waiting than its buffer holds; at the end there is none, nothing
 * is in flight and no descriptor is left. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "net/netproxy_priv.h"
#include "tests/support/loop_turns.h"
#include "tests/support/vdriver.h"
#include "virtio/mmio.h"
#include "virtio/vsock_priv.h"

#define RAM     0x20000u
#define RINGS   0x1000u
#define BUFS    0x8000u /* receive buffers */
#define BUF_LEN 0x1000u
#define RING    16u
#define CONNS   5u
#define PEERS   8u
#define FD_END  64 /* descriptors are below */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t ram[RAM];
static struct loop *loop;
static struct vdev *v;
static struct netproxy *np;
static struct policy policy;
static struct vdriver drv[VSOCK_QUEUES];
static struct netproxy_publish publish[2];
static struct ip_port here; /* the listener, and the name server by UDP */
static int listen_fd, udp_fd;
static int peer[PEERS];
static unsigned n_peers;
static unsigned fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < FD_END; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct netproxy_publish p = { .guest_port = 1 };
	struct err err = { 0 };
	int r;

	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	r = loop_new(8, LOOP_POLL, &loop, &err);
	CHECK(r == 0);
	/* all four by the unit's own hand */
	p.host.ip = ip_of_v4((const uint8_t[]){ 127, 0, 0, 1 });
	for (unsigned i = 0; i < 2; i++) {
		publish[i] = p;
		publish[i].guest_port = 80;
		publish[i].udp = i == 1;
		r = netproxy_bind(&publish[i], &err);
		CHECK(r == 0);
	}
	r = netproxy_bind(&p, &err);
	CHECK(r == 0);
	listen_fd = p.fd;
	r = listen(listen_fd, PEERS);
	CHECK(r == 0);
	here = p.host;
	p.udp = true; /* the same port: one rule for both */
	r = netproxy_bind(&p, &err);
	CHECK(r == 0);
	udp_fd = p.fd;
	return 0;
}

static void fire(void *ctx)
{
	(void)ctx;
}

static int nobody(void *ctx, uint32_t port, bool seqpacket)
{
	(void)ctx;
	(void)port;
	(void)seqpacket;
	return -ECONNREFUSED;
}

/* --- the guest --------------------------------------------------------------- */

static const uint32_t ports[] = {
	NETPROXY_PORT_TCP,           NETPROXY_PORT_LISTEN,
	NETPROXY_PORT_UDP,           NETPROXY_PORT_FIRST + 0x100,
	NETPROXY_PORT_FIRST + 0x101, 5
};

static void packet(unsigned which, uint16_t op, uint32_t flags,
		   const void *data, uint32_t len)
{
	const uint32_t port = ports[which % ARRAY_SIZE(ports)];
	const bool in = which % ARRAY_SIZE(ports) > 2;
	const gpa_t gpa = 0x4000;
	const struct vsock_hdr h = {
		.src_cid = le64_of(42),
		.dst_cid = le64_of(2),
		.src_port = le32_of(in ? NETPROXY_PORT_INCOMING : which / 8),
		.dst_port = le32_of(port),
		.len = le32_of(len),
		.type = le16_of(port == NETPROXY_PORT_UDP ? 2 : 1),
		.op = le16_of(op),
		.flags = le32_of(flags),
		.buf_alloc = le32_of(0x10000),
	};
	const struct vdriver_buf b[] = { { gpa, sizeof(h), false },
					 { gpa + 64, len, false } };

	memcpy(ram + gpa, &h, sizeof(h));
	if (len)
		memcpy(ram + gpa + 64, data, len);
	(void)vdriver_add(&drv[VSOCK_TX], b, len ? 2 : 1);
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, VSOCK_TX);
}

/* A request that is right but for what the input changes. */
static void request(unsigned which, const uint8_t *bytes, size_t len)
{
	struct netproxy_request req = { .magic = NETPROXY_MAGIC };
	uint8_t out[sizeof(req) + 64];

	req.addr = ip_to_wire(&here, NETPROXY_INET, &here.ip);
	if (ports[which % ARRAY_SIZE(ports)] != NETPROXY_PORT_TCP)
		req.addr.port = 80;
	req.backlog = ports[which % ARRAY_SIZE(ports)] == NETPROXY_PORT_LISTEN;
	memcpy(out, &req, sizeof(req));
	if (len >= 2)
		out[bytes[0] % sizeof(req)] ^= bytes[1];
	packet(which, VSOCK_OP_RW, VSOCK_SEQ_EOM, out, sizeof(req));
}

static void datagram(unsigned which, const uint8_t *bytes, size_t len)
{
	static const struct ip_port *const to[] = { &here, &np_resolver };
	struct netproxy_datagram d = { 0 };
	uint8_t out[sizeof(d) + 64];

	d.addr = ip_to_wire(to[len % 2], NETPROXY_INET, &here.ip);
	memcpy(out, &d, sizeof(d));
	memcpy(out + sizeof(d), bytes, len);
	packet(which, VSOCK_OP_RW, VSOCK_SEQ_EOM, out,
	       (uint32_t)(sizeof(d) + len));
}

/* --- the host ---------------------------------------------------------------- */

static void keep_peer(int fd)
{
	if (fd < 0)
		return;
	if (n_peers < PEERS)
		peer[n_peers++] = fd;
	else
		(void)close(fd);
}

static void client(void)
{
	struct sockaddr_storage ss;
	const socklen_t len = ip_to_sockaddr(&publish[0].host, false, &ss);
	const int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)connect(fd, (struct sockaddr *)&ss, len); /* or refused */
	keep_peer(fd);
}

/* Whoever wrote last to the name server hears these bytes. */
static void answer(const uint8_t *bytes, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	uint8_t buf[64], out[64];

	if (recvfrom(udp_fd, buf, sizeof(buf), MSG_DONTWAIT,
		     (struct sockaddr *)&ss, &n) < 0)
		return;
	memcpy(out, bytes, len);
	if (len >= 2) /* the number of the question */
		memcpy(out, buf, 2);
	(void)sendto(udp_fd, out, len, 0, (struct sockaddr *)&ss, n);
}

static void to_published(const uint8_t *bytes, size_t len)
{
	struct sockaddr_storage ss;
	const socklen_t n = ip_to_sockaddr(&publish[1].host, false, &ss);

	(void)sendto(udp_fd, bytes, len, 0, (struct sockaddr *)&ss, n);
}

static void peer_step(unsigned what, const uint8_t *bytes, size_t len)
{
	static const struct linger at_once = { .l_onoff = 1 };
	const unsigned i = n_peers ? what / 4 % n_peers : 0;
	char buf[4096];

	if (n_peers == 0)
		return;
	switch (what % 4) {
	case 0:
		(void)send(peer[i], bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 1:
		(void)recv(peer[i], buf, sizeof(buf), MSG_DONTWAIT);
		break;
	case 2:
		(void)shutdown(peer[i], SHUT_WR);
		break;
	default:
		if (len % 2)
			(void)setsockopt(peer[i], SOL_SOCKET, SO_LINGER,
					 &at_once, sizeof(at_once));
		(void)close(peer[i]);
		peer[i] = peer[--n_peers];
		break;
	}
}

/* --- steps ------------------------------------------------------------------- */

static void offer_buffers(void)
{
	for (unsigned i = 0; i < RING - 2; i++) {
		const struct vdriver_buf b = { BUFS + i * BUF_LEN, BUF_LEN,
					       true };

		if ((uint16_t)(drv[VSOCK_RX].avail_idx -
			       vdriver_used_idx(&drv[VSOCK_RX])) >= RING - 2)
			break;
		(void)vdriver_add(&drv[VSOCK_RX], &b, 1);
	}
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, VSOCK_RX);
}

static void up(void)
{
	vdriver_init(&drv[0], ram, RINGS, RING);
	vdriver_init(&drv[1], ram, (drv[0].end + 15) & ~15ull, RING);
	vdriver_init(&drv[2], ram, (drv[1].end + 15) & ~15ull, 4);
	(void)vdriver_negotiate(v, VIRTIO_F_VERSION_1 | VSOCK_F_SEQPACKET);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		vdriver_set_queue(v, i, &drv[i]);
	vdriver_go(v);
	offer_buffers();
}

static void step(unsigned kind, unsigned which, const uint8_t *bytes,
		 size_t len)
{
	switch (kind % 16) {
	case 0:
		packet(which, VSOCK_OP_REQUEST, 0, NULL, 0);
		break;
	case 1:
	case 2:
		packet(which, VSOCK_OP_RW, kind / 16, bytes, (uint32_t)len);
		break;
	case 3:
	case 4:
		request(which, bytes, len);
		break;
	case 5:
		datagram(which, bytes, len);
		break;
	case 6:
		packet(which, VSOCK_OP_RESPONSE, 0, NULL, 0);
		break;
	case 7:
		packet(which, VSOCK_OP_SHUTDOWN, kind / 16 % 4, NULL, 0);
		break;
	case 8:
		packet(which, VSOCK_OP_RST, 0, NULL, 0);
		break;
	case 9:
		client();
		break;
	case 10:
		keep_peer(accept4(listen_fd, NULL, NULL,
				  SOCK_NONBLOCK | SOCK_CLOEXEC));
		break;
	case 11:
		peer_step(which, bytes, len);
		break;
	case 12:
		answer(bytes, len);
		break;
	case 13:
		to_published(bytes, len);
		break;
	case 14:
		loop_turns(loop);
		offer_buffers();
		break;
	default:
		if (which % 8 == 0) {
			vdriver_set_reg(v, MMIO_REG_STATUS, 0);
			up();
		}
		break;
	}
}

static void check_all(void)
{
	const struct vsock *s = vsock_of(v);

	for (unsigned i = 0; i < CONNS; i++) {
		const struct vsock_conn *c = &s->conn[i];

		if (c->state == VSOCK_FREE)
			continue;
		CHECK(vsock_queued(c) <= VSOCK_BUF_LEN);
		CHECK(c->part <= vsock_queued(c));
		CHECK(c->staged_at + c->staged <= VSOCK_BUF_LEN);
		CHECK(c->is_ready || !c->owes);
		CHECK(c->role != VSOCK_RAW || c->fd >= 0 ||
		      c->state == VSOCK_DEAD);
	}
	for (unsigned i = 0; i < 2; i++)
		CHECK(np->listener[i].budget <= np->listener[i].backlog);
}

static void begin(const struct gmem *mem)
{
	struct netproxy_config ncfg = { .loop = loop,
					.policy = &policy,
					.publish = publish,
					.n_publish = 2,
					.n_resolvers = 1 };
	struct vsock_config cfg = { .loop = loop,
				    .mem = mem,
				    .irq = { fire, NULL },
				    .cid = 42,
				    .conns = CONNS,
				    .listen_fd = -1,
				    .listen_seqpacket_fd = -1,
				    .connect_port = nobody,
				    .service = &netproxy_service };
	struct policy_rule *rule = &policy.rule[0];
	struct err err = { 0 };
	int r;

	policy = (struct policy){ .n_rules = 2 };
	*rule = (struct policy_rule){ .net = here.ip,
				      .prefix = IP_PREFIX_MAX,
				      .port_first = here.port,
				      .port_last = here.port };
	rule[1] = (struct policy_rule){
		.is_name = true, .port_first = 1, .port_last = 1, .name = "a"
	};
	ncfg.resolver[0] = here;
	r = netproxy_new(&ncfg, &np, &err);
	CHECK(r == 0);
	cfg.service_ctx = np;
	r = vsock_new(&cfg, &v, &err);
	CHECK(r == 0);
	n_peers = 0;
}

static void end(void)
{
	char byte;
	int r;

	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	r = loop_run(loop, NULL, true);
	CHECK(r == 0 && vsock_connections(v) == 0);
	vdev_free(v);
	netproxy_free(np);
	while (n_peers > 0)
		(void)close(peer[--n_peers]);
	for (int fd; (fd = accept(listen_fd, NULL, NULL)) >= 0;)
		(void)close(fd);
	while (recv(udp_fd, &byte, 1, MSG_DONTWAIT) >= 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const unsigned before = fds();
	struct gmem mem;

	gmem_init_borrowed(&mem, 0, ram, RAM);
	begin(&mem);
	loop_lock(loop);
	up();
	for (unsigned i = 0; i < 100 && len >= 3; i++) {
		const size_t n =
			data[2] % 64 < len - 3 ? data[2] % 64 : len - 3;

		step(data[0], data[1], data + 3, n);
		check_all();
		data += 3 + n;
		len -= 3 + n;
	}
	end();
	CHECK(fds() == before);
	return 0;
}
