/* vconn.c: connections to the host. A packet from there is handed to its owner
 * in the buffer it came in, or, if it is small, in a copy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/vconn.h"

#include "drivers/mmio.h"
#include "drivers/vconn_priv.h"
#include "kernel/irq.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "lib/string.h"
#include "linux/errno.h"

#define FEATURE_STREAM    (1u << 0)
#define FEATURE_SEQPACKET (1u << 1)

#define RX_LEN    16384u /* of a receive buffer, with struct pkt */
#define RX_N      32
#define HAND_OVER 8192u /* bytes from which a buffer goes to the owner */
#define BUCKETS   512u
#define CONNS_MAX 16384u

#define PORT_FIRST 0x10000u /* of our own */
#define PORT_LAST  0xefffffffu

static LARGE struct {
	bool tried, usable;
	uint32_t cid, next_port, n;
	struct vconn *bucket[BUCKETS];
	struct vport *ports;
	struct pkt *rx[RX_N];
} s;

LARGE struct virtio vconn_dev;

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

void vconn_release(struct vconn *c)
{
	struct vconn **p = bucket(c->port, c->peer_port);
	struct pkt *part;

	vconn_leave_lists(c);
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

/* --- receiving ------------------------------------------------------------- */

/* The packet's bytes, in their buffer if they are many, which is replaced;
 * NULL: no memory. */
static struct pkt *bytes_of(struct pkt **buffer, const struct vconn_header *h)
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
	vconn_owe(c, RST);
	c->reset = true;
	changed(c);
}

static void on_data(struct vconn *c, const struct vconn_header *h,
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
static void refuse_packet(const struct vconn_header *h)
{
	struct vconn *c;

	if (h->op == RST)
		return;
	c = take(h->dst_port, h->src_port, h->type);
	if (!c)
		return;
	c->peer_cid = (uint32_t)h->src_cid;
	c->reset = true;
	vconn_owe(c, RST);
	if (!c->owed)
		vconn_release(c);
}

static struct vport *find_port(uint32_t port)
{
	struct vport *p = s.ports;

	while (p && p->port != port)
		p = p->next;
	return p;
}

static void on_request(const struct vconn_header *h)
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
		vconn_release(c);
		refuse_packet(h);
		return;
	}
	vconn_owe(c, RESPONSE);
	changed(c);
}

static void on_packet_of(struct vconn *c, const struct vconn_header *h,
			 struct pkt **buffer)
{
	c->peer_alloc = h->buf_alloc;
	c->peer_fwd = h->fwd_cnt;
	switch (h->op) {
	case RST:
		c->reset = true;
		if (c->state == VCONN_CLOSING) {
			vconn_release(c);
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
		vconn_owe(c, UPDATE);
		break;
	default:
		break;
	}
}

static void on_packet(struct pkt **buffer, uint32_t len)
{
	struct vconn_header h;
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
	virtq_add(&vconn_dev.q[RX], i, phys_of(s.rx[i]->data),
		  RX_LEN - (uint32_t)sizeof(struct pkt), true);
}

void vconn_poll(void)
{
	unsigned index;
	uint32_t len;
	bool any = false;

	if (!s.usable)
		return;
	while (virtq_pop(&vconn_dev, RX, &index, &len)) {
		if (index >= RX_N)
			continue;
		on_packet(&s.rx[index], len);
		offer(index);
		any = true;
	}
	if (any)
		virtio_notify(&vconn_dev, RX);
	vconn_serve_waiting();
	virtio_notify(&vconn_dev, TX);
}

static void on_interrupt(void)
{
	/* costs an exit, and lets a line go that mayfly only ever pulses */
	if (!machine.platform)
		virtio_acknowledge(&vconn_dev);
	do {
		vconn_dev.config_changed = false; /* the address is as it was */
		vconn_poll();
	} while (virtio_listen(&vconn_dev, RX) ||
		 (vconn_tx_waits() && virtio_listen(&vconn_dev, TX)));
}

static void before_halt(void)
{
	virtio_insist(&vconn_dev, TX);
}

void vconn_wait(uint64_t until_ns)
{
	vconn_dev.config_changed = false;
	virtio_wait(&vconn_dev, RX, until_ns);
	vconn_poll();
	if (virtio_listen(&vconn_dev, RX))
		vconn_poll();
}

/* --- starting -------------------------------------------------------------- */

static bool init(void)
{
	unsigned cid;

	if (!virtio_find(&vconn_dev, VIRTIO_ID_VSOCK, 0, IRQ_VSOCK) ||
	    !virtio_prepare(&vconn_dev, QUEUES, VIRTIO_RING_MAX))
		return false;
	for (unsigned i = 0; i < RX_N; i++) {
		s.rx[i] = pkt_new(RX_LEN - (uint32_t)sizeof(struct pkt));
		if (!s.rx[i])
			return false;
		offer(i);
	}
	vconn_dev.config_fixed = true;
	vconn_tx_init();
	s.next_port = PORT_FIRST;
	vconn_dev.features = virtio_offers(&vconn_dev) &
			     (FEATURE_STREAM | FEATURE_SEQPACKET);
	if (!virtio_start(&vconn_dev, RX))
		return false;
	mmio_begin();
	cid = mmio_read(vconn_dev.gpa + VIRTIO_CONFIG);
	mmio_run();
	s.cid = mmio_value(cid);
	s.usable = true;
	irq_on(IRQ_VSOCK, on_interrupt);
	irq_before_halt(before_halt);
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
	vconn_owe(c, REQUEST);
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
		vconn_owe(c, UPDATE);
}

void vconn_shutdown(struct vconn *c, unsigned what)
{
	c->my_shut |= (uint8_t)(what & VSOCK_BOTH);
	if (c->state == VCONN_OPEN && !c->reset)
		vconn_owe(c, SHUTDOWN);
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
			vconn_owe(c, SHUTDOWN);
		}
		return;
	}
	if (!c->reset)
		vconn_owe(c, RST);
	c->reset = true;
	if (!c->owed)
		vconn_release(c);
}
