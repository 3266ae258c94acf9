/* vsock_priv.h: a socket device's insides.
 *
 *   vsock.c        the device: queues, what the guest's packets mean, life
 *   vsock_conn.c   the table of connections: making, finding, ending them
 *   vsock_flow.c   bytes from the guest to the host, and the guest's credit
 *   vsock_rx.c     packets to the guest: control, and bytes from the host
 *   vsock_hello.c  clients of the host until the guest has accepted them
 *   vsock_service.c  connections whose other end is the monitor itself
 *
 * The machine lock protects everything. The loop only ever polls: nothing it
 * has in flight touches guest memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_VSOCK_PRIV_H
#define VIRTIO_VSOCK_PRIV_H

#include <sys/queue.h>

#include "loop/loop.h"
#include "virtio/vsock.h"
#include "virtio/vsock_service.h"

#define VSOCK_RX_BATCH 16u  /* receive buffers filled by one system call */
#define VSOCK_RSTS_MAX 256u /* RSTs for no connection that wait */

/*
 *   accept -> HELLO -> ASKED --RESPONSE--> OPEN -> ... -> DEAD -> FREE
 *   REQUEST -> (WAITING ->) OPEN            `-> LINGER -----^
 */
enum vsock_state {
	VSOCK_FREE,
	VSOCK_HELLO,   /* the client has not said CONNECT yet */
	VSOCK_ASKED,   /* REQUEST is sent, or owed */
	VSOCK_WAITING, /* the host's listener is full: ask it again */
	VSOCK_OPEN,
	VSOCK_LINGER, /* the guest closed; its last bytes go out */
	VSOCK_DEAD,   /* the loop, or the RST owed, still needs it */
};

/* Who has the other end of a connection. */
enum vsock_role {
	VSOCK_UNIX,   /* a Unix socket */
	VSOCK_SERVED, /* the service: bytes wait in the slot, both ways */
	VSOCK_RAW,    /* a TCP socket that the service left to the device */
};

/* Packets that a connection owes the guest; as many as there are bits. */
#define VSOCK_OWES_REQUEST  1u
#define VSOCK_OWES_RESPONSE 2u
#define VSOCK_OWES_SHUTDOWN 4u
#define VSOCK_OWES_CREDIT   8u
#define VSOCK_OWES_RST      16u

struct vsock_conn {
	struct loop_op in, out; /* polls of fd for reading, for writing */
	struct vsock *s;
	TAILQ_ENTRY(vsock_conn) ready; /* in s->ready when is_ready */
	TAILQ_ENTRY(vsock_conn) wait;  /* in s->timed or s->ending */
	struct vsock_conn *next;       /* same hash, or free */
	uint64_t deadline_ns;          /* in s->timed */
	int fd;
	uint32_t guest_port, host_port;
	uint16_t type;
	uint8_t state; /* enum vsock_state */
	uint8_t role;  /* enum vsock_role */
	uint8_t owes;
	bool in_busy, out_busy; /* in flight */
	bool hashed, is_ready, is_timed, is_ending;

	/* host to guest */
	bool readable;      /* as far as we know */
	bool input_done;    /* the host's end was read, or nobody wants more */
	bool hup;           /* the host has closed: polls end at once */
	bool broken;        /* RAW: it ended by a reset, not in order */
	bool finishing;     /* SERVED: reset behind what is staged */
	uint8_t burst;      /* receive buffers to read into at a time */
	uint8_t guest_shut; /* VSOCK_SHUTDOWN_*, the guest's */
	uint32_t tx_cnt;    /* bytes sent to the guest */
	uint32_t peer_alloc, peer_fwd; /* as the guest said last */
	uint32_t staged_at, staged;    /* rest of a record, see vsock_slot */
	char hello[VSOCK_HELLO_MAX];
	uint32_t n_hello;

	/* guest to host */
	bool deaf;  /* the host does not read any more */
	bool abort; /* RAW: a reset for the peer, not an end */
	bool wrote; /* the slot was touched */
	uint32_t rx_cnt, fwd_cnt, told_cnt; /* virtio 1.2, 5.10.6.3 */
	uint32_t at;   /* in the ring: rx_cnt - fwd_cnt bytes from here on */
	uint32_t part; /* the last of them: a record without an end yet */
};

/* Of each connection, in one lazily touched map. */
struct vsock_slot {
	uint8_t ring[VSOCK_BUF_LEN];
	uint8_t ends[VSOCK_BUF_LEN / 8]; /* bit n: ring[n] ends a record */
	uint8_t staged[VSOCK_BUF_LEN]; /* host to guest, before the socket's */
};

/* A packet for no connection. */
struct vsock_rst {
	uint64_t host_cid;
	uint32_t guest_port, host_port;
	uint16_t type;
};

struct vsock_listener {
	struct loop_op op; /* a poll, or a timer after an error */
	struct vsock *s;
	int fd; /* -1: none */
	uint16_t type;
	bool busy;
};

/* Why a packet, or a connection, was refused: each has a counter. */
enum vsock_refusal {
	VSOCK_BAD_ADDRESS,
	VSOCK_BAD_TYPE,
	VSOCK_BAD_OP,
	VSOCK_BAD_LEN,
	VSOCK_BAD_STATE,
	VSOCK_BAD_CREDIT,
	VSOCK_NO_CONN,
	VSOCK_NO_LISTENER,
	VSOCK_NO_ROOM,
	VSOCK_LONG_RECORD,
	VSOCK_EMPTY_RECORD,
	VSOCK_RST_LOST,
	VSOCK_BAD_HELLO,
	VSOCK_TIMED_OUT,
	VSOCK_EVICTED,
	VSOCK_REFUSALS
};

TAILQ_HEAD(vsock_list, vsock_conn);

struct vsock {
	struct vdev v;
	struct vsock_config cfg;

	struct vsock_conn *conn; /* cfg.conns of them */
	struct vsock_slot *slot; /* as many */
	unsigned n_fresh;        /* conn[n_fresh ..] was never used */
	unsigned n_conns;        /* not FREE */
	struct vsock_conn *free;
	struct vsock_conn **hash;
	uint32_t next_port;

	struct vsock_list ready;  /* something is there for the guest */
	struct vsock_list timed;  /* by deadline */
	struct vsock_list ending; /* may be given up for a new one */
	unsigned n_waiting;       /* in state WAITING */
	uint32_t next_call;       /* the service's next port */
	struct loop_op timer, retry, after, nap;
	bool timer_busy, retry_busy, after_busy, nap_busy;
	bool gave;          /* bytes to a RAW connection since the last nap */
	bool look_tx;       /* there may be packets for which no kick comes */
	unsigned vain_naps; /* in a row: nothing was in the queue */
	uint64_t nap_not_before_ns;
	struct vsock_listener listener[2];

	struct vsock_rst rst[VSOCK_RSTS_MAX]; /* a ring */
	unsigned rst_at, n_rsts;

	/* scratch: one packet, or one batch of receive buffers, at a time */
	struct iovec tx_iov[VSOCK_QUEUE_MAX];
	struct iovec rx_iov[2 * VSOCK_QUEUE_MAX];
	struct iovec data_iov[2 * VSOCK_QUEUE_MAX + 1];
};

static inline struct vsock *vsock_of(struct vdev *v)
{
	return CONTAINER_OF(v, struct vsock, v);
}

/* Bytes of the guest that wait for the host. */
static inline uint32_t vsock_queued(const struct vsock_conn *c)
{
	return c->rx_cnt - c->fwd_cnt;
}

static inline struct vsock_slot *vsock_slot_of(const struct vsock_conn *c)
{
	return &c->s->slot[c - c->s->conn];
}

/* Cuts *n iovecs to the first `len` bytes, of which there are so many. */
static inline void vsock_iov_cut(struct iovec *iov, unsigned *n, size_t len)
{
	unsigned kept = 0;

	for (; len > 0; kept++) {
		if (iov[kept].iov_len > len)
			iov[kept].iov_len = len;
		len -= iov[kept].iov_len;
	}
	*n = kept;
}

/* --- vsock.c --------------------------------------------------------------- */

/* Counts, and says so now and then. */
void vsock_refuse(enum vsock_refusal why);
/* What is ready is sent at the end of this batch, on the loop thread. */
void vsock_later(struct vsock *s);
/* The guest broke a rule of its queues, or is gone: no connection stays. */
void vsock_drop_all(struct vsock *s);

/* --- vsock_conn.c ---------------------------------------------------------- */

/* A connection in state HELLO without socket or address; one that is ending
 * gives way where there is no other. NULL: there is none. */
struct vsock_conn *vsock_conn_new(struct vsock *s, uint16_t type);
void vsock_conn_bind(struct vsock_conn *c, uint32_t guest_port,
		     uint32_t host_port);
struct vsock_conn *vsock_conn_find(const struct vsock *s, uint32_t guest_port,
				   uint32_t host_port);
/* Something is there for the guest. */
void vsock_conn_ready(struct vsock_conn *c, unsigned owes);
void vsock_conn_unready(struct vsock_conn *c);
/* Has an eye on the socket, for what its state can use. */
void vsock_conn_watch(struct vsock_conn *c);
void vsock_conn_watch_out(struct vsock_conn *c);
/* It may be given up when the table is full. */
void vsock_conn_ending(struct vsock_conn *c);
/* The time for a host, or for a guest, to answer starts, or is over. */
void vsock_conn_time(struct vsock_conn *c);
void vsock_conn_untime(struct vsock_conn *c);
/* The end; with a RST for the guest, or without. The connection may be FREE
 * afterwards. */
void vsock_conn_reset(struct vsock_conn *c);
void vsock_conn_end(struct vsock_conn *c);
/* The RST is sent. */
void vsock_conn_release(struct vsock_conn *c);

/* --- vsock_flow.c ---------------------------------------------------------- */

/* `len` bytes of the guest, within its credit, and the end of a record if
 * `eom`. Changes the array. May end the connection. */
void vsock_flow_in(struct vsock_conn *c, struct iovec *iov, unsigned n,
		   uint32_t len, bool eom);
/* Sends what waits, as far as the socket takes it. */
void vsock_flow_out(struct vsock_conn *c);
/* The guest sends no more. */
void vsock_flow_last(struct vsock_conn *c);
/* The host reads no more: what waits is lost. */
void vsock_flow_deaf(struct vsock_conn *c);
/* SERVED: bytes that wait, and whole records in them; taken out in order. */
uint32_t vsock_flow_waiting(const struct vsock_conn *c);
void vsock_flow_take(struct vsock_conn *c, void *buf, uint32_t len);

/* --- vsock_rx.c ------------------------------------------------------------ */

/* Sends the guest what is ready. 0: there is no more, or no buffer. 1: there
 * is, but it was enough for once. <0: the guest broke a rule. */
WUR int vsock_rx_pump(struct vsock *s);
/* A RST for a packet that belongs to no connection. */
void vsock_rx_rst(struct vsock *s, const struct vsock_rst *r);
extern struct metric vsock_to_guest;
/* How many more bytes the guest takes. */
uint32_t vsock_rx_credit(const struct vsock_conn *c);

/* --- vsock_hello.c --------------------------------------------------------- */

void vsock_hello_init(struct vsock *s);
/* A driver is there: clients are served. */
void vsock_hello_start(struct vsock *s);
void vsock_hello_stop(struct vsock *s);
/* The socket of a client in HELLO has bytes. */
void vsock_hello_read(struct vsock_conn *c);
/* The guest accepted: the client is told. */
void vsock_hello_answer(struct vsock_conn *c);
/* The guest asked for a port of the host: OPEN, WAITING, or RST. */
void vsock_hello_connect(struct vsock_conn *c);
/* The next port from `first` to `last` that the guest's port has no connection
 * to; *turn is where the last one was. */
uint32_t vsock_hello_port(struct vsock *s, uint32_t guest_port, uint32_t first,
			  uint32_t last, uint32_t *turn);

/* --- vsock_service.c ------------------------------------------------------- */

/* Of the host, or of the guest, a port of the service. */
bool vsock_service_has(const struct vsock *s, uint32_t port);
/* The guest asked for one. */
void vsock_service_open(struct vsock_conn *c);
/* The connection is over. */
void vsock_service_closed(struct vsock_conn *c);
/* SERVED: bytes came, or their end. */
void vsock_service_input(struct vsock_conn *c);
/* SERVED: the socket is writable; what was staged has gone. */
void vsock_service_writable(struct vsock_conn *c);
void vsock_service_drained(struct vsock_conn *c);

#endif
