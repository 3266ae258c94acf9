/* fuzz_gdb.c: what a debugger may say, from the first byte on.
 *
 * Input: how to cut it, then the bytes. The program stops again after each piece
 * if it was told to go on. The oracle: all that is said is acknowledgements and
 * packets with a good sum; input is taken unless there is something to send;
 * and when the client has gone and the program has stopped once more, no
 * breakpoint is left. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "debug/gdb.h"
#include "tests/support/stop_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct stop_rig rig;
static struct gdb gdb;
static bool going; /* told to go on */

static void on_resume(void *ctx)
{
	(void)ctx;
	going = true;
}

static void on_kill(void *ctx)
{
	(void)ctx;
}

static const struct gdb_ops ops = { on_resume, on_resume, on_kill };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	return 0;
}

static unsigned hex(char c)
{
	CHECK((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Everything it says is in form. */
static void check_said(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t sum = 0;

		if (s[i] == '+' || s[i] == '-')
			continue;
		CHECK(s[i] == '$');
		for (i++; i < n && s[i] != '#'; i++) {
			CHECK(s[i] != '$');
			sum = (uint8_t)(sum + (uint8_t)s[i]);
		}
		CHECK(i + 2 < n);
		CHECK(hex(s[i + 1]) * 16 + hex(s[i + 2]) == sum);
		i += 2;
	}
}

static void drain(void)
{
	CHECK(!gdb.out.full);
	check_said(gdb.out.bytes, gdb.out.len);
	gdb.out.len = 0;
}

static void stop_again(unsigned reason)
{
	going = false;
	rig.s.reason = reason;
	stop_rig_write(&rig);
	CHECK(stop_load(&rig.stop, RIG_STOP) == 0);
	(void)!gdb_stopped(&gdb, &rig.stop);
}

static void feed(const char *bytes, size_t n)
{
	while (n > 0) {
		const size_t used = gdb_feed(&gdb, bytes, n);

		CHECK(used <= n);
		bytes += used;
		n -= used;
		CHECK(gdb.n_breaks <= GDB_BREAKS_MAX);
		drain();
		if (going)
			stop_again(DEBUG_STEPPED);
		drain();
		CHECK(used > 0 || !gdb_is_busy(&gdb));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct gdb_config cfg = { .ops = &ops,
					.exec_file = "/bin/program",
					.wait = true };
	uint8_t step = len ? data[0] : 0;

	stop_rig_up(&rig);
	gdb_init(&gdb, &cfg);
	gdb_attach(&gdb);
	stop_again(DEBUG_START);
	for (size_t at = 1; at < len;) {
		size_t part = data[0] ? 1u + step % 17u : len - at;

		if (part > len - at)
			part = len - at;
		feed((const char *)data + at, part);
		at += part;
		step = (uint8_t)(step * 5 + 3);
	}
	gdb_detach(&gdb);
	if (gdb.n_breaks > 0)
		stop_again(DEBUG_INTERRUPT);
	CHECK(gdb.n_breaks == 0);
	stop_rig_down(&rig);
	return 0;
}
