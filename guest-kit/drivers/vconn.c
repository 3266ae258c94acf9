/* vconn.c: connections to the host. A packet to the host is a header in the
 * transmit ring and a copy of the sender's bytes; one from the host is handed
 * to its owner in the buffer it came in, or, if it is small, in a copy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/vconn.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/kmem.h"
#include "lib/string.h"
#include "linux/errno.h"

#define CID_HOST 2

#define FEATURE_STREAM    (1u << 0)
#define FEATURE_SEQPACKET (1u << 1)

enum queue { RX, TX, EVENT, QUEUES };
enum op { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, UPDATE, ASK_CREDIT };

#define OWE(op) (uint8_t)(1u << (op))

#define EOM 1u /* of RW flags: a record ends here */

#define RX_LEN    16384u /* of a receive buffer, with struct pkt */
#define RX_N      32
#define HAND_OVER 8192u /* bytes from which a buffer goes to the owner */
#define PACKETS   (VIRTIO_RING_MAX / 2) /* two descriptors each */
#define BUCKETS   512u
#define CONNS_MAX 16384u

#define PORT_FIRST 0x10000u /* of our own */
#define PORT_LAST  0xefffffffu

struct header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 44, "virtio 1.2, 5.10.6");

static LARGE struct {
	bool tried, usable;
	struct virtio dev;
	uint32_t cid, next_port, n;
	struct vconn *bucket[BUCKETS];
	struct vport *ports;
	struct vconn *owed, **owed_end; /* wait to send what they owe */
	struct vconn *blocked;          /* wait for room in the ring */
	struct pkt *rx[RX_N];
	struct header header[PACKETS];
	struct pkt *data[PACKETS]; /* behind the header, or NULL */
	uint8_t free[PACKETS];
	unsigned n_free;
} s;

/* --- the table ------------------------------------------------------------- */

static struct vconn **bucket(uint32_t port, uint32_t peer_port)
{
	return &s.bucket[(port * 31 + peer_port) % BUCKETS];
}

static struct vconn *find(uint32_t port, uint32_t peer_port)
{
	struct vconn *c = *bucket(port, peer_port);

	while (c && (c->port != port || c->peer_port != peer_port))
		c = c->next;
	return c;
}

static struct vconn *take(uint32_t port, uint32_t peer_port, uint16_t type)
{
	struct vconn **b = bucket(port, peer_port);
	struct vconn *c = s.n < CONNS_MAX ? kmem_alloc(sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	s.n++;
	c->type = (enum vsock_type)type;
	c->port = port;
	c->peer_port = peer_port;
	c->peer_cid = CID_HOST;
	c->next = *b;
	*b = c;
	return c;
}

/* Out of the lists of those that wait for room in the ring. */
static void leave_lists(struct vconn *c)
{
	struct vconn **p;

	if (c->in_owed) {
		for (p = &s.owed; *p != c; p = &(*p)->next_owed)
			;
		*p = c->next_owed;
		if (s.owed_end == &c->next_owed)
			s.owed_end = p;
		c->in_owed = false;
	}
	if (c->blocked_by_ring) {
		for (p = &s.blocked; *p != c; p = &(*p)->next_blocked)
			;
		*p = c->next_blocked;
		c->blocked_by_ring = false;
	}
}

static void release(struct vconn *c)
{
	struct vconn **p = bucket(c->port, c->peer_port);
	struct pkt *part;

	leave_lists(c);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	while ((part = pktq_take(&c->part)))
		pkt_free(part);
	s.n--;
	kmem_free(c, sizeof(*c));
}

static void changed(struct vconn *c)
{
	if (c->ops)
		c->ops->changed(c);
}

/* --- sending --------------------------------------------------------------- */

static void reap(void)
{
	unsigned index;
	uint32_t len;

	while (virtq_pop(&s.dev, TX, &index, &len)) {
		struct pkt **data = &s.data[index / 2];

		if (*data)
			pkt_free(*data);
		*data = NULL;
		s.free[s.n_free++] = (uint8_t)(index / 2);
	}
}

/* There must be room. Takes data. */
static void put(const struct header *h, struct pkt *data)
{
	const unsigned i = s.free[--s.n_free];
	const struct virtq_part part[] = {
		{ phys_of(&s.header[i]), sizeof(*h), false },
		{ data ? phys_of(data->data) : 0, h->len, false },
	};

	s.header[i] = *h;
	s.data[i] = data;
	virtq_add_chain(&s.dev.q[TX], 2 * i, part, data ? 2 : 1);
}

static struct header header_of(struct vconn *c, enum op op, uint32_t len)
{
	c->told_cnt = c->fwd_cnt;
	return (struct header){
		.src_cid = s.cid,
		.dst_cid = c->peer_cid,
		.src_port = c->port,
		.dst_port = c->peer_port,
		.len = len,
		.type = (uint16_t)c->type,
		.op = (uint16_t)op,
		.flags = op == SHUTDOWN ? c->my_shut : 0,
		.buf_alloc = VCONN_BUF_LEN,
		.fwd_cnt = c->fwd_cnt,
	};
}

/* Sends what is owed, first things first; false: there is no room. A
 * connection that has said RST and is nobody's is gone then. */
static bool pay(struct vconn *c)
{
	while (c->owed && s.n_free) {
		const enum op op = (enum op)__builtin_ctz(c->owed);
		const struct header h = header_of(c, op, 0);

		c->owed &= (uint8_t)~OWE(op);
		put(&h, NULL);
	}
	return !c->owed;
}

/* The room that came back goes to those that wait for it. */
static void serve_waiting(void)
{
	while (s.owed && s.n_free) {
		struct vconn *c = s.owed;

		if (!pay(c))
			break;
		s.owed = c->next_owed;
		if (!s.owed)
			s.owed_end = &s.owed;
		c->in_owed = false;
		if (c->reset && !c->ops)
			release(c);
	}
	while (s.blocked && s.n_free) {
		struct vconn *c = s.blocked;

		s.blocked = c->next_blocked;
		c->blocked_by_ring = false;
		if (c->ops && vconn_has_room(c)) {
			c->blocked = false;
			c->ops->room(c);
		}
	}
}

/* Room in the ring? If not, an interrupt says when. */
static bool have_room(void)
{
	reap();
	if (!s.n_free && virtio_listen(&s.dev, TX))
		reap();
	return s.n_free;
}

static void owe(struct vconn *c, enum op op)
{
	c->owed |= OWE(op);
	if (!c->in_owed && have_room() && pay(c)) {
		virtio_notify(&s.dev, TX);
		return;
	}
	if (c->in_owed)
		return;
	c->in_owed = true;
	c->next_owed = NULL;
	*s.owed_end = c;
	s.owed_end = &c->next_owed;
}

static uint32_t credit(const struct vconn *c)
{
	const uint32_t out = c->tx_cnt - c->peer_fwd;

	return out < c->peer_alloc ? c->peer_alloc - out : 0;
}

bool vconn_has_room(const struct vconn *c)
{
	return c->state == VCONN_OPEN && !c->owed && credit(c);
}

static int64_t refuse(struct vconn *c)
{
	c->blocked = true;
	if (!s.n_free && !c->blocked_by_ring) {
		c->blocked_by_ring = true;
		c->next_blocked = s.blocked;
		s.blocked = c;
	}
	return -LINUX_EAGAIN;
}

/* One packet with len bytes of io: 0, -ENOBUFS or -EFAULT. */
static int64_t send_piece(struct vconn *c, struct io *io, uint32_t len,
			  bool end)
{
	struct pkt *p = pkt_new(len);
	struct header h;

	if (!p)
		return -LINUX_ENOBUFS;
	if (io_get(io, p->data, len) != len) {
		pkt_free(p);
		return -LINUX_EFAULT;
	}
	c->tx_cnt += len;
	h = header_of(c, RW, len);
	h.flags = end ? EOM : 0;
	put(&h, p);
	return 0;
}

static int64_t send_pieces(struct vconn *c, struct io *io, uint64_t len)
{
	uint64_t done = 0, piece_max = VSOCK_SEND_MAX;
	int64_t rc = 0;

	while (done < len && s.n_free) {
		uint64_t piece = min_u64(len - done, piece_max);
		const bool last = io->left == piece;

		rc = send_piece(c, io, (uint32_t)piece,
				last && c->type == VSOCK_SEQPACKET);
		/* long pieces need memory in a row */
		if (rc == -LINUX_ENOBUFS && piece_max > 2048 &&
		    c->type == VSOCK_STREAM) {
			piece_max = 2048;
			continue;
		}
		if (rc)
			break;
		done += piece;
	}
	virtio_notify(&s.dev, TX);
	return done ? (int64_t)done : rc;
}

int64_t vconn_send(struct vconn *c, struct io *io)
{
	const bool record = c->type == VSOCK_SEQPACKET;
	const uint64_t least = record ? io->left : 1;

	if (c->reset)
		return -LINUX_ECONNRESET;
	if ((c->my_shut & VSOCK_SEND) || (c->peer_shut & VSOCK_RECEIVE))
		return -LINUX_EPIPE;
	if (record && c->state == VCONN_OPEN && least > c->peer_alloc)
		return -LINUX_EMSGSIZE;
	if (c->state != VCONN_OPEN || c->owed || credit(c) < least ||
	    !have_room() || least > (uint64_t)s.n_free * VSOCK_SEND_MAX)
		return refuse(c);
	return send_pieces(c, io, min_u64(io->left, credit(c)));
}

/* --- receiving ------------------------------------------------------------- */

/* The packet's bytes, in their buffer if they are many, which is replaced;
 * NULL: no memory. */
static struct pkt *bytes_of(struct pkt **buffer, const struct header *h)
{
	struct pkt *p = *buffer, *fresh;

	if (h->len >= HAND_OVER &&
	    (fresh = pkt_new(RX_LEN - (uint32_t)sizeof(*p)))) {
		*buffer = fresh;
		p->data += sizeof(*h);
		p->room -= (uint32_t)sizeof(*h) + h->len;
	} else {
		p = pkt_new(h->len);
		if (!p)
			return NULL;
		memcpy(p->data, (*buffer)->data + sizeof(*h), h->len);
		p->room -= h->len;
	}
	p->len = h->len;
	return p;
}

/* The pieces of a record as one. */
static struct pkt *join(struct pktq *pieces)
{
	struct pkt *p = pkt_new((uint32_t)pieces->len), *piece;

	while ((piece = pktq_take(pieces))) {
		if (p) {
			memcpy(p->data + p->len, piece->data, piece->len);
			p->len += piece->len;
			p->room -= piece->len;
		}
		pkt_free(piece);
	}
	return p;
}

static void reset(struct vconn *c)
{
	owe(c, RST);
	c->reset = true;
	changed(c);
}

static void on_data(struct vconn *c, const struct header *h,
		    struct pkt **buffer)
{
	struct pkt *p;

	if (h->len > VCONN_BUF_LEN - (c->rx_cnt - c->fwd_cnt)) {
		reset(c);
		return;
	}
	c->rx_cnt += h->len;
	if ((c->my_shut & VSOCK_RECEIVE) || !c->ops) { /* it was on its way */
		c->fwd_cnt += h->len;
		return;
	}
	p = bytes_of(buffer, h);
	if (p && c->type == VSOCK_SEQPACKET) {
		pktq_add(&c->part, p);
		if (!(h->flags & EOM))
			return;
		p = c->part.n == 1 ? pktq_take(&c->part) : join(&c->part);
	}
	if (!p) {
		reset(c);
		return;
	}
	p->record_end = c->type == VSOCK_SEQPACKET;
	c->ops->received(c, p);
}

/* Nobody knows the connection, or wants it. */
static void refuse_packet(const struct header *h)
{
	struct vconn *c;

	if (h->op == RST)
		return;
	c = take(h->dst_port, h->src_port, h->type);
	if (!c)
		return;
	c->peer_cid = (uint32_t)h->src_cid;
	c->reset = true;
	owe(c, RST);
	if (!c->owed)
		release(c);
}

static struct vport *find_port(uint32_t port)
{
	struct vport *p = s.ports;

	while (p && p->port != port)
		p = p->next;
	return p;
}

static void on_request(const struct header *h)
{
	struct vport *port = find_port(h->dst_port);
	struct vconn *c = port ? take(h->dst_port, h->src_port, h->type) : NULL;

	if (!c) {
		refuse_packet(h);
		return;
	}
	c->state = VCONN_OPEN;
	c->incoming = true;
	c->peer_alloc = h->buf_alloc;
	if (!port->request(port, c)) {
		release(c);
		refuse_packet(h);
		return;
	}
	owe(c, RESPONSE);
	changed(c);
}

static void on_packet_of(struct vconn *c, const struct header *h,
			 struct pkt **buffer)
{
	c->peer_alloc = h->buf_alloc;
	c->peer_fwd = h->fwd_cnt;
	switch (h->op) {
	case RST:
		c->reset = true;
		if (c->state == VCONN_CLOSING) {
			release(c);
			return;
		}
		changed(c);
		return; /* it may be gone */
	case RESPONSE:
		if (c->state == VCONN_ASKED) {
			c->state = VCONN_OPEN;
			changed(c);
		}
		return;
	case RW:
		on_data(c, h, buffer);
		return;
	case SHUTDOWN:
		c->peer_shut |= h->flags & VSOCK_BOTH;
		changed(c);
		return;
	case ASK_CREDIT:
		owe(c, UPDATE);
		break;
	default:
		break;
	}
}

static void on_packet(struct pkt **buffer, uint32_t len)
{
	struct header h;
	struct vconn *c;

	if (len < sizeof(h))
		return;
	memcpy(&h, (*buffer)->data, sizeof(h));
	if (h.len > len - sizeof(h) || h.dst_cid != s.cid)
		return;
	c = find(h.dst_port, h.src_port);
	if (!c) {
		if (h.op == REQUEST)
			on_request(&h);
		else
			refuse_packet(&h);
		return;
	}
	if (c->reset)
		return;
	on_packet_of(c, &h, buffer);
	/* credit, unless the callback closed it */
	c = find(h.dst_port, h.src_port);
	if (c && c->ops && c->blocked && vconn_has_room(c)) {
		c->blocked = false;
		c->ops->room(c);
	}
}

static void offer(unsigned i)
{
	virtq_add(&s.dev.q[RX], i, phys_of(s.rx[i]->data),
		  RX_LEN - (uint32_t)sizeof(struct pkt), true);
}

void vconn_poll(void)
{
	unsigned index;
	uint32_t len;
	bool any = false;

	if (!s.usable)
		return;
	while (virtq_pop(&s.dev, RX, &index, &len)) {
		if (index >= RX_N)
			continue;
		on_packet(&s.rx[index], len);
		offer(index);
		any = true;
	}
	if (any)
		virtio_notify(&s.dev, RX);
	reap();
	serve_waiting();
	virtio_notify(&s.dev, TX);
}

static void on_interrupt(void)
{
	virtio_acknowledge(&s.dev);
	do {
		s.dev.config_changed = false; /* the address is as it was */
		vconn_poll();
	} while (virtio_listen(&s.dev, RX) ||
		 ((s.owed || s.blocked) && virtio_listen(&s.dev, TX)));
}

void vconn_wait(uint64_t until_ns)
{
	s.dev.config_changed = false;
	virtio_wait(&s.dev, RX, until_ns);
	vconn_poll();
	if (virtio_listen(&s.dev, RX))
		vconn_poll();
}

/* --- starting -------------------------------------------------------------- */

static bool init(void)
{
	unsigned cid;

	if (!virtio_find(&s.dev, VIRTIO_ID_VSOCK, 0, IRQ_VSOCK) ||
	    !virtio_prepare(&s.dev, QUEUES, VIRTIO_RING_MAX))
		return false;
	for (unsigned i = 0; i < RX_N; i++) {
		s.rx[i] = pkt_new(RX_LEN - (uint32_t)sizeof(struct pkt));
		if (!s.rx[i])
			return false;
		offer(i);
	}
	for (unsigned i = 0; i < PACKETS; i++)
		s.free[s.n_free++] = (uint8_t)i;
	s.owed_end = &s.owed;
	s.next_port = PORT_FIRST;
	s.dev.features =
		virtio_offers(&s.dev) & (FEATURE_STREAM | FEATURE_SEQPACKET);
	if (!virtio_start(&s.dev, RX))
		return false;
	mmio_begin();
	cid = mmio_read(s.dev.gpa + VIRTIO_CONFIG);
	mmio_run();
	s.cid = mmio_value(cid);
	s.usable = true;
	irq_on(IRQ_VSOCK, on_interrupt);
	on_interrupt();
	return true;
}

bool vconn_start(uint32_t *ret_cid)
{
	if (!s.tried) {
		s.tried = true;
		s.usable = init();
	}
	if (s.usable)
		*ret_cid = s.cid;
	return s.usable;
}

uint32_t vconn_cid(void)
{
	return s.cid;
}

/* --- connections ----------------------------------------------------------- */

static uint32_t free_port(void)
{
	for (;; s.next_port++) {
		if (s.next_port > PORT_LAST)
			s.next_port = PORT_FIRST;
		if (!find_port(s.next_port))
			return s.next_port++;
	}
}

bool vconn_port_used(uint32_t port)
{
	return find_port(port);
}

int vconn_listen(struct vport *p)
{
	if (p->port == UINT32_MAX)
		p->port = free_port();
	else if (find_port(p->port))
		return -LINUX_EADDRINUSE;
	p->next = s.ports;
	s.ports = p;
	return 0;
}

void vconn_unlisten(struct vport *p)
{
	struct vport **link = &s.ports;

	while (*link && *link != p)
		link = &(*link)->next;
	if (*link)
		*link = p->next;
}

struct vconn *vconn_connect(enum vsock_type type, uint32_t port,
			    uint32_t peer_port, const struct vconn_ops *ops,
			    void *owner)
{
	struct vconn *c;

	while (!port || find(port, peer_port))
		port = free_port();
	c = take(port, peer_port, (uint16_t)type);
	if (!c)
		return NULL;
	c->state = VCONN_ASKED;
	c->ops = ops;
	c->owner = owner;
	owe(c, REQUEST);
	return c;
}

/* The host is told that there is room again, before it runs dry. */
void vconn_taken(struct vconn *c, uint32_t len)
{
	c->fwd_cnt += len;
	if (c->reset || c->rx_cnt - c->told_cnt <= VCONN_BUF_LEN / 2)
		return;
	if (c->fwd_cnt - c->told_cnt >= VCONN_BUF_LEN / 4 ||
	    c->rx_cnt == c->fwd_cnt)
		owe(c, UPDATE);
}

void vconn_shutdown(struct vconn *c, unsigned what)
{
	c->my_shut |= (uint8_t)(what & VSOCK_BOTH);
	if (c->state == VCONN_OPEN && !c->reset)
		owe(c, SHUTDOWN);
}

void vconn_close(struct vconn *c, bool abort)
{
	c->ops = NULL;
	c->blocked = false;
	/* virtio 1.2, 5.10.6.6: who knows that both ended says RST */
	if (!c->reset && !abort && c->state == VCONN_OPEN &&
	    c->peer_shut != VSOCK_BOTH) {
		c->state = VCONN_CLOSING;
		if (c->my_shut != VSOCK_BOTH) {
			c->my_shut = VSOCK_BOTH;
			owe(c, SHUTDOWN);
		}
		return;
	}
	if (!c->reset)
		owe(c, RST);
	c->reset = true;
	if (!c->owed)
		release(c);
}
