/* http.c: a function behind HTTP, as an ordinary static Linux program that
 * knows nothing of virtual machines.
 *
 *   musl-gcc -static -o http examples/http.c
 *   mayfly run --publish 8080:80 http &
 *   curl http://127.0.0.1:8080/hello
 *
 * The port is its argument, or 80. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define EVENTS      64

/* A client: its request so far, then what of the answer is not sent. */
struct client {
	int fd;
	size_t len, sent;
	int answering;
	char text[REQUEST_MAX + 1];
};

/* The function: a request's path in, a body out. */
static int function(const char *path, char *body, size_t size)
{
	static unsigned long calls;

	return snprintf(body, size, "{\"path\": \"%s\", \"call\": %lu}\n", path,
			++calls);
}

/* The request becomes the answer. */
static void answer(struct client *c)
{
	char path[256] = "", body[512], *p;
	int n, good = sscanf(c->text, "GET %255s HTTP/1.", path) == 1;

	for (p = path; *p; p++) /* no quote of ours ends in it */
		if (*p == '"' || *p == '\\' || *p < ' ')
			*p = '?';
	n = good ? function(path, body, sizeof(body))
		 : snprintf(body, sizeof(body), "{\"error\": \"only GET\"}\n");
	n = snprintf(c->text, sizeof(c->text),
		     "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
		     "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
		     good ? "200 OK" : "405 Method Not Allowed", n, body);
	c->len = (size_t)n;
	c->answering = 1;
}

/* Goes on as far as it can without waiting; 0: the client is served. */
static int go_on(struct client *c)
{
	ssize_t n = 1;

	while (!c->answering && n > 0 && c->len < REQUEST_MAX) {
		n = read(c->fd, c->text + c->len, REQUEST_MAX - c->len);
		if (n > 0)
			c->len += (size_t)n;
		c->text[c->len] = '\0';
		if (strstr(c->text, "\r\n\r\n"))
			answer(c);
	}
	while (c->answering && n > 0 && c->sent < c->len) {
		n = send(c->fd, c->text + c->sent, c->len - c->sent,
			 MSG_NOSIGNAL);
		if (n > 0)
			c->sent += (size_t)n;
	}
	return n < 0 && errno == EAGAIN;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	int epoll = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	struct epoll_event got[EVENTS];

	sin.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 80));
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&sin, sizeof(sin)) || listen(s, 128))
		fail("listen");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, s, &ev))
		fail("epoll");
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, got, EVENTS, -1), fd;

		for (int i = 0; i < n; i++) {
			struct client *c = got[i].data.ptr;

			if (c && !go_on(c)) {
				(void)close(c->fd);
				free(c);
			}
			while (!c && (fd = accept4(s, NULL, NULL,
						   SOCK_NONBLOCK)) >= 0) {
				struct client *new = calloc(1, sizeof(*new));

				ev.events = EPOLLIN | EPOLLOUT | EPOLLET;
				ev.data.ptr = new;
				if (!new ||
				    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
					fail("client");
				new->fd = fd;
			}
		}
	}
}
