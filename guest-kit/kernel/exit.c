/* exit.c: the report to the monitor, and what else can end a machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/exit.h"

#include "abi/platform.h"
#include "drivers/console.h"
#include "kernel/cpu.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "lib/format.h"
#include "lib/string.h"

static struct platform_report report;
static bool ending;

void machine_mark_main(void)
{
	report.tsc_main = rdtsc();
}

static NORETURN void end(unsigned kind, unsigned exit_code)
{
	if (!ending) {
		ending = true;
		sched_alone();
		console_flush(kind == PLATFORM_REPORT_PANIC);
	}
	report.len = sizeof(report);
	report.kind = kind;
	report.tsc_entry = machine.tsc_entry;
	compiler_barrier();
	if (machine.platform)
		*(volatile uint64_t *)phys_ptr(machine.platform +
					       PLATFORM_REG_REPORT) =
			phys_of(&report);
	if (machine.exit_port)
		outl(machine.exit_port, exit_code);
	for (;;)
		kit_service(0, 0, SVC_RESET);
}

void machine_exit(unsigned status)
{
	report.status = status & 0xff;
	end(PLATFORM_REPORT_EXITED, status & 0xff);
}

void machine_signal(unsigned signal, uint64_t fault_gva, const struct regs *r,
		    const char *text)
{
	report.signal = signal;
	report.status = 128 + signal;
	report.fault_gva = fault_gva;
	if (r) {
		const uint64_t regs[PLATFORM_REGS] = {
			r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi,
			r->rbp, r->rsp, r->r8,  r->r9,  r->r10, r->r11,
			r->r12, r->r13, r->r14, r->r15, r->rip, r->rflags,
		};

		memcpy(report.regs, regs, sizeof(regs));
	}
	str_copy(report.text, text, sizeof(report.text));
	end(PLATFORM_REPORT_SIGNAL, 128 + signal);
}

/* A monitor that takes reports tells its user itself. */
static void say(const char *who)
{
	if (machine.platform || ending)
		return;
	console_print(who);
	console_print(report.text);
	console_print("\n");
}

void machine_noexec(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)format_v(report.text, sizeof(report.text), fmt, ap);
	va_end(ap);
	report.status = 126;
	say("mayfly kit: cannot run the program: ");
	end(PLATFORM_REPORT_NOEXEC, 126);
}

void machine_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)format_v(report.text, sizeof(report.text), fmt, ap);
	va_end(ap);
	report.status = 125;
	say("mayfly kit: panic: ");
	end(PLATFORM_REPORT_PANIC, 125);
}
