/* linked_blk.c: a program linked with the kit's own code in the place of
 * kernel/main.c: copies disk 0 to disk 1 with the kit's block driver, many
 * requests at a time, asleep while it waits. A kernel to the monitor. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/blk.h"
#include "drivers/console.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "linux/errno.h"

#define PIECE (64u << 10)

static NORETURN void fail(const char *what, int64_t n)
{
	char line[80];
	size_t len =
		format(line, sizeof(line), "wrong: %s %ld\n", what, (long)n);

	console_write(CONSOLE_OUT, line, len);
	machine_exit(1);
}

static void expect(bool good, const char *what, int64_t n)
{
	if (!good)
		fail(what, n);
}

static uint32_t piece_len(const struct blk_info *disk, uint64_t sector)
{
	return (uint32_t)min_u64(PIECE, (disk->sectors - sector) * BLK_SECTOR);
}

/* A round of as many pieces as may be in flight; half of them as they come,
 * the rest in reverse order. */
static void round_of(enum blk_type type, unsigned nth,
		     const struct blk_info *disk, uint64_t from, gpa_t gpa)
{
	const uint64_t step = PIECE / BLK_SECTOR;
	unsigned request[BLK_REQUESTS], n = 0;
	uint32_t taken = 0;

	for (; n < BLK_REQUESTS && from + n * step < disk->sectors; n++) {
		int64_t r = blk_offer(nth, type, from + n * step,
				      gpa + (gpa_t)n * PIECE,
				      piece_len(disk, from + n * step));

		expect(r >= 0, "start", r);
		request[n] = (unsigned)r;
	}
	if (n == BLK_REQUESTS) {
		int64_t r = blk_offer(nth, BLK_READ, 0, gpa, BLK_SECTOR);

		expect(r == -LINUX_EAGAIN, "one too many", r);
	}
	blk_kick(nth);
	for (unsigned half = n / 2; half > 0; half--) {
		int64_t result, at = blk_next(nth, true, &result);

		expect(at >= 0 && result == 0, "next", at);
		taken |= 1u << at;
	}
	while (n-- > 0) {
		int64_t r = blk_wait(nth, request[n]);

		expect(r == (taken & 1u << request[n] ? -LINUX_EINVAL : 0),
		       "request", r);
	}
}

static void copy(void)
{
	const uint64_t step = BLK_REQUESTS * (PIECE / BLK_SECTOR);
	struct blk_info from, to, none;
	const gpa_t gpa =
		phys_of(page_alloc_run(BLK_REQUESTS * PIECE / PAGE_LEN));
	int64_t r, result;

	expect(blk_open(0, &from), "no disk", 0);
	expect(blk_open(1, &to), "no disk", 1);
	expect(!blk_open(2, &none) && !blk_open(8, &none), "a disk", 2);
	expect(from.read_only && !to.read_only && to.flush, "features", 0);
	expect(from.sectors == to.sectors, "sizes", (int64_t)to.sectors);
	for (uint64_t at = 0; at < from.sectors; at += step) {
		round_of(BLK_READ, 0, &from, at, gpa);
		round_of(BLK_WRITE, 1, &to, at, gpa);
	}
	r = blk_do(1, BLK_FLUSH, 0, 0, 0);
	expect(r == 0, "flush", r);
	r = blk_do(0, BLK_WRITE, 0, gpa, BLK_SECTOR);
	expect(r == -LINUX_EIO, "write to a read-only disk", r);
	r = blk_do(1, BLK_READ, to.sectors, gpa, BLK_SECTOR);
	expect(r == -LINUX_EIO, "read behind the end", r);
	r = blk_wait(1, 0);
	expect(r == -LINUX_EINVAL, "wait for nothing", r);
	r = blk_next(1, true, &result);
	expect(r == -LINUX_EINVAL, "next of nothing", r);
	r = blk_offer(1, BLK_FLUSH, 0, 0, 0);
	expect(r >= 0, "offer", r);
	r = blk_next(1, false, &result); /* nobody told the device */
	expect(r == -LINUX_EAGAIN, "next, too early", r);
	r = blk_next(1, true, &result);
	expect(r >= 0 && result == 0, "next", r);
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	machine_init(start_info, tsc_entry);
	page_init();
	copy();
	console_write(CONSOLE_OUT, "copied\n", 7);
	machine_exit(0);
}
