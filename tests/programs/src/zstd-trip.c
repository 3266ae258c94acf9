/* zstd-trip.c: MIB mebibytes through zstd and back, in pieces, as a filter
 * does; prints the sizes and a checksum of what came back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trip.h"

int main(int argc, char **argv)
{
	size_t len = (size_t)(argc > 1 ? atol(argv[1]) : 100) << 20;
	size_t cap = ZSTD_compressBound(len);
	unsigned char *in = malloc(len), *packed = malloc(cap);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_DCtx *d = ZSTD_createDCtx();

	if (!in || !packed || !c || !d)
		return 2;
	trip_fill(in, len);
	uint64_t before = trip_sum(in, len);
	ZSTD_inBuffer ib = { in, 0, 0 };
	ZSTD_outBuffer ob = { packed, cap, 0 };

	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 3);
	while (ib.pos < len) {
		ib.size = len - ib.pos > 1 << 20 ? ib.pos + (1 << 20) : len;
		size_t r = ZSTD_compressStream2(
			c, &ob, &ib,
			ib.size == len ? ZSTD_e_end : ZSTD_e_continue);

		if (ZSTD_isError(r)) {
			puts(ZSTD_getErrorName(r));
			return 1;
		}
	}
	memset(in, 0, len);
	ZSTD_inBuffer pi = { packed, ob.pos, 0 };
	ZSTD_outBuffer po = { in, len, 0 };

	while (pi.pos < pi.size) {
		size_t r = ZSTD_decompressStream(d, &po, &pi);

		if (ZSTD_isError(r)) {
			puts(ZSTD_getErrorName(r));
			return 1;
		}
	}
	printf("zstd %s: %zu -> %zu -> %zu, %s\n", ZSTD_versionString(), len,
	       ob.pos, po.pos,
	       trip_sum(in, len) == before ? "the same" : "DIFFERENT");
	return trip_sum(in, len) != before;
}
