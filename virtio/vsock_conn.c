/* vsock_conn.c: the table of connections: making, finding and ending them,
 * and what is polled for each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "virtio/vsock_priv.h"

#define HASH_BITS 12u
#define SPARE     16u /* slots that are worth giving a connection up for */

_Static_assert(VSOCK_CONNS_MAX == 1u << HASH_BITS, "one a bucket");

/* --- addresses ------------------------------------------------------------- */

static struct vsock_conn **bucket(const struct vsock *s, uint32_t guest_port,
				  uint32_t host_port)
{
	const uint32_t h = guest_port * 0x9e3779b1u + host_port * 0x85ebca6bu;

	return &s->hash[h >> (32 - HASH_BITS)];
}

struct vsock_conn *vsock_conn_find(const struct vsock *s, uint32_t guest_port,
				   uint32_t host_port)
{
	struct vsock_conn *c = *bucket(s, guest_port, host_port);

	while (c && (c->guest_port != guest_port || c->host_port != host_port))
		c = c->next;
	return c;
}

void vsock_conn_bind(struct vsock_conn *c, uint32_t guest_port,
		     uint32_t host_port)
{
	struct vsock_conn **b = bucket(c->s, guest_port, host_port);

	CHECK(!c->hashed);
	c->guest_port = guest_port;
	c->host_port = host_port;
	c->hashed = true;
	c->next = *b;
	*b = c;
}

static void unbind(struct vsock_conn *c)
{
	struct vsock_conn **p;

	if (!c->hashed)
		return;
	p = bucket(c->s, c->guest_port, c->host_port);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->hashed = false;
}

/* --- lists ----------------------------------------------------------------- */

void vsock_conn_ready(struct vsock_conn *c, unsigned owes)
{
	c->owes |= (uint8_t)owes;
	if (c->is_ready)
		return;
	c->is_ready = true;
	TAILQ_INSERT_TAIL(&c->s->ready, c, ready);
}

void vsock_conn_unready(struct vsock_conn *c)
{
	if (!c->is_ready)
		return;
	c->is_ready = false;
	TAILQ_REMOVE(&c->s->ready, c, ready);
}

void vsock_conn_ending(struct vsock_conn *c)
{
	CHECK(!c->is_timed);
	if (c->is_ending)
		return;
	c->is_ending = true;
	TAILQ_INSERT_TAIL(&c->s->ending, c, wait);
}

/* The same time for all: the list is in order. */
void vsock_conn_time(struct vsock_conn *c)
{
	struct vsock *s = c->s;

	CHECK(!c->is_timed && !c->is_ending);
	c->is_timed = true;
	c->deadline_ns = clock_mono_ns() + VSOCK_PATIENCE_NS;
	TAILQ_INSERT_TAIL(&s->timed, c, wait);
	if (s->timer_busy)
		return;
	s->timer_busy = loop_timer(s->cfg.loop, &s->timer,
				   TAILQ_FIRST(&s->timed)->deadline_ns) == 0;
}

void vsock_conn_untime(struct vsock_conn *c)
{
	if (!c->is_timed)
		return;
	c->is_timed = false;
	TAILQ_REMOVE(&c->s->timed, c, wait);
}

/* --- making ---------------------------------------------------------------- */

static void in_done(struct loop_op *op, int res);
static void out_done(struct loop_op *op, int res);

static struct vsock_conn *take(struct vsock *s)
{
	struct vsock_conn *c = s->free;

	if (c)
		s->free = c->next;
	else if (s->n_fresh < s->cfg.conns)
		c = &s->conn[s->n_fresh++];
	return c;
}

struct vsock_conn *vsock_conn_new(struct vsock *s, uint16_t type)
{
	struct vsock_conn *old = TAILQ_FIRST(&s->ending), *c;

	if (old && s->n_conns + SPARE >= s->cfg.conns) {
		vsock_refuse(VSOCK_EVICTED);
		vsock_conn_end(old);
	}
	c = take(s);
	if (!c) {
		vsock_refuse(VSOCK_NO_ROOM);
		return NULL;
	}
	*c = (struct vsock_conn){ .s = s,
				  .in.done = in_done,
				  .out.done = out_done,
				  .fd = -1,
				  .type = type,
				  .state = VSOCK_HELLO,
				  .burst = 1 };
	s->n_conns++;
	return c;
}

/* --- ending ---------------------------------------------------------------- */

/* The buffers go back to the host; what comes there again is zero, so that no
 * record of one connection ends in the next. */
static void give_back(struct vsock_conn *c)
{
	if (c->wrote)
		(void)madvise(vsock_slot_of(c), sizeof(struct vsock_slot),
			      MADV_DONTNEED); /* our own map: cannot fail */
	c->wrote = false;
}

/* What the peer of a TCP socket hears of the end: bytes that never reached it
 * must not look like all there were. */
static void close_socket(struct vsock_conn *c)
{
	static const struct linger at_once = { .l_onoff = 1 };

	if (c->role == VSOCK_RAW && c->abort) /* gone already: as well */
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
				 sizeof(at_once));
	(void)close(c->fd);
	c->fd = -1;
}

/* Takes a DEAD connection as far as the loop and the RST allow. */
static void settle(struct vsock_conn *c)
{
	struct vsock *s = c->s;

	if (c->in_busy)
		loop_cancel(s->cfg.loop, &c->in);
	if (c->out_busy)
		loop_cancel(s->cfg.loop, &c->out);
	if (c->in_busy || c->out_busy)
		return;
	if (c->fd >= 0)
		close_socket(c);
	give_back(c);
	if (c->owes)
		return;
	c->state = VSOCK_FREE;
	c->next = s->free;
	s->free = c;
	s->n_conns--;
}

static void die(struct vsock_conn *c, unsigned owes)
{
	struct vsock *s = c->s;

	if (c->role != VSOCK_UNIX && c->state != VSOCK_DEAD)
		vsock_service_closed(c);
	if (vsock_queued(c) > 0)
		c->abort = true;
	vsock_conn_untime(c);
	if (c->is_ending)
		TAILQ_REMOVE(&s->ending, c, wait);
	c->is_ending = false;
	if (c->state == VSOCK_WAITING)
		s->n_waiting--;
	c->state = VSOCK_DEAD;
	c->owes = (uint8_t)owes;
	if (owes) {
		vsock_conn_ready(c, owes);
	} else {
		vsock_conn_unready(c);
		unbind(c);
	}
	settle(c);
}

void vsock_conn_reset(struct vsock_conn *c)
{
	if (c->state != VSOCK_DEAD)
		die(c, c->hashed ? VSOCK_OWES_RST : 0);
}

void vsock_conn_end(struct vsock_conn *c)
{
	die(c, 0);
}

void vsock_conn_release(struct vsock_conn *c)
{
	c->owes = 0;
	vsock_conn_unready(c);
	unbind(c);
	if (c->state == VSOCK_DEAD)
		settle(c);
}

/* --- watching -------------------------------------------------------------- */

void vsock_conn_watch(struct vsock_conn *c)
{
	uint32_t events = POLLIN;

	if (c->in_busy || c->hup || c->s->v.shut || c->role == VSOCK_SERVED)
		return;
	switch ((enum vsock_state)c->state) {
	case VSOCK_HELLO:
		break;
	case VSOCK_ASKED:
		if (c->readable)
			return;
		break;
	case VSOCK_OPEN:
		if (c->input_done)
			events = 0; /* the end of the other direction */
		else if (c->readable || c->staged || !vsock_rx_credit(c))
			return;
		break;
	case VSOCK_FREE:
	case VSOCK_WAITING:
	case VSOCK_LINGER:
	case VSOCK_DEAD:
		return;
	}
	c->in_busy = loop_poll(c->s->cfg.loop, &c->in, c->fd, events) == 0;
}

void vsock_conn_watch_out(struct vsock_conn *c)
{
	if (!c->out_busy && !c->s->v.shut)
		c->out_busy =
			loop_poll(c->s->cfg.loop, &c->out, c->fd, POLLOUT) == 0;
}

/* The host is gone, and has nothing left that the guest could want. */
static void gone(struct vsock_conn *c)
{
	if (c->state == VSOCK_ASKED || c->broken) {
		vsock_conn_reset(c);
		return;
	}
	vsock_flow_deaf(c);
}

static void in_done(struct loop_op *op, int res)
{
	struct vsock_conn *c = CONTAINER_OF(op, struct vsock_conn, in);
	struct vsock *s = c->s;

	c->in_busy = false;
	if (c->state == VSOCK_DEAD) {
		settle(c);
		return;
	}
	if (res == -ECANCELED)
		return;
	if (res > 0 && (res & (POLLHUP | POLLERR)))
		c->hup = true;
	if (res > 0 && (res & POLLERR) && c->role == VSOCK_RAW)
		c->broken = true;
	if (res < 0)
		vsock_conn_reset(c);
	else if (c->state == VSOCK_HELLO)
		vsock_hello_read(c);
	else if (c->hup && (c->state == VSOCK_ASKED || c->input_done))
		gone(c);
	else if (c->state == VSOCK_ASKED)
		c->readable = true;
	else if (c->state == VSOCK_OPEN) {
		if (!c->input_done) {
			c->readable = true;
			vsock_conn_ready(c, 0);
		}
		vsock_conn_watch(c);
	}
	vsock_later(s);
}

static void out_done(struct loop_op *op, int res)
{
	struct vsock_conn *c = CONTAINER_OF(op, struct vsock_conn, out);
	struct vsock *s = c->s;

	c->out_busy = false;
	if (c->state == VSOCK_DEAD) {
		settle(c);
		return;
	}
	if (res == -ECANCELED)
		return;
	if (res < 0)
		vsock_conn_reset(c);
	else if (c->role == VSOCK_SERVED)
		vsock_service_writable(c);
	else
		vsock_flow_out(c);
	vsock_later(s);
}
