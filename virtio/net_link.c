/* net_link.c: whether the link is up. The kernel's messages about the tap
 * (RTM_NEWLINK) tell; where there is no socket for them, the tap's answers:
 * it refuses what is sent while it is down, and can be written to when it is
 * up again. The kernel is believed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "virtio/net_priv.h"

static void set_link(struct net *n, bool up)
{
	if (n->gone)
		up = false;
	if (n->link_up == up)
		return;
	n->link_up = up;
	metric_inc(&net_link_changes);
	/* what waits for a tap that is down waits for nothing */
	for (unsigned i = 0; !up && i < n->cfg.pairs; i++)
		loop_cancel(n->cfg.loop, &n->pair[i].tx_op);
	vdev_config_changed(&n->v);
}

/* --- asking the tap ------------------------------------------------------- */

/* A tap can be written to when it is up; one that is gone is an error. */
static void wait_for_up(struct net *n)
{
	int r;

	if (n->watched || n->gone || n->up_polled || n->v.shut)
		return;
	r = loop_poll(n->cfg.loop, &n->up_op, n->pair[0].fd, POLLOUT);
	CHECK(r == 0);
	n->up_polled = true;
}

void net_link_lost(struct net *n, int code)
{
	if (code == -EBADFD && !n->gone) {
		n->gone = true;
		log_warn("net", "a tap is gone, its link stays down");
	}
	set_link(n, false);
	wait_for_up(n);
}

void net_link_up_done(struct loop_op *op, int res)
{
	struct net *n = CONTAINER_OF(op, struct net, up_op);

	n->up_polled = false;
	if (n->v.shut || res < 0)
		return;
	if (res & (POLLERR | POLLNVAL))
		net_link_lost(n, -EBADFD);
	else
		set_link(n, true);
}

/* --- being told ----------------------------------------------------------- */

/* From now on the tap is asked. */
static void stop_watching(struct net *n)
{
	n->watched = false;
	set_link(n, false);
	wait_for_up(n);
}

static void listen_link(struct net *n)
{
	int r;

	if (!n->watched || n->link_read || n->v.shut)
		return;
	n->link_iov = (struct iovec){ n->link_buf, sizeof(n->link_buf) };
	r = loop_readv(n->cfg.loop, &n->link_op, n->cfg.link_fd, &n->link_iov,
		       1, LOOP_OFF_STREAM);
	CHECK(r == 0);
	n->link_read = true;
}

/* The answer comes like any other news. The kernel has it ready when the
 * write is over, so this never waits. */
static void ask_link(struct net *n)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} ask = {
		.h = { .nlmsg_len = sizeof(ask),
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST },
		.i = { .ifi_family = AF_UNSPEC, .ifi_index = n->cfg.if_index },
	};

	if (write(n->cfg.link_fd, &ask, sizeof(ask)) != (ssize_t)sizeof(ask))
		stop_watching(n);
}

/* The beginning of a message is enough; the rest may be cut off. */
static void read_link(struct net *n, const uint8_t *p, size_t len)
{
	while (len >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr h;
		struct ifinfomsg i;
		size_t step;

		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h))
			return;
		if (h.nlmsg_len >= NLMSG_LENGTH(sizeof(i)) &&
		    len >= NLMSG_LENGTH(sizeof(i))) {
			memcpy(&i, p + NLMSG_HDRLEN, sizeof(i));
			/* a bridge talks about its ports, too */
			if (i.ifi_family != AF_UNSPEC ||
			    i.ifi_index != n->cfg.if_index)
				;
			else if (h.nlmsg_type == RTM_NEWLINK)
				set_link(n,
					 (i.ifi_flags & IFF_UP) &&
						 (i.ifi_flags & IFF_LOWER_UP));
			else if (h.nlmsg_type == RTM_DELLINK)
				stop_watching(n); /* gone, or elsewhere */
		}
		if (h.nlmsg_len >= len)
			return;
		step = NLMSG_ALIGN(h.nlmsg_len);
		if (step >= len)
			return;
		p += step;
		len -= step;
	}
}

void net_link_done(struct loop_op *op, int res)
{
	struct net *n = CONTAINER_OF(op, struct net, link_op);

	n->link_read = false;
	if (n->v.shut)
		return;
	if (res > 0)
		read_link(n, n->link_buf, (size_t)res);
	else if (res == -ENOBUFS) /* news were lost */
		ask_link(n);
	else
		stop_watching(n);
	listen_link(n);
}

void net_link_watch(struct net *n)
{
	if (n->watched || n->gone)
		return;
	if (n->cfg.link_fd >= 0 && !n->asked) {
		n->asked = n->watched = true;
		ask_link(n);
		listen_link(n);
	} else if (!n->link_up) {
		wait_for_up(n);
	}
}
