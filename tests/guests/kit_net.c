/* kit_net.c: a program with sockets to the world, by Linux's calls; run by the
 * kit, or by the host.
 *
 *   serve tcp|vsock|seq PORT N   echoes to N clients at once, all in one epoll
 *                                set; ends when all have ended
 *   udp PORT N                   echoes N datagrams
 *   vecho PORT N BYTES           N streams to a port of the host that echoes
 *   vrecords PORT N              N records of all lengths there and back
 *   connect ADDR PORT            what comes of it, with the names
 *   poll ADDR PORT               the same, without waiting in connect
 *   send ADDR PORT               a datagram, and what comes of it
 *   name NAME                    its addresses
 *   cid                          this machine's */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* <linux/vm_sockets.h>, which musl does not have */
#define VMADDR_CID_ANY                 UINT32_MAX
#define VMADDR_CID_HOST                2
#define IOCTL_VM_SOCKETS_GET_LOCAL_CID 0x7b9
struct sockaddr_vm {
	unsigned short svm_family, svm_reserved;
	unsigned svm_port, svm_cid;
	unsigned char svm_zero[4];
};

#define CLIENTS_MAX 2000
#define BUF_LEN     65536

static char buf[BUF_LEN], back[BUF_LEN];

/* What an echo owes to a client */
static struct client {
	char *bytes;
	long len, off;
	int ended;
} clients[CLIENTS_MAX + 16];

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static long need(long rc, const char *what)
{
	if (rc < 0)
		die(what);
	return rc;
}

static void say_name(const char *what, int fd,
		     int (*get)(int, struct sockaddr *, socklen_t *))
{
	char host[64], port[16];
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	need(get(fd, (struct sockaddr *)&a, &len), what);
	if (getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		die("getnameinfo");
	printf("%s %s %s\n", what, host, port);
}

static socklen_t address(struct sockaddr_storage *a, const char *ip, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;

	memset(a, 0, sizeof(*a));
	if (strchr(ip, ':')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		inet_pton(AF_INET6, ip, &v6->sin6_addr);
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	inet_pton(AF_INET, ip, &v4->sin_addr);
	return sizeof(*v4);
}

static socklen_t vm_address(struct sockaddr_storage *a, unsigned cid, int port)
{
	struct sockaddr_vm *vm = (struct sockaddr_vm *)a;

	memset(a, 0, sizeof(*a));
	vm->svm_family = AF_VSOCK;
	vm->svm_cid = cid;
	vm->svm_port = port;
	return sizeof(*vm);
}

/* --- the server --------------------------------------------------------------- */

static void watch(int ep, int fd, int op, unsigned events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	need(epoll_ctl(ep, op, fd, &e), "epoll_ctl");
}

/* Reads or writes until it would wait; 0: the client has ended. */
static int serve_client(int ep, int fd)
{
	struct client *c = &clients[fd];
	long n;

	for (;;) {
		if (c->off < c->len) {
			n = send(fd, c->bytes + c->off, c->len - c->off, 0);
			if (n < 0 && errno == EAGAIN) {
				watch(ep, fd, EPOLL_CTL_MOD, EPOLLOUT);
				return 1;
			}
			c->off += need(n, "send");
			if (c->off == c->len)
				watch(ep, fd, EPOLL_CTL_MOD, EPOLLIN);
			continue;
		}
		if (c->ended)
			return 0;
		n = recv(fd, c->bytes, BUF_LEN, 0);
		if (n < 0 && errno == EAGAIN)
			return 1;
		if (n < 0 && errno == ECONNRESET)
			return 0;
		c->off = 0;
		c->len = need(n, "recv");
		c->ended = !n;
	}
}

static void serve(const char *kind, int port, int total)
{
	const int seq = !strcmp(kind, "seq"), tcp = !strcmp(kind, "tcp");
	struct epoll_event got[64];
	struct sockaddr_storage a;
	socklen_t len = tcp ? address(&a, "::", port)
			    : vm_address(&a, VMADDR_CID_ANY, port);
	int l = need(
		socket(tcp ? AF_INET6 : AF_VSOCK,
		       (seq ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK, 0),
		"socket");
	int ep = need(epoll_create1(0), "epoll_create1"), served = 0, fd;

	need(bind(l, (struct sockaddr *)&a, len), "bind");
	need(listen(l, 1024), "listen");
	watch(ep, l, EPOLL_CTL_ADD, EPOLLIN);
	puts("ready");
	while (served < total) {
		int n = need(epoll_wait(ep, got, 64, -1), "epoll_wait");

		for (int i = 0; i < n; i++) {
			if (got[i].data.fd != l) {
				if (serve_client(ep, got[i].data.fd))
					continue;
				free(clients[got[i].data.fd].bytes);
				close(got[i].data.fd);
				served++;
				continue;
			}
			while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >=
			       0) {
				clients[fd] = (struct client){
					.bytes = malloc(BUF_LEN),
				};
				watch(ep, fd, EPOLL_CTL_ADD, EPOLLIN);
			}
			if (errno != EAGAIN)
				die("accept4");
		}
	}
	printf("served %d\n", served);
}

static void serve_datagrams(int port, int total)
{
	struct sockaddr_storage a;
	socklen_t len = address(&a, "0.0.0.0", port);
	int fd = need(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	need(bind(fd, (struct sockaddr *)&a, len), "bind");
	puts("ready");
	for (int i = 0; i < total; i++) {
		long n;

		len = sizeof(a);
		n = need(recvfrom(fd, buf, sizeof(buf), 0,
				  (struct sockaddr *)&a, &len),
			 "recvfrom");
		need(sendto(fd, buf, n, 0, (struct sockaddr *)&a, len),
		     "sendto");
	}
	printf("echoed %d\n", total);
}

/* --- clients ------------------------------------------------------------------ */

static int vm_connect(int type, int port)
{
	struct sockaddr_storage a;
	socklen_t len = vm_address(&a, VMADDR_CID_HOST, port);
	int fd = need(socket(AF_VSOCK, type, 0), "socket");

	need(connect(fd, (struct sockaddr *)&a, len), "connect");
	return fd;
}

/* All of them a piece, then all of them its echo. */
static void vecho(int port, int n, long each)
{
	static int fd[CLIENTS_MAX];
	uint32_t h = 1;

	for (int i = 0; i < n; i++)
		fd[i] = vm_connect(SOCK_STREAM, port);
	for (long done = 0; done < each;) {
		long piece = each - done < 16384 ? each - done : 16384;

		for (long k = 0; k < piece; k++)
			buf[k] = (char)((h = h * 1664525 + 1013904223) >> 16);
		for (int i = 0; i < n; i++)
			if (send(fd[i], buf, piece, 0) != piece)
				die("send");
		for (int i = 0; i < n; i++)
			if (recv(fd[i], back, piece, MSG_WAITALL) != piece ||
			    memcmp(buf, back, piece))
				die("echo");
		done += piece;
	}
	for (int i = 0; i < n; i++) {
		shutdown(fd[i], SHUT_WR);
		if (recv(fd[i], back, 1, 0) != 0)
			die("end");
		close(fd[i]);
	}
	printf("echoed %ld\n", n * each);
}

static void vrecords(int port, int n)
{
	int fd = vm_connect(SOCK_SEQPACKET, port);

	for (int i = 0; i < n; i++) {
		long len = (i * 7919L) % 60000 + 1;

		memset(buf, i, len);
		if (send(fd, buf, len, 0) != len)
			die("send");
		if (recv(fd, back, sizeof(back), 0) != len ||
		    memcmp(buf, back, len))
			die("record");
	}
	printf("records %d\n", n);
}

static void try_connect(const char *ip, int port, int flags)
{
	struct sockaddr_storage a;
	socklen_t len = address(&a, ip, port), four = 4;
	int fd = need(socket(a.ss_family, SOCK_STREAM | flags, 0), "socket");
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0;

	if (connect(fd, (struct sockaddr *)&a, len)) {
		if (errno != EINPROGRESS)
			die("connect");
		need(poll(&p, 1, 20000), "poll");
		need(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &four),
		     "SO_ERROR");
		errno = error;
		if (error)
			die("SO_ERROR");
	}
	say_name("local", fd, getsockname);
	say_name("peer", fd, getpeername);
	fcntl(fd, F_SETFL, 0);
	need(send(fd, "hello", 5, 0), "send");
	for (long n = 0; n < 5; n++)
		if (need(recv(fd, buf + n, 1, 0), "recv") != 1)
			die("end");
	puts(memcmp(buf, "hello", 5) ? "not an echo" : "connected");
}

static void try_send(const char *ip, int port)
{
	struct sockaddr_storage a;
	socklen_t len = address(&a, ip, port);
	int fd = need(socket(a.ss_family, SOCK_DGRAM, 0), "socket");
	struct pollfd p = { .fd = fd, .events = POLLIN };

	need(connect(fd, (struct sockaddr *)&a, len), "connect");
	need(send(fd, "hello", 5, 0), "send");
	need(poll(&p, 1, 20000), "poll");
	if (need(recv(fd, buf, sizeof(buf), 0), "recv") != 5)
		die("length");
	puts("answered");
}

static void resolve(const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	int rc = getaddrinfo(name, "80", &hints, &ai);
	char host[64];

	if (rc) {
		printf("%s\n", gai_strerror(rc));
		return;
	}
	for (; ai; ai = ai->ai_next)
		if (!getnameinfo(ai->ai_addr, ai->ai_addrlen, host,
				 sizeof(host), NULL, 0, NI_NUMERICHOST))
			puts(host);
}

static void say_cid(void)
{
	unsigned cid = 0;
	int fd = need(socket(AF_VSOCK, SOCK_STREAM, 0), "socket");

	need(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid), "ioctl");
	printf("cid %u\n", cid);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 5 && !strcmp(what, "serve"))
		serve(argv[2], atoi(argv[3]), atoi(argv[4]));
	else if (argc == 4 && !strcmp(what, "udp"))
		serve_datagrams(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 5 && !strcmp(what, "vecho"))
		vecho(atoi(argv[2]), atoi(argv[3]), atol(argv[4]));
	else if (argc == 4 && !strcmp(what, "vrecords"))
		vrecords(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 4 && !strcmp(what, "connect"))
		try_connect(argv[2], atoi(argv[3]), 0);
	else if (argc == 4 && !strcmp(what, "poll"))
		try_connect(argv[2], atoi(argv[3]), SOCK_NONBLOCK);
	else if (argc == 4 && !strcmp(what, "send"))
		try_send(argv[2], atoi(argv[3]));
	else if (argc == 3 && !strcmp(what, "name"))
		resolve(argv[2]);
	else if (argc == 2 && !strcmp(what, "cid"))
		say_cid();
	else
		return 2;
	return 0;
}
