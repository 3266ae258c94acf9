/* bad_vsock.c: a driver of the socket device that breaks every rule: broken
 * chains, each of which must cost the device and nothing else; packets that
 * must be refused; lies about credit, floods and storms; resets in the middle
 * of traffic; processor 1 rewriting rings and packets while the device works
 * on them. In between, port 9 of the host must echo as ever; nobody reads on
 * port 10. Needs -c 2. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_virtio.h"

#define VSOCK_ID 19u
#define REG_ID   0x08u
#define CID      3u
#define ECHO     9u
#define DEAF     10u
#define RAM_END  0x4000000ull /* -m 64M */
#define ROUND    2000000000ull

/* In the arena: receive buffers, then packets to send. */
#define RX_LEN 4096u
#define RX_N   32u
#define RX_AT  BARE_ARENA
#define TX_AT  (BARE_ARENA + 0x100000)
#define TX_LEN 0x20000u
#define TX_N   32u

enum { RX, TX, EVENT };
enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, UPDATE, ASK };

struct hdr {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

static volatile struct ring rx, tx, event;
static unsigned dev;
static uint32_t port = 1000; /* ours: another one each time */
static uint32_t fwd_cnt;
static struct hdr got;
static volatile uint32_t go, paused;

static bool find(void)
{
	for (dev = 0; dev < 18 && dev_exists(dev); dev++)
		if (reg_get(dev, REG_ID) == VSOCK_ID)
			return true;
	return false;
}

static void offer_rx(unsigned i)
{
	ring_desc(&rx, i, RX_AT + i * RX_LEN, RX_LEN, DESC_WRITE, 0);
	ring_offer(&rx, (uint16_t)i);
}

static bool open_device(uint64_t features, unsigned n_rx)
{
	if (!dev_reset(dev) || !dev_features(dev, features | 3) ||
	    !ring_open(&rx, dev, RX, RING_MAX) ||
	    !ring_open(&tx, dev, TX, RING_MAX) ||
	    !ring_open(&event, dev, EVENT, 4))
		return false;
	dev_ok(dev);
	for (unsigned i = 0; i < n_rx; i++)
		offer_rx(i);
	ring_kick(&rx);
	return dev_status(dev) == 15;
}

static struct hdr header(uint32_t op, uint32_t to, uint32_t len)
{
	return (struct hdr){ .src_cid = CID,
			     .dst_cid = 2,
			     .src_port = port,
			     .dst_port = to,
			     .len = len,
			     .type = 1,
			     .op = (uint16_t)op,
			     .buf_alloc = 0x40000,
			     .fwd_cnt = fwd_cnt };
}

static uint64_t tx_gpa(void)
{
	return TX_AT + tx.avail_idx % TX_N * TX_LEN;
}

/* The header, and `present` bytes that are there already. */
static void add(const struct hdr *h, uint32_t present)
{
	const unsigned i = tx.avail_idx % TX_N * 2;
	const uint64_t gpa = tx_gpa();
	const uint8_t *from = (const uint8_t *)h;

	for (unsigned n = 0; n < sizeof(*h); n++)
		put8(gpa + n, from[n]);
	ring_desc(&tx, i, gpa, sizeof(*h), present ? DESC_NEXT : 0,
		  (uint16_t)(i + 1));
	ring_desc(&tx, i + 1, gpa + 64, present, 0, 0);
	ring_offer(&tx, (uint16_t)i);
}

static void send(const struct hdr *h, uint32_t present)
{
	add(h, present);
	ring_kick(&tx);
}

/* The next packet's header, in `got`; where its bytes are, or 0 after a
 * while. Its buffer is offered again. */
static uint64_t receive(void)
{
	uint64_t start = rdtsc(), gpa;
	uint8_t *to = (uint8_t *)&got;
	unsigned i;

	while (rx.used_idx == rx.seen)
		if (rdtsc() - start > 20000000000ull)
			return 0;
	barrier();
	i = rx.used[rx.seen++ % RING_MAX].id % RX_N;
	gpa = RX_AT + i * RX_LEN;
	for (unsigned n = 0; n < sizeof(got); n++)
		to[n] = get8(gpa + n);
	offer_rx(i);
	ring_kick(&rx);
	return gpa + sizeof(got);
}

/* This kind comes next for the connection at hand; others may be behind. */
static bool expect_op(uint16_t op)
{
	do
		if (!receive())
			return false;
	while (got.dst_port != port);
	return got.op == op;
}

static bool connect(uint32_t to)
{
	struct hdr h;

	port++;
	fwd_cnt = 0;
	h = header(REQUEST, to, 0);
	send(&h, 0);
	return expect_op(RESPONSE);
}

static bool echo(void)
{
	struct hdr h = header(RW, ECHO, 100);
	uint64_t gpa;

	for (unsigned i = 0; i < 100; i++)
		put8(tx_gpa() + 64 + i, (uint8_t)(port + i));
	send(&h, 100);
	do {
		gpa = receive();
		if (!gpa)
			return false;
	} while (got.dst_port != port);
	if (got.op != RW || got.len != 100)
		return false;
	for (unsigned i = 0; i < 100; i++)
		if (get8(gpa + i) != (uint8_t)(port + i))
			return false;
	fwd_cnt += 100;
	return true;
}

static void works(void)
{
	EXPECT(open_device(0, RX_N));
	EXPECT(connect(ECHO));
	EXPECT(echo());
	EXPECT(echo());
	EXPECT(rng_works());
}

/* --- chains ------------------------------------------------------------------ */

struct part {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
};

#define H TX_AT
#define W DESC_WRITE

static const struct broken {
	const char *name;
	unsigned queue, n;
	struct part part[3];
} broken[] = {
	{ "an empty chain", TX, 1, { { H, 0, 0 } } },
	{ "a short header", TX, 1, { { H, 43, 0 } } },
	{ "a header to write", TX, 1, { { H, 44, W } } },
	{ "data to write", TX, 2, { { H, 44, 0 }, { H + 64, 9, W } } },
	{ "data behind RAM", TX, 2, { { H, 44, 0 }, { RAM_END, 9, 0 } } },
	{ "data over the end", TX, 2, { { H, 44, 0 }, { RAM_END - 8, 9, 0 } } },
	{ "data in registers",
	  TX,
	  2,
	  { { H, 44, 0 }, { BARE_DEVICES, 9, 0 } } },
	{ "a header that wraps", TX, 1, { { ~0ull - 7, 44, 0 } } },
	{ "a huge packet", TX, 2, { { H, 44, 0 }, { H, 0xffffffff, 0 } } },
	{ "a buffer to read", RX, 1, { { H, 4096, 0 } } },
	{ "room for a header", RX, 1, { { H, 44, W } } },
	{ "no room", RX, 1, { { H, 0, W } } },
	{ "room in registers", RX, 1, { { BARE_DEVICES, 4096, W } } },
	{ "room behind RAM", RX, 2, { { H, 44, W }, { RAM_END, 4096, W } } },
};

static void break_chains(void)
{
	for (unsigned i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		const struct broken *b = &broken[i];
		volatile struct ring *r = b->queue == RX ? &rx : &tx;
		struct hdr h;

		works();
		bare_context = b->name;
		if (b->queue == RX) /* used up to here */
			EXPECT(open_device(0, 0));
		for (unsigned j = 0; j < b->n; j++)
			ring_desc(r, 60 + j, b->part[j].gpa, b->part[j].len,
				  b->part[j].flags |
					  (j + 1 < b->n ? DESC_NEXT : 0),
				  (uint16_t)(61 + j));
		ring_offer(r, 60);
		ring_kick(r);
		if (b->queue == RX) {
			port++;
			h = header(REQUEST, ECHO, 0);
			send(&h, 0);
		}
		EXPECT(dev_status(dev) & STATUS_NEEDS_RESET);
		works();
	}
}

/* --- packets ------------------------------------------------------------------ */

/* Each on a connection of its own, which it costs. */
static const struct lie {
	const char *name;
	uint16_t type, op;
	uint32_t len, present, fwd;
} lies[] = {
	{ "no such op", 1, 8, 0, 0, 0 },
	{ "op 0", 1, 0, 0, 0, 0 },
	{ "op 65535", 1, 65535, 0, 0, 0 },
	{ "a second request", 1, REQUEST, 0, 0, 0 },
	{ "an answer to nothing", 1, RESPONSE, 0, 0, 0 },
	{ "bytes that are not there", 1, RW, 10, 9, 0 },
	{ "4 GiB", 1, RW, 0xffffffff, 9, 0 },
	{ "more than the credit", 1, RW, 65537, 65537, 0 },
	{ "read what never came", 1, UPDATE, 0, 0, 1 },
	{ "read far too much", 1, UPDATE, 0, 0, 0x7fffffff },
};

static void lie(void)
{
	EXPECT(open_device(0, RX_N));
	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const struct lie *l = &lies[i];
		struct hdr h;

		bare_context = l->name;
		EXPECT(connect(ECHO));
		h = header(l->op, ECHO, l->len);
		h.type = l->type;
		h.fwd_cnt = l->fwd;
		send(&h, l->present);
		EXPECT(expect_op(RST));
		EXPECT(connect(ECHO));
		EXPECT(echo());
	}
	EXPECT(dev_status(dev) == 15);
}

/* Credit: none of our own for the host, and more than all of the host's. */
static void starve(void)
{
	struct hdr h;

	bare_context = "sending to nobody";
	EXPECT(open_device(0, RX_N));
	EXPECT(connect(DEAF));
	for (unsigned i = 0; i < 100; i++) {
		h = header(RW, DEAF, 65536);
		send(&h, 65536);
	}
	EXPECT(connect(ECHO));
	bare_context = "taking nothing";
	h = header(RW, ECHO, 1000);
	h.buf_alloc = 0;
	send(&h, 1000);
	EXPECT(connect(ECHO));
	EXPECT(echo());
	bare_context = "giving endless credit";
	h = header(UPDATE, ECHO, 0);
	h.buf_alloc = 0xffffffff;
	send(&h, 0);
	EXPECT(echo());
}

/* Thousands of strays without a buffer for the answers. */
static void flood(void)
{
	bare_context = "flooding";
	EXPECT(open_device(0, 0));
	for (unsigned i = 0; i < 20000; i++) {
		struct hdr h = header(1 + i % 8, i, 0);

		h.src_port = i;
		h.dst_cid = i % 3 ? 2 : i;
		h.type = i % 5 ? 1 : (uint16_t)i;
		add(&h, 0);
		if (i % 16 == 15)
			ring_kick(&tx);
		if (i % 16 == 15)
			EXPECT(ring_wait(&tx));
	}
	EXPECT(dev_status(dev) == 15);
	works();
	bare_context = "kicking";
	for (unsigned i = 0; i < 30000; i++)
		reg_set(dev, REG_NOTIFY, i % 7);
	works();
}

/* --- resets ------------------------------------------------------------------- */

static void reset_in_traffic(void)
{
	bare_context = "resetting in traffic";
	for (unsigned round = 0; round < 200; round++) {
		EXPECT(open_device(round % 2 ? F_EVENT_IDX : 0, RX_N));
		for (unsigned i = 0; i < 6; i++) {
			struct hdr h;

			port++;
			fwd_cnt = 0;
			h = header(REQUEST, i % 3 ? ECHO : DEAF, 0);
			h.type = i % 4 == 3 ? 2 : 1;
			send(&h, 0);
			h = header(RW, i % 3 ? ECHO : DEAF, 60000);
			h.type = i % 4 == 3 ? 2 : 1;
			send(&h, 60000);
		}
		if (round % 3 == 0) { /* a queue is taken away */
			reg_set(dev, REG_QUEUE_SEL, round % 2);
			reg_set(dev, REG_QUEUE_READY, 0);
			ring_kick(&tx);
			ring_kick(&rx);
			(void)ring_open(round % 2 ? &tx : &rx, dev, round % 2,
					round % 5 ? 32 : 3);
			ring_kick(&rx);
		}
	}
	works();
}

/* --- races -------------------------------------------------------------------- */

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void rewrite(volatile struct ring *r, uint64_t a, uint64_t b)
{
	volatile struct desc *d = &r->desc[a & 63];

	switch (a >> 8 & 15) {
	case 0:
		r->avail[a >> 16 & 63] = (uint16_t)(b & 0x4f);
		break;
	case 1:
		r->used_event = r->avail_flags = (uint16_t)b & 1;
		break;
	case 2:
		d->len = b & 1 ? 44 + (b >> 8 & 0xffff) : (uint32_t)b;
		break;
	case 3:
		d->gpa = b & 3 ? TX_AT + (b >> 8 & 0xfffff) : b;
		break;
	case 4:
		d->flags = (uint16_t)(b & 7);
		break;
	case 5:
		d->next = (uint16_t)(b & 0x7f);
		break;
	default: /* a packet's header */
		put8(TX_AT + (a >> 16 & 31) * TX_LEN + (b & 63),
		     (uint8_t)(b >> 8));
		break;
	}
}

static void __attribute__((noreturn)) racer(void)
{
	uint64_t x = 0x123456789abcdef;

	for (;;) {
		uint64_t a, b;

		while (!go)
			paused = 1;
		a = next(&x);
		b = next(&x);
		/* now and then: the rest of the time there is traffic */
		if ((a >> 60) == 0)
			rewrite(a >> 40 & 1 ? &rx : &tx, a, b);
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

static void race(uint64_t features)
{
	const uint64_t start = rdtsc();
	unsigned faults = 0;

	bare_context = "racing";
	while (rdtsc() - start < ROUND) {
		pause_racer();
		EXPECT(open_device(features, RX_N));
		port++;
		fwd_cnt = 0;
		go = 1;
		for (unsigned i = 0; i < 200; i++) {
			struct hdr h = header(i % 10 ? RW : REQUEST,
					      i % 20 ? ECHO : DEAF,
					      i % 10 ? i * 37 : 0);

			add(&h, h.len);
			if (i % 4 == 0)
				ring_kick(&tx);
			if (i % 8 == 0)
				offer_rx(i / 8 % RX_N);
			if (i % 16 == 0 &&
			    (dev_status(dev) & STATUS_NEEDS_RESET)) {
				faults++;
				break;
			}
		}
	}
	pause_racer();
	EXPECT(faults > 0);
	works();
}

void bare_main(void)
{
	bare_context = "starting";
	EXPECT(find());
	EXPECT(bare_start(1, racer));
	works();
	break_chains();
	lie();
	starve();
	flood();
	reset_in_traffic();
	race(0);
	race(F_EVENT_IDX | F_INDIRECT);
	PASS("sockets");
}
