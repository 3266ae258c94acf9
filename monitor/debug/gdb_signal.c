/* gdb_signal.c: signals by the protocol's numbers, which are no system's own
 * (GDB manual, "Stop Reply Packets"; include/gdb/signals.def of GDB names
 * them). */
/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "base/attr.h"
#include "debug/gdb_priv.h"

#define GDB_SIGNAL_UNKNOWN 143u
#define GDB_SIGNAL_RT33    45u /* 33 .. 63 in a row */
#define GDB_SIGNAL_RT32    77u
#define GDB_SIGNAL_RT64    78u

/* Linux's number to gdb's */
static const uint8_t numbers[] = {
	[SIGHUP] = 1,     [SIGINT] = 2,   [SIGQUIT] = 3,   [SIGILL] = 4,
	[SIGTRAP] = 5,    [SIGABRT] = 6,  [SIGBUS] = 10,   [SIGFPE] = 8,
	[SIGKILL] = 9,    [SIGUSR1] = 30, [SIGSEGV] = 11,  [SIGUSR2] = 31,
	[SIGPIPE] = 13,   [SIGALRM] = 14, [SIGTERM] = 15,  [SIGCHLD] = 20,
	[SIGCONT] = 19,   [SIGSTOP] = 17, [SIGTSTP] = 18,  [SIGTTIN] = 21,
	[SIGTTOU] = 22,   [SIGURG] = 16,  [SIGXCPU] = 24,  [SIGXFSZ] = 25,
	[SIGVTALRM] = 26, [SIGPROF] = 27, [SIGWINCH] = 28, [SIGIO] = 23,
	[SIGPWR] = 32,    [SIGSYS] = 12,
};

/* 0 stays 0. */
unsigned gdb_signal_from_linux(unsigned n)
{
	if (n == 32)
		return GDB_SIGNAL_RT32;
	if (n == 64)
		return GDB_SIGNAL_RT64;
	if (n > 32 && n < 64)
		return GDB_SIGNAL_RT33 + n - 33;
	if (n == 0 || (n < ARRAY_SIZE(numbers) && numbers[n]))
		return n ? numbers[n] : 0;
	return GDB_SIGNAL_UNKNOWN;
}

/* 0 for what Linux does not have. */
unsigned gdb_signal_to_linux(unsigned n)
{
	for (unsigned i = 1; i <= 64; i++)
		if (gdb_signal_from_linux(i) == n && n != GDB_SIGNAL_UNKNOWN)
			return i;
	return 0;
}
