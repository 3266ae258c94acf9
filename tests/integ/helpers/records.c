/* records.c: FILE N: the first N records that blk_records.c wrote are there
 * and whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define RECORD 4096u

static int is_whole(const uint64_t *p, uint64_t seq)
{
	uint64_t x = seq * 0x9e3779b97f4a7c15 + 1, sum = 0;

	for (unsigned i = 2; i < RECORD / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (p[i] != x)
			return 0;
		sum = sum * 31 + x;
	}
	return p[0] == seq && p[1] == (sum ^ seq);
}

int main(int argc, char **argv)
{
	static uint64_t record[RECORD / 8];
	FILE *f = argc == 3 ? fopen(argv[1], "r") : NULL;
	uint64_t n;

	if (!f) {
		puts("usage: records FILE N");
		return 2;
	}
	n = strtoull(argv[2], NULL, 10);
	for (uint64_t i = 0; i < n; i++)
		if (fread(record, RECORD, 1, f) != 1 || !is_whole(record, i)) {
			printf("record %llu of %llu is lost\n",
			       (unsigned long long)i, (unsigned long long)n);
			return 1;
		}
	return 0;
}
