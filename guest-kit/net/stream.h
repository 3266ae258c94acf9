/* stream.h: sending and receiving on connected sockets whose bytes arrive in
 * order: TCP, AF_UNIX and AF_VSOCK streams, and records that are sent whole
 * (SOCK_SEQPACKET). What carries them is the push of their operations. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/message.h"
#include "net/socket.h"

WUR int64_t stream_send(struct socket *s, struct message *m, uint64_t until_ns);
WUR int64_t stream_receive(struct socket *s, struct message *m,
			   uint64_t until_ns);
unsigned stream_poll(struct socket *s);

/* The carrier between two sockets of the guest (socket.peer). */
WUR int64_t stream_local_push(struct socket *s, struct message *m);
bool stream_local_has_room(struct socket *s);
void stream_local_taken(struct socket *s, uint64_t len);
/* Makes them each other's peer. */
void stream_local_join(struct socket *a, struct socket *b);

/* What s sends now ends where it is; the peer hears of it. */
void stream_local_shutdown(struct socket *s, unsigned peer_shut);

#endif
