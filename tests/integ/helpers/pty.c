/* pty.c: pty STEP... -- COMMAND [ARG]...: runs a command on a new terminal
 * and plays a script with it.
 *
 *   expect:TEXT   wait until the terminal has shown TEXT since the last one
 *   send:TEXT     type TEXT; \n, \\ and \xNN are understood
 *   size:COLSxROWS  give the terminal a size (80x24 at first)
 *   cooked, raw   the terminal is as it was at first; is raw (waits for it)
 *   signal:N      send a signal to the command
 *   hangup        the terminal goes away (only end may follow)
 *   stop          wait until the command has stopped (as Ctrl-Z does)
 *   end:STATUS    wait for the command to end so (128+N: of signal N)
 *
 * What the terminal shows goes to standard output. Exit status 0: all went
 * as the script says; 1: not; 77: no pseudo-terminals here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define SHOWN_MAX   (1u << 20)

static int master = -1, slave = -1;
static pid_t child = -1;
static struct termios at_first;
static char shown[SHOWN_MAX + 1];
static size_t n_shown, n_matched;

static void die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	if (child > 0)
		(void)kill(child, SIGKILL);
	exit(status);
}

static long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Takes what the terminal shows, waiting at most `ms` for it. */
static void watch(int ms)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	/* a negative descriptor only waits */
	if (poll(&p, 1, ms) <= 0)
		return;
	n = read(master, buf, sizeof(buf));
	if (n <= 0)
		return;
	(void)fwrite(buf, 1, (size_t)n, stdout);
	(void)fflush(stdout);
	for (ssize_t i = 0; i < n && n_shown < SHOWN_MAX; i++)
		if (buf[i])
			shown[n_shown++] = buf[i];
	shown[n_shown] = '\0';
}

static void set_size(const char *s)
{
	struct winsize w = { 0 };
	unsigned cols, rows;

	if (sscanf(s, "%ux%u", &cols, &rows) != 2)
		die(1, "size:%s", s);
	w.ws_col = (unsigned short)cols;
	w.ws_row = (unsigned short)rows;
	if (ioctl(master, TIOCSWINSZ, &w))
		die(1, "TIOCSWINSZ: %s", strerror(errno));
}

static void open_terminal(void)
{
	const char *name;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		die(77, "no pseudo-terminal: %s", strerror(errno));
	name = ptsname(master);
	if (!name)
		die(77, "no pseudo-terminal: %s", strerror(errno));
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &at_first))
		die(77, "%s: %s", name, strerror(errno));
	set_size("80x24");
}

static void start(char **argv)
{
	child = fork();
	if (child < 0)
		die(1, "fork: %s", strerror(errno));
	if (child > 0)
		return;
	(void)setsid();
	(void)ioctl(slave, TIOCSCTTY, 0);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(slave, fd);
	(void)execvp(argv[0], argv);
	_exit(127);
}

static int same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static int is_raw(const struct termios *t)
{
	return !(t->c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) &&
	       !(t->c_iflag & (ICRNL | IXON)) && !(t->c_oflag & OPOST);
}

static void check_mode(const char *what)
{
	long end = now_ms() + PATIENCE_MS;
	struct termios t = { 0 };

	for (;;) {
		if (tcgetattr(slave, &t))
			die(1, "tcgetattr: %s", strerror(errno));
		if (strcmp(what, "raw") == 0 ? is_raw(&t) : same(&t, &at_first))
			return;
		if (now_ms() > end)
			die(1,
			    "the terminal is not %s: iflag %x oflag %x lflag "
			    "%x",
			    what, t.c_iflag, t.c_oflag, t.c_lflag);
		watch(20);
	}
}

static void expect(const char *text)
{
	long end = now_ms() + PATIENCE_MS;
	const char *hit;

	while (!(hit = strstr(shown + n_matched, text))) {
		if (now_ms() > end)
			die(1, "the terminal did not show '%s'", text);
		watch(50);
	}
	n_matched = (size_t)(hit - shown) + strlen(text);
}

static void type(const char *s)
{
	while (*s) {
		char c = *s++, hex[3] = { 0 };

		if (c == '\\' && *s == 'n') {
			c = '\n';
			s++;
		} else if (c == '\\' && *s == '\\') {
			s++;
		} else if (c == '\\' && s[0] == 'x' && s[1] && s[2]) {
			memcpy(hex, s + 1, 2);
			c = (char)strtol(hex, NULL, 16);
			s += 3;
		}
		if (write(master, &c, 1) != 1)
			die(1, "typing: %s", strerror(errno));
	}
}

static void await(int want_stop, int want)
{
	long end = now_ms() + PATIENCE_MS;
	int st, got;

	while (waitpid(child, &st, WNOHANG | (want_stop ? WUNTRACED : 0)) !=
	       child) {
		if (now_ms() > end)
			die(1, "the command did not %s",
			    want_stop ? "stop" : "end");
		watch(20);
	}
	if (want_stop) {
		if (!WIFSTOPPED(st))
			die(1, "the command ended instead of stopping");
		return;
	}
	child = -1;
	watch(0);
	got = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	if (got != want)
		die(1, "the command ended with %d, not %d", got, want);
}

static void hang_up(void)
{
	(void)close(slave);
	(void)close(master);
	slave = master = -1;
}

static void step(const char *s)
{
	const char *arg = strchr(s, ':');

	arg = arg ? arg + 1 : "";
	if (strncmp(s, "expect:", 7) == 0)
		expect(arg);
	else if (strncmp(s, "send:", 5) == 0)
		type(arg);
	else if (strncmp(s, "size:", 5) == 0)
		set_size(arg);
	else if (strncmp(s, "signal:", 7) == 0)
		(void)kill(child, atoi(arg));
	else if (strncmp(s, "end:", 4) == 0)
		await(0, atoi(arg));
	else if (strcmp(s, "hangup") == 0)
		hang_up();
	else if (strcmp(s, "stop") == 0)
		await(1, 0);
	else if (strcmp(s, "raw") == 0 || strcmp(s, "cooked") == 0)
		check_mode(s);
	else
		die(1, "unknown step %s", s);
}

int main(int argc, char **argv)
{
	int steps = 1;

	while (steps < argc && strcmp(argv[steps], "--") != 0)
		steps++;
	if (steps + 1 >= argc)
		die(1, "usage: pty STEP... -- COMMAND [ARG]...");
	open_terminal();
	start(argv + steps + 1);
	for (int i = 1; i < steps; i++)
		step(argv[i]);
	if (child > 0)
		die(1, "the script is over, the command is not");
	return 0;
}
