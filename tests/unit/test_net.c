/* test_net.c: the network device doing what it is for, on sockets that stand
 * for a tap and on both loop engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/net_rig.h"
#include "virtio/mmio.h"

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(net, name)                                \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, net, name, .timeout = 20)

static const struct net_hdr plain;
static uint8_t frame[NET_FRAME_MAX], got[NET_HDR_LEN + NET_FRAME_MAX];

static uint64_t config(unsigned off, unsigned n)
{
	uint64_t x = 0;

	loop_lock(card.loop);
	mmio_read(card.v, MMIO_REG_CONFIG + off, &x, n);
	loop_unlock(card.loop);
	return x;
}

static uint32_t used_len(unsigned queue)
{
	uint32_t head, len = 0;

	cr_assert(vdriver_used(&card.drv[queue], &head, &len));
	return len;
}

/* --- what it says about itself --------------------------------------------- */

BOTH_ENGINES(configuration)
{
	card.cfg.mtu = 9000;
	card_up(*engine, CARD_PLAIN);
	cr_expect_eq(vdriver_reg(card.v, MMIO_REG_DEVICE_ID), 1);
	cr_expect_eq(config(0, 8) & 0xffffffffffff, 0x050403020102);
	cr_expect_eq(config(6, 2), NET_S_LINK_UP);
	cr_expect_eq(config(8, 2), 1);
	cr_expect_eq(config(10, 2), 9000);
	cr_expect_not(card.v->offered & (NET_F_CTRL_VQ | NET_F_MQ));
	cr_expect_eq(card.v->offered & CARD_OFFLOADS, CARD_OFFLOADS);
	card_down();
}

Test(net, offers_what_the_tap_has, .timeout = 20)
{
	card.cfg.offloads = NET_TAP_CSUM | NET_TAP_TSO4;
	card_create(LOOP_AUTO);
	cr_expect_eq(card.v->offered & CARD_OFFLOADS,
		     NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_HOST_TSO4 |
			     NET_F_GUEST_TSO4);
	card_down();
}

BOTH_ENGINES(tells_the_tap_what_the_driver_takes)
{
	card_up(*engine, CARD_PLAIN | CARD_OFFLOADS);
	cr_expect_eq(card.offloads, CARD_ALL);
	card_reset();
	cr_expect_eq(card.offloads, 0);
	card_drive(CARD_PLAIN | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 |
		   NET_F_GUEST_USO4);
	cr_expect_eq(card.offloads, NET_TAP_CSUM | NET_TAP_TSO4,
		     "one of USO4 and USO6 is none");
	card_reset();
	card_drive(CARD_PLAIN | NET_F_GUEST_TSO4);
	cr_expect_eq(card.offloads, 0, "nothing goes without GUEST_CSUM");
	card_down();
}

/* --- sending ---------------------------------------------------------------- */

BOTH_ENGINES(sends)
{
	card_up(*engine, CARD_PLAIN);
	card_frame(frame, 1514, 1);
	card_send(0, &plain, frame, 1514);
	cr_assert_eq(card_sent(0, got, sizeof(got)), NET_HDR_LEN + 1514);
	cr_expect_eq(memcmp(got + NET_HDR_LEN, frame, 1514), 0);
	cr_expect_eq(memcmp(got, &plain, NET_HDR_LEN), 0);
	cr_expect_eq(used_len(1), 0);
	card_frame(frame, NET_ETH_LEN, 2);
	card_send(0, &plain, frame, NET_ETH_LEN);
	cr_expect_eq(card_sent(0, got, sizeof(got)), NET_HDR_LEN + NET_ETH_LEN);
	cr_expect_eq(card_count("tx_frames_net"), 2);
	cr_expect_eq(card_count("tx_bytes_net"), 1514 + NET_ETH_LEN);
	cr_expect_eq(card.fired, 2);
	card_down();
}

BOTH_ENGINES(sends_from_buffers_cut_anywhere)
{
	enum { LEN = NET_HDR_LEN + 300 };
	const gpa_t at = CARD_DATA, table = 0x80000;

	card_up(*engine, CARD_PLAIN);
	card_frame(frame, 300, 3);
	memset(card_ram + at, 0, NET_HDR_LEN);
	memcpy(card_ram + at + NET_HDR_LEN, frame, 300);
	for (unsigned cut = 1; cut < 40; cut++) {
		struct vdriver_buf b[64];
		unsigned n = 0, off = 0;

		for (; n < 30 && off < LEN - cut; n++, off += cut)
			b[n] = (struct vdriver_buf){ at + off, cut, false };
		b[n++] = (struct vdriver_buf){ at + off, LEN - off, false };
		(void)vdriver_add_indirect(&card.drv[1], table, b, n);
		card_kick(1);
		cr_assert_eq(card_sent(0, got, sizeof(got)), LEN, "cut %u",
			     cut);
		cr_expect_eq(memcmp(got, card_ram + at, LEN), 0, "cut %u", cut);
	}
	card_down();
}

/* The tap gets our copy of the header, with nothing in it but what it needs. */
BOTH_ENGINES(sends_with_offloads)
{
	const struct net_hdr tso = {
		.flags = 0xff,
		.gso_type = NET_GSO_TCP4 | NET_GSO_ECN,
		.hdr_len = le16_of(54),
		.gso_size = le16_of(1448),
		.csum_start = le16_of(34),
		.csum_offset = le16_of(16),
		.num_buffers = le16_of(9),
	};
	struct net_hdr h;

	card_up(*engine, CARD_PLAIN | CARD_OFFLOADS);
	card_frame(frame, 30000, 1);
	card_send(0, &tso, frame, 30000);
	cr_assert_eq(card_sent(0, got, sizeof(got)), NET_HDR_LEN + 30000);
	memcpy(&h, got, sizeof(h));
	cr_expect_eq(h.flags, NET_HDR_NEEDS_CSUM);
	cr_expect_eq(h.gso_type, NET_GSO_TCP4 | NET_GSO_ECN);
	cr_expect_eq(le16_get(h.hdr_len), 54);
	cr_expect_eq(le16_get(h.gso_size), 1448);
	cr_expect_eq(le16_get(h.csum_start), 34);
	cr_expect_eq(le16_get(h.csum_offset), 16);
	cr_expect_eq(le16_get(h.num_buffers), 0);
	card_down();
}

static void add_small(unsigned i)
{
	const gpa_t gpa = CARD_DATA + i * 2048;
	const struct vdriver_buf b = { gpa, NET_HDR_LEN + 1000, false };

	memset(card_ram + gpa, 0, NET_HDR_LEN);
	card_frame(card_ram + gpa + NET_HDR_LEN, 1000, (uint8_t)i);
	card_ram[gpa + NET_HDR_LEN + 100] = (uint8_t)i;
	(void)vdriver_add(&card.drv[1], &b, 1);
}

/* What the tap does not take waits, in order, and costs no time. */
BOTH_ENGINES(waits_for_the_tap)
{
	int small = 4096;
	unsigned seen = 0;

	card_create(*engine);
	cr_assert_eq(setsockopt(card.cfg.fd[0], SOL_SOCKET, SO_SNDBUF, &small,
				sizeof(small)),
		     0);
	card_drive(CARD_PLAIN);
	for (unsigned i = 0; i < CARD_RING; i++)
		add_small(i);
	card_kick(1);
	cr_expect_lt(vdriver_used_idx(&card.drv[1]), CARD_RING);
	cr_expect_gt(vdriver_used_idx(&card.drv[1]), 0);
	card_kick(1); /* means nothing now */
	while (seen < CARD_RING) {
		cr_assert_eq(card_sent(0, got, sizeof(got)), NET_HDR_LEN + 1000,
			     "after %u", seen);
		cr_assert_eq(got[NET_HDR_LEN + 100], seen);
		seen++;
		card_settle();
	}
	cr_expect_eq(vdriver_used_idx(&card.drv[1]), CARD_RING);
	cr_expect_eq(card_count("tx_frames_net"), CARD_RING);
	card_down();
}

/* --- receiving --------------------------------------------------------------- */

BOTH_ENGINES(receives)
{
	struct net_hdr h;

	card_up(*engine, CARD_PLAIN);
	for (unsigned i = 0; i < 8; i++)
		card_offer(0, CARD_DATA + i * 2048, 2048);
	card_kick(0);
	card_settle();
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 0);
	for (unsigned i = 0; i < 5; i++) {
		card_frame(frame, 100 + i * 300, (uint8_t)i);
		card_arrives(0, &plain, frame, 100 + i * 300);
	}
	card_settle();
	for (unsigned i = 0; i < 5; i++) {
		const uint8_t *at = card_ram + CARD_DATA + i * 2048ull;

		card_frame(frame, 100 + i * 300, (uint8_t)i);
		cr_assert_eq(used_len(0), NET_HDR_LEN + 100 + i * 300);
		cr_expect_eq(memcmp(at + NET_HDR_LEN, frame, 100 + i * 300), 0);
		memcpy(&h, at, sizeof(h));
		cr_expect_eq(le16_get(h.num_buffers), 1);
	}
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 5);
	cr_expect_eq(card.fired, 1, "one interrupt for all");
	cr_expect_eq(card.v->queue[0].in_flight, 0);
	cr_expect_eq(card_count("rx_frames_net"), 5);
	cr_expect_eq(card_count("rx_bytes_net"), 5 * 100 + 10 * 300);
	card_down();
}

/* A guest without buffers is not read for; nothing is lost. */
BOTH_ENGINES(waits_for_the_guest)
{
	card_up(*engine, CARD_PLAIN);
	card_frame(frame, 200, 1);
	for (unsigned i = 0; i < 3; i++)
		card_arrives(0, &plain, frame, 200);
	card_settle();
	cr_expect_eq(loop_in_flight(card.loop), 0);
	card_offer(0, CARD_DATA, 2048);
	card_kick(0);
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 1);
	card_settle();
	cr_expect_eq(loop_in_flight(card.loop), 0, "hungry again");
	card_offer(0, CARD_DATA, 2048);
	card_offer(0, CARD_DATA + 2048, 2048);
	card_kick(0);
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 3);
	cr_expect_eq(card_count("rx_frames_net"), 3);
	card_down();
}

BOTH_ENGINES(merges_buffers)
{
	uint8_t *at = card_ram + CARD_DATA;
	struct net_hdr h;

	card_up(*engine, CARD_PLAIN | CARD_OFFLOADS | NET_F_MRG_RXBUF);
	for (unsigned i = 0; i < CARD_RING - 1; i++)
		card_offer(0, CARD_DATA + i * 1100, 1100);
	card_kick(0);
	card_frame(frame, 4000, 9);
	card_arrives(0,
		     &(struct net_hdr){ .flags = NET_HDR_NEEDS_CSUM,
					.gso_type = NET_GSO_TCP6 },
		     frame, 4000);
	card_arrives(0, &plain, frame, 60);
	card_settle();
	memcpy(&h, at, sizeof(h));
	cr_expect_eq(h.flags, NET_HDR_NEEDS_CSUM);
	cr_expect_eq(h.gso_type, NET_GSO_TCP6);
	cr_expect_eq(le16_get(h.num_buffers), 4);
	cr_expect_eq(memcmp(at + NET_HDR_LEN, frame, 4000), 0);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(used_len(0), 1100);
	cr_expect_eq(used_len(0), 4012 - 3300);
	cr_expect_eq(used_len(0), 72);
	memcpy(&h, at + 4400, sizeof(h));
	cr_expect_eq(le16_get(h.num_buffers), 1);
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 5);
	cr_expect_eq(card.v->queue[0].in_flight, 0, "the rest was given back");
	cr_expect_eq(card.v->queue[0].next_avail, 5);
	card_down();
}

/* What does not fit into what is offered waits until more is. */
BOTH_ENGINES(holds_a_frame)
{
	card_up(*engine, CARD_PLAIN | CARD_OFFLOADS | NET_F_MRG_RXBUF);
	card_offer(0, CARD_DATA, 1000);
	card_offer(0, CARD_DATA + 1000, 1000);
	card_kick(0);
	card_frame(frame, 3000, 4);
	card_arrives(0, &plain, frame, 60);
	card_settle();
	cr_expect_eq(used_len(0), 72);
	card_arrives(0,
		     &(struct net_hdr){ .flags = NET_HDR_NEEDS_CSUM,
					.gso_type = NET_GSO_TCP4 },
		     frame, 3000);
	card_settle();
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 1);
	cr_expect_eq(card.v->queue[0].in_flight, 0);
	card_offer(0, CARD_DATA + 2000, 1000);
	card_kick(0);
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 1, "still too little");
	card_offer(0, CARD_DATA + 3000, 1000);
	card_offer(0, CARD_DATA + 4000, 1000);
	card_kick(0);
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 5);
	cr_expect_eq(
		memcmp(card_ram + CARD_DATA + 1000 + NET_HDR_LEN, frame, 3000),
		0);
	cr_expect_eq(card_count("rx_large_net"), 0);
	/* a reset forgets it */
	card_offer(0, CARD_DATA, 1000);
	card_kick(0);
	card_arrives(0, &plain, frame, 1500);
	card_settle();
	card_reset();
	card_drive(CARD_PLAIN | CARD_OFFLOADS | NET_F_MRG_RXBUF);
	for (unsigned i = 0; i < 8; i++)
		card_offer(0, CARD_DATA + i * 1000, 1000);
	card_kick(0);
	card_settle();
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 0);
	card_down();
}

BOTH_ENGINES(drops_what_is_too_large)
{
	card_up(*engine, CARD_PLAIN);
	card_offer(0, CARD_DATA, 1000);
	card_kick(0);
	memset(card_ram + CARD_DATA, 0xee, 4096);
	card_frame(frame, 1400, 4);
	card_arrives(0, &plain, frame, 989); /* a byte too many */
	card_settle();
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 0);
	cr_expect_eq(card_count("rx_large_net"), 1);
	cr_expect_eq(card_ram[CARD_DATA + 1000], 0xee);
	card_arrives(0, &plain, frame, 988);
	card_settle();
	cr_expect_eq(used_len(0), 1000);
	card_offer(0, CARD_DATA, 4096);
	card_kick(0);
	card_frame(frame, 1519, 4); /* beyond the MTU */
	card_arrives(0, &plain, frame, 1519);
	card_settle();
	cr_expect_eq(card_count("rx_large_net"), 2);
	card_arrives(0, &plain, frame, 1518);
	card_settle();
	cr_expect_eq(used_len(0), 1530);
	card_down();
}

/* Frames for a driver that took more. */
BOTH_ENGINES(drops_what_the_driver_cannot_take)
{
	static const struct net_hdr bad[] = {
		{ .flags = NET_HDR_NEEDS_CSUM },
		{ .gso_type = NET_GSO_TCP4 },
		{ .gso_type = NET_GSO_TCP6 },
		{ .gso_type = NET_GSO_UDP_L4 },
		{ .gso_type = NET_GSO_ECN },
		{ .gso_type = 3 },
		{ .gso_type = 77 },
	};
	struct net_hdr h;

	card_up(*engine, CARD_PLAIN);
	for (unsigned i = 0; i < 8; i++)
		card_offer(0, CARD_DATA + i * 2048, 2048);
	card_kick(0);
	card_frame(frame, 100, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		card_arrives(0, &bad[i], frame, 100);
	card_arrives(0, &plain, frame, 13); /* no Ethernet */
	card_settle();
	cr_expect_eq(vdriver_used_idx(&card.drv[0]), 0);
	cr_expect_eq(card_count("rx_refused_net"), ARRAY_SIZE(bad) + 1);
	card_arrives(0, &(struct net_hdr){ .flags = 2 }, frame, 100);
	card_settle();
	cr_expect_eq(used_len(0), 112);
	memcpy(&h, card_ram + CARD_DATA, sizeof(h));
	cr_expect_eq(h.flags, 0, "without GUEST_CSUM");
	card_down();
}

/* More than is done at a time, both ways at once. */
BOTH_ENGINES(long_queues)
{
	unsigned sent = 0, seen = 0;

	card_up(*engine, CARD_PLAIN);
	for (unsigned i = 0; i < CARD_RING; i++) {
		card_offer(0, CARD_DATA + 0x100000 + i * 2048, 2048);
		add_small(i);
	}
	card_frame(frame, 300, 1);
	for (; sent < 200; sent++) {
		struct iovec iov[] = {
			{ (void *)(uintptr_t)&plain, sizeof(plain) },
			{ frame, 300 },
		};

		if (writev(card.host[0], iov, 2) < 0)
			break;
	}
	card_kick(0);
	card_kick(1);
	for (unsigned i = 0; i < 400 && seen < sent; i++) {
		uint32_t head, len;

		card_settle();
		while (vdriver_used(&card.drv[0], &head, &len)) {
			cr_assert_eq(len, NET_HDR_LEN + 300);
			seen++;
			card_offer(0, CARD_DATA + 0x100000 + head * 2048ull,
				   2048);
		}
		card_kick(0);
	}
	cr_expect_eq(seen, sent);
	cr_expect_eq(vdriver_used_idx(&card.drv[1]), CARD_RING);
	card_down();
}

/* --- queues ------------------------------------------------------------------- */

#define MANY (CARD_PLAIN | NET_F_CTRL_VQ | NET_F_MQ)

/* A control command; the answer. */
static uint8_t control(unsigned queue, const void *cmd, uint32_t len)
{
	const struct vdriver_buf b[] = {
		{ 0x80000, len, false },
		{ 0x80100, 1, true },
	};

	memcpy(card_ram + 0x80000, cmd, len);
	card_ram[0x80100] = 0xff;
	(void)vdriver_add(&card.drv[queue], b, 2);
	card_kick(queue);
	return card_ram[0x80100];
}

static uint8_t set_pairs(unsigned queue, uint16_t n)
{
	const struct net_ctrl_mq cmd = { NET_CTRL_MQ, NET_CTRL_MQ_VQ_PAIRS_SET,
					 le16_of(n) };

	return control(queue, &cmd, sizeof(cmd));
}

BOTH_ENGINES(several_queues)
{
	card.cfg.pairs = 3;
	card_up(*engine, MANY);
	cr_expect_eq(config(8, 2), 3);
	cr_expect(card.attached[0] && !card.attached[1] && !card.attached[2]);
	card_offer(1, CARD_DATA, 2048); /* before its pair is in use */
	card_kick(2);
	card_frame(frame, 100, 1);
	card_send(1, &plain, frame, 100);
	cr_expect_eq(card_sent(1, got, sizeof(got)), -1);
	cr_expect_eq(set_pairs(6, 3), NET_CTRL_OK);
	cr_expect(card.attached[1] && card.attached[2]);
	card_kick(2);
	card_kick(3);
	cr_expect_eq(card_sent(1, got, sizeof(got)), NET_HDR_LEN + 100);
	card_arrives(1, &plain, frame, 100);
	card_settle();
	cr_expect_eq(used_len(2), NET_HDR_LEN + 100);
	card_send(2, &plain, frame, 100);
	cr_expect_eq(card_sent(2, got, sizeof(got)), NET_HDR_LEN + 100);
	cr_expect_eq(set_pairs(6, 2), NET_CTRL_OK);
	cr_expect(card.attached[1] && !card.attached[2]);
	card_reset();
	cr_expect(card.attached[0] && !card.attached[1]);
	card_drive(MANY & ~NET_F_MQ);
	cr_expect_eq(set_pairs(2, 1), NET_CTRL_ERR, "without MQ");
	card_down();
}

BOTH_ENGINES(refuses_commands)
{
	static const uint8_t bad[][5] = {
		{ 4, 0, 0, 0 }, /* no pair */
		{ 4, 0, 3, 0 }, /* too many */
		{ 4, 0, 0xff, 0xff }, { 4, 1, 1, 0 },
		{ 0, 0, 1, 0 },       { 255, 255, 1, 0 },
	};

	card.cfg.pairs = 2;
	card_up(*engine, MANY);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_eq(control(4, bad[i], 4), NET_CTRL_ERR, "%u", i);
	cr_expect_eq(control(4, "\4\0", 2), NET_CTRL_ERR, "no data");
	cr_expect_eq(control(4, "\4\0\1\0\0", 5), NET_CTRL_ERR, "too much");
	cr_expect_eq(card_count("ctrl_refused_net"), ARRAY_SIZE(bad) + 2);
	card.attach_error = EBUSY;
	cr_expect_eq(set_pairs(4, 2), NET_CTRL_ERR, "the tap refuses");
	card.attach_error = 0;
	cr_expect_eq(set_pairs(4, 2), NET_CTRL_OK);
	card_down();
}

/* --- the link ------------------------------------------------------------------ */

#define UP (IFF_UP | IFF_LOWER_UP)

BOTH_ENGINES(follows_the_news)
{
	uint8_t ask[64];

	card.watched = true;
	card_up(*engine, CARD_PLAIN);
	cr_expect_gt(recv(card.news, ask, sizeof(ask), 0), 0, "asked first");
	card_settle();
	cr_expect(card_link());
	card_news(RTM_NEWLINK, AF_UNSPEC, 7, IFF_UP);
	cr_expect_not(card_link(), "no carrier");
	cr_expect_eq(card.v->isr, VIRTIO_ISR_CONFIG);
	cr_expect_eq(card.v->config_generation, 1);
	card_news(RTM_NEWLINK, AF_UNSPEC, 7, UP);
	cr_expect(card_link());
	card_news(RTM_NEWLINK, AF_UNSPEC, 8, 0);
	cr_expect(card_link(), "another interface");
	card_news(RTM_DELLINK, AF_BRIDGE, 7, 0);
	cr_expect(card_link(), "left a bridge");
	card_news(RTM_NEWLINK, AF_UNSPEC, 7, UP);
	cr_expect_eq(card.v->config_generation, 2);
	card_news(RTM_NEWLINK, AF_UNSPEC, 7, 0);
	cr_expect_not(card_link());
	card_reset();
	cr_expect_not(card_link(), "a reset changes nothing outside");
	card_drive(CARD_PLAIN);
	card_news(RTM_NEWLINK, AF_UNSPEC, 7, UP);
	cr_expect(card_link());
	/* It left. A tap that can still be written to is elsewhere, and up. */
	card_news(RTM_DELLINK, AF_UNSPEC, 7, 0);
	cr_expect(card_link());
	cr_expect_eq(card.v->config_generation, 6);
	card_down();
}

BOTH_ENGINES(news_may_be_rubbish)
{
	static const uint32_t lens[] = { 0, 1, 15, 16, 31, 32, 100, ~0u };

	card.watched = true;
	card_up(*engine, CARD_PLAIN);
	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		uint8_t m[40] = { 0 };

		memcpy(m, &lens[i], 4);
		m[4] = RTM_NEWLINK;
		for (unsigned n = 1; n <= sizeof(m); n++) {
			cr_assert_eq(send(card.news, m, n, 0), (ssize_t)n);
			card_settle();
		}
	}
	cr_expect(card_link());
	card_down();
}

BOTH_ENGINES(a_tap_that_is_gone)
{
	card_up(*engine, CARD_PLAIN);
	card_offer(0, CARD_DATA, 2048);
	card_kick(0);
	card_settle();
	cr_expect(card_link());
	(void)close(card.host[0]);
	card_settle();
	cr_expect_not(card_link());
	cr_expect_eq(loop_in_flight(card.loop), 0);
	card_frame(frame, 100, 1);
	card_send(0, &plain, frame, 100);
	cr_expect_eq(used_len(1), 0, "taken and dropped");
	cr_expect_eq(card_count("tx_down_net"), 1);
	card_reset();
	card_drive(CARD_PLAIN);
	card_offer(0, CARD_DATA, 2048);
	card_kick(0);
	card_settle();
	cr_expect_not(card_link());
	cr_expect_eq(loop_in_flight(card.loop), 0);
	card.host[0] = -1;
	card_down();
}

/* --- rates ------------------------------------------------------------------------ */

BOTH_ENGINES(waits_for_its_rate)
{
	card.cfg.limit = (struct ratelimit_config){ .ops = 40, .ops_burst = 1 };
	card.watched = true;
	card_up(*engine, CARD_PLAIN);
	for (unsigned i = 0; i < 6; i++) {
		card_offer(0, CARD_DATA + 0x100000 + i * 2048, 2048);
		add_small(i);
	}
	card_kick(0);
	card_kick(1);
	cr_expect_lt(vdriver_used_idx(&card.drv[1]), 6);
	cr_expect_gt(vdriver_used_idx(&card.drv[1]), 0);
	card_kick(1); /* means nothing now */
	for (unsigned i = 0; i < 6; i++)
		card_arrives(0, &plain, frame, 100);
	card_settle();
	cr_expect_lt(vdriver_used_idx(&card.drv[0]), 6);
	cr_expect_gt(vdriver_used_idx(&card.drv[0]), 0, "its own buckets");
	for (unsigned i = 0; i < 6;) {
		card_settle();
		if (card_sent(0, got, sizeof(got)) < 0)
			continue;
		cr_assert_eq(got[NET_HDR_LEN + 100], i);
		i++;
	}
	while (vdriver_used_idx(&card.drv[0]) < 6)
		card_settle();
	/* a reset does not wait for the rate, and forgets nobody */
	for (unsigned i = 0; i < 6; i++)
		add_small(i);
	card_kick(1);
	card_reset();
	card_settle();
	cr_expect_eq(vdriver_reg(card.v, MMIO_REG_STATUS), 0);
	while (card_sent(0, got, sizeof(got)) >= 0)
		;
	card_drive(CARD_PLAIN);
	add_small(7);
	card_kick(1);
	while (card_sent(0, got, sizeof(got)) < 0)
		card_settle();
	cr_expect_eq(got[NET_HDR_LEN + 100], 7);
	card_news(RTM_NEWLINK, AF_UNSPEC, 7, 0);
	cr_expect_not(card_link(), "the news are still heard");
	card_down();
}

/* --- its life -------------------------------------------------------------------- */

BOTH_ENGINES(reset_in_traffic)
{
	int small = 4096;

	card_create(*engine);
	cr_assert_eq(setsockopt(card.cfg.fd[0], SOL_SOCKET, SO_SNDBUF, &small,
				sizeof(small)),
		     0);
	for (unsigned round = 0; round < 20; round++) {
		card_drive(CARD_PLAIN);
		card_offer(0, CARD_DATA + 0x100000, 2048);
		card_kick(0);
		for (unsigned i = 0; i < CARD_RING; i++)
			add_small(i);
		card_kick(1);
		card_frame(frame, 100, (uint8_t)round);
		card_arrives(0, &plain, frame, 100);
		if (round % 2)
			card_settle();
		card_reset();
		cr_expect_eq(vdriver_reg(card.v, MMIO_REG_STATUS), 0);
	}
	while (card_sent(0, got, sizeof(got)) > 0)
		card_settle();
	card_drive(CARD_PLAIN);
	card_frame(frame, 100, 1);
	card_send(0, &plain, frame, 100);
	cr_expect_eq(card_sent(0, got, sizeof(got)), NET_HDR_LEN + 100);
	card_down();
}
