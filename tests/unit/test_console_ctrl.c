/* test_console_ctrl.c: a console whose driver knows of ports, over a real loop
 * and real pipes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/metrics.h"
#include "tests/support/console_rig.h"
#include "virtio/console_ctrl.h"
#include "virtio/mmio.h"

#define CTRL_OUT 0x5000u /* messages of the driver, 16 bytes apart */
#define CTRL_IN  0x6000u /* its receive buffers, 32 bytes apart */

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(console_ctrl, name)                       \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, console_ctrl, name,       \
			  .timeout = 20)

static unsigned n_out, n_in, n_opened, n_asked;
static bool may;

static void make_pipe(int fd[2])
{
	cr_assert_eq(pipe2(fd, O_CLOEXEC), 0);
}

static void put(int fd, const char *text)
{
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static int unread(int fd)
{
	int n = -1;

	cr_assert_eq(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

static void on_open(void *ctx)
{
	(void)ctx;
	cr_expect(console_is_open(rig.v));
	n_opened++;
}

static bool may_announce(void *ctx)
{
	(void)ctx;
	n_asked++;
	return may;
}

static void up(enum loop_engine engine, int in_fd)
{
	rig.ports = true;
	rig.cfg.on_open = on_open;
	rig_up(engine, in_fd, -1);
}

/* Queues a message of the driver, or the beginning of one. */
static void add_msg(uint32_t port, uint16_t event, uint16_t value, uint32_t len)
{
	const struct console_msg msg = { le32_of(port), le16_of(event),
					 le16_of(value) };
	const struct vdriver_buf b = { CTRL_OUT + 16 * n_out++, len, false };

	memcpy(rig_ram + b.gpa, &msg, sizeof(msg));
	(void)vdriver_add(&rig.ctrl_tx, &b, 1);
}

static void tell(uint32_t port, uint16_t event, uint16_t value)
{
	add_msg(port, event, value, sizeof(struct console_msg));
	rig_kick(CONSOLE_CTRL_TX);
}

static void offer(unsigned n)
{
	for (; n > 0; n--) {
		const struct vdriver_buf b = { CTRL_IN + 32 * n_in++, 32,
					       true };

		(void)vdriver_add(&rig.ctrl_rx, &b, 1);
	}
}

static void expect_none(void)
{
	cr_expect_eq(vdriver_used_idx(&rig.ctrl_rx), rig.ctrl_rx.used_seen);
}

/* The next message; returns the bytes behind its header. */
static const uint8_t *expect_msg(uint16_t event, uint16_t value)
{
	struct console_msg msg;
	const uint8_t *p;
	uint32_t head, len;

	cr_assert(vdriver_used(&rig.ctrl_rx, &head, &len), "event %u", event);
	p = rig_ram + CTRL_IN + 32 * head; /* the n-th buffer, before 32 */
	memcpy(&msg, p, sizeof(msg));
	cr_expect_eq(len, event == CONSOLE_RESIZE ? 12 : 8);
	cr_expect_eq(le32_get(msg.port), 0);
	cr_expect_eq(le16_get(msg.event), event);
	cr_expect_eq(le16_get(msg.value), value);
	return p + sizeof(msg);
}

static void expect_size(uint16_t cols, uint16_t rows)
{
	const uint8_t *p = expect_msg(CONSOLE_RESIZE, 0);

	cr_expect_eq(p[0] | p[1] << 8, cols);
	cr_expect_eq(p[2] | p[3] << 8, rows);
}

/* Until the device could be told that the port is open. */
static void settle(void)
{
	offer(4);
	tell(UINT32_MAX, CONSOLE_DEVICE_READY, 1);
	expect_msg(CONSOLE_PORT_ADD, 0);
	tell(0, CONSOLE_PORT_READY, 1);
	expect_msg(CONSOLE_CONSOLE_PORT, 1);
	expect_msg(CONSOLE_PORT_OPEN, 1);
	expect_size(80, 25);
	expect_none();
}

/* --- what is said --------------------------------------------------------- */

BOTH_ENGINES(a_port_comes_up_step_by_step)
{
	uint32_t head, len;

	up(*engine, -1);
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_CONFIG + 4), 1, "one port");
	rig_kick(CONSOLE_CTRL_RX);
	expect_none();
	settle();
	cr_expect_eq(n_opened, 0);
	cr_expect_not(console_is_open(rig.v));
	tell(0, CONSOLE_PORT_OPEN, 1);
	cr_expect_eq(n_opened, 1);
	cr_expect(console_is_open(rig.v));
	expect_none();
	for (unsigned i = 0; i < 3; i++) {
		cr_assert(vdriver_used(&rig.ctrl_tx, &head, &len));
		cr_expect_eq(len, 0);
	}
	tell(0, CONSOLE_PORT_OPEN, 1);
	cr_expect_eq(n_opened, 1, "it was open");
	tell(0, CONSOLE_PORT_OPEN, 0);
	cr_expect_not(console_is_open(rig.v));
	tell(0, CONSOLE_PORT_OPEN, 1);
	cr_expect_eq(n_opened, 2);
	rig_down();
}

Test(console_ctrl, messages_wait_for_buffers_and_do_not_pile_up, .timeout = 20)
{
	up(LOOP_AUTO, -1);
	tell(0, CONSOLE_DEVICE_READY, 1);
	tell(0, CONSOLE_DEVICE_READY, 1);
	expect_none();
	offer(1);
	rig_kick(CONSOLE_CTRL_RX);
	expect_msg(CONSOLE_PORT_ADD, 0);
	for (unsigned i = 0; i < 8; i++)
		tell(0, CONSOLE_PORT_READY, 1);
	for (unsigned i = 0; i < 8; i++)
		console_resize(rig.v, (uint16_t)(100 + i), 50);
	offer(1);
	rig_kick(CONSOLE_CTRL_RX);
	expect_msg(CONSOLE_CONSOLE_PORT, 1);
	expect_none();
	offer(8);
	rig_kick(CONSOLE_CTRL_RX);
	expect_msg(CONSOLE_PORT_OPEN, 1);
	expect_size(107, 50);
	expect_none();
	rig_down();
}

Test(console_ctrl, pieces_are_put_together, .timeout = 20)
{
	const struct vdriver_buf in[] = { { CTRL_IN, 1, true },
					  { CTRL_IN + 1, 6, true },
					  { CTRL_IN + 7, 25, true } };
	const struct vdriver_buf out[] = { { CTRL_OUT, 3, false },
					   { CTRL_OUT + 3, 0, false },
					   { CTRL_OUT + 3, 5, false },
					   { CTRL_OUT, 9, false } };

	up(LOOP_AUTO, -1);
	(void)vdriver_add(&rig.ctrl_rx, in, ARRAY_SIZE(in));
	memcpy(rig_ram + CTRL_OUT, "\0\0\0\0\0\0\1\0", 8);
	(void)vdriver_add(&rig.ctrl_tx, out, ARRAY_SIZE(out));
	rig_kick(CONSOLE_CTRL_TX);
	expect_msg(CONSOLE_PORT_ADD, 0);
	rig_down();
}

Test(console_ctrl, a_change_of_size_is_a_message, .timeout = 20)
{
	uint32_t generation;

	up(LOOP_AUTO, -1);
	offer(4);
	console_resize(rig.v, 90, 30);
	expect_none();
	tell(0, CONSOLE_DEVICE_READY, 1);
	expect_msg(CONSOLE_PORT_ADD, 0);
	tell(0, CONSOLE_PORT_READY, 1);
	expect_msg(CONSOLE_CONSOLE_PORT, 1);
	expect_msg(CONSOLE_PORT_OPEN, 1);
	expect_size(90, 30);
	offer(2);
	generation = vdriver_reg(rig.v, MMIO_REG_CONFIG_GENERATION);
	rig.fired = 0;
	console_resize(rig.v, 90, 30);
	cr_expect_eq(rig.fired, 0);
	console_resize(rig.v, 132, 50);
	expect_size(132, 50);
	expect_none();
	cr_expect_neq(rig.fired, 0);
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_CONFIG), 132 | 50 << 16);
	cr_expect_neq(vdriver_reg(rig.v, MMIO_REG_CONFIG_GENERATION),
		      generation, "the configuration changed, too");
	console_resize(rig.v, 0, 0);
	expect_none();
	rig_down();
}

Test(console_ctrl, a_driver_that_slept_begins_with_its_port, .timeout = 20)
{
	up(LOOP_AUTO, -1);
	offer(4);
	tell(0, CONSOLE_PORT_READY, 1);
	expect_msg(CONSOLE_CONSOLE_PORT, 1);
	expect_msg(CONSOLE_PORT_OPEN, 1);
	expect_size(80, 25);
	tell(0, CONSOLE_DEVICE_READY, 1);
	expect_none();
	rig_down();
}

Test(console_ctrl, a_port_waits_for_leave, .timeout = 20)
{
	rig.cfg.may_announce = may_announce;
	up(LOOP_AUTO, -1);
	offer(4);
	console_announce(rig.v);
	cr_expect_eq(n_asked, 0, "there is nothing to ask for");
	tell(0, CONSOLE_DEVICE_READY, 1);
	cr_expect_eq(n_asked, 1);
	expect_none();
	rig_kick(CONSOLE_CTRL_RX);
	console_announce(rig.v);
	expect_none();
	may = true;
	console_announce(rig.v);
	expect_msg(CONSOLE_PORT_ADD, 0);
	console_announce(rig.v);
	expect_none();
	rig_down();
}

Test(console_ctrl, without_ports_there_are_no_control_queues, .timeout = 20)
{
	rig.cfg.on_open = on_open;
	rig_create(LOOP_AUTO, -1, -1);
	cr_expect_not(console_is_open(rig.v));
	rig_drive();
	cr_expect_eq(n_opened, 1, "at once");
	loop_lock(rig.loop);
	vdriver_set_queue(rig.v, CONSOLE_CTRL_RX, &rig.ctrl_rx);
	vdriver_set_queue(rig.v, CONSOLE_CTRL_TX, &rig.ctrl_tx);
	loop_unlock(rig.loop);
	offer(4);
	tell(0, CONSOLE_DEVICE_READY, 1);
	tell(0, CONSOLE_PORT_OPEN, 0);
	rig_kick(CONSOLE_CTRL_RX);
	expect_none();
	cr_expect_eq(vdriver_used_idx(&rig.ctrl_tx), 0);
	cr_expect(console_is_open(rig.v));
	rig_down();
}

Test(console_ctrl, a_kick_is_not_worked_on_forever, .timeout = 20)
{
	up(LOOP_AUTO, -1);
	for (unsigned i = 0; i < 20; i++)
		add_msg(7, CONSOLE_PORT_OPEN, 1, 8);
	rig_kick(CONSOLE_CTRL_TX);
	cr_expect_eq(vdriver_used_idx(&rig.ctrl_tx), 16);
	loop_lock(rig.loop);
	cr_expect_not(vdev_again(rig.v));
	loop_unlock(rig.loop);
	cr_expect_eq(vdriver_used_idx(&rig.ctrl_tx), 20);
	rig_down();
}

/* --- input ---------------------------------------------------------------- */

BOTH_ENGINES(input_waits_for_the_port)
{
	int fd[2];

	make_pipe(fd);
	put(fd[1], "early");
	up(*engine, fd[0]);
	rig_offer(0, 100);
	rig_kick(CONSOLE_RX);
	settle();
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(vdriver_used_idx(&rig.rx), 0);
	cr_expect_eq(unread(fd[0]), 5, "not even read");
	tell(0, CONSOLE_PORT_OPEN, 1);
	rig.stop = false; /* the message came back */
	rig_run_some();
	cr_expect_eq(vdriver_used_idx(&rig.rx), 1);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "early", 5), 0);
	rig_down();
}

BOTH_ENGINES(a_closed_port_holds_what_was_read)
{
	int fd[2];

	make_pipe(fd);
	up(*engine, fd[0]);
	rig_offer(0, 2);
	settle();
	tell(0, CONSOLE_PORT_OPEN, 1);
	cr_expect_eq(loop_in_flight(rig.loop), 1);
	tell(0, CONSOLE_PORT_OPEN, 0);
	put(fd[1], "abcdef");
	rig_run_quiet();
	cr_expect_eq(vdriver_used_idx(&rig.rx), 0);
	rig_offer(2, 100);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(vdriver_used_idx(&rig.rx), 0);
	tell(0, CONSOLE_PORT_OPEN, 1);
	cr_expect_eq(vdriver_used_idx(&rig.rx), 2);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "abcdef", 6), 0);
	rig_down();
}

BOTH_ENGINES(the_end_of_input_is_told)
{
	int fd[2];

	make_pipe(fd);
	put(fd[1], "bye");
	close(fd[1]);
	up(*engine, fd[0]);
	rig_offer(0, 10);
	rig_offer(10, 10);
	settle();
	rig_run_quiet();
	cr_expect_eq(rig_flags(), 0);
	tell(0, CONSOLE_PORT_OPEN, 1);
	rig_run_quiet();
	cr_expect_eq(rig_flags(), CONSOLE_FLAG_INPUT_ENDED);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "bye", 3), 0);
	rig_down();
}

BOTH_ENGINES(a_reset_closes_the_port)
{
	int fd[2];

	make_pipe(fd);
	up(*engine, fd[0]);
	settle();
	tell(0, CONSOLE_PORT_OPEN, 1);
	tell(0, CONSOLE_PORT_READY, 1); /* three messages wait */
	rig_reset();
	n_in = n_out = 0;
	rig_drive();
	cr_expect_not(console_is_open(rig.v));
	put(fd[1], "again");
	rig_offer(0, 100);
	rig_kick(CONSOLE_RX);
	offer(2);
	rig_kick(CONSOLE_CTRL_RX);
	rig_run_quiet();
	cr_expect_eq(unread(fd[0]), 5);
	expect_none();
	rig_reset();
	n_in = n_out = 0;
	rig_drive();
	rig_offer(0, 100);
	settle();
	tell(0, CONSOLE_PORT_OPEN, 1);
	rig.stop = false;
	rig_run_some();
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "again", 5), 0);
	rig_reset();
	rig.ports = false;
	rig_drive();
	cr_expect(console_is_open(rig.v), "another driver");
	rig_down();
}

static size_t keep(void *ctx, uint8_t *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	rig.stop = true;
	return n;
}

static void up_filtered(enum loop_engine engine, int in_fd)
{
	rig.cfg.filter_input = keep;
	up(engine, in_fd);
	loop_lock(rig.loop);
	console_input_start(rig.v);
	loop_unlock(rig.loop);
}

BOTH_ENGINES(a_filter_sees_input_the_port_is_closed_for)
{
	int fd[2];

	make_pipe(fd);
	up_filtered(*engine, fd[0]);
	rig_offer(0, 100);
	rig_kick(CONSOLE_RX);
	put(fd[1], "typed");
	rig_run_some();
	cr_expect_eq(unread(fd[0]), 0);
	cr_expect_eq(vdriver_used_idx(&rig.rx), 0);
	settle();
	tell(0, CONSOLE_PORT_OPEN, 1);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "typed", 5), 0);
	rig_down();
}

/* --- hostile drivers ------------------------------------------------------ */

struct odd_msg {
	char why[40];
	uint32_t port;
	uint16_t event, value;
	uint32_t len;
};

ParameterizedTestParameters(console_ctrl, ignores)
{
	static struct odd_msg odd[] = {
		{ "a device that is not ready", 0, CONSOLE_DEVICE_READY, 0, 8 },
		{ "a device twice ready", 0, CONSOLE_DEVICE_READY, 2, 8 },
		{ "a port that failed", 0, CONSOLE_PORT_READY, 0, 8 },
		{ "a port more than ready", 0, CONSOLE_PORT_READY, 2, 8 },
		{ "port 1 ready", 1, CONSOLE_PORT_READY, 1, 8 },
		{ "port 1 open", 1, CONSOLE_PORT_OPEN, 1, 8 },
		{ "the last port open", UINT32_MAX, CONSOLE_PORT_OPEN, 1, 8 },
		{ "a port of 2^16", 1u << 16, CONSOLE_PORT_OPEN, 1, 8 },
		{ "a port half open", 0, CONSOLE_PORT_OPEN, 2, 8 },
		{ "a value of 2^8", 0, CONSOLE_PORT_OPEN, 256, 8 },
		{ "a port of the driver's", 0, CONSOLE_PORT_ADD, 1, 8 },
		{ "a port taken away", 0, CONSOLE_PORT_REMOVE, 1, 8 },
		{ "a console of the driver's", 0, CONSOLE_CONSOLE_PORT, 1, 8 },
		{ "a size of the driver's", 0, CONSOLE_RESIZE, 1, 8 },
		{ "a name of the driver's", 0, CONSOLE_PORT_NAME, 1, 8 },
		{ "an unknown event", 0, 8, 1, 8 },
		{ "the last event", 0, UINT16_MAX, 1, 8 },
		{ "an event of 2^8 and 6", 0, 256 + 6, 1, 8 },
		{ "no byte", 0, CONSOLE_PORT_OPEN, 1, 0 },
		{ "one byte", 0, CONSOLE_PORT_OPEN, 1, 1 },
		{ "a byte less", 0, CONSOLE_PORT_OPEN, 1, 7 },
	};

	return cr_make_param_array(struct odd_msg, odd, ARRAY_SIZE(odd));
}

ParameterizedTest(struct odd_msg *o, console_ctrl, ignores, .timeout = 20)
{
	const struct metric *ignored = console_ctrl_metrics[0];
	uint32_t head, len;

	up(LOOP_AUTO, -1);
	offer(8);
	add_msg(o->port, o->event, o->value, o->len);
	rig_kick(CONSOLE_CTRL_TX);
	cr_expect_eq(metric_get(ignored), 1, "%s", o->why);
	cr_assert(vdriver_used(&rig.ctrl_tx, &head, &len), "%s", o->why);
	cr_expect_eq(len, 0, "%s", o->why);
	cr_expect(vdev_live(rig.v), "%s", o->why);
	cr_expect_not(console_is_open(rig.v), "%s", o->why);
	expect_none();
	tell(0, CONSOLE_DEVICE_READY, 1);
	expect_msg(CONSOLE_PORT_ADD, 0);
	tell(0, CONSOLE_DEVICE_READY, 1);
	cr_expect_eq(metric_get(ignored), 2, "the port is there");
	expect_none();
	rig_down();
}

struct bad_ctrl {
	char why[40];
	unsigned queue;
	bool later; /* the first message, and its buffer, are good */
	unsigned n;
	struct vdriver_buf buf[2];
};

ParameterizedTestParameters(console_ctrl, faults_on)
{
	const unsigned in = CONSOLE_CTRL_RX, out = CONSOLE_CTRL_TX;
	const gpa_t end = RIG_RAM;
	const struct vdriver_buf to_read = { CTRL_OUT, 8, false };
	const struct vdriver_buf to_write = { CTRL_IN, 8, true };
	const struct vdriver_buf small = { CTRL_IN, 3, true };
	static struct bad_ctrl bad[10];
	const struct bad_ctrl table[] = {
		{ "a message to write", out, false, 1, { to_write } },
		{ "and to write", out, true, 2, { to_read, to_write } },
		{ "from no memory", out, false, 1, { { end - 4, 8, false } } },
		{ "a buffer to read", in, false, 1, { to_read } },
		{ "a buffer to both", in, false, 2, { to_read, to_write } },
		{ "an empty buffer", in, false, 1, { { 0, 0, true } } },
		{ "a buffer too small", in, false, 1, { { 0, 7, true } } },
		{ "in pieces, too small", in, true, 2, { small, small } },
		{ "to no memory", in, false, 1, { { end, 8, true } } },
		{ "input to read", CONSOLE_RX, true, 1, { to_read } },
	};

	_Static_assert(sizeof(bad) == sizeof(table), "all of them");
	memcpy(bad, table, sizeof(bad));
	return cr_make_param_array(struct bad_ctrl, bad, ARRAY_SIZE(bad));
}

ParameterizedTest(struct bad_ctrl *b, console_ctrl, faults_on, .timeout = 20)
{
	int fd[2];

	make_pipe(fd);
	up_filtered(LOOP_AUTO, fd[0]);
	put(fd[1], "in");
	rig_run_some();
	if (b->later || b->queue != CONSOLE_CTRL_RX)
		offer(1);
	if (b->later)
		tell(0, CONSOLE_DEVICE_READY, 1);
	(void)vdriver_add(b->queue == CONSOLE_CTRL_TX   ? &rig.ctrl_tx
			  : b->queue == CONSOLE_CTRL_RX ? &rig.ctrl_rx
							: &rig.rx,
			  b->buf, b->n);
	rig_kick(b->queue);
	if (b->queue != CONSOLE_CTRL_TX) {
		cr_expect(vdev_live(rig.v), "%s: not looked at", b->why);
		add_msg(0, b->later ? CONSOLE_PORT_READY : CONSOLE_DEVICE_READY,
			1, 8);
		if (b->queue == CONSOLE_RX)
			add_msg(0, CONSOLE_PORT_OPEN, 1, 8);
		rig_kick(CONSOLE_CTRL_TX);
	}
	cr_expect(rig.v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", b->why);
	cr_expect(rig.v->isr & VIRTIO_ISR_CONFIG, "%s", b->why);
	cr_expect_not(console_is_open(rig.v), "%s", b->why);
	cr_expect_eq(vdriver_used_idx(&rig.ctrl_rx), b->later, "%s", b->why);
	cr_expect_eq(vdriver_used_idx(&rig.rx), 0, "%s", b->why);
	console_resize(rig.v, 1, 1);
	console_announce(rig.v);
	rig_reset();
	cr_expect_eq(rig.v->status, 0, "%s", b->why);
	rig_down();
}

Test(console_ctrl, a_size_wants_more_room, .timeout = 20)
{
	const struct vdriver_buf small = { CTRL_IN + 0x200, 11, true };

	up(LOOP_AUTO, -1);
	offer(2);
	(void)vdriver_add(&rig.ctrl_rx, &small, 1);
	tell(0, CONSOLE_PORT_READY, 1);
	expect_msg(CONSOLE_CONSOLE_PORT, 1);
	expect_msg(CONSOLE_PORT_OPEN, 1);
	expect_none();
	cr_expect(rig.v->status & VIRTIO_STATUS_NEEDS_RESET);
	rig_down();
}
