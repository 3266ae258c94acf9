/* sys_signal.c: signals are recorded, and end the program where nothing else
 * was asked for; handlers are not called in this version. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "kernel/debug.h"
#include "kernel/fault.h"
#include "kernel/irq.h"
#include "kernel/machine.h"
#include "kernel/vm.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/process.h"
#include "linux/signal.h"

#define SIG_DFL 0
#define SIG_IGN 1

struct sigaction {
	uint64_t handler, flags, restorer, mask;
};

#define SS_DISABLE 2u

static LARGE struct sigaction actions[LINUX_SIGNALS];
static uint64_t blocked;
static struct altstack altstack = { .flags = SS_DISABLE };

const char *signal_name(unsigned signal)
{
	static const char names[][10] = {
		"signal",  "SIGHUP",  "SIGINT",  "SIGQUIT",
		"SIGILL",  "SIGTRAP", "SIGABRT", "SIGBUS",
		"SIGFPE",  "SIGKILL", "SIGUSR1", "SIGSEGV",
		"SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM",
	};

	return names[signal < ARRAY_LEN(names) ? signal : 0];
}

static bool ignored_by_default(unsigned signal)
{
	return signal == LINUX_SIGCHLD || signal == LINUX_SIGCONT ||
	       signal == LINUX_SIGURG || signal == LINUX_SIGWINCH;
}

/* The program sends itself a signal. */
static int64_t raise_signal(struct regs *r, uint64_t number)
{
	uint32_t signal = (uint32_t)number;
	uint64_t handler;
	char text[80];

	if (signal > LINUX_SIGNALS)
		return -LINUX_EINVAL;
	if (!signal)
		return 0;
	handler = actions[signal - 1].handler;
	if (signal == LINUX_SIGKILL || signal == LINUX_SIGSTOP)
		handler = SIG_DFL;
	if (handler == SIG_IGN ||
	    (handler == SIG_DFL && ignored_by_default(signal)))
		return 0;
	if (handler == SIG_DFL) {
		signal = debug_signal(r, signal, NULL);
		if (signal)
			fault_die(r, signal, "sent by the program itself",
				  FAULT_NOWHERE, NULL);
		return 0;
	}
	if (machine.verbose) {
		format(text, sizeof(text),
		       "mayfly: handler of signal %u not called\n", signal);
		console_print(text);
		console_push(CONSOLE_ERR);
	}
	return 0;
}

static bool is_self(uint64_t pid)
{
	int32_t n = (int32_t)pid;

	return n == PROCESS_PID || n == 0 || n == -1; /* 1: also the group */
}

int64_t sys_kill(struct regs *r)
{
	return is_self(ARG1(r)) ? raise_signal(r, ARG2(r)) : -LINUX_ESRCH;
}

int64_t sys_tkill(struct regs *r)
{
	return is_self(ARG1(r)) ? raise_signal(r, ARG2(r)) : -LINUX_ESRCH;
}

int64_t sys_tgkill(struct regs *r)
{
	return is_self(ARG2(r)) ? raise_signal(r, ARG3(r)) : -LINUX_ESRCH;
}

int64_t sys_rt_sigaction(struct regs *r)
{
	uint32_t signal = (uint32_t)ARG1(r);
	struct sigaction old;

	if (!signal || signal > LINUX_SIGNALS || ARG4(r) != 8)
		return -LINUX_EINVAL;
	if (ARG2(r) && (signal == LINUX_SIGKILL || signal == LINUX_SIGSTOP))
		return -LINUX_EINVAL;
	old = actions[signal - 1];
	if ((ARG2(r) && !vm_user_ok(ARG2(r), sizeof(old), VM_READ)) ||
	    (ARG3(r) && !vm_user_ok(ARG3(r), sizeof(old), VM_WRITE)))
		return -LINUX_EFAULT;
	if (ARG2(r))
		memcpy(&actions[signal - 1], user_ptr(ARG2(r)), sizeof(old));
	if (ARG3(r))
		memcpy(user_ptr(ARG3(r)), &old, sizeof(old));
	return 0;
}

int64_t sys_rt_sigprocmask(struct regs *r)
{
	uint64_t old = blocked, set;

	if (ARG4(r) != 8)
		return -LINUX_EINVAL;
	if (ARG2(r)) {
		if (!vm_user_ok(ARG2(r), 8, VM_READ))
			return -LINUX_EFAULT;
		set = *(const uint64_t *)user_ptr(ARG2(r));
		switch ((uint32_t)ARG1(r)) {
		case 0:
			blocked |= set;
			break;
		case 1:
			blocked &= ~set;
			break;
		case 2:
			blocked = set;
			break;
		default:
			return -LINUX_EINVAL;
		}
	}
	if (ARG3(r)) {
		if (!vm_user_ok(ARG3(r), 8, VM_WRITE))
			return -LINUX_EFAULT;
		*(uint64_t *)user_ptr(ARG3(r)) = old;
	}
	return 0;
}

int64_t sys_sigaltstack(struct regs *r)
{
	const struct altstack old = altstack;

	if ((ARG1(r) && !vm_user_ok(ARG1(r), sizeof(old), VM_READ)) ||
	    (ARG2(r) && !vm_user_ok(ARG2(r), sizeof(old), VM_WRITE)))
		return -LINUX_EFAULT;
	if (ARG1(r))
		memcpy(&altstack, user_ptr(ARG1(r)), sizeof(altstack));
	if (ARG2(r))
		memcpy(user_ptr(ARG2(r)), &old, sizeof(old));
	return 0;
}

int64_t sys_pause(struct regs *r)
{
	(void)r;
	for (;;) { /* no signal will come */
		(void)irq_take(~0u);
		irq_halt(0);
	}
}
