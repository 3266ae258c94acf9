/* machine.c: see machine.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/machine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "guest-kit/include/abi/direct.h"
#include "guest-kit/include/abi/startup.h"
#include "kvm/x86_cpuid.h"
#include "loop/loop.h"
#include "virtio/console.h"
#include "vmm/machine_priv.h"

#define CPUID_STACK_LEN ((size_t)32 * 1024)
#define VCPU_STACK_LEN  ((size_t)128 * 1024)

const char *const outcome_names[OUTCOME_REASONS] = {
	"running", "exited",        "power off",     "reset",     "fault",
	"panic",   "cannot run",    "triple fault",  "kvm error", "timeout",
	"killed",  "output closed", "monitor error",
};

static void send_msi(void *ctx, uint64_t address, uint32_t data)
{
	const struct machine *m = ctx;
	int r = vm_signal_msi(&m->vm, address, data);

	if (r)
		log_guest("irq", "message 0x%x to 0x%llx refused: errno %d",
			  data, (unsigned long long)address, -r);
}

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

static int enter(struct machine *m, struct err *err)
{
	const struct boot_entry *e = &m->entry;
	struct vcpu *c = &m->cpu[0].vcpu;
	struct vcpu_linux64 l = { e->rip, e->rsp, e->rsi,
				  e->cr3, e->gdt, e->gdt_limit };
	struct direct_note n;

	_Static_assert(sizeof(n) <= sizeof(e->direct), "direct note");
	switch (e->mode) {
	case BOOT_MODE_PVH:
		return vcpu_enter_pvh(c, e->rip, e->rbx, err);
	case BOOT_MODE_LINUX64:
		return vcpu_enter_linux64(c, &l, err);
	case BOOT_MODE_DIRECT:
		break;
	}
	memcpy(&n, e->direct, sizeof(n));
	return vcpu_enter_direct(c,
				 &(struct vcpu_direct){
					 .rip = n.rip,
					 .rsp = n.rsp,
					 .rdi = e->rdi,
					 .cr3 = n.cr3,
					 .gdt = n.gdt,
					 .idt = n.idt,
					 .tss = n.tss,
					 .star = n.star,
					 .lstar = n.lstar,
					 .fmask = n.fmask,
					 .clock_gpa = n.clock_gpa,
					 .wall_clock_gpa = n.wall_clock_gpa,
					 .tss_limit = n.tss_limit,
					 .gdt_limit = n.gdt_limit,
					 .idt_limit = n.idt_limit,
					 .cs = n.cs,
					 .ss = n.ss,
					 .tr = n.tr,
				 },
				 err);
}

void legacy_init(struct machine *m)
{
	const struct machine_config *cfg = &m->cfg;

	m->legacy_pin = (struct irq_pin){ m, SERIAL_IRQ };
	m->legacy.rtc_on = cfg->legacy & MACHINE_LEGACY_RTC;
	m->legacy.i8042_on = cfg->legacy & MACHINE_LEGACY_I8042;
	m->legacy.serial_on = cfg->legacy & MACHINE_LEGACY_SERIAL;
	m->legacy.serial.loop = cfg->loop;
	m->legacy.serial.irq =
		(struct irq_line){ machine_fire, &m->legacy_pin };
	m->legacy.serial.in_fd = cfg->console_in;
	m->legacy.serial.out_fd = cfg->console_out;
	m->legacy.serial.on_output = machine_note_output;
	m->legacy.serial.on_closed = machine_output_closed;
	m->legacy.serial.filter =
		cfg->filter_input ? machine_filter_input : NULL;
	m->legacy.serial.ctx = m;
}

static int create_vm(struct machine *m, struct err *err)
{
	bool pit = m->cfg.legacy & MACHINE_LEGACY_PIT;
	struct vm_config vm = { pit ? VM_IRQCHIP_FULL : VM_IRQCHIP_SPLIT, pit };
	int r = vm_init(&m->vm, m->cfg.kvm_fd, &vm, &m->mem, err);

	for (unsigned i = 0; i < m->cfg.n_cpus && !r; i++) {
		m->cpu[i].m = m;
		r = vcpu_init(&m->cpu[i].vcpu, &m->vm, i, err);
		if (!r)
			m->n_vcpus++;
	}
	m->mark[MARK_VM] = clock_mono_ns();
	return r;
}

static void *cpuid_thread(void *arg)
{
	struct machine *m = arg;
	int r = cpuid_ask(m->cfg.kvm_fd, m->host_cpuid, &m->cpuid_err);

	CHECK(r == m->cpuid_err.code);
	return NULL;
}

static int load_image(struct machine *m, struct err *err)
{
	struct machine_config *cfg = &m->cfg;

	cfg->boot.n_cpus = cfg->n_cpus;
	cfg->boot.n_devices = devices_count(cfg);
	cfg->boot.legacy_serial = cfg->legacy & MACHINE_LEGACY_SERIAL;
	cfg->boot.legacy_pic = cfg->legacy & MACHINE_LEGACY_PIT;
	cfg->boot.legacy_i8042 = cfg->legacy & MACHINE_LEGACY_I8042;
	cfg->boot.legacy_rtc = cfg->legacy & MACHINE_LEGACY_RTC;
	cfg->boot.startup_flags = cfg->verbose ? STARTUP_VERBOSE : 0;
	return boot_load(&cfg->boot, &m->mem, &m->entry, err);
}

static int prepare(struct machine *m, struct err *err)
{
	int r = create_vm(m, err);

	if (!r)
		r = load_image(m, err);
	if (r)
		return r;
	ioapic_init(&m->ioapic, send_msi, m);
	legacy_init(m);
	return devices_create(m, err);
}

/* docs/adr/0006-ask-for-cpuid-in-a-thread.md */
static int build(struct machine *m, struct err *err)
{
	pthread_attr_t attr;
	pthread_t asker;
	bool beside;
	int r = cpuid_alloc(&m->host_cpuid, err);

	if (r)
		return r;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, CPUID_STACK_LEN);
	beside = !pthread_create(&asker, &attr, cpuid_thread, m);
	(void)pthread_attr_destroy(&attr);
	if (!beside)
		(void)cpuid_thread(m);
	r = prepare(m, err);
	if (beside)
		(void)pthread_join(asker, NULL);
	if (!r && m->cpuid_err.code) {
		*err = m->cpuid_err;
		r = err->code;
	}
	for (unsigned i = 0; i < m->n_vcpus && !r; i++)
		r = vcpu_set_cpuid(&m->cpu[i].vcpu, m->host_cpuid,
				   m->cfg.n_cpus, err);
	if (!r)
		r = enter(m, err);
	m->mark[MARK_IMAGE] = clock_mono_ns();
	return r;
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
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(err, -ENOMEM, "machine");
	m->cfg = *cfg;
	m->vm.fd = -1;
	m->mark[MARK_CREATE] = clock_mono_ns();
	r = gmem_init(&m->mem, cfg->mem_len, err);
	if (!r)
		r = build(m, err);
	if (r) {
		machine_free(m);
		return r;
	}
	*ret_m = m;
	return 0;
}

void machine_end(struct machine *m, const struct outcome *o)
{
	if (m->outcome.reason != OUTCOME_NONE)
		return;
	m->outcome = *o;
	m->mark[MARK_GUEST_EXIT] = clock_mono_ns();
	atomic_store(&m->stop, true);
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
	if (m->entry.kind == BOOT_PROGRAM || !closed)
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
	return console_output_pending(m->console) ||
	       (m->errors && console_output_pending(m->errors)) ||
	       serial_pending(&m->legacy.serial);
}

/* What the guest wrote before its end still goes out. */
static void drain(struct machine *m)
{
	struct loop *l = m->cfg.loop;

	loop_lock(l);
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

	loop_lock(l);
	if (m->legacy.serial_on)
		serial_start(&m->legacy.serial);
	else if (m->cfg.filter_input) /* the escape key always works */
		console_input_start(m->console);
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
	loop_unlock(l);
	if (loop_run(l, NULL, true))
		log_err("loop", "operations in flight at the end");
	for (unsigned i = 0; i < m->n_devs; i++)
		vdev_free(m->dev[i]);
	while (m->n_vcpus > 0)
		vcpu_fini(&m->cpu[--m->n_vcpus].vcpu);
	if (m->vm.fd >= 0)
		vm_fini(&m->vm);
	free(m->host_cpuid);
	gmem_fini(&m->mem);
	free(m);
}
