/* vsock.h: sockets to the host (virtio 1.2, 5.10). Nothing here waits unless
 * it says so: a program asks for what is new with vsock_next and goes on with
 * that connection until it hears -EAGAIN. A connection is a number below
 * VSOCK_CONNS_MAX. Buffers are the kernel's or page_alloc's memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_VSOCK_H
#define DRIVERS_VSOCK_H

#include "kernel/types.h"

#define VSOCK_CONNS_MAX 1024
#define VSOCK_PORTS_MAX 4     /* listened on */
#define VSOCK_BUF_LEN   65536 /* bytes that wait to be received, of each */
#define VSOCK_SEND_MAX  65536 /* of one packet */

enum vsock_type { VSOCK_STREAM = 1, VSOCK_SEQPACKET = 2 };

/* virtio 1.2, 5.10.6.6: what is not done any more */
enum { VSOCK_RECEIVE = 1, VSOCK_SEND = 2, VSOCK_BOTH = 3 };

struct vsock_status {
	enum vsock_type type;
	uint32_t port, peer_port;
	bool incoming; /* it came to a port listened on */
	bool open;     /* both sides agreed */
	bool reset;    /* it is over; vsock_close frees it */
	uint8_t peer_shut;
};

/* The socket device, started when first asked for; the guest's address.
 * False: there is none. */
WUR bool vsock_open(uint32_t *ret_cid);

/* From now on connections to the port, of either type, are accepted and
 * reported by vsock_next. -EMFILE. */
WUR int vsock_listen(uint32_t port);
/* Asks for a port of the host. The connection, or -EMFILE, -ENOMEM. */
WUR int vsock_connect(enum vsock_type type, uint32_t port);

/* A connection with something new: it is open, or over; bytes came, or room
 * for what vsock_send refused. Waits for one; -EAGAIN: clock_now says that it
 * is `until_ns` (0: never). */
WUR int vsock_next(uint64_t until_ns);
void vsock_get(int conn, struct vsock_status *ret);

/*
 * Bytes sent: as many as there is credit for, of a record all. -EAGAIN: there
 * is none, or the connection is not open yet; -EPIPE: either side stopped;
 * -ECONNRESET; -EMSGSIZE: a record that the host would never take.
 */
WUR int64_t vsock_send(int conn, const void *buf, uint64_t len);
/*
 * Bytes received, of a record what fits (the rest is lost). 0: the host sends
 * no more; -EAGAIN, -ECONNRESET: as above.
 */
WUR int64_t vsock_recv(int conn, void *buf, uint64_t len);

/* Stops sending, receiving or both; what was sent still arrives. */
void vsock_shutdown(int conn, unsigned what);
/* The number is free for others afterwards. */
void vsock_close(int conn);
/* The same, at once; the host loses what it has not read. */
void vsock_reset(int conn);

/* Waits until the connection is open: 0, -ECONNREFUSED. */
WUR int vsock_wait_open(int conn);
/* Waits; all of it, or as vsock_send and vsock_recv. */
WUR int64_t vsock_send_all(int conn, const void *buf, uint64_t len);
WUR int64_t vsock_recv_wait(int conn, void *buf, uint64_t len);

#endif
