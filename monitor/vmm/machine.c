/* machine.c: see machine.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/machine.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "virtio/console.h"
#include "vmm/machine_priv.h"

#define VCPU_STACK_LEN ((size_t)128 * 1024)

const char *const outcome_names[OUTCOME_REASONS] = {
	"running", "exited",        "power off",     "reset",     "fault",
	"panic",   "cannot run",    "triple fault",  "kvm error", "timeout",
	"killed",  "output closed", "monitor error",
};

void machine_fire(void *pin)
{
	struct irq_pin *p = pin;
	struct machine *m = p->m;
	int r;

	if (m->vm.irqchip == VM_IRQCHIP_SPLIT) {
		ioapic_pulse(&m->ioapic, p->gsi);
		return;
	}
	r = vm_irq_pulse(&m->vm, p->gsi);
	if (r)
		log_err("irq", "GSI %u: errno %d", p->gsi, -r);
}

int machine_open_kvm(struct err *err)
{
	return kvm_open(err);
}

int machine_new(const struct machine_config *cfg, struct machine **ret_m,
		struct err *err)
{
	struct machine *m;
	int r;

	CHECK(cfg->n_cpus >= 1 && cfg->n_cpus <= BOOT_CPUS_MAX);
	CHECK(cfg->n_disks <= MACHINE_DISKS_MAX);
	CHECK(cfg->n_nets <= MACHINE_NETS_MAX);
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(err, -ENOMEM, "machine");
	m->cfg = *cfg;
	m->vm.fd = -1;
	m->mark[MARK_CREATE] = clock_mono_ns();
	r = gmem_init(&m->mem, cfg->mem_len, err);
	if (!r && gmem_set_huge(&m->mem, cfg->huge_pages) && cfg->huge_pages)
		r = err_set(err, -EINVAL, "huge pages: this kernel has none");
	if (!r)
		r = machine_build(m, err);
	if (r) {
		machine_free(m);
		return r;
	}
	*ret_m = m;
	return 0;
}

/* Looking takes a CPU that the vCPUs have no use for. */
static void prepare_lookout(struct machine *m)
{
	cpu_set_t set;
	unsigned n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	m->lookout.need = n > m->n_vcpus ? LOOKOUT_KICKS : 0;
	m->lookout.tight = n == m->n_vcpus + 1;
}

void machine_end(struct machine *m, const struct outcome *o)
{
	if (m->outcome.reason != OUTCOME_NONE)
		return;
	m->outcome = *o;
	m->mark[MARK_GUEST_EXIT] = clock_mono_ns();
	atomic_store(&m->stop, true);
	stops_end(m);
	loop_wake(m->cfg.loop);
}

void machine_kill(struct machine *m, int reason, int sig)
{
	struct outcome o = { .reason = (enum outcome_reason)reason,
			     .signal = sig,
			     .status = reason == OUTCOME_TIMEOUT
					       ? STATUS_TIMEOUT
				       : reason == OUTCOME_KILLED
					       ? STATUS_SIGNAL + sig
					       : STATUS_ERROR };

	if (m->outcome.reason != OUTCOME_NONE || reason != OUTCOME_TIMEOUT) {
		m->abandon = true;
		atomic_store(&m->progress, true);
		loop_wake(m->cfg.loop);
	}
	machine_end(m, &o);
}

void machine_note_output(void *ctx, const uint8_t *bytes, size_t n)
{
	struct machine *m = ctx;

	if (n > 0 && !m->mark[MARK_FIRST_BYTE])
		m->mark[MARK_FIRST_BYTE] = clock_mono_ns();
	if (n > MACHINE_TAIL_LEN) {
		bytes += n - MACHINE_TAIL_LEN;
		n = MACHINE_TAIL_LEN;
	}
	for (size_t i = 0; i < n; i++)
		m->tail[m->tail_n++ % MACHINE_TAIL_LEN] = bytes[i];
	atomic_store(&m->progress, true);
}

void machine_output_closed(void *ctx, int error)
{
	struct machine *m = ctx;
	struct outcome o = { .reason = OUTCOME_OUTPUT_CLOSED,
			     .signal = SIGPIPE,
			     .status = STATUS_SIGNAL + SIGPIPE };
	bool closed = error == -EPIPE || error == -ECONNRESET;

	atomic_store(&m->progress, true);

	if (!closed) {
		o = (struct outcome){ .reason = OUTCOME_MONITOR_ERROR,
				      .status = STATUS_ERROR };
		(void)err_set(&o.err, error, "console output");
	}
	/* a program ends as it would at a shell; a kernel goes on unheard */
	if (machine_takes_arguments(m) || !closed)
		machine_end(m, &o);
	else
		log_warn("console", "nobody reads the output any more");
}

size_t machine_filter_input(void *ctx, uint8_t *bytes, size_t n)
{
	struct machine *m = ctx;

	return m->cfg.filter_input(m->cfg.filter_ctx, bytes, n);
}

static bool output_pending(const struct machine *m)
{
	return stops_pending(m) || console_output_pending(m->console) ||
	       (m->errors && console_output_pending(m->errors)) ||
	       serial_pending(&m->legacy.serial);
}

/* What the guest wrote before its end still goes out. */
static void drain(struct machine *m)
{
	struct loop *l = m->cfg.loop;

	loop_lock(l);
	stops_say_end(m);
	vdev_notify(m->console, CONSOLE_TX); /* a kick may be missing */
	if (m->errors)
		vdev_notify(m->errors, CONSOLE_TX);
	while (!m->abandon && output_pending(m)) {
		int r;

		atomic_store(&m->progress, false);
		loop_unlock(l);
		r = loop_run(l, &m->progress, false);
		loop_lock(l);
		if (r) {
			log_err("loop", "errno %d: output is lost", -r);
			break;
		}
	}
	m->mark[MARK_DRAINED] = clock_mono_ns();
	loop_unlock(l);
}

static int start_vcpus(struct machine *m, struct outcome *o)
{
	pthread_attr_t attr;
	int r = 0;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, VCPU_STACK_LEN);
	for (unsigned i = 0; i < m->n_vcpus && !r; i++) {
		struct vcpu_thread *t = &m->cpu[i];

		r = pthread_create(&t->thread, &attr, vcpu_thread_main, t);
		t->started = !r;
	}
	(void)pthread_attr_destroy(&attr);
	if (r) {
		*o = (struct outcome){ .reason = OUTCOME_MONITOR_ERROR,
				       .status = STATUS_ERROR };
		(void)err_set(&o->err, -r, "start a vCPU thread");
	}
	return r;
}

void machine_run(struct machine *m, struct outcome *ret_outcome)
{
	struct loop *l = m->cfg.loop;
	struct outcome o;
	int r;

	loop_set_look(l, bus_look, m);
	loop_lock(l);
	if (m->legacy.serial_on)
		serial_start(&m->legacy.serial);
	else if (m->cfg.filter_input) /* the escape key always works */
		console_input_start(m->console);
	prepare_lookout(m);
	m->mark[MARK_RUN] = clock_mono_ns();
	if (start_vcpus(m, &o))
		machine_end(m, &o);
	loop_unlock(l);

	r = loop_run(l, &m->stop, false);
	if (r) {
		o = (struct outcome){ .reason = OUTCOME_MONITOR_ERROR,
				      .status = STATUS_ERROR };
		(void)err_set(&o.err, r, "event loop");
		loop_lock(l);
		machine_end(m, &o);
		loop_unlock(l);
	}
	for (unsigned i = 0; i < m->n_vcpus; i++)
		if (m->cpu[i].started)
			vcpu_kick(&m->cpu[i].vcpu, m->cpu[i].thread);
	for (unsigned i = 0; i < m->n_vcpus; i++)
		if (m->cpu[i].started)
			(void)pthread_join(m->cpu[i].thread, NULL);
	drain(m);
	*ret_outcome = m->outcome;
}

void machine_resize(struct machine *m, uint16_t cols, uint16_t rows)
{
	console_resize(m->console, cols, rows);
}

const uint64_t *machine_marks(const struct machine *m)
{
	return m->mark;
}

uint64_t machine_exits(const struct machine *m, unsigned kind)
{
	uint64_t sum = 0;

	CHECK(kind < VCPU_EXIT_KINDS);
	for (unsigned i = 0; i < m->n_vcpus; i++)
		sum += m->cpu[i].exits[kind];
	return sum;
}

bool machine_takes_arguments(const struct machine *m)
{
	return m->entry.kind == BOOT_PROGRAM ||
	       m->entry.mode == BOOT_MODE_DIRECT;
}

enum boot_kind machine_kind(const struct machine *m)
{
	return m->entry.kind;
}

size_t machine_tail(const struct machine *m, uint8_t *buf)
{
	uint64_t at =
		m->tail_n > MACHINE_TAIL_LEN ? m->tail_n - MACHINE_TAIL_LEN : 0;
	size_t n = 0;

	while (at < m->tail_n)
		buf[n++] = m->tail[at++ % MACHINE_TAIL_LEN];
	return n;
}

void machine_free(struct machine *m)
{
	struct loop *l = m->cfg.loop;

	loop_lock(l);
	for (unsigned i = 0; i < m->n_devs; i++)
		vdev_shutdown(m->dev[i]);
	serial_stop(&m->legacy.serial);
	stops_shutdown(m);
	loop_unlock(l);
	if (loop_run(l, NULL, true))
		log_err("loop", "operations in flight at the end");
	loop_set_look(l, NULL, NULL);
	stops_fini(m);
	for (unsigned i = 0; i < m->n_devs; i++)
		vdev_free(m->dev[i]);
	while (m->n_vcpus > 0)
		vcpu_fini(&m->cpu[--m->n_vcpus].vcpu);
	if (m->vm.fd >= 0)
		vm_fini(&m->vm);
	free(m->cpuid);
	gmem_fini(&m->mem);
	free(m);
}
