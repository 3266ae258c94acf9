/* vsock.c: the host's side of a test of --vsock. Any failure is a line on
 * standard error and status 1.
 *
 *   serve PATH stream|seq  listens on PATH, echoes to all, until it is killed
 *   deaf PATH              listens on PATH, accepts, never reads
 *   echo SOCK PORT N BYTES N clients at once, each sends so many bytes and
 *                          checks what comes back
 *   stall SOCK PORT N BYTES  the same, while one more sends and does not read
 *   half SOCK PORT BYTES   sends, ends, and reads to the end
 *   say SOCK PIECE...      sends the pieces one by one; prints the first line
 *                          that comes, or "closed"
 *   churn SOCK PORT N      N clients, one after the other
 *   records SOCK PORT      records of many sizes, and back
 *   pong SOCK PORT N       N times a byte there and back; prints ns of one
 *   pair N                 the same between two processes, without a guest
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 4096u
#define BUF_LEN     65536u
#define PATTERN     251u
#define PATIENCE_MS 60000

static uint8_t bytes[2 * BUF_LEN + PATTERN];

static _Noreturn void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("vsock: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		fail("%s: too long", path);
	strcpy(a.sun_path, path);
	return a;
}

/* Waits for the listener's file, which may not be there yet. */
static int dial(const char *path, int type)
{
	const struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	/* whoever listens there may be about to */
	for (unsigned i = 0; i < 200; i++) {
		if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
			return fd;
		if (errno != ECONNREFUSED && errno != ENOENT)
			break;
		usleep(20000);
	}
	fail("%s: %s", path, strerror(errno));
}

static void write_all(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			fail("send: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

/* A line, newline included; false: the end came first. */
static int read_line(int fd, char *line, size_t len)
{
	for (size_t n = 0; n + 1 < len; n++) {
		if (recv(fd, line + n, 1, 0) != 1)
			return 0;
		line[n + 1] = '\0';
		if (line[n] == '\n')
			return 1;
	}
	return 0;
}

/* A connection to the guest; its server may be slow to come up. */
static int connect_guest(const char *path, const char *port)
{
	char line[64];

	for (unsigned i = 0; i < 200; i++) {
		int fd = dial(path, SOCK_STREAM);

		snprintf(line, sizeof(line), "CONNECT %s\n", port);
		write_all(fd, line, strlen(line));
		if (read_line(fd, line, sizeof(line)) &&
		    strncmp(line, "OK ", 3) == 0)
			return fd;
		close(fd);
		usleep(50000);
	}
	fail("%s: port %s: no answer", path, port);
}

/* --- many at once ----------------------------------------------------------- */

static struct client {
	int fd;
	uint64_t sent, got;
} clients[CLIENTS_MAX];

static void move(struct client *c, unsigned i, uint64_t total, short ready)
{
	static uint8_t back[BUF_LEN];
	ssize_t n;

	if ((ready & POLLOUT) && c->sent < total) {
		const uint64_t left = total - c->sent;

		n = send(c->fd, bytes + (c->sent + i) % PATTERN,
			 left < BUF_LEN ? left : BUF_LEN,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			c->sent += (uint64_t)n;
		else if (errno != EAGAIN)
			fail("client %u: send: %s", i, strerror(errno));
	}
	if (!(ready & (POLLIN | POLLHUP)))
		return;
	n = recv(c->fd, back, sizeof(back), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail("client %u: %s after %llu bytes", i,
		     n < 0 ? strerror(errno) : "end",
		     (unsigned long long)c->got);
	if (memcmp(back, bytes + (c->got + i) % PATTERN, (size_t)n) != 0)
		fail("client %u: other bytes behind %llu", i,
		     (unsigned long long)c->got);
	c->got += (uint64_t)n;
}

static void echo_all(unsigned n, uint64_t total)
{
	static struct pollfd p[CLIENTS_MAX];
	unsigned left = total ? n : 0;

	while (left > 0) {
		for (unsigned i = 0; i < n; i++) {
			const struct client *c = &clients[i];

			p[i].fd = c->got < total ? c->fd : -1;
			p[i].events = POLLIN | (c->sent < total ? POLLOUT : 0);
		}
		if (poll(p, n, PATIENCE_MS) <= 0)
			fail("%u clients: nothing moves", left);
		for (unsigned i = 0; i < n; i++) {
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			move(&clients[i], i, total, p[i].revents);
			left -= clients[i].got == total;
		}
	}
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void run_echo(char **a, int with_stalled)
{
	const unsigned n = (unsigned)strtoul(a[2], NULL, 10);
	const uint64_t total = strtoull(a[3], NULL, 10);
	uint64_t start, stuffed = 0, got = 0;
	int slow = -1;
	ssize_t r;

	if (n > CLIENTS_MAX)
		fail("%u clients", n);
	if (with_stalled) {
		slow = connect_guest(a[0], a[1]);
		for (unsigned tries = 0; tries < 200; tries++) {
			while ((r = send(slow, bytes + stuffed % PATTERN,
					 BUF_LEN,
					 MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
				stuffed += (uint64_t)r;
			usleep(1000);
		}
	}
	for (unsigned i = 0; i < n; i++)
		clients[i] = (struct client){ connect_guest(a[0], a[1]), 0, 0 };
	start = now_ns();
	echo_all(n, total);
	printf("echoed %llu bytes", (unsigned long long)(n * total));
	fprintf(stderr, "# %llu MB/s each way\n",
		(unsigned long long)(n * total * 1000 / (now_ns() - start)));
	for (unsigned i = 0; i < n; i++)
		close(clients[i].fd);
	while (with_stalled && got < stuffed) {
		static uint8_t back[BUF_LEN];

		r = recv(slow, back, sizeof(back), 0);
		if (r <= 0 || memcmp(back, bytes + got % PATTERN, (size_t)r))
			fail("the stalled one, behind %llu of %llu",
			     (unsigned long long)got,
			     (unsigned long long)stuffed);
		got += (uint64_t)r;
	}
	if (with_stalled) {
		if (stuffed < 2 * BUF_LEN)
			fail("only %llu bytes stalled",
			     (unsigned long long)stuffed);
		printf(", the stalled one too");
	}
	puts("");
}

/* --- one at a time ---------------------------------------------------------- */

static void run_half(char **a)
{
	const uint64_t total = strtoull(a[2], NULL, 10);
	int fd = connect_guest(a[0], a[1]);
	static uint8_t back[BUF_LEN];
	uint64_t got = 0;
	pid_t child;
	ssize_t n;
	int status;

	child = fork();
	if (child == 0) { /* the guest echoes meanwhile */
		for (uint64_t sent = 0; sent < total;) {
			uint64_t part =
				total - sent < BUF_LEN ? total - sent : BUF_LEN;

			write_all(fd, bytes + sent % PATTERN, part);
			sent += part;
		}
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	while ((n = recv(fd, back, sizeof(back), 0)) > 0) {
		if (memcmp(back, bytes + got % PATTERN, (size_t)n) != 0)
			fail("other bytes");
		got += (uint64_t)n;
	}
	if (n < 0 || got != total)
		fail("%llu bytes, then %s", (unsigned long long)got,
		     n < 0 ? strerror(errno) : "the end");
	waitpid(child, &status, 0);
	puts("ok");
}

static void run_say(char **a)
{
	int fd = dial(a[0], SOCK_STREAM);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[64];

	while (*++a) {
		write_all(fd, *a, strlen(*a));
		usleep(20000);
	}
	if (poll(&p, 1, PATIENCE_MS) <= 0)
		fail("no answer");
	if (read_line(fd, line, sizeof(line)))
		fputs(line, stdout);
	else
		puts("closed");
}

static void run_churn(char **a)
{
	const unsigned n = (unsigned)strtoul(a[2], NULL, 10);

	for (unsigned i = 0; i < n; i++) {
		int fd = connect_guest(a[0], a[1]);
		uint8_t back[8];

		write_all(fd, bytes + i % PATTERN, 8);
		if (recv(fd, back, 8, MSG_WAITALL) != 8 ||
		    memcmp(back, bytes + i % PATTERN, 8) != 0)
			fail("client %u", i);
		close(fd);
	}
	puts("ok");
}

static void run_records(char **a)
{
	static const size_t sizes[] = {
		1, 2, 4096, 16340, 16341, 65535, 65536
	};
	static uint8_t back[2 * BUF_LEN];
	char path[120], line[64];
	int fd, n;

	snprintf(path, sizeof(path), "%s.seqpacket", a[0]);
	fd = dial(path, SOCK_SEQPACKET);
	n = snprintf(line, sizeof(line), "CONNECT %s\n", a[1]);
	write_all(fd, line, (size_t)n);
	n = (int)recv(fd, line, sizeof(line), 0);
	if (n < 4 || memcmp(line, "OK ", 3) != 0 || line[n - 1] != '\n')
		fail("no answer");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ssize_t r = send(fd, bytes, sizes[i], MSG_NOSIGNAL);

		if (r != (ssize_t)sizes[i])
			fail("send %zu: %s", sizes[i], strerror(errno));
		r = recv(fd, back, sizeof(back), 0);
		if (r != (ssize_t)sizes[i] || memcmp(bytes, back, sizes[i]))
			fail("record of %zu: %zd", sizes[i], r);
	}
	for (size_t i = 1; i <= 50; i++)
		if (send(fd, bytes, i * 20, MSG_NOSIGNAL) != (ssize_t)i * 20)
			fail("send: %s", strerror(errno));
	for (ssize_t i = 1; i <= 50; i++)
		if (recv(fd, back, sizeof(back), 0) != i * 20)
			fail("record %zd", i);
	/* one too long is the end of the connection */
	if (send(fd, bytes, BUF_LEN + 1, MSG_NOSIGNAL) != BUF_LEN + 1)
		fail("send: %s", strerror(errno));
	if (recv(fd, back, sizeof(back), 0) > 0)
		fail("a record that is too long came back");
	puts("ok");
}

static uint64_t ping(int fd, unsigned n)
{
	uint64_t start = now_ns();
	char byte = 0;

	for (unsigned i = 0; i < n; i++)
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 ||
		    recv(fd, &byte, 1, 0) != 1)
			fail("ping %u: %s", i, strerror(errno));
	return (now_ns() - start) / n;
}

static void run_pong(char **a)
{
	int fd = connect_guest(a[0], a[1]);
	const unsigned n = (unsigned)strtoul(a[2], NULL, 10);

	(void)ping(fd, n / 10 + 1);
	printf("%llu\n", (unsigned long long)ping(fd, n));
}

static void run_pair(char **a)
{
	const unsigned n = (unsigned)strtoul(a[0], NULL, 10);
	int fd[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		fail("%s", strerror(errno));
	if (fork() == 0) {
		close(fd[0]);
		while (recv(fd[1], &byte, 1, 0) == 1)
			(void)!send(fd[1], &byte, 1, MSG_NOSIGNAL);
		_exit(0);
	}
	(void)ping(fd[0], n / 10 + 1);
	printf("%llu\n", (unsigned long long)ping(fd[0], n));
}

/* --- servers ---------------------------------------------------------------- */

/* Bytes that their client does not take yet. */
static struct served {
	uint8_t *buf;
	size_t at, len;
	int ended;
} served[CLIENTS_MAX];

static int serve_one(struct served *s, int fd)
{
	ssize_t n;

	if (s->at == s->len && !s->ended) {
		n = recv(fd, s->buf, BUF_LEN, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		s->at = 0;
		s->len = (size_t)n;
		s->ended = n == 0;
	}
	if (s->at < s->len) {
		n = send(fd, s->buf + s->at, s->len - s->at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		s->at += (size_t)n;
	}
	return s->ended ? -1 : 0;
}

static _Noreturn void run_serve(const char *path, int type, int reads)
{
	static struct pollfd p[CLIENTS_MAX + 1];
	const struct sockaddr_un a = address(path);
	unsigned n = 1;

	p[0].fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	p[0].events = POLLIN;
	if (p[0].fd < 0 ||
	    bind(p[0].fd, (const struct sockaddr *)&a, sizeof(a)) ||
	    listen(p[0].fd, 16))
		fail("%s: %s", path, strerror(errno));
	for (;;) {
		for (unsigned i = 1; i < n; i++)
			p[i].events = !reads ? 0
				      : served[i - 1].at < served[i - 1].len
					      ? POLLOUT
					      : POLLIN;
		if (poll(p, n, -1) < 0)
			fail("poll: %s", strerror(errno));
		for (unsigned i = n; i-- > 1;) {
			struct served *s = &served[i - 1];

			if (!p[i].revents ||
			    (reads && serve_one(s, p[i].fd) == 0))
				continue;
			close(p[i].fd);
			/* the last takes its place */
			n--;
			struct served last = served[n - 1];

			served[n - 1] = *s;
			*s = last;
			p[i] = p[n];
			p[n].revents = 0;
		}
		if ((p[0].revents & POLLIN) && n <= CLIENTS_MAX) {
			struct served *s = &served[n - 1];

			p[n].fd = accept4(p[0].fd, NULL, NULL, SOCK_CLOEXEC);
			if (p[n].fd < 0)
				fail("accept: %s", strerror(errno));
			if (!s->buf)
				s->buf = malloc(BUF_LEN);
			s->at = s->len = 0;
			s->ended = 0;
			p[n++].revents = 0;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
	} modes[] = { { "serve", 2 }, { "deaf", 1 },    { "echo", 4 },
		      { "stall", 4 }, { "half", 3 },    { "say", 1 },
		      { "churn", 3 }, { "records", 2 }, { "pong", 3 },
		      { "pair", 1 } };
	const struct rlimit files = { 20000, 20000 };
	unsigned m = 0;
	char **a = argv + 2;

	while (m < 10 && (argc < 2 || strcmp(argv[1], modes[m].name) != 0))
		m++;
	if (m == 10 || argc - 2 < modes[m].words)
		fail("usage: see vsock.c");
	(void)setrlimit(RLIMIT_NOFILE, &files);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % PATTERN);
	switch (m) {
	case 0:
		run_serve(a[0],
			  strcmp(a[1], "seq") ? SOCK_STREAM : SOCK_SEQPACKET,
			  1);
	case 1:
		run_serve(a[0], SOCK_STREAM, 0);
	case 2:
	case 3:
		run_echo(a, m == 3);
		break;
	case 4:
		run_half(a);
		break;
	case 5:
		run_say(a);
		break;
	case 6:
		run_churn(a);
		break;
	case 7:
		run_records(a);
		break;
	case 8:
		run_pong(a);
		break;
	default:
		run_pair(a);
		break;
	}
	return 0;
}
