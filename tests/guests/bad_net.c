/* bad_net.c: a driver of the first network card that breaks every rule:
 * headers that lie, each of which costs its frame; chains that are no frames,
 * each of which must cost the device and nothing else; commands that must be
 * refused; registers, rings and resets in the middle of traffic; rings and
 * headers rewritten by processor 1. In between the card must work: the host,
 * 10.9.0.1 behind the tap, answers an ARP request. Needs -c 2.
 *
 * With the word "spoof" it only asks under another's address. With "uso" it
 * is a good driver of UDP segmentation: sends and receives one frame that is
 * five datagrams, or says that the host has no such thing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define REG_ID     0x08
#define REG_CONFIG 0x100

#define RAM_END 0x4000000ull /* -m 64M */
#define FRAME   (BARE_ARENA + 0x1000)
#define CMD     (BARE_ARENA + 0x2000)
#define TABLE   (BARE_ARENA + 0x3000)
#define BUFFERS (BARE_ARENA + 0x10000)
#define BUF_LEN 2048u
#define RX_SIZE 32u
#define HDR     12u
#define ARP_LEN 42u

#define F_CSUM     (1ull << 0)
#define F_HOST_ALL (1ull << 11 | 1ull << 12 | 1ull << 13) /* TSO4, 6, ECN */
#define F_MRG      (1ull << 15)
#define F_USO_ALL  (1ull << 1 | 1ull << 54 | 1ull << 55 | 1ull << 56)
#define F_CTRL_VQ  (1ull << 17)
#define F_MQ       (1ull << 22)

static volatile struct ring rx, tx, ctrl;
static unsigned net, pairs;
static uint64_t offered;

/* --- a good driver ------------------------------------------------------------ */

static void offer_rx(unsigned i)
{
	ring_desc(&rx, i, BUFFERS + i * BUF_LEN, BUF_LEN, DESC_WRITE, 0);
	ring_offer(&rx, (uint16_t)i);
}

static bool open_net(uint64_t features)
{
	const unsigned n = features & F_MQ ? 2 * pairs : 2;
	bool ok = dev_reset(net) && dev_features(net, features & offered) &&
		  ring_open(&rx, net, 0, RX_SIZE) &&
		  ring_open(&tx, net, 1, RING_MAX);

	if (features & offered & F_CTRL_VQ)
		ok = ok && ring_open(&ctrl, net, n, 16);
	for (unsigned i = 0; i < RX_SIZE; i++)
		offer_rx(i);
	dev_ok(net);
	ring_kick(&rx);
	return ok && dev_status(net) == 15;
}

/* A request for 10.9.0.1 from 10.9.0.2 behind a header of zeroes. */
static void make_arp(void)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	static const uint8_t target[] = { 0, 0, 0, 0, 0, 0, 10, 9, 0, 1 };
	static const uint8_t sender[] = { 10, 9, 0, 2 };
	const uint64_t p = FRAME + HDR;

	for (unsigned i = 0; i < HDR; i++)
		put8(FRAME + i, 0);
	for (unsigned i = 0; i < 6; i++) {
		put8(p + i, 0xff);
		put8(p + 6 + i, get8(reg(net, REG_CONFIG) + i));
		put8(p + 22 + i, get8(reg(net, REG_CONFIG) + i));
	}
	put16(p + 12, 0x0608);
	for (unsigned i = 0; i < sizeof(head); i++)
		put8(p + 14 + i, head[i]);
	for (unsigned i = 0; i < sizeof(sender); i++)
		put8(p + 28 + i, sender[i]);
	for (unsigned i = 0; i < sizeof(target); i++)
		put8(p + 32 + i, target[i]);
}

static bool send_frame(uint32_t len)
{
	ring_desc(&tx, 0, FRAME, HDR + len, 0, 0);
	ring_offer(&tx, 0);
	ring_kick(&tx);
	return ring_wait(&tx);
}

/* Looks for the answer for a while. Other frames may come first. */
static bool gets_answer(void)
{
	const uint64_t start = rdtsc();

	while (rdtsc() - start < 500000000ull) {
		unsigned at;
		uint64_t p;

		if (rx.used_idx == rx.seen)
			continue;
		barrier();
		at = rx.used[rx.seen % RX_SIZE].id % RX_SIZE;
		p = BUFFERS + at * BUF_LEN + HDR;
		if (get16(p + 12) == 0x0608 && get16(p + 20) == 0x0200 &&
		    get8(p + 28) == 10 && get8(p + 31) == 1)
			return true;
		rx.seen++;
		offer_rx(at);
		ring_kick(&rx);
	}
	return false;
}

/* The host, which may be flooding the tap, loses some answers. */
static bool answers(void)
{
	const uint64_t start = rdtsc();

	do {
		make_arp();
		if (!send_frame(ARP_LEN))
			return false;
		if (gets_answer())
			return true;
	} while (rdtsc() - start < 40000000000ull);
	return false;
}

static bool works(void)
{
	return open_net(0) && answers();
}

/* --- headers ------------------------------------------------------------------- */

static const struct header {
	const char *name;
	uint8_t flags, gso;
	uint16_t hdr_len, gso_size, start, offset;
} headers[] = {
	{ "checksum beyond the frame", 1, 0, 0, 0, 60000, 0 },
	{ "checksum that wraps", 1, 0, 0, 0, 65535, 65535 },
	{ "checksum in the last byte", 1, 0, 0, 0, ARP_LEN - 1, 0 },
	{ "all flags", 255, 0, 0, 0, 0, 0 },
	{ "no gso_size", 1, 1, 54, 0, 34, 2 },
	{ "huge gso_size", 1, 1, 30, 65535, 34, 2 },
	{ "gso_size 1", 1, 1, 30, 1, 34, 2 },
	{ "segments without a checksum", 0, 1, 54, 100, 0, 0 },
	{ "header beyond the frame", 1, 1, 65535, 100, 34, 2 },
	{ "header of nothing", 1, 1, 0, 100, 34, 2 },
	{ "TCP6 in ARP", 1, 4, 40, 100, 34, 2 },
	{ "UDP in ARP", 1, 5, 40, 100, 34, 2 },
	{ "old UDP", 1, 3, 40, 100, 34, 2 },
	{ "type 2", 1, 2, 40, 100, 34, 2 },
	{ "type 127", 1, 127, 40, 100, 34, 2 },
	{ "ECN alone", 1, 0x80, 40, 100, 34, 2 },
	{ "ECN and type 127", 1, 255, 40, 100, 34, 2 },
	{ "all ones", 255, 255, 65535, 65535, 65535, 65535 },
};

static void lie_in_headers(void)
{
	for (unsigned round = 0; round < 2; round++) {
		EXPECT(works());
		if (round)
			EXPECT(open_net(F_CSUM | F_HOST_ALL));
		for (unsigned i = 0; i < sizeof(headers) / sizeof(*headers);
		     i++) {
			const struct header *h = &headers[i];

			bare_context = h->name;
			make_arp();
			put8(FRAME, h->flags);
			put8(FRAME + 1, h->gso);
			put16(FRAME + 2, h->hdr_len);
			put16(FRAME + 4, h->gso_size);
			put16(FRAME + 6, h->start);
			put16(FRAME + 8, h->offset);
			EXPECT(send_frame(ARP_LEN));
			EXPECT(dev_status(net) == 15);
		}
		EXPECT(answers());
	}
	bare_context = "frames of odd sizes";
	for (uint32_t len = 0; len < 20; len++)
		EXPECT(send_frame(len));
	EXPECT(send_frame(65536));
	EXPECT(send_frame(1000000));
	EXPECT(dev_status(net) == 15);
}

/* --- chains -------------------------------------------------------------------- */

struct part {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
};

#define W DESC_WRITE

static const struct broken {
	const char *name;
	volatile struct ring *ring;
	unsigned n;
	struct part part[3];
} broken[] = {
	{ "sending no header", &tx, 1, { { FRAME, 11, 0 } } },
	{ "sending nothing", &tx, 1, { { FRAME, 0, 0 } } },
	{ "sending from a writable buffer", &tx, 1, { { FRAME, 100, W } } },
	{ "sending with an answer",
	  &tx,
	  2,
	  { { FRAME, 100, 0 }, { FRAME, 1, W } } },
	{ "sending from behind RAM", &tx, 1, { { RAM_END, 100, 0 } } },
	{ "sending over the end", &tx, 1, { { RAM_END - 8, 100, 0 } } },
	{ "sending registers", &tx, 1, { { BARE_DEVICES, 100, 0 } } },
	{ "sending the APIC", &tx, 1, { { BARE_LAPIC, 100, 0 } } },
	{ "sending around the world", &tx, 1, { { ~0ull - 7, 100, 0 } } },
	{ "sending 4 GiB",
	  &tx,
	  2,
	  { { FRAME, 100, 0 }, { FRAME, 0xffffffff, 0 } } },
	{ "a loop", &tx, 1, { { FRAME, 100, DESC_NEXT } } },
	{ "a table without the feature",
	  &tx,
	  1,
	  { { TABLE, 16, DESC_INDIRECT } } },
	{ "receiving to a readable buffer", &rx, 1, { { BUFFERS, 2000, 0 } } },
	{ "receiving behind a readable buffer",
	  &rx,
	  2,
	  { { BUFFERS, 12, 0 }, { BUFFERS, 2000, W } } },
	{ "receiving to no room", &rx, 1, { { BUFFERS, 11, W } } },
	{ "receiving to nothing", &rx, 1, { { BUFFERS, 0, W } } },
	{ "receiving behind RAM", &rx, 1, { { RAM_END, 2000, W } } },
	{ "receiving over the end", &rx, 1, { { RAM_END - 8, 2000, W } } },
	{ "receiving to registers", &rx, 1, { { BARE_DEVICES, 2000, W } } },
};

/* A card with empty rings, so that the broken chain is the first. */
static void open_empty(uint64_t features)
{
	EXPECT(dev_reset(net));
	EXPECT(dev_features(net, features & offered));
	EXPECT(ring_open(&rx, net, 0, RX_SIZE));
	EXPECT(ring_open(&tx, net, 1, RING_MAX));
	dev_ok(net);
}

static void break_chains(void)
{
	for (unsigned i = 0; i < 2 * sizeof(broken) / sizeof(*broken); i++) {
		const struct broken *b = &broken[i / 2];

		bare_context = b->name;
		open_empty(i % 2 ? F_MRG : 0);
		for (unsigned j = 0; j < b->n; j++)
			ring_desc(b->ring, j, b->part[j].gpa, b->part[j].len,
				  b->part[j].flags |
					  (j + 1 < b->n ? DESC_NEXT : 0),
				  (uint16_t)(j + 1 < b->n ? j + 1 : 0));
		ring_offer(b->ring, 0);
		ring_kick(b->ring);
		EXPECT(dev_status(net) & STATUS_NEEDS_RESET);
		if (i % 2)
			EXPECT(works());
	}
}

/* --- commands ------------------------------------------------------------------ */

/* Returns the answer. */
static uint8_t command(const uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put8(CMD + i, bytes[i]);
	put8(CMD + 64, 0xaa);
	ring_desc(&ctrl, 0, CMD, n, DESC_NEXT, 1);
	ring_desc(&ctrl, 1, CMD + 64, 1, W, 0);
	ring_offer(&ctrl, 0);
	ring_kick(&ctrl);
	return ring_wait(&ctrl) ? get8(CMD + 64) : 0xbb;
}

static void command_lies(void)
{
	static const uint8_t bad[][4] = {
		{ 4, 0, 0, 0 }, { 4, 0, 255, 255 }, { 4, 0, 9, 0 },
		{ 4, 1, 1, 0 }, { 4, 255, 1, 0 },   { 0, 0, 1, 0 },
		{ 1, 0, 1, 0 }, { 2, 0, 1, 0 },     { 3, 0, 1, 0 },
		{ 5, 0, 1, 0 }, { 255, 0, 1, 0 },
	};
	static const uint8_t good[] = { 4, 0, 1, 0 };

	if (!(offered & F_CTRL_VQ))
		return;
	bare_context = "giving bad commands";
	EXPECT(open_net(F_CTRL_VQ | F_MQ));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT(command(bad[i], 4) == 1);
	EXPECT(command(good, 3) == 1);
	EXPECT(command(good, 2) == 1);
	for (unsigned i = 0; i < 200;
	     i++) { /* every pair on, all but one off */
		const uint8_t set[] = { 4, 0, (uint8_t)(i % 2 ? pairs : 1), 0 };

		EXPECT(command(set, 4) == 0);
	}
	EXPECT(command(good, 4) == 0);
	EXPECT(answers());
	bare_context = "giving a command without room for an answer";
	ring_desc(&ctrl, 0, CMD, 4, 0, 0);
	ring_offer(&ctrl, 0);
	ring_kick(&ctrl);
	EXPECT(dev_status(net) & STATUS_NEEDS_RESET);
	EXPECT(works());
}

/* --- in the middle of traffic --------------------------------------------------- */

static void fill_tx(void)
{
	for (unsigned i = 0; i < RING_MAX; i++) {
		ring_desc(&tx, i, FRAME, HDR + ARP_LEN, 0, 0);
		ring_offer(&tx, (uint16_t)i);
	}
}

static void storm(void)
{
	static const uint16_t offs[] = { REG_QUEUE_SEL,  REG_QUEUE_NUM,
					 REG_DESC,       REG_AVAIL,
					 REG_USED,       REG_DRIVER_FEATURES,
					 REG_ACK,        REG_CONFIG,
					 REG_CONFIG + 4, REG_CONFIG + 8 };

	bare_context = "kicking without end";
	EXPECT(works());
	for (unsigned i = 0; i < 5000; i++)
		reg_set(net, REG_NOTIFY, (uint32_t)(bare_random() % 20));
	for (unsigned i = 0; i < 500; i++)
		reg_set(net, REG_NOTIFY, (uint32_t)bare_random());
	EXPECT(dev_status(net) == 15);
	EXPECT(answers());
	bare_context = "reconfiguring while running";
	for (unsigned i = 0; i < 3000; i++) {
		const uint64_t r = bare_random();

		reg_set(net, offs[r % 10], (uint32_t)(r >> 32));
	}
	EXPECT(dev_status(net) == 15); /* none of it is allowed to matter */
	EXPECT(answers());
	bare_context = "taking queues away while running";
	for (unsigned i = 0; i < 100; i++) {
		EXPECT(open_net(i % 2 ? F_MRG : 0));
		fill_tx();
		reg_set(net, REG_QUEUE_SEL, i / 2 % 2);
		reg_set(net, REG_QUEUE_READY, 0);
		ring_kick(&tx);
		ring_kick(&rx);
	}
	EXPECT(works());
	bare_context = "resetting while running";
	for (unsigned i = 0; i < 200; i++) {
		EXPECT(open_net(i % 2 ? F_MRG : 0));
		fill_tx();
		if (i % 3)
			ring_kick(&tx);
		reg_set(net, REG_STATUS, 0);
	}
	EXPECT(works());
}

/* --- by another processor ------------------------------------------------------- */

static volatile uint32_t go, paused;
static volatile uint64_t rewrites;

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t address(uint64_t r)
{
	switch (r & 31) {
	case 0:
		return RAM_END - (r >> 8 & 0xfff);
	case 1:
		return ~0ull - (r >> 8 & 0xffff);
	case 2:
		return BARE_DEVICES + (r >> 8 & 0xffff);
	default:
		return BUFFERS + (r >> 8 & 0xfffff);
	}
}

static void rewrite(uint64_t r, uint64_t s)
{
	volatile struct ring *q = r & 1 ? &tx : &rx;
	volatile struct desc *d = &q->desc[r >> 8 & (q->size - 1)];

	switch (r >> 16 & 15) {
	case 0:
		d->flags = (uint16_t)(s & 7);
		break;
	case 1:
		d->next = (uint16_t)(s & 0x7f);
		break;
	case 2:
		d->len = s & 0x8000 ? 0xffffffff : (uint32_t)s & 15;
		break;
	case 3:
		q->avail[r >> 24 & 31] = (uint16_t)(s & 0x4f);
		break;
	case 4:
		if ((s & 0xff) == 0)
			q->avail_idx = (uint16_t)(s >> 8);
		break;
	case 5: /* headers and addresses of what is being sent */
		put64(FRAME + (s & 0x1f), s);
		break;
	default: /* mostly good again, so that there is something to race */
		d->gpa = address(s);
		d->len = 64 + (uint32_t)(s >> 40 & 0x7ff);
		d->flags = r & 1 ? 0 : W;
		break;
	}
	rewrites++;
}

static void __attribute__((noreturn)) racer(void)
{
	uint64_t x = 0x123456789abcdef;

	for (;;) {
		uint64_t r;

		while (!go)
			paused = 1;
		r = next(&x);
		rewrite(r, next(&x));
	}
}

static void pause_racer(void)
{
	go = 0;
	paused = 0;
	barrier();
	while (!paused)
		;
}

static unsigned race(uint64_t features)
{
	const uint64_t start = rdtsc();
	unsigned faults = 0;

	EXPECT(open_net(features));
	go = 1;
	/* a second, and longer where the other one gets no time */
	for (uint16_t i = 0; rdtsc() - start < 3000000000ull ||
			     ((rewrites < 100000 || faults == 0) &&
			      rdtsc() - start < 30000000000ull);
	     i++) {
		tx.avail[i % RING_MAX] = i % RING_MAX;
		rx.avail[i % RX_SIZE] = i % RX_SIZE;
		barrier();
		tx.avail_idx++;
		if (i % 4 == 0)
			rx.avail_idx++;
		barrier();
		reg_set(net, REG_NOTIFY, i % 4 != 0);
		if (i % 16 == 0 && (dev_status(net) & STATUS_NEEDS_RESET)) {
			faults++;
			pause_racer();
			EXPECT(open_net(features));
			go = 1;
		}
	}
	pause_racer();
	return faults;
}

static void spoof(void)
{
	EXPECT(open_net(0));
	for (unsigned i = 0; i < 20; i++) {
		make_arp();
		put8(FRAME + HDR + 11, (uint8_t)(get8(FRAME + HDR + 11) ^ 1));
		EXPECT(send_frame(ARP_LEN));
		if (gets_answer())
			PASS("with another's address");
	}
	EXPECT(answers());
	PASS("with its own address only");
}

/* --- segmentation of UDP --------------------------------------------------------- */

#define USO_PORT 7777u
#define USO_LEN  1000u /* of a datagram */
#define USO_N    5u

static void put16_be(uint64_t gpa, uint32_t v)
{
	put8(gpa, (uint8_t)(v >> 8));
	put8(gpa + 1, (uint8_t)v);
}

/* Of 16-bit words, not complemented. */
static uint32_t sum(uint64_t gpa, uint32_t len, uint32_t s)
{
	for (; len > 0; len -= 2, gpa += 2)
		s += (uint32_t)get8(gpa) << 8 | get8(gpa + 1);
	return (s & 0xffff) + (s >> 16);
}

/* One frame for all: the host cuts it and completes the checksums. */
static void make_uso(void)
{
	static const uint8_t head[] = { 0x45, 0, 0,  0, 0, 0, 0,  0, 64, 17,
					0,    0, 10, 9, 0, 2, 10, 9, 0,  1 };
	const uint64_t ip = FRAME + HDR + 14, udp = ip + 20;
	const uint32_t len = 8 + USO_N * USO_LEN;
	const uint64_t from = BUFFERS + rx.used[0].id * BUF_LEN + HDR;

	for (unsigned i = 0; i < 6; i++) /* the answer's sender */
		put8(FRAME + HDR + i, get8(from + 6 + i));
	put16(FRAME + HDR + 12, 0x0008);
	for (unsigned i = 0; i < sizeof(head); i++)
		put8(ip + i, head[i]);
	put16_be(ip + 2, 20 + len);
	put16_be(ip + 10, ~sum(ip, 20, 0));
	put16_be(udp, USO_PORT);
	put16_be(udp + 2, USO_PORT);
	put16_be(udp + 4, len);
	put16_be(udp + 6, sum(ip + 12, 8, 17 + len)); /* pseudo header */
	for (uint32_t i = 0; i < USO_N * USO_LEN; i++)
		put8(udp + 8 + i, (uint8_t)('a' + i / USO_LEN));
	put8(FRAME, 1); /* NEEDS_CSUM */
	put8(FRAME + 1, 5);
	put16(FRAME + 2, 42);
	put16(FRAME + 4, USO_LEN);
	put16(FRAME + 6, 34);
	put16(FRAME + 8, 6);
}

/* The echo comes back in one frame over several buffers. */
static bool gets_uso(void)
{
	const uint64_t start = rdtsc();

	while (rdtsc() - start < 20000000000ull) {
		uint64_t p;
		unsigned at;

		if (rx.used_idx == rx.seen)
			continue;
		barrier();
		at = rx.used[rx.seen % RX_SIZE].id % RX_SIZE;
		p = BUFFERS + at * BUF_LEN;
		if (get8(p + 1) == 5 && get16(p + 4) == USO_LEN &&
		    get16(p + 10) == 3 && get8(p + HDR + 42) == 'a')
			return true;
		rx.seen++;
		offer_rx(at);
	}
	return false;
}

static void uso(void)
{
	reg_set(net, REG_FEATURES_SEL, 1);
	offered |= (uint64_t)reg_get(net, REG_FEATURES) << 32;
	if ((offered & F_USO_ALL) != F_USO_ALL)
		PASS("without segmentation of UDP");
	EXPECT(open_net(F_USO_ALL | F_CSUM | F_MRG));
	EXPECT(answers());
	make_uso();
	EXPECT(send_frame(42 + USO_N * USO_LEN));
	EXPECT(gets_uso());
	PASS("segmentation of UDP");
}

void bare_main(void)
{
	unsigned faults;

	bare_context = "looking for the card";
	while (net < 18 && dev_exists(net) && reg_get(net, REG_ID) != 1)
		net++;
	EXPECT(net < 18 && dev_exists(net));
	reg_set(net, REG_FEATURES_SEL, 0);
	offered = reg_get(net, REG_FEATURES) | F_VERSION_1;
	pairs = get16(reg(net, REG_CONFIG) + 8);
	if (bare_arg("spoof"))
		spoof();
	if (bare_arg("uso"))
		uso();
	bare_context = "behaving";
	EXPECT(works());
	lie_in_headers();
	EXPECT(works());
	break_chains();
	command_lies();
	storm();
	bare_context = "starting the other processor";
	EXPECT(bare_start(1, racer));
	bare_context = "racing";
	faults = race(0);
	EXPECT(works());
	faults += race(F_MRG | F_CSUM | F_HOST_ALL);
	bare_context = "looking whether all is well";
	EXPECT(works());
	EXPECT(rng_works());
	EXPECT(rewrites > 1000);
	EXPECT(faults > 0);
	PASS("a card");
}
