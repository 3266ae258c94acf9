/* fake_machine.c: see fake_machine.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_machine.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"

static void count_msi(void *ctx, uint64_t address, uint32_t data)
{
	struct fake_machine *f = ctx;

	(void)address;
	(void)data;
	f->interrupts++;
}

struct fake_machine *fake_machine_new(void *mem, size_t len, int out_fd,
				      unsigned legacy)
{
	struct fake_machine *f = calloc(1, sizeof(*f));
	struct err err = { 0 };
	struct machine *m;

	CHECK(f != NULL);
	m = &f->m;
	gmem_init_borrowed(&m->mem, 0, mem, len);
	m->vm.fd = -1;
	m->vm.irqchip = VM_IRQCHIP_SPLIT;
	m->cfg.console_in = -1;
	m->cfg.console_err = -1;
	m->cfg.core_fd = m->cfg.gdb_fd = -1;
	m->cfg.console_out = out_fd;
	m->cfg.legacy = legacy;
	if (loop_new(8, LOOP_POLL, &m->cfg.loop, &err))
		abort();
	ioapic_init(&m->ioapic, count_msi, f);
	m->cpu[0].m = m;
	loop_lock(m->cfg.loop);
	legacy_init(m);
	if (devices_create(m, &err))
		abort();
	return f;
}

void fake_machine_free(struct fake_machine *f)
{
	struct loop *l = f->m.cfg.loop;
	int r;

	for (unsigned i = 0; i < f->m.n_devs; i++)
		vdev_shutdown(f->m.dev[i]);
	serial_stop(&f->m.legacy.serial);
	loop_unlock(l);
	r = loop_run(l, NULL, true);
	CHECK(r == 0);
	for (unsigned i = 0; i < f->m.n_devs; i++) {
		CHECK(f->m.dev[i]->in_flight == 0);
		vdev_free(f->m.dev[i]);
	}
	loop_free(l);
	free(f);
}

void fake_mmio(struct fake_machine *f, uint64_t gpa, void *data, unsigned size,
	       bool is_write)
{
	struct vcpu_exit x = { .kind = VCPU_EXIT_MMIO,
			       .gpa = gpa,
			       .is_write = is_write,
			       .size = size,
			       .count = 1,
			       .data = data };

	bus_mmio(&f->m.cpu[0], &x);
}

void fake_pio(struct fake_machine *f, uint16_t port, void *data, unsigned size,
	      unsigned count, bool is_write)
{
	struct vcpu_exit x = { .kind = VCPU_EXIT_PIO,
			       .port = port,
			       .is_write = is_write,
			       .size = size,
			       .count = count,
			       .data = data };

	bus_pio(&f->m.cpu[0], &x);
}
