/* test_legacy.c: the PC devices of --legacy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/support/fake_machine.h"
#include "vmm/machine.h"

static uint64_t ram[1024];

static uint8_t in(struct fake_machine *f, uint16_t port)
{
	uint8_t b = 0xa5;

	fake_pio(f, port, &b, 1, 1, false);
	return b;
}

static void out(struct fake_machine *f, uint16_t port, uint8_t b)
{
	fake_pio(f, port, &b, 1, 1, true);
}

/* Runs the loop until the console has nothing left. */
static void flush(struct fake_machine *f)
{
	struct loop *l = f->m.cfg.loop;
	int r;

	loop_unlock(l);
	r = loop_run(l, NULL, true);
	loop_lock(l);
	cr_assert_eq(r, 0);
}

Test(legacy, serial_output_arrives_in_order, .timeout = 10)
{
	char got[64] = { 0 };
	struct fake_machine *f;
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	f = fake_machine_new(ram, sizeof(ram), p[1], MACHINE_LEGACY_SERIAL);
	for (const char *s = "hello, com1\n"; *s; s++) {
		cr_assert(in(f, 0x3fd) & 0x20, "transmitter empty");
		out(f, 0x3f8, (uint8_t)*s);
	}
	flush(f);
	cr_assert_eq(read(p[0], got, sizeof(got)), 12);
	cr_assert_str_eq(got, "hello, com1\n");
	cr_assert_not(serial_pending(&f->m.legacy.serial));
	fake_machine_free(f);
	(void)close(p[0]);
	(void)close(p[1]);
}

Test(legacy, a_slow_reader_makes_the_transmitter_busy, .timeout = 10)
{
	struct fake_machine *f;
	unsigned n = 0;
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	f = fake_machine_new(ram, sizeof(ram), p[1], MACHINE_LEGACY_SERIAL);
	while (in(f, 0x3fd) & 0x20 && n < 2 * SERIAL_TX_LEN) {
		out(f, 0x3f8, 'x');
		n++;
	}
	cr_assert_eq(n, SERIAL_TX_LEN, "then the guest must wait");
	out(f, 0x3f8, 'y'); /* a guest that does not wait loses its byte */
	cr_assert_eq(f->m.legacy.serial.tx_n, SERIAL_TX_LEN);
	fake_machine_free(f);
	(void)close(p[0]);
	(void)close(p[1]);
}

Test(legacy, serial_registers_read_back, .timeout = 10)
{
	struct fake_machine *f =
		fake_machine_new(ram, sizeof(ram), -1, MACHINE_LEGACY_SERIAL);

	out(f, 0x3fb, 0x80); /* divisor latch */
	out(f, 0x3f8, 0x12);
	out(f, 0x3f9, 0x34);
	cr_assert_eq(in(f, 0x3f8), 0x12);
	cr_assert_eq(in(f, 0x3f9), 0x34);
	out(f, 0x3fb, 0x03);
	cr_assert_eq(in(f, 0x3f9), 0);
	out(f, 0x3ff, 0x77);
	cr_assert_eq(in(f, 0x3ff), 0x77);
	out(f, 0x3fc, 0x1a); /* loop-back: outputs appear as inputs */
	cr_assert_eq(in(f, 0x3fe) & 0xf0, 0x90);
	fake_machine_free(f);
}

Test(legacy, the_clock_chip_tells_utc, .timeout = 10)
{
	struct fake_machine *f =
		fake_machine_new(ram, sizeof(ram), -1, MACHINE_LEGACY_RTC);
	time_t before = time(NULL), after;
	struct tm tm;
	int mday;

	out(f, 0x70, 7);
	mday = in(f, 0x71);
	after = time(NULL);
	gmtime_r(&before, &tm);
	if (gmtime_r(&after, &tm)->tm_mday == tm.tm_mday)
		cr_assert_eq(mday / 16 * 10 + mday % 16, tm.tm_mday);
	out(f, 0x70, 13);
	cr_assert_eq(in(f, 0x71), 0x80, "battery is fine");
	fake_machine_free(f);
}

Test(legacy, the_keyboard_controller_resets_the_machine, .timeout = 10)
{
	struct fake_machine *f =
		fake_machine_new(ram, sizeof(ram), -1, MACHINE_LEGACY_I8042);

	out(f, 0x64, 0xaa);
	cr_assert(in(f, 0x64) & 1, "an answer waits");
	cr_assert_eq(in(f, 0x60), 0x55);
	cr_assert_not(in(f, 0x64) & 1);
	cr_assert_eq(f->m.outcome.reason, OUTCOME_NONE);
	out(f, 0x64, 0xfe);
	cr_assert_eq(f->m.outcome.reason, OUTCOME_RESET);
	fake_machine_free(f);
}
