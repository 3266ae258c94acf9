/* vsock_rx.c: packets to the guest. Connections that have something for it
 * take turns: a control packet each time, or one read of the socket into as
 * many receive buffers as the last one could use. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/iov.h"
#include "base/metrics.h"
#include "virtio/vsock_priv.h"

#define HDR_LEN   sizeof(struct vsock_hdr)
#define TURNS_MAX 64u /* packets or batches at a time */

struct metric vsock_to_guest = { "bytes_to_guest_vsock",
				 "bytes from the host to the guest", 0 };

/* A receive buffer: n iovecs of rx_iov from `first` on. */
struct buffer {
	uint16_t head;
	unsigned first, n;
	uint32_t room; /* behind the header */
};

/* What a turn came to. */
enum turn { TURN_MORE, TURN_OVER, TURN_NO_BUFFER };

uint32_t vsock_rx_credit(const struct vsock_conn *c)
{
	const uint32_t on_the_way = c->tx_cnt - c->peer_fwd;

	return on_the_way < c->peer_alloc ? c->peer_alloc - on_the_way : 0;
}

/* --- buffers ---------------------------------------------------------------- */

/* The next receive buffer. 1; 0: there is none; -ENOBUFS: none that fits into
 * what is left of the scratch; other <0: a broken rule. */
static int take(struct vsock *s, unsigned first, struct buffer *ret)
{
	struct vq_chain c;
	int r = vq_pop(&s->v.queue[VSOCK_RX], s->rx_iov + first,
		       ARRAY_SIZE(s->rx_iov) - first, &c);

	if (r <= 0)
		return r;
	/* virtio 1.2, 5.10.6.1.2: buffers to write, for header and data */
	if (c.n_read > 0 || c.write_len <= HDR_LEN) {
		vq_undo(&s->v.queue[VSOCK_RX]);
		return -EPROTO;
	}
	c.write_len -= HDR_LEN;
	*ret = (struct buffer){ c.head, first, c.n_write,
				c.write_len < UINT32_MAX ? (uint32_t)c.write_len
							 : UINT32_MAX };
	return 1;
}

static void give(struct vsock *s, const struct buffer *b,
		 const struct vsock_hdr *h)
{
	const size_t n = iov_scatter(s->rx_iov + b->first, b->n, h, HDR_LEN);

	CHECK(n == HDR_LEN);
	vq_push(&s->v.queue[VSOCK_RX], b->head,
		(uint32_t)HDR_LEN + le32_get(h->len));
}

/* The header of a packet; the guest knows our counters afterwards. */
static struct vsock_hdr header(struct vsock_conn *c, enum vsock_op op,
			       uint32_t len, uint32_t flags)
{
	c->told_cnt = c->fwd_cnt;
	c->owes &= (uint8_t)~VSOCK_OWES_CREDIT;
	return (struct vsock_hdr){
		.src_cid = le64_of(VSOCK_CID_HOST),
		.dst_cid = le64_of(c->s->cfg.cid),
		.src_port = le32_of(c->host_port),
		.dst_port = le32_of(c->guest_port),
		.len = le32_of(len),
		.type = le16_of(c->type),
		.op = le16_of((uint16_t)op),
		.flags = le32_of(flags),
		.buf_alloc = le32_of(VSOCK_BUF_LEN),
		.fwd_cnt = le32_of(c->fwd_cnt),
	};
}

/* --- control ---------------------------------------------------------------- */

void vsock_rx_rst(struct vsock *s, const struct vsock_rst *r)
{
	if (s->n_rsts == VSOCK_RSTS_MAX) {
		vsock_refuse(VSOCK_RST_LOST);
		return;
	}
	s->rst[(s->rst_at + s->n_rsts++) % VSOCK_RSTS_MAX] = *r;
}

static int send_rst(struct vsock *s)
{
	const struct vsock_rst *r = &s->rst[s->rst_at];
	const struct vsock_hdr h = {
		.src_cid = le64_of(r->host_cid),
		.dst_cid = le64_of(s->cfg.cid),
		.src_port = le32_of(r->host_port),
		.dst_port = le32_of(r->guest_port),
		.type = le16_of(r->type),
		.op = le16_of(VSOCK_OP_RST),
	};
	struct buffer b;
	int e = take(s, 0, &b);

	if (e <= 0)
		return e < 0 ? e : TURN_NO_BUFFER;
	give(s, &b, &h);
	s->rst_at = (s->rst_at + 1) % VSOCK_RSTS_MAX;
	s->n_rsts--;
	return TURN_OVER;
}

/* One packet of those in `which` that are owed. */
static int send_owed(struct vsock_conn *c, unsigned which)
{
	static const enum vsock_op ops[] = {
		VSOCK_OP_REQUEST, VSOCK_OP_RESPONSE, VSOCK_OP_SHUTDOWN,
		VSOCK_OP_CREDIT_UPDATE, VSOCK_OP_RST
	};
	const unsigned nth = (unsigned)__builtin_ctz(c->owes & which);
	struct vsock_hdr h;
	struct buffer b;
	uint32_t flags = 0;
	int e = take(c->s, 0, &b);

	if (e <= 0)
		return e < 0 ? e : TURN_NO_BUFFER;
	if (ops[nth] == VSOCK_OP_SHUTDOWN)
		flags = (c->input_done ? VSOCK_SHUTDOWN_SEND : 0) |
			(c->deaf ? VSOCK_SHUTDOWN_RECEIVE : 0);
	c->owes &= (uint8_t) ~(1u << nth);
	h = header(c, ops[nth], 0, flags);
	give(c->s, &b, &h);
	if (ops[nth] == VSOCK_OP_RST) {
		vsock_conn_release(c);
		return TURN_OVER;
	}
	/* all that is left for it is the guest's RST */
	if (flags == VSOCK_SHUTDOWN_BOTH)
		vsock_conn_ending(c);
	return TURN_MORE;
}

/* --- the host's end --------------------------------------------------------- */

static uint32_t poll_now(const struct vsock_conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 ? (uint32_t)p.revents : 0;
}

/* A read of nothing: the end, or an empty record, which is skipped. */
static bool is_end(const struct vsock_conn *c, uint32_t events)
{
	char byte;

	if (c->type != VSOCK_TYPE_SEQPACKET)
		return true;
	if ((events & (POLLRDHUP | POLLHUP)) &&
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		return true;
	vsock_refuse(VSOCK_EMPTY_RECORD);
	return false;
}

static void host_ended(struct vsock_conn *c, bool broken)
{
	const uint32_t events = poll_now(c);

	if (c->role == VSOCK_RAW && (broken || c->broken)) {
		vsock_conn_reset(c);
		return;
	}
	if (!broken && !is_end(c, events))
		return;
	c->readable = false;
	c->input_done = true;
	if (broken || (events & POLLHUP))
		c->hup = true;
	if (c->hup)
		vsock_flow_deaf(c);
	vsock_conn_ready(c, VSOCK_OWES_SHUTDOWN);
}

/* --- bytes ------------------------------------------------------------------ */

/* Receive buffers for up to `max` bytes; their room is data_iov[0 .. *n_iov).
 * How many; 0: there is none; <0. */
static int take_batch(struct vsock_conn *c, uint32_t max, struct buffer *b,
		      unsigned *n_iov)
{
	struct vsock *s = c->s;
	unsigned n = 0, n_rx = 0, n_data = 0;

	while (max > 0 && n < c->burst) {
		struct iovec *data = &s->data_iov[n_data];
		unsigned parts;
		int e;

		/* asking for a kick is for when there is none at all */
		if (n > 0 && !vq_has_avail(&s->v.queue[VSOCK_RX]))
			break;
		e = take(s, n_rx, &b[n]);
		if (e == -ENOBUFS && n > 0)
			break;
		if (e < 0) {
			while (n-- > 0)
				vq_undo(&s->v.queue[VSOCK_RX]);
			return e;
		}
		if (e == 0)
			break;
		parts = b[n].n;
		memcpy(data, s->rx_iov + n_rx, parts * sizeof(*data));
		n_rx += parts;
		iov_skip(&data, &parts, HDR_LEN);
		if (b[n].room > max)
			b[n].room = max;
		vsock_iov_cut(data, &parts, b[n].room);
		memmove(&s->data_iov[n_data], data, parts * sizeof(*data));
		n_data += parts;
		max -= b[n].room;
		n++;
	}
	*n_iov = n_data;
	return (int)n;
}

/* Gives the buffers that `len` bytes fill to the guest, the rest back. */
static void give_batch(struct vsock_conn *c, const struct buffer *b, unsigned n,
		       uint32_t len, bool eom)
{
	struct vsock *s = c->s;
	unsigned used = 0;

	metric_add(&vsock_to_guest, len);
	s->gave = s->gave || (len > 0 && c->role == VSOCK_RAW);
	while (len > 0) {
		const uint32_t part = b[used].room < len ? b[used].room : len;
		struct vsock_hdr h;

		CHECK(used < n);
		len -= part;
		c->tx_cnt += part;
		h = header(c, VSOCK_OP_RW, part,
			   eom && len == 0 ? VSOCK_SEQ_EOM : 0);
		give(s, &b[used++], &h);
	}
	while (n-- > used)
		vq_undo(&s->v.queue[VSOCK_RX]);
}

/* Next time, as many buffers as this time would have been right. */
static void learn(struct vsock_conn *c, bool full)
{
	if (full && c->burst < VSOCK_RX_BATCH)
		c->burst *= 2;
	else if (!full && c->burst > 1)
		c->burst /= 2;
}

/* What recvmsg answered: bytes, of which those behind `room` are staged. */
static int received(struct vsock_conn *c, const struct buffer *b, unsigned n,
		    uint32_t room, ssize_t got, int flags)
{
	const bool records = c->type == VSOCK_TYPE_SEQPACKET;

	if (got <= 0) {
		const int error = got < 0 ? errno : 0;

		give_batch(c, b, n, 0, false);
		if (error == EAGAIN || error == EINTR) {
			c->readable = false;
			vsock_conn_watch(c);
			return TURN_OVER;
		}
		host_ended(c, error != 0);
		return TURN_MORE;
	}
	if ((flags & MSG_TRUNC) || (records && (size_t)got > c->peer_alloc)) {
		give_batch(c, b, n, 0, false);
		vsock_refuse(VSOCK_LONG_RECORD);
		vsock_conn_reset(c);
		return TURN_OVER;
	}
	if ((uint32_t)got > room) {
		c->staged_at = 0;
		c->staged = (uint32_t)got - room;
		c->wrote = true;
		give_batch(c, b, n, room, false);
	} else {
		give_batch(c, b, n, (uint32_t)got, records);
	}
	learn(c, (uint32_t)got >= room);
	if (records || (uint32_t)got == room || c->hup)
		return TURN_MORE;
	/* a stream that gave less than was asked is empty */
	c->readable = false;
	vsock_conn_watch(c);
	return TURN_OVER;
}

static int send_read(struct vsock_conn *c)
{
	struct vsock *s = c->s;
	const uint32_t credit = vsock_rx_credit(c);
	struct buffer b[VSOCK_RX_BATCH];
	struct msghdr m = { .msg_iov = s->data_iov };
	unsigned n_iov = 0;
	uint32_t room = 0;
	ssize_t got;
	int n = take_batch(c, credit < VSOCK_BUF_LEN ? credit : VSOCK_BUF_LEN,
			   b, &n_iov);

	if (n <= 0)
		return n < 0 ? n : TURN_NO_BUFFER;
	for (int i = 0; i < n; i++)
		room += b[i].room;
	if (c->type == VSOCK_TYPE_SEQPACKET && room < VSOCK_BUF_LEN)
		s->data_iov[n_iov++] = (struct iovec){ vsock_slot_of(c)->staged,
						       VSOCK_BUF_LEN - room };
	m.msg_iovlen = n_iov;
	got = recvmsg(c->fd, &m, MSG_DONTWAIT);
	return received(c, b, (unsigned)n, room, got, m.msg_flags);
}

/* The rest of a record, or what the service says. */
static int send_staged(struct vsock_conn *c)
{
	struct vsock *s = c->s;
	const uint32_t credit = vsock_rx_credit(c);
	struct buffer b[VSOCK_RX_BATCH];
	unsigned n_iov = 0;
	uint32_t len = 0;
	int n = take_batch(c, credit < c->staged ? credit : c->staged, b,
			   &n_iov);

	if (n <= 0)
		return n < 0 ? n : TURN_NO_BUFFER;
	for (int i = 0; i < n; i++)
		len += b[i].room;
	(void)iov_scatter(s->data_iov, n_iov,
			  vsock_slot_of(c)->staged + c->staged_at, len);
	c->staged_at += len;
	c->staged -= len;
	learn(c, true);
	give_batch(c, b, (unsigned)n, len,
		   c->staged == 0 && c->type == VSOCK_TYPE_SEQPACKET);
	if (c->staged == 0 && c->role == VSOCK_SERVED)
		vsock_service_drained(c);
	return TURN_MORE;
}

/* --- turns ------------------------------------------------------------------ */

static int turn_of(struct vsock_conn *c)
{
	const unsigned first =
		VSOCK_OWES_REQUEST | VSOCK_OWES_RESPONSE | VSOCK_OWES_RST;

	if (c->state == VSOCK_LINGER)
		c->owes &= VSOCK_OWES_RST;
	if (c->owes & first)
		return send_owed(c, first);
	if (c->state == VSOCK_OPEN && !c->input_done && vsock_rx_credit(c)) {
		if (c->staged)
			return send_staged(c);
		if (c->readable)
			return send_read(c);
	}
	return c->owes ? send_owed(c, ~first) : TURN_OVER;
}

/* One more for a connection, or for a packet that belongs to none. */
static int turn(struct vsock *s)
{
	struct vsock_conn *c = TAILQ_FIRST(&s->ready);
	int r;

	if (s->n_rsts > 0)
		return send_rst(s);
	r = turn_of(c);
	if (r < 0 || r == TURN_NO_BUFFER || !c->is_ready)
		return r;
	vsock_conn_unready(c);
	if (r == TURN_MORE || c->owes)
		vsock_conn_ready(c, 0);
	else
		vsock_conn_watch(c);
	return r;
}

int vsock_rx_pump(struct vsock *s)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		int r;

		if (s->n_rsts == 0 && TAILQ_EMPTY(&s->ready)) {
			vq_kicks_off(&s->v.queue[VSOCK_RX]);
			return 0;
		}
		r = turn(s);
		if (r < 0)
			return r;
		if (r == TURN_NO_BUFFER)
			return 0;
	}
	return 1;
}
