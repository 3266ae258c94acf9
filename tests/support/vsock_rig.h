/* vsock_rig.h: a socket device on a real loop and real Unix sockets, with its
 * guest on plain memory. One at a time; what cannot fail on a sane host is
 * CHECKed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_VSOCK_RIG_H
#define SUPPORT_VSOCK_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/vsock.h"

#define SOCK_RAM  (8u << 20)
#define SOCK_DATA 0x400000u /* from here on memory is the test's */
#define SOCK_CID  42u
#define SOCK_RING 256u
/* The usual receive buffers, and how many of them. */
#define SOCK_RX_LEN 4096u
#define SOCK_RX_N   64u

struct vsock_rig {
	struct loop *loop;
	struct vdev *v;
	struct gmem mem;
	struct vsock_config cfg; /* set what differs before sock_create */
	void (*prepare)(void);   /* there is a loop, and no device yet */
	char dir[32];
	struct vdriver drv[VSOCK_QUEUES];
	unsigned rx_len;  /* of each receive buffer */
	unsigned fired;   /* interrupts */
	unsigned busy;    /* so many connect_port calls answer -EAGAIN */
	unsigned tx_slot; /* the next packet's place */
	bool lazy;        /* nobody kicks for what the guest sends */
	uint32_t alloc;   /* buf_alloc of what the guest sends */
};

/* A packet that the guest received. */
struct sock_packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len, flags, buf_alloc, fwd_cnt, used;
	uint16_t type, op;
	uint8_t data[128u << 10];
};

extern struct vsock_rig sock;
extern uint8_t sock_ram[SOCK_RAM];
extern struct sock_packet sock_got;

/* A device with listeners in a directory of its own. */
void sock_create(enum loop_engine engine);
/* Its driver, with n receive buffers of `len` bytes. */
void sock_drive(uint64_t features, unsigned n, unsigned len);
/* Both, as usual. */
void sock_up(enum loop_engine engine);
void sock_down(void);
void sock_reset(void);

/* Sends a packet of the guest and kicks. */
void sock_send(uint16_t type, uint16_t op, uint32_t guest_port,
	       uint32_t host_port, uint32_t flags, const void *data,
	       uint32_t len);
/* The same, all of the header by hand; `present` bytes of data are there. */
void sock_send_raw(const struct vsock_hdr *h, const void *data,
		   uint32_t present);
struct vsock_hdr sock_header(uint16_t type, uint16_t op, uint32_t guest_port,
			     uint32_t host_port, uint32_t len);
/* The next packet for the guest, in sock_got; its buffer is offered again.
 * Runs the loop until there is one; false: none came in a while. */
bool sock_recv(void);
/* A packet of this kind comes next. */
bool sock_recv_op(uint16_t op);
/* Receive buffers, while the ring has room. */
void sock_add_buffers(unsigned n);
/* Takes what comes without offering its buffer again. */
bool sock_recv_keep(void);
void sock_kick(unsigned queue);
/* Runs the loop for so long. */
void sock_run(unsigned ms);

/* The host's side. Sockets are non-blocking; reads run the loop meanwhile. */
int sock_listen(uint32_t port, int type);
int sock_accept(int listen_fd);
int sock_client(int type);
void sock_write(int fd, const void *data, size_t len);
/* Up to len bytes, -1 after a while. */
ssize_t sock_read(int fd, void *data, size_t len);
/* Exactly so many bytes; false: it ended, or took too long. */
bool sock_read_all(int fd, void *data, size_t len);
/* The socket was closed by the other side. */
bool sock_closed(int fd);

/* A connection of the guest to `host_port`, accepted. The host's socket. */
int sock_guest_connect(uint16_t type, uint32_t guest_port, uint32_t host_port);
/* A client's to `guest_port`, accepted. *ret_port is the host's port. */
int sock_host_connect(uint16_t type, uint32_t guest_port, uint32_t *ret_port);

uint64_t sock_counter(const char *name);
unsigned sock_fds(void); /* open descriptors of this process */

#endif
