/* host_stream.c: both ends of a Unix socket: the bound of vsock figures, and
 * whom a guest's vsock connection leads to. Blocking calls, one process each
 * end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/host.h"

#define NS_PER_MS 1000000u

static struct tally tally;

static int make_socket(const char *path, struct sockaddr_un *ret_a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_a->sun_path))
		host_usage();
	strcpy(ret_a->sun_path, path);
	if (fd < 0)
		host_die("socket");
	return fd;
}

/* All of it; false: the other end is gone. */
static bool put(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool get(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static uint8_t *make_buffer(uint32_t len)
{
	uint8_t *p = malloc(len);

	if (!p || !len)
		host_usage();
	memset(p, 0x5a, len);
	return p;
}

/* PATH ping|send|receive LEN MS */
void host_stream(int n, char **arg)
{
	const uint32_t len = n == 4 ? host_number(arg[2]) : 0;
	const bool ping = n == 4 && strcmp(arg[1], "ping") == 0;
	const bool sends = n == 4 && strcmp(arg[1], "receive") != 0;
	uint8_t *buf = make_buffer(len);
	struct sockaddr_un a;
	int fd = make_socket(arg[0], &a);
	uint64_t now, then, end;

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		host_die(arg[0]);
	host_begin();
	now = host_now_ns();
	for (end = now + (uint64_t)host_number(arg[3]) * NS_PER_MS; now < end;
	     now = then) {
		if ((sends && !put(fd, buf, len)) ||
		    ((ping || !sends) && !get(fd, buf, len)))
			host_die("the other end");
		then = host_now_ns();
		if (ping)
			tally_add(&tally, then - now, len);
		else
			tally_move(&tally, len);
	}
	host_end(&tally);
}

static void serve_one(int fd, const char *how, uint8_t *buf, uint32_t len)
{
	const bool echo = strcmp(how, "echo") == 0;

	if (strcmp(how, "source") == 0) {
		while (put(fd, buf, len))
			;
		return;
	}
	for (;;) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n <= 0 || (echo && !put(fd, buf, (size_t)n)))
			return;
	}
}

/* PATH echo|sink|source LEN */
void host_serve(int n, char **arg)
{
	const uint32_t len = n == 3 ? host_number(arg[2]) : 0;
	uint8_t *buf = make_buffer(len);
	struct sockaddr_un a;
	int listener = make_socket(arg[0], &a);

	if (unlink(arg[0]) && errno != ENOENT)
		host_die(arg[0]);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(listener, 1))
		host_die(arg[0]);
	host_ready();
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			host_die("accept");
		serve_one(fd, arg[1], buf, len);
		(void)close(fd);
	}
}
