/* vsock_client.c: sends bytes over many connections at once to an echo server
 * of the host and checks what comes back. No operating system, as
 * vsock_echo.c. Words: port, connections, bytes of each.
 *
 *   socat UNIX-LISTEN:/tmp/s_9,fork EXEC:cat &
 *   mayfly run --vsock cid=3,path=/tmp/s \
 *           --kernel-args "mayfly.platform=0xc0000000 -- 9 4 1000000" \
 *           build/guest/examples/vsock_client
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/console.h"
#include "drivers/vsock.h"
#include "kernel/clock.h"
#include "kernel/exit.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/page.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"

#define PIECE   65536u
#define PATTERN 251u /* a prime: no two places of a piece look alike */

static LARGE struct talk {
	uint64_t sent, got;
} talks[VSOCK_CONNS_MAX];

/* Byte n of connection c is (n + c) % PATTERN: bytes[] from there on. */
static LARGE uint8_t bytes[PIECE + PATTERN], back[PIECE];

static NORETURN void fail(const char *what, int64_t n)
{
	char line[80];
	size_t len =
		format(line, sizeof(line), "wrong: %s %ld\n", what, (long)n);

	console_write(CONSOLE_OUT, line, len);
	machine_exit(1);
}

/* As much as goes either way. True: everything came back. */
static bool serve(int conn, uint64_t total)
{
	struct talk *t = &talks[conn];
	int64_t n = 0, m = 0;

	while (n >= 0 || m >= 0) {
		n = m = -LINUX_EAGAIN;
		if (t->sent < total) {
			const uint64_t at =
				(t->sent + (unsigned)conn) % PATTERN;

			n = vsock_send(conn, bytes + at,
				       min_u64(PIECE, total - t->sent));
			if (n > 0)
				t->sent += (uint64_t)n;
		}
		if (t->got < total) {
			const uint64_t at = (t->got + (unsigned)conn) % PATTERN;

			m = vsock_recv(conn, back, PIECE);
			if (m > 0 && memcmp(back, bytes + at, (size_t)m) != 0)
				fail("bytes of connection", conn);
			if (m > 0)
				t->got += (uint64_t)m;
			if (m == 0)
				fail("an early end of connection", conn);
		}
		if ((n < 0 && n != -LINUX_EAGAIN) ||
		    (m < 0 && m != -LINUX_EAGAIN))
			fail("connection", n < m ? n : m);
	}
	return t->got == total;
}

/* The nth word, 0: none. */
static uint64_t word(unsigned nth)
{
	const char *s = machine.strings;
	uint64_t v = 0;

	if (nth >= machine.argc)
		return 0;
	while (nth-- > 0)
		s += strlen(s) + 1;
	while (*s >= '0' && *s <= '9')
		v = v * 10 + (uint64_t)(*s++ - '0');
	return v;
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	uint64_t n, total, left, start;
	char line[80];
	uint32_t cid;

	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	n = left = word(2);
	total = word(3);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % PATTERN);
	if (!vsock_open(&cid))
		machine_panic("no vsock device");
	start = clock_now();
	for (uint64_t i = 0; i < n; i++) {
		int conn = vsock_connect(VSOCK_STREAM, (uint32_t)word(1));

		if (conn < 0 || vsock_wait_open(conn) < 0)
			fail("connect", conn);
	}
	while (left > 0) {
		const int conn = vsock_next(0);

		if (conn >= 0 && serve(conn, total)) {
			vsock_close(conn);
			left--;
		}
	}
	(void)console_write(
		CONSOLE_OUT, line,
		format(line, sizeof(line), "echoed %lu bytes in %lu ms\n",
		       (unsigned long)(n * total),
		       (unsigned long)((clock_now() - start) / 1000000)));
	machine_exit(0);
}
