/* bus.c: which part of the machine answers a guest's access. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "loop/loop.h"
#include "virtio/mmio.h"
#include "vmm/machine_priv.h"

#define IOAPIC_LEN 0x100u
#define COM1_LAST  (SERIAL_PORT + SERIAL_LEN - 1)
#define RTC_PORT   0x70
#define KBD_DATA   0x60
#define KBD_CMD    0x64

static struct metric unclaimed_mmio = {
	"unclaimed_mmio_bus", "accesses to addresses where nothing is", 0
};
static struct metric unclaimed_pio = { "unclaimed_pio_bus",
				       "accesses to ports where nothing is",
				       0 };

static struct metric looks = { "looks_bus",
			       "times the loop looked at the rings for a while",
			       0 };

struct metric *const bus_metrics[] = { &unclaimed_mmio, &unclaimed_pio, &looks,
				       NULL };

/* The device whose window holds the access, and the offset in it. */
static struct vdev *find_device(struct machine *m, gpa_t gpa, unsigned n,
				unsigned *ret_off)
{
	uint64_t off = gpa - LAYOUT_VIRTIO_BASE;

	if (off >= m->n_devs * LAYOUT_VIRTIO_LEN ||
	    n > LAYOUT_VIRTIO_LEN - off % LAYOUT_VIRTIO_LEN)
		return NULL;
	*ret_off = (unsigned)(off % LAYOUT_VIRTIO_LEN);
	return m->dev[off / LAYOUT_VIRTIO_LEN];
}

static bool ioapic_access(struct machine *m, const struct vcpu_exit *x)
{
	uint64_t off = x->gpa - LAYOUT_IOAPIC;
	uint32_t value;

	if (m->vm.irqchip != VM_IRQCHIP_SPLIT || off >= IOAPIC_LEN ||
	    x->size != sizeof(value))
		return false;
	if (x->is_write) {
		memcpy(&value, x->data, sizeof(value));
		ioapic_write(&m->ioapic, (unsigned)off, value);
	} else {
		value = ioapic_read(&m->ioapic, (unsigned)off);
		memcpy(x->data, &value, sizeof(value));
	}
	return true;
}

/* A kick may ask for more work than is done at a time: others get the lock
 * in between, and the guest, waiting in its exit, pays for it. */
static void finish_work(struct machine *m, struct vdev *v)
{
	while (vdev_again(v) && !atomic_load(&m->stop)) {
		loop_unlock(m->cfg.loop);
		loop_lock(m->cfg.loop);
	}
}

/* Work that was left over when nobody was there to go on with it: the guest
 * has kicked, or was told that it need not. */
static bool go_on(struct machine *m)
{
	bool any = false;

	for (unsigned i = 0; i < m->n_devs; i++) {
		if (m->dev[i]->again == 0)
			continue;
		(void)vdev_again(m->dev[i]);
		any = true;
	}
	return any;
}

/* A thread of the kernel works for a device, and has no other CPU for that
 * than the one we would look with. */
static bool is_in_the_way(const struct machine *m)
{
	for (unsigned i = 0; i < m->n_devs && m->lookout.tight; i++)
		if (m->dev[i]->elsewhere > 0)
			return true;
	return false;
}

static bool stop_looking(struct machine *m)
{
	bool any = false;

	m->lookout.looking = false;
	for (unsigned i = 0; i < m->n_devs; i++)
		if (vdev_poll_end(m->dev[i]))
			any = true;
	return any;
}

bool bus_look(void *machine)
{
	struct machine *m = machine;
	struct lookout *g = &m->lookout;
	const bool was_looking = g->looking;
	bool any = false;

	if (!lookout_start(g) || (!was_looking && is_in_the_way(m)))
		return go_on(m);
	if (!was_looking)
		metric_inc(&looks);
	for (unsigned i = 0; i < m->n_devs; i++) {
		if (!was_looking)
			vdev_poll_begin(m->dev[i]);
		else if (vdev_poll(m->dev[i]))
			any = true;
	}
	if (lookout_looked(g, clock_mono_ns(), any) && !is_in_the_way(m))
		return true;
	return stop_looking(m) || any;
}

void bus_write_device(struct machine *m, struct vdev *v, unsigned off,
		      const void *buf, unsigned n)
{
	mmio_write(v, off, buf, n);
	finish_work(m, v);
	if (off != MMIO_REG_QUEUE_NOTIFY)
		return;
	if (m->lookout.need > 0 && lookout_kicked(&m->lookout, clock_mono_ns()))
		loop_wake(m->cfg.loop);
}

void bus_mmio(struct vcpu_thread *t, const struct vcpu_exit *x)
{
	struct machine *m = t->m;
	uint64_t page = x->gpa - LAYOUT_PLATFORM;
	struct vdev *v;
	unsigned off;

	v = find_device(m, x->gpa, x->size, &off);
	if (v && x->is_write) {
		bus_write_device(m, v, off, x->data, x->size);
	} else if (v) {
		mmio_read(v, off, x->data, x->size);
	} else if (page < PAGE_LEN && x->size <= PAGE_LEN - page) {
		if (x->is_write)
			platform_write(t, (unsigned)page, x->data, x->size);
		else
			platform_read(m, (unsigned)page, x->data, x->size);
	} else if (!ioapic_access(m, x)) {
		if (!x->is_write)
			memset(x->data, 0xff, x->size);
		metric_inc(&unclaimed_mmio);
		log_guest("bus", "%s of %u bytes at 0x%llx: nothing there",
			  x->is_write ? "write" : "read", x->size,
			  (unsigned long long)x->gpa);
	}
}

static bool pio_byte(struct vcpu_thread *t, uint16_t port, bool write,
		     uint8_t *b)
{
	struct legacy *l = &t->m->legacy;

	if (l->serial_on && port >= SERIAL_PORT && port <= COM1_LAST) {
		if (write)
			serial_out(&l->serial, port - SERIAL_PORT, *b);
		else
			*b = serial_in(&l->serial, port - SERIAL_PORT);
		return true;
	}
	if (l->rtc_on && (port == RTC_PORT || port == RTC_PORT + 1)) {
		if (write)
			rtc_out(l, port - RTC_PORT, *b);
		else
			*b = rtc_in(l, port - RTC_PORT);
		return true;
	}
	if (l->i8042_on && (port == KBD_DATA || port == KBD_CMD)) {
		if (!write)
			*b = i8042_in(l, port - KBD_DATA);
		else if (i8042_out(l, port - KBD_DATA, *b))
			machine_end(t->m,
				    &(struct outcome){ .reason = OUTCOME_RESET,
						       .status = STATUS_RESET,
						       .cpu = t->vcpu.id });
		return true;
	}
	return false;
}

void bus_pio(struct vcpu_thread *t, const struct vcpu_exit *x)
{
	/* the old devices are a byte wide; string accesses repeat a port */
	for (unsigned i = 0; i < x->count; i++) {
		uint8_t *p = x->data + (size_t)i * x->size;

		if (x->size == 1 && pio_byte(t, x->port, x->is_write, p))
			continue;
		if (!x->is_write)
			memset(p, 0xff, x->size);
		metric_inc(&unclaimed_pio);
	}
}
