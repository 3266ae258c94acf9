/* run_console.c: see run_console.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/unix_path.h"

static int open_file(const char *path, struct run_fds *f, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_set(err, -errno, "--console file:%s", path);
	f->owned[0] = f->out = fd;
	return 0;
}

static int wait_for_client(int s, int signal_fd, int *ret_signal)
{
	struct pollfd p[2] = { { .fd = s, .events = POLLIN },
			       { .fd = signal_fd, .events = POLLIN } };
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno != EINTR)
				return -errno;
		} else if (!p[1].revents) {
			return 0;
		} else if (read(signal_fd, &info, sizeof(info)) ==
				   (ssize_t)sizeof(info) &&
			   info.ssi_signo != SIGWINCH) {
			*ret_signal = (int)info.ssi_signo;
			return -EINTR;
		}
	}
}

static int open_unix(const char *path, int signal_fd, struct run_fds *f,
		     int *ret_signal, struct err *err)
{
	AUTO_FD s = -1;
	int fd, r;

	if (strlen(path) > UNIX_PATH_LEN)
		return err_set(err, -ENAMETOOLONG,
			       "--console unix:%s: %zu bytes, at most %zu",
			       path, strlen(path), UNIX_PATH_LEN);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return err_set(err, -errno, "--console unix:%s", path);
	r = unix_bind(s, path);
	if (r)
		return err_set(err, r, "--console unix:%s", path);
	f->path = path;
	if (listen(s, 1))
		return err_set(err, -errno, "--console unix:%s", path);
	log_info("console", "waiting for a connection to %s", path);
	r = wait_for_client(s, signal_fd, ret_signal);
	if (r)
		return err_set(err, r, "--console unix:%s: wait", path);
	fd = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "--console unix:%s: accept", path);
	f->owned[0] = f->in = f->out = fd;
	return 0;
}

int run_console_open(const struct run_options *o, int signal_fd,
		     struct run_fds *ret, int *ret_signal, struct err *err)
{
	struct run_fds f = { -1, -1, -1, { -1, -1 }, NULL };
	int r = 0;

	switch (o->console) {
	case CONSOLE_STDIO:
		f.in = STDIN_FILENO;
		f.out = STDOUT_FILENO;
		f.err = STDERR_FILENO;
		break;
	case CONSOLE_NONE:
		break;
	case CONSOLE_FILE:
		r = open_file(o->console_path, &f, err);
		break;
	case CONSOLE_UNIX:
		r = open_unix(o->console_path, signal_fd, &f, ret_signal, err);
		break;
	}
	if (r)
		run_console_close(&f);
	else
		*ret = f;
	return r;
}

void run_console_close(struct run_fds *f)
{
	for (unsigned i = 0; i < 2; i++)
		if (f->owned[i] >= 0)
			(void)close(f->owned[i]);
	if (f->path)
		(void)unlink(f->path);
}
