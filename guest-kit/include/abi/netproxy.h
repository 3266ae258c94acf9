/* netproxy.h: TCP and UDP without a network stack: a guest's internet sockets
 * carried over virtio-vsock to the monitor, which opens real ones on the host.
 *
 * The guest connects to a reserved port of CID 2. RST instead of RESPONSE:
 * this monitor has no network for the guest (ENETUNREACH), or no room at the
 * moment; a guest tells them apart by whether any such connection was ever
 * accepted. Port 0xf0000000 up to NETPROXY_PORT_LAST mean nothing else, and no
 * client of the host reaches a guest's port of that range.
 *
 * Integers are little-endian, addresses in network order. What is unnamed is
 * zero when sent, and a request in which it is not is refused (EINVAL). A
 * monitor that does not understand a request answers EINVAL, or RST when it
 * has another magic. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_NETPROXY_H
#define ABI_NETPROXY_H

#include <stdint.h>

/* --- TCP, from the guest -----------------------------------------------------
 *
 * STREAM to NETPROXY_PORT_TCP; the guest sends one netproxy_request, `addr` the
 * destination. The monitor answers one netproxy_reply, as late as the host's
 * connect(2) has its result:
 *   error 0   it is connected; `local` and `peer` are the addresses of the
 *             host's socket (for getsockname, getpeername). Everything that
 *             follows, both ways, is the connection's own bytes.
 *   error     a Linux errno for connect(2); the monitor resets the connection
 *             behind the reply.
 * EACCES: forbidden by --egress (for a loopback address: ECONNREFUSED). Others
 * are the host's: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH... The
 * guest may send the connection's first bytes, and the end of them, without
 * waiting for the reply; they are dropped when the answer is an error.
 * RST or SHUTDOWN_BOTH before the reply give the connection up.
 *
 * Ends. SHUTDOWN_SEND is a FIN, either way. SHUTDOWN_RECEIVE from the monitor:
 * the peer takes no more (EPIPE); a RST, or ECONNRESET, follows the bytes that
 * came before it. RST is a reset (ECONNRESET), either way, at any time: a guest
 * that closes with bytes it has not read, or with SO_LINGER of 0 s, sends RST;
 * one that just closes sends SHUTDOWN_BOTH, and its bytes still arrive.
 * IPv4-mapped IPv6 destinations are the IPv4 ones; `local` and `peer` are then
 * mapped, too: their family is always the request's.
 *
 * Loopback. 127.0.0.0/8 and ::1 are the guest's own as long as somebody inside
 * listens there; for what nobody listens on, the monitor is asked like for any
 * other address: --egress 127.0.0.1:5432 means the host's.
 *
 * --- TCP, to the guest -------------------------------------------------------
 *
 * At listen(2) the guest opens STREAM to NETPROXY_PORT_LISTEN and sends one
 * netproxy_request: `addr` what the socket is bound to, `backlog` at least 1.
 * (Not for a loopback address: that is the guest's alone.) The reply:
 *   error 0        published; `local` is the address on the host (the first,
 *                  where there are several).
 *   ENOENT         no --publish names this port: the guest listens alone.
 *   EADDRINUSE     another such connection has the port: as ENOENT.
 * As long as this control connection is open and the guest has not said
 * SHUTDOWN_SEND, the host listens. Host clients before and after are refused
 * by the host (ECONNREFUSED).
 *
 * For each client the monitor opens STREAM to the guest's vsock port
 * NETPROXY_PORT_INCOMING and, once the guest has accepted (RESPONSE), sends one
 * netproxy_incoming; what follows is the client's bytes. RST from the guest,
 * also instead of RESPONSE, is a TCP reset for the client.
 *
 * Back-pressure. At most `backlog` clients are handed over that the guest's
 * program has not taken. Each time clients leave the guest's queue, accepted or
 * ended, the guest gives as many back: 4 bytes, a number, on the control
 * connection (any time, as often as it likes; a good moment is when half of
 * the backlog was taken). A client counts once its netproxy_incoming has come:
 * those that end before cost nothing, and none are given back for them. The
 * rest wait in the host's own backlog.
 *
 * `peer` and `local` are of the family that the guest listens with: an IPv4
 * client of an IPv6 socket is IPv4-mapped, an IPv6 client of an IPv4 socket
 * comes from NETPROXY_GATEWAY. `local` is the host's address with the guest's
 * port: what getsockname(2) of the accepted socket says.
 *
 * --- Kicks -------------------------------------------------------------------
 *
 * While TCP connections are busy the device may ask for no kicks of the transmit
 * queue (virtio 1.2, 2.7.10) and look at it each 200 us instead. A guest that
 * has nothing else to do than to wait for the answer to what is in the queue
 * need not wait for that: it may kick all the same.
 *
 * --- UDP ---------------------------------------------------------------------
 *
 * SEQPACKET to NETPROXY_PORT_UDP, one for each socket. First record from the
 * guest: one netproxy_request, `addr` what the program has bound it to (port 0:
 * nothing; the family counts); loopback addresses as in TCP. First record back:
 * one netproxy_reply:
 *   error 0        `local` is the host's: of the published port if flags has
 *                  NETPROXY_PUBLISHED, else of a socket that only hears from
 *                  those the guest may send to.
 *   EADDRINUSE     another socket has this published port.
 * Every later record, either way, is one netproxy_datagram and the payload (0
 * to NETPROXY_UDP_MAX bytes) behind it: `addr` is the destination, or from the
 * monitor the source. A record with `error` has no payload and says what came
 * of a datagram for `addr`: EACCES (--egress), ECONNREFUSED, EMSGSIZE...; it is
 * what a connected socket reports as SO_ERROR, others ignore it. Filtering by
 * the address a socket is connected to is the guest's task. A broken record
 * resets the connection. Closing it closes the host's socket.
 *
 * --- Names -------------------------------------------------------------------
 *
 * NETPROXY_RESOLVER, port 53, is a name server for UDP (and TCP under
 * `--egress all`): the monitor forwards to the host's resolver. Under --egress
 * HOST:PORT it answers for these names only, REFUSED for others, and addresses
 * it has answered become allowed for that name's ports, as long as their TTL
 * says and NETPROXY_NAME_MIN_S at least. The kit names it in /etc/resolv.conf
 * when the root has none. */

/* Ports of CID 2. */
#define NETPROXY_PORT_TCP    0xf0000001u
#define NETPROXY_PORT_LISTEN 0xf0000002u
#define NETPROXY_PORT_UDP    0xf0000003u
/* A port of the guest; its peer's ports are of the reserved range, too. */
#define NETPROXY_PORT_INCOMING 0xf0000010u
#define NETPROXY_PORT_FIRST    0xf0000000u
#define NETPROXY_PORT_LAST     0xf0ffffffu

#define NETPROXY_MAGIC 0x3150584eu /* "NXP1" */

#define NETPROXY_INET  2u /* Linux's AF_INET and AF_INET6 */
#define NETPROXY_INET6 10u

/* 192.0.2.0/24 is nobody's (RFC 5737): the name server, and who an IPv6
 * client is for an IPv4 socket. In the order of struct netproxy_addr.addr. */
#define NETPROXY_RESOLVER     \
	{                     \
		192, 0, 2, 53 \
	}
#define NETPROXY_RESOLVER_TEXT "192.0.2.53"
#define NETPROXY_RESOLVER_PORT 53u
#define NETPROXY_GATEWAY     \
	{                    \
		192, 0, 2, 1 \
	}

#define NETPROXY_UDP_MAX     65507u /* payload */
#define NETPROXY_BACKLOG_MAX 4096u  /* more is taken as this much */
#define NETPROXY_NAME_MIN_S  60u

/* Of netproxy_reply.flags. */
#define NETPROXY_PUBLISHED 1u

struct netproxy_addr {
	uint16_t family; /* NETPROXY_INET or NETPROXY_INET6 */
	uint16_t port;
	uint8_t addr[16]; /* of IPv4 the first four; the rest is zero */
};

struct netproxy_request {
	uint32_t magic;
	uint32_t flags;   /* 0 */
	uint32_t backlog; /* NETPROXY_PORT_LISTEN; else 0 */
	struct netproxy_addr addr;
};

struct netproxy_reply {
	uint32_t magic;
	uint16_t error;                   /* Linux errno */
	uint16_t flags;                   /* NETPROXY_PUBLISHED */
	struct netproxy_addr local, peer; /* zero where they mean nothing */
};

struct netproxy_incoming {
	uint32_t magic;
	uint32_t guest_port; /* that it was published for */
	struct netproxy_addr local, peer;
};

struct netproxy_datagram {
	uint16_t error; /* Linux errno; from the guest 0 */
	uint16_t pad;
	struct netproxy_addr addr;
};

_Static_assert(sizeof(struct netproxy_addr) == 20, "ABI");
_Static_assert(sizeof(struct netproxy_request) == 32, "ABI");
_Static_assert(sizeof(struct netproxy_reply) == 48, "ABI");
_Static_assert(sizeof(struct netproxy_incoming) == 48, "ABI");
_Static_assert(sizeof(struct netproxy_datagram) == 24, "ABI");

#endif
