/* io_blk.c: blk read|write random|sequential DEPTH LEN MS sleep|poll
 *
 * Requests of LEN bytes to disk 0, DEPTH of them in flight, for MS
 * milliseconds. What has ended is replaced, all of it with one kick. With
 * `sleep` the driver waits as it does for everybody: a short look at the
 * queue, then the processor halts until the interrupt; with `poll` it never
 * halts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/guest/io.h"
#include "drivers/blk.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/page.h"
#include "linux/errno.h"

static struct {
	enum blk_type type;
	bool random, sleep;
	unsigned depth;
	uint32_t len;
	uint64_t ns;
	struct blk_info disk;
	uint64_t state, next;                           /* of what comes next */
	gpa_t free[BLK_REQUESTS], buffer[BLK_REQUESTS]; /* of a request */
	uint64_t start_ns[BLK_REQUESTS];
	struct tally tally;
} w LARGE;

static void read_arguments(void)
{
	w.type = io_is(2, "read") ? BLK_READ : BLK_WRITE;
	w.random = io_is(3, "random");
	w.depth = (unsigned)io_number(4);
	w.len = (uint32_t)io_number(5);
	w.ns = io_number(6) * 1000000;
	w.sleep = io_is(7, "sleep");
	w.state = 0x9e3779b97f4a7c15;
	if (w.depth < 1 || w.depth > BLK_REQUESTS)
		io_fail("depth", w.depth);
	if (w.len % BLK_SECTOR || !w.len)
		io_fail("length", w.len);
	if (!blk_open(0, &w.disk))
		io_fail("no disk", 0);
	if (w.disk.sectors * BLK_SECTOR < w.len)
		io_fail("sectors", (int64_t)w.disk.sectors);
}

static void make_buffers(void)
{
	const uint64_t pages = page_up(w.len) / PAGE_LEN;

	for (unsigned i = 0; i < w.depth; i++) {
		uint64_t *p = page_alloc_run(pages);

		if (!p)
			io_fail("no memory for buffer", i);
		/* touched, and nothing a host could take for zeros */
		for (uint64_t n = 0; n < pages * PAGE_LEN / sizeof(*p); n++)
			p[n] = tally_random(&w.state);
		w.free[i] = phys_of(p);
	}
}

static void offer(gpa_t gpa, uint64_t now)
{
	const uint64_t blocks = w.disk.sectors * BLK_SECTOR / w.len;
	const uint64_t at =
		(w.random ? tally_random(&w.state) : w.next++) % blocks;
	int64_t r = blk_offer(0, w.type, at * (w.len / BLK_SECTOR), gpa, w.len);

	if (r < 0)
		io_fail("offer", r);
	w.buffer[r] = gpa;
	w.start_ns[r] = now;
}

/* The next that has ended; -EAGAIN: there is no other at the moment. */
static int64_t next(bool first)
{
	int64_t at, result;

	do {
		at = blk_next(0, first && w.sleep, &result);
		if (at == -LINUX_EAGAIN && first)
			pause();
	} while (at == -LINUX_EAGAIN && first);
	if (at >= 0 && result != 0)
		io_fail("request", result);
	if (at < 0 && at != -LINUX_EAGAIN && at != -LINUX_EINVAL)
		io_fail("next", at);
	return at;
}

void io_blk(void)
{
	unsigned in_flight, n_free;
	uint64_t now, end;

	read_arguments();
	make_buffers();
	io_begin();
	now = clock_now();
	end = now + w.ns;
	for (in_flight = 0; in_flight < w.depth; in_flight++)
		offer(w.free[in_flight], now);
	blk_kick(0);
	while (in_flight > 0) {
		int64_t at = next(true);

		n_free = 0;
		now = clock_now();
		for (; at >= 0; at = next(false)) {
			tally_add(&w.tally, now - w.start_ns[at], w.len);
			w.free[n_free++] = w.buffer[at];
			in_flight--;
		}
		if (now >= end)
			continue;
		in_flight += n_free;
		while (n_free > 0)
			offer(w.free[--n_free], now);
		blk_kick(0);
	}
	io_end(&w.tally);
}
