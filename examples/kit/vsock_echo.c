/* vsock_echo.c: sends back what it gets, streams and records, to a thousand
 * clients at a time. No operating system: it is linked with the guest kit's
 * drivers in the place of kernel/main.c. It ends after as many clients as the
 * second word says, or never.
 *
 *   mayfly run --vsock cid=3,path=/tmp/s \
 *           --kernel-args "mayfly.platform=0xc0000000 -- 7 1" \
 *           build/guest/examples/vsock_echo &
 *   (echo CONNECT 7; cat) | socat - UNIX-CONNECT:/tmp/s
 */
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

#define BUF_LEN 65536

/* Bytes on their way back. Only a client that does not take them needs to
 * keep them while others are served. */
static LARGE struct client {
	bool known;
	uint8_t *bytes; /* BUF_LEN */
	uint32_t at, len;
} clients[VSOCK_CONNS_MAX];

static uint64_t echoed;

/* Back and forth until there is nothing to get, or no room to send: 0. <0:
 * the connection is over. */
static int serve(int conn, struct client *c)
{
	for (;;) {
		int64_t n;

		if (c->at == c->len) {
			n = vsock_recv(conn, c->bytes, BUF_LEN);
			if (n == 0)
				return -1;
			c->at = c->len = 0;
			if (n > 0)
				c->len = (uint32_t)n;
		} else {
			n = vsock_send(conn, c->bytes + c->at, c->len - c->at);
			if (n > 0) {
				c->at += (uint32_t)n;
				echoed += (uint64_t)n;
			}
		}
		if (n < 0)
			return n == -LINUX_EAGAIN ? 0 : -1;
	}
}

static void greet(struct client *c)
{
	if (!c->bytes)
		c->bytes = page_alloc_run(BUF_LEN / PAGE_LEN);
	if (!c->bytes)
		machine_panic("no memory for another client");
	c->known = true;
	c->at = c->len = 0;
}

static void say(const char *what, uint64_t n, const char *unit)
{
	char line[80];
	size_t len = format(line, sizeof(line), "%s %lu%s\n", what,
			    (unsigned long)n, unit);

	console_write(CONSOLE_OUT, line, len);
	console_push(CONSOLE_OUT);
}

static uint32_t number(const char *s)
{
	uint32_t v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (uint32_t)(*s++ - '0');
	return v;
}

void kit_main(gpa_t start_info, uint64_t tsc_entry)
{
	uint32_t cid, port = 7, left = 0;
	const char *word;

	machine_init(start_info, tsc_entry);
	page_init();
	machine_read_arguments();
	word = machine.strings + strlen(machine.strings) + 1;
	if (machine.argc > 1)
		port = number(word);
	if (machine.argc > 2)
		left = number(word + strlen(word) + 1);
	if (!vsock_open(&cid) || vsock_listen(port))
		machine_panic("no vsock device");
	say("echo on port", port, "");
	for (;;) {
		const int conn = vsock_next(0);
		struct client *c;

		if (conn < 0)
			continue;
		c = &clients[conn];
		if (!c->known)
			greet(c);
		if (serve(conn, c) == 0)
			continue;
		vsock_close(conn);
		c->known = false;
		if (left > 0 && --left == 0)
			break;
	}
	say("echoed", echoed, " bytes");
	machine_exit(0);
}
