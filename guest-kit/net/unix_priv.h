/* unix_priv.h: what the parts of AF_UNIX share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NET_UNIX_PRIV_H
#define NET_UNIX_PRIV_H

#include "net/message.h"
#include "net/socket.h"

#define UNIX_PATH_MAX 108

/* len 0: none. Abstract ones begin with a NUL; paths have none. */
struct unix_name {
	uint8_t len;
	uint8_t bytes[UNIX_PATH_MAX];
};

struct unix_socket {
	struct socket s;
	struct unix_name name, peer_name;
	struct unix_socket *next; /* of those with abstract names */
	struct inode *node;       /* bound to a path */
	/* Datagrams: who is connected here; the peer is gone */
	struct unix_socket *senders, *next_sender;
	bool peer_gone, sender_sleeps;
};

static inline struct unix_socket *unix_of(struct socket *s)
{
	return (struct unix_socket *)s;
}

/* unix.c: an address, and who is bound to it, with a reference: -EINVAL,
 * -ENOENT..., -ECONNREFUSED; -EPROTOTYPE where the type is another. */
WUR int unix_find(const struct sockaddr *a, uint32_t len, unsigned type,
		  struct unix_socket **ret);
/* A name as an address; its length. */
uint32_t unix_address(const struct unix_name *name, struct sockaddr *ret);

WUR int unix_bind(struct socket *s, const struct sockaddr *a, uint32_t len);
/* The family's name op. */
int unix_get_name(struct socket *s, bool peer, struct sockaddr *ret,
		  uint32_t *ret_len);
/* Leaves the tables. */
void unix_unbind(struct unix_socket *u);

/* unix_path.c: the file system's names. make: and u is bound to it; find: NULL
 * for one that was closed; leave: if it is bound to one. */
WUR int unix_path_make(const char *path, struct unix_socket *u);
WUR int unix_path_find(const char *path, struct unix_socket **ret);
void unix_path_leave(struct unix_socket *u);

extern const struct socket_ops unix_dgram_ops;
void unix_dgram_join(struct unix_socket *a, struct unix_socket *b);

#endif
