/* api_body.c: see api_body.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_body.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "api/api_answer.h"
#include "api/api_http.h"
#include "base/attr.h"

static const char *const type_names[] = {
	[API_U16] = "u16",
	[API_U32] = "u32",
	[API_BOOL] = "a boolean",
	[API_STRING] = "a string",
};

/* Where the last thing of the body stands: from 1, as people count. */
static void find_end(const struct api_request *r, int *ret_line, int *ret_col)
{
	size_t end = r->body_len;
	int line = 1, col = 0;

	while (end > 0 && strchr(" \t\r\n", r->body[end - 1]))
		end--;
	for (size_t i = 0; i < end; i++, col++)
		if (r->body[i] == '\n') {
			line++;
			col = -1;
		}
	*ret_line = line;
	*ret_col = col;
}

static void PRINTF(3, 4) wrong(const struct api_request *r,
			       struct api_answer *a, const char *fmt, ...)
{
	char text[300];
	int line, col;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	find_end(r, &line, &col);
	api_fault(a,
		  "An error occurred when deserializing the json body of a "
		  "request: %s at line %d column %d.",
		  text, line, col);
}

/* Says what came instead of what was expected. */
static void wrong_type(const struct api_request *r, struct api_answer *a,
		       const json_t *v, const char *expected)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		wrong(r, a, "invalid type: string \"%.60s\", expected %s",
		      json_string_value(v), expected);
		break;
	case JSON_INTEGER:
		wrong(r, a, "invalid %s: integer `%lld`, expected %s",
		      expected[0] == 'u' ? "value" : "type",
		      (long long)json_integer_value(v), expected);
		break;
	case JSON_REAL:
		wrong(r, a, "invalid type: floating point `%g`, expected %s",
		      json_real_value(v), expected);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		wrong(r, a, "invalid type: boolean `%s`, expected %s",
		      json_is_true(v) ? "true" : "false", expected);
		break;
	case JSON_OBJECT:
		wrong(r, a, "invalid type: map, expected %s", expected);
		break;
	case JSON_ARRAY:
		wrong(r, a, "invalid type: sequence, expected %s", expected);
		break;
	case JSON_NULL:
		wrong(r, a, "invalid type: null, expected %s", expected);
		break;
	}
}

static bool take_number(const json_t *v, json_int_t max, uint32_t *to)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > max)
		return false;
	*to = (uint32_t)json_integer_value(v);
	return true;
}

static bool take(const struct api_field *f, const json_t *v)
{
	switch (f->type) {
	case API_U16:
		return take_number(v, UINT16_MAX, f->to);
	case API_U32:
		return take_number(v, UINT32_MAX, f->to);
	case API_BOOL:
		if (json_is_boolean(v))
			*(bool *)f->to = json_is_true(v);
		return json_is_boolean(v);
	case API_STRING:
		if (json_is_string(v))
			(void)snprintf(((struct api_string *)f->to)->text,
				       sizeof(struct api_string), "%s",
				       json_string_value(v));
		return json_is_string(v);
	}
	return false;
}

static void unknown_field(const struct api_request *r, struct api_answer *a,
			  const char *key, const struct api_field *fields,
			  unsigned n)
{
	char list[160] = "";

	for (unsigned i = 0; i < n; i++) {
		const size_t len = strlen(list);

		(void)snprintf(list + len, sizeof(list) - len, "%s`%s`",
			       i == 0 ? "" : ", ", fields[i].name);
	}
	wrong(r, a, "unknown field `%.60s`, expected %s%s", key,
	      n > 1 ? "one of " : "", list);
}

static bool take_fields(const struct api_request *r, json_t *body,
			const struct api_field *fields, unsigned n,
			struct api_answer *a)
{
	const char *key;
	json_t *v;

	json_object_foreach(body, key, v)
	{
		unsigned i = 0;

		while (i < n && strcmp(fields[i].name, key) != 0)
			i++;
		if (i == n) {
			unknown_field(r, a, key, fields, n);
			return false;
		}
		if (!take(&fields[i], v)) {
			wrong_type(r, a, v, type_names[fields[i].type]);
			return false;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (fields[i].required &&
		    !json_object_get(body, fields[i].name)) {
			wrong(r, a, "missing field `%s`", fields[i].name);
			return false;
		}
	return true;
}

bool api_body(const struct api_request *r, const struct api_field *fields,
	      unsigned n, struct api_answer *a)
{
	json_error_t e;
	json_t *body = json_loadb(r->body, r->body_len,
				  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	bool good = false;

	if (!body)
		api_fault(a,
			  "An error occurred when deserializing the json body "
			  "of a request: %s at line %d column %d.",
			  e.text, e.line, e.column);
	else if (!json_is_object(body))
		wrong_type(r, a, body, "an object");
	else
		good = take_fields(r, body, fields, n, a);
	json_decref(body);
	return good;
}
