/* net.c: virtio network (virtio 1.2, 5.1): queue 0 receives, queue 1 sends;
 * buffer n of either is descriptor n, header first, then the frame. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/net.h"

#include "drivers/mmio.h"
#include "drivers/virtio.h"
#include "kernel/irq.h"
#include "kernel/page.h"
#include "lib/string.h"
#include "linux/errno.h"

#define HEADER_LEN  12 /* all zero: no offloads; virtio 1.2, 5.1.6 */
#define MTU_DEFAULT 1500

#define FEATURE_MTU    (1u << 3)
#define FEATURE_MAC    (1u << 5)
#define FEATURE_STATUS (1u << 16)

#define CONFIG_MAC_STATUS 4 /* the address's last two bytes, status */
#define CONFIG_MTU        8 /* pairs, MTU */

enum { RX, TX };

static struct net {
	bool tried, usable, link_up;
	struct virtio dev;
	struct net_info info;
	uint32_t buffer_len;
	uint8_t *buffers; /* NET_BUFFERS each way */
	bool sending[NET_BUFFERS];
} cards[NET_MAX];

static uint8_t *buffer(const struct net *n, unsigned queue, unsigned index)
{
	return n->buffers +
	       (size_t)(queue * NET_BUFFERS + index) * n->buffer_len;
}

static void read_link(struct net *n)
{
	unsigned at;

	mmio_begin();
	at = mmio_read(n->dev.gpa + VIRTIO_CONFIG + CONFIG_MAC_STATUS);
	mmio_run();
	n->link_up = !(n->dev.features & FEATURE_STATUS) ||
		     (mmio_value(at) >> 16 & 1);
}

/* What the device says before it is started: its MTU decides about memory. */
static void read_config(struct net *n)
{
	unsigned low, high, mtu;

	mmio_begin();
	low = mmio_read(n->dev.gpa + VIRTIO_CONFIG);
	high = mmio_read(n->dev.gpa + VIRTIO_CONFIG + CONFIG_MAC_STATUS);
	mtu = mmio_read(n->dev.gpa + VIRTIO_CONFIG + CONFIG_MTU);
	mmio_run();
	for (unsigned i = 0; i < NET_MAC_LEN; i++)
		n->info.mac[i] =
			(uint8_t)(i < 4 ? mmio_value(low) >> 8 * i
					: mmio_value(high) >> 8 * (i - 4));
	n->info.mtu = n->dev.features & FEATURE_MTU
			      ? (uint16_t)(mmio_value(mtu) >> 16)
			      : MTU_DEFAULT;
}

static void offer(struct net *n, unsigned index)
{
	virtq_add(&n->dev.q[RX], index, phys_of(buffer(n, RX, index)),
		  n->buffer_len, true);
}

static bool init(struct net *n, unsigned nth)
{
	if (!virtio_find(&n->dev, VIRTIO_ID_NET, nth, IRQ_NET(nth)) ||
	    !virtio_prepare(&n->dev, 2, NET_BUFFERS))
		return false;
	n->dev.features = virtio_offers(&n->dev) &
			  (FEATURE_MTU | FEATURE_MAC | FEATURE_STATUS);
	if (!(n->dev.features & FEATURE_MAC))
		return false;
	read_config(n);
	n->buffer_len = (HEADER_LEN + NET_FRAME_ROOM + n->info.mtu + 15) & ~15u;
	n->buffers = page_alloc_run(
		page_up(2ull * NET_BUFFERS * n->buffer_len) / PAGE_LEN);
	if (!n->buffers)
		return false;
	for (unsigned i = 0; i < NET_BUFFERS; i++) {
		memset(buffer(n, TX, i), 0, HEADER_LEN);
		offer(n, i);
	}
	if (!virtio_start(&n->dev, RX))
		return false;
	read_link(n);
	return true;
}

bool net_open(unsigned nth, struct net_info *ret_info)
{
	struct net *n;

	if (nth >= NET_MAX)
		return false;
	n = &cards[nth];
	if (!n->tried) {
		n->tried = true;
		n->usable = init(n, nth);
	}
	if (n->usable)
		*ret_info = n->info;
	return n->usable;
}

/* The link is the one thing that changes. */
static void heed_link(struct net *n)
{
	if (!n->dev.config_changed)
		return;
	n->dev.config_changed = false;
	read_link(n);
}

bool net_link_is_up(unsigned nth)
{
	heed_link(&cards[nth]);
	return cards[nth].link_up;
}

bool net_receive(unsigned nth, struct net_frame *ret_frame)
{
	struct net *n = &cards[nth];
	unsigned index;
	uint32_t len;

	if (!virtq_pop(&n->dev, RX, &index, &len))
		return false;
	len = (uint32_t)min_u64(max_u64(len, HEADER_LEN), n->buffer_len);
	*ret_frame = (struct net_frame){
		.bytes = buffer(n, RX, index) + HEADER_LEN,
		.len = len - HEADER_LEN,
		.buffer = index,
	};
	return true;
}

void net_release(unsigned nth, const struct net_frame *frame)
{
	offer(&cards[nth], frame->buffer);
}

void net_wait(unsigned nth, uint64_t until_ns)
{
	heed_link(&cards[nth]); /* else there is no wait */
	virtio_wait(&cards[nth].dev, RX, until_ns);
}

static void (*listener)(void);

static void frame_came(void)
{
	for (unsigned i = 0; i < NET_MAX; i++)
		if (cards[i].dev.routed)
			virtio_acknowledge(&cards[i].dev);
	listener();
}

bool net_listen(unsigned nth, void (*fn)(void))
{
	struct net *n = &cards[nth];

	listener = fn;
	irq_on(IRQ_NET(nth), frame_came);
	(void)virtio_listen(&n->dev, RX);
	heed_link(n);
	return virtq_has_used(&n->dev.q[RX]);
}

/* A buffer that nothing is sent from; NET_BUFFERS: none. */
static unsigned free_buffer(struct net *n)
{
	unsigned index, i = 0;
	uint32_t len;

	while (virtq_pop(&n->dev, TX, &index, &len))
		if (index < NET_BUFFERS)
			n->sending[index] = false;
	while (i < NET_BUFFERS && n->sending[i])
		i++;
	return i;
}

int64_t net_send(unsigned nth, const void *frame, uint32_t len)
{
	struct net *n = &cards[nth];
	unsigned index;

	if (len > n->info.mtu + NET_FRAME_ROOM)
		return -LINUX_EINVAL;
	index = free_buffer(n);
	if (index == NET_BUFFERS)
		return -LINUX_EAGAIN;
	n->sending[index] = true;
	memcpy(buffer(n, TX, index) + HEADER_LEN, frame, len);
	virtq_add(&n->dev.q[TX], index, phys_of(buffer(n, TX, index)),
		  HEADER_LEN + len, false);
	return 0;
}

void net_push(unsigned nth)
{
	virtio_notify(&cards[nth].dev, RX);
	virtio_notify(&cards[nth].dev, TX);
}
