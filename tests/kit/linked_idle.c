/* linked_idle.c: a program linked with the kit's own code in the place of
 * kernel/main.c, which uses every device that its machine has, says what it
 * used, and halts for ever. With "hot" on the command line it ends with many
 * requests in quick succession. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/netproxy.h"
#include "drivers/balloon.h"
#include "drivers/blk.h"
#include "drivers/console.h"
#include "drivers/net.h"
#include "drivers/rng.h"
#include "drivers/vsock.h"
#include "kernel/clock.h"
#include "kernel/exit.h"
#include "kernel/irq.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"

#define HOT_REQUESTS 2000u
#define ECHO_PORT    7000u
#define PATIENCE_NS  (5 * NS_PER_SEC)

static PRINTF(2, 3) void say(enum console_stream to, const char *fmt, ...)
{
	char line[80];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = format_v(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write(to, line, n);
	console_push(to);
}

static void expect(bool good, const char *what, int64_t n)
{
	if (good)
		return;
	say(CONSOLE_OUT, "wrong: %s %ld\n", what, (long)n);
	machine_exit(1);
}

static bool is_told(const char *word)
{
	const char *s =
		machine.start->cmdline ? phys_ptr(machine.start->cmdline) : "";

	while (*s && !str_after(s, word))
		s++;
	return *s;
}

static unsigned use_disks(gpa_t page)
{
	struct blk_info disk;
	unsigned n = 0;

	for (; n < BLK_MAX && blk_open(n, &disk); n++) {
		int64_t r = blk_do(n, BLK_READ, 0, page, PAGE_LEN);

		expect(r == 0, "read of disk", n);
		if (disk.read_only)
			continue;
		r = blk_do(n, BLK_WRITE, 0, page, PAGE_LEN);
		expect(r == 0, "write to disk", n);
		r = blk_do(n, BLK_FLUSH, 0, 0, 0);
		expect(r == 0, "flush of disk", n);
	}
	return n;
}

/* Asks 10.9.N.1 for its address, and waits for the answer. */
static void use_card(unsigned nth, const struct net_info *card)
{
	static const uint8_t arp[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,
				       0,    0,    0,    0,    8,    6,    0, 1,
				       8,    0,    6,    4,    0,    1 };
	const uint64_t until = clock_now() + PATIENCE_NS;
	uint8_t frame[60] = { 0 };
	struct net_frame f;
	bool answered = false;

	memcpy(frame, arp, sizeof(arp));
	memcpy(frame + 6, card->mac, NET_MAC_LEN);
	memcpy(frame + 22, card->mac, NET_MAC_LEN);
	memcpy(frame + 28, (uint8_t[]){ 10, 9, (uint8_t)nth, 2 }, 4);
	memcpy(frame + 38, (uint8_t[]){ 10, 9, (uint8_t)nth, 1 }, 4);
	expect(net_send(nth, frame, sizeof(frame)) == 0, "send by card", nth);
	net_push(nth);
	while (!answered && clock_now() < until) {
		while (net_receive(nth, &f)) {
			answered |= f.len >= 42 && f.bytes[12] == 8 &&
				    f.bytes[13] == 6 && f.bytes[21] == 2;
			net_release(nth, &f);
		}
		net_push(nth);
		if (!answered)
			net_wait(nth, until);
	}
	expect(answered, "no answer for card", nth);
}

static unsigned use_cards(void)
{
	struct net_info card;
	unsigned n = 0;

	for (; n < NET_MAX && net_open(n, &card); n++)
		use_card(n, &card);
	return n;
}

/* As large as the host wants it. */
static unsigned use_balloon(void)
{
	uint32_t features;

	if (!balloon_open(&features))
		return 0;
	while (balloon_serve())
		;
	expect(balloon_actual() == balloon_target() && balloon_actual() > 0,
	       "balloon of pages", (int64_t)balloon_actual());
	return 1;
}

/* A word to a port of the host and back; the connection stays. 0 also when
 * nobody listens there. */
static unsigned use_sockets(void)
{
	static char word[4] = "word", back[4];
	uint32_t cid;
	int64_t n;
	int conn;

	if (!vsock_open(&cid))
		return 0;
	conn = vsock_connect(VSOCK_STREAM, ECHO_PORT);
	expect(conn >= 0, "connection", conn);
	if (vsock_wait_open(conn)) {
		vsock_close(conn);
		return 0;
	}
	n = vsock_send_all(conn, word, sizeof(word));
	expect(n == sizeof(word), "send", n);
	n = vsock_recv_wait(conn, back, sizeof(back));
	expect(n == sizeof(back) && memcmp(word, back, sizeof(back)) == 0,
	       "echo", n);
	return 1;
}

/* A listening socket and one for datagrams; both stay. */
static unsigned use_network(void)
{
	static struct netproxy_request req = {
		.magic = NETPROXY_MAGIC,
		.addr = { .family = NETPROXY_INET, .port = 80 },
	};
	static struct netproxy_reply reply;
	static const uint32_t ports[] = { NETPROXY_PORT_LISTEN,
					  NETPROXY_PORT_UDP };

	for (unsigned i = 0; i < ARRAY_LEN(ports); i++) {
		const bool listens = ports[i] == NETPROXY_PORT_LISTEN;
		const int conn = vsock_connect(
			listens ? VSOCK_STREAM : VSOCK_SEQPACKET, ports[i]);
		int64_t n;

		expect(conn >= 0, "connection", conn);
		if (vsock_wait_open(conn)) {
			vsock_close(conn);
			return 0;
		}
		req.backlog = listens;
		n = vsock_send_all(conn, &req, sizeof(req));
		expect(n == sizeof(req), "request", n);
		n = vsock_recv_wait(conn, &reply, sizeof(reply));
		expect(n == sizeof(reply) && reply.error == 0, "reply",
		       reply.error);
	}
	return 1;
}

static unsigned use_rng(void)
{
	uint8_t bytes[16];

	return rng_read(bytes, sizeof(bytes));
}

static void get_hot(gpa_t page)
{
	for (unsigned i = 0; i < HOT_REQUESTS; i++)
		expect(blk_do(0, BLK_READ, 0, page, PAGE_LEN) == 0, "request",
		       i);
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	gpa_t page;

	machine_init(start_info, tsc_entry);
	page_init();
	page = phys_of(page_alloc_zeroed());
	say(CONSOLE_OUT, "disks %u\n", use_disks(page));
	say(CONSOLE_OUT, "cards %u\n", use_cards());
	say(CONSOLE_OUT, "balloons %u\n", use_balloon());
	say(CONSOLE_OUT, "sockets %u\n", use_sockets());
	say(CONSOLE_OUT, "networks %u\n", use_network());
	say(CONSOLE_OUT, "random sources %u\n", use_rng());
	say(CONSOLE_ERR, "errors\n");
	console_flush(false);
	if (is_told("hot"))
		get_hot(page);
	say(CONSOLE_OUT, "idle\n");
	console_flush(false);
	for (;;) {
		(void)irq_take(~0u);
		irq_halt(0);
	}
}
