/* balloon_stats.c: the statistics queue: a buffer that goes back and forth
 * at the host's pace (virtio 1.2, 5.5.6.2).
 *
 *   driver: buffer ---> parsed, held, timer on ---> due: handed back --.
 *      ^                                                               |
 *      `---------------------- a fresh answer -------------------------'
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/iov.h"
#include "base/log.h"
#include "virtio/balloon_priv.h"

#define ENTRIES_MAX 64u /* of a buffer; a driver has a use for 16 */
#define KICK_MAX    (2 * BALLOON_QUEUE_MAX) /* buffers taken at a time */

/* The timer's callback looks at the state afresh, so arming is only ever to
 * make it run not too late. */
static void arm(struct balloon *b)
{
	int r;

	if (b->timer_on || !b->stats_held || !vdev_live(&b->v))
		return;
	r = loop_timer(b->cfg.loop, &b->timer, b->stats_due_ns);
	if (r)
		log_warn("balloon", "no timer for statistics: errno %d", -r);
	else
		b->timer_on = true;
}

static void set_due(struct balloon *b)
{
	b->stats_due_ns = clock_mono_ns() + b->cfg.stats_s * NS_PER_SEC;
}

void balloon_stats_timer(struct loop_op *op, int res)
{
	struct balloon *b = CONTAINER_OF(op, struct balloon, timer);

	(void)res; /* early or cancelled: it is armed again */
	b->timer_on = false;
	if (b->stats_held && vdev_live(&b->v) &&
	    clock_mono_ns() >= b->stats_due_ns) {
		b->stats_held = false;
		vq_push(&b->v.queue[b->stats_queue], b->stats_head, 0);
		vdev_interrupt(&b->v, b->stats_queue);
	}
	arm(b);
}

void balloon_stats_rearm(struct balloon *b)
{
	set_due(b);
	if (b->timer_on)
		loop_cancel(b->cfg.loop, &b->timer);
	else
		arm(b);
}

/* virtio 1.2, 5.5.6.2.2: any order, unknown tags are nothing. */
static void parse(struct balloon *b, const struct vq_chain *c)
{
	const uint64_t max = c->read_len / sizeof(struct balloon_stat);
	const size_t n = max < ENTRIES_MAX ? (size_t)max : ENTRIES_MAX;
	struct balloon_stat s[ENTRIES_MAX];

	if (!iov_gather(c->iov, c->n_read, s, n * sizeof(*s)))
		return;
	b->stats_valid = 0;
	b->stats_ns = clock_mono_ns();
	for (size_t i = 0; i < n; i++) {
		const unsigned tag = le16_get(s[i].tag);

		if (tag >= BALLOON_TAGS)
			continue;
		b->stat[tag] = le64_get(s[i].val);
		b->stats_valid |= 1u << tag;
	}
}

int balloon_stats_notify(struct balloon *b, unsigned queue)
{
	struct vq *q = &b->v.queue[queue];
	int res = 1;

	for (unsigned n = 0; n < KICK_MAX; n++) {
		struct vq_chain c;

		res = vq_pop(q, b->work[queue].iov, BALLOON_QUEUE_MAX, &c);
		if (res <= 0)
			break;
		if (c.n_write > 0)
			return -EPROTO;
		parse(b, &c);
		/* One buffer is all a driver may offer: an older one goes
		 * back unasked. */
		if (b->stats_held)
			vq_push(q, b->stats_head, 0);
		b->stats_held = true;
		b->stats_head = c.head;
		b->stats_queue = (uint8_t)queue;
		set_due(b);
	}
	arm(b);
	vdev_interrupt(&b->v, queue);
	return res;
}
