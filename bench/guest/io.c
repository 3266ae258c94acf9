/* io.c: the guest program of bench-io, linked with the kit in the place of
 * kernel/main.c: the same file boots under mayfly and under QEMU, by PVH. The
 * words after " -- " on the kernel command line say what to do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/guest/io.h"

#include "drivers/console.h"
#include "kernel/clock.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"

static uint64_t begun_ns;

/* Until somebody, who reads what was said, has sent a byte. */
static void await(void)
{
	char byte;

	while (console_read(&byte, 1) != 1)
		console_wait_input(0);
}

static void say(const char *line, uint64_t len)
{
	console_write(CONSOLE_OUT, line, len);
	console_flush(false);
}

void io_fail(const char *what, int64_t n)
{
	char line[160];

	say(line, format(line, sizeof(line), "wrong: %s %ld\n", what, (long)n));
	machine_exit(1);
}

const char *io_word(unsigned n)
{
	const char *s = machine.strings;

	if (n >= machine.argc)
		io_fail("arguments: too few", machine.argc);
	while (n-- > 0)
		s += strlen(s) + 1;
	return s;
}

uint64_t io_number(unsigned n)
{
	uint64_t value = 0;

	for (const char *s = io_word(n); *s; s++) {
		if (*s < '0' || *s > '9')
			io_fail("not a number: argument", n);
		value = value * 10 + (uint64_t)(*s - '0');
	}
	return value;
}

bool io_is(unsigned n, const char *text)
{
	return str_equal(io_word(n), text);
}

void io_begin(void)
{
	say("begin\n", 6);
	await();
	begun_ns = clock_now();
}

void io_end(const struct tally *t)
{
	const uint64_t ns = clock_now() - begun_ns;
	char line[200];

	say("end\n", 4);
	await();
	say(line, format(line, sizeof(line),
			 "ops=%lu bytes=%lu ns=%lu min=%lu p50=%lu p99=%lu\n",
			 t->n, t->bytes, ns, t->min_ns, tally_quantile(t, 500),
			 tally_quantile(t, 990)));
	machine_exit(0);
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	if (io_is(1, "blk"))
		io_blk();
	if (io_is(1, "net"))
		io_net();
	if (io_is(1, "vsock"))
		io_vsock();
	io_fail("no such work", 0);
}
