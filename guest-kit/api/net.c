/* net.c: network cards: see mayfly.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/net.h"

#include "api/mayfly.h"
#include "kernel/cpu.h"
#include "lib/string.h"
#include "linux/errno.h"

_Static_assert(MAYFLY_MAC_LEN == NET_MAC_LEN &&
		       MAYFLY_FRAME_ROOM == NET_FRAME_ROOM &&
		       MAYFLY_EAGAIN == -LINUX_EAGAIN,
	       "one set of numbers");

int mayfly_net_open(unsigned card, struct mayfly_net *ret)
{
	struct net_info info;

	if (card >= NET_MAX || !net_open(card, &info))
		return MAYFLY_ENODEV;
	memcpy(ret->mac, info.mac, sizeof(ret->mac));
	ret->mtu = info.mtu;
	return 0;
}

int64_t mayfly_net_receive(unsigned card, void *buf, size_t len)
{
	struct net_frame frame;

	if (!net_receive(card, &frame)) {
		net_push(card); /* the buffers that were given back */
		return MAYFLY_EAGAIN;
	}
	len = min_u64(len, frame.len);
	memcpy(buf, frame.bytes, len);
	net_release(card, &frame);
	return (int64_t)len;
}

int mayfly_net_send(unsigned card, const void *frame, size_t len)
{
	int64_t rc;

	if (len > UINT16_MAX)
		return MAYFLY_EINVAL;
	while ((rc = net_send(card, frame, (uint32_t)len)) == -LINUX_EAGAIN) {
		net_push(card);
		pause();
	}
	net_push(card);
	return (int)rc;
}
