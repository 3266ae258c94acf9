/* api_http.c: see api_http.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_http.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/check.h"

const char *const api_method_names[API_METHODS] = { "GET", "PUT", "PATCH",
						    "DELETE" };

static struct http *of(struct http_parser *p)
{
	return CONTAINER_OF(p, struct http, parser);
}

/* Ends the parsing with a reason; the first one counts. */
static int PRINTF(2, 3) refuse(struct http *h, const char *fmt, ...)
{
	va_list ap;

	if (h->event != HTTP_EV_ERROR) {
		h->event = HTTP_EV_ERROR;
		va_start(ap, fmt);
		(void)vsnprintf(h->error, sizeof(h->error), fmt, ap);
		va_end(ap);
	}
	return -1;
}

/* --- what the parser reports ---------------------------------------------- */

static int on_url(struct http_parser *p, const char *at, size_t n)
{
	struct http *h = of(p);

	if (n > API_TARGET_MAX - h->target_len)
		return refuse(h, "Invalid URI: longer than %u bytes.",
			      API_TARGET_MAX);
	memcpy(h->request.path + h->target_len, at, n);
	h->target_len += n;
	return 0;
}

static int count_head(struct http *h, size_t n)
{
	h->head_len += n;
	return h->head_len > API_HEAD_MAX
		       ? refuse(h,
				"Invalid header. Reason: more than %u bytes.",
				API_HEAD_MAX)
		       : 0;
}

static int on_header_field(struct http_parser *p, const char *at, size_t n)
{
	struct http *h = of(p);

	if (h->in_value)
		h->name_len = 0;
	h->in_value = false;
	for (size_t i = 0; i < n; i++, h->name_len++)
		if (h->name_len < sizeof(h->name))
			h->name[h->name_len] =
				(char)tolower((unsigned char)at[i]);
	return count_head(h, n);
}

static bool name_is(const struct http *h, const char *name)
{
	return h->name_len == strlen(name) &&
	       memcmp(h->name, name, h->name_len) == 0;
}

static int on_header_value(struct http_parser *p, const char *at, size_t n)
{
	struct http *h = of(p);

	(void)at;
	if (!h->in_value && name_is(h, "expect"))
		h->expects = true; /* there is one thing to expect */
	h->in_value = true;
	return count_head(h, n);
}

static int take_method(struct http *h)
{
	switch (h->parser.method) {
	case HTTP_GET:
		h->request.method = API_GET;
		return 0;
	case HTTP_PUT:
		h->request.method = API_PUT;
		return 0;
	case HTTP_PATCH:
		h->request.method = API_PATCH;
		return 0;
	case HTTP_DELETE:
		h->request.method = API_DELETE;
		return 0;
	default:
		return refuse(
			h, "Invalid HTTP Method: %s",
			http_method_str((enum http_method)h->parser.method));
	}
}

/* Origin form or absolute form; of either only the path. */
static int take_path(struct http *h)
{
	char *s = h->request.path;
	struct http_parser_url u;

	http_parser_url_init(&u);
	if (http_parser_parse_url(s, h->target_len, 0, &u))
		return refuse(h, "Invalid URI: neither a path nor a URL.");
	if (!(u.field_set & (1u << UF_PATH))) {
		s[0] = '\0';
		return 0;
	}
	memmove(s, s + u.field_data[UF_PATH].off, u.field_data[UF_PATH].len);
	s[u.field_data[UF_PATH].len] = '\0';
	return 0;
}

static int on_headers_complete(struct http_parser *p)
{
	struct http *h = of(p);
	/* all bits: there was none */
	const uint64_t len =
		p->content_length == UINT64_MAX ? 0 : p->content_length;

	p->upgrade = 0; /* to nothing that we know */
	h->keep_alive = http_should_keep_alive(p);
	if (p->http_major != 1 || p->http_minor > 1)
		return refuse(h, "Invalid HTTP Version: HTTP/%u.%u",
			      p->http_major, p->http_minor);
	if (take_method(h) || take_path(h))
		return -1;
	if (p->flags & F_CHUNKED)
		return refuse(h, "Invalid header. Reason: "
				 "Transfer-Encoding is not supported.");
	if (len > 0 &&
	    (h->request.method == API_GET || h->request.method == API_DELETE))
		return refuse(h,
			      "Invalid request. %s request cannot have a "
			      "body.",
			      api_method_names[h->request.method]);
	if (len > API_BODY_MAX)
		return refuse(h,
			      "Request payload with size %llu is larger than "
			      "the limit of %u allowed by server.",
			      (unsigned long long)len, API_BODY_MAX);
	if (h->expects && len > 0) {
		h->event = HTTP_EV_CONTINUE;
		http_parser_pause(p, 1);
	}
	return 0;
}

static int on_body(struct http_parser *p, const char *at, size_t n)
{
	struct http *h = of(p);

	/* Content-Length was checked, and nothing else brings a body */
	CHECK(n <= API_BODY_MAX - h->request.body_len);
	memcpy(h->body + h->request.body_len, at, n);
	h->request.body_len += n;
	return 0;
}

static int on_message_complete(struct http_parser *p)
{
	struct http *h = of(p);

	h->body[h->request.body_len] = '\0';
	h->request.body = h->body;
	h->event = HTTP_EV_REQUEST;
	http_parser_pause(p, 1); /* one at a time */
	return 0;
}

static const struct http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* --- feeding --------------------------------------------------------------- */

static void begin(struct http *h)
{
	h->event = HTTP_EV_MORE;
	h->target_len = h->head_len = h->name_len = 0;
	h->in_value = h->expects = false;
	h->request.body_len = 0;
	memset(h->request.path, 0, sizeof(h->request.path));
}

void http_init(struct http *h)
{
	http_parser_init(&h->parser, HTTP_REQUEST);
	h->error[0] = '\0';
	h->keep_alive = true;
	begin(h);
}

void http_next(struct http *h)
{
	CHECK(h->event == HTTP_EV_REQUEST);
	http_parser_pause(&h->parser, 0);
	begin(h);
}

/* What the parser itself did not like. */
static void syntax_error(struct http *h)
{
	const enum http_errno e = HTTP_PARSER_ERRNO(&h->parser);

	switch ((int)e) {
	case HPE_INVALID_METHOD:
		(void)refuse(h, "Invalid HTTP Method: none that is known.");
		break;
	case HPE_INVALID_VERSION:
		(void)refuse(h, "Invalid HTTP Version: none that is known.");
		break;
	case HPE_INVALID_URL:
	case HPE_INVALID_HOST:
	case HPE_INVALID_PORT:
	case HPE_INVALID_PATH:
		(void)refuse(h, "Invalid URI: %s.", http_errno_description(e));
		break;
	case HPE_INVALID_HEADER_TOKEN:
	case HPE_INVALID_CONTENT_LENGTH:
	case HPE_UNEXPECTED_CONTENT_LENGTH:
	case HPE_HEADER_OVERFLOW:
		(void)refuse(h, "Invalid header. Reason: %s.",
			     http_errno_description(e));
		break;
	default:
		(void)refuse(h, "Invalid request.");
		break;
	}
}

enum http_event http_feed(struct http *h, const char *bytes, size_t n,
			  size_t *ret_used)
{
	*ret_used = 0;
	if (h->event == HTTP_EV_CONTINUE) { /* it was said */
		h->event = HTTP_EV_MORE;
		http_parser_pause(&h->parser, 0);
	}
	if (h->event != HTTP_EV_MORE || n == 0)
		return h->event;
	*ret_used = http_parser_execute(&h->parser, &settings, bytes, n);
	if (HTTP_PARSER_ERRNO(&h->parser) != HPE_OK &&
	    HTTP_PARSER_ERRNO(&h->parser) != HPE_PAUSED)
		syntax_error(h);
	return h->event;
}
