/* test_vsock_records.c: SOCK_SEQPACKET through the socket device. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/vsock_rig.h"

#define SQ  VSOCK_TYPE_SEQPACKET
#define G   1234u
#define H   99u
#define EOM VSOCK_SEQ_EOM

#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(vsock_records, name)                      \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, vsock_records, name,      \
			  .timeout = 60)

static uint8_t bytes[256u << 10], got[256u << 10];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 17 + i / 250);
}

BOTH_ENGINES(from_the_guest)
{
	int fd;

	fill();
	sock_up(*engine);
	fd = sock_guest_connect(SQ, G, H);
	sock_send(SQ, VSOCK_OP_RW, G, H, EOM, bytes, 5);
	sock_send(SQ, VSOCK_OP_RW, G, H, EOM | VSOCK_SEQ_EOR, bytes, 7);
	/* in three pieces, the last without bytes */
	sock_send(SQ, VSOCK_OP_RW, G, H, 0, bytes, 100);
	sock_send(SQ, VSOCK_OP_RW, G, H, 0, bytes + 100, 50);
	sock_send(SQ, VSOCK_OP_RW, G, H, EOM, NULL, 0);
	cr_expect_eq(sock_read(fd, got, 4096), 5);
	cr_expect_eq(sock_read(fd, got, 4096), 7);
	cr_expect_eq(sock_read(fd, got, 4096), 150);
	cr_expect_arr_eq(got, bytes, 150);
	/* an empty one would look like the end */
	sock_send(SQ, VSOCK_OP_RW, G, H, EOM, NULL, 0);
	sock_send(SQ, VSOCK_OP_RW, G, H, EOM, bytes, 1);
	cr_expect_eq(sock_read(fd, got, 4096), 1);
	cr_expect_eq(sock_counter("empty_records_vsock"), 1);
	close(fd);
	sock_down();
}

/* Many records wait in the ring, and wrap in it; each comes out whole. */
BOTH_ENGINES(a_slow_reader_gets_every_record)
{
	uint32_t fwd = 0, sent = 0, n = 0, seen = 0;
	int fd;

	fill();
	sock_up(*engine);
	fd = sock_guest_connect(SQ, G, H);
	while (seen < 600) {
		const uint32_t len = 1 + (n * 397) % 3000;

		if (sent + len - fwd <= VSOCK_BUF_LEN) {
			sock_send(SQ, VSOCK_OP_RW, G, H, EOM, bytes + n, len);
			sent += len;
			n++;
			continue;
		}
		for (unsigned i = 0; i < 25 && seen < n; i++, seen++) {
			const uint32_t want = 1 + (seen * 397) % 3000;

			cr_assert_eq(sock_read(fd, got, sizeof(got)), want,
				     "record %u of %u", seen, n);
			cr_assert_arr_eq(got, bytes + seen, want);
		}
		while (sent + len - fwd > VSOCK_BUF_LEN && sock_recv()) {
			cr_assert_eq(sock_got.op, VSOCK_OP_CREDIT_UPDATE);
			fwd = sock_got.fwd_cnt;
		}
	}
	close(fd);
	sock_down();
}

BOTH_ENGINES(a_record_as_long_as_the_credit)
{
	int fd;

	fill();
	sock_up(*engine);
	fd = sock_guest_connect(SQ, G, H);
	sock_send(SQ, VSOCK_OP_RW, G, H, 0, bytes, 40000);
	sock_send(SQ, VSOCK_OP_RW, G, H, EOM, bytes + 40000,
		  VSOCK_BUF_LEN - 40000);
	cr_expect_eq(sock_read(fd, got, sizeof(got)), (ssize_t)VSOCK_BUF_LEN);
	cr_expect_arr_eq(got, bytes, VSOCK_BUF_LEN);
	cr_assert(sock_recv_op(VSOCK_OP_CREDIT_UPDATE));
	/* one more byte would have had to come: it never can */
	sock_send(SQ, VSOCK_OP_RW, G, H, 0, bytes, VSOCK_BUF_LEN);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(sock_counter("long_records_vsock"), 1);
	cr_expect(sock_closed(fd));
	close(fd);
	sock_down();
}

BOTH_ENGINES(from_the_host)
{
	uint32_t n = 0, port;
	int fd;

	fill();
	sock_up(*engine);
	fd = sock_host_connect(SQ, G, &port);
	sock_write(fd, bytes, 5);
	sock_write(fd, bytes, 1);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 5);
	cr_expect_eq(sock_got.flags, EOM);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 1);
	cr_expect_eq(sock_got.flags, EOM);
	/* longer than a buffer */
	sock_write(fd, bytes, 30000);
	while (n < 30000) {
		cr_assert(sock_recv_op(VSOCK_OP_RW));
		cr_expect_arr_eq(sock_got.data, bytes + n, sock_got.len);
		n += sock_got.len;
		cr_expect_eq(sock_got.flags, n == 30000 ? EOM : 0);
	}
	/* an empty one is no end */
	sock_write(fd, "", 0);
	sock_write(fd, "x", 1);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_expect_eq(sock_got.len, 1);
	cr_expect_eq(sock_counter("empty_records_vsock"), 1);
	sock_write(fd, "", 0);
	sock_write(fd, "y", 1);
	close(fd);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	cr_assert(sock_recv_op(VSOCK_OP_SHUTDOWN));
	cr_expect_eq(sock_got.flags, VSOCK_SHUTDOWN_BOTH);
	sock_down();
}

/* Credit and buffers come in drips. */
BOTH_ENGINES(a_record_waits_for_the_guest)
{
	uint32_t n = 0;
	int fd;

	fill();
	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1 | VSOCK_F_SEQPACKET, 2, 44 + 500);
	sock.alloc = 20000;
	fd = sock_guest_connect(SQ, G, H);
	sock_write(fd, bytes, 15000);
	sock_write(fd, bytes, 15000);
	while (n < 30000) {
		struct vsock_hdr h =
			sock_header(SQ, VSOCK_OP_CREDIT_UPDATE, G, H, 0);

		if (!sock_recv()) {
			h.fwd_cnt = le32_of(n);
			sock_send_raw(&h, NULL, 0);
			continue;
		}
		cr_assert_eq(sock_got.op, VSOCK_OP_RW);
		cr_expect_arr_eq(sock_got.data, bytes + n % 15000,
				 sock_got.len);
		n += sock_got.len;
		cr_expect_eq(sock_got.flags, n % 15000 ? 0 : EOM);
	}
	close(fd);
	sock_down();
}

BOTH_ENGINES(the_host_sends_too_long_a_record)
{
	int fd;

	sock_up(*engine);
	fd = sock_guest_connect(SQ, G, H);
	sock_write(fd, bytes, VSOCK_BUF_LEN + 1);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect(sock_closed(fd));
	close(fd);
	/* longer than the guest's whole buffer */
	sock.alloc = 1000;
	fd = sock_guest_connect(SQ, G, H);
	sock_write(fd, bytes, 1001);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(sock_counter("long_records_vsock"), 2);
	close(fd);
	fd = sock_guest_connect(SQ, G, H);
	sock_write(fd, bytes, 1000);
	cr_assert(sock_recv_op(VSOCK_OP_RW));
	close(fd);
	sock_down();
}

BOTH_ENGINES(the_guest_did_not_ask_for_records)
{
	int fd;

	sock_create(*engine);
	sock_drive(VIRTIO_F_VERSION_1 | VSOCK_F_STREAM, 8, 4096);
	sock_send(SQ, VSOCK_OP_REQUEST, G, H, 0, NULL, 0);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	fd = sock_client(SOCK_SEQPACKET);
	sock_write(fd, "CONNECT 7\n", 10);
	cr_expect(sock_closed(fd));
	cr_expect_eq(sock_counter("bad_types_vsock"), 2);
	close(fd);
	sock_down();
}
