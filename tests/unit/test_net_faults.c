/* test_net_faults.c: drivers that break the rules: headers that lie cost the
 * frame, chains that are no frames the device. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/net_rig.h"
#include "virtio/mmio.h"

#define CSUM NET_HDR_NEEDS_CSUM
#define LEN  1000u /* of the frames */

struct bad_header {
	char why[40];
	uint64_t without; /* features */
	uint8_t flags, gso;
	uint16_t hdr_len, gso_size, start, offset;
	bool good;
};

ParameterizedTestParameters(net_faults, headers)
{
	static struct bad_header table[] = {
		{ "nothing", 0, 0, 0, 0, 0, 0, 0, true },
		{ "rubbish nobody asked for", 0, 0xfe, 0, 65535, 65535, 65535,
		  65535, true },
		{ "checksum at the end", 0, CSUM, 0, 0, 0, 998, 0, true },
		{ "checksum beyond", 0, CSUM, 0, 0, 0, 999, 0, false },
		{ "offset beyond", 0, CSUM, 0, 0, 0, 34, 965, false },
		{ "sum wraps", 0, CSUM, 0, 0, 0, 65535, 65535, false },
		{ "checksum not negotiated", NET_F_CSUM, CSUM, 0, 0, 0, 34, 16,
		  false },
		{ "TCP4", 0, CSUM, 1, 54, 500, 34, 16, true },
		{ "TCP6", 0, CSUM, 4, 74, 500, 54, 16, true },
		{ "UDP", 0, CSUM, 5, 42, 500, 34, 6, true },
		{ "TCP4, ECN", 0, CSUM, 0x81, 54, 500, 34, 16, true },
		{ "no gso_size", 0, CSUM, 1, 54, 0, 34, 16, false },
		{ "no checksum", 0, 0, 1, 54, 500, 34, 16, false },
		{ "hdr_len beyond", 0, CSUM, 1, 1001, 500, 34, 16, false },
		{ "hdr_len all", 0, CSUM, 1, 1000, 500, 34, 16, true },
		{ "TCP4 not negotiated", NET_F_HOST_TSO4, CSUM, 1, 54, 500, 34,
		  16, false },
		{ "TCP6 not negotiated", NET_F_HOST_TSO6, CSUM, 4, 54, 500, 34,
		  16, false },
		{ "UDP not negotiated", NET_F_HOST_USO, CSUM, 5, 54, 500, 34, 6,
		  false },
		{ "ECN not negotiated", NET_F_HOST_ECN, CSUM, 0x81, 54, 500, 34,
		  16, false },
		{ "ECN alone", 0, CSUM, 0x80, 54, 500, 34, 16, false },
		{ "ECN of UDP", 0, CSUM, 0x85, 54, 500, 34, 6, false },
		{ "old UDP", 0, CSUM, 3, 54, 500, 34, 6, false },
		{ "type 2", 0, CSUM, 2, 54, 500, 34, 16, false },
		{ "type 127", 0, CSUM, 127, 54, 500, 34, 16, false },
	};

	return cr_make_param_array(struct bad_header, table, ARRAY_SIZE(table));
}

ParameterizedTest(struct bad_header *b, net_faults, headers, .timeout = 20)
{
	const struct net_hdr h = {
		.flags = b->flags,
		.gso_type = b->gso,
		.hdr_len = le16_of(b->hdr_len),
		.gso_size = le16_of(b->gso_size),
		.csum_start = le16_of(b->start),
		.csum_offset = le16_of(b->offset),
	};
	uint8_t frame[LEN], got[2000];

	card_up(LOOP_POLL, (CARD_PLAIN | CARD_OFFLOADS) & ~b->without);
	card_frame(frame, LEN, 1);
	card_send(0, &h, frame, LEN);
	cr_expect_eq(card_sent(0, got, sizeof(got)) > 0, b->good, "%s", b->why);
	cr_expect_eq(card_count("tx_bad_net"), b->good ? 0 : 1, "%s", b->why);
	cr_expect_eq(vdriver_used_idx(&card.drv[1]), 1, "%s", b->why);
	cr_expect(vdev_live(card.v), "%s", b->why);
	card_down();
}

Test(net_faults, guards_the_source, .timeout = 20)
{
	static const struct net_hdr plain;
	uint8_t frame[100], got[200];

	card.cfg.guard = true;
	card_up(LOOP_POLL, CARD_PLAIN);
	card_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < NET_MAC_LEN; i++) {
		frame[6 + i] ^= 1;
		card_send(0, &plain, frame, sizeof(frame));
		cr_expect_eq(card_sent(0, got, sizeof(got)), -1);
		frame[6 + i] ^= 1;
	}
	cr_expect_eq(card_count("tx_spoofed_net"), NET_MAC_LEN);
	card_send(0, &plain, frame, sizeof(frame));
	cr_expect_eq(card_sent(0, got, sizeof(got)), 112);
	card_down();
	card.cfg.guard = false;
	card_up(LOOP_POLL, CARD_PLAIN);
	frame[6] ^= 4;
	card_send(0, &plain, frame, sizeof(frame));
	cr_expect_eq(card_sent(0, got, sizeof(got)), 112);
	card_down();
}

Test(net_faults, sizes, .timeout = 20)
{
	static const struct net_hdr plain;
	static uint8_t frame[NET_FRAME_MAX + 1], got[NET_FRAME_MAX + 20];

	card_up(LOOP_POLL, CARD_PLAIN);
	card_frame(frame, sizeof(frame), 1);
	card_send(0, &plain, frame, 13);
	cr_expect_eq(card_sent(0, got, sizeof(got)), -1, "no Ethernet header");
	card_send(0, &plain, frame, 0);
	cr_expect_eq(card_sent(0, got, sizeof(got)), -1, "nothing");
	card_send(0, &plain, frame, NET_FRAME_MAX + 1);
	cr_expect_eq(card_sent(0, got, sizeof(got)), -1, "too large");
	cr_expect_eq(card_count("tx_bad_net"), 3);
	card_send(0, &plain, frame, NET_FRAME_MAX);
	cr_expect_eq(card_sent(0, got, sizeof(got)),
		     NET_HDR_LEN + (int)NET_FRAME_MAX);
	card_down();
}

/* --- chains --------------------------------------------------------------------- */

struct bad_chain {
	char why[40];
	unsigned queue;
	uint64_t features;
	unsigned n;
	struct vdriver_buf b[3];
};

#define AT CARD_DATA

ParameterizedTestParameters(net_faults, chains)
{
	static struct bad_chain table[] = {
		{ "sent: short header", 1, 0, 1, { { AT, 11, false } } },
		{ "sent: empty", 1, 0, 1, { { AT, 0, false } } },
		{ "sent: writable", 1, 0, 1, { { AT, 100, true } } },
		{ "sent: writable behind",
		  1,
		  0,
		  2,
		  { { AT, 100, false }, { AT, 1, true } } },
		{ "sent: outside", 1, 0, 1, { { CARD_RAM - 8, 100, false } } },
		{ "received: readable", 0, 0, 1, { { AT, 2000, false } } },
		{ "received: readable in front",
		  0,
		  0,
		  2,
		  { { AT, 1, false }, { AT, 2000, true } } },
		{ "received: no room for a header",
		  0,
		  0,
		  1,
		  { { AT, 11, true } } },
		{ "received: empty", 0, 0, 1, { { AT, 0, true } } },
		{ "received: outside", 0, 0, 1, { { CARD_RAM, 2000, true } } },
		{ "merged: no room for a header",
		  0,
		  NET_F_MRG_RXBUF,
		  1,
		  { { AT, 11, true } } },
		{ "command: no answer", 4, 0, 1, { { AT, 4, false } } },
		{ "command: a byte",
		  4,
		  0,
		  2,
		  { { AT, 1, false }, { AT, 1, true } } },
		{ "command: none", 4, 0, 1, { { AT, 1, true } } },
	};

	return cr_make_param_array(struct bad_chain, table, ARRAY_SIZE(table));
}

ParameterizedTest(struct bad_chain *b, net_faults, chains, .timeout = 20)
{
	card.cfg.pairs = 2;
	card_up(LOOP_POLL, CARD_PLAIN | NET_F_CTRL_VQ | NET_F_MQ | b->features);
	if (b->queue == 0) /* a good one first */
		card_offer(0, AT, 2000);
	(void)vdriver_add(&card.drv[b->queue], b->b, b->n);
	card_kick(b->queue);
	if (b->queue == 0) {
		static const struct net_hdr plain;
		uint8_t frame[100];

		/* the second is looked at when the first is used */
		card_frame(frame, sizeof(frame), 1);
		card_arrives(0, &plain, frame, sizeof(frame));
		card_settle();
		card_arrives(0, &plain, frame, sizeof(frame));
		card_settle();
	}
	cr_expect(card.v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", b->why);
	cr_expect_eq(card.v->queue[b->queue].in_flight, 0, "%s", b->why);
	card_reset();
	card_drive(CARD_PLAIN);
	card_offer(0, AT, 2000);
	card_kick(0);
	cr_expect(vdev_live(card.v), "%s", b->why);
	card_down();
}
