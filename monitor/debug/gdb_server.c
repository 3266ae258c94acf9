/* gdb_server.c: see gdb_server.h. There is at most one read and one write in
 * flight, and nothing is read behind input that is not taken yet, so what a
 * client may make us keep is that, one packet and its answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "debug/gdb_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"

#define INPUT_LEN 4096u

struct gdb_server {
	struct gdb_server_config cfg;
	struct gdb gdb;
	bool stopped; /* gdb_server_stop */
	struct loop_op accept_op, read_op, write_op;
	bool accepting, reading, writing; /* in flight */
	int fd;                           /* the client, or -1 */
	bool leaving; /* it goes when nothing is in flight */
	struct iovec in_iov, out_iov;
	size_t at, len; /* input[at .. len) is not taken yet */
	char input[INPUT_LEN];
};

static void listen_on(struct gdb_server *s);

/* --- the client ------------------------------------------------------------- */

static void let_go(struct gdb_server *s)
{
	if (s->fd < 0)
		return;
	s->leaving = true;
	if (s->reading)
		loop_cancel(s->cfg.loop, &s->read_op);
	if (s->writing)
		loop_cancel(s->cfg.loop, &s->write_op);
	if (s->reading || s->writing)
		return;
	(void)close(s->fd);
	s->fd = -1;
	s->leaving = false;
	s->gdb.out.len = 0;
	gdb_detach(&s->gdb);
	s->cfg.sent(s->cfg.gdb.ctx);
	listen_on(s);
}

static bool start_write(struct gdb_server *s)
{
	s->out_iov = (struct iovec){ s->gdb.out.bytes, s->gdb.out.len };
	s->writing = !loop_writev(s->cfg.loop, &s->write_op, s->fd, &s->out_iov,
				  1, LOOP_OFF_STREAM);
	return s->writing;
}

static bool start_read(struct gdb_server *s)
{
	s->in_iov = (struct iovec){ s->input, sizeof(s->input) };
	s->reading = !loop_readv(s->cfg.loop, &s->read_op, s->fd, &s->in_iov, 1,
				 LOOP_OFF_STREAM);
	return s->reading;
}

/* Does what can be done: takes input, sends output, asks for more. */
static void pump(struct gdb_server *s)
{
	if (s->fd < 0 || s->leaving)
		return;
	while (s->at < s->len && !gdb_is_busy(&s->gdb))
		s->at += gdb_feed(&s->gdb, s->input + s->at, s->len - s->at);
	if (s->gdb.out.full ||
	    (s->gdb.out.len > 0 && !s->writing && !start_write(s)) ||
	    (s->at == s->len && !s->reading && !start_read(s)))
		let_go(s);
}

static void read_done(struct loop_op *op, int res)
{
	struct gdb_server *s = CONTAINER_OF(op, struct gdb_server, read_op);

	s->reading = false;
	s->at = 0;
	s->len = res > 0 ? (size_t)res : 0;
	if (res <= 0 || s->leaving || s->stopped)
		let_go(s);
	else
		pump(s);
}

static void write_done(struct loop_op *op, int res)
{
	struct gdb_server *s = CONTAINER_OF(op, struct gdb_server, write_op);
	struct gdb_output *out = &s->gdb.out;

	s->writing = false;
	if (res <= 0 || s->leaving || s->stopped) {
		let_go(s);
		return;
	}
	/* more may have come behind it meanwhile */
	out->len -= (size_t)res;
	memmove(out->bytes, out->bytes + res, out->len);
	if (out->len == 0)
		s->cfg.sent(s->cfg.gdb.ctx);
	pump(s);
}

/* --- connections -------------------------------------------------------------- */

/* Over a Unix socket: only who could have started this, or root. */
static bool may_connect(int fd)
{
	struct sockaddr_storage a = { 0 };
	struct ucred who;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len))
		return false;
	if (a.ss_family != AF_UNIX)
		return true;
	len = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == geteuid() || who.uid == 0);
}

static void accept_done(struct loop_op *op, int res)
{
	struct gdb_server *s = CONTAINER_OF(op, struct gdb_server, accept_op);
	int fd;

	s->accepting = false;
	if (s->stopped || res < 0)
		return;
	fd = accept4(s->cfg.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0 && !may_connect(fd)) {
		log_warn("gdb", "a connection of another user is refused");
		(void)close(fd);
		fd = -1;
	}
	if (fd < 0) {
		listen_on(s);
		return;
	}
	s->fd = fd;
	s->at = s->len = 0;
	gdb_attach(&s->gdb);
	pump(s);
}

static void listen_on(struct gdb_server *s)
{
	if (s->stopped || s->gdb.ended)
		return;
	if (loop_poll(s->cfg.loop, &s->accept_op, s->cfg.fd, POLLIN))
		log_err("gdb", "no debugger can connect any more");
	else
		s->accepting = true;
}

/* --- life --------------------------------------------------------------------- */

int gdb_server_new(const struct gdb_server_config *cfg, struct gdb_server **ret,
		   struct err *err)
{
	struct gdb_server *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, -ENOMEM, "gdb");
	s->cfg = *cfg;
	s->fd = -1;
	s->accept_op.done = accept_done;
	s->read_op.done = read_done;
	s->write_op.done = write_done;
	gdb_init(&s->gdb, &cfg->gdb);
	*ret = s;
	return 0;
}

int gdb_server_start(struct gdb_server *s, struct err *err)
{
	listen_on(s);
	return s->accepting ? 0 : err_set(err, -ENOMEM, "gdb");
}

void gdb_server_stop(struct gdb_server *s)
{
	if (!s)
		return;
	s->stopped = true;
	if (s->accepting)
		loop_cancel(s->cfg.loop, &s->accept_op);
	let_go(s);
}

void gdb_server_free(struct gdb_server *s)
{
	if (!s)
		return;
	CHECK(!s->accepting && !s->reading && !s->writing);
	free(s);
}

bool gdb_server_stopped(struct gdb_server *s, struct stop *stop)
{
	const bool stays = gdb_stopped(&s->gdb, stop);

	pump(s);
	return stays;
}

void gdb_server_ended(struct gdb_server *s, int status, int signal)
{
	gdb_ended(&s->gdb, status, signal);
	if (s->accepting)
		loop_cancel(s->cfg.loop, &s->accept_op);
	pump(s);
}

bool gdb_server_pending(const struct gdb_server *s)
{
	return s->fd >= 0 && !s->leaving && s->gdb.out.len > 0;
}
