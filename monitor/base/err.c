/* err.c: see err.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	CHECK(code < 0);
	CHECK(err->code == 0);
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char tail[sizeof(err->msg)];
	va_list ap;
	size_t n;

	CHECK(err->code < 0);
	memcpy(tail, err->msg, sizeof(tail));
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", tail);
	return err->code;
}
