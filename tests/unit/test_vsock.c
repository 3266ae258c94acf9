/* test_vsock.c: the socket device doing what it is for, between a guest on
 * plain memory and real Unix sockets, on both loop engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/vsock_rig.h"
#include "virtio/mmio.h"

#define ST VSOCK_TYPE_STREAM
#define SQ VSOCK_TYPE_SEQPACKET
#define G  1234u /* a port of the guest */
#define H  99u   /* of the host */

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(vsock, name)                              \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, vsock, name, .timeout = 60)

static uint8_t bytes[1u << 20], got[1u << 20];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251 + i / 65536);
}

/* The guest says how much it has read. */
static void credit(uint16_t op, uint32_t host_port, uint32_t fwd_cnt)
{
	struct vsock_hdr h = sock_header(ST, op, G, host_port, 0);

	h.fwd_cnt = le32_of(fwd_cnt);
	sock_send_raw(&h, NULL, 0);
}

/* --- what it says about itself --------------------------------------------- */

BOTH_ENGINES(configuration)
{
	uint64_t cid = 0;

	sock_create(*engine);
	cr_expect_eq(vdriver_reg(sock.v, MMIO_REG_DEVICE_ID), 19);
	mmio_read(sock.v, MMIO_REG_CONFIG, &cid, 8);
	cr_expect_eq(cid, SOCK_CID);
	cid = 0;
	mmio_read(sock.v, MMIO_REG_CONFIG + 1, &cid, 1);
	cr_expect_eq(cid, 0);
	cr_expect_eq(sock.v->ops->queues, 3);
	cr_expect_eq(sock.v->offered & 7, VSOCK_F_STREAM | VSOCK_F_SEQPACKET);
	sock_down();
}

/* --- guest to host --------------------------------------------------------- */

BOTH_ENGINES(guest_connects_and_talks)
{
	unsigned fds = sock_fds();
	int fd;

	fill();
	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	cr_expect_eq(sock_got.src_cid, VSOCK_CID_HOST);
	cr_expect_eq(sock_got.dst_cid, SOCK_CID);
	cr_expect_eq(sock_got.type, ST);
	cr_expect_eq(sock_got.buf_alloc, VSOCK_BUF_LEN);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, bytes, 1000);
	cr_assert(sock_read_all(fd, got, 1000));
	cr_expect_arr_eq(got, bytes, 1000);
	sock_write(fd, bytes, 500);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 500);
	cr_expect_eq(sock_got.fwd_cnt, 1000);
	cr_expect_eq(sock_got.flags, 0);
	cr_expect_arr_eq(sock_got.data, bytes, 500);
	cr_expect_eq(vsock_connections(sock.v), 1);
	close(fd);
	sock_down();
	cr_expect_eq(sock_fds(), fds, "a descriptor is left");
}

BOTH_ENGINES(nobody_listens)
{
	sock_up(*engine);
	sock_send(ST, VSOCK_OP_REQUEST, G, H, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(sock_got.src_port, H);
	cr_expect_eq(sock_got.dst_port, G);
	cr_expect_eq(vsock_connections(sock.v), 0);
	cr_expect_eq(sock_counter("refused_ports_vsock"), 1);
	/* a stream socket is no seqpacket socket */
	close(sock_listen(H, SOCK_STREAM));
	sock_send(SQ, VSOCK_OP_REQUEST, G, H, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(sock_got.type, SQ);
	sock_down();
}

BOTH_ENGINES(a_full_backlog_is_asked_again)
{
	int l, fd;

	sock_up(*engine);
	l = sock_listen(H, SOCK_STREAM);
	sock.busy = 3;
	sock_send(ST, VSOCK_OP_REQUEST, G, H, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RESPONSE));
	cr_expect_eq(sock.busy, 0);
	fd = sock_accept(l);
	sock.busy = UINT32_MAX;
	sock_send(ST, VSOCK_OP_REQUEST, G + 1, H, 0, NULL, 0);
	/* the guest thinks better of it */
	sock_send(ST, VSOCK_OP_RST, G + 1, H, 0, NULL, 0);
	cr_expect_eq(vsock_connections(sock.v), 1);
	sock_send(ST, VSOCK_OP_REQUEST, G + 2, H, 0, NULL, 0);
	sock_run(2200);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(sock_got.dst_port, G + 2);
	cr_expect_eq(sock_counter("time_outs_vsock"), 1);
	close(fd);
	close(l);
	sock_down();
}

/* Everything that the guest may send at once, and then what it may not. */
BOTH_ENGINES(a_stalled_reader_stalls_itself)
{
	const uint32_t piece = 8192;
	uint32_t sent = 0, fwd = 0;
	int slow, fd;

	fill();
	sock_up(*engine);
	slow = sock_guest_connect(ST, G, H);
	fd = sock_guest_connect(ST, G + 1, H + 1);
	while (sent - fwd < VSOCK_BUF_LEN) {
		sock_send(ST, VSOCK_OP_RW, G, H, 0, bytes + sent, piece);
		sent += piece;
		while (sent - fwd == VSOCK_BUF_LEN && sock_recv()) {
			cr_assert_eq(sock_got.op, VSOCK_OP_CREDIT_UPDATE);
			fwd = sock_got.fwd_cnt;
		}
		cr_assert_leq(sent, sizeof(bytes) - piece);
	}
	cr_expect_gt(sent, VSOCK_BUF_LEN, "nothing went through");
	/* the other one goes on */
	sock_send(ST, VSOCK_OP_RW, G + 1, H + 1, 0, bytes, 3000);
	cr_assert(sock_read_all(fd, got, 3000));
	sock_write(fd, "hello", 5);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.dst_port, G + 1);
	/* and the slow one when it is read */
	cr_assert(sock_read_all(slow, got, sent));
	cr_expect_arr_eq(got, bytes, sent);
	cr_assert(sock_recv_op(VSOCK_OP_CREDIT_UPDATE));
	do
		fwd = sock_got.fwd_cnt;
	while (fwd != sent && sock_recv_op(VSOCK_OP_CREDIT_UPDATE));
	cr_expect_eq(fwd, sent);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, bytes, 10);
	cr_assert(sock_read_all(slow, got, 10));
	cr_expect_eq(sock_counter("bad_credits_vsock"), 0);
	close(slow);
	close(fd);
	sock_down();
}

BOTH_ENGINES(credit_is_told_when_asked_for)
{
	int fd;

	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, bytes, 100);
	cr_expect_not(sock_recv(), "an update nobody needs");
	sock_send(ST, VSOCK_OP_CREDIT_REQUEST, G, H, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_CREDIT_UPDATE));
	cr_expect_eq(sock_got.fwd_cnt, 100);
	cr_expect_eq(sock_got.buf_alloc, VSOCK_BUF_LEN);
	close(fd);
	sock_down();
}

/* --- host to guest --------------------------------------------------------- */

BOTH_ENGINES(host_connects_and_talks)
{
	uint32_t port, second;
	int fd, other;

	fill();
	sock_up(*engine);
	fd = sock_host_connect(ST, G, &port);
	cr_expect_eq(port, VSOCK_PORT_FIRST);
	other = sock_host_connect(ST, G, &second);
	cr_expect_eq(second, VSOCK_PORT_FIRST + 1);
	sock_write(fd, bytes, 9);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.src_port, port);
	cr_expect_arr_eq(sock_got.data, bytes, 9);
	sock_send(ST, VSOCK_OP_RW, G, second, 0, "abc", 3);
	cr_assert(sock_read_all(other, got, 3));
	cr_expect_arr_eq(got, "abc", 3);
	close(fd);
	close(other);
	sock_down();
}

BOTH_ENGINES(connect_may_come_in_pieces)
{
	const char *line = "CONNECT 1234\nthat's not all";
	int fd;

	sock_up(*engine);
	fd = sock_client(SOCK_STREAM);
	for (const char *c = line; *c; c++) {
		sock_write(fd, c, 1);
		sock_run(2);
	}
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	cr_expect_eq(sock_got.dst_port, 1234);
	sock_send(ST, VSOCK_OP_RESPONSE, 1234, sock_got.src_port, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RW), "what came behind the line");
	cr_expect_eq(sock_got.len, 14);
	cr_expect_arr_eq(sock_got.data, "that's not all", 14);
	close(fd);
	sock_down();
}

BOTH_ENGINES(clients_run_out_of_time)
{
	unsigned fds;
	int silent, unheard;

	sock_up(*engine);
	fds = sock_fds();
	silent = sock_client(SOCK_STREAM);
	unheard = sock_client(SOCK_STREAM);
	sock_write(unheard, "CONNECT 7\n", 10);
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	cr_expect(sock_closed(silent));
	cr_expect(sock_closed(unheard));
	cr_assert(sock_recv_op(VSOCK_OP_RST), "the guest is told");
	cr_expect_eq(sock_got.dst_port, 7);
	cr_expect_eq(vsock_connections(sock.v), 0);
	cr_expect_eq(sock_counter("time_outs_vsock"), 2);
	close(silent);
	close(unheard);
	cr_expect_eq(sock_fds(), fds);
	sock_down();
}

BOTH_ENGINES(the_guest_refuses)
{
	int fd;

	sock_up(*engine);
	fd = sock_client(SOCK_STREAM);
	sock_write(fd, "CONNECT 7\n", 10);
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	sock_send(ST, VSOCK_OP_RST, 7, sock_got.src_port, 0, NULL, 0);
	cr_expect_eq(sock_read(fd, got, 10), 0, "closed without a word");
	cr_expect_eq(vsock_connections(sock.v), 0);
	close(fd);
	sock_down();
}

BOTH_ENGINES(a_client_leaves_before_the_answer)
{
	int fd;

	sock_up(*engine);
	fd = sock_client(SOCK_STREAM);
	sock_write(fd, "CONNECT 7\n", 10);
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(vsock_connections(sock.v), 0);
	sock_down();
}

BOTH_ENGINES(the_guests_credit_is_kept)
{
	uint32_t n = 0, fwd = 0;
	int fd;

	fill();
	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1, 8, 4096);
	sock.alloc = 1000;
	fd = sock_guest_connect(ST, G, H);
	sock_write(fd, bytes, 10000);
	while (n < 10000) {
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		cr_expect_arr_eq(sock_got.data, bytes + n, sock_got.len);
		n += sock_got.len;
		cr_assert_leq(n - fwd, 1000);
		if (n - fwd == 1000) {
			cr_expect_not(sock_recv(), "more than the credit");
			fwd = n - 3; /* not all of it was read */
			credit(VSOCK_OP_CREDIT_UPDATE, H, fwd);
		}
	}
	close(fd);
	sock_down();
}

BOTH_ENGINES(much_at_once_into_small_buffers)
{
	const size_t len = 200000;
	size_t n = 0;
	int fd;

	fill();
	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX, 100, 44 + 777);
	fd = sock_guest_connect(ST, G, H);
	sock_write(fd, bytes, len);
	while (n < len) {
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		cr_assert_leq(sock_got.len, 777);
		cr_assert_arr_eq(sock_got.data, bytes + n, sock_got.len);
		n += sock_got.len;
		if (n % 2)
			credit(VSOCK_OP_CREDIT_UPDATE, H, (uint32_t)n);
	}
	close(fd);
	sock_down();
}

BOTH_ENGINES(without_buffers_nothing_is_lost)
{
	int fd, other;

	fill();
	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1, 2, 4096);
	close(sock_listen(H + 5, SOCK_STREAM));
	fd = sock_listen(H, SOCK_STREAM);
	sock_send(ST, VSOCK_OP_REQUEST, G, H, 0, NULL, 0);
	sock_send(ST, VSOCK_OP_REQUEST, G + 1, H, 0, NULL, 0);
	sock_send(ST, VSOCK_OP_REQUEST, G + 2, H + 1, 0, NULL, 0); /* refused */
	sock_send(ST, VSOCK_OP_RW, G + 3, H, 0, NULL, 0);          /* stray */
	cr_assert(sock_recv_keep() && sock_got.op == VSOCK_OP_RESPONSE);
	other = sock_accept(fd);
	sock_write(other, bytes, 100);
	sock_run(10);
	cr_assert(sock_recv_keep() && sock_got.op == VSOCK_OP_RESPONSE);
	cr_expect_not(sock_recv_keep());
	sock_add_buffers(1);
	cr_assert(sock_recv_keep() && sock_got.op == VSOCK_OP_RST);
	sock_add_buffers(3);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(sock_recv_keep());
		cr_expect(sock_got.op == VSOCK_OP_RST ||
			  sock_got.op == VSOCK_OP_RW);
	}
	cr_expect_not(sock_recv_keep());
	close(other);
	close(fd);
	sock_down();
}

BOTH_ENGINES(ready_connections_take_turns)
{
	unsigned n[2] = { 0, 0 };
	int a, b;

	fill();
	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1, 2, 44 + 100);
	a = sock_guest_connect(ST, G, H);
	b = sock_guest_connect(ST, G + 1, H + 1);
	sock_write(a, bytes, 50000);
	sock_write(b, bytes, 50000);
	sock_run(5);
	for (unsigned i = 0; i < 200; i++) {
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		n[sock_got.dst_port - G]++;
	}
	cr_expect_geq(n[0], 60);
	cr_expect_geq(n[1], 60);
	close(a);
	close(b);
	sock_down();
}

/* --- ends ------------------------------------------------------------------- */

BOTH_ENGINES(the_host_stops_sending)
{
	int fd;

	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	sock_write(fd, "end", 3);
	shutdown(fd, SHUT_WR);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_SEND);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, "still", 5);
	cr_assert(sock_read_all(fd, got, 5));
	close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_BOTH);
	sock_send(ST, VSOCK_OP_RST, G, H, 0, NULL, 0);
	cr_expect_eq(vsock_connections(sock.v), 0);
	sock_down();
}

BOTH_ENGINES(the_host_closes)
{
	int fd;

	fill();
	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1, 4, 4096);
	fd = sock_guest_connect(ST, G, H);
	sock_write(fd, bytes, 30000);
	close(fd);
	for (size_t n = 0; n < 30000; n += sock_got.len) {
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		cr_expect_arr_eq(sock_got.data, bytes + n, sock_got.len);
	}
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_BOTH);
	cr_expect_not(sock_recv());
	sock_down();
}

BOTH_ENGINES(the_host_stops_reading)
{
	int fd;

	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	shutdown(fd, SHUT_RD);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, "lost", 4);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_RECEIVE);
	sock_write(fd, "not lost", 8);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 8);
	close(fd);
	sock_down();
}

BOTH_ENGINES(the_guest_stops_sending)
{
	int fd;

	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, "end", 3);
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, H, VSOCK_SHUTDOWN_SEND, NULL, 0);
	cr_expect_eq(sock_read(fd, got, 10), 3);
	cr_expect_eq(sock_read(fd, got, 10), 0);
	sock_write(fd, "still", 5);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, H, VSOCK_SHUTDOWN_RECEIVE, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect(sock_closed(fd));
	sock_run(5);
	cr_expect_eq(vsock_connections(sock.v), 0);
	close(fd);
	sock_down();
}

BOTH_ENGINES(the_guest_stops_reading)
{
	int fd;

	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, H, VSOCK_SHUTDOWN_RECEIVE, NULL, 0);
	cr_expect_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	cr_expect_eq(errno, EPIPE);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, "still", 5);
	cr_assert(sock_read_all(fd, got, 5));
	/* the end of the other direction is noticed all the same */
	close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_BOTH);
	sock_down();
}

/* The guest may forget a connection whose bytes the host still has to read. */
BOTH_ENGINES(last_bytes_are_delivered)
{
	uint32_t sent = 0, fwd = 0;
	int fd;

	fill();
	sock_up(*engine);
	fd = sock_guest_connect(ST, G, H);
	for (; sent - fwd < VSOCK_BUF_LEN; sent += 8192) {
		sock_send(ST, VSOCK_OP_RW, G, H, 0, bytes + sent, 8192);
		while (sent + 8192 - fwd == VSOCK_BUF_LEN && sock_recv())
			fwd = sock_got.fwd_cnt;
	}
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, H, VSOCK_SHUTDOWN_BOTH, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST), "at once");
	cr_expect_eq(vsock_connections(sock.v), 1);
	/* the same ports again, meanwhile */
	close(sock_guest_connect(ST, G, H));
	cr_assert(sock_read_all(fd, got, sent));
	cr_expect_arr_eq(got, bytes, sent);
	cr_expect_eq(sock_read(fd, got, 1), 0);
	close(fd);
	sock_down();
}

BOTH_ENGINES(a_reset_by_the_guest)
{
	unsigned fds;
	int fd;

	sock_up(*engine);
	fds = sock_fds();
	fd = sock_guest_connect(ST, G, H);
	sock_send(ST, VSOCK_OP_RST, G, H, 0, NULL, 0);
	cr_expect(sock_closed(fd));
	cr_expect_eq(vsock_connections(sock.v), 0);
	cr_expect_not(sock_recv(), "an answer to a reset");
	close(fd);
	cr_expect_eq(sock_fds(), fds);
	sock_down();
}

/* --- the device ------------------------------------------------------------- */

BOTH_ENGINES(a_device_reset_closes_everything)
{
	int fd[4], waiting;
	uint32_t port;
	unsigned fds;

	sock_up(*engine);
	fds = sock_fds();
	fd[0] = sock_guest_connect(ST, G, H);
	fd[1] = sock_host_connect(ST, G, &port);
	fd[2] = sock_guest_connect(SQ, G + 1, H + 1);
	fd[3] = sock_client(SOCK_STREAM);
	sock_run(5);
	sock_reset();
	cr_expect_eq(sock.v->status, 0);
	for (unsigned i = 0; i < 4; i++) {
		cr_expect(sock_closed(fd[i]), "socket %u", i);
		close(fd[i]);
	}
	cr_expect_eq(vsock_connections(sock.v), 0);
	cr_expect_eq(sock_fds(), fds);
	/* clients wait for the next driver */
	waiting = sock_client(SOCK_STREAM);
	sock_write(waiting, "CONNECT 7\n", 10);
	sock_run(20);
	sock_drive(VIRTIO_F_VERSION_1, 8, 4096);
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	cr_expect_eq(sock_got.dst_port, 7);
	close(sock_guest_connect(ST, G, H));
	close(waiting);
	sock_down();
}

BOTH_ENGINES(a_full_table)
{
	int a, b, c;

	sock.cfg.conns = 2;
	sock_up(*engine);
	a = sock_guest_connect(ST, G, H);
	b = sock_guest_connect(ST, G + 1, H);
	sock_send(ST, VSOCK_OP_REQUEST, G + 2, H, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	c = sock_client(SOCK_STREAM);
	cr_expect(sock_closed(c));
	cr_expect_eq(sock_counter("full_tables_vsock"), 2);
	close(c);
	sock_send(ST, VSOCK_OP_RST, G, H, 0, NULL, 0);
	sock_run(5);
	close(a);
	a = sock_guest_connect(ST, G + 2, H);
	/* one that the host left gives way, whatever the guest says to it */
	close(b);
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	b = sock_guest_connect(ST, G + 3, H);
	cr_expect_eq(sock_counter("evictions_vsock"), 1);
	close(a);
	close(b);
	sock_down();
}

BOTH_ENGINES(thousands_of_connections)
{
	enum { N = 2000 };
	static int fd[N];
	uint32_t port;

	sock_up(*engine);
	for (unsigned i = 0; i < N; i++)
		fd[i] = i % 2 ? sock_guest_connect(ST, i, H)
			      : sock_host_connect(ST, i, &port);
	cr_expect_eq(vsock_connections(sock.v), N);
	for (unsigned i = 0; i < N; i++) {
		sock_write(fd[i], &i, sizeof(i));
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		cr_assert_eq(sock_got.dst_port, i);
	}
	for (unsigned i = 0; i < N; i++)
		close(fd[i]);
	for (unsigned i = 0; i < N; i++) {
		cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
		sock_send(ST, VSOCK_OP_RST, sock_got.dst_port,
			  sock_got.src_port, 0, NULL, 0);
	}
	cr_expect_eq(vsock_connections(sock.v), 0);
	sock_down();
}

BOTH_ENGINES(one_interrupt_a_batch)
{
	int fd[8];

	sock_up(*engine);
	for (unsigned i = 0; i < 8; i++)
		fd[i] = sock_guest_connect(ST, G + i, H);
	sock_run(5);
	sock.fired = 0;
	for (unsigned i = 0; i < 8; i++)
		sock_write(fd[i], "x", 1);
	sock_run(20);
	cr_expect_geq(sock.fired, 1);
	cr_expect_leq(sock.fired, 4);
	for (unsigned i = 0; i < 8; i++) {
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		close(fd[i]);
	}
	sock_down();
}
