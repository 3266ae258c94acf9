/* balloon.c: see balloon.h. The device, its configuration and its life. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/balloon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "mem/gmem.h"
#include "virtio/balloon_priv.h"

static struct balloon *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct balloon, v);
}

/* --- queues --------------------------------------------------------------- */

/* What has to be negotiated for a queue to exist. */
static const uint64_t queue_feature[BALLOON_QUEUES] = {
	[BALLOON_STATS] = BALLOON_F_STATS_VQ,
	[BALLOON_FREE_PAGE] = BALLOON_F_FREE_PAGE_HINT,
	[BALLOON_REPORTING] = BALLOON_F_PAGE_REPORTING,
};

static bool exists(const struct balloon *b, unsigned role)
{
	return (queue_feature[role] & ~b->v.features) == 0;
}

/* The numbers under which the driver knows the queues, see balloon.h. */
static void assign_roles(struct balloon *b)
{
	unsigned n_ready = 0, n_exist = 0, role = 0;

	for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
		n_ready += b->v.queue[i].ready;
		n_exist += exists(b, i);
		b->role[i] = exists(b, i) ? (uint8_t)i : BALLOON_QUEUES;
	}
	if (n_ready != n_exist)
		return;
	for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
		b->role[i] = BALLOON_QUEUES;
		if (!b->v.queue[i].ready)
			continue;
		while (!exists(b, role))
			role++;
		b->role[i] = (uint8_t)role++;
	}
}

static int balloon_activate(struct vdev *v)
{
	assign_roles(of(v));
	return 0;
}

static int balloon_notify(struct vdev *v, unsigned queue)
{
	struct balloon *b = of(v);
	const enum balloon_queue role = (enum balloon_queue)b->role[queue];

	switch (role) {
	case BALLOON_INFLATE:
	case BALLOON_FREE_PAGE:
	case BALLOON_REPORTING:
		return balloon_pages_notify(b, queue, role);
	case BALLOON_DEFLATE:
		return balloon_deflate_notify(b, queue);
	case BALLOON_STATS:
		return balloon_stats_notify(b, queue);
	case BALLOON_QUEUES:
		break;
	}
	return -EPROTO;
}

/* --- configuration -------------------------------------------------------- */

static struct balloon_space space_of(const struct balloon *b)
{
	return (struct balloon_space){
		.num_pages = le32_of(b->target),
		.actual = le32_of(b->actual),
		.free_page_hint_cmd_id = le32_of(b->host_cmd),
		.poison_val = le32_of(b->poison),
	};
}

static void balloon_config_read(struct vdev *v, unsigned off, void *buf,
				unsigned n)
{
	const struct balloon_space s = space_of(of(v));

	memcpy(buf, (const uint8_t *)&s + off, n);
}

/* The driver's are `actual` and, before DRIVER_OK, `poison_val`. */
static void balloon_config_write(struct vdev *v, unsigned off, const void *buf,
				 unsigned n)
{
	struct balloon *b = of(v);
	struct balloon_space s = space_of(b);

	memcpy((uint8_t *)&s + off, buf, n);
	b->actual = le32_get(s.actual);
	if (vdev_has(v, BALLOON_F_PAGE_POISON) &&
	    !(v->status & VIRTIO_STATUS_DRIVER_OK))
		b->poison = le32_get(s.poison_val);
}

/* --- control -------------------------------------------------------------- */

int balloon_set_target(struct vdev *v, uint64_t bytes)
{
	struct balloon *b = of(v);
	const uint64_t pages = bytes / BALLOON_PAGE;

	if (bytes > gmem_total(v->mem) || pages > UINT32_MAX)
		return -ERANGE;
	if (b->target == pages)
		return 0;
	b->target = (uint32_t)pages;
	vdev_config_changed(v);
	return 0;
}

int balloon_set_stats_interval(struct vdev *v, unsigned seconds)
{
	struct balloon *b = of(v);

	if (!(v->offered & BALLOON_F_STATS_VQ))
		return -EOPNOTSUPP;
	if (seconds == 0)
		return -EINVAL;
	b->cfg.stats_s = seconds;
	balloon_stats_rearm(b);
	return 0;
}

static int hint_command(struct balloon *b, uint32_t cmd)
{
	if (!(b->v.offered & BALLOON_F_FREE_PAGE_HINT))
		return -EOPNOTSUPP;
	if (!vdev_live(&b->v) || !vdev_has(&b->v, BALLOON_F_FREE_PAGE_HINT))
		return -ENOTCONN;
	b->host_cmd = cmd;
	vdev_config_changed(&b->v);
	return 0;
}

int balloon_hint_start(struct vdev *v, bool release)
{
	struct balloon *b = of(v);
	const uint32_t run =
		b->last_run == UINT32_MAX ? BALLOON_CMD_FIRST : b->last_run + 1;
	int r = hint_command(b, run);

	if (r)
		return r;
	b->last_run = run;
	b->release = release;
	return 0;
}

int balloon_hint_stop(struct vdev *v)
{
	return hint_command(of(v), BALLOON_CMD_DONE);
}

void balloon_status(struct vdev *v, struct balloon_status *ret)
{
	const struct balloon *b = of(v);

	*ret = (struct balloon_status){
		.target = (uint64_t)b->target * BALLOON_PAGE,
		.actual = (uint64_t)b->actual * BALLOON_PAGE,
		.live = vdev_live(v),
		.stats_s = b->cfg.stats_s,
		.stats_valid = b->stats_valid,
		.hint_host_cmd = b->host_cmd,
		.hint_guest_cmd = b->guest_cmd,
		.hint_answered = b->answered,
		.inflated = b->inflated,
		.reported = b->reported,
		.hinted = b->hinted,
	};
	memcpy(ret->stat, b->stat, sizeof(ret->stat));
	if (b->stats_valid)
		ret->stats_age_ns = clock_mono_ns() - b->stats_ns;
}

/* --- life ----------------------------------------------------------------- */

static void balloon_quiesce(struct vdev *v)
{
	balloon_stats_rearm(of(v));
}

static void balloon_reset(struct vdev *v)
{
	struct balloon *b = of(v);

	/* The target is the host's wish and outlives the driver. */
	b->actual = b->poison = 0;
	for (unsigned i = 0; i < BALLOON_QUEUES; i++)
		b->work[i].busy = false;
	b->host_cmd = BALLOON_CMD_STOP;
	b->answered = false;
	b->stats_held = false;
	b->stats_valid = 0;
}

static void balloon_fini(struct vdev *v)
{
	struct balloon *b = of(v);

	CHECK(!b->timer_on);
	free(b);
}

static const struct vdev_ops balloon_ops = {
	.name = "balloon",
	.device_id = BALLOON_ID,
	.features = BALLOON_F_MUST_TELL_HOST | BALLOON_F_STATS_VQ |
		    BALLOON_F_DEFLATE_ON_OOM | BALLOON_F_FREE_PAGE_HINT |
		    BALLOON_F_PAGE_POISON | BALLOON_F_PAGE_REPORTING,
	.queues = BALLOON_QUEUES,
	.queue_max = BALLOON_QUEUE_MAX,
	.config_len = sizeof(struct balloon_space),
	.unpolled = true, /* for the hints, see balloon.h */
	.activate = balloon_activate,
	.notify = balloon_notify,
	.quiesce = balloon_quiesce,
	.reset = balloon_reset,
	.fini = balloon_fini,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
};

int balloon_new(const struct balloon_config *cfg, struct vdev **ret_v,
		struct err *err)
{
	struct balloon *b = calloc(1, sizeof(*b));
	int r;

	_Static_assert(BALLOON_QUEUES <= VDEV_QUEUES_MAX, "queues");
	if (!b)
		return err_set(err, -ENOMEM, "balloon device");
	vdev_init(&b->v, &balloon_ops, cfg->mem, cfg->irq);
	if (!cfg->stats_s)
		b->v.offered &= ~BALLOON_F_STATS_VQ;
	if (!cfg->hinting)
		b->v.offered &= ~BALLOON_F_FREE_PAGE_HINT;
	if (!cfg->reporting)
		b->v.offered &= ~BALLOON_F_PAGE_REPORTING;
	if (!cfg->deflate_on_oom)
		b->v.offered &= ~BALLOON_F_DEFLATE_ON_OOM;
	b->cfg = *cfg;
	b->timer.done = balloon_stats_timer;
	b->host_cmd = BALLOON_CMD_STOP;
	b->last_run = BALLOON_CMD_FIRST - 1;
	r = balloon_set_target(&b->v, cfg->target);
	if (r) {
		balloon_fini(&b->v);
		return err_set(err, r,
			       "%llu bytes are more than the guest's %llu",
			       (unsigned long long)cfg->target,
			       (unsigned long long)gmem_total(cfg->mem));
	}
	*ret_v = &b->v;
	return 0;
}
