/* machine_build.c: makes a machine of its configuration, as fast as two CPUs
 * can. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "guest-kit/include/abi/direct.h"
#include "guest-kit/include/abi/startup.h"
#include "kvm/x86_cpuid.h"
#include "vmm/machine_priv.h"

#define CPUID_STACK_LEN ((size_t)32 * 1024)

static void send_msi(void *ctx, uint64_t address, uint32_t data)
{
	const struct machine *m = ctx;
	int r = vm_signal_msi(&m->vm, address, data);

	if (r)
		log_guest("irq", "message 0x%x to 0x%llx refused: errno %d",
			  data, (unsigned long long)address, -r);
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

/* Asks KVM for its CPUID table, and gives it to the vCPUs once they exist. */
static void *cpuid_thread(void *arg)
{
	struct machine *m = arg;
	int r = cpuid_ask(m->cfg.kvm_fd, m->cpuid, &m->cpuid_err);

	while (sem_wait(&m->vcpus_made)) /* EINTR */
		;
	for (unsigned i = 0; i < m->n_vcpus && !r; i++)
		r = vcpu_set_cpuid(&m->cpu[i].vcpu, m->cpuid, m->cfg.n_cpus,
				   &m->cpuid_err);
	CHECK(r == m->cpuid_err.code);
	return NULL;
}

static int load_image(struct machine *m, struct err *err)
{
	struct machine_config *cfg = &m->cfg;
	int r;

	cfg->boot.n_cpus = cfg->n_cpus;
	cfg->boot.n_devices = devices_count(cfg);
	cfg->boot.legacy_serial = cfg->legacy & MACHINE_LEGACY_SERIAL;
	cfg->boot.legacy_pic = cfg->legacy & MACHINE_LEGACY_PIT;
	cfg->boot.legacy_i8042 = cfg->legacy & MACHINE_LEGACY_I8042;
	cfg->boot.legacy_rtc = cfg->legacy & MACHINE_LEGACY_RTC;
	cfg->boot.startup_flags = (cfg->verbose ? STARTUP_VERBOSE : 0) |
				  (cfg->strace ? STARTUP_STRACE : 0) |
				  stops_flags(cfg);
	r = boot_load(&cfg->boot, &m->mem, &m->entry, err);
	if (r == -ENOMEM) /* of the guest's, not the host's */
		r = err->code = -ENOEXEC;
	return r;
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

static int prepare(struct machine *m, struct err *err)
{
	int r = create_vm(m, err);

	(void)sem_post(&m->vcpus_made); /* n_vcpus says how many there are */
	if (!r)
		r = load_image(m, err);
	if (r)
		return r;
	ioapic_init(&m->ioapic, send_msi, m);
	legacy_init(m);
	r = stops_init(m, err);
	return r ? r : devices_create(m, err);
}

/* docs/adr/0006-ask-for-cpuid-in-a-thread.md */
int machine_build(struct machine *m, struct err *err)
{
	pthread_attr_t attr;
	pthread_t asker;
	bool beside;
	int r = cpuid_alloc(&m->cpuid, err);

	if (r)
		return r;
	(void)sem_init(&m->vcpus_made, 0, 0);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, CPUID_STACK_LEN);
	beside = !pthread_create(&asker, &attr, cpuid_thread, m);
	(void)pthread_attr_destroy(&attr);
	r = prepare(m, err);
	if (beside)
		(void)pthread_join(asker, NULL);
	else
		(void)cpuid_thread(m);
	(void)sem_destroy(&m->vcpus_made);
	if (!r && m->cpuid_err.code) {
		*err = m->cpuid_err;
		r = err->code;
	}
	if (!r)
		r = enter(m, err);
	m->mark[MARK_IMAGE] = clock_mono_ns();
	return r;
}
