/* err.h: why a set-up function failed, in words, without allocating. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

/*
 * Lives on the caller's stack, zero-initialised. `msg` names the thing and
 * grows context on its way up; `code` is the first negative errno. Messages
 * are lower case, without a final period or newline.
 */
struct err {
	int code; /* negative errno, 0 while unset */
	char msg[400];
};

/*
 * Both return err->code, so that `return err_set(...)` is the whole failure
 * path. err_set on an err that is already set is a bug. err_wrap prefixes
 * "text: " to the message of one that is set.
 */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF(3, 4);
int err_wrap(struct err *err, const char *fmt, ...) PRINTF(2, 3);

#endif
