/* test_vsock_hostile.c: guests, and clients, that break the rules. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/vsock_rig.h"
#include "virtio/mmio.h"

#define ST VSOCK_TYPE_STREAM
#define SQ VSOCK_TYPE_SEQPACKET
#define G  1234u
#define H  99u

/* --- packets ---------------------------------------------------------------- */

/* A packet, sent while a stream connection from G to H is open; another is
 * asked for by a client, from the host's port FIRST to A, not answered yet. */
#define A     77u
#define FIRST VSOCK_PORT_FIRST

struct bad {
	const char why[48];
	uint64_t src_cid, dst_cid;
	uint16_t type, op;
	uint32_t guest_port, host_port, len, present, flags, fwd_cnt;
	const char counter[24];
	bool answered;    /* with RST to these ports */
	bool open_closed; /* the open connection is gone */
};

#define ME   SOCK_CID
#define HOST VSOCK_CID_HOST

static struct bad bads[] = {
	{ "another guest's address", ME + 1, HOST, ST, VSOCK_OP_RW, G, H, 4, 4,
	  0, 0, "bad_addresses_vsock", false, false },
	{ "the upper half of an address", ME | 1ull << 32, HOST, ST,
	  VSOCK_OP_RST, G, H, 0, 0, 0, 0, "bad_addresses_vsock", false, false },
	{ "to another guest", ME, ME + 1, ST, VSOCK_OP_REQUEST, 5, H, 0, 0, 0,
	  0, "bad_addresses_vsock", true, false },
	{ "to the hypervisor", ME, 0, ST, VSOCK_OP_RW, G, H, 0, 0, 0, 0,
	  "bad_addresses_vsock", true, false },
	{ "RST to another guest", ME, ME + 1, ST, VSOCK_OP_RST, G, H, 0, 0, 0,
	  0, "bad_addresses_vsock", false, false },
	{ "no such type", ME, HOST, 3, VSOCK_OP_REQUEST, 5, H, 0, 0, 0, 0,
	  "bad_types_vsock", true, false },
	{ "type 0", ME, HOST, 0, VSOCK_OP_RW, G, H, 0, 0, 0, 0,
	  "bad_types_vsock", true, false },
	{ "another type than its connection", ME, HOST, SQ, VSOCK_OP_RW, G, H,
	  1, 1, 0, 0, "bad_types_vsock", true, false },
	{ "op 0", ME, HOST, ST, VSOCK_OP_INVALID, G, H, 0, 0, 0, 0,
	  "bad_ops_vsock", true, true },
	{ "an unknown op", ME, HOST, ST, 8, G, H, 0, 0, 0, 0, "bad_ops_vsock",
	  true, true },
	{ "op 65535", ME, HOST, ST, 65535, G, H, 0, 0, 0, 0, "bad_ops_vsock",
	  true, true },
	{ "more bytes than there are", ME, HOST, ST, VSOCK_OP_RW, G, H, 5, 4, 0,
	  0, "bad_lengths_vsock", true, true },
	{ "4 GiB that are not there", ME, HOST, ST, VSOCK_OP_RW, G, H,
	  UINT32_MAX, 4, 0, 0, "bad_lengths_vsock", true, true },
	{ "a stray that is too short", ME, HOST, ST, VSOCK_OP_RW, 5, H, 5, 4, 0,
	  0, "bad_lengths_vsock", true, false },
	{ "beyond the credit", ME, HOST, ST, VSOCK_OP_RW, G, H,
	  VSOCK_BUF_LEN + 1, VSOCK_BUF_LEN + 1, 0, 0, "bad_credits_vsock", true,
	  true },
	{ "read what was never sent", ME, HOST, ST, VSOCK_OP_CREDIT_UPDATE, G,
	  H, 0, 0, 0, 1, "bad_credits_vsock", true, true },
	{ "a request with a past", ME, HOST, ST, VSOCK_OP_REQUEST, 5, H, 0, 0,
	  0, 1, "bad_credits_vsock", true, false },
	{ "a second request", ME, HOST, ST, VSOCK_OP_REQUEST, G, H, 0, 0, 0, 0,
	  "bad_states_vsock", true, true },
	{ "an answer to no request", ME, HOST, ST, VSOCK_OP_RESPONSE, G, H, 0,
	  0, 0, 0, "bad_states_vsock", true, true },
	{ "bytes instead of an answer", ME, HOST, ST, VSOCK_OP_RW, A, FIRST, 1,
	  1, 0, 0, "bad_states_vsock", true, false },
	{ "a request instead of an answer", ME, HOST, ST, VSOCK_OP_REQUEST, A,
	  FIRST, 0, 0, 0, 0, "bad_states_vsock", true, false },
	{ "bytes for nobody", ME, HOST, ST, VSOCK_OP_RW, 5, 6, 1, 1, 0, 0,
	  "stray_packets_vsock", true, false },
	{ "an end of nothing", ME, HOST, ST, VSOCK_OP_SHUTDOWN, 5, 6, 0, 0, 3,
	  0, "stray_packets_vsock", true, false },
	{ "RST for nobody", ME, HOST, ST, VSOCK_OP_RST, 5, 6, 0, 0, 0, 0,
	  "stray_packets_vsock", false, false },
	{ "a port that nobody has", ME, HOST, ST, VSOCK_OP_REQUEST, 5,
	  UINT32_MAX - 1, 0, 0, 0, 0, "refused_ports_vsock", true, false },
};

ParameterizedTestParameters(vsock_hostile, packets)
{
	return cr_make_param_array(struct bad, bads,
				   sizeof(bads) / sizeof(bads[0]));
}

ParameterizedTest(struct bad *b, vsock_hostile, packets, .timeout = 20)
{
	static uint8_t data[VSOCK_BUF_LEN + 1];
	struct vsock_hdr h;
	int fd, asking;

	sock_up(LOOP_AUTO);
	h = sock_header(b->type, b->op, b->guest_port, b->host_port, b->len);
	h.src_cid = le64_of(b->src_cid);
	h.dst_cid = le64_of(b->dst_cid);
	h.flags = le32_of(b->flags);
	h.fwd_cnt = le32_of(b->fwd_cnt);
	fd = sock_guest_connect(ST, G, H);
	asking = sock_client(SOCK_STREAM);
	sock_write(asking, "CONNECT 77\n", 11);
	cr_assert(sock_recv_op(VSOCK_OP_REQUEST));
	sock_send_raw(&h, data, b->present);
	cr_expect_eq(sock_counter(b->counter), 1, "%s: counter", b->why);
	if (b->answered) {
		cr_expect(sock_recv_op(VSOCK_OP_RST), "%s: no RST", b->why);
		cr_expect_eq(sock_got.src_cid, b->dst_cid, "%s", b->why);
		cr_expect_eq(sock_got.dst_cid, SOCK_CID, "%s", b->why);
		cr_expect_eq(sock_got.src_port, b->host_port, "%s", b->why);
		cr_expect_eq(sock_got.dst_port, b->guest_port, "%s", b->why);
		cr_expect_eq(sock_got.type, b->type, "%s", b->why);
	} else {
		cr_expect_not(sock_recv(), "%s: an answer", b->why);
	}
	cr_expect(vdev_live(sock.v), "%s: the device stopped", b->why);
	if (b->open_closed) {
		cr_expect(sock_closed(fd), "%s", b->why);
	} else { /* as if nothing had been */
		uint8_t got[4];

		sock_send(ST, VSOCK_OP_RW, G, H, 0, "fine", 4);
		cr_expect(sock_read_all(fd, got, 4), "%s", b->why);
	}
	close(fd);
	close(asking);
	sock_down();
}

Test(vsock_hostile, bytes_after_the_end, .timeout = 20)
{
	int fd;

	sock_up(LOOP_AUTO);
	fd = sock_guest_connect(ST, G, H);
	sock_send(ST, VSOCK_OP_SHUTDOWN, G, H, VSOCK_SHUTDOWN_SEND, NULL, 0);
	sock_send(ST, VSOCK_OP_RW, G, H, 0, "x", 1);
	cr_assert(sock_recv_op(VSOCK_OP_RST));
	cr_expect_eq(sock_counter("bad_states_vsock"), 1);
	cr_expect(sock_closed(fd));
	close(fd);
	sock_down();
}

/* Within the credit of the moment, but nobody told the guest. */
Test(vsock_hostile, credit_that_was_not_told, .timeout = 20)
{
	static uint8_t data[40000], got[40000];
	int fd;

	sock_create(LOOP_AUTO);
	sock_drive(VIRTIO_F_VERSION_1, 1, 4096);
	fd = sock_guest_connect(ST, G, H);
	sock_add_buffers(0);
	cr_assert_not(sock_recv_keep());
	sock_send(ST, VSOCK_OP_RW, G, H, 0, data, 30000);
	cr_assert(sock_read_all(fd, got, 30000));
	sock_send(ST, VSOCK_OP_RW, G, H, 0, data, 40000);
	cr_expect_eq(sock_counter("bad_credits_vsock"), 1);
	cr_expect(sock_closed(fd));
	close(fd);
	sock_down();
}

/* Bytes behind `len` are not looked at. */
Test(vsock_hostile, a_buffer_longer_than_its_packet, .timeout = 20)
{
	struct vsock_hdr h;
	uint8_t got[8];
	int fd;

	sock_up(LOOP_AUTO);
	h = sock_header(ST, VSOCK_OP_RW, G, H, 3);
	fd = sock_guest_connect(ST, G, H);
	sock_send_raw(&h, "abcdefgh", 8);
	cr_expect_eq(sock_read(fd, got, 8), 3);
	close(fd);
	sock_down();
}

Test(vsock_hostile, a_flood_of_strays_without_buffers, .timeout = 20)
{
	unsigned n = 0;

	sock_create(LOOP_AUTO);
	sock_drive(VIRTIO_F_VERSION_1, 0, 4096);
	for (unsigned i = 0; i < 1000; i++)
		sock_send(ST, VSOCK_OP_RW, i, i, 0, NULL, 0);
	cr_expect_eq(sock_counter("stray_packets_vsock"), 1000);
	cr_expect_eq(sock_counter("lost_resets_vsock"), 1000 - 256);
	sock_add_buffers(SOCK_RX_N);
	while (sock_recv_op(VSOCK_OP_RST))
		n++;
	cr_expect_eq(n, 256);
	sock_down();
}

/* --- chains ----------------------------------------------------------------- */

enum { TX, RX };
struct bad_chain {
	const char why[40];
	unsigned queue;
	unsigned n;
	struct vdriver_buf b[3];
};

#define D SOCK_DATA
static struct bad_chain chains[] = {
	{ "an empty chain", TX, 1, { { D, 0, false } } },
	{ "43 bytes of a header", TX, 1, { { D, 43, false } } },
	{ "a buffer to write", TX, 2, { { D, 44, false }, { D, 4, true } } },
	{ "only a buffer to write", TX, 1, { { D, 44, true } } },
	{ "outside memory",
	  TX,
	  2,
	  { { D, 44, false }, { SOCK_RAM, 1, false } } },
	{ "a buffer to read", RX, 1, { { D, 4096, false } } },
	{ "one of each", RX, 2, { { D, 1, false }, { D, 4096, true } } },
	{ "no room for a header", RX, 1, { { D, 43, true } } },
	{ "no room for data", RX, 1, { { D, 44, true } } },
	{ "beyond memory", RX, 1, { { SOCK_RAM - 4, 4096, true } } },
};

ParameterizedTestParameters(vsock_hostile, chains)
{
	return cr_make_param_array(struct bad_chain, chains,
				   sizeof(chains) / sizeof(chains[0]));
}

ParameterizedTest(struct bad_chain *b, vsock_hostile, chains, .timeout = 20)
{
	const unsigned queue = b->queue == TX ? VSOCK_TX : VSOCK_RX;
	int fd;

	sock_create(LOOP_AUTO);
	sock_drive(VIRTIO_F_VERSION_1, 1, 4096);
	fd = sock_guest_connect(ST, G, H);
	cr_assert(sock_recv_keep() == false);
	/* the one buffer that sock_guest_connect offered again */
	sock_write(fd, "x", 1);
	cr_assert(sock_recv_keep());
	sock_write(fd, "y", 1);
	sock.drv[queue].next_desc = 100;
	(void)vdriver_add(&sock.drv[queue], b->b, b->n);
	sock_kick(queue);
	sock_run(5);
	cr_expect(sock.v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", b->why);
	cr_expect(sock_closed(fd), "%s", b->why);
	close(fd);
	/* and all is well after a reset */
	sock_reset();
	sock_drive(VIRTIO_F_VERSION_1, 4, 4096);
	close(sock_guest_connect(ST, G, H));
	sock_down();
}

Test(vsock_hostile, packets_may_be_cut_anywhere, .timeout = 20)
{
	struct vsock_hdr h;
	const struct vdriver_buf b[] = { { D, 1, false },
					 { D + 1, 42, false },
					 { D + 43, 4, false },
					 { D + 47, 3, false } };
	const struct vdriver_buf in[] = { { D + 100, 3, true },
					  { D + 103, 40, true },
					  { D + 143, 4, true },
					  { D + 147, 2, true } };
	uint8_t got[8];
	int fd;

	sock_create(LOOP_AUTO);
	sock_drive(VIRTIO_F_VERSION_1, 2, 4096);
	fd = sock_guest_connect(ST, G, H);
	h = sock_header(ST, VSOCK_OP_RW, G, H, 6);
	memcpy(sock_ram + D, &h, sizeof(h));
	memcpy(sock_ram + D + 44, "packet", 6);
	sock.drv[VSOCK_TX].next_desc = 100;
	(void)vdriver_add(&sock.drv[VSOCK_TX], b, 4);
	sock_kick(VSOCK_TX);
	cr_assert(sock_read_all(fd, got, 6));
	cr_expect_arr_eq(got, "packet", 6);
	/* two usual buffers are in front */
	for (unsigned i = 0; i < 2; i++) {
		sock_write(fd, "x", 1);
		cr_assert(sock_recv_keep());
	}
	sock.drv[VSOCK_RX].next_desc = 100;
	(void)vdriver_add(&sock.drv[VSOCK_RX], in, 4);
	sock_kick(VSOCK_RX);
	sock_write(fd, "12345", 5);
	sock_run(10);
	cr_expect_arr_eq(sock_ram + D + 144, "12345", 5);
	cr_expect_eq(sock_ram[D + 100 + 24], 5, "length");
	close(fd);
	sock_down();
}

/* --- clients ---------------------------------------------------------------- */

struct hello {
	const char text[48];
	bool good;
};

static struct hello hellos[] = {
	{ "CONNECT 52\n", true },
	{ "connect 52\n", true },
	{ "Connect   52   and more\r\n", true },
	{ "CONNECT 4294967295\n", true },
	{ "CONNECT 0000000000000000000052\n", true },  /* 31 bytes */
	{ "CONNECT 00000000000000000000052\n", true }, /* 32 */
	{ "CONNECT 000000000000000000000052\n", false },
	{ "CONNECT 4294967296\n", false },
	{ "CONNECT 99999999999999999999\n", false },
	{ "CONNECT -1\n", false },
	{ "CONNECT 0x10\n", false },
	{ "CONNECT\n", false },
	{ "CONNECT \n", false },
	{ "\n", false },
	{ "HELLO 52\n", false },
	{ "52 CONNECT\n", false },
	{ "a line that does not come to its end", false },
};

ParameterizedTestParameters(vsock_hostile, hellos)
{
	return cr_make_param_array(struct hello, hellos,
				   sizeof(hellos) / sizeof(hellos[0]));
}

ParameterizedTest(struct hello *b, vsock_hostile, hellos, .timeout = 20)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	sock_up(LOOP_AUTO);
	for (unsigned i = 0; i < 2; i++) {
		int fd = sock_client(types[i]);

		sock_write(fd, b->text, strlen(b->text));
		if (b->good) { /* behind the RST of the one before */
			cr_expect(sock_recv());
			cr_expect(sock_got.op != VSOCK_OP_RST || sock_recv());
			cr_expect_eq(sock_got.op, VSOCK_OP_REQUEST, "'%s'",
				     b->text);
		} else {
			cr_expect(sock_closed(fd), "'%s'", b->text);
		}
		cr_expect_eq(sock_counter("bad_hellos_vsock"),
			     b->good ? 0 : i + 1);
		close(fd);
	}
	sock_down();
}

Test(vsock_hostile, clients_that_say_nothing_and_leave, .timeout = 20)
{
	unsigned fds;

	sock_up(LOOP_AUTO);
	fds = sock_fds();
	for (unsigned i = 0; i < 300; i++) {
		close(sock_client(i % 2 ? SOCK_STREAM : SOCK_SEQPACKET));
		if (i % 50 == 0)
			sock_run(5);
	}
	sock_run(50);
	cr_expect_eq(vsock_connections(sock.v), 0);
	cr_expect_eq(sock_fds(), fds);
	sock_down();
}
