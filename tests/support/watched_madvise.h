/* watched_madvise.h: madvise in libc's place: counts what is given back, and
 * fails on demand. With nothing set it is libc's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_WATCHED_MADVISE_H
#define SUPPORT_WATCHED_MADVISE_H

#include <stdint.h>

struct watched_madvise {
	int error;  /* of MADV_DONTNEED; 0: none */
	unsigned n; /* MADV_DONTNEED calls so far */
	uint64_t bytes;
	/* Outside of [from, to), or not whole pages, is a failed CHECK; 0:
	 * anything goes. */
	const uint8_t *from, *to;
};

extern struct watched_madvise watched_madvise;

#endif
