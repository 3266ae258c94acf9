/* net_tap.c: what is asked of a real tap: net.h, struct net_tap_ops. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include "virtio/net.h"

_Static_assert(NET_TAP_CSUM == TUN_F_CSUM && NET_TAP_TSO4 == TUN_F_TSO4 &&
		       NET_TAP_TSO6 == TUN_F_TSO6 &&
		       NET_TAP_ECN == TUN_F_TSO_ECN,
	       "the kernel's");

static int set_offloads(int fd, unsigned offloads)
{
	return ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads) ? -errno : 0;
}

static int set_attached(int fd, bool attached)
{
	struct ifreq r = { .ifr_flags = attached ? IFF_ATTACH_QUEUE
						 : IFF_DETACH_QUEUE };

	return ioctl(fd, TUNSETQUEUE, &r) ? -errno : 0;
}

const struct net_tap_ops net_tap_ops = { set_offloads, set_attached };
