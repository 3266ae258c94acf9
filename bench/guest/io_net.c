/* io_net.c: net ping|send|receive LEN MS sleep|poll
 *
 * Frames of LEN bytes through card 0 for MS milliseconds; bench/frame.h says
 * who is on the other side. `send` looks for free buffers all the time: the
 * driver cannot wait for them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/frame.h"
#include "bench/guest/io.h"
#include "drivers/net.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"

#define BATCH 32u

static struct {
	uint32_t len;
	uint64_t ns;
	bool sleep;
	uint8_t frame[FRAME_MAX];
	struct tally tally;
} w LARGE;

static void wait_for_frame(void)
{
	if (w.sleep)
		net_wait(0, 0);
	else
		pause();
}

/* Queues a frame, once there is a buffer for it. */
static void put(uint32_t len)
{
	while (net_send(0, w.frame, len) < 0) {
		net_push(0);
		pause();
	}
}

/* The next of our frames, if there is one; its content does not matter. */
static bool get(void)
{
	struct net_frame f;
	bool ours;

	if (!net_receive(0, &f))
		return false;
	ours = frame_is_ours(f.bytes, f.len);
	net_release(0, &f);
	return ours;
}

static void ping(uint64_t end)
{
	for (uint64_t now = clock_now(), then; now < end; now = then) {
		put(w.len);
		net_push(0);
		while (!get())
			wait_for_frame();
		then = clock_now();
		tally_add(&w.tally, then - now, w.len);
	}
}

static void send(uint64_t end)
{
	while (clock_now() < end) {
		for (unsigned i = 0; i < BATCH; i++) {
			put(w.len);
			tally_move(&w.tally, w.len);
		}
		net_push(0);
	}
}

static void receive(uint64_t end)
{
	w.frame[FRAME_MARK] = FRAME_START;
	put(FRAME_MIN);
	w.frame[FRAME_MARK] = 0;
	net_push(0);
	while (clock_now() < end) {
		while (!get())
			wait_for_frame();
		do {
			tally_move(&w.tally, w.len);
			if (w.tally.n % FRAME_CREDIT == 0)
				put(FRAME_MIN);
		} while (get());
		net_push(0);
	}
}

void io_net(void)
{
	struct net_info card;
	uint64_t end;

	w.len = (uint32_t)io_number(3);
	w.ns = io_number(4) * 1000000;
	w.sleep = io_is(5, "sleep");
	if (w.len < FRAME_MIN || w.len > FRAME_MAX)
		io_fail("length", w.len);
	if (!net_open(0, &card))
		io_fail("no card", 0);
	frame_init(w.frame, w.len, card.mac);
	io_begin();
	end = clock_now() + w.ns;
	if (io_is(2, "ping"))
		ping(end);
	else if (io_is(2, "send"))
		send(end);
	else
		receive(end);
	io_end(&w.tally);
}
