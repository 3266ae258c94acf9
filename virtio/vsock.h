/* vsock.h: virtio socket device (virtio 1.2, 5.10): stream and seqpacket
 * sockets between the guest and Unix sockets of the host.
 *
 * Host to guest. A client connects to a listening socket and says
 * "CONNECT <port>\n" (any case, in pieces if it likes, at most
 * VSOCK_HELLO_MAX bytes). The guest is asked; when it accepts, the client is
 * told "OK <port>\n", its own port, and from then on the socket is the
 * connection. Whatever goes wrong, or takes longer than VSOCK_PATIENCE_NS:
 * the socket is closed without a word. On the listener of SOCK_SEQPACKET the
 * first record is the CONNECT and the first answer the OK.
 *
 * Guest to host. The guest's connection to port N of CID 2 is whatever
 * connect_port(N) opens, or RST. A range of ports may be the service's.
 *
 * Bytes. What the guest sends goes from its memory straight into the socket;
 * what the socket does not take waits in a buffer of VSOCK_BUF_LEN bytes a
 * connection, which is the credit the guest has. What the host sends is read
 * straight into the guest's receive buffers, as far as the guest's credit
 * goes. A reader that stalls, on either side, stalls its own connection only.
 *
 * Ends. SHUTDOWN is shutdown(2), the end of a socket is SHUTDOWN. A guest that
 * closed is answered RST at once; its last bytes are still delivered. A host
 * that neither reads nor writes any more is SHUTDOWN for both, and the guest
 * answers RST.
 *
 * Records (SEQPACKET) keep their boundaries. One of more than VSOCK_BUF_LEN
 * bytes, either way, or larger than the guest's whole buffer, resets its
 * connection. An empty one is dropped: its reader would take it for the end.
 * EOR is dropped: Unix sockets do not carry MSG_EOR.
 *
 * A guest that breaks the protocol loses the connection in question (RST), one
 * that lies about its address is not answered, and each is counted; a broken
 * chain is a fault (vdev_fault). A fault or a reset of the device closes all
 * connections; until a driver is there again, clients wait in the backlog.
 *
 * Memory: a table made with the device, of which pages are touched as
 * connections are used; buffers go back to the host when a connection ends.
 *
 * Kicks. While raw connections of the service (virtio/vsock_service.h) are busy
 * the device asks for no kicks of the transmit queue, and looks at it by
 * itself, a few times a millisecond.
 *
 * The event queue is there and never used: TRANSPORT_RESET has no cause. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_VSOCK_H
#define VIRTIO_VSOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/vdev.h"
#include "virtio/vsock_format.h"

struct err;
struct loop;
struct metric;
struct vsock_service;

#define VSOCK_CONNS_MAX   4096u
#define VSOCK_BUF_LEN     (64u << 10) /* buf_alloc; a power of two */
#define VSOCK_HELLO_MAX   32u         /* "CONNECT <port>\n" */
#define VSOCK_PATIENCE_NS 2000000000ull
/* Ports of clients, given out in turn. */
#define VSOCK_PORT_FIRST 0x40000000u
#define VSOCK_PORT_LAST  0x7fffffffu

/* Copied; what it refers to is borrowed and outlives the device. */
struct vsock_config {
	struct loop *loop;
	const struct gmem *mem;
	struct irq_line irq;
	uint64_t cid;                       /* VSOCK_CID_MIN..VSOCK_CID_MAX */
	unsigned conns;                     /* 1..VSOCK_CONNS_MAX */
	int listen_fd, listen_seqpacket_fd; /* non-blocking; -1: none */
	/* A non-blocking socket (returned owned) or a negative errno; never
	 * waits. -EAGAIN: ask again in a while. The machine lock is held. */
	int (*connect_port)(void *ctx, uint32_t port, bool seqpacket);
	void *ctx;
	/* Ports that are served in here, see virtio/vsock_service.h; or NULL. */
	const struct vsock_service *service;
	void *service_ctx;
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const vsock_metrics[];

/* Returns owned in *ret_v, for vdev_free. -ENOMEM. */
WUR int vsock_new(const struct vsock_config *cfg, struct vdev **ret_v,
		  struct err *err);

/* Connections that hold a socket or a port now. */
unsigned vsock_connections(struct vdev *v);

#endif
