/* api_answer.h: what a request is answered with, and its bytes on the wire.
 *
 * Status codes and bodies are Firecracker's: 200 with a body, 204 without,
 * 400 with {"fault_message": ...} or, where the HTTP itself is wrong, with
 * { "error": ... }. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_ANSWER_H
#define API_API_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Zeroed: no answer yet. Filled once, by one of the functions below. */
struct api_answer {
	unsigned status;
	const char *type; /* of the body; NULL: there is none */
	char *body;       /* owned */
	size_t len;
};

void api_answer_fini(struct api_answer *a);

void api_done(struct api_answer *a); /* 204 */
/* 200; takes the value, of which NULL means that there was no memory. */
void api_json(struct api_answer *a, json_t *value);
/* 200; takes the bytes (malloc). */
void api_text(struct api_answer *a, char *text, size_t len);
/* 400 with a fault message. */
void api_fault(struct api_answer *a, const char *fmt, ...) PRINTF(2, 3);
/* 400 for what is not even HTTP. */
void api_bad_http(struct api_answer *a, const char *why);

/* Head and body as one piece of memory (malloc); NULL: there is none. */
WUR char *api_render(const struct api_answer *a, bool keep_alive,
		     size_t *ret_len);

/* The answer to a connection that is one too many, whole. */
extern const char api_too_many[];
/* The interim answer that a client waits for before it sends a body. Never
 * written; not const because an iovec points to it. */
extern char api_continue[];

#endif
