/* vsock_hello.c: clients of the host until the guest has accepted them, and
 * the guest's own wish to be accepted by the host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "virtio/vsock_priv.h"

#define ACCEPTS_MAX 16u /* at a time */
#define RETRIES_MAX 64u
#define RETRY_NS    5000000u   /* a full backlog is asked again */
#define PAUSE_NS    100000000u /* after an accept that failed */

/* --- CONNECT ---------------------------------------------------------------- */

/* A word of the line; NULL when there is none. */
static char *word(char **rest)
{
	char *w;

	do
		w = strsep(rest, " \t\r\n");
	while (w && *w == '\0');
	return w;
}

/* "CONNECT <port>", and whatever else stands in the line. */
static bool parse(char *line, uint32_t *ret_port)
{
	const char *verb = word(&line), *port = word(&line);
	uint64_t v = 0;

	if (!verb || !port || strcasecmp(verb, "connect") != 0)
		return false;
	for (; *port; port++) {
		if (!isdigit((unsigned char)*port))
			return false;
		v = v * 10 + (unsigned)(*port - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*ret_port = (uint32_t)v;
	return true;
}

/* Reads no further than the line: what follows is the guest's. 1: it is
 * whole; 0: there is more to come; -EPROTO. */
static int read_line(struct vsock_conn *c)
{
	char *to = c->hello + c->n_hello;
	const size_t room = VSOCK_HELLO_MAX - c->n_hello;
	ssize_t n = recv(c->fd, to, room, MSG_PEEK | MSG_DONTWAIT);
	const char *end;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPROTO;
	end = memchr(to, '\n', (size_t)n);
	if (end)
		n = end + 1 - to;
	if (n == 0 || recv(c->fd, to, (size_t)n, MSG_DONTWAIT) != n)
		return -EPROTO;
	c->n_hello += (uint32_t)n;
	if (!end)
		return c->n_hello < VSOCK_HELLO_MAX ? 0 : -EPROTO;
	c->hello[c->n_hello - 1] = '\0';
	return 1;
}

/* The record is the line. */
static int read_record(struct vsock_conn *c)
{
	ssize_t n = recv(c->fd, c->hello, VSOCK_HELLO_MAX,
			 MSG_TRUNC | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPROTO;
	if (n == 0 || n > (ssize_t)VSOCK_HELLO_MAX || c->hello[n - 1] != '\n')
		return -EPROTO;
	c->hello[n - 1] = '\0';
	return 1;
}

uint32_t vsock_hello_port(struct vsock *s, uint32_t guest_port, uint32_t first,
			  uint32_t last, uint32_t *turn)
{
	uint32_t port;

	do {
		port = *turn;
		*turn = port == last ? first : port + 1;
	} while (vsock_conn_find(s, guest_port, port));
	return port;
}

void vsock_hello_read(struct vsock_conn *c)
{
	uint32_t port = 0;
	int r = c->type == VSOCK_TYPE_STREAM ? read_line(c) : read_record(c);

	if (r == 0) {
		vsock_conn_watch(c);
		return;
	}
	if (r < 0 || !parse(c->hello, &port)) {
		vsock_refuse(VSOCK_BAD_HELLO);
		vsock_conn_end(c);
		return;
	}
	if (c->type == VSOCK_TYPE_SEQPACKET &&
	    !vdev_has(&c->s->v, VSOCK_F_SEQPACKET)) {
		vsock_refuse(VSOCK_BAD_TYPE);
		vsock_conn_end(c);
		return;
	}
	if (vsock_service_has(c->s, port)) {
		vsock_refuse(VSOCK_NO_LISTENER);
		vsock_conn_end(c);
		return;
	}
	vsock_conn_bind(c, port,
			vsock_hello_port(c->s, port, VSOCK_PORT_FIRST,
					 VSOCK_PORT_LAST, &c->s->next_port));
	c->state = VSOCK_ASKED;
	vsock_conn_ready(c, VSOCK_OWES_REQUEST);
	vsock_conn_watch(c);
}

void vsock_hello_answer(struct vsock_conn *c)
{
	char text[VSOCK_HELLO_MAX];
	int n = snprintf(text, sizeof(text), "OK %u\n", c->host_port);

	vsock_conn_untime(c);
	c->state = VSOCK_OPEN;
	if (c->role == VSOCK_RAW) { /* the service's word is staged */
		vsock_conn_ready(c, 0);
		return;
	}
	/* a socket that was never written to takes this much */
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n) {
		vsock_conn_reset(c);
		return;
	}
	if (c->readable)
		vsock_conn_ready(c, 0);
	vsock_conn_watch(c);
}

/* --- the guest's own -------------------------------------------------------- */

/* False: the host's listener is full. */
static bool try_connect(struct vsock_conn *c)
{
	const struct vsock_config *cfg = &c->s->cfg;
	int fd = cfg->connect_port(cfg->ctx, c->host_port,
				   c->type == VSOCK_TYPE_SEQPACKET);

	if (fd == -EAGAIN)
		return false;
	if (c->state == VSOCK_WAITING)
		c->s->n_waiting--;
	c->state = VSOCK_OPEN;
	vsock_conn_untime(c);
	if (fd < 0) {
		vsock_refuse(VSOCK_NO_LISTENER);
		vsock_conn_reset(c);
		return true;
	}
	c->fd = fd;
	vsock_conn_ready(c, VSOCK_OWES_RESPONSE);
	vsock_conn_watch(c);
	return true;
}

static void arm_retry(struct vsock *s)
{
	if (!s->retry_busy && s->n_waiting > 0 && !s->v.shut)
		s->retry_busy = loop_timer(s->cfg.loop, &s->retry,
					   clock_mono_ns() + RETRY_NS) == 0;
}

void vsock_hello_connect(struct vsock_conn *c)
{
	if (vsock_service_has(c->s, c->host_port)) {
		vsock_service_open(c);
		return;
	}
	if (try_connect(c))
		return;
	c->state = VSOCK_WAITING;
	c->s->n_waiting++;
	vsock_conn_time(c);
	arm_retry(c->s);
}

/* --- time ------------------------------------------------------------------- */

static void retry_done(struct loop_op *op, int res)
{
	struct vsock *s = CONTAINER_OF(op, struct vsock, retry);
	struct vsock_conn *c, *next;
	unsigned n = 0;

	s->retry_busy = false;
	for (c = TAILQ_FIRST(&s->timed); c && res == 0 && n < RETRIES_MAX;
	     c = next) {
		next = TAILQ_NEXT(c, wait);
		if (c->state != VSOCK_WAITING)
			continue;
		n++;
		(void)try_connect(c); /* it stays where it is */
	}
	arm_retry(s);
	vsock_later(s);
}

static void timer_done(struct loop_op *op, int res)
{
	struct vsock *s = CONTAINER_OF(op, struct vsock, timer);
	const uint64_t now = clock_mono_ns();
	struct vsock_conn *c;

	s->timer_busy = false;
	while (res == 0 && (c = TAILQ_FIRST(&s->timed)) &&
	       c->deadline_ns <= now) {
		vsock_refuse(VSOCK_TIMED_OUT);
		/* a guest that was not asked yet need not hear of it */
		if (c->owes & VSOCK_OWES_REQUEST)
			vsock_conn_end(c);
		else
			vsock_conn_reset(c);
	}
	c = TAILQ_FIRST(&s->timed);
	if (c && !s->v.shut)
		s->timer_busy =
			loop_timer(s->cfg.loop, &s->timer, c->deadline_ns) == 0;
	vsock_later(s);
}

/* --- listening -------------------------------------------------------------- */

static void listener_watch(struct vsock_listener *l)
{
	if (l->fd >= 0 && !l->busy && vdev_live(&l->s->v))
		l->busy = loop_poll(l->s->cfg.loop, &l->op, l->fd, POLLIN) == 0;
}

/* A client that finds no room is let in and sent away: it may come again. */
static int accept_one(struct vsock_listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct vsock_conn *c;

	if (fd < 0)
		return -errno;
	c = vsock_conn_new(l->s, l->type);
	if (!c) {
		(void)close(fd);
		return 0;
	}
	c->fd = fd;
	vsock_conn_time(c);
	vsock_hello_read(c); /* most clients speak at once */
	return 0;
}

static void listener_done(struct loop_op *op, int res)
{
	struct vsock_listener *l = CONTAINER_OF(op, struct vsock_listener, op);
	struct vsock *s = l->s;
	int r = 0;

	l->busy = false;
	if (res == -ECANCELED || !vdev_live(&s->v)) {
		listener_watch(l); /* for a driver that came meanwhile */
		return;
	}
	for (unsigned i = 0; i < ACCEPTS_MAX && r == 0; i++)
		r = accept_one(l);
	vsock_later(s);
	if (r == 0 || r == -EAGAIN || r == -ECONNABORTED || r == -EINTR) {
		listener_watch(l);
		return;
	}
	/* no descriptors or memory now: polling would be busy */
	l->busy = loop_timer(s->cfg.loop, &l->op, clock_mono_ns() + PAUSE_NS) ==
		  0;
}

void vsock_hello_start(struct vsock *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(s->listener); i++)
		listener_watch(&s->listener[i]);
}

void vsock_hello_stop(struct vsock *s)
{
	loop_cancel(s->cfg.loop, &s->timer);
	loop_cancel(s->cfg.loop, &s->retry);
	for (unsigned i = 0; i < ARRAY_SIZE(s->listener); i++)
		loop_cancel(s->cfg.loop, &s->listener[i].op);
}

void vsock_hello_init(struct vsock *s)
{
	static const uint16_t types[] = { VSOCK_TYPE_STREAM,
					  VSOCK_TYPE_SEQPACKET };
	const int fds[] = { s->cfg.listen_fd, s->cfg.listen_seqpacket_fd };

	s->next_port = VSOCK_PORT_FIRST;
	s->timer.done = timer_done;
	s->retry.done = retry_done;
	for (unsigned i = 0; i < ARRAY_SIZE(s->listener); i++) {
		struct vsock_listener *l = &s->listener[i];

		l->op.done = listener_done;
		l->s = s;
		l->fd = fds[i];
		l->type = types[i];
	}
}
