/* devices.c: the device table: which virtio devices a machine has, in the
 * order of their windows and interrupts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "virtio/balloon.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/net.h"
#include "virtio/rng.h"
#include "virtio/vsock.h"
#include "vmm/machine_priv.h"

/* A kernel numbers its consoles in the order in which their ports come up,
 * and two devices' drivers race for that: errors wait their turn. */
static void console_opened(void *ctx)
{
	const struct machine *m = ctx;

	if (m->errors)
		console_announce(m->errors);
}

static bool errors_may_follow(void *ctx)
{
	const struct machine *m = ctx;

	return console_is_open(m->console);
}

static int create_console(struct machine *m, unsigned nth, struct irq_line irq,
			  struct vdev **ret_v, struct err *err)
{
	bool serial = m->cfg.legacy & MACHINE_LEGACY_SERIAL;
	struct console_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.in_fd = serial ? -1 : m->cfg.console_in,
		.out_fd = m->cfg.console_out,
		.output_now = true,
		.cols = m->cfg.console_cols,
		.rows = m->cfg.console_rows,
		.on_output = machine_note_output,
		.on_output_closed = machine_output_closed,
		.filter_input =
			m->cfg.filter_input ? machine_filter_input : NULL,
		.on_open = console_opened,
		.ctx = m,
	};

	int r = console_new(&cfg, ret_v, err);

	(void)nth;
	if (!r)
		m->console = *ret_v;
	return r;
}

static int create_rng(struct machine *m, unsigned nth, struct irq_line irq,
		      struct vdev **ret_v, struct err *err)
{
	(void)nth;
	return rng_new(&m->mem, irq, ret_v, err);
}

/* What a program writes to its standard error; hvc1 of a kernel. Nothing
 * happens when nobody reads it: that is how a command's errors go. */
static int create_errors(struct machine *m, unsigned nth, struct irq_line irq,
			 struct vdev **ret_v, struct err *err)
{
	struct console_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.in_fd = -1,
		.out_fd = m->cfg.console_err,
		.output_now = true,
		.on_output = machine_note_output,
		.may_announce = errors_may_follow,
		.ctx = m,
	};

	int r = console_new(&cfg, ret_v, err);

	(void)nth;
	if (!r)
		m->errors = *ret_v;
	return r;
}

static struct ratelimit_config limit_of(const struct machine_rate *r)
{
	return (struct ratelimit_config){ .bytes = r->bytes,
					  .ops = r->ops,
					  .bytes_burst = r->bytes_burst,
					  .ops_burst = r->ops_burst };
}

static int create_disk(struct machine *m, unsigned nth, struct irq_line irq,
		       struct vdev **ret_v, struct err *err)
{
	const struct machine_disk *d = &m->cfg.disk[nth];
	const struct blk_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.fd = d->fd,
		.read_only = d->read_only,
		.len = d->len,
		.queues = d->queues,
		.block_len = d->block_len,
		.physical_len = d->physical_len,
		.io_align = d->io_align,
		.mem_align = d->mem_align,
		.limit = limit_of(&d->rate),
		.serial = d->serial,
		.now_max = BLK_NOW_MAX,
	};
	int r = blk_new(&cfg, ret_v, err);

	_Static_assert(MACHINE_DISK_QUEUES_MAX == BLK_NUM_QUEUES_MAX, "queues");
	_Static_assert(MACHINE_SERIAL_LEN == BLK_SERIAL, "serial number");
	return r ? err_wrap(err, "%s", d->name) : 0;
}

static int create_net(struct machine *m, unsigned nth, struct irq_line irq,
		      struct vdev **ret_v, struct err *err)
{
	const struct machine_net *d = &m->cfg.net[nth];
	struct net_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.tap = &net_tap_ops,
		.pairs = d->pairs,
		.offloads = d->offloads,
		.link_fd = d->link_fd,
		.if_index = d->if_index,
		.link_up = d->link_up,
		.limit = limit_of(&d->rate),
		.guard = d->guard,
		.mtu = d->mtu,
	};
	int r;

	_Static_assert(MACHINE_NET_PAIRS_MAX == NET_PAIRS_MAX, "pairs");
	_Static_assert(MACHINE_MAC_LEN == NET_MAC_LEN, "address");
	memcpy(cfg.fd, d->fd, sizeof(cfg.fd));
	memcpy(cfg.mac, d->mac, sizeof(cfg.mac));
	r = net_new(&cfg, ret_v, err);
	return r ? err_wrap(err, "%s", d->name) : 0;
}

static int create_vsock(struct machine *m, unsigned nth, struct irq_line irq,
			struct vdev **ret_v, struct err *err)
{
	const struct machine_vsock *c = m->cfg.vsock;
	const struct vsock_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.cid = c->cid,
		.conns = c->conns,
		.listen_fd = c->listen_fd,
		.listen_seqpacket_fd = c->listen_seqpacket_fd,
		.connect_port = c->connect_port,
		.ctx = c->ctx,
		.service = c->service,
		.service_ctx = c->service_ctx,
	};

	_Static_assert(MACHINE_CID_MIN == VSOCK_CID_MIN &&
			       MACHINE_CID_MAX == VSOCK_CID_MAX,
		       "addresses");
	_Static_assert(MACHINE_VSOCK_CONNS_MAX == VSOCK_CONNS_MAX, "table");
	(void)nth;
	return vsock_new(&cfg, ret_v, err);
}

static int create_balloon(struct machine *m, unsigned nth, struct irq_line irq,
			  struct vdev **ret_v, struct err *err)
{
	const struct machine_balloon *c = m->cfg.balloon;
	const struct balloon_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.target = c->target,
		.stats_s = c->stats_s,
		.reporting = c->reporting,
		.hinting = c->hinting,
		.deflate_on_oom = c->deflate_on_oom,
	};
	int r = balloon_new(&cfg, ret_v, err);

	(void)nth;
	if (!r)
		m->balloon = *ret_v;
	return r;
}

static unsigned one(const struct machine_config *cfg)
{
	(void)cfg;
	return 1;
}

static unsigned n_errors(const struct machine_config *cfg)
{
	return cfg->console_err >= 0;
}

static unsigned n_disks(const struct machine_config *cfg)
{
	return cfg->n_disks;
}

static unsigned n_nets(const struct machine_config *cfg)
{
	return cfg->n_nets;
}

static unsigned n_vsocks(const struct machine_config *cfg)
{
	return cfg->vsock != NULL;
}

static unsigned n_balloons(const struct machine_config *cfg)
{
	return cfg->balloon != NULL;
}

static const struct device {
	const char *name;
	/* The nth of its kind. */
	int (*create)(struct machine *m, unsigned nth, struct irq_line irq,
		      struct vdev **ret_v, struct err *err);
	unsigned (*count)(const struct machine_config *cfg);
} table[] = {
	{ "console", create_console, one },
	{ "rng", create_rng, one },
	{ "error console", create_errors, n_errors },
	{ "disk", create_disk, n_disks },
	{ "network", create_net, n_nets },
	{ "vsock", create_vsock, n_vsocks },
	{ "balloon", create_balloon, n_balloons },
};

_Static_assert(5 + MACHINE_DISKS_MAX + MACHINE_NETS_MAX <= LAYOUT_VIRTIO_MAX,
	       "device windows");

unsigned devices_count(const struct machine_config *cfg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		n += table[i].count(cfg);
	return n;
}

static int create_next(struct machine *m, const struct device *d, unsigned nth,
		       struct err *err)
{
	struct irq_pin *pin = &m->dev_pin[m->n_devs];
	int r;

	*pin = (struct irq_pin){ m, LAYOUT_VIRTIO_GSI + m->n_devs };
	r = d->create(m, nth, (struct irq_line){ machine_fire, pin },
		      &m->dev[m->n_devs], err);
	if (r)
		return err_wrap(err, "device %s", d->name);
	m->n_devs++;
	return 0;
}

int devices_create(struct machine *m, struct err *err)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		const unsigned n = table[i].count(&m->cfg);

		for (unsigned nth = 0; nth < n; nth++) {
			int r = create_next(m, &table[i], nth, err);

			if (r)
				return r;
		}
	}
	return 0;
}
