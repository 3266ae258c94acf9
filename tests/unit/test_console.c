/* test_console.c: the console over a real loop and real pipes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/console.h"
#include "virtio/mmio.h"

#define RAM      (1u << 20)
#define DATA     0x10000u
#define IN       0x8000u
#define QSIZE    16u
#define FEATURES (VIRTIO_F_VERSION_1 | CONSOLE_F_SIZE)

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(console, name)                            \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, console, name,            \
			  .timeout = 20)

static _Alignas(4096) uint8_t ram[RAM];
static struct gmem mem;
static struct vdriver rx, tx;
static struct loop *loop;
static struct vdev *v;
static struct console_config cfg;
static unsigned fired;
static _Atomic bool stop; /* ends run_some */

static uint8_t seen[RAM];
static size_t n_seen;
static int closed_error;
static unsigned n_closed;

static void fire(void *ctx)
{
	(void)ctx;
	fired++;
	stop = true;
}

static void on_output(void *ctx, const uint8_t *bytes, size_t n)
{
	cr_assert_eq(ctx, &cfg);
	cr_assert(n > 0 && n <= CONSOLE_SEEN_MAX && n <= sizeof(seen) - n_seen);
	memcpy(seen + n_seen, bytes, n);
	n_seen += n;
}

static void on_output_closed(void *ctx, int error)
{
	cr_assert_eq(ctx, &cfg);
	closed_error = error;
	n_closed++;
}

/* A device not yet seen by its driver. */
static void create(enum loop_engine engine, int in_fd, int out_fd)
{
	struct err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(loop_new(8, engine, &loop, &err), 0, "%s", err.msg);
	gmem_init_borrowed(&mem, 0, ram, sizeof(ram));
	cfg.loop = loop;
	cfg.mem = &mem;
	cfg.irq = (struct irq_line){ fire, NULL };
	cfg.in_fd = in_fd;
	cfg.out_fd = out_fd;
	cfg.cols = 80;
	cfg.rows = 25;
	cfg.ctx = &cfg;
	cfg.on_output = on_output;
	cfg.on_output_closed = on_output_closed;
	cr_assert_eq(console_new(&cfg, &v, &err), 0, "%s", err.msg);
}

static void drive(void)
{
	vdriver_init(&rx, ram, 0x1000, QSIZE);
	vdriver_init(&tx, ram, 0x2000, QSIZE);
	loop_lock(loop);
	cr_assert(vdriver_negotiate(v, FEATURES));
	vdriver_set_queue(v, CONSOLE_RX, &rx);
	vdriver_set_queue(v, CONSOLE_TX, &tx);
	vdriver_go(v);
	loop_unlock(loop);
	cr_assert(vdev_live(v));
}

static void up(enum loop_engine engine, int in_fd, int out_fd)
{
	create(engine, in_fd, out_fd);
	drive();
}

static void down(void)
{
	loop_lock(loop);
	vdev_shutdown(v);
	loop_unlock(loop);
	cr_assert_eq(loop_run(loop, NULL, true), 0);
	vdev_free(v);
	loop_free(loop);
}

static void run_quiet(void)
{
	cr_assert_eq(loop_run(loop, NULL, true), 0);
}

/* Until the next interrupt. */
static void run_some(void)
{
	cr_assert_eq(loop_run(loop, &stop, false), 0);
	stop = false;
}

static void kick(unsigned queue)
{
	loop_lock(loop);
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, queue);
	loop_unlock(loop);
}

static void reset(void)
{
	loop_lock(loop);
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	loop_unlock(loop);
}

static uint32_t flags(void)
{
	return vdriver_reg(v, MMIO_REG_CONFIG + CONSOLE_FLAGS_OFFSET);
}

static void say(const char *text)
{
	static gpa_t at = DATA;
	struct vdriver_buf b = { at, (uint32_t)strlen(text), false };

	memcpy(ram + at, text, b.len);
	at += b.len;
	(void)vdriver_add(&tx, &b, 1);
}

/* A receive buffer at IN + off. */
static void offer(unsigned off, uint32_t len)
{
	struct vdriver_buf b = { IN + off, len, true };

	(void)vdriver_add(&rx, &b, 1);
}

static void make_pipe(int fd[2])
{
	cr_assert_eq(pipe2(fd, O_CLOEXEC), 0);
}

static void put(int fd, const char *text)
{
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
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
	uint8_t piece[3000], got[RAM];
};

static void reader_done(struct loop_op *op, int res);

static void reader_go(struct reader *r)
{
	r->op.done = reader_done;
	r->iov = (struct iovec){ r->piece, sizeof(r->piece) };
	cr_assert_eq(
		loop_readv(loop, &r->op, r->fd, &r->iov, 1, LOOP_OFF_STREAM),
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
	up(*engine, -1, fd[1]);
	say("hello, ");
	kick(CONSOLE_TX);
	cr_expect(console_output_pending(v));
	run_quiet();
	cr_expect_not(console_output_pending(v));
	say("world\n");
	kick(CONSOLE_TX);
	run_quiet();
	expect_read(fd[0], "hello, world\n");
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(vdriver_used(&tx, &head, &len));
		cr_expect_eq(head, i);
		cr_expect_eq(len, 0);
	}
	cr_expect_eq(fired, 2);
	cr_expect_eq(n_seen, 13);
	cr_expect_eq(memcmp(seen, "hello, world\n", 13), 0);
	down();
}

BOTH_ENGINES(chains_that_pile_up_become_one_write)
{
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	up(*engine, -1, fd[1]);
	say("first");
	kick(CONSOLE_TX);
	say("second ");
	say("");
	say("third");
	kick(CONSOLE_TX);
	cr_expect_eq(v->queue[CONSOLE_TX].in_flight, 1, "one write at a time");
	run_quiet();
	expect_read(fd[0], "first");
	expect_read(fd[0], "second third");
	cr_expect_eq(vdriver_used_idx(&tx), 4);
	cr_expect_eq(fired, 2);
	down();
}

BOTH_ENGINES(a_slow_reader_gets_every_byte_in_order)
{
	static struct reader r;
	const struct vdriver_buf b[] = { { DATA, 100001, false },
					 { DATA + 100001, 70000, false },
					 { DATA + 170001, 1, false } };
	int fd[2];

	for (unsigned i = 0; i < 170002; i++)
		ram[DATA + i] = (uint8_t)(i * 7 + i / 251);
	make_pipe(fd);
	cr_assert_gt(fcntl(fd[1], F_SETPIPE_SZ, 4096), 0);
	cr_assert_eq(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	up(*engine, -1, fd[1]);
	(void)vdriver_add(&tx, b, 3);
	(void)vdriver_add(&tx, b, 1);
	kick(CONSOLE_TX);
	r.fd = fd[0];
	r.want = 170002 + 100001;
	loop_lock(loop);
	reader_go(&r);
	loop_unlock(loop);
	run_quiet();
	cr_expect_eq(r.n, r.want);
	cr_expect_eq(memcmp(r.got, ram + DATA, 170002), 0);
	cr_expect_eq(memcmp(r.got + 170002, ram + DATA, 100001), 0);
	cr_expect_eq(n_seen, r.want);
	cr_expect_eq(memcmp(r.got, seen, n_seen), 0);
	cr_expect_eq(vdriver_used_idx(&tx), 2);
	down();
}

BOTH_ENGINES(a_reader_that_left_is_told_once)
{
	int fd[2];

	make_pipe(fd);
	close(fd[0]);
	up(*engine, -1, fd[1]);
	say("one");
	say("two");
	kick(CONSOLE_TX);
	run_quiet();
	cr_expect_eq(closed_error, -EPIPE);
	say("three");
	kick(CONSOLE_TX);
	run_quiet();
	cr_expect_eq(n_closed, 1);
	cr_expect_eq(vdriver_used_idx(&tx), 3, "the guest goes on");
	cr_expect_eq(memcmp(seen, "onetwothree", n_seen), 0);
	cr_expect_eq(n_seen, 11, "still shown");
	cr_expect(vdev_live(v));
	down();
}

BOTH_ENGINES(a_full_disk_is_told)
{
	int fd = open("/dev/full", O_WRONLY);

	cr_assert_geq(fd, 0);
	up(*engine, -1, fd);
	say("one");
	kick(CONSOLE_TX);
	run_quiet();
	cr_expect_eq(closed_error, -ENOSPC);
	cr_expect_eq(vdriver_used_idx(&tx), 1);
	down();
}

BOTH_ENGINES(without_an_output_it_is_only_shown)
{
	const struct vdriver_buf b = { DATA, 200000, false };

	up(*engine, -1, -1);
	memset(ram + DATA, 'x', b.len);
	(void)vdriver_add(&tx, &b, 1);
	say("");
	kick(CONSOLE_TX);
	run_quiet();
	cr_expect_eq(n_seen, b.len);
	cr_expect_eq(memcmp(seen, ram + DATA, b.len), 0);
	cr_expect_eq(vdriver_used_idx(&tx), 2);
	cr_expect_eq(n_closed, 0);
	down();
}

BOTH_ENGINES(a_reset_does_not_wait_for_a_reader)
{
	static char junk[4096];
	int fd[2];

	make_pipe(fd);
	cr_assert_eq(fcntl(fd[1], F_SETPIPE_SZ, 4096), 4096);
	cr_assert_eq(write(fd[1], junk, sizeof(junk)), 4096);
	up(*engine, -1, fd[1]);
	say("lost");
	kick(CONSOLE_TX);
	reset();
	cr_expect(v->reset_pending);
	cr_expect_neq(vdriver_reg(v, MMIO_REG_STATUS), 0);
	run_quiet();
	cr_expect_eq(vdriver_reg(v, MMIO_REG_STATUS), 0);
	cr_expect_eq(vdriver_used_idx(&tx), 0);
	cr_expect_eq(n_closed, 0);
	cr_expect_eq(fired, 0);

	drive();
	cr_assert_eq(read(fd[0], junk, sizeof(junk)), 4096);
	say("kept");
	kick(CONSOLE_TX);
	run_quiet();
	expect_read(fd[0], "kept");
	down();
}

BOTH_ENGINES(a_queue_taken_back_finishes_its_write)
{
	int fd[2];

	make_pipe(fd);
	up(*engine, -1, fd[1]);
	say("last");
	kick(CONSOLE_TX);
	loop_lock(loop);
	vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, CONSOLE_TX);
	vdriver_set_reg(v, MMIO_REG_QUEUE_READY, 0);
	cr_expect_eq(vdriver_reg(v, MMIO_REG_QUEUE_READY), 1);
	loop_unlock(loop);
	run_quiet();
	cr_expect_eq(vdriver_reg(v, MMIO_REG_QUEUE_READY), 0);
	cr_expect_eq(vdriver_used_idx(&tx), 0);
	expect_read(fd[0], "last");
	cr_expect(vdev_live(v));
	down();
}

Test(console, kicks_are_off_while_a_write_is_in_flight, .timeout = 20)
{
	int fd[2];

	make_pipe(fd);
	up(LOOP_AUTO, -1, fd[1]);
	cr_expect_eq(vdriver_used_flags(&tx), 0);
	say("one");
	kick(CONSOLE_TX);
	cr_expect_eq(vdriver_used_flags(&tx), 1);
	say("two"); /* not kicked */
	run_quiet();
	cr_expect_eq(vdriver_used_flags(&tx), 0);
	expect_read(fd[0], "onetwo");
	down();
}

/* --- input ---------------------------------------------------------------- */

BOTH_ENGINES(input_fills_the_buffers_in_order)
{
	uint32_t head, len;
	int fd[2];

	make_pipe(fd);
	up(*engine, fd[0], -1);
	put(fd[1], "hello, world");
	offer(0, 5);
	offer(0x100, 100);
	kick(CONSOLE_RX);
	run_some();
	cr_assert(vdriver_used(&rx, &head, &len));
	cr_expect_eq(len, 5);
	cr_assert(vdriver_used(&rx, &head, &len));
	cr_expect_eq(len, 7);
	cr_expect_eq(memcmp(ram + IN, "hello", 5), 0);
	cr_expect_eq(memcmp(ram + IN + 0x100, ", world", 7), 0);
	cr_expect_eq(flags(), 0);
	down();
}

BOTH_ENGINES(input_is_not_read_until_there_is_room)
{
	uint32_t head, len;
	int fd[2], n = 0;

	make_pipe(fd);
	up(*engine, fd[0], -1);
	put(fd[1], "abcdef");
	kick(CONSOLE_RX);
	run_quiet();
	cr_assert_eq(ioctl(fd[0], FIONREAD, &n), 0);
	cr_expect_eq(n, 6);
	offer(0, 2);
	kick(CONSOLE_RX);
	run_some();
	put(fd[1], "ghi");
	run_quiet(); /* bytes are left over: nothing more is read */
	cr_assert_eq(ioctl(fd[0], FIONREAD, &n), 0);
	cr_expect_eq(n, 3);
	offer(2, 100);
	kick(CONSOLE_RX);
	cr_expect_eq(memcmp(ram + IN, "abcdef", 6), 0);
	stop = false; /* the kick above has interrupted already */
	offer(6, 100);
	kick(CONSOLE_RX);
	run_some();
	cr_expect_eq(memcmp(ram + IN, "abcdefghi", 9), 0);
	for (unsigned i = 0; i < 3; i++)
		cr_expect(vdriver_used(&rx, &head, &len));
	down();
}

BOTH_ENGINES(the_end_of_input_is_told_after_the_last_byte)
{
	uint32_t head, len;
	int fd[2];

	make_pipe(fd);
	up(*engine, fd[0], -1);
	put(fd[1], "bye");
	close(fd[1]);
	offer(0, 2);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(flags(), 0);
	cr_expect_eq(v->isr, VIRTIO_ISR_QUEUE);
	offer(2, 2);
	offer(4, 2);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(flags(), CONSOLE_FLAG_INPUT_ENDED);
	cr_expect_eq(v->isr, VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG);
	cr_expect_eq(vdriver_used_idx(&rx), 2);
	cr_assert(vdriver_used(&rx, &head, &len));
	cr_assert(vdriver_used(&rx, &head, &len));
	cr_expect_eq(len, 1);
	cr_expect_eq(memcmp(ram + IN, "bye", 3), 0);
	reset();
	drive();
	cr_expect_eq(flags(), CONSOLE_FLAG_INPUT_ENDED, "it stays ended");
	down();
}

Test(console, without_an_input_it_has_ended, .timeout = 20)
{
	up(LOOP_AUTO, -1, -1);
	cr_expect_eq(flags(), CONSOLE_FLAG_INPUT_ENDED);
	offer(0, 2);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(fired, 0);
	down();
}

BOTH_ENGINES(input_that_cannot_be_read_ends)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	cr_assert_geq(fd, 0);
	up(*engine, fd, -1);
	offer(0, 2);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(flags(), CONSOLE_FLAG_INPUT_ENDED);
	down();
}

BOTH_ENGINES(a_reset_does_not_wait_for_a_key)
{
	int fd[2];

	make_pipe(fd);
	up(*engine, fd[0], -1);
	offer(0, 10);
	kick(CONSOLE_RX);
	cr_expect_eq(loop_in_flight(loop), 1);
	reset();
	cr_expect_eq(vdriver_reg(v, MMIO_REG_STATUS), 0, "at once");
	drive();
	offer(0x20, 10);
	kick(CONSOLE_RX);
	put(fd[1], "key");
	run_some();
	cr_expect_eq(memcmp(ram + IN + 0x20, "key", 3), 0);
	down();
}

BOTH_ENGINES(input_stops_on_request)
{
	int fd[2];

	make_pipe(fd);
	up(*engine, fd[0], -1);
	offer(0, 10);
	kick(CONSOLE_RX);
	loop_lock(loop);
	console_input_stop(v);
	loop_unlock(loop);
	run_quiet();
	put(fd[1], "late");
	offer(0x20, 10);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(vdriver_used_idx(&rx), 0);
	cr_expect_eq(flags(), 0);
	down();
}

/* Drops every 'x'; an 'S' also stops the input, a '.' ends run_some. */
static size_t filter(void *ctx, uint8_t *bytes, size_t n)
{
	size_t kept = 0;

	cr_assert_eq(ctx, &cfg);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == 'S')
			console_input_stop(v);
		if (bytes[i] == '.')
			stop = true;
		if (bytes[i] != 'x')
			bytes[kept++] = bytes[i];
	}
	return kept;
}

BOTH_ENGINES(a_filter_sees_input_before_there_is_a_driver)
{
	int fd[2];

	make_pipe(fd);
	cfg.filter_input = filter;
	create(*engine, fd[0], -1);
	loop_lock(loop);
	console_input_start(v);
	loop_unlock(loop);
	put(fd[1], "xaxx");
	put(fd[1], "bxx.");
	run_some();
	put(fd[1], "xxx."); /* all of it dropped but the dot */
	run_some();
	drive();
	offer(0, 2);
	offer(2, 10);
	kick(CONSOLE_RX);
	cr_expect_eq(memcmp(ram + IN, "ab..", 4), 0);
	put(fd[1], "cSx");
	run_quiet();
	offer(4, 10);
	kick(CONSOLE_RX);
	cr_expect_eq(memcmp(ram + IN, "ab..cS", 6), 0);
	down();
}

BOTH_ENGINES(a_filter_reads_until_the_buffer_is_full)
{
	static char many[CONSOLE_IN_MAX - 1];
	int fd[2], n = 0;

	memset(many, 'm', sizeof(many));
	make_pipe(fd);
	cfg.filter_input = filter;
	up(*engine, fd[0], -1);
	loop_lock(loop);
	console_input_start(v);
	loop_unlock(loop);
	cr_assert_eq(write(fd[1], many, sizeof(many)), sizeof(many));
	put(fd[1], "12");
	close(fd[1]);
	run_quiet();
	cr_assert_eq(ioctl(fd[0], FIONREAD, &n), 0);
	cr_expect_eq(n, 1);
	offer(0, 100);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(flags(), 0, "not before the guest has it all");
	offer(100, 2 * CONSOLE_IN_MAX);
	kick(CONSOLE_RX);
	run_quiet();
	cr_expect_eq(ram[IN + CONSOLE_IN_MAX - 1], '1');
	cr_expect_eq(ram[IN + CONSOLE_IN_MAX], '2');
	cr_expect_eq(flags(), CONSOLE_FLAG_INPUT_ENDED);
	down();
}

/* --- configuration and faults ------------------------------------------------ */

Test(console, size_and_its_change, .timeout = 20)
{
	uint32_t generation;

	up(LOOP_AUTO, -1, -1);
	cr_expect_eq(vdriver_reg(v, MMIO_REG_DEVICE_ID), 3);
	cr_expect_eq(vdriver_reg(v, MMIO_REG_CONFIG), 80 | 25 << 16);
	generation = vdriver_reg(v, MMIO_REG_CONFIG_GENERATION);
	console_resize(v, 80, 25);
	cr_expect_eq(fired, 0);
	console_resize(v, 132, 50);
	cr_expect_eq(fired, 1);
	cr_expect_eq(v->isr, VIRTIO_ISR_CONFIG);
	cr_expect_eq(vdriver_reg(v, MMIO_REG_CONFIG), 132 | 50 << 16);
	cr_expect_neq(vdriver_reg(v, MMIO_REG_CONFIG_GENERATION), generation);
	down();
}

Test(console, no_size_is_not_offered, .timeout = 20)
{
	struct err err = { 0 };
	struct vdev *w;

	up(LOOP_AUTO, -1, -1);
	cfg.cols = cfg.rows = 0;
	cr_assert_eq(console_new(&cfg, &w, &err), 0);
	cr_expect_not(vdriver_negotiate(w, FEATURES));
	cr_expect(vdriver_negotiate(w, VIRTIO_F_VERSION_1));
	console_resize(w, 80, 25);
	cr_expect_eq(fired, 0);
	vdev_free(w);
	down();
}

struct bad_console {
	char why[40];
	unsigned queue;
	struct vdriver_buf buf[2];
	unsigned n;
};

ParameterizedTestParameters(console, faults_on)
{
	static struct bad_console bad[] = {
		{ "output to write", CONSOLE_TX, { { DATA, 4, true } }, 1 },
		{ "output to read and to write",
		  CONSOLE_TX,
		  { { DATA, 4, false }, { DATA, 4, true } },
		  2 },
		{ "output outside memory",
		  CONSOLE_TX,
		  { { RAM, 1, false } },
		  1 },
		{ "input to read", CONSOLE_RX, { { IN, 4, false } }, 1 },
		{ "input to read and to write",
		  CONSOLE_RX,
		  { { IN, 4, false }, { IN, 4, true } },
		  2 },
		{ "an empty input buffer", CONSOLE_RX, { { IN, 0, true } }, 1 },
		{ "input outside memory",
		  CONSOLE_RX,
		  { { RAM - 4, 5, true } },
		  1 },
	};

	return cr_make_param_array(struct bad_console, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_console *b, console, faults_on, .timeout = 20)
{
	int in[2], out[2];

	make_pipe(in);
	make_pipe(out);
	up(LOOP_AUTO, in[0], out[1]);
	put(in[1], "in");
	if (b->queue == CONSOLE_TX) {
		say("good");
		(void)vdriver_add(&tx, b->buf, b->n);
	} else {
		offer(0, 1);
		(void)vdriver_add(&rx, b->buf, b->n);
	}
	kick(b->queue);
	run_quiet();
	cr_expect(v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", b->why);
	cr_expect(v->isr & VIRTIO_ISR_CONFIG, "%s", b->why);
	if (b->queue == CONSOLE_TX) {
		expect_read(out[0], "good"); /* what came before still counts */
		cr_expect_eq(vdriver_used_idx(&tx), 1, "%s", b->why);
	} else {
		cr_expect_eq(ram[IN], 'i', "%s", b->why);
		cr_expect_eq(vdriver_used_idx(&rx), 1, "%s", b->why);
	}
	reset();
	cr_expect_eq(v->status, 0, "%s", b->why);
	down();
}

Test(console, free_with_a_read_in_flight_is_our_bug, .timeout = 20,
     .signal = SIGABRT)
{
	int fd[2];

	make_pipe(fd);
	up(LOOP_AUTO, fd[0], -1);
	offer(0, 1);
	kick(CONSOLE_RX);
	vdev_free(v);
}
