/* rng.c: see rng.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/err.h"

#define QUEUE_MAX     8
#define KICK_REQUESTS (2 * QUEUE_MAX) /* answered at a time */

struct rng {
	struct vdev v;
	struct iovec iov[QUEUE_MAX];
};

/* Bytes written; fewer than asked when the host has none to give. */
static uint32_t fill(const struct vq_chain *c, uint32_t max)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < c->n_write && done < max; i++) {
		const struct iovec *io = &c->iov[i];
		size_t n = io->iov_len < max - done ? io->iov_len : max - done;
		ssize_t r = getrandom(io->iov_base, n, 0);

		if (r < 0)
			break;
		done += (uint32_t)r;
		if ((size_t)r < n)
			break; /* a signal; what came is an answer too */
	}
	return done;
}

static int rng_notify(struct vdev *v, unsigned queue)
{
	struct rng *r = CONTAINER_OF(v, struct rng, v);
	struct vq *q = &v->queue[queue];
	uint32_t left = RNG_KICK_MAX;
	int res = 1;

	for (unsigned n = 0; n < KICK_REQUESTS && left > 0; n++) {
		struct vq_chain c;
		uint32_t done;

		res = vq_pop(q, r->iov, QUEUE_MAX, &c);
		if (res <= 0)
			break;
		/* virtio 1.2, 5.4.6.1: one or more buffers to write */
		if (c.n_read > 0 || c.n_write == 0)
			return -EPROTO;
		done = fill(&c,
			    left < RNG_REQUEST_MAX ? left : RNG_REQUEST_MAX);
		vq_push(q, c.head, done);
		left -= done;
	}
	vdev_interrupt(v, queue);
	return res;
}

static void rng_quiesce(struct vdev *v)
{
	(void)v; /* nothing is ever in flight */
}

static void rng_fini(struct vdev *v)
{
	free(CONTAINER_OF(v, struct rng, v));
}

static const struct vdev_ops rng_ops = {
	.name = "rng",
	.device_id = 4,
	.queues = 1,
	.queue_max = QUEUE_MAX,
	.notify = rng_notify,
	.quiesce = rng_quiesce,
	.fini = rng_fini,
};

int rng_new(const struct gmem *mem, struct irq_line irq, struct vdev **ret_v,
	    struct err *err)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(err, -ENOMEM, "rng device");
	vdev_init(&r->v, &rng_ops, mem, irq);
	*ret_v = &r->v;
	return 0;
}
