/* fuzz_vsock.c: the socket device under rings written by a fuzzer and peers
 * driven by it, over a real loop and real Unix sockets.
 *
 * Input: modes, n, n steps of 3 bytes, and the bytes of guest memory from
 * RINGS on. The oracle: bytes around RAM stay as they are; between steps no
 * chain is in flight; no connection has more bytes waiting than its buffer
 * holds, none is sent more than the credit it gave; the host reads no byte
 * that was not counted; there are never more connections than slots; after a
 * reset and at the end there is none, and no descriptor is left. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/loop_turns.h"
#include "tests/support/vdriver.h"
#include "tests/support/walls.h"
#include "virtio/mmio.h"
#include "virtio/vsock_priv.h"

#define RAM    0x8000u
#define RINGS  0x100u
#define BUFS   0x2000u /* receive buffers of the well-behaved steps */
#define CONNS  5u
#define PEERS  16u
#define FD_END 64 /* descriptors are below */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static struct loop *loop;
static struct vdev *v;
static struct vdriver drv[VSOCK_QUEUES];
static int listen_fd[2];
static struct sockaddr_un listen_at[2];
static socklen_t listen_len[2];
static int peer[PEERS];
static unsigned n_peers;
static bool busy; /* connect_port says: later */
static unsigned fds_before;
static unsigned fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < FD_END; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Any name the kernel likes, in no file system. */
static void listen_on(unsigned i, int type)
{
	listen_len[i] = sizeof(listen_at[i]);
	listen_fd[i] = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(listen_fd[i] >= 0);
	listen_at[i].sun_family = AF_UNIX;
	int r = bind(listen_fd[i], (struct sockaddr *)&listen_at[i],
		     sizeof(sa_family_t));

	CHECK(r == 0);
	r = getsockname(listen_fd[i], (struct sockaddr *)&listen_at[i],
			&listen_len[i]);
	CHECK(r == 0);
	r = listen(listen_fd[i], (int)PEERS);
	CHECK(r == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err = { 0 };
	int r;

	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	listen_on(0, SOCK_STREAM);
	listen_on(1, SOCK_SEQPACKET);
	r = loop_new(8, LOOP_POLL, &loop, &err);
	CHECK(r == 0);
	return 0;
}

static void fire(void *ctx)
{
	(void)ctx;
}

static void keep_peer(int fd)
{
	if (n_peers < PEERS)
		peer[n_peers++] = fd;
	else
		(void)close(fd);
}

static int connect_port(void *ctx, uint32_t port, bool seqpacket)
{
	int pair[2];

	(void)ctx;
	if (port % 4 == 3)
		return -ECONNREFUSED;
	if (busy || n_peers == PEERS)
		return -EAGAIN;
	if (socketpair(AF_UNIX,
		       (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) |
			       SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0, pair))
		return -errno;
	keep_peer(pair[1]);
	return pair[0];
}

static void new_client(unsigned kind, const uint8_t *p)
{
	char line[] = "CONNECT 1\nmore";
	const unsigned n = p[1] % sizeof(line);
	int fd, r;

	if (n_peers == PEERS)
		return;
	fd = socket(AF_UNIX,
		    (kind ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK |
			    SOCK_CLOEXEC,
		    0);
	CHECK(fd >= 0);
	line[8] = (char)('0' + p[2] % 11);
	r = connect(fd, (const struct sockaddr *)&listen_at[kind],
		    listen_len[kind]);
	if (r == 0)
		(void)send(fd, line, kind ? 10 : n, MSG_NOSIGNAL);
	keep_peer(fd);
}

static void check_all(void)
{
	const struct vsock *s = vsock_of(v);
	unsigned n = 0;

	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		CHECK(v->queue[i].in_flight == 0);
	CHECK(s->n_rsts <= VSOCK_RSTS_MAX);
	for (unsigned i = 0; i < CONNS; i++) {
		const struct vsock_conn *c = &s->conn[i];

		if (c->state == VSOCK_FREE)
			continue;
		n++;
		CHECK(vsock_queued(c) <= VSOCK_BUF_LEN);
		CHECK(c->rx_cnt - c->told_cnt <= VSOCK_BUF_LEN);
		CHECK(c->part <= vsock_queued(c));
		CHECK(c->fwd_cnt - c->told_cnt <= c->rx_cnt - c->told_cnt);
		CHECK((int32_t)(c->tx_cnt - c->peer_fwd) >= 0);
		CHECK(c->staged_at + c->staged <= VSOCK_BUF_LEN);
		CHECK(c->is_ready || !c->owes);
	}
	CHECK(n == s->n_conns && n <= CONNS);
}

static void up(uint64_t features)
{
	(void)vdriver_negotiate(v, features & v->offered);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		vdriver_set_queue(v, i, &drv[i]);
	vdriver_go(v);
}

/* A packet as a driver would send it, more or less. */
static void good_packet(const uint8_t *p)
{
	static const uint32_t lens[] = { 0, 1, 44, 300, 4096, 16000 };
	const gpa_t gpa = 0x1000;
	const uint16_t op = p[1] % 8;
	const uint32_t len =
		op == VSOCK_OP_RW ? lens[p[2] / 8 % ARRAY_SIZE(lens)] : 0;
	const struct vsock_hdr h = {
		.src_cid = le64_of(42),
		.dst_cid = le64_of(2),
		.src_port = le32_of(p[2] % 2),
		.dst_port =
			le32_of(p[1] & 128 ? VSOCK_PORT_FIRST : p[1] / 16 % 4),
		.len = le32_of(len),
		.type = le16_of(1 + p[2] / 4 % 2),
		.op = le16_of(op),
		.flags = le32_of(p[2] / 64),
		.buf_alloc = le32_of(1u << p[1] / 32 * 3),
		.fwd_cnt = le32_of(p[1] & 8 ? p[2] * 7 : 0),
	};
	const struct vdriver_buf b[] = { { gpa, sizeof(h), false },
					 { gpa + 64, len, false } };

	memcpy(ram + gpa, &h, sizeof(h));
	(void)vdriver_add(&drv[VSOCK_TX], b, len ? 2 : 1);
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, VSOCK_TX);
}

static void peer_step(const uint8_t *p)
{
	static uint8_t bytes[VSOCK_BUF_LEN + 1];
	const unsigned i = n_peers ? p[1] / 8 % n_peers : 0;

	if (n_peers == 0)
		return;
	switch (p[1] % 8) {
	case 0:
	case 1:
		(void)send(peer[i], bytes, p[2] * 8u, MSG_NOSIGNAL);
		break;
	case 2:
		(void)send(peer[i], bytes, p[2] % 2 ? sizeof(bytes) : 0,
			   MSG_NOSIGNAL);
		break;
	case 3:
	case 4:
		(void)recv(peer[i], bytes, p[2] * 256u, 0);
		break;
	case 5:
		(void)shutdown(peer[i], p[2] % 3);
		break;
	default:
		(void)close(peer[i]);
		peer[i] = peer[--n_peers];
		break;
	}
}

static void step(const uint8_t *p, uint64_t features)
{
	const struct vdriver_buf b = { BUFS + (p[2] % 4) * 0x1000u,
				       45u + p[1] * 16u, true };

	switch (p[0] % 12) {
	case 0: /* whatever the input has in its rings */
		vdriver_publish(&drv[p[1] % 3],
				(uint16_t)(drv[p[1] % 3].avail_idx + p[2] % 4));
		vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, p[1] % 3);
		break;
	case 1:
	case 2:
	case 3:
		good_packet(p);
		break;
	case 4:
	case 5:
		(void)vdriver_add(&drv[VSOCK_RX], &b, 1);
		vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, VSOCK_RX);
		break;
	case 6:
		loop_turns(loop);
		break;
	case 7:
		peer_step(p);
		break;
	case 8:
		new_client(p[0] / 16 % 2, p);
		break;
	case 9:
		busy = p[1] % 2;
		(void)vdev_again(v);
		break;
	case 10:
		vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, p[1] % 3);
		vdriver_set_reg(v, MMIO_REG_QUEUE_READY, p[2] % 2);
		break;
	default:
		vdriver_set_reg(v, MMIO_REG_STATUS, 0);
		CHECK(v->status == 0);
		if (p[1] % 4)
			up(features);
		break;
	}
}

static void make(const struct gmem *mem)
{
	const struct vsock_config cfg = { .loop = loop,
					  .mem = mem,
					  .irq = { fire, NULL },
					  .cid = 42,
					  .conns = CONNS,
					  .listen_fd = listen_fd[0],
					  .listen_seqpacket_fd = listen_fd[1],
					  .connect_port = connect_port };
	struct err err = { 0 };
	int r = vsock_new(&cfg, &v, &err);

	CHECK(r == 0);
	n_peers = 0;
	busy = false;
	vdriver_init(&drv[0], ram, RINGS, 16);
	vdriver_init(&drv[1], ram, (drv[0].end + 15) & ~15ull, 16);
	vdriver_init(&drv[2], ram, (drv[1].end + 15) & ~15ull, 4);
}

/* Clients that nobody accepted would meet the next input's device. */
static void end(void)
{
	int r;

	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	r = loop_run(loop, NULL, true);
	CHECK(r == 0 && vsock_connections(v) == 0);
	vdev_free(v);
	while (n_peers > 0)
		(void)close(peer[--n_peers]);
	for (unsigned i = 0; i < 2; i++)
		for (int fd; (fd = accept(listen_fd[i], NULL, NULL)) >= 0;)
			(void)close(fd);
	CHECK(fds() == fds_before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gmem mem;
	uint64_t features;
	size_t steps, n;

	if (len < 2)
		return 0;
	steps = data[1] % 64;
	if (len < 2 + 3 * steps)
		return 0;
	walls_build(host, RAM);
	fds_before = fds();
	gmem_init_borrowed(&mem, 0, ram, RAM);
	make(&mem);
	features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC |
		   (data[0] & 1 ? VIRTIO_F_EVENT_IDX : 0) |
		   (data[0] & 2 ? 0 : VSOCK_F_SEQPACKET);
	n = len - 2 - 3 * steps;
	memcpy(ram + RINGS, data + 2 + 3 * steps,
	       n < RAM - RINGS ? n : RAM - RINGS);
	loop_lock(loop);
	up(features);
	for (size_t i = 0; i < steps; i++) {
		step(data + 2 + 3 * i, features);
		check_all();
	}
	end();
	walls_check(host, RAM);
	return 0;
}
