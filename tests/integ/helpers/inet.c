/* inet.c: the host's side of a test of --publish and --egress, on 127.0.0.1 and
 * ::1 (ADDR). Servers take a free port, write its number to FILE and run until
 * they are killed. Any failure is a line on standard error and status 1.
 *
 *   serve ADDR FILE        TCP, echoes to all
 *   reset ADDR FILE        TCP: reads a byte, says "abc", resets
 *   witness ADDR FILE LOG  TCP: echoes, and writes how each connection ended
 *   udp ADDR FILE          UDP, echoes to all
 *   dns ADDR FILE          UDP: answers x.good.test with 10.20.30.40, x.local.test
 *                          with 127.0.0.1, others with NXDOMAIN
 *   echo ADDR PORT N BYTES N clients at once, each sends so many bytes and
 *                          checks what comes back; waits for the server
 *   once ADDR PORT         a connection that is echoed, after as many that are
 *                          refused or reset as need be
 *   half ADDR PORT BYTES   sends, ends, and reads to the end
 *   churn ADDR PORT N      N clients, one after the other
 *   pong ADDR PORT N       N times a byte there and back; prints ns of one
 *   refused ADDR PORT      prints "refused", or what else came of it
 *   abort ADDR PORT        sends, reads as much, resets
 *   datagram ADDR PORT N   N datagrams, each echoed; waits for the server
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 4096u
#define BUF_LEN     65536u
#define PATTERN     251u
#define PATIENCE_MS 60000

static uint8_t bytes[2 * BUF_LEN + PATTERN], buf[BUF_LEN];

static _Noreturn void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("inet: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static socklen_t address(const char *addr, const char *port,
			 struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in4 = (struct sockaddr_in *)ss;
	const uint16_t p = htons((uint16_t)atoi(port));

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, addr, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = p;
		return sizeof(*in4);
	}
	if (inet_pton(AF_INET6, addr, &in6->sin6_addr) != 1)
		fail("%s: no address", addr);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = p;
	return sizeof(*in6);
}

static int bound(const char *addr, int type, const char *file)
{
	struct sockaddr_storage ss;
	socklen_t len = address(addr, "0", &ss);
	int fd = socket(ss.ss_family, type | SOCK_CLOEXEC, 0);
	char tmp[4096];
	FILE *f;

	if (bind(fd, (struct sockaddr *)&ss, len) ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    (type == SOCK_STREAM && listen(fd, 4096)))
		fail("%s: %s", addr, strerror(errno));
	snprintf(tmp, sizeof(tmp), "%s.tmp", file);
	f = fopen(tmp, "w");
	if (!f)
		fail("%s: %s", tmp, strerror(errno));
	fprintf(f, "%u\n", ntohs(((struct sockaddr_in *)&ss)->sin_port));
	fclose(f);
	if (rename(tmp, file)) /* whoever waits for it finds it whole */
		fail("%s: %s", file, strerror(errno));
	return fd;
}

/* -1 and errno. */
static int try_dial(const char *addr, const char *port)
{
	static const int on = 1;
	struct sockaddr_storage ss;
	const socklen_t len = address(addr, port, &ss);
	const int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&ss, len)) {
		const int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Who listens there may be about to. */
static int dial(const char *addr, const char *port)
{
	for (unsigned i = 0; i < 500; i++) {
		const int fd = try_dial(addr, port);

		if (fd >= 0)
			return fd;
		if (errno != ECONNREFUSED)
			break;
		usleep(20000);
	}
	fail("%s port %s: %s", addr, port, strerror(errno));
}

static void write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		const ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			fail("send: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

static void reset(int fd)
{
	static const struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

/* --- servers ----------------------------------------------------------------- */

struct client {
	uint8_t buf[BUF_LEN];
	size_t at, n;
	int ended;
};

static struct pollfd pfd[CLIENTS_MAX + 1];
static struct client *client[CLIENTS_MAX + 1];
static unsigned n_clients = 1; /* [0] listens */

/* What a client can be given or can say. 0; -1: it is over, see errno. */
static int step(struct pollfd *p, struct client *c)
{
	ssize_t n;

	if (c->n == 0 && !c->ended && (p->revents & (POLLIN | POLLHUP))) {
		n = recv(p->fd, c->buf, BUF_LEN, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n == 0)
			c->ended = 1;
		if (n > 0) {
			c->at = 0;
			c->n = (size_t)n;
		}
	}
	if (c->n > 0) {
		n = send(p->fd, c->buf + c->at, c->n,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n > 0) {
			c->at += (size_t)n;
			c->n -= (size_t)n;
		}
	}
	p->events = c->n ? POLLOUT : POLLIN;
	errno = 0;
	return c->ended && c->n == 0 ? -1 : 0;
}

static void add_client(void)
{
	const int fd = accept4(pfd[0].fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 || n_clients > CLIENTS_MAX)
		fail("accept: %s", strerror(errno));
	if (!client[n_clients])
		client[n_clients] = malloc(sizeof(struct client));
	client[n_clients]->n = 0;
	client[n_clients]->ended = 0;
	pfd[n_clients++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void serve(int fd, const char *log)
{
	pfd[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	for (;;) {
		poll(pfd, n_clients, -1);
		if (pfd[0].revents & POLLIN)
			add_client();
		for (unsigned i = 1; i < n_clients; i++) {
			struct client *c = client[i];

			if (!pfd[i].revents || step(&pfd[i], c) == 0)
				continue;
			if (log) {
				FILE *f = fopen(log, "a");

				fprintf(f, "%s\n",
					errno ? strerror(errno) : "end");
				fclose(f);
			}
			close(pfd[i].fd);
			pfd[i] = pfd[--n_clients];
			client[i] = client[n_clients];
			client[n_clients] = c;
		}
	}
}

static void serve_resets(int listener)
{
	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (recv(fd, buf, 1, 0) == 1)
			write_all(fd, "abc", 3);
		reset(fd);
	}
}

static void serve_datagrams(int fd)
{
	for (;;) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		const ssize_t n = recvfrom(fd, buf, sizeof(buf), 0,
					   (struct sockaddr *)&ss, &len);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&ss,
			       len);
	}
}

/* Does the question's name, at buf + 12, end with these labels? */
static int asks_for(const char *labels, size_t len)
{
	const uint8_t *name = buf + 12;

	name += 1 + *name; /* the first label is anything */
	return strncasecmp((const char *)name, labels, len) == 0;
}

static void serve_names(int fd)
{
	static const uint8_t good[] = { 0xc0, 12, 0, 1, 0,  1,  0,  0,
					0,    1,  0, 4, 10, 20, 30, 40 };
	static const uint8_t local[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
					 0,    1,  0, 4, 127, 0, 0, 1 };

	for (;;) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		ssize_t n =
			recvfrom(fd, buf, 512, 0, (struct sockaddr *)&ss, &len);
		const uint8_t *answer = NULL;

		if (n < 12)
			continue;
		buf[2] |= 0x80;
		buf[3] = 0x80;
		if (asks_for("\4good\4test", 11))
			answer = good;
		else if (asks_for("\5local\4test", 12))
			answer = local;
		else
			buf[3] |= 3;
		if (answer) {
			buf[7] = 1;
			memcpy(buf + n, answer, sizeof(good));
			n += sizeof(good);
		}
		sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&ss, len);
	}
}

/* --- clients ----------------------------------------------------------------- */

struct flow {
	size_t sent, got;
};

static int talk(int fd, struct flow *f, size_t total, unsigned c)
{
	ssize_t n;

	if (f->sent < total) {
		const size_t left = total - f->sent;

		n = send(fd, bytes + (f->sent + c) % PATTERN,
			 left < BUF_LEN ? left : BUF_LEN,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			fail("send: %s", strerror(errno));
		if (n > 0)
			f->sent += (size_t)n;
	}
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		fail("client %u: receive after %zu bytes: %s", c, f->got,
		     n ? strerror(errno) : "end");
	if (n > 0) {
		if (memcmp(buf, bytes + (f->got + c) % PATTERN, (size_t)n))
			fail("client %u: wrong bytes at %zu", c, f->got);
		f->got += (size_t)n;
	}
	return f->got == total;
}

static void echo(const char *addr, const char *port, unsigned n, size_t total)
{
	static struct flow flow[CLIENTS_MAX];
	unsigned left = n;

	for (unsigned i = 0; i < n; i++)
		pfd[i].fd = dial(addr, port);
	while (left > 0) {
		for (unsigned i = 0; i < n; i++)
			pfd[i].events = flow[i].sent < total ? POLLIN | POLLOUT
							     : POLLIN;
		if (poll(pfd, n, PATIENCE_MS) <= 0)
			fail("nothing happens");
		for (unsigned i = 0; i < n; i++) {
			if (pfd[i].fd < 0 || !pfd[i].revents ||
			    !talk(pfd[i].fd, &flow[i], total, i))
				continue;
			close(pfd[i].fd);
			pfd[i].fd = -1;
			left--;
		}
	}
	printf("echoed %zu bytes\n", total * n);
}

static void read_some(int fd, size_t len)
{
	for (size_t got = 0; got < len;) {
		const ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n <= 0)
			fail("receive after %zu bytes: %s", got,
			     n ? strerror(errno) : "end");
		got += (size_t)n;
	}
}

/* A listener that goes resets who has not been accepted yet. */
static void once(const char *addr, const char *port)
{
	for (unsigned i = 0; i < 500; i++) {
		const int fd = try_dial(addr, port);

		if (fd >= 0 && send(fd, bytes, 100, MSG_NOSIGNAL) == 100 &&
		    recv(fd, buf, 100, MSG_WAITALL) == 100) {
			close(fd);
			puts("ok");
			return;
		}
		close(fd);
		usleep(20000);
	}
	fail("%s port %s: nobody answers", addr, port);
}

static void half(const char *addr, const char *port, size_t total)
{
	const int fd = dial(addr, port);

	for (size_t left = total; left > 0;) {
		const size_t n = left < BUF_LEN ? left : BUF_LEN;

		write_all(fd, bytes, n);
		read_some(fd, n);
		left -= n;
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, buf, 1, 0) != 0)
		fail("no end: %s", strerror(errno));
	puts("ok");
}

static void churn(const char *addr, const char *port, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const int fd = dial(addr, port);

		write_all(fd, bytes, 1 + i % 100);
		read_some(fd, 1 + i % 100);
		close(fd);
	}
	puts("ok");
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void pong(const char *addr, const char *port, unsigned n)
{
	const int fd = dial(addr, port);
	const uint64_t start = now_ns();

	for (unsigned i = 0; i < n; i++) {
		write_all(fd, bytes, 1);
		read_some(fd, 1);
	}
	printf("%llu\n", (unsigned long long)((now_ns() - start) / n));
}

static void datagrams(const char *addr, const char *port, unsigned n)
{
	struct sockaddr_storage ss;
	const socklen_t len = address(addr, port, &ss);
	const int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	static const struct timeval soon = { .tv_usec = 200000 };
	unsigned tries = 0;

	if (connect(fd, (struct sockaddr *)&ss, len))
		fail("%s: %s", addr, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	for (unsigned i = 0; i < n;) {
		const size_t size = i * 977 % 60000;
		ssize_t got;

		if (++tries > n + 300)
			fail("no answer to datagram %u", i);
		send(fd, bytes, size, 0);
		got = recv(fd, buf, sizeof(buf), 0);
		if (got < 0)
			continue;
		if ((size_t)got != size || memcmp(buf, bytes, size))
			fail("datagram of %zu is %zd", size, got);
		i++;
	}
	puts("ok");
}

int main(int argc, char **argv)
{
	static const struct rlimit files = { 8192, 8192 };
	const char *mode = argc > 3 ? argv[1] : "";
	const char *more = argc > 4 ? argv[4] : "0";

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % PATTERN);
	if (strcmp(mode, "serve") == 0)
		serve(bound(argv[2], SOCK_STREAM, argv[3]), NULL);
	else if (strcmp(mode, "witness") == 0 && argc == 5)
		serve(bound(argv[2], SOCK_STREAM, argv[3]), more);
	else if (strcmp(mode, "reset") == 0)
		serve_resets(bound(argv[2], SOCK_STREAM, argv[3]));
	else if (strcmp(mode, "udp") == 0)
		serve_datagrams(bound(argv[2], SOCK_DGRAM, argv[3]));
	else if (strcmp(mode, "dns") == 0)
		serve_names(bound(argv[2], SOCK_DGRAM, argv[3]));
	else if (strcmp(mode, "echo") == 0 && argc == 6)
		echo(argv[2], argv[3], (unsigned)atoi(more),
		     strtoull(argv[5], NULL, 10));
	else if (strcmp(mode, "once") == 0)
		once(argv[2], argv[3]);
	else if (strcmp(mode, "half") == 0)
		half(argv[2], argv[3], strtoull(more, NULL, 10));
	else if (strcmp(mode, "churn") == 0)
		churn(argv[2], argv[3], (unsigned)atoi(more));
	else if (strcmp(mode, "pong") == 0)
		pong(argv[2], argv[3], (unsigned)atoi(more));
	else if (strcmp(mode, "datagram") == 0)
		datagrams(argv[2], argv[3], (unsigned)atoi(more));
	else if (strcmp(mode, "refused") == 0)
		puts(try_dial(argv[2], argv[3]) >= 0 ? "connected"
		     : errno == ECONNREFUSED         ? "refused"
						     : strerror(errno));
	else if (strcmp(mode, "abort") == 0) {
		const int fd = dial(argv[2], argv[3]);

		write_all(fd, "abc", 3);
		read_some(fd, 3);
		reset(fd);
		puts("ok");
	} else
		fail("see the top of inet.c");
	return 0;
}
