/* api.c: see api.h. One client:
 *
 *   READ --- bytes ---> parse --- a request ---> answer
 *    ^                    |                        |
 *    `---- no request ----'<---- all is sent ---- WRITE
 *
 * There is one operation in flight for each client, so what a client may
 * make us keep is one request and one answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api_answer.h"
#include "api/api_http.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "loop/loop.h"

#define INPUT_LEN 4096u
#define REST_NS   100000000ull /* after a connection could not be taken */

static struct metric requests = { "requests_api", "requests answered", 0 };
static struct metric refused = { "refused_requests_api",
				 "requests answered with an error", 0 };
static struct metric strangers = { "refused_clients_api",
				   "connections of other users, or too many",
				   0 };

struct metric *const api_metrics[] = { &requests, &refused, &strangers, NULL };

struct client {
	struct loop_op op;
	struct api *api;
	unsigned slot;
	int fd;
	bool writing;
	bool last; /* close when the answer is sent */
	struct iovec iov;
	char *answer;   /* owned, while writing; NULL: a constant text */
	size_t at, len; /* input[at .. len) is not parsed yet */
	struct http http;
	char input[INPUT_LEN];
};

struct api {
	struct loop *loop;
	struct api_env env;
	int fd;
	bool stopped;
	struct loop_op accept_op;
	bool accepting; /* accept_op is in flight ... */
	bool resting;   /* ... as a timer */
	struct client *client[API_CLIENTS];
};

/* --- clients --------------------------------------------------------------- */

static void client_free(struct client *c)
{
	c->api->client[c->slot] = NULL;
	(void)close(c->fd);
	free(c->answer);
	free(c);
}

static int start_read(struct client *c)
{
	c->iov = (struct iovec){ c->input, sizeof(c->input) };
	return loop_readv(c->api->loop, &c->op, c->fd, &c->iov, 1,
			  LOOP_OFF_STREAM);
}

static int start_write(struct client *c, void *bytes, size_t n)
{
	c->iov = (struct iovec){ bytes, n };
	c->writing = true;
	return loop_writev(c->api->loop, &c->op, c->fd, &c->iov, 1,
			   LOOP_OFF_STREAM);
}

/* Answers what the parser has: a request, or that it is none. */
static int answer(struct client *c, enum http_event e)
{
	struct api_answer a = { 0 };
	size_t len = 0;

	metric_inc(&requests);
	if (e == HTTP_EV_REQUEST)
		api_route(&c->api->env, &c->http.request, &a);
	else
		api_bad_http(&a, c->http.error);
	if (a.status >= 400)
		metric_inc(&refused);
	c->last = !c->http.keep_alive;
	c->answer = api_render(&a, c->http.keep_alive, &len);
	api_answer_fini(&a);
	if (e == HTTP_EV_REQUEST) {
		http_next(&c->http);
	} else { /* where the next request begins, nobody knows */
		c->at = c->len = 0;
		http_init(&c->http);
	}
	return c->answer ? start_write(c, c->answer, len) : -ENOMEM;
}

/* Parses until there is something to send, or input is needed. */
static int go_on(struct client *c)
{
	while (c->at < c->len) {
		size_t used;
		enum http_event e = http_feed(&c->http, c->input + c->at,
					      c->len - c->at, &used);

		c->at += used;
		if (e == HTTP_EV_CONTINUE)
			return start_write(c, api_continue,
					   strlen(api_continue));
		if (e != HTTP_EV_MORE)
			return answer(c, e);
	}
	return start_read(c);
}

static int sent(struct client *c, size_t n)
{
	if (n < c->iov.iov_len)
		return start_write(c, (uint8_t *)c->iov.iov_base + n,
				   c->iov.iov_len - n);
	free(c->answer);
	c->answer = NULL;
	c->writing = false;
	return c->last ? -ECONNRESET : go_on(c);
}

static int received(struct client *c, size_t n)
{
	if (n == 0)
		return -ECONNRESET; /* it went */
	c->at = 0;
	c->len = n;
	return go_on(c);
}

/* Whatever fails ends this client and nothing else. */
static void client_done(struct loop_op *op, int res)
{
	struct client *c = CONTAINER_OF(op, struct client, op);

	if (res >= 0 && !c->api->stopped)
		res = c->writing ? sent(c, (size_t)res)
				 : received(c, (size_t)res);
	else if (res >= 0)
		res = -ECANCELED;
	if (res < 0)
		client_free(c);
}

/* --- connections ------------------------------------------------------------ */

static bool may_connect(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       len == sizeof(who) && (who.uid == geteuid() || who.uid == 0);
}

/* Takes the descriptor. */
static int client_new(struct api *api, int fd)
{
	struct client *c;
	unsigned slot = 0;

	while (slot < API_CLIENTS && api->client[slot])
		slot++;
	if (slot == API_CLIENTS) { /* it fits into an empty socket's buffer */
		(void)send(fd, api_too_many, strlen(api_too_many),
			   MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)close(fd);
		return -EUSERS;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->api = api;
	c->slot = slot;
	c->fd = fd;
	c->op.done = client_done;
	http_init(&c->http);
	api->client[slot] = c;
	if (start_read(c)) {
		client_free(c);
		return -ENOMEM;
	}
	return 0;
}

static int listen_on(struct api *api)
{
	int r = loop_poll(api->loop, &api->accept_op, api->fd, POLLIN);

	api->accepting = !r;
	return r;
}

/* The connection that could not be taken is still there: without a rest the
 * socket would be ready, and refuse, again and again. */
static int rest(struct api *api)
{
	int r = loop_timer(api->loop, &api->accept_op,
			   clock_mono_ns() + REST_NS);

	api->accepting = api->resting = !r;
	return r;
}

/* Takes a connection, if one is there. False: not now, there is no room. */
static bool take_one(struct api *api)
{
	int fd = accept4(api->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN && errno != EINTR &&
	    errno != ECONNABORTED) {
		log_warn("api", "accept: %s", strerror(errno));
		return false;
	}
	if (fd >= 0 && !may_connect(fd)) {
		metric_inc(&strangers);
		(void)close(fd);
	} else if (fd >= 0 && client_new(api, fd)) {
		metric_inc(&strangers);
	}
	return true;
}

static void accept_done(struct loop_op *op, int res)
{
	struct api *api = CONTAINER_OF(op, struct api, accept_op);
	const bool rested = api->resting;

	api->accepting = api->resting = false;
	if (api->stopped || res < 0)
		return;
	if (!rested && !take_one(api) && rest(api) == 0)
		return;
	if (listen_on(api))
		log_err("api", "no connection can be accepted any more");
}

/* --- life -------------------------------------------------------------------- */

int api_start(struct loop *l, int fd, const struct api_env *env,
	      struct api **ret_api, struct err *err)
{
	struct api *api = calloc(1, sizeof(*api));
	int r;

	if (!api)
		return err_set(err, -ENOMEM, "control socket");
	json_object_seed(0); /* from the system, while files can be opened */
	api->loop = l;
	api->fd = fd;
	api->env = *env;
	api->accept_op.done = accept_done;
	r = listen_on(api);
	if (r) {
		free(api);
		return err_set(err, r, "control socket");
	}
	*ret_api = api;
	return 0;
}

void api_stop(struct api *api)
{
	if (!api)
		return;
	api->stopped = true;
	loop_cancel(api->loop, &api->accept_op);
	for (unsigned i = 0; i < API_CLIENTS; i++)
		if (api->client[i])
			loop_cancel(api->loop, &api->client[i]->op);
}

void api_free(struct api *api)
{
	if (!api)
		return;
	CHECK(!api->accepting);
	for (unsigned i = 0; i < API_CLIENTS; i++)
		CHECK(!api->client[i]);
	free(api);
}
