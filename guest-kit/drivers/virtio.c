/* virtio.c: finding and starting devices, rings, waiting. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/virtio.h"

#include "drivers/mmio.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/machine.h"
#include "kernel/page.h"
#include "kernel/sched.h"

/* virtio 1.2, 4.2.2 */
#define REG_VERSION         0x004
#define REG_DEVICE_ID       0x008
#define REG_DEVICE_FEATURES 0x010
#define REG_DEVICE_SELECT   0x014
#define REG_DRIVER_FEATURES 0x020
#define REG_DRIVER_SELECT   0x024
#define REG_QUEUE_SELECT    0x030
#define REG_QUEUE_MAX       0x034
#define REG_QUEUE_NUM       0x038
#define REG_QUEUE_READY     0x044
#define REG_NOTIFY          0x050
#define REG_ISR             0x060
#define REG_ISR_ACK         0x064
#define REG_STATUS          0x070
#define REG_DESC            0x080
#define REG_AVAIL           0x090
#define REG_USED            0x0a0

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u

#define FEATURE_EVENT_IDX (1u << 29)
#define FEATURE_VERSION_1 (1u << 0) /* in the upper 32 */

#define ISR_QUEUE  1u
#define ISR_CONFIG 2u

#define DESC_NEXT          1u
#define DESC_WRITE         2u
#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY     1u

struct virtq_desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

struct virtq_avail {
	uint16_t flags, idx;
	uint16_t ring[]; /* n entries, then used_event */
};

struct virtq_used {
	uint16_t flags, idx;
	struct virtq_used_entry {
		uint32_t id, len;
	} ring[]; /* n entries, then a 16-bit avail_event */
};

static volatile uint16_t *avail_event(const struct virtq *q)
{
	return (volatile uint16_t *)(void *)(q->used->ring + q->n);
}

/* How long a wait spins before it sleeps: sleeping costs more than this. */
#define SPIN_NS 20000

static void read_ids(void)
{
	machine.n_ids = machine.n_devices;
	mmio_begin();
	for (unsigned i = 0; i < machine.n_devices; i++)
		(void)mmio_read(machine.device[i].gpa + REG_DEVICE_ID);
	mmio_run();
	for (unsigned i = 0; i < machine.n_devices; i++)
		machine.device[i].id = (uint16_t)mmio_value(i);
}

bool virtio_find(struct virtio *v, uint16_t id, unsigned nth, unsigned irq_bit)
{
	if (machine.n_ids < machine.n_devices)
		read_ids();
	for (unsigned i = 0; i < machine.n_devices; i++) {
		const struct machine_device *dev = &machine.device[i];

		if (dev->id != id || nth--)
			continue;
		*v = (struct virtio){ .gpa = dev->gpa,
				      .gsi = dev->gsi,
				      .irq_bit = (uint8_t)irq_bit };
		return true;
	}
	return false;
}

bool virtio_prepare(struct virtio *v, unsigned n_queues, uint16_t n)
{
	/* the parts of a ring, with the alignment each needs (2.7) */
	const size_t avail = n * sizeof(struct virtq_desc);
	const size_t used = (avail + 2u * (n + 3u) + 3) & ~(size_t)3;
	const size_t len = (used + 8u * n + 6 + 15) & ~(size_t)15;
	uint8_t *page = NULL;
	size_t at = PAGE_LEN;

	v->n_queues = n_queues;
	v->event_idx = true;
	for (unsigned i = 0; i < n_queues; i++, at += len) {
		if (len > PAGE_LEN - at) {
			page = page_alloc_zeroed();
			at = 0;
		}
		if (!page)
			return false;
		v->q[i] = (struct virtq){
			.desc = (void *)(page + at),
			.avail = (void *)(page + at + avail),
			.used = (void *)(page + at + used),
			.n = n,
		};
		v->q[i].avail->flags = AVAIL_NO_INTERRUPT;
		v->q[i].avail->ring[n] = 0xffff;
	}
	return true;
}

static void list_queue(const struct virtio *v, unsigned i, unsigned *ret_max)
{
	const struct virtq *q = &v->q[i];
	const struct {
		uint32_t reg;
		gpa_t gpa;
	} parts[] = {
		{ REG_DESC, phys_of(q->desc) },
		{ REG_AVAIL, phys_of(q->avail) },
		{ REG_USED, phys_of(q->used) },
	};

	mmio_write(v->gpa + REG_QUEUE_SELECT, i);
	*ret_max = mmio_read(v->gpa + REG_QUEUE_MAX);
	mmio_write(v->gpa + REG_QUEUE_NUM, q->n);
	for (unsigned j = 0; j < ARRAY_LEN(parts); j++) {
		mmio_write(v->gpa + parts[j].reg, (uint32_t)parts[j].gpa);
		mmio_write(v->gpa + parts[j].reg + 4,
			   (uint32_t)(parts[j].gpa >> 32));
	}
	mmio_write(v->gpa + REG_QUEUE_READY, 1);
}

/* What is needed of the device, asked beforehand. */
static bool ask(struct virtio *v)
{
	unsigned version, low, high;

	mmio_begin();
	version = mmio_read(v->gpa + REG_VERSION);
	mmio_write(v->gpa + REG_DEVICE_SELECT, 1);
	high = mmio_read(v->gpa + REG_DEVICE_FEATURES);
	mmio_write(v->gpa + REG_DEVICE_SELECT, 0);
	low = mmio_read(v->gpa + REG_DEVICE_FEATURES);
	mmio_run();
	v->event_idx = mmio_value(low) & FEATURE_EVENT_IDX;
	return mmio_value(version) == 2 &&
	       (mmio_value(high) & FEATURE_VERSION_1);
}

uint32_t virtio_offers(const struct virtio *v)
{
	unsigned at;

	mmio_begin();
	mmio_write(v->gpa + REG_DEVICE_SELECT, 0);
	at = mmio_read(v->gpa + REG_DEVICE_FEATURES);
	mmio_run();
	return mmio_value(at);
}

bool virtio_start(struct virtio *v, unsigned notify)
{
	uint32_t status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	unsigned at, max[VIRTIO_QUEUES_MAX];

	/* Where a list is one exit, the answers are taken for granted and
	 * checked afterwards. */
	if (!machine.platform && !ask(v))
		return false;
	mmio_begin();
	mmio_write(v->gpa + REG_STATUS, 0);
	mmio_write(v->gpa + REG_STATUS, STATUS_ACKNOWLEDGE);
	mmio_write(v->gpa + REG_STATUS, status);
	mmio_write(v->gpa + REG_DRIVER_SELECT, 0);
	mmio_write(v->gpa + REG_DRIVER_FEATURES,
		   v->features | (v->event_idx ? FEATURE_EVENT_IDX : 0));
	mmio_write(v->gpa + REG_DRIVER_SELECT, 1);
	mmio_write(v->gpa + REG_DRIVER_FEATURES, FEATURE_VERSION_1);
	status |= STATUS_FEATURES_OK;
	mmio_write(v->gpa + REG_STATUS, status);
	at = mmio_read(v->gpa + REG_STATUS);
	for (unsigned i = 0; i < v->n_queues; i++)
		list_queue(v, i, &max[i]);
	mmio_write(v->gpa + REG_STATUS, status | STATUS_DRIVER_OK);
	if (notify < v->n_queues) {
		mmio_write(v->gpa + REG_NOTIFY, notify);
		v->q[notify].announced = v->q[notify].next;
	}
	mmio_run();
	for (unsigned i = 0; i < v->n_queues; i++)
		if (mmio_value(max[i]) < v->q[i].n)
			return false;
	return mmio_value(at) & STATUS_FEATURES_OK;
}

static void offer(struct virtq *q, unsigned index)
{
	q->avail->ring[q->next & (q->n - 1)] = (uint16_t)index;
	q->next++;
	compiler_barrier(); /* x86 keeps the order of stores */
	*(volatile uint16_t *)&q->avail->idx = q->next;
}

void virtq_add(struct virtq *q, unsigned index, gpa_t gpa, uint32_t len,
	       bool device_writes)
{
	q->desc[index] =
		(struct virtq_desc){ gpa, len, device_writes ? DESC_WRITE : 0,
				     0 };
	offer(q, index);
}

void virtq_add_chain(struct virtq *q, unsigned index,
		     const struct virtq_part *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		q->desc[index + i] = (struct virtq_desc){
			parts[i].gpa, parts[i].len,
			(parts[i].device_writes ? DESC_WRITE : 0) |
				(i + 1 < n ? DESC_NEXT : 0),
			(uint16_t)(index + i + 1)
		};
	offer(q, index);
}

static uint16_t used_idx(const struct virtq *q)
{
	uint16_t idx = *(const volatile uint16_t *)&q->used->idx;

	compiler_barrier();
	return idx;
}

void virtio_notify(struct virtio *v, unsigned queue)
{
	struct virtq *q = &v->q[queue];
	uint16_t added = (uint16_t)(q->next - q->announced);
	uint16_t event;

	if (!added)
		return;
	full_barrier(); /* idx is out before the device's wish is read */
	event = *avail_event(q);
	q->silent = v->event_idx
			    ? (uint16_t)(q->next - event - 1) >= added
			    : *(volatile uint16_t *)&q->used->flags &
				      USED_NO_NOTIFY;
	if (!q->silent)
		mmio_write_now(v->gpa + REG_NOTIFY, queue);
	q->announced = q->next;
}

void virtio_insist(struct virtio *v, unsigned queue)
{
	struct virtq *q = &v->q[queue];

	if (q->silent && used_idx(q) != q->next)
		mmio_write_now(v->gpa + REG_NOTIFY, queue);
	q->silent = false;
}

/* virtio 2.7.7: an interrupt for the next entry, or for none. */
static void want_interrupt(struct virtio *v, struct virtq *q, bool want)
{
	volatile uint16_t *event = &q->avail->ring[q->n];

	if (v->event_idx)
		*event = want ? q->seen : (uint16_t)(q->seen - 1);
	else
		*(volatile uint16_t *)&q->avail->flags =
			want ? 0 : AVAIL_NO_INTERRUPT;
}

bool virtq_has_used(const struct virtq *q)
{
	return used_idx(q) != q->seen;
}

bool virtq_pop(struct virtio *v, unsigned queue, unsigned *ret_index,
	       uint32_t *ret_len)
{
	struct virtq *q = &v->q[queue];
	uint16_t slot = q->seen & (q->n - 1);

	if (!virtq_has_used(q))
		return false;
	*ret_index = q->used->ring[slot].id & (q->n - 1u);
	*ret_len = q->used->ring[slot].len;
	q->seen++;
	want_interrupt(v, q, q->waiters);
	if (q->waiters) /* it may be for one of them */
		irq_wake(v->irq_bit);
	return true;
}

/* What the interrupt was for; lets the line go, so that the next one is an
 * edge again. */
void virtio_acknowledge(struct virtio *v)
{
	unsigned isr;

	/* This monitor's lines are pulses: there is nothing to let go, and an
	 * exit is dear. */
	if (v->config_fixed && machine.platform)
		return;
	mmio_begin();
	isr = mmio_read(v->gpa + REG_ISR);
	mmio_write(v->gpa + REG_ISR_ACK, ISR_QUEUE | ISR_CONFIG);
	mmio_run();
	if (mmio_value(isr) & ISR_CONFIG)
		v->config_changed = true;
}

bool virtio_spin(const struct virtio *v, unsigned queue)
{
	const struct virtq *q = &v->q[queue];
	uint64_t end = rdtsc() + clock_tsc_from_ns(SPIN_NS);

	while (!virtq_has_used(q)) {
		if (rdtsc() >= end)
			return false;
		pause();
	}
	return true;
}

static void route(struct virtio *v)
{
	if (v->routed)
		return;
	v->routed = true;
	irq_route(v->gsi, v->irq_bit);
	virtio_acknowledge(v);
}

bool virtio_listen(struct virtio *v, unsigned queue)
{
	struct virtq *q = &v->q[queue];

	route(v);
	want_interrupt(v, q, true);
	full_barrier();
	return virtq_has_used(q) || v->config_changed;
}

void virtio_wait(struct virtio *v, unsigned queue, uint64_t until_ns)
{
	struct virtq *q = &v->q[queue];

	if (sched_others() ? virtq_has_used(q) : virtio_spin(v, queue))
		return;
	route(v);
	if (irq_take(1u << v->irq_bit))
		virtio_acknowledge(v);
	want_interrupt(v, q, true);
	full_barrier();
	q->waiters++;
	if (!virtq_has_used(q) && !v->config_changed)
		irq_wait(v->irq_bit, until_ns);
	q->waiters--;
	want_interrupt(v, q, q->waiters);
}
