/* test_console_input.c: the console's input, over a real loop and real pipes.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/support/console_rig.h"
#include "virtio/mmio.h"

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(console_input, name)                      \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, console_input, name,      \
			  .timeout = 20)

static void make_pipe(int fd[2])
{
	cr_assert_eq(pipe2(fd, O_CLOEXEC), 0);
}

static void put(int fd, const char *text)
{
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

BOTH_ENGINES(input_fills_the_buffers_in_order)
{
	uint32_t head, len;
	int fd[2];

	make_pipe(fd);
	rig_up(*engine, fd[0], -1);
	put(fd[1], "hello, world");
	rig_offer(0, 5);
	rig_offer(0x100, 100);
	rig_kick(CONSOLE_RX);
	rig_run_some();
	cr_assert(vdriver_used(&rig.rx, &head, &len));
	cr_expect_eq(len, 5);
	cr_assert(vdriver_used(&rig.rx, &head, &len));
	cr_expect_eq(len, 7);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "hello", 5), 0);
	cr_expect_eq(memcmp(rig_ram + RIG_IN + 0x100, ", world", 7), 0);
	cr_expect_eq(rig_flags(), 0);
	rig_down();
}

BOTH_ENGINES(input_is_not_read_until_there_is_room)
{
	uint32_t head, len;
	int fd[2], n = 0;

	make_pipe(fd);
	rig_up(*engine, fd[0], -1);
	put(fd[1], "abcdef");
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_assert_eq(ioctl(fd[0], FIONREAD, &n), 0);
	cr_expect_eq(n, 6);
	rig_offer(0, 2);
	rig_kick(CONSOLE_RX);
	rig_run_some();
	put(fd[1], "ghi");
	rig_run_quiet(); /* bytes are left over: nothing more is read */
	cr_assert_eq(ioctl(fd[0], FIONREAD, &n), 0);
	cr_expect_eq(n, 3);
	rig_offer(2, 100);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "abcdef", 6), 0);
	rig.stop = false; /* the kick above has interrupted already */
	rig_offer(6, 100);
	rig_kick(CONSOLE_RX);
	rig_run_some();
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "abcdefghi", 9), 0);
	for (unsigned i = 0; i < 3; i++)
		cr_expect(vdriver_used(&rig.rx, &head, &len));
	rig_down();
}

BOTH_ENGINES(the_end_of_input_is_told_after_the_last_byte)
{
	uint32_t head, len;
	int fd[2];

	make_pipe(fd);
	rig_up(*engine, fd[0], -1);
	put(fd[1], "bye");
	close(fd[1]);
	rig_offer(0, 2);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(rig_flags(), 0);
	cr_expect_eq(rig.v->isr, VIRTIO_ISR_QUEUE);
	rig_offer(2, 2);
	rig_offer(4, 2);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(rig_flags(), CONSOLE_FLAG_INPUT_ENDED);
	cr_expect_eq(rig.v->isr, VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG);
	cr_expect_eq(vdriver_used_idx(&rig.rx), 2);
	cr_assert(vdriver_used(&rig.rx, &head, &len));
	cr_assert(vdriver_used(&rig.rx, &head, &len));
	cr_expect_eq(len, 1);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "bye", 3), 0);
	rig_reset();
	rig_drive();
	cr_expect_eq(rig_flags(), CONSOLE_FLAG_INPUT_ENDED, "it stays ended");
	rig_down();
}

Test(console_input, without_an_input_it_has_ended, .timeout = 20)
{
	rig_up(LOOP_AUTO, -1, -1);
	cr_expect_eq(rig_flags(), CONSOLE_FLAG_INPUT_ENDED);
	rig_offer(0, 2);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(rig.fired, 0);
	rig_down();
}

BOTH_ENGINES(input_that_cannot_be_read_ends)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	cr_assert_geq(fd, 0);
	rig_up(*engine, fd, -1);
	rig_offer(0, 2);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(rig_flags(), CONSOLE_FLAG_INPUT_ENDED);
	rig_down();
}

BOTH_ENGINES(a_reset_does_not_wait_for_a_key)
{
	int fd[2];

	make_pipe(fd);
	rig_up(*engine, fd[0], -1);
	rig_offer(0, 10);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(loop_in_flight(rig.loop), 1);
	rig_reset();
	cr_expect_eq(vdriver_reg(rig.v, MMIO_REG_STATUS), 0, "at once");
	rig_drive();
	rig_offer(0x20, 10);
	rig_kick(CONSOLE_RX);
	put(fd[1], "key");
	rig_run_some();
	cr_expect_eq(memcmp(rig_ram + RIG_IN + 0x20, "key", 3), 0);
	rig_down();
}

BOTH_ENGINES(input_stops_on_request)
{
	int fd[2];

	make_pipe(fd);
	rig_up(*engine, fd[0], -1);
	rig_offer(0, 10);
	rig_kick(CONSOLE_RX);
	loop_lock(rig.loop);
	console_input_stop(rig.v);
	loop_unlock(rig.loop);
	rig_run_quiet();
	put(fd[1], "late");
	rig_offer(0x20, 10);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(vdriver_used_idx(&rig.rx), 0);
	cr_expect_eq(rig_flags(), 0);
	rig_down();
}

/* Drops every 'x'; an 'S' also stops the input, a '.' ends run_some. */
static size_t filter(void *ctx, uint8_t *bytes, size_t n)
{
	size_t kept = 0;

	cr_assert_eq(ctx, &rig);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == 'S')
			console_input_stop(rig.v);
		if (bytes[i] == '.')
			rig.stop = true;
		if (bytes[i] != 'x')
			bytes[kept++] = bytes[i];
	}
	return kept;
}

BOTH_ENGINES(a_filter_sees_input_before_there_is_a_driver)
{
	int fd[2];

	make_pipe(fd);
	rig.cfg.filter_input = filter;
	rig_create(*engine, fd[0], -1);
	loop_lock(rig.loop);
	console_input_start(rig.v);
	loop_unlock(rig.loop);
	put(fd[1], "xaxx");
	put(fd[1], "bxx.");
	rig_run_some();
	put(fd[1], "xxx."); /* all of it dropped but the dot */
	rig_run_some();
	rig_drive();
	rig_offer(0, 2);
	rig_offer(2, 10);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "ab..", 4), 0);
	put(fd[1], "cSx");
	rig_run_quiet();
	rig_offer(4, 10);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "ab..cS", 6), 0);
	rig_down();
}

BOTH_ENGINES(a_filter_reads_until_the_buffer_is_full)
{
	static char many[CONSOLE_IN_MAX - 1];
	int fd[2], n = 0;

	memset(many, 'm', sizeof(many));
	make_pipe(fd);
	rig.cfg.filter_input = filter;
	rig_up(*engine, fd[0], -1);
	loop_lock(rig.loop);
	console_input_start(rig.v);
	loop_unlock(rig.loop);
	cr_assert_eq(write(fd[1], many, sizeof(many)), sizeof(many));
	put(fd[1], "12");
	close(fd[1]);
	rig_run_quiet();
	cr_assert_eq(ioctl(fd[0], FIONREAD, &n), 0);
	cr_expect_eq(n, 1);
	rig_offer(0, 100);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(rig_flags(), 0, "not before the guest has it all");
	rig_offer(100, 2 * CONSOLE_IN_MAX);
	rig_kick(CONSOLE_RX);
	rig_run_quiet();
	cr_expect_eq(rig_ram[RIG_IN + CONSOLE_IN_MAX - 1], '1');
	cr_expect_eq(rig_ram[RIG_IN + CONSOLE_IN_MAX], '2');
	cr_expect_eq(rig_flags(), CONSOLE_FLAG_INPUT_ENDED);
	rig_down();
}

BOTH_ENGINES(a_filter_goes_on_looking_when_the_guest_is_at_fault)
{
	const struct vdriver_buf bad = { RIG_RAM, 1, true };
	int fd[2];

	make_pipe(fd);
	rig.cfg.filter_input = filter;
	rig_up(*engine, fd[0], -1);
	loop_lock(rig.loop);
	console_input_start(rig.v);
	loop_unlock(rig.loop);
	(void)vdriver_add(&rig.rx, &bad, 1);
	put(fd[1], "a");
	rig_run_some(); /* the fault's interrupt */
	cr_expect(rig.v->status & VIRTIO_STATUS_NEEDS_RESET);
	put(fd[1], ".");
	rig_run_some();
	rig_reset();
	rig_drive();
	rig_offer(0, 10);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "a.", 2), 0);
	rig_down();
}

BOTH_ENGINES(a_reset_with_output_in_flight_keeps_the_input)
{
	static char junk[4096];
	int in[2], out[2];

	make_pipe(in);
	make_pipe(out);
	cr_assert_eq(fcntl(out[1], F_SETPIPE_SZ, 4096), 4096);
	cr_assert_eq(write(out[1], junk, sizeof(junk)), 4096);
	rig.cfg.filter_input = filter;
	rig_up(*engine, in[0], out[1]);
	loop_lock(rig.loop);
	console_input_start(rig.v);
	loop_unlock(rig.loop);
	rig_say("stuck");
	rig_kick(CONSOLE_TX);
	put(in[1], "a.");
	rig_run_some();
	rig_reset();
	cr_expect(rig.v->reset_pending);
	put(in[1], "b.");
	rig_run_some();
	put(in[1], "c.");
	rig_run_some();
	cr_expect_eq(rig.v->status, 0);
	rig_drive();
	rig_offer(0, 10);
	rig_kick(CONSOLE_RX);
	cr_expect_eq(memcmp(rig_ram + RIG_IN, "a.b.c.", 6), 0);
	rig_down();
}
