/* fuzz_net.c: the network device under rings written by a fuzzer, over a real
 * loop, with sockets in the place of its tap.
 *
 * Input: modes, n, n steps of 2 bytes, and the bytes of guest memory from
 * RINGS on; or, by mode, rings that keep the rules and bytes from FRAMES on.
 * The oracle: bytes around RAM stay as they are; what leaves is a whole frame
 * with a header that promises nothing the driver did not negotiate, and with
 * the guard on has the device's own address; no chain stays in flight, within
 * a call or after a reset; where rings keep the rules, used lengths are what
 * num_buffers and the offered lengths say. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "tests/support/walls.h"
#include "virtio/mmio.h"
#include "virtio/net.h"

#define RAM      0x4000u
#define RINGS    0x100u
#define FRAMES   0x1000u
#define ROOM     0x2000u /* receive buffers of the first pair ... */
#define ROOM_LEN 0x300u  /* ... each of the 8 heads' own */
#define PAIRS    2u
#define QUEUES   (2 * PAIRS + 1)
#define MTU      1500u
#define OFFERED                                                    \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | NET_F_MAC | \
	 NET_F_STATUS | NET_F_MTU)
#define OFFLOADS                                                               \
	(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | \
	 NET_F_GUEST_ECN | NET_F_HOST_TSO4 | NET_F_HOST_TSO6 |                 \
	 NET_F_HOST_ECN | NET_F_GUEST_USO4 | NET_F_GUEST_USO6 |                \
	 NET_F_HOST_USO)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static struct loop *loop;
static int tap[PAIRS], other[PAIRS];
static uint64_t features;
static struct net_config cfg;
static bool tame;           /* rings keep the rules */
static uint32_t offered[8]; /* by head: bytes of its buffer; 0: not there */

static int set_offloads(int fd, unsigned offloads)
{
	CHECK(fd == tap[0] && !(offloads & ~0x6fu));
	return 0;
}

static int set_attached(int fd, bool attached)
{
	(void)attached;
	CHECK(fd == tap[0] || fd == tap[1]);
	return 0;
}

static const struct net_tap_ops ops = { set_offloads, set_attached };

static void sockets(unsigned i)
{
	int s[2], small = 8192;
	int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s);

	CHECK(r == 0);
	(void)setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	tap[i] = s[0];
	other[i] = s[1];
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err = { 0 };
	int r;

	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	r = loop_new(8, LOOP_POLL, &loop, &err);
	CHECK(r == 0);
	for (unsigned i = 0; i < PAIRS; i++)
		sockets(i);
	return 0;
}

static void fire(void *ctx)
{
	(void)ctx;
}

/* --- oracles --------------------------------------------------------------- */

static bool has(uint64_t f)
{
	return (features & f) == f;
}

static void check_header(const struct net_hdr *h, size_t len)
{
	const unsigned gso = h->gso_type;
	const unsigned sum_at =
		le16_get(h->csum_start) + le16_get(h->csum_offset) + 2u;

	CHECK((h->flags & ~NET_HDR_NEEDS_CSUM) == 0);
	CHECK(h->flags == 0 || (has(NET_F_CSUM) && sum_at <= len));
	CHECK(gso == NET_GSO_NONE || (h->flags && le16_get(h->gso_size) > 0 &&
				      le16_get(h->hdr_len) <= len));
	CHECK(gso == NET_GSO_NONE ||
	      ((gso & 0x7f) == NET_GSO_TCP4 && has(NET_F_HOST_TSO4)) ||
	      ((gso & 0x7f) == NET_GSO_TCP6 && has(NET_F_HOST_TSO6)) ||
	      (gso == NET_GSO_UDP_L4 && has(NET_F_HOST_USO)));
	CHECK(!(gso & NET_GSO_ECN) || has(NET_F_HOST_ECN));
}

static void drain(void)
{
	static uint8_t buf[NET_HDR_LEN + NET_FRAME_MAX + 1];

	for (unsigned i = 0; i < PAIRS; i++) {
		ssize_t n;

		while ((n = recv(other[i], buf, sizeof(buf), 0)) > 0) {
			struct net_hdr h;

			CHECK(n >= (ssize_t)(NET_HDR_LEN + NET_ETH_LEN) &&
			      n <= (ssize_t)(NET_HDR_LEN + NET_FRAME_MAX));
			memcpy(&h, buf, sizeof(h));
			check_header(&h, (size_t)n - NET_HDR_LEN);
			CHECK(!cfg.guard ||
			      memcmp(buf + NET_HDR_LEN + NET_MAC_LEN, cfg.mac,
				     NET_MAC_LEN) == 0);
		}
	}
}

static void check_queues(const struct vdev *v)
{
	for (unsigned i = 0; i < QUEUES; i++)
		CHECK(v->queue[i].in_flight == 0);
	/* only a timer of a rate is ever in flight */
	CHECK(v->in_flight <= (cfg.limit.ops ? 2 : 0));
	CHECK(!v->reset_pending || v->in_flight > 0);
}

/* Each frame fills its buffers in order; all but the last to the end. */
static void check_room(struct vdriver *d)
{
	uint32_t head, used, left = 0;

	while (tame && vdriver_used(d, &head, &used)) {
		CHECK(head < 8 && offered[head] && used <= offered[head]);
		if (left == 0) {
			struct net_hdr h;

			memcpy(&h, ram + ROOM + head * ROOM_LEN, sizeof(h));
			CHECK(used >= NET_HDR_LEN);
			left = le16_get(h.num_buffers);
			CHECK(left == 1 || (left > 1 && has(NET_F_MRG_RXBUF)));
		}
		left--;
		CHECK(used > 0 && (left == 0 || used == offered[head]));
		offered[head] = 0;
	}
	CHECK(left == 0);
}

/* --- steps ----------------------------------------------------------------- */

static _Atomic bool stop;
static struct loop_op tick;
static unsigned ticks;

static void on_tick(struct loop_op *op, int res)
{
	(void)res;
	if (++ticks == 4)
		stop = true;
	else
		res = loop_timer(loop, op, 0);
}

/* The lock is held. */
static void run(struct vdev *v, struct vdriver *drv)
{
	int r;

	stop = false;
	ticks = 0;
	tick.done = on_tick;
	r = loop_timer(loop, &tick, 0);
	CHECK(r == 0);
	loop_unlock(loop);
	r = loop_run(loop, &stop, false);
	CHECK(r == 0);
	loop_lock(loop);
	check_queues(v);
	check_room(&drv[0]);
	drain();
}

/* A chain that keeps the rules, if there is an entry for it. */
static void offer(struct vdriver *d, unsigned queue, const uint8_t *p)
{
	const unsigned head = d->next_desc;
	struct vdriver_buf b = { FRAMES + p[1] * 4u, p[0] * 6u, false };

	if (queue == 0 && offered[head])
		return;
	if (queue == 0) {
		b.gpa = ROOM + head * ROOM_LEN;
		b.len = NET_HDR_LEN + (p[0] / 10 * 30u) % (ROOM_LEN - 11);
		b.write = true;
		offered[head] = b.len;
	} else if (queue % 2 == 0) {
		return;
	}
	(void)vdriver_add(d, &b, 1);
}

static void up(struct vdev *v, struct vdriver *drv)
{
	(void)vdriver_negotiate(v, features & v->offered);
	for (unsigned i = 0; i < QUEUES; i++)
		vdriver_set_queue(v, i, &drv[i]);
	vdriver_go(v);
}

/* Tame drivers begin with empty rings, others with what is there. */
static void lay_rings(struct vdriver *drv)
{
	gpa_t at = RINGS;

	for (unsigned i = 0; tame && i < QUEUES; i++) {
		vdriver_init(&drv[i], ram, at, i < 2 ? 8 : 4);
		at = (drv[i].end + 15) & ~15ull;
	}
	memset(offered, 0, sizeof(offered));
}

/* A frame for the guest, with any header. */
static void arrive(const uint8_t *p)
{
	static uint8_t buf[NET_HDR_LEN + 4096];
	const size_t len = p[0] & 0x80 ? p[1] * 16u : p[1];

	memset(buf, p[1], sizeof(buf));
	memset(buf, 0, NET_HDR_LEN);
	if (p[0] & 0x40) {
		buf[0] = p[1] & 3;
		buf[1] = p[1] >> 2 & 0x87;
	}
	(void)!send(other[p[0] >> 4 & 1], buf, NET_HDR_LEN + len, 0);
}

static void step(struct vdev *v, struct vdriver *drv, const uint8_t *p)
{
	const unsigned queue = p[1] % QUEUES;
	struct vdriver *d = &drv[queue];

	switch (p[0] % 10) {
	case 0:
	case 1:
	case 2:
		if (tame)
			offer(d, queue, p);
		else
			vdriver_publish(d,
					(uint16_t)(d->avail_idx + p[1] / 16));
		vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, queue);
		break;
	case 3:
	case 4:
		arrive(p);
		break;
	case 5:
		run(v, drv);
		break;
	case 6:
		vdriver_set_reg(v, MMIO_REG_STATUS, 0);
		break;
	case 7:
		lay_rings(drv);
		up(v, drv);
		break;
	case 8:
		vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, queue);
		vdriver_set_reg(v, MMIO_REG_QUEUE_READY, p[1] / 8 & 1);
		break;
	default:
		(void)vdriver_reg(v, MMIO_REG_CONFIG + (p[1] & 0x3c));
		(void)vdev_again(v);
		break;
	}
	check_queues(v);
}

static struct vdev *make(uint8_t mode, const struct gmem *mem)
{
	struct err err = { 0 };
	struct vdev *v = NULL;
	int r;

	cfg = (struct net_config){
		.loop = loop,
		.mem = mem,
		.irq = { fire, NULL },
		.tap = &ops,
		.fd = { tap[0], tap[1] },
		.pairs = PAIRS,
		.offloads = 0x6f,
		.link_fd = -1,
		.link_up = true,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.guard = mode & 1,
		.mtu = MTU,
		.limit = { .ops = mode & 128 ? 100000 : 0, .ops_burst = 1 },
	};
	r = net_new(&cfg, &v, &err);
	CHECK(r == 0);
	features = OFFERED | (mode & 2 ? NET_F_MRG_RXBUF : 0) |
		   (mode & 4 ? OFFLOADS : 0) | (mode & 8 ? NET_F_CTRL_VQ : 0) |
		   (mode & 16 ? NET_F_MQ : 0) |
		   (mode & 32 ? VIRTIO_F_EVENT_IDX : 0);
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vdriver drv[QUEUES];
	struct gmem mem;
	struct vdev *v;
	size_t steps, n, max;
	gpa_t at = RINGS;
	int r;

	if (len < 2)
		return 0;
	steps = data[1] % 32;
	if (len < 2 + 2 * steps)
		return 0;
	walls_build(host, RAM);

	gmem_init_borrowed(&mem, 0, ram, RAM);
	v = make(data[0], &mem);
	for (unsigned i = 0; i < QUEUES; i++) {
		vdriver_init(&drv[i], ram, at, i < 2 ? 8 : 4);
		at = (drv[i].end + 15) & ~15ull;
	}
	tame = data[0] & 64;
	memset(offered, 0, sizeof(offered));
	n = len - 2 - 2 * steps;
	at = tame ? FRAMES : RINGS;
	max = tame ? ROOM - FRAMES : RAM - RINGS;
	memcpy(ram + at, data + 2 + 2 * steps, n < max ? n : max);
	loop_lock(loop);
	up(v, drv);
	for (size_t i = 0; i < steps; i++)
		step(v, drv, data + 2 + 2 * i);
	run(v, drv);
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	r = loop_run(loop, NULL, true);
	CHECK(r == 0 && v->status == 0 && v->in_flight == 0);
	check_queues(v);
	drain();
	for (unsigned i = 0; i < PAIRS; i++) {
		uint8_t rest[8];

		while (recv(tap[i], rest, sizeof(rest), 0) > 0)
			;
	}
	walls_check(host, RAM);
	vdev_free(v);
	return 0;
}
