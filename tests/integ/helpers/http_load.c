/* http_load.c PORT CLIENTS MILLISECONDS [PATH]: load on an HTTP server of this
 * host: so many clients at once, each asks again as soon as it has its answer,
 * over one connection. Prints "N requests, N errors, N per second, p50 U us,
 * p99 U us"; an error is a connection refused, reset or ended, an answer that
 * is not 200 or a client that waited ten seconds. Status 0 without errors.
 * With 0 clients it asks once and prints the body; status 0 if it was 200. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1000
#define LATE_NS     10000000000ull
#define BUCKETS     100000 /* of a microsecond each */

struct client {
	int fd;
	uint64_t asked_at;
	size_t len;
	char in[4096];
};

static struct client clients[CLIENTS_MAX];
static unsigned long buckets[BUCKETS + 1];
static unsigned long requests, errors;
static struct sockaddr_in to;
static char question[256];
static int ep;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void ask(struct client *c)
{
	size_t len = strlen(question);

	c->asked_at = now_ns();
	c->len = 0;
	if (send(c->fd, question, len, MSG_NOSIGNAL) != (ssize_t)len)
		errors++;
}

static bool dial(struct client *c)
{
	int one = 1;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (void *)&to, sizeof(to)))
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) == 0;
}

/* The answer is complete: 1; not yet: 0; wrong: -1. */
static int complete(const struct client *c)
{
	const char *end = memmem(c->in, c->len, "\r\n\r\n", 4), *length;

	if (!end)
		return c->len < sizeof(c->in) - 1 ? 0 : -1;
	if (strncmp(c->in, "HTTP/1.1 200", 12) != 0)
		return -1;
	length = strcasestr(c->in, "\r\ncontent-length:");
	if (!length || length > end)
		return -1;
	return c->len >= (size_t)(end + 4 - c->in) + (size_t)atol(length + 17);
}

static void take(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len, 0);
	int done;

	if (n > 0) {
		c->len += (size_t)n;
		c->in[c->len] = 0;
	}
	done = n > 0 ? complete(c) : -1;
	if (done == 0)
		return;
	if (done > 0) {
		uint64_t us = (now_ns() - c->asked_at) / 1000;

		buckets[us < BUCKETS ? us : BUCKETS]++;
		requests++;
	} else {
		errors++;
		close(c->fd);
		if (!dial(c)) {
			errors++;
			return;
		}
	}
	ask(c);
}

static unsigned long percentile(unsigned per)
{
	unsigned long seen = 0, want = (requests * per + 99) / 100;

	for (unsigned long i = 0; i <= BUCKETS; i++)
		if ((seen += buckets[i]) >= want)
			return i;
	return BUCKETS;
}

static int get(void)
{
	static char in[2 << 20];
	size_t len = strlen(question), at = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char *body;
	ssize_t n;

	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)) ||
	    send(fd, question, len, MSG_NOSIGNAL) != (ssize_t)len) {
		perror("connect");
		return 1;
	}
	while (at < sizeof(in) - 1 &&
	       (n = recv(fd, in + at, sizeof(in) - 1 - at, 0)) > 0)
		at += (size_t)n;
	in[at] = 0;
	body = strstr(in, "\r\n\r\n");
	if (!body || strncmp(in + 8, " 200", 4) != 0) {
		fprintf(stderr, "%.100s\n", in);
		return 1;
	}
	fwrite(body + 4, 1, at - (size_t)(body + 4 - in), stdout);
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[2]) : 0;
	uint64_t start, end;

	if (argc < 4 || n < 0 || n > CLIENTS_MAX) {
		fprintf(stderr, "usage: http_load PORT CLIENTS MS [PATH]\n");
		return 2;
	}
	to.sin_family = AF_INET;
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(question, sizeof(question),
		 "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
		 argc > 4 ? argv[4] : "/", n ? "" : "Connection: close\r\n");
	if (n == 0)
		return get();
	ep = epoll_create1(0);
	for (int i = 0; i < n; i++)
		if (!dial(&clients[i])) {
			perror("connect");
			return 1;
		}
	start = now_ns();
	end = start + (uint64_t)atol(argv[3]) * 1000000u;
	for (int i = 0; i < n; i++)
		ask(&clients[i]);
	while (now_ns() < end) {
		struct epoll_event e[64];
		int k = epoll_wait(ep, e, 64, 100);

		for (int i = 0; i < k; i++)
			take(e[i].data.ptr);
	}
	for (int i = 0; i < n; i++)
		errors += now_ns() - clients[i].asked_at > LATE_NS;
	printf("%lu requests, %lu errors, %.0f per second, p50 %lu us, p99 %lu "
	       "us\n",
	       requests, errors,
	       (double)requests * 1e9 / (double)(now_ns() - start),
	       percentile(50), percentile(99));
	return errors > 0 || requests == 0;
}
