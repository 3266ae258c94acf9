/* io_vsock.c: vsock PORT ping|send|receive LEN MS sleep|poll
 *
 * LEN bytes at a time over a stream to PORT of the host for MS milliseconds.
 * How `sleep` and `poll` wait for what comes is said in io_blk.c; what goes
 * is waited for by the driver. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/guest/io.h"
#include "drivers/vsock.h"
#include "kernel/clock.h"
#include "kernel/cpu.h"
#include "kernel/page.h"
#include "linux/errno.h"

static struct {
	int conn;
	uint32_t len;
	uint64_t ns;
	bool sleep;
	uint8_t *buf;
	struct tally tally;
} w LARGE;

static void put(void)
{
	int64_t n = vsock_send_all(w.conn, w.buf, w.len);

	if (n < 0)
		io_fail("send", n);
}

/* All of it. */
static void get(void)
{
	uint32_t done = 0;

	while (done < w.len) {
		uint8_t *to = w.buf + done;
		int64_t n = w.sleep ? vsock_recv_wait(w.conn, to, w.len - done)
				    : vsock_recv(w.conn, to, w.len - done);

		if (n == -LINUX_EAGAIN)
			pause();
		else if (n <= 0)
			io_fail("receive", n);
		else
			done += (uint32_t)n;
	}
}

void io_vsock(void)
{
	bool ping, sends;
	uint64_t now, then, end;
	uint32_t cid;

	ping = io_is(3, "ping");
	sends = !io_is(3, "receive");
	w.len = (uint32_t)io_number(4);
	w.ns = io_number(5) * 1000000;
	w.sleep = io_is(6, "sleep");
	if (w.len < 1 || w.len > (16u << 20))
		io_fail("length", w.len);
	w.buf = page_alloc_run(page_up(w.len) / PAGE_LEN);
	if (!w.buf)
		io_fail("no memory", w.len);
	if (!vsock_open(&cid))
		io_fail("no socket device", 0);
	w.conn = vsock_connect(VSOCK_STREAM, (uint32_t)io_number(2));
	if (w.conn < 0 || vsock_wait_open(w.conn) < 0)
		io_fail("connect", w.conn);
	io_begin();
	now = clock_now();
	for (end = now + w.ns; now < end; now = then) {
		if (sends)
			put();
		if (ping || !sends)
			get();
		then = clock_now();
		if (ping)
			tally_add(&w.tally, then - now, w.len);
		else
			tally_move(&w.tally, w.len);
	}
	io_end(&w.tally);
}
