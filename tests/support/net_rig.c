/* net_rig.c: see net_rig.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/net_rig.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/metrics.h"
#include "virtio/mmio.h"

#define RINGS   0x1000u /* a page for each */
#define FRAMES  0x40000u
#define SETTLED 8u /* batches without which nothing is left */

struct net_rig card;
_Alignas(4096) uint8_t card_ram[CARD_RAM];
const uint8_t card_mac[NET_MAC_LEN] = { 0x02, 1, 2, 3, 4, 5 };

static void fire(void *ctx)
{
	(void)ctx;
	card.fired++;
}

/* --- the tap --------------------------------------------------------------- */

static int set_offloads(int fd, unsigned offloads)
{
	CHECK(fd == card.cfg.fd[0]);
	card.offloads = offloads;
	card.n_offloads++;
	return 0;
}

static int set_attached(int fd, bool attached)
{
	for (unsigned i = 0; i < card.cfg.pairs; i++)
		if (card.cfg.fd[i] == fd && card.attach_error == 0)
			card.attached[i] = attached;
	return -card.attach_error;
}

static const struct net_tap_ops tap_ops = { set_offloads, set_attached };

static void pair_of_sockets(int *ours, int *theirs)
{
	int s[2];
	int r = socketpair(AF_UNIX,
			   SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s);

	CHECK(r == 0);
	*ours = s[0];
	*theirs = s[1];
}

/* --- life ------------------------------------------------------------------ */

void card_create(enum loop_engine engine)
{
	struct err err = { 0 };
	int r = loop_new(16, engine, &card.loop, &err);

	CHECK(r == 0);
	gmem_init_borrowed(&card.mem, 0, card_ram, sizeof(card_ram));
	card.cfg.loop = card.loop;
	card.cfg.mem = &card.mem;
	card.cfg.irq = (struct irq_line){ fire, NULL };
	card.cfg.tap = &tap_ops;
	if (!card.cfg.pairs)
		card.cfg.pairs = 1;
	if (!card.cfg.offloads)
		card.cfg.offloads = CARD_ALL;
	if (!card.cfg.mtu)
		card.cfg.mtu = 1500;
	card.cfg.link_up = true;
	card.cfg.link_fd = card.news = -1;
	card.cfg.if_index = 7;
	memcpy(card.cfg.mac, card_mac, NET_MAC_LEN);
	if (card.watched)
		pair_of_sockets(&card.cfg.link_fd, &card.news);
	for (unsigned i = 0; i < card.cfg.pairs; i++) {
		pair_of_sockets(&card.cfg.fd[i], &card.host[i]);
		card.attached[i] = true;
	}
	card.offloads = card.n_offloads = 0;
	r = net_new(&card.cfg, &card.v, &err);
	CHECK(r == 0);
}

void card_drive(uint64_t features)
{
	unsigned n = 2;
	bool ok;

	features &= card.v->offered;
	if (features & NET_F_CTRL_VQ)
		n = features & NET_F_MQ ? 2 * card.cfg.pairs + 1 : 3;
	loop_lock(card.loop);
	ok = vdriver_negotiate(card.v, features);
	for (unsigned i = 0; i < n; i++) {
		vdriver_init(&card.drv[i], card_ram, RINGS + i * 0x1000,
			     CARD_RING);
		vdriver_set_queue(card.v, i, &card.drv[i]);
	}
	vdriver_go(card.v);
	loop_unlock(card.loop);
	CHECK(ok && vdev_live(card.v));
}

void card_up(enum loop_engine engine, uint64_t features)
{
	card_create(engine);
	card_drive(features);
}

static void close_both(int a, int b)
{
	(void)close(a);
	if (b >= 0)
		(void)close(b);
}

void card_down(void)
{
	int r;

	loop_lock(card.loop);
	vdev_shutdown(card.v);
	loop_unlock(card.loop);
	r = loop_run(card.loop, NULL, true);
	CHECK(r == 0 && card.v->in_flight == 0);
	for (unsigned i = 0; i < card.v->ops->queues; i++)
		CHECK(card.v->queue[i].in_flight == 0);
	vdev_free(card.v);
	loop_free(card.loop);
	for (unsigned i = 0; i < card.cfg.pairs; i++)
		close_both(card.cfg.fd[i], card.host[i]);
	if (card.cfg.link_fd >= 0)
		close_both(card.cfg.link_fd, card.news);
}

void card_kick(unsigned queue)
{
	loop_lock(card.loop);
	vdriver_set_reg(card.v, MMIO_REG_QUEUE_NOTIFY, queue);
	while (vdev_again(card.v))
		;
	loop_unlock(card.loop);
}

void card_reset(void)
{
	loop_lock(card.loop);
	vdriver_set_reg(card.v, MMIO_REG_STATUS, 0);
	loop_unlock(card.loop);
}

/* --- time ------------------------------------------------------------------ */

static _Atomic bool settled;
static unsigned batches;
static struct loop_op tick;

static void on_tick(struct loop_op *op, int res)
{
	CHECK(res == 0);
	if (++batches == SETTLED) {
		settled = true;
		return;
	}
	res = loop_timer(card.loop, op, 0);
	CHECK(res == 0);
}

void card_settle(void)
{
	int r;

	settled = false;
	batches = 0;
	tick.done = on_tick;
	loop_lock(card.loop);
	r = loop_timer(card.loop, &tick, 0);
	loop_unlock(card.loop);
	CHECK(r == 0);
	r = loop_run(card.loop, &settled, false);
	CHECK(r == 0);
}

/* --- frames ---------------------------------------------------------------- */

void card_frame(uint8_t *frame, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(seed + i * 7 + i / 256);
	if (len >= NET_ETH_LEN)
		memcpy(frame + NET_MAC_LEN, card_mac, NET_MAC_LEN);
}

void card_send(unsigned pair, const struct net_hdr *h, const uint8_t *frame,
	       uint32_t len)
{
	const struct vdriver_buf b[] = {
		{ FRAMES, NET_HDR_LEN, false },
		{ FRAMES + NET_HDR_LEN, len, false },
	};

	memcpy(card_ram + FRAMES, h, sizeof(*h));
	memcpy(card_ram + FRAMES + NET_HDR_LEN, frame, len);
	(void)vdriver_add(&card.drv[2 * pair + 1], b, 2);
	card_kick(2 * pair + 1);
	card_settle();
}

int card_sent(unsigned pair, void *buf, size_t len)
{
	return (int)recv(card.host[pair], buf, len, 0);
}

void card_arrives(unsigned pair, const struct net_hdr *h, const uint8_t *frame,
		  size_t len)
{
	const struct iovec iov[] = {
		{ (void *)(uintptr_t)h, sizeof(*h) },
		{ (void *)(uintptr_t)frame, len },
	};
	ssize_t n = writev(card.host[pair], iov, 2);

	CHECK(n == (ssize_t)(sizeof(*h) + len));
}

void card_offer(unsigned pair, gpa_t gpa, uint32_t len)
{
	const struct vdriver_buf b = { gpa, len, true };

	(void)vdriver_add(&card.drv[(size_t)2 * pair], &b, 1);
}

void card_news(int type, int family, int index, unsigned flags)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		uint8_t more[32];
	} m = {
		.h = { .nlmsg_len = sizeof(m), .nlmsg_type = (uint16_t)type },
		.i = { .ifi_family = (uint8_t)family,
		       .ifi_index = index,
		       .ifi_flags = flags },
	};
	ssize_t n = send(card.news, &m, sizeof(m), 0);

	CHECK(n == (ssize_t)sizeof(m));
	card_settle();
}

uint64_t card_count(const char *name)
{
	for (struct metric *const *m = net_metrics; *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return metric_get(*m);
	CHECK(!"such a counter");
	return 0;
}

bool card_link(void)
{
	uint16_t status = 0;

	loop_lock(card.loop);
	mmio_read(card.v, MMIO_REG_CONFIG + 6, &status, 2);
	loop_unlock(card.loop);
	return status & NET_S_LINK_UP;
}
