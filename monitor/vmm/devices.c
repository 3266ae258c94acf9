/* devices.c: the device table: which virtio devices a machine has, in the
 * order of their windows and interrupts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/attr.h"
#include "base/check.h"
#include "base/err.h"
#include "virtio/console.h"
#include "virtio/rng.h"
#include "vmm/machine_priv.h"

static int create_console(struct machine *m, struct irq_line irq,
			  struct vdev **ret_v, struct err *err)
{
	bool serial = m->cfg.legacy & MACHINE_LEGACY_SERIAL;
	struct console_config cfg = {
		.loop = m->cfg.loop,
		.mem = &m->mem,
		.irq = irq,
		.in_fd = serial ? -1 : m->cfg.console_in,
		.out_fd = m->cfg.console_out,
		.cols = m->cfg.console_cols,
		.rows = m->cfg.console_rows,
		.on_output = machine_note_output,
		.on_output_closed = machine_output_closed,
		.filter_input =
			m->cfg.filter_input ? machine_filter_input : NULL,
		.ctx = m,
	};

	int r = console_new(&cfg, ret_v, err);

	if (!r)
		m->console = *ret_v;
	return r;
}

static int create_rng(struct machine *m, struct irq_line irq,
		      struct vdev **ret_v, struct err *err)
{
	return rng_new(&m->mem, irq, ret_v, err);
}

static const struct {
	const char *name;
	int (*create)(struct machine *m, struct irq_line irq,
		      struct vdev **ret_v, struct err *err);
} table[] = {
	{ "console", create_console },
	{ "rng", create_rng },
};

_Static_assert(ARRAY_SIZE(table) <= LAYOUT_VIRTIO_MAX, "device windows");

unsigned devices_count(void)
{
	return ARRAY_SIZE(table);
}

int devices_create(struct machine *m, struct err *err)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct irq_pin *pin = &m->dev_pin[i];
		int r;

		*pin = (struct irq_pin){ m, LAYOUT_VIRTIO_GSI + i };
		r = table[i].create(m, (struct irq_line){ machine_fire, pin },
				    &m->dev[i], err);
		if (r)
			return err_wrap(err, "device %s", table[i].name);
		m->n_devs++;
	}
	return 0;
}
