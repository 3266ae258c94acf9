/* vsock.c: see vsock.h. The device, its queues and its life, and what a
 * packet of the guest means. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/vsock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/iov.h"
#include "base/log.h"
#include "base/metrics.h"
#include "virtio/vsock_priv.h"

#define KICK_PACKETS (2 * VSOCK_QUEUE_MAX) /* worked on at a time */
#define KICK_BYTES   (4u << 20)
#define CREDIT_MAX   (1u << 30) /* counters wrap; half of them is behind */
#define NAP_NS       200000u
#define NAPS_VAIN    8u /* in a row, and then a pause */
#define NAP_PAUSE_NS 10000000u

/* --- refusals --------------------------------------------------------------- */

static struct metric refused[VSOCK_REFUSALS] = {
	[VSOCK_BAD_ADDRESS] = { "bad_addresses_vsock",
				"packets from or to a foreign CID", 0 },
	[VSOCK_BAD_TYPE] = { "bad_types_vsock",
			     "packets of a type that was not agreed on", 0 },
	[VSOCK_BAD_OP] = { "bad_ops_vsock", "packets of an unknown kind", 0 },
	[VSOCK_BAD_LEN] = { "bad_lengths_vsock",
			    "packets shorter than they say", 0 },
	[VSOCK_BAD_STATE] = { "bad_states_vsock",
			      "packets that a connection does not expect", 0 },
	[VSOCK_BAD_CREDIT] = { "bad_credits_vsock",
			       "packets beyond the credit, or lies about it",
			       0 },
	[VSOCK_NO_CONN] = { "stray_packets_vsock",
			    "packets that belong to no connection", 0 },
	[VSOCK_NO_LISTENER] = { "refused_ports_vsock",
				"ports of the host that nobody listens on", 0 },
	[VSOCK_NO_ROOM] = { "full_tables_vsock",
			    "connections refused because of their number", 0 },
	[VSOCK_LONG_RECORD] = { "long_records_vsock",
				"records that are too long", 0 },
	[VSOCK_EMPTY_RECORD] = { "empty_records_vsock", "empty records dropped",
				 0 },
	[VSOCK_RST_LOST] = { "lost_resets_vsock",
			     "stray packets that were not answered", 0 },
	[VSOCK_BAD_HELLO] = { "bad_hellos_vsock",
			      "clients that did not say CONNECT", 0 },
	[VSOCK_TIMED_OUT] = { "time_outs_vsock", "connections not made in time",
			      0 },
	[VSOCK_EVICTED] = { "evictions_vsock",
			    "ended connections given up for new ones", 0 },
};
static struct metric from_guest = { "bytes_from_guest_vsock",
				    "bytes from the guest to the host", 0 };

struct metric *const vsock_metrics[] = { &refused[VSOCK_BAD_ADDRESS],
					 &refused[VSOCK_BAD_TYPE],
					 &refused[VSOCK_BAD_OP],
					 &refused[VSOCK_BAD_LEN],
					 &refused[VSOCK_BAD_STATE],
					 &refused[VSOCK_BAD_CREDIT],
					 &refused[VSOCK_NO_CONN],
					 &refused[VSOCK_NO_LISTENER],
					 &refused[VSOCK_NO_ROOM],
					 &refused[VSOCK_LONG_RECORD],
					 &refused[VSOCK_EMPTY_RECORD],
					 &refused[VSOCK_RST_LOST],
					 &refused[VSOCK_BAD_HELLO],
					 &refused[VSOCK_TIMED_OUT],
					 &refused[VSOCK_EVICTED],
					 &from_guest,
					 &vsock_to_guest,
					 NULL };

/* Said now and then, each kind by itself, so that none drowns in another; not
 * what every guest does. */
void vsock_refuse(enum vsock_refusal why)
{
	static struct log_bucket buckets[VSOCK_REFUSALS] = {
		[0 ... VSOCK_REFUSALS - 1] = { .tokens = 10 }
	};

	metric_inc(&refused[why]);
	if (why != VSOCK_NO_LISTENER && why != VSOCK_NO_CONN)
		log_guest_line(&buckets[why], "vsock", "%s", refused[why].help);
}

/* --- packets of the guest --------------------------------------------------- */

/* A packet on our side of the fence. */
struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t guest_port, host_port;
	uint32_t len, flags, buf_alloc, fwd_cnt;
	uint16_t type, op;
	struct iovec *iov; /* what is behind the header */
	unsigned n_iov;
};

/* Says RST to a packet that is none itself. */
static void answer_rst(struct vsock *s, const struct packet *p)
{
	const struct vsock_rst r = { .host_cid = p->dst_cid,
				     .guest_port = p->guest_port,
				     .host_port = p->host_port,
				     .type = p->type };

	if (p->op != VSOCK_OP_RST)
		vsock_rx_rst(s, &r);
}

static void refuse(struct vsock_conn *c, enum vsock_refusal why)
{
	vsock_refuse(why);
	c->abort = true;
	vsock_conn_reset(c);
}

/* False: the guest claims to have read what was never sent. */
static bool note_credit(struct vsock_conn *c, const struct packet *p)
{
	if ((int32_t)(c->tx_cnt - p->fwd_cnt) < 0)
		return false;
	c->peer_alloc = p->buf_alloc < CREDIT_MAX ? p->buf_alloc : CREDIT_MAX;
	c->peer_fwd = p->fwd_cnt;
	return true;
}

static void on_request(struct vsock *s, const struct packet *p)
{
	struct vsock_conn *c = vsock_conn_new(s, p->type);

	if (!c) {
		answer_rst(s, p);
		return;
	}
	vsock_conn_bind(c, p->guest_port, p->host_port);
	if (!note_credit(c, p)) {
		refuse(c, VSOCK_BAD_CREDIT);
		return;
	}
	vsock_hello_connect(c);
}

static void on_shutdown(struct vsock_conn *c, uint32_t flags)
{
	const uint8_t had = c->guest_shut;

	c->guest_shut |= flags & VSOCK_SHUTDOWN_BOTH;
	if (c->guest_shut & ~had & VSOCK_SHUTDOWN_RECEIVE) {
		c->input_done = true;
		c->readable = false;
		c->staged = 0;
		if (c->role != VSOCK_SERVED) /* gone already: as well */
			(void)shutdown(c->fd, SHUT_RD);
	}
	if (c->guest_shut == VSOCK_SHUTDOWN_BOTH && c->role == VSOCK_SERVED) {
		vsock_conn_reset(c);
		return;
	}
	if (c->guest_shut == VSOCK_SHUTDOWN_BOTH) {
		/* the guest may forget it; its last bytes go their way */
		c->state = VSOCK_LINGER;
		vsock_conn_ready(c, VSOCK_OWES_RST);
		vsock_conn_ending(c);
	}
	if (c->guest_shut & VSOCK_SHUTDOWN_SEND)
		vsock_flow_last(c);
	else
		vsock_conn_watch(c);
}

static void on_data(struct vsock_conn *c, const struct packet *p)
{
	/* virtio 1.2, 5.10.6.3: as far as the guest knows of its credit */
	if (p->len > VSOCK_BUF_LEN - (c->rx_cnt - c->told_cnt)) {
		refuse(c, VSOCK_BAD_CREDIT);
		return;
	}
	if (c->guest_shut & VSOCK_SHUTDOWN_SEND) {
		refuse(c, VSOCK_BAD_STATE);
		return;
	}
	metric_add(&from_guest, p->len);
	vsock_flow_in(c, p->iov, p->n_iov, p->len, p->flags & VSOCK_SEQ_EOM);
}

static void on_open(struct vsock_conn *c, const struct packet *p)
{
	switch (p->op) {
	case VSOCK_OP_RW:
		on_data(c, p);
		break;
	case VSOCK_OP_SHUTDOWN:
		on_shutdown(c, p->flags);
		break;
	case VSOCK_OP_CREDIT_UPDATE:
		break;
	case VSOCK_OP_CREDIT_REQUEST:
		vsock_conn_ready(c, VSOCK_OWES_CREDIT);
		break;
	default:
		refuse(c, p->op > VSOCK_OP_CREDIT_REQUEST ||
					  p->op == VSOCK_OP_INVALID
				  ? VSOCK_BAD_OP
				  : VSOCK_BAD_STATE);
		return;
	}
	if (c->state != VSOCK_OPEN)
		return;
	/* it may have been credit that was missing */
	if (c->readable || c->staged)
		vsock_conn_ready(c, 0);
	else
		vsock_conn_watch(c);
}

static void on_packet_of(struct vsock_conn *c, const struct packet *p)
{
	if (c->state == VSOCK_LINGER || c->state == VSOCK_DEAD) {
		/* a RST is on its way; or this one crossed it */
		if (p->op == VSOCK_OP_RST)
			vsock_conn_release(c);
		return;
	}
	if (p->op == VSOCK_OP_RST) {
		/* both have said all: then it is only the word for that */
		c->abort = !c->input_done ||
			   !(c->guest_shut & VSOCK_SHUTDOWN_SEND);
		vsock_conn_end(c);
		return;
	}
	if (!note_credit(c, p)) {
		refuse(c, VSOCK_BAD_CREDIT);
		return;
	}
	if (c->state == VSOCK_OPEN && !(c->owes & VSOCK_OWES_RESPONSE))
		on_open(c, p);
	else if (c->state == VSOCK_ASKED && p->op == VSOCK_OP_RESPONSE &&
		 !(c->owes & VSOCK_OWES_REQUEST))
		vsock_hello_answer(c);
	else
		refuse(c, VSOCK_BAD_STATE);
}

static bool type_agreed(const struct vsock *s, uint16_t type)
{
	/* Linux takes SEQPACKET without STREAM and means both */
	return type == VSOCK_TYPE_STREAM ||
	       (type == VSOCK_TYPE_SEQPACKET &&
		vdev_has(&s->v, VSOCK_F_SEQPACKET));
}

static void on_packet(struct vsock *s, const struct packet *p, bool whole)
{
	struct vsock_conn *c;

	if (p->src_cid != s->cfg.cid) {
		vsock_refuse(VSOCK_BAD_ADDRESS);
		return; /* whom would one answer? */
	}
	if (p->dst_cid != VSOCK_CID_HOST) {
		vsock_refuse(VSOCK_BAD_ADDRESS);
		answer_rst(s, p);
		return;
	}
	if (!type_agreed(s, p->type)) {
		vsock_refuse(VSOCK_BAD_TYPE);
		answer_rst(s, p);
		return;
	}
	c = vsock_conn_find(s, p->guest_port, p->host_port);
	if (c && c->type != p->type) {
		vsock_refuse(VSOCK_BAD_TYPE);
		answer_rst(s, p);
	} else if (!whole) {
		vsock_refuse(VSOCK_BAD_LEN);
		if (c)
			vsock_conn_reset(c);
		else
			answer_rst(s, p);
	} else if (c) {
		on_packet_of(c, p);
	} else if (p->op == VSOCK_OP_REQUEST) {
		on_request(s, p);
	} else {
		vsock_refuse(VSOCK_NO_CONN);
		answer_rst(s, p);
	}
}

/* A chain of the transmit queue. */
static int take_apart(struct vsock *s, const struct vq_chain *c,
		      uint32_t *ret_len)
{
	struct packet p = { .iov = c->iov, .n_iov = c->n_read };
	struct vsock_hdr h;
	bool whole;

	if (c->n_write > 0 || !iov_gather(p.iov, p.n_iov, &h, sizeof(h)))
		return -EPROTO;
	p.src_cid = le64_get(h.src_cid);
	p.dst_cid = le64_get(h.dst_cid);
	p.guest_port = le32_get(h.src_port);
	p.host_port = le32_get(h.dst_port);
	p.len = le32_get(h.len);
	p.type = le16_get(h.type);
	p.op = le16_get(h.op);
	p.flags = le32_get(h.flags);
	p.buf_alloc = le32_get(h.buf_alloc);
	p.fwd_cnt = le32_get(h.fwd_cnt);
	iov_skip(&p.iov, &p.n_iov, sizeof(h));
	whole = p.len <= c->read_len - sizeof(h);
	if (whole) /* what is behind is nobody's */
		vsock_iov_cut(p.iov, &p.n_iov, p.len);
	on_packet(s, &p, whole);
	*ret_len = whole ? p.len : 0;
	return 0;
}

/* --- queues ----------------------------------------------------------------- */

/* As vdev_ops.notify. */
static int pump_tx(struct vsock *s)
{
	struct vq *q = &s->v.queue[VSOCK_TX];
	uint32_t bytes = 0;

	for (unsigned n = 0; n < KICK_PACKETS && bytes < KICK_BYTES; n++) {
		struct vq_chain c;
		uint32_t len = 0;
		int r = vq_pop(q, s->tx_iov, ARRAY_SIZE(s->tx_iov), &c);

		if (r <= 0)
			return r;
		r = take_apart(s, &c, &len);
		if (r < 0) {
			vq_undo(q);
			return r;
		}
		vq_push(q, c.head, 0);
		bytes += len;
	}
	return 1;
}

/* Naps. A guest that answers the network kicks for every answer, and the kick
 * costs it several times what the packet does. So while a program's TCP is
 * busy (netproxy.h has its part of this), the device wants no kicks: it looks
 * at the queue each NAP_NS, until there was nothing, either way, for one. Where
 * the guest kicks before each look (it has nothing else to do), naps pause. */
static int nap_arm(struct vsock *s)
{
	s->gave = false;
	s->nap_busy =
		loop_timer(s->cfg.loop, &s->nap, clock_mono_ns() + NAP_NS) == 0;
	return s->nap_busy ? 0 : -ENOMEM;
}

static void look_tx(struct vsock *s)
{
	s->look_tx = true;
	vsock_later(s);
}

static void nap_begin(struct vsock *s)
{
	struct vq *q = &s->v.queue[VSOCK_TX];

	if (s->nap_busy || q->polled || s->v.shut ||
	    clock_mono_ns() < s->nap_not_before_ns || nap_arm(s))
		return;
	if (vq_poll_begin(q))
		look_tx(s);
}

static void nap_done(struct loop_op *op, int res)
{
	struct vsock *s = CONTAINER_OF(op, struct vsock, nap);
	struct vq *q = &s->v.queue[VSOCK_TX];
	bool any;

	s->nap_busy = false;
	/* somebody else may have looked, and have turned kicks on again */
	if (!vdev_live(&s->v) || !q->polled)
		return;
	any = vq_poll(q);
	s->vain_naps = vq_has_avail(q) ? 0 : s->vain_naps + 1;
	if (s->vain_naps == NAPS_VAIN) {
		s->vain_naps = 0;
		s->nap_not_before_ns = clock_mono_ns() + NAP_PAUSE_NS;
		s->gave = any = false;
	}
	if (res || !(any || s->gave) || nap_arm(s))
		any = vq_poll_end(q) || any;
	if (any)
		look_tx(s);
}

/* Sends what is ready; one interrupt for all. What is too much for once is
 * the loop thread's. */
static int pump_rx(struct vsock *s)
{
	int r = vsock_rx_pump(s);

	if (r > 0)
		vsock_later(s);
	if (s->gave)
		nap_begin(s);
	vdev_interrupt(&s->v, VSOCK_RX);
	return r < 0 ? r : 0;
}

/* The packets that nobody kicked for. */
static int pump_looked(struct vsock *s)
{
	int r;

	if (!s->look_tx)
		return 0;
	s->look_tx = false;
	r = pump_tx(s);
	vdev_interrupt(&s->v, VSOCK_TX);
	if (r > 0)
		look_tx(s);
	return r < 0 ? r : 0;
}

static void after_done(struct loop_op *op, int res)
{
	struct vsock *s = CONTAINER_OF(op, struct vsock, after);
	unsigned queue = VSOCK_TX;
	int r;

	(void)res;
	s->after_busy = false;
	if (!vdev_live(&s->v))
		return;
	r = pump_looked(s);
	if (r == 0) {
		queue = VSOCK_RX;
		r = pump_rx(s);
	}
	if (r < 0) {
		vsock_drop_all(s);
		vdev_fault(&s->v, queue, r, "bad buffer");
	}
}

void vsock_later(struct vsock *s)
{
	if (s->after_busy || s->v.shut)
		return;
	s->after_busy = true;
	loop_after(s->cfg.loop, &s->after);
}

static int vsock_notify(struct vdev *v, unsigned queue)
{
	struct vsock *s = vsock_of(v);
	int r = 0, e;

	if (queue == VSOCK_EVENT) {
		vq_kicks_off(&v->queue[VSOCK_EVENT]);
		return 0;
	}
	if (queue == VSOCK_TX) {
		r = pump_tx(s);
		vdev_interrupt(v, VSOCK_TX);
	}
	e = r < 0 ? r : pump_rx(s);
	if (e < 0) {
		vsock_drop_all(s);
		return e;
	}
	return r;
}

/* --- life ------------------------------------------------------------------- */

static int vsock_activate(struct vdev *v)
{
	struct vsock *s = vsock_of(v);

	vsock_hello_start(s);
	if (s->cfg.service)
		s->cfg.service->start(s->cfg.service_ctx, v);
	return 0;
}

static void vsock_config_read(struct vdev *v, unsigned off, void *buf,
			      unsigned n)
{
	const le64 cid = le64_of(vsock_of(v)->cfg.cid);

	memcpy(buf, (const uint8_t *)&cid + off, n);
}

void vsock_drop_all(struct vsock *s)
{
	for (unsigned i = 0; i < s->n_fresh; i++)
		if (s->conn[i].state != VSOCK_FREE)
			vsock_conn_end(&s->conn[i]);
	s->n_rsts = 0;
	s->gave = s->look_tx = false;
	CHECK(TAILQ_EMPTY(&s->ready) && TAILQ_EMPTY(&s->timed) &&
	      TAILQ_EMPTY(&s->ending) && s->n_waiting == 0);
}

static void vsock_reset(struct vdev *v)
{
	vsock_drop_all(vsock_of(v));
}

static void vsock_quiesce(struct vdev *v)
{
	struct vsock *s = vsock_of(v);

	vsock_drop_all(s);
	vsock_hello_stop(s);
	loop_cancel(s->cfg.loop, &s->nap);
	if (s->cfg.service)
		s->cfg.service->stop(s->cfg.service_ctx);
}

static void vsock_fini(struct vdev *v)
{
	struct vsock *s = vsock_of(v);

	CHECK(s->n_conns == 0 && !s->after_busy);
	if (s->slot)
		(void)munmap(s->slot, s->cfg.conns * sizeof(*s->slot));
	free(s->hash);
	free(s->conn);
	free(s);
}

static const struct vdev_ops vsock_ops = {
	.name = "vsock",
	.device_id = VSOCK_ID,
	.features = VSOCK_F_STREAM | VSOCK_F_SEQPACKET,
	.queues = VSOCK_QUEUES,
	.queue_max = VSOCK_QUEUE_MAX,
	.config_len = VSOCK_SPACE_LEN,
	.activate = vsock_activate,
	.notify = vsock_notify,
	.quiesce = vsock_quiesce,
	.reset = vsock_reset,
	.fini = vsock_fini,
	.config_read = vsock_config_read,
};

/* Pages come as they are touched, one at a time. */
static int map_slots(struct vsock *s)
{
	const size_t len = s->cfg.conns * sizeof(*s->slot);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	(void)madvise(p, len, MADV_NOHUGEPAGE); /* a kernel without any */
	s->slot = p;
	return 0;
}

unsigned vsock_connections(struct vdev *v)
{
	return vsock_of(v)->n_conns;
}

int vsock_new(const struct vsock_config *cfg, struct vdev **ret_v,
	      struct err *err)
{
	struct vsock *s;

	CHECK(cfg->cid >= VSOCK_CID_MIN && cfg->cid <= VSOCK_CID_MAX);
	CHECK(cfg->conns >= 1 && cfg->conns <= VSOCK_CONNS_MAX);
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(err, -ENOMEM, "vsock device");
	vdev_init(&s->v, &vsock_ops, cfg->mem, cfg->irq);
	s->cfg = *cfg;
	TAILQ_INIT(&s->ready);
	TAILQ_INIT(&s->timed);
	TAILQ_INIT(&s->ending);
	s->after.done = after_done;
	s->nap.done = nap_done;
	vsock_hello_init(s);
	if (cfg->service)
		s->next_call = cfg->service->call_first;
	s->conn = calloc(cfg->conns, sizeof(*s->conn));
	s->hash = calloc(VSOCK_CONNS_MAX, sizeof(struct vsock_conn *));
	if (!s->conn || !s->hash || map_slots(s)) {
		vsock_fini(&s->v);
		return err_set(err, -ENOMEM, "vsock device");
	}
	*ret_v = &s->v;
	return 0;
}
