/* api_http.h: HTTP/1.1 of one connection: bytes in, requests out. Knows no
 * socket and no path.
 *
 * The syntax is libhttp-parser's business; this unit sets the limits and
 * keeps what belongs to a request. Requests may come in pieces of any size
 * and behind one another (pipelining): each is reported by itself, and the
 * bytes behind it are fed again after http_next. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_HTTP_H
#define API_API_HTTP_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define API_TARGET_MAX 1024u  /* bytes of a request's URI */
#define API_HEAD_MAX   8192u  /* ... of all of its header lines */
#define API_BODY_MAX   51200u /* ... of its body */

enum api_method { API_GET, API_PUT, API_PATCH, API_DELETE, API_METHODS };
extern const char *const api_method_names[API_METHODS];

struct api_request {
	enum api_method method;
	char path[API_TARGET_MAX + 1]; /* without scheme, host and query */
	const char *body;              /* NUL-terminated */
	size_t body_len;
};

enum http_event {
	HTTP_EV_MORE,     /* all bytes are used, more are needed */
	HTTP_EV_CONTINUE, /* the client waits for "100 Continue" */
	HTTP_EV_REQUEST,  /* h->request is complete, until http_next */
	HTTP_EV_ERROR,    /* h->error says why; only http_init helps */
};

struct http {
	struct api_request request;
	bool keep_alive; /* of the request, or of the one that is wrong */
	char error[160];
	/* the rest is http's own */
	struct http_parser parser;
	enum http_event event;
	size_t target_len, head_len;
	bool in_value; /* of a header line; else in its name */
	char name[24]; /* of the header line, lower case, as far as it fits */
	size_t name_len;
	bool expects; /* its name is Expect */
	char body[API_BODY_MAX + 1];
};

/* For a new connection, or to go on after an error. */
void http_init(struct http *h);
/* The request was answered. */
void http_next(struct http *h);

/* Feeds n bytes, of which *ret_used are used up. The rest is to be fed again,
 * after what the event asks for. */
enum http_event http_feed(struct http *h, const char *bytes, size_t n,
			  size_t *ret_used);

#endif
