/* blk_records.c: writes numbered records with checksums to disk 0 until it is
 * full, four at a time, and says on the console how many are safe: after a
 * FLUSH, or, with the word "through", after writes to a device that was not
 * asked for FLUSH. tests/integ/helpers/records.c checks them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_blk.h"

#define RECORD 4096u
#define BATCH  4u

static void make_record(uint64_t seq, uint64_t gpa)
{
	uint64_t *p = KIT_PHYS(gpa), x = seq * 0x9e3779b97f4a7c15 + 1, sum = 0;

	p[0] = seq;
	for (unsigned i = 2; i < RECORD / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = x;
		sum = sum * 31 + x;
	}
	p[1] = sum ^ seq;
}

int main(int argc, char **argv)
{
	const bool through = argc > 1 && strcmp(argv[1], "through") == 0;
	static struct blk b;
	uint64_t records;

	if (!blk_open(&b, 0, through ? 0 : BLK_F_FLUSH))
		return 2;
	records = b.sectors / (RECORD / 512) / BATCH * BATCH;
	for (uint64_t seq = 0; seq < records; seq += BATCH) {
		for (unsigned i = 0; i < BATCH; i++) {
			make_record(seq + i, BLK_DATA + i * RECORD);
			blk_add(&b, i, BLK_OUT, (seq + i) * (RECORD / 512),
				BLK_DATA + i * RECORD, RECORD);
		}
		blk_kick(&b);
		for (unsigned i = 0; i < BATCH; i++)
			if (b.s->status[blk_wait(&b)] != 0)
				return 3;
		if (!through && blk_do(&b, BLK_FLUSH, 0, 0, 0) != 0)
			return 4;
		printf("%llu\n", (unsigned long long)(seq + BATCH));
		fflush(stdout);
	}
	return 0;
}
