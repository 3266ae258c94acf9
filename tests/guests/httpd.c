/* httpd.c [PORT]: an HTTP server with keep-alive and pipelining, for load:
 * epoll, a short answer to every GET. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096

struct client {
	int fd;
	size_t len; /* of what has come and is not answered */
	char in[REQUEST_MAX];
};

static unsigned long served;

/* The answer to one request, whose first line is "METHOD PATH ...". */
static int answer(int fd, const char *request, size_t len)
{
	char body[256], out[512];
	int close = memmem(request, len, "Connection: close", 17) != NULL;
	int path = 0, n;

	if (strncmp(request, "GET ", 4) == 0)
		path = (int)strcspn(request + 4, " \r\n");
	n = snprintf(body, sizeof(body), "request %lu for %.*s\n", ++served,
		     path < 100 ? path : 100, request + 4);
	n = snprintf(out, sizeof(out),
		     "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
		     "Content-Length: %d\r\nConnection: %s\r\n\r\n%s",
		     path ? "200 OK" : "501 Not Implemented", n,
		     close ? "close" : "keep-alive", body);
	return send(fd, out, (size_t)n, MSG_NOSIGNAL) == n && !close ? 0 : -1;
}

/* What the client has sent: every request that is complete is answered. */
static int serve(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, REQUEST_MAX - 1 - c->len, 0);
	char *end;

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	c->len += (size_t)n;
	c->in[c->len] = 0;
	while ((end = strstr(c->in, "\r\n\r\n"))) {
		size_t len = (size_t)(end + 4 - c->in);

		if (answer(c->fd, c->in, len))
			return -1;
		c->len -= len;
		memmove(c->in, end + 4, c->len + 1);
	}
	return c->len < REQUEST_MAX - 1 ? 0 : -1;
}

static void add(int ep, int fd, void *what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) {
		perror("epoll_ctl");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int port = argc > 1 ? atoi(argv[1]) : 80, one = 1;
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event e[64];

	if (ep < 0 || l < 0 ||
	    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(l, (struct sockaddr *)&at, sizeof(at)) || listen(l, 128)) {
		perror("httpd");
		return 1;
	}
	add(ep, l, NULL);
	printf("listening on port %d\n", port);
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, e, 64, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = e[i].data.ptr;

			if (c) {
				if (serve(c)) {
					close(c->fd);
					free(c);
				}
				continue;
			}
			int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);

			if (fd >= 0 && (c = calloc(1, sizeof(*c)))) {
				c->fd = fd;
				add(ep, fd, c);
			} else if (fd >= 0) {
				close(fd);
			}
		}
	}
}
