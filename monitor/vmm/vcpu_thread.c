/* vcpu_thread.c: runs one vCPU until the machine stops. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/err.h"
#include "loop/loop.h"
#include "vmm/machine_priv.h"

/* The guest cannot go on: keep what explains it. */
static void end_by_exit(struct vcpu_thread *t, const struct vcpu_exit *x)
{
	struct outcome o = { .cpu = t->vcpu.id, .exit = *x };

	if (x->kind == VCPU_EXIT_RESET) {
		o.reason = OUTCOME_RESET;
		o.status = STATUS_RESET;
	} else if (x->kind == VCPU_EXIT_OFF) {
		o.reason = OUTCOME_POWER_OFF;
	} else {
		bool triple = x->kind == VCPU_EXIT_SHUTDOWN;

		o.reason = triple ? OUTCOME_TRIPLE_FAULT : OUTCOME_KVM_ERROR;
		o.status = triple ? STATUS_TRIPLE_FAULT : STATUS_KVM_ERROR;
		o.has_dump = vcpu_dump(&t->vcpu, &t->m->mem, &o.dump) == 0;
	}
	loop_lock(t->m->cfg.loop);
	machine_end(t->m, &o);
	loop_unlock(t->m->cfg.loop);
}

static void end_by_error(struct vcpu_thread *t, int code)
{
	struct outcome o = { .reason = OUTCOME_MONITOR_ERROR,
			     .status = STATUS_ERROR,
			     .cpu = t->vcpu.id };

	(void)err_set(&o.err, code, "run vCPU %u", t->vcpu.id);
	loop_lock(t->m->cfg.loop);
	machine_end(t->m, &o);
	loop_unlock(t->m->cfg.loop);
}

/* False when this vCPU is done. */
static bool handle(struct vcpu_thread *t, const struct vcpu_exit *x)
{
	struct loop *l = t->m->cfg.loop;

	switch (x->kind) {
	case VCPU_EXIT_INTR:
	case VCPU_EXIT_EOI:
	case VCPU_EXIT_HLT: /* the kernel waits in it; nothing to do */
		return true;
	case VCPU_EXIT_MMIO:
		loop_lock(l);
		bus_mmio(t, x);
		loop_unlock(l);
		if (t->stopped)
			stops_serve(t);
		return true;
	case VCPU_EXIT_PIO:
		loop_lock(l);
		bus_pio(t, x);
		loop_unlock(l);
		return true;
	case VCPU_EXIT_SHUTDOWN:
	case VCPU_EXIT_INTERNAL:
	case VCPU_EXIT_ENTRY:
	case VCPU_EXIT_RESET:
	case VCPU_EXIT_OFF:
	case VCPU_EXIT_UNKNOWN:
	case VCPU_EXIT_KINDS:
		break;
	}
	end_by_exit(t, x);
	return false;
}

void *vcpu_thread_main(void *arg)
{
	struct vcpu_thread *t = arg;
	struct vcpu_exit x;

	while (!atomic_load_explicit(&t->m->stop, memory_order_acquire)) {
		int r = vcpu_run(&t->vcpu, &x);

		if (r) {
			end_by_error(t, r);
			break;
		}
		t->exits[x.kind]++;
		if (!handle(t, &x))
			break;
	}
	return NULL;
}
