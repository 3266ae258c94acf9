/* inet.c: TCP and UDP over the loopback address, within one process. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "abi.h"
#include "flow.h"

static char buf[70000];

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* A listening socket on a free port, whose address is *ret_at */
static int listener(struct sockaddr_in *ret_at)
{
	int l = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*ret_at);

	NEED(l);
	*ret_at = loopback(0);
	NEED(bind(l, (void *)ret_at, sizeof(*ret_at)));
	NEED(listen(l, 16));
	NEED(getsockname(l, (void *)ret_at, &len));
	return l;
}

static void pair(int *ret_a, int *ret_b)
{
	struct sockaddr_in at;
	int l = listener(&at);

	NEED(*ret_a = socket(AF_INET, SOCK_STREAM, 0));
	NEED(connect(*ret_a, (void *)&at, sizeof(at)));
	NEED(*ret_b = accept(l, NULL, NULL));
	NEED(close(l));
}

static void connecting(void)
{
	struct sockaddr_in at, from, name;
	socklen_t len = sizeof(name);
	int l, c, s, v = 77;

	SHOW(l = socket(AF_INET, SOCK_STREAM, 0));
	at = loopback(0);
	SHOW(bind(l, (void *)&at, sizeof(at)));
	SHOW(bind(l, (void *)&at, sizeof(at)));
	SHOW(getsockname(l, (void *)&at, &len));
	YES(len == sizeof(at) && at.sin_family == AF_INET && at.sin_port);
	NEED(c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	SHOW(connect(c, (void *)&at, sizeof(at)));
	SHOW(listen(l, 5));
	SHOW(connect(c, (void *)&at, sizeof(at)));
	SHOW(connect(c, (void *)&at, sizeof(at)));
	len = sizeof(from);
	SHOW(s = accept(l, (void *)&from, &len));
	SAY("len %d", (int)len);
	len = sizeof(name);
	SHOW(getsockname(c, (void *)&name, &len));
	YES(name.sin_port == from.sin_port &&
	    name.sin_addr.s_addr == from.sin_addr.s_addr);
	len = sizeof(name);
	SHOW(getpeername(c, (void *)&name, &len));
	YES(name.sin_port == at.sin_port);
	len = sizeof(name);
	SHOW(getpeername(s, (void *)&name, &len));
	YES(name.sin_port == from.sin_port);
	len = sizeof(name);
	SHOW(getpeername(l, (void *)&name, &len));
	SHOW(send(c, "hello", 5, 0));
	SHOW(recv(s, buf, 3, MSG_PEEK | MSG_WAITALL));
	SHOW(recv(s, buf, 5, MSG_WAITALL));
	SAY("%.5s", buf);
	SHOW(write(s, "answer", 6));
	SHOW(recv(c, buf, 6, MSG_WAITALL));
	SHOW(ioctl(c, FIONREAD, &v));
	SAY("%d", v);
	SHOW(shutdown(c, SHUT_WR));
	SHOW(recv(s, buf, 5, 0));
	SHOW(send(s, "more", 4, 0));
	SHOW(recv(c, buf, 4, MSG_WAITALL));
	SHOW(send(c, "x", 1, MSG_NOSIGNAL));
	SHOW(close(s));
	SHOW(recv(c, buf, 5, 0));
	SHOW(close(c));
	SHOW(close(l));
	NEED(c = socket(AF_INET, SOCK_STREAM, 0));
	SHOW(connect(c, (void *)&at, sizeof(at)));
	SHOW(close(c));
}

static void without_blocking(void)
{
	struct sockaddr_in at;
	int l = listener(&at), c, s, v = -1;
	socklen_t len = sizeof(v);

	NEED(fcntl(l, F_SETFL, O_NONBLOCK));
	SHOW(accept4(l, NULL, NULL, SOCK_NONBLOCK));
	NEED(c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	/* connected at once or later, both are right */
	int r = connect(c, (void *)&at, sizeof(at));

	YES(r == 0 || errno == EINPROGRESS);
	struct pollfd p = { c, POLLOUT, 0 };

	SHOW(poll(&p, 1, 5000));
	SAY("revents %x", (unsigned)p.revents);
	SHOW(getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &len));
	SAY("%d", v);
	SHOW(connect(c, (void *)&at, sizeof(at)) == 0 || errno == EISCONN);
	p = (struct pollfd){ l, POLLIN, 0 };
	SHOW(poll(&p, 1, 5000));
	SHOW(s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	SHOW(fcntl(s, F_GETFL) & O_NONBLOCK);
	SHOW(fcntl(s, F_GETFD));
	SHOW(recv(s, buf, 10, 0));
	long total = 0;
	ssize_t n;

	while ((n = send(c, buf, 10000, MSG_NOSIGNAL)) > 0)
		total += n;
	SAY("%s", errname(errno));
	YES(total >= 20000);
	p = (struct pollfd){ c, POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	p = (struct pollfd){ s, POLLIN, 0 };
	while (total > 0 && poll(&p, 1, 5000) == 1) {
		n = recv(s, buf, sizeof(buf), 0);
		if (n <= 0)
			break;
		total -= n;
	}
	SAY("%ld left", total);
	p = (struct pollfd){ c, POLLOUT, 0 };
	SHOW(poll(&p, 1, 5000));
	SHOW(close(l));
	SHOW(close(s));
	p.events = POLLIN | POLLRDHUP;
	SHOW(poll(&p, 1, 5000));
	YES(p.revents & POLLIN && p.revents & POLLRDHUP);
	SHOW(recv(c, buf, 1, 0));
	SHOW(close(c));
	/* refused, seen through SO_ERROR */
	NEED(c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	r = connect(c, (void *)&at, sizeof(at));
	YES(r == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	v = errno;
	if (v == EINPROGRESS) {
		p = (struct pollfd){ c, POLLOUT, 0 };
		NEED(poll(&p, 1, 5000));
		len = sizeof(v);
		NEED(getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &len));
	}
	SAY("%s", errname(v));
	SHOW(close(c));
}

static volatile int broken;

static void on_pipe(int signo)
{
	(void)signo;
	broken++;
}

static void breaking(void)
{
	struct sigaction sa = { .sa_handler = on_pipe };
	int a, b, tries = 0;

	NEED(sigaction(SIGPIPE, &sa, NULL));
	pair(&a, &b);
	SHOW(shutdown(a, SHUT_WR));
	SHOW(send(a, "x", 1, 0));
	SAY("%d signals", broken);
	SHOW(send(a, "x", 1, MSG_NOSIGNAL));
	SHOW(write(a, "x", 1));
	SAY("%d signals", broken);
	NEED(close(a));
	NEED(close(b));
	/* the other end goes: what is sent is answered with a reset */
	pair(&a, &b);
	NEED(close(b));
	while (send(a, "x", 1, MSG_NOSIGNAL) == 1 && tries++ < 1000)
		sleep_ms(1);
	YES(errno == EPIPE || errno == ECONNRESET);
	NEED(close(a));
	/* closed with bytes unread: a reset, too */
	pair(&a, &b);
	NEED(send(a, "unread", 6, 0));
	struct pollfd p = { b, POLLIN, 0 };

	NEED(poll(&p, 1, 5000));
	NEED(close(b));
	SHOW(recv(a, buf, 10, 0));
	NEED(close(a));
	off(SIGPIPE);
}

static void options(void)
{
	int a, b, v;
	socklen_t len = sizeof(v);
	struct linger li = { 0, 0 };

	pair(&a, &b);
#define GET(level, name)                            \
	(v = -1, len = sizeof(v),                   \
	 getsockopt(a, level, name, &v, &len)       \
		 ? SAY(#name " %s", errname(errno)) \
		 : SAY(#name " %d", v))
#define SET(level, name, to)                                        \
	(v = (to), SHOW(setsockopt(a, level, name, &v, sizeof(v))), \
	 GET(level, name))
	GET(SOL_SOCKET, SO_TYPE);
	GET(SOL_SOCKET, SO_DOMAIN);
	GET(SOL_SOCKET, SO_PROTOCOL);
	GET(SOL_SOCKET, SO_ACCEPTCONN);
	GET(SOL_SOCKET, SO_ERROR);
	SET(SOL_SOCKET, SO_REUSEADDR, 1);
	SET(SOL_SOCKET, SO_KEEPALIVE, 1);
	SET(SOL_SOCKET, SO_REUSEPORT, 1);
	SET(SOL_SOCKET, SO_BROADCAST, 1);
	SET(IPPROTO_TCP, TCP_NODELAY, 1);
	SET(IPPROTO_TCP, TCP_NODELAY, 0);
	SET(IPPROTO_TCP, TCP_KEEPIDLE, 100);
	SET(IPPROTO_TCP, TCP_KEEPINTVL, 7);
	SET(IPPROTO_TCP, TCP_KEEPCNT, 3);
	v = 30000;
	SHOW(setsockopt(a, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v)));
	SHOW(setsockopt(a, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	len = sizeof(v);
	SHOW(getsockopt(a, SOL_SOCKET, SO_SNDBUF, &v, &len));
	YES(v >= 4608);
	li = (struct linger){ 1, 5 };
	SHOW(setsockopt(a, SOL_SOCKET, SO_LINGER, &li, sizeof(li)));
	li = (struct linger){ 0, 0 };
	len = sizeof(li);
	SHOW(getsockopt(a, SOL_SOCKET, SO_LINGER, &li, &len));
	SAY("%d %d", li.l_onoff, li.l_linger);
	struct timeval tv = { 0, 4000 };

	SHOW(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(recv(a, buf, 10, 0));
	SHOW(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, 3));
	SHOW(setsockopt(a, SOL_SOCKET, SO_KEEPALIVE, &v, 1));
	SHOW(setsockopt(a, SOL_SOCKET, 4711, &v, sizeof(v)));
	SHOW(setsockopt(a, 4711, 1, &v, sizeof(v)));
	SHOW(getsockopt(a, IPPROTO_TCP, 4711, &v, &len));
	SHOW(syscall(SYS_setsockopt, a, SOL_SOCKET, SO_KEEPALIVE, 8l, 4));
	SHOW(setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &v, sizeof(v)));
	NEED(close(a));
	NEED(close(b));
}

static void addresses(void)
{
	struct sockaddr_in at, two;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(six);
	int l = listener(&at), s, c, v = 1;

	NEED(s = socket(AF_INET, SOCK_STREAM, 0));
	two = at;
	SHOW(bind(s, (void *)&two, sizeof(two)));
	SHOW(bind(s, (void *)&two, 5));
	two.sin_family = AF_INET6;
	SHOW(bind(s, (void *)&two, sizeof(two)));
	SHOW(listen(s, 1));
	NEED(close(s));
	NEED(close(l));
	SHOW(l = socket(AF_INET6, SOCK_STREAM, 0));
	SHOW(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof(v)));
	SHOW(bind(l, (void *)&six, sizeof(six)));
	SHOW(listen(l, 5));
	SHOW(getsockname(l, (void *)&six, &len));
	SAY("%d %d", six.sin6_family, (int)len);
	NEED(c = socket(AF_INET6, SOCK_STREAM, 0));
	SHOW(connect(c, (void *)&six, sizeof(six)));
	SHOW(s = accept(l, (void *)&six, &len));
	char text[64];

	SAY("%s", inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof(text)));
	SHOW(send(c, "six", 3, 0));
	SHOW(recv(s, buf, 10, 0));
	NEED(close(c));
	NEED(close(s));
	NEED(close(l));
	/* listens for both, met by one */
	NEED(l = socket(AF_INET6, SOCK_STREAM, 0));
	v = 0;
	SHOW(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof(v)));
	six = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	SHOW(bind(l, (void *)&six, sizeof(six)));
	SHOW(listen(l, 5));
	len = sizeof(six);
	SHOW(getsockname(l, (void *)&six, &len));
	at = loopback(ntohs(six.sin6_port));
	NEED(c = socket(AF_INET, SOCK_STREAM, 0));
	SHOW(connect(c, (void *)&at, sizeof(at)));
	len = sizeof(six);
	SHOW(s = accept(l, (void *)&six, &len));
	SAY("%s", inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof(text)));
	NEED(close(c));
	NEED(close(s));
	NEED(close(l));
	/* any address */
	NEED(l = socket(AF_INET, SOCK_STREAM, 0));
	SHOW(listen(l, 5));
	len = sizeof(at);
	SHOW(getsockname(l, (void *)&at, &len));
	SAY("%s", inet_ntoa(at.sin_addr));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	NEED(c = socket(AF_INET, SOCK_STREAM, 0));
	SHOW(connect(c, (void *)&at, sizeof(at)));
	NEED(close(c));
	NEED(close(l));
	SHOW(socket(AF_INET, 77, 0));
	SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
}

static void datagrams(void)
{
	struct sockaddr_in a = loopback(0), b = loopback(0), from;
	socklen_t len = sizeof(a);
	int x, y, n;

	NEED(x = socket(AF_INET, SOCK_DGRAM, 0));
	NEED(y = socket(AF_INET, SOCK_DGRAM, 0));
	SHOW(bind(x, (void *)&a, sizeof(a)));
	SHOW(bind(y, (void *)&b, sizeof(b)));
	NEED(getsockname(x, (void *)&a, &len));
	len = sizeof(b);
	NEED(getsockname(y, (void *)&b, &len));
	SHOW(listen(x, 1));
	SHOW(accept(x, NULL, NULL));
	SHOW(recv(x, buf, 10, MSG_DONTWAIT));
	SHOW(send(x, "x", 1, 0));
	SHOW(sendto(x, "datagram", 8, 0, (void *)&b, sizeof(b)));
	SHOW(sendto(x, "", 0, 0, (void *)&b, sizeof(b)));
	SHOW(sendto(x, "third one", 9, 0, (void *)&b, sizeof(b)));
	len = sizeof(from);
	SHOW(recvfrom(y, buf, 4, MSG_TRUNC, (void *)&from, &len));
	YES(from.sin_port == a.sin_port && len == sizeof(from));
	SHOW(recv(y, buf, 100, 0));
	SHOW(ioctl(y, FIONREAD, &n));
	SAY("%d", n);
	struct iovec v = { buf, 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	SHOW(recvmsg(y, &m, 0));
	SAY("flags %x", (unsigned)m.msg_flags);
	SHOW(connect(x, (void *)&b, sizeof(b)));
	SHOW(send(x, "connected", 9, 0));
	SHOW(recv(y, buf, 100, 0));
	SHOW(sendto(x, buf, 66000, 0, (void *)&b, sizeof(b)));
	SHOW(close(y));
	struct pollfd p = { x, POLLOUT, 0 };

	SHOW(poll(&p, 1, 0));
	SHOW(close(x));
}

static int flow[2];

static void *sends(void *arg)
{
	return (void *)(uintptr_t)send_seeded(flow[1], *(long *)arg);
}

static void flowing(void)
{
	long n = scaled(4 << 20), got = 0;
	uint32_t r = 6, h = 0;
	pthread_t t;
	void *sent;
	ssize_t k;

	pair(&flow[0], &flow[1]);
	NEED0(pthread_create(&t, NULL, sends, &n));
	while ((k = recv(flow[0], buf, 1 + rnd(&r) % sizeof(buf), 0)) > 0) {
		h = sum(buf, (size_t)k, h);
		got += k;
	}
	NEED0(pthread_join(t, &sent));
	YES(got == n && h == (uint32_t)(uintptr_t)sent);
	NEED(close(flow[0]));
	NEED(close(flow[1]));
}

/* A server of many connections with epoll, in a thread of its own */
static void *serves(void *arg)
{
	int l = *(int *)arg, ep = epoll_create1(0), left = 20;
	struct epoll_event e = { .events = EPOLLIN, .data.fd = l };
	char b[1000];

	NEED(fcntl(l, F_SETFL, O_NONBLOCK));
	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, l, &e));
	while (left > 0) {
		struct epoll_event got[8];
		int n = epoll_wait(ep, got, 8, 10000);

		NEED(n);
		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;

			if (fd == l) {
				fd = accept4(l, NULL, NULL, SOCK_NONBLOCK);
				if (fd < 0)
					continue;
				e.data.fd = fd;
				e.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
				NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
				continue;
			}
			ssize_t k;

			while ((k = recv(fd, b, sizeof(b), 0)) > 0)
				NEED(send(fd, b, (size_t)k, 0));
			if (k == 0) {
				NEED(close(fd));
				left--;
			}
		}
	}
	NEED(close(ep));
	return NULL;
}

static struct sockaddr_in server;

static void *asks(void *arg)
{
	int c = socket(AF_INET, SOCK_STREAM, 0);
	char out[100], in[100];
	long good = 0;

	NEED(connect(c, (void *)&server, sizeof(server)));
	for (int i = 0; i < 50; i++) {
		int n = snprintf(out, sizeof(out), "%ld asks %d", (long)arg, i);

		NEED(send(c, out, (size_t)n, 0));
		good += recv(c, in, (size_t)n, MSG_WAITALL) == n &&
			!memcmp(in, out, (size_t)n);
	}
	NEED(close(c));
	return (void *)good;
}

static void serving(void)
{
	int l = listener(&server);
	pthread_t t, c[20];
	long good = 0;
	void *ret;

	NEED0(pthread_create(&t, NULL, serves, &l));
	for (long i = 0; i < 20; i++)
		NEED0(pthread_create(&c[i], NULL, asks, (void *)i));
	for (int i = 0; i < 20; i++) {
		NEED0(pthread_join(c[i], &ret));
		good += (long)ret;
	}
	NEED0(pthread_join(t, NULL));
	SAY("%ld", good);
	NEED(close(l));
}

MAIN(CASE(connecting), CASE(without_blocking), CASE(breaking), CASE(options),
     CASE(addresses), CASE(datagrams), CASE(flowing), CASE(serving))
