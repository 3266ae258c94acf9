/* run_debug.c: see run_debug.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_debug.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/args.h"
#include "vmm/machine.h"

/* --- words ------------------------------------------------------------------ */

static int parse_where(const char *s, size_t n, struct run_debug *o,
		       struct err *err)
{
	char digits[16];
	unsigned port;

	if (n >= 5 && strncmp(s, "unix:", 5) == 0) {
		if (n == 5 || n - 5 > UNIX_PATH_LEN)
			return err_set(err, -EINVAL,
				       "'%.*s': the path may have 1 to %zu "
				       "bytes",
				       (int)n, s, UNIX_PATH_LEN);
		memcpy(o->gdb_path, s + 5, n - 5);
		o->gdb_path[n - 5] = '\0';
		return 0;
	}
	if (n == 0 || s[0] < '0' || s[0] > '9')
		return err_set(err, -EINVAL,
			       "'%.*s': allowed is unix:PATH or PORT", (int)n,
			       s);
	/* what is longer is no number in the range */
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)n, s);
	if (arg_number(digits, 1, UINT16_MAX, &port, err))
		return err_wrap(err, "port");
	o->gdb_port = (uint16_t)port;
	return 0;
}

int run_debug_parse_gdb(const char *spec, struct run_debug *ret,
			struct err *err)
{
	const char *comma = strrchr(spec, ',');
	const bool nowait = comma && strcmp(comma, ",nowait") == 0;
	const size_t n = nowait ? (size_t)(comma - spec) : strlen(spec);
	struct run_debug o = *ret;

	if (o.gdb)
		return err_set(err, -EINVAL, "'%s': allowed is one", spec);
	if (parse_where(spec, n, &o, err))
		return err->code;
	o.gdb = true;
	o.gdb_nowait = nowait;
	*ret = o;
	return 0;
}

/* --- the core ---------------------------------------------------------------- */

/* Beside its place, so that a core is there as a whole or not at all. */
static int open_core(struct run_debug_host *h, struct err *err)
{
	const char *path = h->opt->core;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "--core %s: not a regular file",
			       path);
	if (asprintf(&h->core_tmp, "%s.XXXXXX", path) < 0) {
		h->core_tmp = NULL;
		return err_set(err, -ENOMEM, "--core");
	}
	h->core_fd = mkostemp(h->core_tmp, O_CLOEXEC); /* mode 0600 */
	if (h->core_fd < 0) {
		free(h->core_tmp);
		h->core_tmp = NULL;
		return err_set(err, -errno, "--core %s", path);
	}
	return 0;
}

int run_debug_finish(struct run_debug_host *h, const struct machine *m,
		     bool *ret_written, struct err *err)
{
	enum machine_core state;

	*ret_written = false;
	if (h->core_fd < 0)
		return 0;
	state = machine_core(m, err);
	if (state == MACHINE_CORE_FAILED)
		return err_wrap(err, "--core %s", h->opt->core);
	if (state == MACHINE_CORE_NONE)
		return 0;
	if (rename(h->core_tmp, h->opt->core))
		return err_set(err, -errno, "--core %s", h->opt->core);
	free(h->core_tmp);
	h->core_tmp = NULL;
	*ret_written = true;
	return 0;
}

/* --- the debugger's socket ----------------------------------------------------- */

static int listen_tcp(uint16_t port)
{
	const struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	AUTO_FD fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		return -errno;
	return take_fd(&fd);
}

static int open_gdb(struct run_debug_host *h, struct err *err)
{
	const struct run_debug *o = h->opt;
	int r;

	if (!o->gdb_path[0]) {
		h->gdb_fd = listen_tcp(o->gdb_port);
		return h->gdb_fd < 0 ? err_set(err, h->gdb_fd, "--gdb %u",
					       o->gdb_port)
				     : 0;
	}
	r = unix_listen(o->gdb_path, SOCK_STREAM, &h->gdb_unix);
	if (r)
		return err_set(err, r, "--gdb %s", o->gdb_path);
	h->gdb_fd = h->gdb_unix.fd;
	return 0;
}

/* --- both ------------------------------------------------------------------------ */

int run_debug_open(const struct run_debug *o, const char *image,
		   struct run_debug_host *ret, struct err *err)
{
	*ret = (struct run_debug_host){
		.opt = o, .core_fd = -1, .gdb_unix = { .fd = -1 }, .gdb_fd = -1
	};
	ret->exec_file =
		image && (o->core || o->gdb) ? realpath(image, NULL) : NULL;
	if (o->core && open_core(ret, err))
		return err->code;
	return o->gdb ? open_gdb(ret, err) : 0;
}

void run_debug_close(struct run_debug_host *h)
{
	if (h->core_tmp) {
		(void)unlink(h->core_tmp);
		free(h->core_tmp);
		h->core_tmp = NULL;
	}
	if (h->core_fd >= 0)
		(void)close(h->core_fd);
	if (h->gdb_unix.fd >= 0)
		unix_unlisten(&h->gdb_unix);
	else if (h->gdb_fd >= 0)
		(void)close(h->gdb_fd);
	free(h->exec_file);
	h->exec_file = NULL;
	h->core_fd = h->gdb_fd = -1;
}
