/* xz-trip.c: MIB mebibytes through xz and back, in memory; prints the sizes
 * and whether what came back is what went in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trip.h"

int main(int argc, char **argv)
{
	size_t len = (size_t)(argc > 1 ? atol(argv[1]) : 100) << 20;
	size_t cap = lzma_stream_buffer_bound(len), packed_len = 0;
	size_t in_pos = 0, out_pos = 0;
	unsigned char *in = malloc(len), *packed = malloc(cap);
	uint64_t limit = UINT64_MAX;

	if (!in || !packed)
		return 2;
	trip_fill(in, len);
	uint64_t before = trip_sum(in, len);

	if (lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, in, len, packed,
				    &packed_len, cap) != LZMA_OK)
		return 1;
	memset(in, 0, len);
	if (lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in_pos,
				      packed_len, in, &out_pos, len) != LZMA_OK)
		return 1;
	printf("xz %s: %zu -> %zu -> %zu, %s\n", lzma_version_string(), len,
	       packed_len, out_pos,
	       trip_sum(in, len) == before ? "the same" : "DIFFERENT");
	return trip_sum(in, len) != before;
}
