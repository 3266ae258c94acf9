/* host_tap.c: frames through a tap: as a monitor moves them, a read or write
 * each, and the station on the host's side, which is a packet socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/frame.h"
#include "bench/host.h"

#define NS_PER_MS 1000000u
#define BATCH     32u

static struct tally tally;

static uint32_t frame_len(const char *word)
{
	uint32_t len = host_number(word);

	if (len < FRAME_MIN || len > FRAME_MAX)
		host_usage();
	return len;
}

/* --- a monitor's side ------------------------------------------------------ */

static int open_tap(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (strlen(name) >= sizeof(r.ifr_name))
		host_usage();
	strcpy(r.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		host_die(name);
	return fd;
}

static void put(int fd, const uint8_t *frame, uint32_t len)
{
	if (write(fd, frame, len) != (ssize_t)len)
		host_die("write to the tap");
}

/* The next of our frames; others are none of our business. */
static void get(int fd, uint8_t *frame)
{
	ssize_t n;

	do {
		n = read(fd, frame, FRAME_MAX);
		if (n < 0)
			host_die("read from the tap");
	} while (!frame_is_ours(frame, (uint32_t)n));
}

/* NAME ping|send|receive LEN MS */
void host_tap(int n, char **arg)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 9, 9 };
	static uint8_t out[FRAME_MAX], in[FRAME_MAX];
	const uint32_t len = n == 4 ? frame_len(arg[2]) : 0;
	const bool ping = n == 4 && strcmp(arg[1], "ping") == 0;
	const bool receive = n == 4 && strcmp(arg[1], "receive") == 0;
	uint64_t now, then, end, ms;
	int fd;

	if (n != 4)
		host_usage();
	ms = host_number(arg[3]);
	fd = open_tap(arg[0]);
	frame_init(out, len, mac);
	host_begin();
	now = host_now_ns();
	if (receive) {
		out[FRAME_MARK] = FRAME_START;
		put(fd, out, FRAME_MIN);
		out[FRAME_MARK] = 0;
	}
	for (end = now + ms * NS_PER_MS; now < end; now = then) {
		if (!receive)
			put(fd, out, len);
		if (receive || ping)
			get(fd, in);
		then = host_now_ns();
		if (ping)
			tally_add(&tally, then - now, len);
		else
			tally_move(&tally, len);
		if (receive && tally.n % FRAME_CREDIT == 0)
			put(fd, out, FRAME_MIN);
	}
	host_end(&tally);
}

/* --- the host's side -------------------------------------------------------- */

static int open_station(const char *name)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(FRAME_TYPE),
				 .sll_ifindex = (int)if_nametoindex(name) };
	int one = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	/* only what the other side sent, and straight to the tap's queue */
	if (fd < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one,
		       sizeof(one)) ||
	    a.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		host_die(name);
	return fd;
}

/* A tap that nobody has open is down: that passes. */
static bool passes(void)
{
	return errno == ENETDOWN || errno == ENOBUFS || errno == ENXIO ||
	       errno == EIO || errno == EAGAIN;
}

static void echo(int fd)
{
	uint8_t frame[FRAME_MAX];

	for (;;) {
		ssize_t n = recv(fd, frame, sizeof(frame), 0);

		if (n > 0 && send(fd, frame, (size_t)n, 0) < 0 && !passes())
			host_die("send");
		if (n < 0 && !passes())
			host_die("recv");
	}
}

/* With what credits have come; waits for one if there is no room. */
static unsigned take_credits(int fd, unsigned room)
{
	uint8_t frame[FRAME_MAX];

	for (;;) {
		ssize_t n = recv(fd, frame, sizeof(frame),
				 room > 0 ? MSG_DONTWAIT : 0);

		if (n >= (ssize_t)FRAME_MIN)
			room = frame[FRAME_MARK] == FRAME_START
				       ? FRAME_WINDOW
				       : room + FRAME_CREDIT;
		else if (n < 0 && !passes())
			host_die("recv");
		if (n < 0 && room > 0)
			return room;
	}
}

static void source(int fd, uint8_t *frame, uint32_t len)
{
	struct iovec iov = { frame, len };
	struct mmsghdr batch[BATCH] = { 0 };
	unsigned room = 0;
	int sent;

	for (unsigned i = 0; i < BATCH; i++)
		batch[i].msg_hdr =
			(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	for (;;) {
		room = take_credits(fd, room);
		sent = sendmmsg(fd, batch, room < BATCH ? room : BATCH, 0);
		if (sent > 0)
			room -= (unsigned)sent;
		else if (!passes())
			host_die("sendmmsg");
	}
}

/* NAME echo|source LEN */
void host_station(int n, char **arg)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 9, 1 };
	static uint8_t frame[FRAME_MAX];
	const uint32_t len = n == 3 ? frame_len(arg[2]) : 0;
	int fd;

	if (n != 3)
		host_usage();
	fd = open_station(arg[0]);
	frame_init(frame, len, mac);
	host_ready();
	if (strcmp(arg[1], "echo") == 0)
		echo(fd);
	source(fd, frame, len);
}
