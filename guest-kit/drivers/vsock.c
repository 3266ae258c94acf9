/* vsock.c: sockets to the host. Packets are built in the transmit ring, a
 * header and the caller's own bytes; what comes is copied from the receive
 * buffers into its connection's ring, so that no connection holds up others. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/vsock.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/clock.h"
#include "kernel/irq.h"
#include "kernel/page.h"
#include "lib/string.h"
#include "linux/errno.h"

#define CID_HOST 2

#define FEATURE_STREAM    (1u << 0)
#define FEATURE_SEQPACKET (1u << 1)

enum queue { RX, TX, EVENT, QUEUES };
enum op { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, UPDATE, ASK_CREDIT };

#define EOM 1u /* of RW flags: a record ends here */

#define RX_PAGES 4 /* of a receive buffer */
#define RX_N     32
#define PACKETS  (VIRTIO_RING_MAX / 2) /* two descriptors each */
#define BUCKETS  1024
#define NONE     (-1)

#define PORT_FIRST 0x10000u /* of our own */

struct header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 44, "virtio 1.2, 5.10.6");

enum state { FREE, ASKED, OPEN, CLOSING };

static LARGE struct conn {
	uint8_t state, type, my_shut, peer_shut;
	bool reset, incoming, has_news, blocked;
	uint32_t port, peer_port;
	uint32_t tx_cnt, peer_alloc, peer_fwd;
	uint32_t rx_cnt, fwd_cnt, told_cnt;
	uint8_t *ring; /* VSOCK_BUF_LEN; kept for the next connection */
	uint8_t *ends; /* bit n: ring[n] ends a record */
	uint32_t part; /* bytes of a record without an end yet */
	int16_t next, next_news;
} conns[VSOCK_CONNS_MAX];

static LARGE struct {
	bool tried, usable;
	struct virtio dev;
	uint32_t cid, next_port;
	uint32_t port[VSOCK_PORTS_MAX];
	unsigned n_ports, n_used; /* conns[n_used ..] were never used */
	int16_t bucket[BUCKETS];
	int16_t first_news, last_news, free;
	uint8_t *rx[RX_N];
	struct header header[PACKETS];
	bool busy[PACKETS];
} s;

/* --- the table ------------------------------------------------------------- */

static int16_t *bucket(uint32_t port, uint32_t peer_port)
{
	return &s.bucket[(port * 31 + peer_port) % BUCKETS];
}

static struct conn *find(uint32_t port, uint32_t peer_port)
{
	for (int i = *bucket(port, peer_port); i != NONE; i = conns[i].next)
		if (conns[i].port == port && conns[i].peer_port == peer_port)
			return &conns[i];
	return NULL;
}

static int index_of(const struct conn *c)
{
	return (int)(c - conns);
}

static struct conn *take(uint32_t port, uint32_t peer_port, uint16_t type)
{
	struct conn *c;
	uint8_t *ring, *ends;
	int16_t *b = bucket(port, peer_port);

	if (s.free != NONE) {
		c = &conns[s.free];
		s.free = c->next;
	} else if (s.n_used < VSOCK_CONNS_MAX) {
		c = &conns[s.n_used++];
		c->ring = page_alloc_run(VSOCK_BUF_LEN / PAGE_LEN);
		c->ends = page_alloc_run(VSOCK_BUF_LEN / 8 / PAGE_LEN);
	} else {
		return NULL;
	}
	ring = c->ring;
	ends = c->ends;
	if (!ring || !ends) {
		c->next = s.free; /* there will not be more memory */
		s.free = (int16_t)index_of(c);
		return NULL;
	}
	if (type == VSOCK_SEQPACKET)
		memset(ends, 0, VSOCK_BUF_LEN / 8);
	*c = (struct conn){ .state = ASKED,
			    .type = (uint8_t)type,
			    .port = port,
			    .peer_port = peer_port,
			    .ring = ring,
			    .ends = ends,
			    .next = *b,
			    /* the number may wait to be reported yet */
			    .has_news = c->has_news,
			    .next_news = c->next_news };
	*b = (int16_t)index_of(c);
	return c;
}

static void release(struct conn *c)
{
	int16_t *p = bucket(c->port, c->peer_port);

	while (*p != index_of(c))
		p = &conns[*p].next;
	*p = c->next;
	c->state = FREE;
	c->next = s.free;
	s.free = (int16_t)index_of(c);
}

static void news(struct conn *c)
{
	if (c->has_news)
		return;
	c->has_news = true;
	c->next_news = NONE;
	if (s.first_news == NONE)
		s.first_news = (int16_t)index_of(c);
	else
		conns[s.last_news].next_news = (int16_t)index_of(c);
	s.last_news = (int16_t)index_of(c);
}

/* --- sending --------------------------------------------------------------- */

static void reap(void)
{
	unsigned index;
	uint32_t len;

	while (virtq_pop(&s.dev, TX, &index, &len))
		s.busy[index / 2] = false;
}

static void wait_tx(void)
{
	s.dev.config_changed = false; /* the address is as it was */
	virtio_wait(&s.dev, TX, 0);
	reap();
}

static unsigned free_packet(void)
{
	for (;; wait_tx()) {
		reap();
		for (unsigned i = 0; i < PACKETS; i++)
			if (!s.busy[i])
				return i;
	}
}

/* Hands a packet over; bytes are the caller's again on return. */
static void send(const struct header *h, const void *data)
{
	const unsigned i = free_packet();
	const struct virtq_part part[] = {
		{ phys_of(&s.header[i]), sizeof(*h), false },
		{ phys_of(data), h->len, false },
	};

	s.header[i] = *h;
	s.busy[i] = true;
	virtq_add_chain(&s.dev.q[TX], 2 * i, part, h->len ? 2 : 1);
	virtio_notify(&s.dev, TX);
	while (h->len && (reap(), s.busy[i]))
		wait_tx();
}

static void send_op(struct conn *c, enum op op, uint32_t flags,
		    const void *data, uint32_t len)
{
	const struct header h = {
		.src_cid = s.cid,
		.dst_cid = CID_HOST,
		.src_port = c->port,
		.dst_port = c->peer_port,
		.len = len,
		.type = c->type,
		.op = (uint16_t)op,
		.flags = flags,
		.buf_alloc = VSOCK_BUF_LEN,
		.fwd_cnt = c->fwd_cnt,
	};

	c->told_cnt = c->fwd_cnt;
	send(&h, data);
}

static uint32_t credit(const struct conn *c)
{
	const uint32_t out = c->tx_cnt - c->peer_fwd;

	return out < c->peer_alloc ? c->peer_alloc - out : 0;
}

/* --- receiving ------------------------------------------------------------- */

static uint32_t filled(const struct conn *c)
{
	return c->rx_cnt - c->fwd_cnt;
}

/* Between ring and buffer, from the byte numbered `count` on. */
static void copy_out(const struct conn *c, uint32_t count, uint8_t *to,
		     uint32_t len)
{
	const uint32_t at = count % VSOCK_BUF_LEN;
	const uint32_t first = (uint32_t)min_u64(len, VSOCK_BUF_LEN - at);

	memcpy(to, c->ring + at, first);
	memcpy(to + first, c->ring, len - first);
}

static void copy_in(struct conn *c, const uint8_t *from, uint32_t len)
{
	const uint32_t at = c->rx_cnt % VSOCK_BUF_LEN;
	const uint32_t first = (uint32_t)min_u64(len, VSOCK_BUF_LEN - at);

	memcpy(c->ring + at, from, first);
	memcpy(c->ring, from + first, len - first);
	c->rx_cnt += len;
}

static void on_data(struct conn *c, const struct header *h, const uint8_t *data)
{
	if (h->len > VSOCK_BUF_LEN - filled(c)) {
		send_op(c, RST, 0, NULL, 0);
		c->reset = true;
		news(c);
		return;
	}
	if (c->my_shut & VSOCK_RECEIVE) { /* it was on its way */
		c->rx_cnt += h->len;
		c->fwd_cnt += h->len;
		return;
	}
	copy_in(c, data, h->len);
	c->part += h->len;
	if (c->type == VSOCK_SEQPACKET && (h->flags & EOM) && c->part) {
		const uint32_t last = (c->rx_cnt - 1) % VSOCK_BUF_LEN;

		c->ends[last / 8] |= (uint8_t)(1u << last % 8);
		c->part = 0;
	}
	news(c);
}

static void refuse(const struct header *h)
{
	const struct header answer = {
		.src_cid = s.cid,
		.dst_cid = h->src_cid,
		.src_port = h->dst_port,
		.dst_port = h->src_port,
		.type = h->type,
		.op = RST,
	};

	if (h->op != RST)
		send(&answer, NULL);
}

static void on_request(const struct header *h)
{
	struct conn *c = NULL;

	for (unsigned i = 0; i < s.n_ports && !c; i++)
		if (s.port[i] == h->dst_port)
			c = take(h->dst_port, h->src_port, h->type);
	if (!c) {
		refuse(h);
		return;
	}
	c->state = OPEN;
	c->incoming = true;
	c->peer_alloc = h->buf_alloc;
	send_op(c, RESPONSE, 0, NULL, 0);
	news(c);
}

static void on_packet_of(struct conn *c, const struct header *h,
			 const uint8_t *data)
{
	c->peer_alloc = h->buf_alloc;
	c->peer_fwd = h->fwd_cnt;
	if (c->state == CLOSING) {
		if (h->op == RST)
			release(c);
		return;
	}
	switch (h->op) {
	case RST:
		c->reset = true;
		news(c);
		break;
	case RESPONSE:
		c->state = OPEN;
		news(c);
		break;
	case RW:
		on_data(c, h, data);
		break;
	case SHUTDOWN:
		c->peer_shut |= h->flags & VSOCK_BOTH;
		news(c);
		break;
	case ASK_CREDIT:
		send_op(c, UPDATE, 0, NULL, 0);
		break;
	default:
		break;
	}
	if (c->blocked && credit(c)) {
		c->blocked = false;
		news(c);
	}
}

static void on_packet(const uint8_t *bytes, uint32_t len)
{
	struct header h;
	struct conn *c;

	if (len < sizeof(h))
		return;
	memcpy(&h, bytes, sizeof(h));
	if (h.len > len - sizeof(h) || h.dst_cid != s.cid)
		return;
	c = find(h.dst_port, h.src_port);
	if (c && !c->reset)
		on_packet_of(c, &h, bytes + sizeof(h));
	else if (!c && h.op == REQUEST)
		on_request(&h);
	else if (!c)
		refuse(&h);
}

static void pump(void)
{
	unsigned index;
	uint32_t len;
	bool any = false;

	while (virtq_pop(&s.dev, RX, &index, &len)) {
		if (index < RX_N)
			on_packet(s.rx[index], len);
		virtq_add(&s.dev.q[RX], index, phys_of(s.rx[index]),
			  RX_PAGES * PAGE_LEN, true);
		any = true;
	}
	if (any)
		virtio_notify(&s.dev, RX);
}

static void wait_rx(uint64_t until_ns)
{
	s.dev.config_changed = false;
	virtio_wait(&s.dev, RX, until_ns);
	pump();
}

/* --- starting -------------------------------------------------------------- */

static bool init(void)
{
	unsigned cid;

	if (!virtio_find(&s.dev, VIRTIO_ID_VSOCK, 0, IRQ_VSOCK) ||
	    !virtio_prepare(&s.dev, QUEUES, VIRTIO_RING_MAX))
		return false;
	for (unsigned i = 0; i < RX_N; i++) {
		s.rx[i] = page_alloc_run(RX_PAGES);
		if (!s.rx[i])
			return false;
		virtq_add(&s.dev.q[RX], i, phys_of(s.rx[i]),
			  RX_PAGES * PAGE_LEN, true);
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		s.bucket[i] = NONE;
	s.first_news = s.free = NONE;
	s.next_port = PORT_FIRST;
	s.dev.features =
		virtio_offers(&s.dev) & (FEATURE_STREAM | FEATURE_SEQPACKET);
	if (!virtio_start(&s.dev, RX))
		return false;
	mmio_begin();
	cid = mmio_read(s.dev.gpa + VIRTIO_CONFIG);
	mmio_run();
	s.cid = mmio_value(cid);
	return true;
}

bool vsock_open(uint32_t *ret_cid)
{
	if (!s.tried) {
		s.tried = true;
		s.usable = init();
	}
	if (s.usable)
		*ret_cid = s.cid;
	return s.usable;
}

/* --- connections ----------------------------------------------------------- */

int vsock_listen(uint32_t port)
{
	if (s.n_ports == VSOCK_PORTS_MAX)
		return -LINUX_EMFILE;
	s.port[s.n_ports++] = port;
	return 0;
}

int vsock_connect(enum vsock_type type, uint32_t port)
{
	struct conn *c;

	while (find(s.next_port, port))
		s.next_port++;
	c = take(s.next_port++, port, (uint16_t)type);
	if (!c)
		return s.n_used < VSOCK_CONNS_MAX ? -LINUX_ENOMEM
						  : -LINUX_EMFILE;
	send_op(c, REQUEST, 0, NULL, 0);
	return index_of(c);
}

int vsock_next(uint64_t until_ns)
{
	for (pump();;) {
		struct conn *c;

		if (s.first_news == NONE) {
			if (until_ns && clock_now() >= until_ns)
				return -LINUX_EAGAIN;
			wait_rx(until_ns);
			continue;
		}
		c = &conns[s.first_news];
		s.first_news = c->next_news;
		c->has_news = false;
		if (c->state == ASKED || c->state == OPEN)
			return index_of(c);
	}
}

void vsock_get(int conn, struct vsock_status *ret)
{
	const struct conn *c = &conns[conn];

	*ret = (struct vsock_status){
		.type = (enum vsock_type)c->type,
		.port = c->port,
		.peer_port = c->peer_port,
		.incoming = c->incoming,
		.open = c->state == OPEN && !c->reset,
		.reset = c->reset,
		.peer_shut = c->peer_shut,
	};
}

int64_t vsock_send(int conn, const void *buf, uint64_t len)
{
	struct conn *c = &conns[conn];
	const bool record = c->type == VSOCK_SEQPACKET;
	const uint8_t *from = buf;
	uint64_t left;

	if (credit(c) < (record ? len : 1))
		pump();
	if (c->reset)
		return -LINUX_ECONNRESET;
	if ((c->my_shut & VSOCK_SEND) || (c->peer_shut & VSOCK_RECEIVE))
		return -LINUX_EPIPE;
	if (record && c->state == OPEN && len > c->peer_alloc)
		return -LINUX_EMSGSIZE;
	if (c->state != OPEN || credit(c) < (record ? len : 1)) {
		c->blocked = true;
		return -LINUX_EAGAIN;
	}
	len = min_u64(len, credit(c));
	for (left = len; left > 0;) {
		const uint32_t part = (uint32_t)min_u64(left, VSOCK_SEND_MAX);

		c->tx_cnt += part;
		send_op(c, RW, record && part == left ? EOM : 0, from, part);
		from += part;
		left -= part;
	}
	return (int64_t)len;
}

/* Tells the host that there is room again, before it runs dry. */
static void consumed(struct conn *c, uint32_t len)
{
	c->fwd_cnt += len;
	if (c->rx_cnt - c->told_cnt <= VSOCK_BUF_LEN / 2)
		return;
	if (c->fwd_cnt - c->told_cnt >= VSOCK_BUF_LEN / 4 || !filled(c))
		send_op(c, UPDATE, 0, NULL, 0);
}

/* Bytes of the record at the head; 0: it is not complete. */
static uint32_t record_len(const struct conn *c)
{
	const uint32_t max = filled(c) - c->part;

	for (uint32_t n = 0; n < max;) {
		const uint32_t i = (c->fwd_cnt + n) % VSOCK_BUF_LEN;

		if (i % 8 == 0 && !c->ends[i / 8])
			n += 8;
		else if (c->ends[i / 8] & (1u << i % 8))
			return n + 1;
		else
			n++;
	}
	return 0;
}

int64_t vsock_recv(int conn, void *buf, uint64_t len)
{
	struct conn *c = &conns[conn];
	const bool record = c->type == VSOCK_SEQPACKET;
	uint32_t n;

	if (filled(c) == (record ? c->part : 0))
		pump();
	n = record ? record_len(c) : filled(c);
	if (n == 0) {
		if (c->reset)
			return -LINUX_ECONNRESET;
		return c->peer_shut & VSOCK_SEND ? 0 : -LINUX_EAGAIN;
	}
	if (record) {
		const uint32_t last = (c->fwd_cnt + n - 1) % VSOCK_BUF_LEN;

		c->ends[last / 8] &= (uint8_t) ~(1u << last % 8);
		len = min_u64(len, n);
	} else {
		len = n = (uint32_t)min_u64(len, n);
	}
	copy_out(c, c->fwd_cnt, buf, (uint32_t)len);
	consumed(c, n);
	return (int64_t)len;
}

void vsock_shutdown(int conn, unsigned what)
{
	struct conn *c = &conns[conn];

	c->my_shut |= (uint8_t)(what & VSOCK_BOTH);
	if (c->state == OPEN && !c->reset)
		send_op(c, SHUTDOWN, c->my_shut, NULL, 0);
}

void vsock_close(int conn)
{
	struct conn *c = &conns[conn];

	/* virtio 1.2, 5.10.6.6: who knows that both ended says RST */
	if (c->reset || c->state == ASKED || c->peer_shut == VSOCK_BOTH) {
		vsock_reset(conn);
		return;
	}
	if (c->my_shut != VSOCK_BOTH)
		vsock_shutdown(conn, VSOCK_BOTH);
	c->state = CLOSING;
	pump();
}

void vsock_reset(int conn)
{
	struct conn *c = &conns[conn];

	if (!c->reset)
		send_op(c, RST, 0, NULL, 0);
	release(c);
}

/* --- waiting --------------------------------------------------------------- */

int vsock_wait_open(int conn)
{
	const struct conn *c = &conns[conn];

	for (pump(); c->state == ASKED && !c->reset;)
		wait_rx(0);
	return c->reset ? -LINUX_ECONNREFUSED : 0;
}

int64_t vsock_send_all(int conn, const void *buf, uint64_t len)
{
	const uint8_t *from = buf;
	uint64_t done = 0;

	while (done < len) {
		int64_t n = vsock_send(conn, from + done, len - done);

		if (n == -LINUX_EAGAIN)
			wait_rx(0);
		else if (n < 0)
			return n;
		else
			done += (uint64_t)n;
	}
	return (int64_t)done;
}

int64_t vsock_recv_wait(int conn, void *buf, uint64_t len)
{
	int64_t n;

	while ((n = vsock_recv(conn, buf, len)) == -LINUX_EAGAIN)
		wait_rx(0);
	return n;
}
