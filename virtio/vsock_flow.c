/* vsock_flow.c: bytes from the guest to the host, and the credit that the
 * guest has for them.
 *
 *      fwd_cnt          fwd_cnt + whole records        rx_cnt
 *   ----|========================|------------------------|----
 *       | at: waits for POLLOUT  | part: waits for its end|
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/iov.h"
#include "base/metrics.h"
#include "virtio/vsock_priv.h"

#define AT(pos)    ((pos) & (VSOCK_BUF_LEN - 1))
#define SEND_FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT)
#define SENDS_MAX  256u /* records sent at a time */

/* --- credit ---------------------------------------------------------------- */

/* Tells the guest before it runs dry: what it believes to have left is less
 * than half. Small steps wait until they are worth a packet. */
static void maybe_tell(struct vsock_conn *c)
{
	const uint32_t news = c->fwd_cnt - c->told_cnt;

	if (c->rx_cnt - c->told_cnt <= VSOCK_BUF_LEN / 2 || news == 0)
		return;
	if (news >= VSOCK_BUF_LEN / 4 || vsock_queued(c) == 0)
		vsock_conn_ready(c, VSOCK_OWES_CREDIT);
}

static void forwarded(struct vsock_conn *c, uint32_t n)
{
	c->fwd_cnt += n;
	c->at = vsock_queued(c) ? AT(c->at + n) : 0;
	maybe_tell(c);
}

/* --- the ring -------------------------------------------------------------- */

/* iov[0 .. 2): `len` bytes of the ring from `pos` on. */
static unsigned ring_span(const struct vsock_conn *c, uint32_t pos,
			  uint32_t len, struct iovec *iov)
{
	uint8_t *ring = vsock_slot_of(c)->ring;
	const uint32_t at = AT(pos), first = VSOCK_BUF_LEN - at;

	iov[0] = (struct iovec){ ring + at, len < first ? len : first };
	if (len <= first)
		return 1;
	iov[1] = (struct iovec){ ring, len - first };
	return 2;
}

/* The last `len` bytes of rx_cnt; the guest's memory is read here. */
static void ring_put(struct vsock_conn *c, const struct iovec *from, unsigned n,
		     uint32_t len)
{
	struct iovec to[2];
	uint32_t pos = c->at + vsock_queued(c) - len;

	CHECK(vsock_queued(c) <= VSOCK_BUF_LEN);
	c->wrote = true;
	for (unsigned i = 0; i < n && len > 0; i++) {
		const uint32_t part =
			from[i].iov_len < len ? (uint32_t)from[i].iov_len : len;
		const unsigned parts = ring_span(c, pos, part, to);

		memcpy(to[0].iov_base, from[i].iov_base, to[0].iov_len);
		if (parts == 2)
			memcpy(to[1].iov_base,
			       (uint8_t *)from[i].iov_base + to[0].iov_len,
			       to[1].iov_len);
		pos += part;
		len -= part;
	}
	CHECK(len == 0);
}

static void mark_end(struct vsock_conn *c)
{
	const uint32_t last = AT(c->at + vsock_queued(c) - 1);

	vsock_slot_of(c)->ends[last / 8] |= (uint8_t)(1u << last % 8);
	c->part = 0;
}

/* Bytes of the record at the head, of which there is one. */
static uint32_t head_len(const struct vsock_conn *c)
{
	const uint8_t *ends = vsock_slot_of(c)->ends;
	const uint32_t max = vsock_queued(c) - c->part;
	uint32_t n = 0;

	while (n < max) {
		const uint32_t i = AT(c->at + n);

		if (i % 8 == 0 && ends[i / 8] == 0)
			n += 8;
		else if (ends[i / 8] & (1u << i % 8))
			return n + 1;
		else
			n++;
	}
	CHECK(false);
	return 0;
}

static void clear_end(struct vsock_conn *c, uint32_t len)
{
	const uint32_t last = AT(c->at + len - 1);

	vsock_slot_of(c)->ends[last / 8] &= (uint8_t) ~(1u << last % 8);
}

/* --- the socket ------------------------------------------------------------ */

static ssize_t send_iov(const struct vsock_conn *c, struct iovec *iov,
			unsigned n)
{
	const struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	const ssize_t sent = sendmsg(c->fd, &m, SEND_FLAGS);

	return sent < 0 ? -errno : sent;
}

static bool is_full(ssize_t sent)
{
	return sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM ||
	       sent == -EINTR;
}

void vsock_flow_deaf(struct vsock_conn *c)
{
	if (c->deaf)
		return;
	if (c->state == VSOCK_LINGER) {
		vsock_conn_reset(c);
		return;
	}
	c->deaf = true;
	c->part = 0;
	forwarded(c, vsock_queued(c));
	vsock_conn_ready(c, VSOCK_OWES_SHUTDOWN);
}

/* What send_iov could not do, for good. A TCP socket may still have bytes that
 * came before its reset: the guest hears of that behind them. */
static void send_failed(struct vsock_conn *c, ssize_t error)
{
	c->broken = c->role == VSOCK_RAW;
	if (c->broken && c->input_done) {
		vsock_conn_reset(c);
	} else if (error == -EMSGSIZE) { /* more than this socket can hold */
		vsock_refuse(VSOCK_LONG_RECORD);
		vsock_conn_reset(c);
	} else {
		vsock_flow_deaf(c);
	}
}

/* Everything that can be sent is. */
static void drained(struct vsock_conn *c)
{
	if (c->state == VSOCK_LINGER)
		vsock_conn_reset(c);
	else if (c->guest_shut & VSOCK_SHUTDOWN_SEND)
		(void)shutdown(c->fd, SHUT_WR); /* gone already: as well */
}

void vsock_flow_out(struct vsock_conn *c)
{
	struct iovec iov[2];

	for (unsigned i = 0; vsock_queued(c) > c->part; i++) {
		const bool records = c->type == VSOCK_TYPE_SEQPACKET;
		const uint32_t len = records ? head_len(c) : vsock_queued(c);
		const unsigned n = ring_span(c, c->at, len, iov);
		const ssize_t sent =
			i < SENDS_MAX ? send_iov(c, iov, n) : -EAGAIN;

		if (is_full(sent)) {
			vsock_conn_watch_out(c);
			return;
		}
		if (sent < 0) {
			send_failed(c, sent);
			return;
		}
		if (records)
			clear_end(c, len);
		forwarded(c, records ? len : (uint32_t)sent);
	}
	drained(c);
}

/* What waits can go on. */
static void push(struct vsock_conn *c)
{
	if (c->role == VSOCK_SERVED)
		vsock_service_input(c);
	else
		vsock_flow_out(c);
}

uint32_t vsock_flow_waiting(const struct vsock_conn *c)
{
	if (c->type != VSOCK_TYPE_SEQPACKET)
		return vsock_queued(c);
	return vsock_queued(c) > c->part ? head_len(c) : 0;
}

void vsock_flow_take(struct vsock_conn *c, void *buf, uint32_t len)
{
	struct iovec iov[2];
	const unsigned n = ring_span(c, c->at, len, iov);

	const bool whole = !buf || iov_gather(iov, n, buf, len);

	CHECK(whole && len <= vsock_flow_waiting(c));
	if (c->type == VSOCK_TYPE_SEQPACKET)
		clear_end(c, len);
	forwarded(c, len);
}

void vsock_flow_last(struct vsock_conn *c)
{
	if (c->role == VSOCK_SERVED) {
		vsock_service_input(c);
		return;
	}
	if (c->deaf || vsock_queued(c) == c->part)
		drained(c);
}

/* --- what comes ------------------------------------------------------------ */

/* Straight from the guest's memory. True: the rest of the array, *len bytes,
 * is still to be kept. */
static bool send_now(struct vsock_conn *c, struct iovec **iov, unsigned *n,
		     uint32_t *len)
{
	const bool records = c->type == VSOCK_TYPE_SEQPACKET;
	ssize_t sent = send_iov(c, *iov, *n);

	if (is_full(sent))
		return true;
	if (sent < 0) {
		send_failed(c, sent);
		return false;
	}
	if (records)
		sent = *len;
	forwarded(c, (uint32_t)sent);
	iov_skip(iov, n, (size_t)sent);
	*len -= (uint32_t)sent;
	return *len > 0;
}

static void record_in(struct vsock_conn *c, struct iovec *iov, unsigned n,
		      uint32_t len, bool eom)
{
	if (eom && len == 0 && c->part == 0) {
		vsock_refuse(VSOCK_EMPTY_RECORD);
		return;
	}
	if (eom && vsock_queued(c) == len && c->role == VSOCK_UNIX &&
	    !send_now(c, &iov, &n, &len))
		return;
	ring_put(c, iov, n, len);
	c->part += len;
	if (eom) {
		const bool first = vsock_queued(c) == c->part;

		mark_end(c);
		if (first)
			push(c);
	} else if (c->part == VSOCK_BUF_LEN) { /* it would wait for ever */
		vsock_refuse(VSOCK_LONG_RECORD);
		vsock_conn_reset(c);
	}
}

void vsock_flow_in(struct vsock_conn *c, struct iovec *iov, unsigned n,
		   uint32_t len, bool eom)
{
	c->rx_cnt += len;
	if (c->deaf) {
		forwarded(c, len);
		return;
	}
	if (c->type == VSOCK_TYPE_SEQPACKET) {
		record_in(c, iov, n, len, eom);
		return;
	}
	if (len == 0)
		return;
	if (c->role != VSOCK_SERVED && vsock_queued(c) == len &&
	    !send_now(c, &iov, &n, &len))
		return;
	ring_put(c, iov, n, len);
	if (c->role == VSOCK_SERVED)
		vsock_service_input(c);
	else
		vsock_conn_watch_out(c);
}
