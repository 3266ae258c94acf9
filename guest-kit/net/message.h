/* message.h: one send or receive: bytes, an address, and what goes with them:
 * open files and credentials. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_MESSAGE_H
#define NET_MESSAGE_H

#include "kernel/io.h"
#include "kernel/types.h"

#define MSG_OOB          0x01u
#define MSG_PEEK         0x02u
#define MSG_DONTROUTE    0x04u
#define MSG_CTRUNC       0x08u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_WAITFORONE   0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

struct file;
struct pkt;
struct pktq;
struct socket;

/* struct sockaddr_storage of the Linux ABI. */
struct sockaddr {
	uint16_t family;
	uint8_t rest[126];
} __attribute__((aligned(8)));

struct ucred {
	int32_t pid;
	uint32_t uid, gid;
};

/* Open files on their way; holds references. */
struct rights {
	unsigned n, room;
	struct file *file[];
};

#define RIGHTS_MAX 253

/* What goes with a packet. */
struct note {
	struct sockaddr from;
	uint32_t from_len;
	struct rights *rights;
	bool has_creds;
	struct ucred creds;
};

/* Zeroed but for io: a plain read or write. Of a send: addr is where to, if
 * addr_len; rights belong to the message until a packet takes them. Of a
 * receive: addr is where from, and the rest what came with it. */
struct message {
	struct io io;
	uint32_t flags, ret_flags; /* MSG_* */
	struct sockaddr addr;
	uint32_t addr_len;
	struct rights *rights;
	bool has_creds;
	struct ucred creds;
};

/* Bytes, or a negative errno. */
WUR int64_t message_send(struct socket *s, struct message *m);
WUR int64_t message_receive(struct socket *s, struct message *m);

/* A packet of all of m's bytes, at most PKT_LEN_MAX, with its note: what else
 * m has, and where it is from (from_len may be 0). -ENOBUFS, -EFAULT. */
WUR int message_pack(struct message *m, const struct sockaddr *from,
		     uint32_t from_len, struct pkt **ret);
/* Gives p a note, unless there is nothing to be noted. */
WUR int message_note(struct message *m, const struct sockaddr *from,
		     uint32_t from_len, struct pkt *p);
/* The other way; with MSG_PEEK files are held once more. -ENOMEM is that of
 * the peeked files: they are left out. */
void message_take_note(struct message *m, struct pkt *p);
/* Record p, which is the first of q: bytes, and the rest is lost (MSG_TRUNC).
 * Off the queue unless MSG_PEEK. */
WUR int64_t message_unpack(struct message *m, struct pktq *q);

/* Frees a packet, or all of a queue, with notes. */
void message_drop(struct pkt *p);
void message_drop_all(struct pktq *q);

/* NULL: no memory, or too many files are on their way: -ETOOMANYREFS. */
WUR struct rights *rights_new(unsigned room);
void rights_free(struct rights *r);

#endif
