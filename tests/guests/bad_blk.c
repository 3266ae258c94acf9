/* bad_blk.c: a driver of disk 0 that breaks every rule: broken chains, each
 * of which must cost the device and nothing else; requests that must be
 * refused; resets and rewritten rings while requests are in flight. In
 * between the disk must give its sectors as ever. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_blk.h"

#define H       (BLK_DATA + 0x10000) /* a header */
#define BUF     (BLK_DATA + 0x20000)
#define RAM_END 0x4000000ull /* -m 64M */
#define DEVICES (PLATFORM_GPA + PLATFORM_LEN)

static struct blk b;
static const char *context = "starting";
static uint8_t first[512]; /* sector 0 */

static void wrong(unsigned line, const char *what)
{
	printf("wrong %u: %s while %s\n", line, what, context);
	exit(1);
}

#define EXPECT(e)                            \
	do {                                 \
		if (!(e))                    \
			wrong(__LINE__, #e); \
	} while (0)

static void works(void)
{
	EXPECT(blk_start(&b, BLK_ALL));
	memset(KIT_PHYS(BUF), 0x5a, 512);
	EXPECT(blk_do(&b, BLK_IN, 0, BUF, 512) == 0);
	EXPECT(memcmp(KIT_PHYS(BUF), first, 512) == 0);
}

struct part {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
};

#define W BLK_WRITE

static const struct broken {
	const char *name;
	uint32_t type;
	unsigned n;
	struct part part[4];
} broken[] = {
	{ "no header", 0, 1, { { H, 1, W } } },
	{ "header to write", 0, 2, { { H, 16, W }, { H + 16, 1, W } } },
	{ "short header", 0, 2, { { H, 15, 0 }, { H + 16, 1, W } } },
	{ "no status byte", 0, 1, { { H, 16, 0 } } },
	{ "status to read",
	  1,
	  3,
	  { { H, 16, 0 }, { BUF, 512, 0 }, { H, 1, 0 } } },
	{ "read from the guest",
	  0,
	  3,
	  { { H, 16, 0 }, { BUF, 512, 0 }, { H, 1, W } } },
	{ "write to the guest",
	  1,
	  3,
	  { { H, 16, 0 }, { BUF, 512, W }, { H, 1, W } } },
	{ "readable behind writable",
	  0,
	  3,
	  { { H, 16, 0 }, { BUF, 512, W }, { H, 1, 0 } } },
	{ "data behind RAM",
	  0,
	  3,
	  { { H, 16, 0 }, { RAM_END, 512, W }, { H, 1, W } } },
	{ "data over the end",
	  0,
	  3,
	  { { H, 16, 0 }, { RAM_END - 8, 512, W }, { H, 1, W } } },
	{ "data in registers",
	  0,
	  3,
	  { { H, 16, 0 }, { DEVICES, 512, W }, { H, 1, W } } },
	{ "header in registers", 0, 2, { { DEVICES, 16, 0 }, { H, 1, W } } },
	{ "status in the APIC", 0, 2, { { H, 16, 0 }, { 0xfee00000, 1, W } } },
	{ "data that wraps",
	  0,
	  3,
	  { { H, 16, 0 }, { ~0ull - 7, 512, W }, { H, 1, W } } },
	{ "huge data",
	  0,
	  3,
	  { { H, 16, 0 }, { BUF, 0xfffffe00, W }, { H, 1, W } } },
};

static void break_chains(void)
{
	for (unsigned i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		const struct broken *c = &broken[i];
		volatile uint32_t *h = KIT_PHYS(H);

		context = c->name;
		works();
		h[0] = c->type;
		h[1] = h[2] = h[3] = 0;
		for (unsigned j = 0; j < c->n; j++) {
			volatile struct blk_desc *d = &b.s->desc[96 + j];

			d->gpa = c->part[j].gpa;
			d->len = c->part[j].len;
			d->flags = c->part[j].flags |
				   (j + 1 < c->n ? BLK_NEXT : 0);
			d->next = (uint16_t)(97 + j);
		}
		blk_offer(&b, 96);
		blk_kick(&b);
		EXPECT(*blk_reg(&b, BLK_REG_STATUS) & 64);
		works();
	}
}

static void refuse(void)
{
	context = "asking for what must be refused";
	works();
	EXPECT(blk_do(&b, BLK_IN, b.sectors, BUF, 512) == 1);
	EXPECT(blk_do(&b, BLK_IN, b.sectors - 1, BUF, 1024) == 1);
	EXPECT(blk_do(&b, BLK_OUT, ~0ull, BUF, 512) == 1);
	EXPECT(blk_do(&b, BLK_OUT, ~0ull / 512, BUF, 512) == 1);
	EXPECT(blk_do(&b, BLK_OUT, 0, BUF, 511) == 1);
	EXPECT(blk_do(&b, BLK_IN, 0, BUF, 1) == 1);
	EXPECT(blk_do(&b, 0xffffffff, 0, BUF, 512) == 2);
	EXPECT(blk_do(&b, 2, 0, 0, 0) == 2);
	memset(KIT_PHYS(BUF), 0xff, 512);
	EXPECT(blk_do(&b, BLK_DISCARD, 0, BUF, 16) == 2);
	EXPECT(blk_do(&b, BLK_WRITE_ZEROES, 0, BUF, 512) == 1);
	works();
}

/* Resets, and whole rings of other requests, without waiting for any. */
static void reset_in_flight(void)
{
	context = "resetting in flight";
	for (unsigned round = 0; round < 200; round++) {
		EXPECT(blk_start(&b, BLK_ALL));
		for (unsigned i = 0; i < BLK_DEPTH; i++)
			blk_add(&b, i, i % 5 == 4 ? BLK_FLUSH : BLK_IN,
				i % 5 == 4 ? 0 : round * 8, BUF + i * 4096,
				i % 5 == 4 ? 0 : 4096);
		blk_kick(&b);
		if (round % 3 == 0) /* the queue is taken away */
			*blk_reg(&b, BLK_REG_READY) = 0;
	}
	works();
}

static uint64_t random64(void)
{
	static uint64_t x = 0x123456789abcdef;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Descriptors, headers and indices change while the device looks. */
static void rewrite_in_flight(void)
{
	unsigned faults = 0;

	context = "rewriting in flight";
	works();
	for (unsigned round = 0; round < 20000; round++) {
		uint64_t r = random64();
		unsigned slot = r % BLK_DEPTH;
		volatile struct blk_desc *d = &b.s->desc[3 * slot];

		/* reads only: the disk must keep its bytes */
		blk_add(&b, slot, BLK_IN, r >> 8 & 0xff, BUF + slot * 4096,
			512 << (r >> 16 & 3));
		if (r >> 20 & 1)
			blk_kick(&b);
		switch (r >> 24 & 15) {
		case 0:
			d[1].len = (uint32_t)(r >> 32) & 0xffff;
			break;
		case 1:
			d[1].gpa = BUF + (r >> 32 & 0xffff);
			break;
		case 2:
			d[r >> 40 & 1].next = (uint16_t)(r >> 48 & 0x7f);
			break;
		case 3:
			b.s->header[slot].sector = r;
			break;
		case 4:
			b.s->avail_idx += (r >> 32 & 0xff) == 0;
			break;
		default:
			break;
		}
		if (round % 16 == 0 && (*blk_reg(&b, BLK_REG_STATUS) & 64)) {
			faults++;
			EXPECT(blk_start(&b, BLK_ALL));
		}
	}
	EXPECT(faults > 0);
	works();
}

/* "rounds": the disk is reset, a line says that a round is over, and a line of
 * input begins another. */
static bool again(const char *word)
{
	if (!word || strcmp(word, "rounds") != 0)
		return false;
	*blk_reg(&b, BLK_REG_STATUS) = 0;
	puts("round of a disk");
	fflush(stdout);
	return getchar() != EOF;
}

int main(int argc, char **argv)
{
	EXPECT(blk_open(&b, 0, BLK_ALL));
	EXPECT(blk_do(&b, BLK_IN, 0, BUF, 512) == 0);
	memcpy(first, KIT_PHYS(BUF), 512);
	do {
		break_chains();
		refuse();
		reset_in_flight();
		rewrite_in_flight();
	} while (again(argc > 1 ? argv[1] : NULL));
	puts("ok a disk");
	return 0;
}
