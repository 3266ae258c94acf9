/* report.c: the end of a guest in words, and the timeline. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "vmm/machine.h"
#include "vmm/outcome.h"

/* AMD-V leaves a CPU after a triple fault as a reset would. */
#define RIP       16 /* in vcpu_reg_names */
#define RESET_RIP 0xfff0
#define RESET_CS  0xf000

static void print_dump(const struct vcpu_dump *d)
{
	for (unsigned i = 0; i < VCPU_N_REGS; i++)
		(void)fprintf(stderr, "  %-6s %016" PRIx64 "%s",
			      vcpu_reg_names[i], d->reg[i],
			      i % 3 == 2 ? "\n" : "");
	(void)fprintf(stderr,
		      "  cr0    %016" PRIx64 "  cr2    %016" PRIx64
		      "  cr3    %016" PRIx64 "\n"
		      "  cr4    %016" PRIx64 "  efer   %016" PRIx64
		      "  cs %04x ss %04x ring %u\n",
		      d->cr0, d->cr2, d->cr3, d->cr4, d->efer, d->cs, d->ss,
		      d->cpl);
	if (d->reg[RIP] == RESET_RIP && d->cs == RESET_CS)
		(void)fprintf(stderr, "  (this CPU forgets: these are the "
				      "values of a reset)\n");
	(void)fprintf(stderr, "  code at rip:");
	for (unsigned i = 0; i < d->n_bytes; i++)
		(void)fprintf(stderr, " %02x", d->bytes[i]);
	(void)fprintf(stderr, d->n_bytes ? "\n" : " not readable\n");
}

static void print_kvm_error(const struct outcome *o)
{
	const char *why = "KVM does not say more";

	if (o->exit.kind == VCPU_EXIT_INTERNAL && o->exit.detail[0] == 1)
		why = "KVM could not emulate the instruction at rip";
	else if (o->exit.kind == VCPU_EXIT_INTERNAL)
		why = "an internal error of KVM";
	else if (o->exit.kind == VCPU_EXIT_ENTRY)
		why = "the CPU refuses the guest's state";
	else if (o->exit.kind == VCPU_EXIT_UNKNOWN && o->exit.detail[0])
		why = "guest memory could not be had, or an unknown exit";
	(void)fprintf(stderr,
		      "mayfly: KVM could not go on with the guest (vCPU %u, "
		      "exit %u, detail 0x%" PRIx64 "): %s\n",
		      o->cpu, o->exit.reason, o->exit.detail[0], why);
}

void report_end(const struct report *r)
{
	const struct outcome *o = r->outcome;

	switch (o->reason) {
	case OUTCOME_TRIPLE_FAULT:
		(void)fprintf(stderr,
			      "mayfly: the guest ended in a triple fault "
			      "(vCPU %u): an exception that its own handlers "
			      "could not take\n",
			      o->cpu);
		break;
	case OUTCOME_KVM_ERROR:
		print_kvm_error(o);
		break;
	case OUTCOME_PANIC:
		(void)fprintf(stderr, "mayfly: guest kernel panic: %s\n",
			      o->report.text);
		break;
	case OUTCOME_NOEXEC:
		(void)fprintf(stderr, "mayfly: %s: cannot run: %s\n", r->image,
			      o->report.text);
		break;
	case OUTCOME_TIMEOUT:
		(void)fprintf(stderr, "mayfly: the guest ran into --timeout\n");
		break;
	case OUTCOME_MONITOR_ERROR:
		(void)fprintf(stderr, "mayfly: %s: %s\n", o->err.msg,
			      strerror(-o->err.code));
		break;
	case OUTCOME_NONE:
	case OUTCOME_EXITED:
	case OUTCOME_POWER_OFF:
	case OUTCOME_RESET:
	case OUTCOME_FAULT: /* the guest kernel printed its page */
	case OUTCOME_KILLED:
	case OUTCOME_OUTPUT_CLOSED:
	case OUTCOME_REASONS:
		break;
	}
	if (o->has_dump)
		print_dump(&o->dump);
}

void report_trace(const struct report *r)
{
	static const struct {
		enum machine_mark mark;
		const char *what;
	} rows[] = {
		{ MARK_CREATE, "set-up done" },
		{ MARK_VM, "VM created" },
		{ MARK_IMAGE, "image loaded" },
		{ MARK_RUN, "guest started" },
		{ MARK_GUEST_ENTRY, "first guest instruction" },
		{ MARK_GUEST_MAIN, "guest main" },
		{ MARK_FIRST_BYTE, "first console byte" },
		{ MARK_GUEST_EXIT, "guest exit" },
		{ MARK_DRAINED, "console drained" },
	};
	const uint64_t *mark = machine_marks(r->machine);
	uint64_t last = r->start_ns;

	(void)fprintf(stderr, "trace: %9s %9s\n", "us", "+us");
	(void)fprintf(stderr, "trace: %9u %9u  process start\n", 0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t t = mark[rows[i].mark];

		if (t < r->start_ns) /* it did not happen */
			continue;
		(void)fprintf(stderr, "trace: %9.1f %9.1f  %s\n",
			      (double)(t - r->start_ns) / 1e3,
			      ((double)t - (double)last) / 1e3, rows[i].what);
		last = t;
	}
	(void)fprintf(stderr, "trace: %9.1f %9.1f  process exit\n",
		      (double)(clock_mono_ns() - r->start_ns) / 1e3,
		      (double)(clock_mono_ns() - last) / 1e3);
}

void report_failed(const struct err *err)
{
	/* codes that the message already explains */
	static const int told[] = { EINVAL, ENOEXEC, E2BIG, ERANGE, ENODATA };

	for (unsigned i = 0; i < ARRAY_SIZE(told); i++)
		if (-err->code == told[i]) {
			(void)fprintf(stderr, "mayfly: %s\n", err->msg);
			return;
		}
	(void)fprintf(stderr, "mayfly: %s: %s\n", err->msg,
		      strerror(-err->code));
}
