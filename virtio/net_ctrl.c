/* net_ctrl.c: the control queue (virtio 1.2, 5.1.6.5): how many pairs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/iov.h"
#include "virtio/net_priv.h"

#define COMMAND_LEN 2u /* class, command */

/* Commands at a time: each may be two system calls a pair. */
#define BUDGET 8u

static uint8_t answer(struct net *n, const struct vq_chain *c)
{
	struct net_ctrl_mq cmd;
	unsigned pairs;

	if (c->read_len != sizeof(cmd) || !vdev_has(&n->v, NET_F_MQ) ||
	    !iov_gather(c->iov, c->n_read, &cmd, sizeof(cmd)) ||
	    cmd.class != NET_CTRL_MQ || cmd.command != NET_CTRL_MQ_VQ_PAIRS_SET)
		return NET_CTRL_ERR;
	pairs = le16_get(cmd.pairs);
	if (pairs < 1 || pairs > n->cfg.pairs || net_set_pairs(n, pairs))
		return NET_CTRL_ERR;
	return NET_CTRL_OK;
}

int net_ctrl_kick(struct net *n, unsigned queue)
{
	struct vq *q = &n->v.queue[queue];
	int r = 1;

	for (unsigned i = 0; i < BUDGET && r > 0; i++) {
		struct vq_chain c;
		uint8_t ack;

		r = vq_pop(q, n->iov, NET_QUEUE_MAX, &c);
		if (r <= 0)
			break;
		if (c.read_len < COMMAND_LEN || c.write_len == 0) {
			vq_undo(q);
			return -EPROTO;
		}
		ack = answer(n, &c);
		if (ack != NET_CTRL_OK)
			metric_inc(&net_ctrl_refused);
		(void)iov_scatter(c.iov + c.n_read, c.n_write, &ack,
				  sizeof(ack));
		vq_push(q, c.head, sizeof(ack));
	}
	vdev_interrupt(&n->v, queue);
	return r;
}
