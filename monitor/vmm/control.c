/* control.c: see control.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/control.h"

#include <errno.h>

#include "base/attr.h"
#include "base/metrics.h"
#include "loop/loop.h"
#include "net/netproxy.h"
#include "virtio/blk.h"
#include "virtio/console_ctrl.h"
#include "virtio/mmio.h"
#include "virtio/net.h"
#include "virtio/throttle.h"
#include "virtio/vsock.h"
#include "vmm/machine_priv.h"

int machine_balloon_status(struct machine *m, struct balloon_status *ret)
{
	if (!m->balloon)
		return -ENODEV;
	balloon_status(m->balloon, ret);
	return 0;
}

int machine_balloon_resize(struct machine *m, uint64_t bytes)
{
	return m->balloon ? balloon_set_target(m->balloon, bytes) : -ENODEV;
}

int machine_balloon_stats_every(struct machine *m, unsigned seconds)
{
	return m->balloon ? balloon_set_stats_interval(m->balloon, seconds)
			  : -ENODEV;
}

int machine_balloon_hint_start(struct machine *m, bool release)
{
	return m->balloon ? balloon_hint_start(m->balloon, release) : -ENODEV;
}

int machine_balloon_hint_stop(struct machine *m)
{
	return m->balloon ? balloon_hint_stop(m->balloon) : -ENODEV;
}

struct machine_work machine_work(const struct machine *m)
{
	struct machine_work w = { .in_flight = loop_in_flight(m->cfg.loop) };

	for (unsigned i = 0; i < m->n_devs; i++)
		w.requests += m->dev[i]->in_flight;
	return w;
}

/* The units' tables. */
static struct metric *const *const tables[] = {
	bus_metrics,   vdev_metrics,     mmio_metrics, console_ctrl_metrics,
	blk_metrics,   throttle_metrics, net_metrics,  balloon_metrics,
	vsock_metrics, netproxy_metrics,
};

const struct metric *machine_counter(unsigned n)
{
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
		for (unsigned j = 0; tables[i][j]; j++)
			if (n-- == 0)
				return tables[i][j];
	return NULL;
}
