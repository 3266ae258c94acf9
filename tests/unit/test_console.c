/* test_console.c: the console's output, configuration and faults, over a real
 * loop and real pipes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/console_rig.h"
#include "virtio/mmio.h"

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(console, name)                            \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, console, name,            \
			  .timeout = 20)

static void make_pipe(int fd[2])
{
	cr_assert_eq(pipe2(fd, O_CLOEXEC), 0);
}

static void expect_read(int fd, const char *text)
{
	char got[256] = { 0 };

	cr_assert_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	cr_expect_str_eq(got, text);
}

/* What `fd` gives is read in the same loop, a piece at a time. */
struct reader {
	struct loop_op op;
	int fd;
	struct iovec iov;
	size_t n, want;
	uint8_t piece[3000], got[RIG_RAM];
};

static void reader_done(struct loop_op *op, int res);

static void reader_go(struct reader *r)
{
	r->op.done = reader_done;
	r->iov = (struct iovec){ r->piece, sizeof(r->piece) };
	cr_assert_eq(loop_readv(rig.loop, &r->op, r->fd, &r->iov, 1,
				LOOP_OFF_STREAM),
		     0);
}

static void reader_done(struct loop_op *op, int res)
{
	struct reader *r = CONTAINER_OF(op, struct reader, op);

	cr_assert_gt(res, 0);
	memcpy(r->got + r->n, r->piece, (size_t)res);
	r->n += (size_t)res;
	if (r->n < r->want)
		reader_go(r);
}

/* --- output --------------------------------------------------------------- */

BOTH_ENGINES(output_arrives)
{
	int fd[2];
	uint32_t head, len;

	make_pipe(fd);
	rig_up(*engine, -1, fd[1]);
	rig_say("hello, ");
	rig_kick(CONSOLE_TX);
	cr_expect(console_output_pending(rig.v));
	rig_run_quiet();
	cr_expect_not(console_output_pending(rig.v));
	rig_say("world\n");
	rig_kick(CONSOLE_TX);
	rig_run_quiet();
	expect_read(fd[0], "hello, world\n");
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(vdriver_used(&rig.tx, &head, &len));
		cr_expect_eq(head, i);
		cr_expect_eq(len, 0);
	}
	cr_expect_eq(rig.fired, 2);
	cr_expect_eq(rig.n_seen, 13);
	cr_expect_eq(memcmp(rig.seen, "hello, world\n", 13), 0);
	rig_down();
}

/* Where a pipe cannot promise not to wait (before Linux 6.5), the loop writes
 * all of it: the same bytes in the same order. */
BOTH_ENGINES(a_kick_writes_what_need_not_wait)
{
	static struct reader r;
	static char big[100000];
	int fd[2];

	make_pipe(fd);
	rig.cfg.output_now = true;
	rig_up(*engine, -1, fd[1]);
	memset(big, 'x', sizeof(big) - 1);
	rig_say("hello, ");
	rig_kick(CONSOLE_TX);
	rig_say("world");
	rig_say(big); /* more than a pipe takes */
	rig_kick(CONSOLE_TX);
	r = (struct reader){ .fd = fd[0], .want = 12 + sizeof(big) - 1 };
	loop_lock(rig.loop);
	reader_go(&r);
	loop_unlock(rig.loop);
	rig_run_quiet();
	cr_expect_eq(r.n, r.want);
	cr_expect_eq(memcmp(r.got, "hello, worldx", 13), 0);
	cr_expect_eq(rig.n_seen, r.want);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 3);
	rig_down();
}

BOTH_ENGINES(chains_that_pile_up_become_one_write)
{
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	rig_up(*engine, -1, fd[1]);
	rig_say("first");
	rig_kick(CONSOLE_TX);
	rig_say("second ");
	rig_say("");
	rig_say("third");
	rig_kick(CONSOLE_TX);
	cr_expect_eq(rig.v->queue[CONSOLE_TX].in_flight, 1,
		     "one write at a time");
	rig_run_quiet();
	expect_read(fd[0], "first");
	expect_read(fd[0], "second third");
	cr_expect_eq(vdriver_used_idx(&rig.tx), 4);
	cr_expect_eq(rig.fired, 2);
	rig_down();
}

BOTH_ENGINES(a_slow_reader_gets_every_byte_in_order)
{
	static struct reader r;
	const struct vdriver_buf b[] = { { RIG_DATA, 100001, false },
					 { RIG_DATA + 100001, 70000, false },
					 { RIG_DATA + 170001, 1, false } };
	int fd[2];

	for (unsigned i = 0; i < 170002; i++)
		rig_ram[RIG_DATA + i] = (uint8_t)(i * 7 + i / 251);
	make_pipe(fd);
	cr_assert_gt(fcntl(fd[1], F_SETPIPE_SZ, 4096), 0);
	cr_assert_eq(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	rig_up(*engine, -1, fd[1]);
	(void)vdriver_add(&rig.tx, b, 3);
	(void)vdriver_add(&rig.tx, b, 1);
	rig_kick(CONSOLE_TX);
	r.fd = fd[0];
	r.want = 170002 + 100001;
	loop_lock(rig.loop);
	reader_go(&r);
	loop_unlock(rig.loop);
	rig_run_quiet();
	cr_expect_eq(r.n, r.want);
	cr_expect_eq(memcmp(r.got, rig_ram + RIG_DATA, 170002), 0);
	cr_expect_eq(memcmp(r.got + 170002, rig_ram + RIG_DATA, 100001), 0);
	cr_expect_eq(rig.n_seen, r.want);
	cr_expect_eq(memcmp(r.got, rig.seen, rig.n_seen), 0);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 2);
	rig_down();
}

BOTH_ENGINES(a_reader_that_left_is_told_once)
{
	int fd[2];

	make_pipe(fd);
	close(fd[0]);
	rig_up(*engine, -1, fd[1]);
	rig_say("one");
	rig_say("two");
	rig_kick(CONSOLE_TX);
	rig_run_quiet();
	cr_expect_eq(rig.closed_error, -EPIPE);
	rig_say("three");
	rig_kick(CONSOLE_TX);
	rig_run_quiet();
	cr_expect_eq(rig.n_closed, 1);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 3, "the guest goes on");
	cr_expect_eq(memcmp(rig.seen, "onetwothree", rig.n_seen), 0);
	cr_expect_eq(rig.n_seen, 11, "still shown");
	cr_expect(vdev_live(rig.v));
	rig_down();
}

BOTH_ENGINES(a_full_disk_is_told)
{
	int fd = open("/dev/full", O_WRONLY);

	cr_assert_geq(fd, 0);
	rig_up(*engine, -1, fd);
	rig_say("one");
	rig_kick(CONSOLE_TX);
	rig_run_quiet();
	cr_expect_eq(rig.closed_error, -ENOSPC);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 1);
	rig_down();
}

BOTH_ENGINES(without_an_output_it_is_only_shown)
{
	const struct vdriver_buf b = { RIG_DATA, 200000, false };

	rig_up(*engine, -1, -1);
	memset(rig_ram + RIG_DATA, 'x', b.len);
	(void)vdriver_add(&rig.tx, &b, 1);
	rig_say("");
	rig_kick(CONSOLE_TX);
	rig_run_quiet();
	cr_expect_eq(rig.n_seen, b.len);
	cr_expect_eq(memcmp(rig.seen, rig_ram + RIG_DATA, b.len), 0);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 2);
	cr_expect_eq(rig.n_closed, 0);
	rig_down();
}

BOTH_ENGINES(a_reset_does_not_wait_for_a_reader)
{
	static char junk[4096];
	int fd[2];

	make_pipe(fd);
	cr_assert_eq(fcntl(fd[1], F_SETPIPE_SZ, 4096), 4096);
	cr_assert_eq(write(fd[1], junk, sizeof(junk)), 4096);
	rig_up(*engine, -1, fd[1]);
	rig_say("lost");
	rig_kick(CONSOLE_TX);
	rig_reset();
	cr_expect(rig.v->reset_pending);
	cr_expect_neq(vdriver_reg(rig.v, MMIO_REG_STATUS), 0);
	rig_run_quiet();
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_STATUS), 0);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 0);
	cr_expect_eq(rig.n_closed, 0);
	cr_expect_eq(rig.fired, 0);

	rig_drive();
	cr_assert_eq(read(fd[0], junk, sizeof(junk)), 4096);
	rig_say("kept");
	rig_kick(CONSOLE_TX);
	rig_run_quiet();
	expect_read(fd[0], "kept");
	rig_down();
}

BOTH_ENGINES(a_queue_taken_back_finishes_its_write)
{
	int fd[2];

	make_pipe(fd);
	rig_up(*engine, -1, fd[1]);
	rig_say("last");
	rig_kick(CONSOLE_TX);
	loop_lock(rig.loop);
	vdriver_set_reg(rig.v, MMIO_REG_QUEUE_SEL, CONSOLE_TX);
	vdriver_set_reg(rig.v, MMIO_REG_QUEUE_READY, 0);
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_QUEUE_READY), 1);
	loop_unlock(rig.loop);
	rig_run_quiet();
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(vdriver_used_idx(&rig.tx), 0);
	expect_read(fd[0], "last");
	cr_expect(vdev_live(rig.v));
	rig_down();
}

Test(console, kicks_are_off_while_a_write_is_in_flight, .timeout = 20)
{
	int fd[2];

	make_pipe(fd);
	rig_up(LOOP_AUTO, -1, fd[1]);
	cr_expect_eq(vdriver_used_flags(&rig.tx), 0);
	rig_say("one");
	rig_kick(CONSOLE_TX);
	cr_expect_eq(vdriver_used_flags(&rig.tx), 1);
	rig_say("two"); /* not kicked */
	rig_run_quiet();
	cr_expect_eq(vdriver_used_flags(&rig.tx), 0);
	expect_read(fd[0], "onetwo");
	rig_down();
}

/* --- configuration and faults ------------------------------------------------ */

Test(console, size_and_its_change, .timeout = 20)
{
	uint32_t generation;

	rig_up(LOOP_AUTO, -1, -1);
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_DEVICE_ID), 3);
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_CONFIG), 80 | 25 << 16);
	generation = vdriver_reg(rig.v, MMIO_REG_CONFIG_GENERATION);
	console_resize(rig.v, 80, 25);
	cr_expect_eq(rig.fired, 0);
	console_resize(rig.v, 132, 50);
	cr_expect_eq(rig.fired, 1);
	cr_expect_eq(rig.v->isr, VIRTIO_ISR_CONFIG);
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_CONFIG), 132 | 50 << 16);
	cr_expect_neq(vdriver_reg(rig.v, MMIO_REG_CONFIG_GENERATION),
		      generation);
	rig_down();
}

Test(console, no_size_is_not_offered, .timeout = 20)
{
	struct err err = { 0 };
	struct vdev *w;

	rig_up(LOOP_AUTO, -1, -1);
	rig.cfg.cols = rig.cfg.rows = 0;
	cr_assert_eq(console_new(&rig.cfg, &w, &err), 0);
	cr_expect_not(vdriver_negotiate(w, RIG_FEATURES));
	cr_expect(vdriver_negotiate(w, VIRTIO_F_VERSION_1));
	console_resize(w, 80, 25);
	cr_expect_eq(rig.fired, 0);
	vdev_free(w);
	rig_down();
}

struct bad_console {
	char why[40];
	unsigned queue, n;
	struct vdriver_buf buf[2];
};

ParameterizedTestParameters(console, faults_on)
{
	static struct bad_console bad[] = {
		{ "output to write", CONSOLE_TX, 1, { { RIG_DATA, 4, true } } },
		{ "output to read and to write",
		  CONSOLE_TX,
		  2,
		  { { RIG_DATA, 4, false }, { RIG_DATA, 4, true } } },
		{ "output outside memory",
		  CONSOLE_TX,
		  1,
		  { { RIG_RAM, 1, false } } },
		{ "input to read", CONSOLE_RX, 1, { { RIG_IN, 4, false } } },
		{ "input to read and to write",
		  CONSOLE_RX,
		  2,
		  { { RIG_IN, 4, false }, { RIG_IN, 4, true } } },
		{ "an empty input buffer",
		  CONSOLE_RX,
		  1,
		  { { RIG_IN, 0, true } } },
		{ "input outside memory",
		  CONSOLE_RX,
		  1,
		  { { RIG_RAM - 4, 5, true } } },
	};

	return cr_make_param_array(struct bad_console, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_console *b, console, faults_on, .timeout = 20)
{
	int in[2], out[2];

	make_pipe(in);
	make_pipe(out);
	rig_up(LOOP_AUTO, in[0], out[1]);
	cr_assert_eq(write(in[1], "in", 2), 2);
	if (b->queue == CONSOLE_TX) {
		rig_say("good");
		(void)vdriver_add(&rig.tx, b->buf, b->n);
	} else {
		rig_offer(0, 1);
		(void)vdriver_add(&rig.rx, b->buf, b->n);
	}
	rig_kick(b->queue);
	rig_run_quiet();
	cr_expect(rig.v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", b->why);
	cr_expect(rig.v->isr & VIRTIO_ISR_CONFIG, "%s", b->why);
	if (b->queue == CONSOLE_TX) {
		expect_read(out[0], "good"); /* what came before still counts */
		cr_expect_eq(vdriver_used_idx(&rig.tx), 1, "%s", b->why);
	} else {
		cr_expect_eq(rig_ram[RIG_IN], 'i', "%s", b->why);
		cr_expect_eq(vdriver_used_idx(&rig.rx), 1, "%s", b->why);
	}
	rig_reset();
	cr_expect_eq(rig.v->status, 0, "%s", b->why);
	rig_down();
}

Test(console, free_with_a_read_in_flight_is_our_bug, .timeout = 20,
     .signal = SIGABRT)
{
	int fd[2];

	make_pipe(fd);
	rig_up(LOOP_AUTO, fd[0], -1);
	rig_offer(0, 1);
	rig_kick(CONSOLE_RX);
	vdev_free(rig.v);
}
