/* watched_madvise.c: see watched_madvise.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/watched_madvise.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

#define PAGE 4096u

struct watched_madvise watched_madvise;

int madvise(void *p, size_t len, int advice)
{
	struct watched_madvise *w = &watched_madvise;
	const uint8_t *at = p;

	if (advice == MADV_DONTNEED) {
		if (w->from) {
			CHECK((uintptr_t)at % PAGE == 0 && len % PAGE == 0);
			CHECK(at >= w->from && at < w->to &&
			      len <= (size_t)(w->to - at));
		}
		if (w->error) {
			errno = w->error;
			return -1;
		}
		w->n++;
		w->bytes += len;
	}
	return (int)syscall(SYS_madvise, p, len, advice);
}
