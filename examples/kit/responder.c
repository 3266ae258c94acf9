/* responder.c: a machine that is nothing but a station on the network: it
 * answers ARP, pings, and sends every UDP datagram back to where it came
 * from. No operating system: it is linked with the guest kit's drivers in the
 * place of kernel/main.c, and boots in a millisecond.
 *
 *   ip tuntap add tap0 mode tap; ip addr add 10.0.0.1/24 dev tap0
 *   ip link set tap0 up
 *   mayfly run --net tap=tap0 --kernel-args ip=10.0.0.2 \
 *           build/guest/examples/responder & ping 10.0.0.2
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "drivers/net.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"

/* Offsets in a frame: Ethernet, then ARP or IPv4 without options. */
enum {
	ETH_DST = 0,
	ETH_SRC = 6,
	ETH_TYPE = 12,
	ARP_OP = 20,
	ARP_SENDER = 22, /* address, then IPv4 address */
	ARP_TARGET = 32,
	ARP_END = 42,
	IP = 14,
	IP_FRAGMENT = 20,
	IP_PROTOCOL = 23,
	IP_SRC = 26,
	IP_DST = 30,
	ICMP_TYPE = 34,
	ICMP_SUM = 36,
	UDP_SRC = 34,
	UDP_DST = 36,
	UDP_END = 42,
};

static struct net_info card;
static uint8_t address[4] = { 10, 0, 0, 2 };

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void swap(uint8_t *a, uint8_t *b, unsigned n)
{
	for (; n > 0; n--, a++, b++) {
		const uint8_t t = *a;

		*a = *b;
		*b = t;
	}
}

/* Makes the question its own answer. */
static bool answer_arp(uint8_t *f, uint32_t len)
{
	if (len < ARP_END || get16(f + ARP_OP) != 1 ||
	    memcmp(f + ARP_TARGET + 6, address, 4) != 0)
		return false;
	put16(f + ARP_OP, 2);
	memcpy(f + ARP_TARGET, f + ARP_SENDER, 10);
	memcpy(f + ARP_SENDER, card.mac, 6);
	memcpy(f + ARP_SENDER + 6, address, 4);
	return true;
}

/* Sums stay right when what they cover only changes places. */
static bool answer_ip(uint8_t *f, uint32_t len)
{
	if (len < UDP_END || f[IP] != 0x45 ||
	    (get16(f + IP_FRAGMENT) & 0x3fff) != 0 ||
	    memcmp(f + IP_DST, address, 4) != 0)
		return false;
	if (f[IP_PROTOCOL] == 17) {
		swap(f + UDP_SRC, f + UDP_DST, 2);
	} else if (f[IP_PROTOCOL] == 1 && f[ICMP_TYPE] == 8) {
		unsigned sum = get16(f + ICMP_SUM) + 0x0800;

		f[ICMP_TYPE] = 0; /* echo reply */
		put16(f + ICMP_SUM, (sum & 0xffff) + (sum >> 16));
	} else {
		return false;
	}
	swap(f + IP_SRC, f + IP_DST, 4);
	return true;
}

static bool answer(uint8_t *f, uint32_t len)
{
	const unsigned type = len < IP ? 0 : get16(f + ETH_TYPE);

	if (!(type == 0x0806 && answer_arp(f, len)) &&
	    !(type == 0x0800 && answer_ip(f, len)))
		return false;
	memcpy(f + ETH_DST, f + ETH_SRC, 6);
	memcpy(f + ETH_SRC, card.mac, 6);
	return true;
}

static void say(const char *line, size_t len)
{
	console_write(CONSOLE_OUT, line, len);
	console_push(CONSOLE_OUT);
}

/* Whatever is there is answered, then sent at once. */
static NORETURN void serve(void)
{
	bool up = net_link_is_up(0);

	for (;;) {
		struct net_frame f;

		if (net_link_is_up(0) != up) {
			up = !up;
			say(up ? "link up\n" : "link down\n", up ? 8 : 10);
		}
		while (net_receive(0, &f)) {
			if (answer(f.bytes, f.len)) {
				while (net_send(0, f.bytes, f.len))
					net_push(0);
			}
			net_release(0, &f);
		}
		net_push(0);
		net_wait(0, 0);
	}
}

/* ip=A.B.C.D on the command line */
static void read_address(void)
{
	const char *s =
		machine.start->cmdline ? phys_ptr(machine.start->cmdline) : "";

	while (*s && !str_after(s, "ip="))
		s++;
	for (unsigned i = 0; *s && i < 4; i++) {
		s += i == 0 ? 3 : 1;
		address[i] = 0;
		for (; *s >= '0' && *s <= '9'; s++)
			address[i] = (uint8_t)(address[i] * 10 + *s - '0');
	}
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	char line[80];
	size_t len;

	machine_init(start_info, tsc_entry);
	page_init();
	read_address();
	if (!net_open(0, &card))
		machine_panic("no network card");
	len = format(line, sizeof(line),
		     "%u.%u.%u.%u at %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, "
		     "link %s\n",
		     address[0], address[1], address[2], address[3],
		     card.mac[0], card.mac[1], card.mac[2], card.mac[3],
		     card.mac[4], card.mac[5], card.mtu,
		     net_link_is_up(0) ? "up" : "down");
	say(line, len);
	serve();
}
