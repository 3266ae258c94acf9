/* check.c: the last line of a monitor that found itself broken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *expr, const char *file, int line)
{
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "mayfly: bug: %s:%d: CHECK(%s)\n",
			 file, line, expr);

	if (n > 0)
		(void)!write(STDERR_FILENO, buf,
			     (size_t)n < sizeof(buf) ? (size_t)n
						     : sizeof(buf) - 1);
	abort();
}
