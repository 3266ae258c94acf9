/* sockets_inet.c: AF_INET and AF_INET6 over the loopback addresses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "abi.h"

static char buf[1 << 20];

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	poll(&p, 1, 0);
	return p.revents;
}

#define POLLED(fd) SAY("%s: %x", #fd, polled(fd))

/* Until something of `events`, then what there is. */
#define AWAIT(sock, want)                                          \
	({                                                         \
		struct pollfd p_ = { .fd = sock, .events = want }; \
		poll(&p_, 1, 5000);                                \
		SAY("%s: %x", #sock, p_.revents);                  \
	})

static struct sockaddr_in v4(uint32_t ip, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(ip) };
}

static struct sockaddr_in6 v6(const char *text, int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(port) };

	inet_pton(AF_INET6, text, &a.sin6_addr);
	return a;
}

static int port_of(int fd)
{
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof(a);

	getsockname(fd, (void *)&a, &len);
	return ntohs(a.sin6_port);
}

static void print_name(const struct sockaddr_in6 *a, socklen_t len)
{
	char text[64] = "";

	if (a->sin6_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr,
			  text, sizeof(text));
	else
		inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof(text));
	SAY("%u %d %s %s", len, a->sin6_family, text,
	    a->sin6_port ? "port" : "no port");
}

static void show_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in6 a = { 0 };
	socklen_t len = sizeof(a);

	if (get(fd, (void *)&a, &len))
		SAY("name: %s", errname(errno));
	else
		print_name(&a, len);
}

/* A listener on 127.0.0.1. */
static int listener(int backlog)
{
	struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	NEED(bind(fd, (void *)&a, sizeof(a)));
	NEED(listen(fd, backlog));
	return fd;
}

static void join(int p[2])
{
	int l = listener(1);
	struct sockaddr_in a = v4(INADDR_LOOPBACK, port_of(l));

	p[0] = socket(AF_INET, SOCK_STREAM, 0);
	NEED(connect(p[0], (void *)&a, sizeof(a)));
	NEED(p[1] = accept(l, NULL, NULL));
	close(l);
}

static void making(void)
{
	struct sockaddr_in a = v4(0x08080808, 0);
	struct sockaddr_in6 six = v6("::1", 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
	SHOW(socket(AF_INET, 77, 0));
	POLLED(fd);
	show_name(fd, getsockname);
	show_name(fd, getpeername);
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW(recv(fd, buf, 1, 0));
	SHOW(shutdown(fd, SHUT_RDWR));
	SHOW(accept(fd, NULL, NULL));
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	SHOW(bind(fd, (void *)&a, 8));
	SHOW(bind(fd, (void *)&six, sizeof(six)));
	SHOW(connect(fd, (void *)&six, sizeof(six)));
	a = v4(INADDR_LOOPBACK, 0);
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	show_name(fd, getsockname);
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	SHOW(listen(fd, 0));
	SHOW(listen(fd, 5));
	SHOW(connect(fd, (void *)&a, sizeof(a)));
	POLLED(fd);
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(bind(fd, (void *)&a, sizeof(a)));
	six = v6("::1", 0);
	SHOW(bind(fd, (void *)&six, 20));
	SHOW(bind(fd, (void *)&six, sizeof(six)));
	show_name(fd, getsockname);
	close(fd);
}

static void connecting(void)
{
	int l = listener(5), c = socket(AF_INET, SOCK_STREAM, 0), s, e, n;
	struct sockaddr_in a = v4(INADDR_LOOPBACK, port_of(l));
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from), four = 4;

	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW((s = accept(l, (void *)&from, &len)) >= 0);
	print_name(&from, len);
	YES(from.sin6_port == htons(port_of(c)));
	YES(port_of(s) == port_of(l));
	show_name(c, getsockname);
	show_name(c, getpeername);
	POLLED(c);
	SHOW(write(c, "hello", 5));
	AWAIT(s, POLLIN);
	SHOW(ioctl(s, FIONREAD, &n));
	SAY("%d", n);
	SHOW(recv(s, buf, 2, MSG_PEEK));
	SHOW(recv(s, buf, 5, MSG_TRUNC));
	SHOW(shutdown(c, SHUT_WR));
	AWAIT(s, POLLRDHUP);
	SHOW(read(s, buf, 1));
	SHOW(write(s, "bye", 3));
	AWAIT(c, POLLIN);
	SHOW(close(s));
	AWAIT(c, POLLRDHUP);
	POLLED(c);
	SHOW(read(c, buf, 10));
	SHOW(read(c, buf, 10));
	close(c);
	/* not waiting */
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	AWAIT(c, POLLOUT);
	SHOW(getsockopt(c, SOL_SOCKET, SO_ERROR, &e, &four));
	SAY("%d", e);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	close(c);
	/* nobody listens */
	close(accept(l, NULL, NULL));
	close(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	show_name(c, getpeername);
	close(c);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	AWAIT(c, POLLOUT);
	POLLED(c);
	SHOW(getsockopt(c, SOL_SOCKET, SO_ERROR, &e, &four));
	SAY("%s", errname(e));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	close(c);
}

static void ending(void)
{
	struct linger now = { 1, 0 };
	int p[2], e;
	socklen_t four = 4;

	join(p);
	SHOW(write(p[0], "unread", 6));
	AWAIT(p[1], POLLIN);
	close(p[1]);
	AWAIT(p[0], POLLIN);
	POLLED(p[0]);
	SHOW(getsockopt(p[0], SOL_SOCKET, SO_ERROR, &e, &four));
	SAY("%s", errname(e));
	SHOW(read(p[0], buf, 1));
	SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
	SHOW(shutdown(p[0], SHUT_WR));
	close(p[0]);
	join(p);
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	SHOW(write(p[0], "last", 4));
	AWAIT(p[1], POLLIN);
	close(p[0]);
	AWAIT(p[1], POLLRDHUP);
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	SHOW(read(p[1], buf, 10));
	SHOW(read(p[1], buf, 10));
	close(p[1]);
	join(p);
	close(p[0]);
	AWAIT(p[1], POLLRDHUP);
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	AWAIT(p[1], 0);
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	SHOW(read(p[1], buf, 1));
	close(p[1]);
	join(p);
	SHOW(shutdown(p[0], SHUT_RD));
	POLLED(p[0]);
	SHOW(read(p[0], buf, 1));
	SHOW(shutdown(p[0], SHUT_RDWR));
	AWAIT(p[1], POLLIN);
	SHOW(shutdown(p[1], SHUT_RDWR));
	AWAIT(p[1], 0);
	close(p[0]);
	close(p[1]);
}

static void ports(void)
{
	int l = listener(5), s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in a = v4(INADDR_LOOPBACK, port_of(l));
	struct sockaddr_in any = v4(INADDR_ANY, port_of(l));
	struct sockaddr_in two = v4(0x7f000002, port_of(l));
	struct sockaddr_in6 six = v6("::", port_of(l));
	int p[2];

	SHOW(bind(s, (void *)&a, sizeof(a)));
	SHOW(bind(s, (void *)&any, sizeof(any)));
	SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, 4));
	SHOW(bind(s, (void *)&a, sizeof(a)));
	SHOW(bind(s, (void *)&two, sizeof(two)));
	SHOW(listen(s, 1));
	p[0] = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(bind(p[0], (void *)&six, sizeof(six)));
	SHOW(setsockopt(p[0], IPPROTO_IPV6, IPV6_V6ONLY, &one, 4));
	SHOW(bind(p[0], (void *)&six, sizeof(six)));
	SHOW(listen(p[0], 1));
	SHOW(setsockopt(p[0], IPPROTO_IPV6, IPV6_V6ONLY, &one, 4));
	close(p[0]);
	close(s);
	close(l);
	p[0] = socket(AF_INET, SOCK_STREAM, 0);
	p[1] = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_REUSEPORT, &one, 4));
	SHOW(bind(p[0], (void *)&a, sizeof(a)));
	SHOW(bind(p[1], (void *)&a, sizeof(a)));
	SHOW(setsockopt(p[1], SOL_SOCKET, SO_REUSEPORT, &one, 4));
	SHOW(bind(p[1], (void *)&a, sizeof(a)));
	SHOW(listen(p[0], 1));
	SHOW(listen(p[1], 1));
	close(p[0]);
	close(p[1]);
}

static void six(void)
{
	struct sockaddr_in6 any = v6("::", 0), to, from;
	struct sockaddr_in a;
	int l = socket(AF_INET6, SOCK_STREAM, 0), c, s, zero = 0;
	socklen_t len = sizeof(from);

	SHOW(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &zero, 4));
	SHOW(bind(l, (void *)&any, sizeof(any)));
	SHOW(listen(l, 5));
	show_name(l, getsockname);
	to = v6("::1", port_of(l));
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&to, sizeof(to)));
	SHOW((s = accept(l, (void *)&from, &len)) >= 0);
	print_name(&from, len);
	show_name(s, getsockname);
	show_name(c, getsockname);
	close(c);
	close(s);
	/* a client of IPv4 */
	a = v4(INADDR_LOOPBACK, port_of(l));
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	len = sizeof(from);
	SHOW((s = accept(l, (void *)&from, &len)) >= 0);
	print_name(&from, len);
	show_name(s, getsockname);
	show_name(c, getpeername);
	close(c);
	close(s);
	/* and one of IPv6 with such an address */
	to = v6("::ffff:127.0.0.1", port_of(l));
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&to, sizeof(to)));
	show_name(c, getsockname);
	show_name(c, getpeername);
	close(c);
	/* to nowhere in particular */
	a = v4(INADDR_ANY, port_of(l));
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	show_name(c, getpeername);
	close(c);
	to = v6("::", port_of(l));
	c = socket(AF_INET6, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&to, sizeof(to)));
	show_name(c, getpeername);
	close(c);
	close(l);
}

static void datagrams(void)
{
	struct sockaddr_in a = v4(INADDR_LOOPBACK, 0), b = a, to;
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from), four = 4;
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int c = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), e, n;

	POLLED(s);
	SHOW(listen(s, 1));
	SHOW(accept(s, NULL, NULL));
	SHOW(send(c, "x", 1, 0));
	SHOW(shutdown(c, SHUT_RD));
	SHOW(bind(s, (void *)&a, sizeof(a)));
	SHOW(bind(c, (void *)&b, sizeof(b)));
	to = v4(INADDR_LOOPBACK, port_of(s));
	SHOW(recv(s, buf, 1, 0));
	SHOW(sendto(c, "hello", 5, 0, (void *)&to, sizeof(to)));
	SHOW(sendto(c, "", 0, 0, (void *)&to, sizeof(to)));
	SHOW(sendto(c, buf, 65507, 0, (void *)&to, sizeof(to)));
	SHOW(sendto(c, buf, 65508, 0, (void *)&to, sizeof(to)));
	SHOW(sendto(c, "x", 1, 0, (void *)&to, 8));
	POLLED(s);
	SHOW(ioctl(s, FIONREAD, &n));
	SAY("%d", n);
	SHOW(recvfrom(s, buf, 3, MSG_PEEK | MSG_TRUNC, (void *)&from, &len));
	print_name(&from, len);
	YES(from.sin6_port == htons(port_of(c)));
	SHOW(recv(s, buf, 3, 0));
	SHOW(recv(s, buf, 3, 0));
	SHOW(recv(s, buf, sizeof(buf), 0));
	SHOW(connect(c, (void *)&to, sizeof(to)));
	show_name(c, getpeername);
	SHOW(send(c, "one", 3, 0));
	SHOW(sendto(c, "two", 3, 0, (void *)&to, sizeof(to)));
	SHOW(recv(s, buf, 10, 0));
	SHOW(recv(s, buf, 10, 0));
	/* nobody is there */
	close(s);
	SHOW(send(c, "x", 1, 0));
	AWAIT(c, POLLIN);
	SHOW(getsockopt(c, SOL_SOCKET, SO_ERROR, &e, &four));
	SAY("%s", errname(e));
	SHOW(send(c, "x", 1, 0));
	SHOW(send(c, "x", 1, 0));
	SHOW(recv(c, buf, 1, 0));
	to.sin_family = AF_UNSPEC;
	SHOW(connect(c, (void *)&to, sizeof(to)));
	show_name(c, getpeername);
	to = v4(INADDR_LOOPBACK, 0);
	SHOW(sendto(c, "x", 1, 0, (void *)&to, sizeof(to)));
	close(c);
	/* to one's self */
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	from = v6("::1", 0);
	SHOW(bind(s, (void *)&from, sizeof(from)));
	len = sizeof(from);
	NEED(getsockname(s, (void *)&from, &len));
	SHOW(sendto(s, "self", 4, 0, (void *)&from, sizeof(from)));
	SHOW(recv(s, buf, 10, 0));
	close(s);
}

static void several(void)
{
	struct iovec v[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
	struct iovec w[3] = { { buf, 9 }, { buf + 9, 2 }, { buf + 19, 9 } };
	struct mmsghdr out[3] = { 0 }, in[3] = { 0 };
	struct sockaddr_in a = v4(INADDR_LOOPBACK, 0), from[3];
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(a);

	SHOW(bind(s, (void *)&a, sizeof(a)));
	NEED(getsockname(s, (void *)&a, &len));
	SHOW(connect(s, (void *)&a, sizeof(a)));
	for (int i = 0; i < 3; i++) {
		out[i].msg_hdr.msg_iov = &v[i];
		in[i].msg_hdr.msg_iov = &w[i];
		out[i].msg_hdr.msg_iovlen = in[i].msg_hdr.msg_iovlen = 1;
		in[i].msg_hdr.msg_name = &from[i];
		in[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	SHOW(sendmmsg(s, out, 3, 0));
	SAY("%u %u %u", out[0].msg_len, out[1].msg_len, out[2].msg_len);
	SHOW(recvmmsg(s, in, 2, 0, NULL));
	SAY("%u %u", in[0].msg_len, in[1].msg_len);
	SHOW(recvmmsg(s, in, 3, MSG_WAITFORONE, NULL));
	SAY("%u %x %u", in[0].msg_len, in[0].msg_hdr.msg_flags,
	    in[0].msg_hdr.msg_namelen);
	SHOW(recvmmsg(s, in, 3, MSG_DONTWAIT, NULL));
	close(s);
}

static void show_option(int fd, const char *what, int level, int name)
{
	int v[4] = { -7, -7, -7, -7 };
	socklen_t len = sizeof(v);

	if (getsockopt(fd, level, name, v, &len))
		SAY("%s: %s", what, errname(errno));
	else
		SAY("%s: %u %d", what, len, v[0]);
}

#define OPTION(fd, level, name) show_option(fd, #name, level, name)

static void set_option(int fd, const char *what, int level, int name, int v)
{
	int rc = setsockopt(fd, level, name, &v, sizeof(v));

	SAY("%s = %d: %s", what, v, rc ? errname(errno) : "ok");
	show_option(fd, what, level, name);
}

#define SET(fd, level, name, v) set_option(fd, #name, level, name, v)

static void options(void)
{
	struct linger l = { 1, 7 };
	int t = socket(AF_INET, SOCK_STREAM, 0);
	int u = socket(AF_INET6, SOCK_DGRAM, 0), one = 1;
	socklen_t len = sizeof(l);

	OPTION(t, SOL_SOCKET, SO_TYPE);
	OPTION(t, SOL_SOCKET, SO_DOMAIN);
	OPTION(t, SOL_SOCKET, SO_PROTOCOL);
	OPTION(u, SOL_SOCKET, SO_TYPE);
	OPTION(u, SOL_SOCKET, SO_PROTOCOL);
	OPTION(t, SOL_SOCKET, SO_ERROR);
	OPTION(t, SOL_SOCKET, SO_ACCEPTCONN);
	SET(t, SOL_SOCKET, SO_REUSEADDR, 5);
	SET(t, SOL_SOCKET, SO_REUSEPORT, 1);
	SET(t, SOL_SOCKET, SO_KEEPALIVE, 1);
	SET(u, SOL_SOCKET, SO_BROADCAST, 1);
	SET(t, SOL_SOCKET, SO_RCVBUF, 10000);
	SET(t, SOL_SOCKET, SO_SNDBUF, 1);
	SET(t, SOL_SOCKET, SO_RCVBUF, 1);
	SET(u, SOL_SOCKET, SO_RCVBUF, 1 << 17);
	SET(t, SOL_SOCKET, SO_TYPE, 1);
	SET(t, SOL_SOCKET, 9999, 1);
	SHOW(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &one, 2));
	SHOW(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
	SHOW(setsockopt(t, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	SHOW(getsockopt(t, SOL_SOCKET, SO_LINGER, &l, &len));
	SAY("%u %d %d", len, l.l_onoff, l.l_linger);
	SET(t, IPPROTO_TCP, TCP_NODELAY, 1);
	SET(t, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	SET(t, IPPROTO_TCP, TCP_KEEPIDLE, 0);
	SET(t, IPPROTO_TCP, TCP_KEEPINTVL, 3);
	SET(t, IPPROTO_TCP, TCP_KEEPCNT, 200);
	SET(t, IPPROTO_TCP, TCP_CORK, 1);
	SET(t, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	SET(t, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	SET(t, IPPROTO_TCP, 999, 1);
	SET(u, IPPROTO_TCP, TCP_NODELAY, 1);
	SET(t, IPPROTO_IP, IP_TOS, 16);
	SET(t, IPPROTO_IP, IP_TTL, 0);
	SET(t, IPPROTO_IP, IP_TTL, 5);
	SET(u, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	SET(t, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	SET(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
	close(t);
	close(u);
}

static void full(void)
{
	struct sockaddr_in a;
	int l = listener(1), c[6];

	a = v4(INADDR_LOOPBACK, port_of(l));
	for (int i = 0; i < 6; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		SHOW(connect(c[i], (void *)&a, sizeof(a)));
	}
	sleep_ms(20);
	POLLED(c[0]);
	POLLED(c[1]);
	POLLED(c[5]);
	close(l);
	AWAIT(c[0], POLLIN);
	SHOW(read(c[0], buf, 1));
	for (int i = 0; i < 6; i++)
		close(c[i]);
}

static void *echo(void *arg)
{
	static char in[100000];
	long n;

	while ((n = read(*(int *)arg, in, sizeof(in))) > 0)
		if (write(*(int *)arg, in, n) != n)
			SAY("echo: %s", errname(errno));
	shutdown(*(int *)arg, SHUT_WR);
	return NULL;
}

static void *pour(void *arg)
{
	uint32_t state = 1, h = 0;
	static char out[100000];

	for (int i = 0; i < 200; i++) {
		size_t len = rnd(&state) % sizeof(out) + 1;

		for (size_t k = 0; k < len; k++)
			out[k] = (char)(k * 7 + (size_t)i);
		h = sum(out, len, h);
		if (write(*(int *)arg, out, len) != (long)len)
			SAY("pour: %s", errname(errno));
	}
	shutdown(*(int *)arg, SHUT_WR);
	SAY("sum %x", h);
	return NULL;
}

static void streaming(void)
{
	uint32_t h = 0;
	long n, total = 0;
	pthread_t t[2];
	int p[2];

	join(p);
	NEED0(pthread_create(&t[0], NULL, echo, &p[1]));
	NEED0(pthread_create(&t[1], NULL, pour, &p[0]));
	while ((n = read(p[0], buf, sizeof(buf))) > 0) {
		h = sum(buf, n, h);
		total += n;
	}
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	SAY("%ld bytes, sum %x", total, h);
	close(p[0]);
	close(p[1]);
}

/* As many at once, in one epoll set. */
static void many(void)
{
	enum { N = 500 };
	static int c[N], s[N];
	struct epoll_event e, got[64];
	int l = listener(N), ep = epoll_create1(0), n, heard = 0;
	struct sockaddr_in a = v4(INADDR_LOOPBACK, port_of(l));

	for (int i = 0; i < N; i++) {
		NEED(c[i] = socket(AF_INET, SOCK_STREAM, 0));
		NEED(connect(c[i], (void *)&a, sizeof(a)));
		NEED(s[i] = accept(l, NULL, NULL));
		e = (struct epoll_event){ EPOLLIN, { .u32 = (uint32_t)i } };
		NEED(epoll_ctl(ep, EPOLL_CTL_ADD, s[i], &e));
	}
	SHOW(epoll_wait(ep, got, 64, 0));
	for (int i = 0; i < N; i += 3)
		NEED(write(c[i], &i, sizeof(i)));
	while ((n = epoll_wait(ep, got, 64, heard < 167 ? 1000 : 0)) > 0)
		for (int i = 0; i < n; i++) {
			int v = -1;

			NEED(read(s[got[i].data.u32], &v, sizeof(v)));
			heard += v == (int)got[i].data.u32;
		}
	SAY("heard %d", heard);
	for (int i = 0; i < N; i++) {
		close(c[i]);
		close(s[i]);
	}
	SHOW(epoll_wait(ep, got, 64, 0));
	close(ep);
	close(l);
}

/* By netlink: what is said of lo, whose addresses come in this order */
static void list_loopback(void)
{
	struct ifaddrs *all, *i;
	struct if_nameindex *names = if_nameindex();

	YES(names && names[0].if_index == 1 && !strcmp(names[0].if_name, "lo"));
	if_freenameindex(names);
	SHOW(getifaddrs(&all));
	for (i = all; i; i = i->ifa_next) {
		char text[64] = "";

		if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			inet_ntop(
				AF_INET,
				&((struct sockaddr_in *)i->ifa_addr)->sin_addr,
				text, sizeof(text));
		SAY("lo: family %d flags %x %s", i->ifa_addr->sa_family,
		    i->ifa_flags, text);
	}
	freeifaddrs(all);
}

static void interfaces(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	SHOW(ioctl(fd, SIOCGIFINDEX, &r));
	SAY("%d", r.ifr_ifindex);
	SHOW(ioctl(fd, SIOCGIFADDR, &r));
	SAY("%s", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
	strcpy(r.ifr_name, "nix0");
	SHOW(ioctl(fd, SIOCGIFFLAGS, &r));
	SHOW(if_nametoindex("lo"));
	list_loopback();
	SHOW(ioctl(fd, 0x1234, &r));
	close(fd);
}

MAIN(CASE(making), CASE(connecting), CASE(ending), CASE(ports), CASE(six),
     CASE(datagrams), CASE(several), CASE(options), CASE(full), CASE(many),
     CASE(interfaces), CASE(streaming))
