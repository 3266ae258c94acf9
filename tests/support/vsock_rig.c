/* vsock_rig.c: see vsock_rig.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vsock_rig.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "cli/unix_path.h"
#include "virtio/mmio.h"

#define RINGS     0x1000u /* 16 KiB for each */
#define TX_AT     0x10000u
#define TX_SLOTS  16u
#define TX_LEN    (128u << 10)
#define RX_AT     (TX_AT + TX_SLOTS * TX_LEN)
#define PATIENCE  5000u /* ms until something that should come does not */
#define NS_PER_MS 1000000u

struct vsock_rig sock;
_Alignas(4096) uint8_t sock_ram[SOCK_RAM];
struct sock_packet sock_got;

static struct {
	struct loop_op op;
	_Atomic bool stop;
} alarm_;

static void fire(void *ctx)
{
	(void)ctx;
	sock.fired++;
}

static void path_of(char *path, size_t len, const char *suffix, uint32_t port)
{
	int n = port == UINT32_MAX
			? snprintf(path, len, "%s/s%s", sock.dir, suffix)
			: snprintf(path, len, "%s/s_%u", sock.dir, port);

	CHECK(n > 0 && (size_t)n < len);
}

static int connect_port(void *ctx, uint32_t port, bool seqpacket)
{
	char path[64];
	int fd, r;

	(void)ctx;
	if (sock.busy > 0) {
		sock.busy--;
		return -EAGAIN;
	}
	fd = socket(AF_UNIX,
		    (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK |
			    SOCK_CLOEXEC,
		    0);
	path_of(path, sizeof(path), "", port);
	r = unix_connect(fd, path);
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

static int listen_at(const char *path, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = unix_bind(fd, path);

	CHECK(fd >= 0 && r == 0);
	r = listen(fd, 128);
	CHECK(r == 0);
	return fd;
}

/* --- life ------------------------------------------------------------------ */

void sock_create(enum loop_engine engine)
{
	struct err err = { 0 };
	int r = loop_new(64, engine, &sock.loop, &err);
	char path[64], *d;

	CHECK(r == 0);
	(void)strcpy(sock.dir, "/tmp/mayfly-sock-XXXXXX");
	d = mkdtemp(sock.dir);
	CHECK(d);
	gmem_init_borrowed(&sock.mem, 0, sock_ram, sizeof(sock_ram));
	sock.cfg.loop = sock.loop;
	sock.cfg.mem = &sock.mem;
	sock.cfg.irq = (struct irq_line){ fire, NULL };
	sock.cfg.cid = SOCK_CID;
	if (!sock.cfg.conns)
		sock.cfg.conns = VSOCK_CONNS_MAX;
	path_of(path, sizeof(path), "", UINT32_MAX);
	sock.cfg.listen_fd = listen_at(path, SOCK_STREAM);
	path_of(path, sizeof(path), ".seqpacket", UINT32_MAX);
	sock.cfg.listen_seqpacket_fd = listen_at(path, SOCK_SEQPACKET);
	sock.cfg.connect_port = connect_port;
	sock.alloc = 256u << 10;
	if (sock.prepare)
		sock.prepare();
	r = vsock_new(&sock.cfg, &sock.v, &err);
	CHECK(r == 0);
}

static gpa_t rx_gpa(unsigned i)
{
	return RX_AT + (gpa_t)i * sock.rx_len;
}

static void offer(unsigned i)
{
	const struct vdriver_buf b = { rx_gpa(i), sock.rx_len, true };
	struct vdriver *d = &sock.drv[VSOCK_RX];

	d->next_desc = (uint16_t)i;
	(void)vdriver_add(d, &b, 1);
}

void sock_add_buffers(unsigned n)
{
	static unsigned at;
	struct vdriver *d = &sock.drv[VSOCK_RX];

	if (d->avail_idx == 0)
		at = 0;
	for (; n > 0; n--, at++)
		offer(at % SOCK_RING);
	sock_kick(VSOCK_RX);
}

void sock_drive(uint64_t features, unsigned n, unsigned len)
{
	bool ok;

	loop_lock(sock.loop);
	sock.rx_len = len;
	CHECK(rx_gpa(SOCK_RING) <= SOCK_RAM);
	ok = vdriver_negotiate(sock.v, features);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++) {
		vdriver_init(&sock.drv[i], sock_ram, RINGS + i * 0x4000,
			     SOCK_RING);
		vdriver_set_queue(sock.v, i, &sock.drv[i]);
	}
	vdriver_go(sock.v);
	loop_unlock(sock.loop);
	CHECK(ok && vdev_live(sock.v));
	if (n > 0)
		sock_add_buffers(n);
}

void sock_up(enum loop_engine engine)
{
	sock_create(engine);
	sock_drive(VIRTIO_F_VERSION_1 | VSOCK_F_STREAM | VSOCK_F_SEQPACKET,
		   SOCK_RX_N, SOCK_RX_LEN);
}

static void remove_dir(void)
{
	DIR *d = opendir(sock.dir);
	const struct dirent *e;

	CHECK(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	(void)rmdir(sock.dir);
}

void sock_down(void)
{
	int r;

	loop_lock(sock.loop);
	vdev_shutdown(sock.v);
	loop_unlock(sock.loop);
	r = loop_run(sock.loop, NULL, true);
	CHECK(r == 0 && vsock_connections(sock.v) == 0);
	for (unsigned i = 0; i < VSOCK_QUEUES; i++)
		CHECK(sock.v->queue[i].in_flight == 0);
	vdev_free(sock.v);
	loop_free(sock.loop);
	(void)close(sock.cfg.listen_fd);
	(void)close(sock.cfg.listen_seqpacket_fd);
	remove_dir();
	sock = (struct vsock_rig){ 0 };
}

void sock_reset(void)
{
	loop_lock(sock.loop);
	vdriver_set_reg(sock.v, MMIO_REG_STATUS, 0);
	loop_unlock(sock.loop);
}

static void on_alarm(struct loop_op *op, int res)
{
	(void)op;
	(void)res;
	atomic_store(&alarm_.stop, true);
}

void sock_run(unsigned ms)
{
	int r;

	alarm_.op.done = on_alarm;
	atomic_store(&alarm_.stop, false);
	loop_lock(sock.loop);
	r = loop_timer(sock.loop, &alarm_.op,
		       clock_mono_ns() + (uint64_t)ms * NS_PER_MS);
	loop_unlock(sock.loop);
	CHECK(r == 0);
	r = loop_run(sock.loop, &alarm_.stop, false);
	CHECK(r == 0);
}

/* --- the guest ------------------------------------------------------------- */

void sock_kick(unsigned queue)
{
	loop_lock(sock.loop);
	vdriver_set_reg(sock.v, MMIO_REG_QUEUE_NOTIFY, queue);
	while (vdev_again(sock.v))
		;
	loop_unlock(sock.loop);
}

struct vsock_hdr sock_header(uint16_t type, uint16_t op, uint32_t guest_port,
			     uint32_t host_port, uint32_t len)
{
	return (struct vsock_hdr){
		.src_cid = le64_of(SOCK_CID),
		.dst_cid = le64_of(VSOCK_CID_HOST),
		.src_port = le32_of(guest_port),
		.dst_port = le32_of(host_port),
		.len = le32_of(len),
		.type = le16_of(type),
		.op = le16_of(op),
		.buf_alloc = le32_of(sock.alloc),
	};
}

void sock_send_raw(const struct vsock_hdr *h, const void *data,
		   uint32_t present)
{
	const gpa_t gpa = TX_AT + (sock.tx_slot++ % TX_SLOTS) * TX_LEN;
	const struct vdriver_buf b[] = { { gpa, sizeof(*h), false },
					 { gpa + sizeof(*h), present, false } };
	struct vdriver *d = &sock.drv[VSOCK_TX];

	CHECK(sizeof(*h) + present <= TX_LEN);
	memcpy(sock_ram + gpa, h, sizeof(*h));
	if (present)
		memcpy(sock_ram + gpa + sizeof(*h), data, present);
	d->next_desc = (uint16_t)(d->next_desc % (SOCK_RING - 1));
	(void)vdriver_add(d, b, present ? 2 : 1);
	if (!sock.lazy)
		sock_kick(VSOCK_TX);
}

void sock_send(uint16_t type, uint16_t op, uint32_t guest_port,
	       uint32_t host_port, uint32_t flags, const void *data,
	       uint32_t len)
{
	struct vsock_hdr h = sock_header(type, op, guest_port, host_port, len);

	h.flags = le32_of(flags);
	sock_send_raw(&h, data, len);
}

bool sock_recv_keep(void)
{
	struct vsock_hdr h;
	uint32_t head;

	for (unsigned ms = 0;
	     !vdriver_used(&sock.drv[VSOCK_RX], &head, &sock_got.used);
	     ms += 2) {
		if (ms >= 200)
			return false;
		sock_run(2);
	}
	CHECK(sock_got.used >= sizeof(h) && sock_got.used <= sock.rx_len);
	memcpy(&h, sock_ram + rx_gpa(head), sizeof(h));
	sock_got.src_cid = le64_get(h.src_cid);
	sock_got.dst_cid = le64_get(h.dst_cid);
	sock_got.src_port = le32_get(h.src_port);
	sock_got.dst_port = le32_get(h.dst_port);
	sock_got.len = le32_get(h.len);
	sock_got.type = le16_get(h.type);
	sock_got.op = le16_get(h.op);
	sock_got.flags = le32_get(h.flags);
	sock_got.buf_alloc = le32_get(h.buf_alloc);
	sock_got.fwd_cnt = le32_get(h.fwd_cnt);
	CHECK(sock_got.used == sizeof(h) + sock_got.len);
	memcpy(sock_got.data, sock_ram + rx_gpa(head) + sizeof(h),
	       sock_got.len);
	return true;
}

bool sock_recv(void)
{
	if (!sock_recv_keep())
		return false;
	sock_add_buffers(1);
	return true;
}

bool sock_recv_op(uint16_t op)
{
	return sock_recv() && sock_got.op == op;
}

/* --- the host -------------------------------------------------------------- */

int sock_listen(uint32_t port, int type)
{
	char path[64];

	path_of(path, sizeof(path), "", port);
	return listen_at(path, type);
}

int sock_accept(int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

int sock_client(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;
	char path[64];

	path_of(path, sizeof(path), type == SOCK_STREAM ? "" : ".seqpacket",
		UINT32_MAX);
	r = unix_connect(fd, path);
	CHECK(r == 0);
	return fd;
}

void sock_write(int fd, const void *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	CHECK(n == (ssize_t)len);
}

ssize_t sock_read(int fd, void *data, size_t len)
{
	for (unsigned ms = 0; ms < PATIENCE; ms += 2) {
		ssize_t n = recv(fd, data, len, 0);

		if (n >= 0)
			return n;
		if (errno != EAGAIN)
			return -1;
		sock_run(2);
	}
	return -1;
}

bool sock_read_all(int fd, void *data, size_t len)
{
	uint8_t *to = data;

	while (len > 0) {
		ssize_t n = sock_read(fd, to, len);

		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

bool sock_closed(int fd)
{
	struct pollfd p = { .fd = fd };

	for (unsigned ms = 0; ms < PATIENCE; ms += 2) {
		if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
			return true;
		sock_run(2);
	}
	return false;
}

static int type_of(uint16_t type)
{
	return type == VSOCK_TYPE_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
}

int sock_guest_connect(uint16_t type, uint32_t guest_port, uint32_t host_port)
{
	int l = sock_listen(host_port, type_of(type)), fd;
	char path[64];
	bool ok;

	sock_send(type, VSOCK_OP_REQUEST, guest_port, host_port, 0, NULL, 0);
	ok = sock_recv_op(VSOCK_OP_RESPONSE);
	CHECK(ok && sock_got.src_port == host_port &&
	      sock_got.dst_port == guest_port);
	fd = sock_accept(l);
	(void)close(l);
	path_of(path, sizeof(path), "", host_port);
	(void)unlink(path);
	return fd;
}

int sock_host_connect(uint16_t type, uint32_t guest_port, uint32_t *ret_port)
{
	int fd = sock_client(type_of(type));
	char line[40], want[40];
	ssize_t n;
	bool ok;

	(void)snprintf(line, sizeof(line), "CONNECT %u\n", guest_port);
	sock_write(fd, line, strlen(line));
	ok = sock_recv_op(VSOCK_OP_REQUEST);
	CHECK(ok && sock_got.dst_port == guest_port && sock_got.type == type);
	*ret_port = sock_got.src_port;
	sock_send(type, VSOCK_OP_RESPONSE, guest_port, *ret_port, 0, NULL, 0);
	(void)snprintf(want, sizeof(want), "OK %u\n", *ret_port);
	n = sock_read(fd, line, strlen(want));
	CHECK(n == (ssize_t)strlen(want) && memcmp(line, want, (size_t)n) == 0);
	return fd;
}

uint64_t sock_counter(const char *name)
{
	for (struct metric *const *m = vsock_metrics; *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return metric_get(*m);
	CHECK(!"a counter");
	return 0;
}

unsigned sock_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	CHECK(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}
