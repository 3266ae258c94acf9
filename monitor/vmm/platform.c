/* platform.c: the platform page: guest-kit/include/abi/platform.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "virtio/mmio.h"
#include "vmm/machine_priv.h"

_Static_assert(PLATFORM_GPA == LAYOUT_PLATFORM, "one platform page");
_Static_assert(PLATFORM_REGS == VCPU_N_REGS, "one register order");

void platform_read(struct machine *m, unsigned off, void *buf, unsigned n)
{
	static const uint32_t id[2] = { PLATFORM_MAGIC, PLATFORM_ABI_VERSION };

	(void)m;
	memset(buf, 0, n);
	if (off < sizeof(id) && n <= sizeof(id) - off)
		memcpy(buf, (const uint8_t *)id + off, n);
}

/* Host time of a guest time stamp, by two readings of both clocks' now. */
static uint64_t host_time(uint64_t tsc, uint64_t tsc_now, uint64_t now_ns,
			  uint64_t khz)
{
	if (tsc == 0 || tsc > tsc_now || khz == 0)
		return 0;
	return now_ns -
	       (uint64_t)((unsigned __int128)(tsc_now - tsc) * 1000000 / khz);
}

static void note_times(struct vcpu_thread *t, const struct platform_report *r)
{
	struct machine *m = t->m;
	uint64_t now = clock_mono_ns(), tsc;

	if (!m->cfg.trace || vcpu_tsc(&t->vcpu, &tsc))
		return;
	m->mark[MARK_GUEST_ENTRY] =
		host_time(r->tsc_entry, tsc, now, vcpu_tsc_khz(&t->vcpu));
	m->mark[MARK_GUEST_MAIN] =
		host_time(r->tsc_main, tsc, now, vcpu_tsc_khz(&t->vcpu));
}

static void end_by_report(struct vcpu_thread *t, gpa_t gpa)
{
	struct outcome o = { .cpu = t->vcpu.id, .has_report = true };
	struct platform_report *r = &o.report;

	if (gmem_read(&t->m->mem, gpa, r, sizeof(*r)) || r->len != sizeof(*r)) {
		log_guest("platform", "bad report at 0x%llx",
			  (unsigned long long)gpa);
		return;
	}
	r->text[sizeof(r->text) - 1] = '\0';
	for (char *p = r->text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	o.status = (int)(r->status & 0xff);
	switch (r->kind) {
	case PLATFORM_REPORT_EXITED:
		o.reason = OUTCOME_EXITED;
		break;
	case PLATFORM_REPORT_SIGNAL:
		o.reason = OUTCOME_FAULT;
		o.signal = (int)(r->signal & 0x7f);
		o.status = STATUS_SIGNAL + o.signal;
		break;
	case PLATFORM_REPORT_NOEXEC:
		o.reason = OUTCOME_NOEXEC;
		o.status = STATUS_NOEXEC;
		break;
	default:
		o.reason = OUTCOME_PANIC;
		o.status = STATUS_PANIC;
		break;
	}
	note_times(t, r);
	machine_end(t->m, &o);
}

static void batch_access(struct machine *m, struct platform_batch_op *op)
{
	uint64_t dev = (uint64_t)op->gpa - LAYOUT_VIRTIO_BASE;
	uint64_t off = dev % LAYOUT_VIRTIO_LEN;

	if (op->gpa >= LAYOUT_VIRTIO_BASE &&
	    dev < m->n_devs * LAYOUT_VIRTIO_LEN && off % 4 == 0) {
		struct vdev *v = m->dev[dev / LAYOUT_VIRTIO_LEN];

		if (op->flags & PLATFORM_BATCH_WRITE) {
			bus_write_device(m, v, (unsigned)off, &op->value, 4);
		} else {
			mmio_read(v, (unsigned)off, &op->value, 4);
		}
	} else if (!(op->flags & PLATFORM_BATCH_WRITE)) {
		op->value = 0;
		if (op->gpa == PLATFORM_GPA || op->gpa == PLATFORM_GPA + 4)
			platform_read(m, op->gpa - PLATFORM_GPA, &op->value, 4);
	}
}

static void run_batch(struct vcpu_thread *t, gpa_t gpa)
{
	const struct gmem *mem = &t->m->mem;
	struct platform_batch_op op[PLATFORM_BATCH_MAX];
	gpa_t ops = gpa + offsetof(struct platform_batch, op);
	uint32_t n;
	int r;

	if (gmem_read(mem, gpa, &n, sizeof(n)) || n == 0 ||
	    n > ARRAY_SIZE(op) || gmem_read(mem, ops, op, n * sizeof(op[0]))) {
		log_guest("platform", "bad batch at 0x%llx",
			  (unsigned long long)gpa);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		batch_access(t->m, &op[i]);
	/* the same range was just read, so it is there */
	r = gmem_write(mem, ops, op, n * sizeof(op[0]));
	CHECK(r == 0);
}

void platform_write(struct vcpu_thread *t, unsigned off, const void *buf,
		    unsigned n)
{
	struct outcome o = { .cpu = t->vcpu.id };
	uint64_t v = 0;

	memcpy(&v, buf, n);
	if (off == PLATFORM_REG_EXIT && n == 4) {
		o.reason = OUTCOME_EXITED;
		o.status = (int)(v & 0xff);
	} else if (off == PLATFORM_REG_SLEEP && n == 1 &&
		   v == PLATFORM_SLEEP_OFF) {
		o.reason = OUTCOME_POWER_OFF;
	} else if (off == PLATFORM_REG_RESET && n == 1 &&
		   v == PLATFORM_RESET_VALUE) {
		o.reason = OUTCOME_RESET;
		o.status = STATUS_RESET;
	} else if (off == PLATFORM_REG_REPORT && n == 8) {
		end_by_report(t, v);
		return;
	} else if (off == PLATFORM_REG_BATCH && n == 8) {
		run_batch(t, v);
		return;
	} else if (off == PLATFORM_REG_STOP && n == 8) {
		stops_note(t, v);
		return;
	} else if (off == PLATFORM_REG_SLEEP_STATUS && n == 1) {
		return; /* Linux clears the status before it sleeps */
	} else {
		log_guest("platform", "write of %u bytes at 0x%x ignored", n,
			  off);
		return;
	}
	machine_end(t->m, &o);
}
