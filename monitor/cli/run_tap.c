/* run_tap.c: see run_tap.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

#define HEADER_LEN  12 /* of virtio 1.2, 5.1.6 */
#define MTU_DEFAULT 1500

/* Linux 6.2; Debian 12's headers are of 6.1 */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(RUN_TAP_NAME_LEN == IFNAMSIZ, "the kernel's");

static struct ifreq request(const char *name)
{
	struct ifreq r = { 0 };

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return r;
}

/* --- what the kernel says about it ---------------------------------------- */

/* A socket that hears of the interface's changes, and of no others: on a host
 * with thousands of them an idle machine stays idle. It serves for questions,
 * too. */
static int open_link_socket(const char *name, int *ret_index, struct err *err)
{
	const struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
					  .nl_groups = RTMGRP_LINK };
	AUTO_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    NETLINK_ROUTE);
	struct ifreq r = request(name);
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_index)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = { .len = 4, .filter = f };

	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &r))
		return err_set(err, -errno, "its state");
	f[1].k = htonl((uint32_t)r.ifr_ifindex); /* loads are big-endian */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return err_set(err, -errno, "its state");
	*ret_index = r.ifr_ifindex;
	return take_fd(&fd);
}

static int watch(const char *name, struct machine_net *m, struct err *err)
{
	struct ifreq r = request(name);
	int fd = open_link_socket(name, &m->if_index, err);

	if (fd < 0)
		return fd;
	m->link_fd = fd;
	if (ioctl(fd, SIOCGIFMTU, &r))
		return err_set(err, -errno, "its MTU");
	m->mtu = (uint16_t)(r.ifr_mtu > UINT16_MAX ? UINT16_MAX : r.ifr_mtu);
	return 0;
}

/* True when the tap is known to be in our own network namespace. */
static bool is_here(int tap)
{
	AUTO_FD ns = ioctl(tap, TUNGETDEVNETNS);
	struct stat ours, its;

	return ns >= 0 && fstat(ns, &its) == 0 &&
	       stat("/proc/self/ns/net", &ours) == 0 &&
	       ours.st_ino == its.st_ino && ours.st_dev == its.st_dev;
}

/* --- descriptors ---------------------------------------------------------- */

/* The header's length and byte order, and what the tap can do. */
static int prepare(int fd, struct machine_net *m, struct err *err)
{
	static const unsigned tries[] = {
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN |
			TUN_F_USO4 | TUN_F_USO6,
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
		TUN_F_CSUM,
	};
	const int len = HEADER_LEN, little = 1;

	if (ioctl(fd, TUNSETVNETHDRSZ, &len) ||
	    ioctl(fd, TUNSETVNETLE, &little))
		return err_set(err, -errno, "frame header");
	m->offloads = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(tries) && !m->offloads; i++)
		if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)tries[i]) == 0)
			m->offloads = tries[i];
	if (m->offloads && ioctl(fd, TUNSETOFFLOAD, 0ul))
		return err_set(err, -errno, "offloads");
	return 0;
}

/* A tap that is up can be written to. */
static bool is_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* Why the kernel takes the name for something else. */
static int explain(const char *name, bool multi, struct err *err)
{
	AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq r = request(name);

	r.ifr_data = (void *)&info;
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &r) ||
	    strcmp(info.driver, "tun") != 0 ||
	    strcmp(info.bus_info, "tap") != 0)
		return err_set(err, -EINVAL, "that is no tap");
	if (multi)
		return err_set(err, -EINVAL,
			       "a tap with one queue; more need one that was "
			       "made with multi_queue");
	return err_set(err, -EINVAL, "a tap that cannot be used");
}

/* Is there an interface of this name? */
static bool exists(const char *name)
{
	AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = request(name);

	return fd >= 0 && ioctl(fd, SIOCGIFINDEX, &r) == 0;
}

static int attach(const char *name, short flags)
{
	AUTO_FD fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq r = request(name);

	r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		return -errno;
	return take_fd(&fd);
}

/* A queue of the tap, or the tap. */
static int open_queue(const char *name, bool multi, struct err *err)
{
	const bool was_there = exists(name);
	int fd = attach(name, multi ? IFF_MULTI_QUEUE : 0);

	/* one queue of a tap that could have more will do */
	if (fd == -EINVAL && !multi)
		fd = attach(name, IFF_MULTI_QUEUE);
	if (fd == -EINVAL)
		return explain(name, multi, err);
	if (fd == -EBUSY)
		return err_set(err, fd, "another process uses it");
	if (fd == -EPERM)
		return err_set(err, fd,
			       was_there ? "it belongs to another user"
					 : "there is none, and no right to "
					   "make one");
	if (fd == -E2BIG)
		return err_set(err, fd, "it has no queue left");
	if (fd < 0)
		return err_set(err, fd, "/dev/net/tun");
	if (!was_there)
		log_warn("net",
			 "there was no tap '%s': made one, which is down and "
			 "ends with this process",
			 name);
	return fd;
}

int run_tap_open(const char *name, struct machine_net *m, struct err *err)
{
	int r = 0;

	m->link_fd = -1;
	for (unsigned i = 0; i < MACHINE_NET_PAIRS_MAX; i++)
		m->fd[i] = -1;
	for (unsigned i = 0; i < m->pairs && !r; i++) {
		int fd = open_queue(name, m->pairs > 1, err);

		m->fd[i] = fd;
		r = fd < 0 ? fd : prepare(fd, m, err);
	}
	if (!r)
		r = watch(name, m, err);
	if (!r) {
		m->link_up = is_up(m->fd[0]);
		return 0;
	}
	for (unsigned i = 0; i < m->pairs; i++)
		if (m->fd[i] >= 0)
			(void)close(m->fd[i]);
	if (m->link_fd >= 0)
		(void)close(m->link_fd);
	return r;
}

int run_tap_take(int fd, struct machine_net *m, struct err *err)
{
	const int flags = fcntl(fd, F_GETFL);
	struct ifreq i = { 0 };
	int r;

	if (flags < 0)
		return err_set(err, -errno, "inherited");
	if (ioctl(fd, TUNGETIFF, &i))
		return err_set(err, -EINVAL, "not the descriptor of a tap");
	if (!(i.ifr_flags & IFF_TAP))
		return err_set(err, -EINVAL, "a tun, which has no Ethernet");
	if (!(i.ifr_flags & IFF_VNET_HDR) || !(i.ifr_flags & IFF_NO_PI))
		return err_set(err, -EINVAL,
			       "a tap that was opened without vnet_hdr, or "
			       "with packet information");
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC))
		return err_set(err, -errno, "inherited");
	m->fd[0] = fd;
	m->link_fd = -1;
	m->mtu = MTU_DEFAULT;
	r = prepare(fd, m, err);
	if (!r && is_here(fd))
		r = watch(i.ifr_name, m, err);
	if (r && m->link_fd >= 0)
		(void)close(m->link_fd);
	m->link_up = is_up(fd);
	return r;
}
