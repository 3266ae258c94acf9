/* mayfly.h: the guest kit as a library: for programs that are their machine's
 * kernel, without the Linux layer.
 *
 *   mayfly-cc -o guest.elf guest.c
 *   mayfly run guest.elf ARG...
 *
 * The program has an ordinary `int main(int argc, char **argv)`, whose result
 * is the machine's exit status. There is no C library but memcpy, memmove,
 * memset, memcmp, strlen and what is declared here. One thread; nothing
 * interrupts it.
 *
 * Functions that can fail return one of the negative numbers below. Buffers may
 * lie anywhere in the program: its variables, its stack (256 KiB), memory from
 * mayfly_alloc. Times are nanoseconds. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_MAYFLY_H
#define API_MAYFLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Linux's numbers. */
enum mayfly_error {
	MAYFLY_EIO = -5,
	MAYFLY_EAGAIN = -11, /* not now */
	MAYFLY_ENOMEM = -12,
	MAYFLY_ENODEV = -19, /* no such device */
	MAYFLY_EINVAL = -22,
	MAYFLY_EMFILE = -24, /* as many as there can be */
	MAYFLY_EROFS = -30,  /* a disk that is read-only */
	MAYFLY_EPIPE = -32,
	MAYFLY_EMSGSIZE = -90,
	MAYFLY_ECONNRESET = -104,
	MAYFLY_ECONNREFUSED = -111,
};

/* --- the machine ----------------------------------------------------------- */

/* Ends the machine when everything written is out. main may return instead. */
_Noreturn void mayfly_exit(int status);

/* `len` bytes of zeros, aligned to 16; NULL: there are none. mayfly_free takes
 * NULL, too. */
void *mayfly_alloc(size_t len);
void mayfly_free(void *p);
/* Bytes that nobody uses. */
uint64_t mayfly_memory_free(void);

/* Random bytes; false: the machine has no source, and they are guessable. */
bool mayfly_random(void *buf, size_t len);

/* --- time ------------------------------------------------------------------ */

/* Since the machine started; never goes back. */
uint64_t mayfly_clock_monotonic(void);
/* Since 1970. */
uint64_t mayfly_clock_wall(void);

/* --- waiting --------------------------------------------------------------- */

#define MAYFLY_FOREVER UINT64_MAX

/* Events to wait for. */
#define MAYFLY_INPUT  1u          /* mayfly_read does not say EAGAIN */
#define MAYFLY_NET(n) (2u << (n)) /* the nth card has a frame */

/* Sleeps until one of the events is there, or mayfly_clock_monotonic is
 * `until`. Returns those that are, 0: the time has come. Cards are open.
 * Sockets have mayfly_vsock_next instead. */
unsigned mayfly_wait(unsigned events, uint64_t until);

/* --- console --------------------------------------------------------------- */

/* Takes all of it. Standard output and error are those of mayfly. */
void mayfly_write(const void *buf, size_t len);
void mayfly_write_error(const void *buf, size_t len);

/* To standard output: %s %c %d %u %x %lx %lu %ld %p %%, with a width. At most
 * 1023 bytes of one call. */
void mayfly_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What is there, at most len bytes. 0: the input has ended; EAGAIN. */
int64_t mayfly_read(void *buf, size_t len);

/* --- disks ----------------------------------------------------------------- */

#define MAYFLY_SECTOR 512u

struct mayfly_disk {
	uint64_t sectors;
	bool read_only;
	bool flush; /* writes last only after mayfly_disk_flush; else at once */
};

/* The number of the disk that was given as `--disk FILE,id=NAME`; without a
 * name it is vda, vdb and so on. ENODEV. */
int mayfly_disk_find(const char *name);
/* The nth disk, in the order of the command line. 0, or ENODEV. */
int mayfly_disk_info(unsigned disk, struct mayfly_disk *ret);

/* Whole sectors: `len` is a multiple of MAYFLY_SECTOR. 0; EINVAL also beyond
 * the end; EIO, ENODEV, EROFS. Waits. */
int mayfly_disk_read(unsigned disk, uint64_t sector, void *buf, size_t len);
int mayfly_disk_write(unsigned disk, uint64_t sector, const void *buf,
		      size_t len);
int mayfly_disk_flush(unsigned disk);

/* --- network --------------------------------------------------------------- */

#define MAYFLY_MAC_LEN    6
#define MAYFLY_FRAME_ROOM 18u /* of a frame beside what the MTU counts */

struct mayfly_net {
	uint8_t mac[MAYFLY_MAC_LEN];
	uint16_t mtu;
};

/* Opens the nth card, in the order of the command line. 0, or ENODEV. */
int mayfly_net_open(unsigned card, struct mayfly_net *ret);

/* Of open cards. One Ethernet frame, its length returned: what is longer than
 * `len` is cut. EAGAIN: there is none. */
int64_t mayfly_net_receive(unsigned card, void *buf, size_t len);
/* 0, EINVAL: longer than MTU and MAYFLY_FRAME_ROOM. Waits while the card has no
 * room. */
int mayfly_net_send(unsigned card, const void *frame, size_t len);

/* --- sockets to the host (mayfly run --vsock) ----------------------------- */

enum mayfly_vsock_type { MAYFLY_STREAM = 1, MAYFLY_SEQPACKET = 2 };
enum { MAYFLY_SHUT_READ = 1, MAYFLY_SHUT_WRITE = 2 };

struct mayfly_vsock {
	enum mayfly_vsock_type type;
	uint32_t port, peer_port;
	bool incoming; /* it came to a port listened on */
	bool open;     /* both sides agreed */
	bool over;     /* mayfly_vsock_close frees it */
};

/* The guest's address in *ret_cid. 0, or ENODEV. Before all others. */
int mayfly_vsock_open(uint32_t *ret_cid);
/* 0, or EMFILE. */
int mayfly_vsock_listen(uint32_t port);
/* Asks for a port of the host; the connection's number, EMFILE, ENOMEM. */
int mayfly_vsock_connect(enum mayfly_vsock_type type, uint32_t port);
/* Waits until it is open: 0, or ECONNREFUSED. */
int mayfly_vsock_wait_open(int conn);
/* A connection with something new: it is open, or over; bytes came, or room for
 * what was refused. Go on with it until it says EAGAIN. Waits; EAGAIN: it is
 * `until`. */
int mayfly_vsock_next(uint64_t until);
void mayfly_vsock_get(int conn, struct mayfly_vsock *ret);
/* Bytes sent: of a stream as many as there is room for, of a record all.
 * EAGAIN, EPIPE, ECONNRESET, EMSGSIZE. */
int64_t mayfly_vsock_send(int conn, const void *buf, size_t len);
/* Waits until all of it is sent. */
int64_t mayfly_vsock_send_all(int conn, const void *buf, size_t len);
/* Bytes received, of a record what fits. 0: no more will come; EAGAIN,
 * ECONNRESET. */
int64_t mayfly_vsock_receive(int conn, void *buf, size_t len);
/* MAYFLY_SHUT_*, or-ed; what was sent still arrives. */
void mayfly_vsock_shutdown(int conn, unsigned what);
/* The number is free for others afterwards. */
void mayfly_vsock_close(int conn);

#endif
