/* vconn.h: connections to the host over virtio-vsock (virtio 1.2, 5.10): the
 * driver. Nothing here waits; owners hear of news by callbacks, from an
 * interrupt's handler (irq_run), or from vconn_poll. A callback may use this
 * header, but for vconn_poll. drivers/vsock.h is for programs that wait. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_VCONN_H
#define DRIVERS_VCONN_H

#include "drivers/vsock.h"
#include "kernel/io.h"
#include "kernel/pkt.h"
#include "kernel/types.h"

enum vconn_state { VCONN_ASKED, VCONN_OPEN, VCONN_CLOSING };

struct vconn;

struct vconn_ops {
	/* It is open, or the other side stops (peer_shut), or it was reset:
	 * over, to be closed. */
	void (*changed)(struct vconn *c);
	/* Bytes, or a whole record, which is the owner's now; once it is
	 * taken: vconn_taken. */
	void (*received)(struct vconn *c, struct pkt *p);
	/* There is room for what vconn_send refused. */
	void (*room)(struct vconn *c);
};

struct vconn {
	const struct vconn_ops *ops; /* NULL: nobody's any more */
	void *owner;
	enum vsock_type type;
	enum vconn_state state;
	uint32_t port, peer_port, peer_cid;
	uint8_t my_shut, peer_shut; /* VSOCK_* */
	bool reset, incoming;

	/* the driver's own */
	bool blocked, blocked_by_ring, in_owed;
	uint8_t owed; /* packets there was no room for */
	uint32_t tx_cnt, peer_alloc, peer_fwd;
	uint32_t rx_cnt, fwd_cnt, told_cnt;
	struct pktq part; /* of a record that is not complete */
	struct vconn *next, *next_owed, *next_blocked;
};

/* A port of the guest. */
struct vport {
	uint32_t port;
	/* Somebody asks for it: sets ops and owner of c, which is open then;
	 * false: refused. */
	bool (*request)(struct vport *p, struct vconn *c);
	struct vport *next;
};

/* The device, started when first asked for; the guest's address. False: there
 * is none. */
WUR bool vconn_start(uint32_t *ret_cid);
uint32_t vconn_cid(void); /* once it has started */

/* A port is asked for at most once: -EADDRINUSE. Port -1u: one that is free
 * is chosen. */
WUR int vconn_listen(struct vport *p);
void vconn_unlisten(struct vport *p);
bool vconn_port_used(uint32_t port);

/* Asks for a port of the host, from `port`, or from one of the driver's
 * choice (0). NULL: no memory, or too many. */
WUR struct vconn *vconn_connect(enum vsock_type type, uint32_t port,
				uint32_t peer_port, const struct vconn_ops *ops,
				void *owner);

/*
 * Bytes sent, as many as there is room for, of a record all. -EAGAIN: there
 * is no room, and `room` will say when; -EPIPE: either side stopped;
 * -ECONNRESET; -EMSGSIZE: a record that the host would never take; -ENOBUFS,
 * -EFAULT.
 */
WUR int64_t vconn_send(struct vconn *c, struct io *io);
/* Would it take a byte? */
bool vconn_has_room(const struct vconn *c);
/* The owner has done with len bytes received. */
void vconn_taken(struct vconn *c, uint32_t len);

/* Stops sending, receiving or both; what was sent still arrives. */
void vconn_shutdown(struct vconn *c, unsigned what);
/* No callback comes any more, and c is not the owner's. What was sent still
 * arrives; with reset, the host loses what it has not read. */
void vconn_close(struct vconn *c, bool reset);

/* Looks for news. */
void vconn_poll(void);
/* The same, and waits for some until clock_now is until_ns (0: for ever): for
 * programs with one thread. */
void vconn_wait(uint64_t until_ns);

#endif
