/* test_api_http.c: HTTP as clients, and others, send it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_answer.h"
#include "api/api_http.h"
#include "base/attr.h"

static struct http h;

static void up(void)
{
	http_init(&h);
}

TestSuite(api_http, .init = up, .timeout = 20);

/* Feeds all of it in pieces of `step` bytes until something happens; how much
 * was used in *ret_used. */
static enum http_event feed(const char *s, size_t n, size_t step,
			    size_t *ret_used)
{
	enum http_event e = HTTP_EV_MORE;
	size_t at = 0;

	while (at < n && e == HTTP_EV_MORE) {
		size_t part = n - at < step ? n - at : step, used;

		e = http_feed(&h, s + at, part, &used);
		cr_assert_leq(used, part);
		cr_assert(e != HTTP_EV_MORE || used == part);
		at += used;
	}
	*ret_used = at;
	return e;
}

Test(api_http, a_request_in_pieces_of_every_size)
{
	static const char text[] = "PATCH /balloon HTTP/1.1\r\n"
				   "Host: localhost\r\n"
				   "Content-Type: application/json\r\n"
				   "Content-Length: 19\r\n"
				   "\r\n"
				   "{\"amount_mib\": 128}";
	const size_t n = sizeof(text) - 1;

	for (size_t step = 1; step <= n; step++) {
		size_t used;

		http_init(&h);
		cr_assert_eq(feed(text, n, step, &used), HTTP_EV_REQUEST);
		cr_expect_eq(used, n);
		cr_expect_eq(h.request.method, API_PATCH);
		cr_expect_str_eq(h.request.path, "/balloon");
		cr_expect_eq(h.request.body_len, 19);
		cr_expect_str_eq(h.request.body, "{\"amount_mib\": 128}");
		cr_expect(h.keep_alive);
	}
}

Test(api_http, requests_behind_one_another)
{
	static const char text[] = "GET /balloon HTTP/1.1\r\n\r\n"
				   "PUT /a HTTP/1.1\r\nContent-Length: 2\r\n"
				   "\r\n{}"
				   "GET /version HTTP/1.0\r\n\r\n"
				   "DELETE /x HTTP/1.1\r\n\r\n";
	static const char *const paths[] = { "/balloon", "/a", "/version",
					     "/x" };
	const size_t n = sizeof(text) - 1;

	for (size_t step = 1; step <= n; step++) {
		size_t at = 0, used;

		http_init(&h);
		for (unsigned i = 0; i < 3; i++) {
			cr_assert_eq(feed(text + at, n - at, step, &used),
				     HTTP_EV_REQUEST);
			cr_expect_str_eq(h.request.path, paths[i]);
			cr_expect_eq(h.request.body_len, i == 1 ? 2 : 0);
			/* 1.0 closes unless asked to stay */
			cr_expect_eq(h.keep_alive, i != 2);
			at += used;
			http_next(&h);
		}
	}
}

Test(api_http, nothing_is_taken_before_the_answer)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\nGET /v HTTP/1.1\r\n"
				   "\r\n";
	size_t used;

	cr_assert_eq(http_feed(&h, text, sizeof(text) - 1, &used),
		     HTTP_EV_REQUEST);
	cr_expect_eq(used, 18);
	cr_assert_eq(http_feed(&h, text + 18, 20, &used), HTTP_EV_REQUEST);
	cr_expect_eq(used, 0);
	http_next(&h);
	cr_assert_eq(http_feed(&h, text + 18, sizeof(text) - 19, &used),
		     HTTP_EV_REQUEST);
	cr_expect_str_eq(h.request.path, "/v");
}

Test(api_http, a_client_that_waits_before_it_sends)
{
	static const char head[] = "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\n"
				   "Content-Length: 3\r\n\r\n";
	const size_t n = sizeof(head) - 1;

	for (size_t step = 1; step <= n; step++) {
		size_t used, rest;

		http_init(&h);
		cr_assert_eq(feed(head, n, step, &used), HTTP_EV_CONTINUE);
		cr_assert_eq(feed(head + used, n - used, step, &rest),
			     HTTP_EV_MORE);
		cr_assert_eq(feed("{ }", 3, step, &used), HTTP_EV_REQUEST);
		cr_expect_str_eq(h.request.body, "{ }");
	}
}

Test(api_http, nobody_waits_for_a_body_of_nothing)
{
	static const char head[] = "GET /a HTTP/1.1\r\n"
				   "Expect: 100-continue\r\n\r\n";
	size_t used;

	cr_expect_eq(feed(head, sizeof(head) - 1, 7, &used), HTTP_EV_REQUEST);
}

struct target {
	char text[60], path[32];
};

ParameterizedTestParameters(api_http, paths)
{
	static struct target t[] = {
		{ "/", "/" },
		{ "/balloon/statistics", "/balloon/statistics" },
		{ "/balloon?x=1#y", "/balloon" },
		{ "http://localhost/balloon", "/balloon" },
		{ "http://localhost:80/a/b/", "/a/b/" },
		{ "http://localhost", "" },
		{ "//a", "//a" },
		{ "*", "*" },
		{ "/%2e%2e", "/%2e%2e" },
	};

	return cr_make_param_array(struct target, t, ARRAY_SIZE(t));
}

ParameterizedTest(struct target *t, api_http, paths)
{
	char text[200];
	size_t used;
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n\r\n",
			 t->text);

	cr_assert_eq(feed(text, (size_t)n, 3, &used), HTTP_EV_REQUEST, "%s",
		     t->text);
	cr_expect_str_eq(h.request.path, t->path, "%s", t->text);
}

struct bad {
	char text[140];
	char part[40]; /* of the reason */
};

ParameterizedTestParameters(api_http, refuses)
{
	static struct bad bad[] = {
		{ "garbage\r\n\r\n", "Invalid HTTP Method" },
		{ "\x16\x03\x01\x02", "Invalid HTTP Method" }, /* TLS */
		{ "get / HTTP/1.1\r\n\r\n", "Invalid HTTP Method" },
		{ "POST / HTTP/1.1\r\n\r\n", "Invalid HTTP Method: POST" },
		{ "HEAD / HTTP/1.1\r\n\r\n", "Invalid HTTP Method: HEAD" },
		{ "CONNECT a:1 HTTP/1.1\r\n\r\n", "CONNECT" },
		{ "GET / HTTP/2.0\r\n\r\n", "Invalid HTTP Version" },
		{ "GET / HTTP/1.2\r\n\r\n", "Invalid HTTP Version: HTTP/1.2" },
		{ "GET / HTTP/0.9\r\n\r\n", "Invalid HTTP Version" },
		{ "GET balloon HTTP/1.1\r\n\r\n", "Invalid URI" },
		{ "GET / HTTP/1.1\r\nA\r\n\r\n", "Invalid header" },
		{ "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		  "Invalid header" },
		{ "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		  "Invalid header" },
		{ "PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n"
		  "\r\n",
		  "Invalid header" },
		{ "PUT / HTTP/1.1\r\nContent-Length: 1\r\n"
		  "Content-Length: 2\r\n\r\n",
		  "Invalid header" },
		{ "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
		  "Transfer-Encoding is not supported" },
		{ "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
		  "Content-Length: 5\r\n\r\n",
		  "Invalid" },
		{ "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n"
		  "Content-Length: 5\r\n\r\n",
		  "Invalid" },
		{ "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
		  "GET request cannot have a body" },
		{ "DELETE / HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
		  "DELETE request cannot have a body" },
		{ "PUT / HTTP/1.1\r\nContent-Length: 51201\r\n\r\n",
		  "size 51201 is larger" },
		{ "PUT / HTTP/1.1\r\nContent-Length: "
		  "18446744073709551614\r\n\r\n",
		  "Invalid header" },
	};

	return cr_make_param_array(struct bad, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad *b, api_http, refuses)
{
	static const char good[] = "GET / HTTP/1.1\r\n\r\n";
	const size_t n = strlen(b->text);
	size_t used;

	for (size_t step = 1; step <= n; step++) {
		http_init(&h);
		cr_assert_eq(feed(b->text, n, step, &used), HTTP_EV_ERROR, "%s",
			     b->text);
		cr_expect(strstr(h.error, b->part), "%s: %s", b->text, h.error);
		/* it stays so */
		cr_expect_eq(http_feed(&h, good, sizeof(good) - 1, &used),
			     HTTP_EV_ERROR);
		cr_expect_eq(used, 0);
	}
	http_init(&h);
	cr_expect_eq(feed(good, sizeof(good) - 1, 99, &used), HTTP_EV_REQUEST);
}

/* `n` times c, fed as part of a request. */
static enum http_event flood(const char *before, char c, size_t n)
{
	char *s = malloc(n);
	enum http_event e;
	size_t used;

	cr_assert_eq(feed(before, strlen(before), 1000, &used), HTTP_EV_MORE);
	memset(s, c, n);
	e = feed(s, n, 1000, &used);
	free(s);
	return e;
}

Test(api_http, limits)
{
	size_t used;

	cr_expect_eq(flood("GET /", 'a', API_TARGET_MAX - 1), HTTP_EV_MORE);
	cr_expect_eq(feed(" HTTP/1.1\r\n\r\n", 13, 99, &used), HTTP_EV_REQUEST);
	cr_expect_eq(strlen(h.request.path), API_TARGET_MAX);
	http_init(&h);
	cr_expect_eq(flood("GET /", 'a', API_TARGET_MAX), HTTP_EV_ERROR);
	cr_expect(strstr(h.error, "1024"));
	http_init(&h);
	cr_expect_eq(flood("GET / HTTP/1.1\r\nA: ", 'a', API_HEAD_MAX),
		     HTTP_EV_ERROR);
	cr_expect(strstr(h.error, "8192"));
	http_init(&h);
	cr_expect_eq(flood("GET / HTTP/1.1\r\n", 'a', API_HEAD_MAX + 1),
		     HTTP_EV_ERROR);
	http_init(&h); /* blanks are not reported, but not free either */
	cr_expect_eq(flood("GET / HTTP/1.1\r\nA:", ' ', 100000), HTTP_EV_ERROR);
	http_init(&h);
	cr_expect_eq(flood("PUT / HTTP/1.1\r\nContent-Length: 51200\r\n\r\n",
			   'a', API_BODY_MAX),
		     HTTP_EV_REQUEST);
	cr_expect_eq(h.request.body_len, API_BODY_MAX);
	cr_expect_eq(strlen(h.request.body), API_BODY_MAX);
}

/* --- answers ---------------------------------------------------------------- */

static void expect_bytes(struct api_answer *a, bool keep, const char *want)
{
	size_t len = 0;
	char *s = api_render(a, keep, &len);

	cr_assert(s);
	cr_expect_eq(len, strlen(want));
	cr_expect_eq(memcmp(s, want, len), 0, "%.*s", (int)len, s);
	free(s);
	api_answer_fini(a);
}

Test(api_http, answers_byte_for_byte)
{
	struct api_answer a = { 0 };

	api_done(&a);
	expect_bytes(&a, true,
		     "HTTP/1.1 204 \r\nServer: Firecracker API\r\n"
		     "Connection: keep-alive\r\n\r\n");
	api_json(&a, json_pack("{s:i}", "a", 1));
	expect_bytes(&a, false,
		     "HTTP/1.1 200 \r\nServer: Firecracker API\r\n"
		     "Connection: close\r\nContent-Type: application/json\r\n"
		     "Content-Length: 7\r\n\r\n{\"a\":1}");
	api_fault(&a, "no \"%s\"", "x");
	expect_bytes(&a, true,
		     "HTTP/1.1 400 \r\nServer: Firecracker API\r\n"
		     "Connection: keep-alive\r\n"
		     "Content-Type: application/json\r\n"
		     "Content-Length: 28\r\n\r\n"
		     "{\"fault_message\":\"no \\\"x\\\"\"}");
	api_bad_http(&a, "Request payload with size 51201 is larger than the "
			 "limit of 51200 allowed by server.");
	expect_bytes(&a, true,
		     "HTTP/1.1 400 \r\nServer: Firecracker API\r\n"
		     "Connection: keep-alive\r\n"
		     "Content-Type: application/json\r\n"
		     "Content-Length: 149\r\n\r\n"
		     "{ \"error\": \"Request payload with size 51201 is larger "
		     "than the limit of 51200 allowed by server.\nAll previous "
		     "unanswered requests will be dropped.\" }");
	api_json(&a, NULL); /* as when there is no memory */
	expect_bytes(&a, true,
		     "HTTP/1.1 500 \r\nServer: Firecracker API\r\n"
		     "Connection: keep-alive\r\n\r\n");
}
