/* run_vsock.c: see run_vsock.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_vsock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/args.h"

#define OTHER_FDS 128u /* beside the connections */

_Static_assert(UNIX_PATH_LEN - (sizeof("_4294967295") - 1) ==
		       RUN_VSOCK_PATH_LEN,
	       "room for a port");

static const struct {
	int type;
	const char *suffix;
} kinds[RUN_VSOCK_LISTENERS] = {
	{ SOCK_STREAM, "" },
	{ SOCK_SEQPACKET, ".seqpacket" },
};

/* --- words ----------------------------------------------------------------- */

static int parse_path(const char *s, size_t n, struct run_vsock *o,
		      struct err *err)
{
	if (n == 0 || n >= sizeof(o->path))
		return err_set(err, -EINVAL,
			       "path='%.*s': allowed are 1 to %zu bytes",
			       (int)n, s, sizeof(o->path) - 1);
	memcpy(o->path, s, n);
	o->path[n] = '\0';
	return 0;
}

static int parse_cid(const char *s, size_t n, struct run_vsock *o,
		     struct err *err)
{
	char digits[16];

	/* what is longer is no number in the range */
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)n, s);
	if (arg_number(digits, MACHINE_CID_MIN, MACHINE_CID_MAX, &o->cid, err))
		return err_wrap(err, "cid");
	return 0;
}

/* The first `n` bytes of s. */
static int parse_word(const char *s, size_t n, struct run_vsock *o,
		      struct err *err)
{
	if (n >= 5 && strncmp(s, "path=", 5) == 0)
		return parse_path(s + 5, n - 5, o, err);
	if (n >= 4 && strncmp(s, "cid=", 4) == 0)
		return parse_cid(s + 4, n - 4, o, err);
	return err_set(err, -EINVAL, "'%.*s': allowed is cid=N or path=SOCK",
		       (int)n, s);
}

int run_vsock_parse(const char *spec, struct run_vsock *ret, struct err *err)
{
	struct run_vsock o = { .cid = 0 };
	const char *word = spec;

	for (;;) {
		const size_t n = strcspn(word, ",");
		const int r = parse_word(word, n, &o, err);

		if (r)
			return r;
		if (word[n] == '\0')
			break;
		word += n + 1;
	}
	if (!o.cid || !o.path[0])
		return err_set(err, -EINVAL,
			       "'%s': needed are both cid=N and path=SOCK",
			       spec);
	*ret = o;
	return 0;
}

/* --- the guest's side ------------------------------------------------------ */

static int connect_port(void *ctx, uint32_t port, bool seqpacket)
{
	const struct run_vsock_host *host = ctx;
	char path[UNIX_PATH_LEN + 1];
	AUTO_FD fd = -1;
	int r;

	if (!host->opt)
		return -ECONNREFUSED;
	fd = socket(AF_UNIX,
		    (seqpacket ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK |
			    SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s_%u", host->opt->path, port);
	r = unix_connect(fd, path);
	return r ? r : take_fd(&fd);
}

/* --- listening ------------------------------------------------------------- */

/* A connection is a descriptor. */
static unsigned raise_limit(void)
{
	const rlim_t want = MACHINE_VSOCK_CONNS_MAX + OTHER_FDS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 1;
	if (r.rlim_max < want) { /* with CAP_SYS_RESOURCE */
		const struct rlimit more = { want, want };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			r = more;
	}
	if (r.rlim_cur < want) {
		r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
		(void)setrlimit(RLIMIT_NOFILE, &r); /* up to hard: allowed */
	}
	if (r.rlim_cur >= want)
		return MACHINE_VSOCK_CONNS_MAX;
	return r.rlim_cur > OTHER_FDS ? (unsigned)(r.rlim_cur - OTHER_FDS) : 1;
}

int run_vsock_open(const struct run_vsock *o, struct run_vsock_host *host,
		   struct machine_vsock *ret, struct err *err)
{
	const unsigned conns = raise_limit();

	*host = (struct run_vsock_host){ .opt = o };
	for (unsigned i = 0; i < RUN_VSOCK_LISTENERS; i++)
		host->listener[i].socket.fd = -1;
	for (unsigned i = 0; o && i < RUN_VSOCK_LISTENERS; i++) {
		struct run_vsock_listener *l = &host->listener[i];
		int r;

		if (asprintf(&l->path, "%s%s", o->path, kinds[i].suffix) < 0) {
			l->path = NULL;
			r = err_set(err, -ENOMEM, "--vsock");
		} else {
			r = unix_listen(l->path, kinds[i].type, &l->socket);
			if (r)
				(void)err_set(err, r, "--vsock %s", l->path);
		}
		if (r) {
			run_vsock_close(host);
			return r;
		}
	}
	if (conns < MACHINE_VSOCK_CONNS_MAX)
		log_warn("vsock",
			 "the limit of open files (ulimit -Hn) allows %u "
			 "connections, not %u",
			 conns, MACHINE_VSOCK_CONNS_MAX);
	*ret = (struct machine_vsock){
		.cid = o ? o->cid : MACHINE_CID_MIN,
		.conns = conns,
		.listen_fd = host->listener[0].socket.fd,
		.listen_seqpacket_fd = host->listener[1].socket.fd,
		.connect_port = connect_port,
		.ctx = host,
	};
	return 0;
}

void run_vsock_close(struct run_vsock_host *host)
{
	for (unsigned i = 0; i < RUN_VSOCK_LISTENERS; i++) {
		struct run_vsock_listener *l = &host->listener[i];

		if (!l->path)
			continue;
		unix_unlisten(&l->socket);
		free(l->path);
		l->path = NULL;
	}
}
