/* trip.h: data that compresses as text does, and its checksum. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRC_TRIP_H
#define SRC_TRIP_H

#include <stddef.h>
#include <stdint.h>

static inline void trip_fill(unsigned char *p, size_t len)
{
	uint32_t r = 1;
	size_t i = 0;

	while (i < len) {
		r = r * 1664525u + 1013904223u;
		/* a word from before, or new letters */
		size_t n = 3 + (r >> 28), back = (r >> 8 & 0xffff) + 1;

		for (size_t k = 0; k < n && i < len; k++, i++)
			p[i] = (r & 7) && back <= i
				       ? p[i - back]
				       : (unsigned char)('a' +
							 (r >> (k % 24)) % 26);
	}
}

static inline uint64_t trip_sum(const unsigned char *p, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

#endif
