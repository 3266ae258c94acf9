/* signal.h: signal numbers and the calls about them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_SIGNAL_H
#define LINUX_SIGNAL_H

enum {
	LINUX_SIGILL = 4,
	LINUX_SIGTRAP = 5,
	LINUX_SIGABRT = 6,
	LINUX_SIGBUS = 7,
	LINUX_SIGFPE = 8,
	LINUX_SIGKILL = 9,
	LINUX_SIGSEGV = 11,
	LINUX_SIGPIPE = 13,
	LINUX_SIGCHLD = 17,
	LINUX_SIGCONT = 18,
	LINUX_SIGSTOP = 19,
	LINUX_SIGURG = 23,
	LINUX_SIGWINCH = 28,
	LINUX_SIGNALS = 64,
};

/* "SIGSEGV", or "signal". */
const char *signal_name(unsigned signal);

#endif
