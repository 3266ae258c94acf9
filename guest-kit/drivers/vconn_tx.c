/* vconn_tx.c: the way to the host: packets in the transmit ring, and who waits
 * for room there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/vconn_priv.h"
#include "linux/errno.h"

#define PACKETS (VIRTIO_RING_MAX / 2) /* two descriptors each */

#define OWE(op) (uint8_t)(1u << (op))

static LARGE struct {
	struct vconn *owed, **owed_end; /* wait to send what they owe */
	struct vconn *blocked;          /* wait for room in the ring */
	struct vconn_header header[PACKETS];
	struct pkt *data[PACKETS]; /* behind the header, or NULL */
	uint8_t free[PACKETS];
	unsigned n_free;
} tx;

void vconn_tx_init(void)
{
	for (unsigned i = 0; i < PACKETS; i++)
		tx.free[tx.n_free++] = (uint8_t)i;
	tx.owed_end = &tx.owed;
}

bool vconn_tx_waits(void)
{
	return tx.owed || tx.blocked;
}

/* Out of the lists of those that wait for room in the ring. */
void vconn_leave_lists(struct vconn *c)
{
	struct vconn **p;

	if (c->in_owed) {
		for (p = &tx.owed; *p != c; p = &(*p)->next_owed)
			;
		*p = c->next_owed;
		if (tx.owed_end == &c->next_owed)
			tx.owed_end = p;
		c->in_owed = false;
	}
	if (c->blocked_by_ring) {
		for (p = &tx.blocked; *p != c; p = &(*p)->next_blocked)
			;
		*p = c->next_blocked;
		c->blocked_by_ring = false;
	}
}

static void reap(void)
{
	unsigned index;
	uint32_t len;

	while (virtq_pop(&vconn_dev, TX, &index, &len)) {
		struct pkt **data = &tx.data[index / 2];

		if (*data)
			pkt_free(*data);
		*data = NULL;
		tx.free[tx.n_free++] = (uint8_t)(index / 2);
	}
}

/* There must be room. Takes data. */
static void put(const struct vconn_header *h, struct pkt *data)
{
	const unsigned i = tx.free[--tx.n_free];
	const struct virtq_part part[] = {
		{ phys_of(&tx.header[i]), sizeof(*h), false },
		{ data ? phys_of(data->data) : 0, h->len, false },
	};

	tx.header[i] = *h;
	tx.data[i] = data;
	virtq_add_chain(&vconn_dev.q[TX], 2 * i, part, data ? 2 : 1);
}

static struct vconn_header header_of(struct vconn *c, enum op op, uint32_t len)
{
	c->told_cnt = c->fwd_cnt;
	return (struct vconn_header){
		.src_cid = vconn_cid(),
		.dst_cid = c->peer_cid,
		.src_port = c->port,
		.dst_port = c->peer_port,
		.len = len,
		.type = (uint16_t)c->type,
		.op = (uint16_t)op,
		.flags = op == SHUTDOWN ? c->my_shut : 0,
		.buf_alloc = vconn_window,
		.fwd_cnt = c->fwd_cnt,
	};
}

/* Sends what is owed, first things first; false: there is no room. A
 * connection that has said RST and is nobody's is gone then. */
static bool pay(struct vconn *c)
{
	while (c->owed && tx.n_free) {
		const enum op op = (enum op)__builtin_ctz(c->owed);
		const struct vconn_header h = header_of(c, op, 0);

		c->owed &= (uint8_t)~OWE(op);
		put(&h, NULL);
	}
	return !c->owed;
}

/* The room that came back goes to those that wait for it. */
void vconn_serve_waiting(void)
{
	reap();
	while (tx.owed && tx.n_free) {
		struct vconn *c = tx.owed;

		if (!pay(c))
			break;
		tx.owed = c->next_owed;
		if (!tx.owed)
			tx.owed_end = &tx.owed;
		c->in_owed = false;
		if (c->reset && !c->ops)
			vconn_release(c);
	}
	while (tx.blocked && tx.n_free) {
		struct vconn *c = tx.blocked;

		tx.blocked = c->next_blocked;
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
	if (!tx.n_free && virtio_listen(&vconn_dev, TX))
		reap();
	return tx.n_free;
}

void vconn_owe(struct vconn *c, enum op op)
{
	c->owed |= OWE(op);
	if (!c->in_owed && have_room() && pay(c)) {
		virtio_notify(&vconn_dev, TX);
		return;
	}
	if (c->in_owed)
		return;
	c->in_owed = true;
	c->next_owed = NULL;
	*tx.owed_end = c;
	tx.owed_end = &c->next_owed;
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
	if (!tx.n_free && !c->blocked_by_ring) {
		c->blocked_by_ring = true;
		c->next_blocked = tx.blocked;
		tx.blocked = c;
	}
	return -LINUX_EAGAIN;
}

/* One packet with len bytes of io: 0, -ENOBUFS or -EFAULT. */
static int64_t send_piece(struct vconn *c, struct io *io, uint32_t len,
			  bool end)
{
	struct pkt *p = pkt_new(len);
	struct vconn_header h;

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

	while (done < len && tx.n_free) {
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
	virtio_notify(&vconn_dev, TX);
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
	    !have_room() || least > (uint64_t)tx.n_free * VSOCK_SEND_MAX)
		return refuse(c);
	return send_pieces(c, io, min_u64(io->left, credit(c)));
}
