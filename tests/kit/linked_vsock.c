/* linked_vsock.c: what a guest does to a port of the host with the kit's
 * socket driver: the first word says what, the second is the port. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "drivers/vsock.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"

static LARGE uint8_t bytes[70000], back[70000];

static void say(const char *what, int64_t n)
{
	char line[80];

	console_write(CONSOLE_OUT, line,
		      format(line, sizeof(line), "%s %ld\n", what, (long)n));
	console_push(CONSOLE_OUT);
}

static void expect(bool good, const char *what, int64_t n)
{
	if (good)
		return;
	say("wrong:", 0);
	say(what, n);
	machine_exit(1);
}

static int dial(enum vsock_type type, uint32_t port)
{
	int conn = vsock_connect(type, port);
	int r = conn < 0 ? conn : vsock_wait_open(conn);

	expect(r == 0, "connect", r);
	return conn;
}

static void echo(int conn, uint32_t len)
{
	int64_t n = vsock_send_all(conn, bytes, len);

	expect(n == len, "send", n);
	for (uint32_t got = 0; got < len; got += (uint32_t)n) {
		n = vsock_recv_wait(conn, back + got, sizeof(back) - got);
		expect(n > 0, "receive", n);
	}
	expect(memcmp(bytes, back, len) == 0, "bytes", len);
}

/* Nobody listens; then somebody does. */
static void refused(uint32_t port)
{
	int conn = vsock_connect(VSOCK_STREAM, port + 1);
	int r = vsock_wait_open(conn);

	expect(r == -LINUX_ECONNREFUSED, "connect", r);
	vsock_close(conn);
	conn = dial(VSOCK_STREAM, port);
	echo(conn, 10);
	vsock_close(conn);
}

/* What the host sends after our end still comes. */
static void half(uint32_t port)
{
	int conn = dial(VSOCK_STREAM, port);
	int64_t n = vsock_send_all(conn, bytes, 60000);
	uint32_t got = 0;

	expect(n == 60000, "send", n);
	vsock_shutdown(conn, VSOCK_SEND);
	n = vsock_send(conn, bytes, 1);
	expect(n == -LINUX_EPIPE, "send after the end", n);
	while ((n = vsock_recv_wait(conn, back + got, sizeof(back) - got)) > 0)
		got += (uint32_t)n;
	expect(n == 0 && got == 60000, "received", n < 0 ? n : got);
	expect(memcmp(bytes, back, got) == 0, "bytes", got);
	vsock_close(conn);
}

static void records(uint32_t port)
{
	static const uint32_t sizes[] = { 1,     2,     4000,  16340,
					  16341, 50000, 65535, 65536 };
	int conn = dial(VSOCK_SEQPACKET, port);
	int64_t n;

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		n = vsock_send_all(conn, bytes, sizes[i]);
		expect(n == sizes[i], "send", n);
		n = vsock_recv_wait(conn, back, sizeof(back));
		expect(n == sizes[i], "record", n);
		expect(memcmp(bytes, back, sizes[i]) == 0, "bytes", n);
	}
	/* many on their way: each stays what it is */
	for (unsigned i = 1; i <= 20; i++) {
		n = vsock_send_all(conn, bytes, i * 100);
		expect(n == i * 100, "send", n);
	}
	for (unsigned i = 1; i <= 20; i++) {
		n = vsock_recv_wait(conn, back, sizeof(back));
		expect(n == i * 100, "record", n);
	}
	n = vsock_send(conn, bytes, 65537);
	expect(n == -LINUX_EMSGSIZE, "too long a record", n);
	vsock_close(conn);
}

static void reset(uint32_t port)
{
	for (unsigned i = 0; i < 100; i++) {
		int conn = dial(VSOCK_STREAM, port);

		echo(conn, 100);
		vsock_reset(conn);
	}
}

/* Nobody reads on the port behind ours. */
static void stall(uint32_t port)
{
	int slow = dial(VSOCK_STREAM, port + 1);
	int conn = dial(VSOCK_STREAM, port);
	uint64_t sent = 0;
	int64_t n;

	/* what the host's socket and the device hold, and no more */
	for (unsigned i = 0; i < 500; i++) {
		while ((n = vsock_send(slow, bytes, 65536)) > 0)
			sent += (uint64_t)n;
		expect(n == -LINUX_EAGAIN && sent < 4u << 20, "send", n);
		echo(conn, 65536);
	}
	expect(sent >= 65536, "sent", (int64_t)sent);
	vsock_close(slow);
	vsock_close(conn);
}

/* Many connections, one after the other. */
static void churn(uint32_t port)
{
	for (unsigned i = 0; i < 10000; i++) {
		int conn = dial(VSOCK_STREAM, port);

		echo(conn, 1 + i % 100);
		vsock_close(conn);
	}
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	static const struct {
		const char *name;
		void (*run)(uint32_t port);
	} modes[] = { { "refused", refused }, { "half", half },
		      { "records", records }, { "reset", reset },
		      { "stall", stall },     { "churn", churn } };
	const char *mode, *s;
	uint32_t cid, port = 0;

	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	expect(machine.argc == 3, "words", machine.argc);
	mode = machine.strings + strlen(machine.strings) + 1;
	for (s = mode + strlen(mode) + 1; *s; s++)
		port = port * 10 + (uint32_t)(*s - '0');
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	expect(vsock_open(&cid), "no vsock device", 0);
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		if (str_equal(modes[i].name, mode)) {
			modes[i].run(port);
			say("ok", cid);
			machine_exit(0);
		}
	expect(false, mode, 0);
	machine_exit(1);
}
