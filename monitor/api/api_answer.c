/* api_answer.c: see api_answer.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; version=0.0.4"
#define SERVER    "Server: Firecracker API\r\n" /* clients compare it */

const char api_too_many[] = "HTTP/1.1 503 \r\n" SERVER "Connection: close\r\n"
			    "Content-Length: 40\r\n"
			    "\r\n"
			    "{ \"error\": \"Too many open connections\" }";
char api_continue[] = "HTTP/1.1 100 \r\n" SERVER "Connection: keep-alive\r\n"
		      "\r\n";

void api_answer_fini(struct api_answer *a)
{
	free(a->body);
	*a = (struct api_answer){ 0 };
}

/* Takes the body. */
static void fill(struct api_answer *a, unsigned status, const char *type,
		 char *body, size_t len)
{
	CHECK(a->status == 0);
	*a = (struct api_answer){ status, type, body, len };
	if (type && !body)
		*a = (struct api_answer){ .status = 500 };
}

void api_done(struct api_answer *a)
{
	fill(a, 204, NULL, NULL, 0);
}

void api_json(struct api_answer *a, json_t *value)
{
	char *s = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)
			: NULL;

	json_decref(value);
	fill(a, 200, JSON_TYPE, s, s ? strlen(s) : 0);
}

void api_text(struct api_answer *a, char *text, size_t len)
{
	fill(a, 200, TEXT_TYPE, text, len);
}

void api_fault(struct api_answer *a, const char *fmt, ...)
{
	char *text, *s = NULL;
	json_t *value;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		/* what was quoted may be no UTF-8, or cut in the middle */
		for (char *c = text; *c; c++)
			if (*c & 0x80)
				*c = '?';
		value = json_pack("{s:s}", "fault_message", text);
		s = value ? json_dumps(value, JSON_COMPACT) : NULL;
		json_decref(value);
		free(text);
	}
	fill(a, 400, JSON_TYPE, s, s ? strlen(s) : 0);
}

/* The raw newline in it is what clients expect. */
void api_bad_http(struct api_answer *a, const char *why)
{
	char *s;
	int n = asprintf(&s,
			 "{ \"error\": \"%s\nAll previous unanswered requests "
			 "will be dropped.\" }",
			 why);

	fill(a, 400, JSON_TYPE, n < 0 ? NULL : s, n < 0 ? 0 : (size_t)n);
}

char *api_render(const struct api_answer *a, bool keep_alive, size_t *ret_len)
{
	char head[256];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %u \r\n" SERVER "Connection: %s\r\n",
			 a->status, keep_alive ? "keep-alive" : "close");
	char *s;

	CHECK(a->status != 0);
	if (a->type)
		n += snprintf(head + n, sizeof(head) - (size_t)n,
			      "Content-Type: %s\r\nContent-Length: %zu\r\n",
			      a->type, a->len);
	n += snprintf(head + n, sizeof(head) - (size_t)n, "\r\n");
	CHECK((size_t)n < sizeof(head));
	s = malloc((size_t)n + a->len);
	if (!s)
		return NULL;
	memcpy(s, head, (size_t)n);
	if (a->len > 0)
		memcpy(s + n, a->body, a->len);
	*ret_len = (size_t)n + a->len;
	return s;
}
