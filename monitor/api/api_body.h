/* api_body.h: a request's JSON body, read into fields. Strict: integers are
 * integers, every key is known and there once. What is wrong is answered in
 * the words that Firecracker's clients know. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_API_BODY_H
#define API_API_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct api_answer;
struct api_request;

enum api_type { API_U16, API_U32, API_BOOL, API_STRING };

/* The address of one of these is a field's `to`. */
struct api_string {
	char text[64]; /* longer ones are cut */
};

struct api_field {
	const char *name;
	enum api_type type;
	bool required;
	void *to; /* uint32_t (U16 and U32), bool or struct api_string;
		   * written when the field is there */
};

/* False: the request was answered with what is wrong. */
WUR bool api_body(const struct api_request *r, const struct api_field *fields,
		  unsigned n, struct api_answer *a);

#endif
