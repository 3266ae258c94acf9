/* tty.c: see tty.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tty.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/attr.h"

static struct termios saved;
static int saved_fd = -1;

void tty_restore(void)
{
	int fd = saved_fd;

	saved_fd = -1;
	if (fd >= 0)
		(void)tcsetattr(fd, TCSANOW, &saved);
}

bool tty_is_raw(void)
{
	return saved_fd >= 0;
}

/* tcsetattr, signal and raise are async-signal-safe. */
static void on_fatal(int sig)
{
	tty_restore();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

void tty_raw(int fd)
{
	static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS,
				     SIGILL,  SIGFPE,  SIGQUIT };
	static bool at_exit;
	struct termios t;

	if (tcgetattr(fd, &t))
		return;
	saved = t;
	saved_fd = fd;
	if (!at_exit)
		(void)atexit(tty_restore);
	at_exit = true;
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++)
		(void)signal(fatal[i], on_fatal);
	cfmakeraw(&t);
	(void)tcsetattr(fd, TCSANOW, &t);
}

void tty_size(int fd, uint16_t *ret_cols, uint16_t *ret_rows)
{
	struct winsize w = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &w))
		w = (struct winsize){ 0 };
	*ret_cols = w.ws_col;
	*ret_rows = w.ws_row;
}
