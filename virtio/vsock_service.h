/* vsock_service.h: ports of the host whose other end is the monitor itself,
 * for what carries more than bytes: the network of monitor/net.
 *
 * A connection of the guest to a port of the service is served: what the guest
 * sends waits in the connection's buffer, which is its credit, until the
 * service takes it; what the service has for the guest waits, up to
 * VSOCK_BUF_LEN bytes at a time, until the guest has taken it. A service that
 * has a TCP socket for such a connection leaves the two to each other
 * (vsock_link_raw). It may also call a port of the guest with a TCP socket in
 * hand (vsock_link_call).
 *
 * A reset by the guest is one of a raw connection's socket (SO_LINGER of 0 s),
 * and the other way round; so is an end while bytes wait. All else is as in
 * vsock.h.
 *
 * Callbacks come with the machine lock held, on whatever thread has it. What
 * the service asks for inside them happens at their end or later. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_VSOCK_SERVICE_H
#define VIRTIO_VSOCK_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct vdev;
struct vsock_conn; /* a link: valid from open, or vsock_link_call, to closed */

struct vsock_service {
	/* These ports of the host are the service's; clients of the host reach
	 * no port of the guest with such a number. */
	uint32_t port_first, port_last;
	/* Of those, the ones that vsock_link_call calls from. */
	uint32_t call_first, call_last;

	/* A driver is there; on every activation. */
	void (*start)(void *ctx, struct vdev *v);
	/* The machine ends: all links are closed; nothing may stay in the
	 * loop. */
	void (*stop)(void *ctx);
	/* The guest asks for a port. 0, or negative errno: RST. */
	int (*open)(void *ctx, struct vsock_conn *c, uint32_t port,
		    bool seqpacket);
	/* Bytes or a record came, or the guest sends no more. */
	void (*input)(void *ctx, struct vsock_conn *c);
	/* What was put is gone: there is room again. */
	void (*drained)(void *ctx, struct vsock_conn *c);
	/* The socket of vsock_link_await is writable, or broken. */
	void (*writable)(void *ctx, struct vsock_conn *c);
	/* The link is over, raw ones, too. Once. */
	void (*closed)(void *ctx, struct vsock_conn *c);
};

/* --- all links -------------------------------------------------------------- */

/* Below the device's number of connections; no other link has it. */
unsigned vsock_link_index(const struct vsock_conn *c);
/* Bytes put that the guest has not taken. */
uint32_t vsock_link_unsent(const struct vsock_conn *c);
/* RST for the guest; `closed` comes first. */
void vsock_link_reset(struct vsock_conn *c);

/* --- served ----------------------------------------------------------------- */

/* What waits: bytes; of SEQPACKET the next record's. */
uint32_t vsock_link_waiting(const struct vsock_conn *c);
/* Takes `len` bytes that wait, of SEQPACKET the whole record; NULL: drops. */
void vsock_link_take(struct vsock_conn *c, void *buf, uint32_t len);
/* The guest sends no more. */
bool vsock_link_ended(const struct vsock_conn *c);

/* Where up to VSOCK_BUF_LEN bytes, or one record, for the guest can be put;
 * NULL while others wait there. Then say how many there are. A record that the
 * guest's buffer cannot hold is lost (false). */
uint8_t *vsock_link_room(struct vsock_conn *c);
bool vsock_link_put(struct vsock_conn *c, uint32_t len);
/* vsock_link_reset, once the guest has taken what was put. */
void vsock_link_finish(struct vsock_conn *c);

/* The link takes the socket and waits until it is writable. */
void vsock_link_await(struct vsock_conn *c, int fd);
int vsock_link_fd(const struct vsock_conn *c);
/* From now on the socket, that of vsock_link_await or one that the link takes,
 * is the guest's, behind what was put. */
void vsock_link_raw(struct vsock_conn *c, int fd);

/* --- calling the guest ------------------------------------------------------ */

/* Another link can be made now. */
bool vsock_link_can_call(struct vdev *v);
/*
 * Takes a connected TCP socket, and connects it to the guest's port; the guest
 * gets the `len` bytes first, and may take its time to answer: it is busy, and
 * the client has a clock of its own. NULL: there is no room; the socket is
 * still the caller's. Raw from the beginning.
 */
WUR struct vsock_conn *vsock_link_call(struct vdev *v, uint32_t guest_port,
				       int fd, const void *head, uint32_t len);

#endif
