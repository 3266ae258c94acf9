/* unix.c: AF_UNIX sockets of each kind, by name and in pairs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "abi.h"
#include "flow.h"

static char buf[70000];

static void pair_of(int type)
{
	int s[2], n = 0;

	SHOW(socketpair(AF_UNIX, type, 0, s));
	SHOW(send(s[0], "first", 5, 0));
	SHOW(write(s[0], "second", 6));
	SHOW(ioctl(s[1], FIONREAD, &n));
	SAY("%d", n);
	SHOW(recv(s[1], buf, 3, MSG_PEEK));
	SHOW(recv(s[1], buf, 3, 0));
	SHOW(recv(s[1], buf, 100, MSG_DONTWAIT));
	SHOW(recv(s[1], buf, 100, MSG_DONTWAIT));
	SHOW(recv(s[1], buf, 100, MSG_DONTWAIT));
	SHOW(send(s[1], "back", 4, MSG_NOSIGNAL));
	SHOW(recv(s[0], buf, 2, MSG_TRUNC));
	SHOW(recv(s[0], buf, 2, MSG_TRUNC | MSG_DONTWAIT));
	struct pollfd p = { s[0], POLLIN | POLLOUT | POLLRDHUP, 0 };

	SHOW(poll(&p, 1, 0));
	SAY("revents %x", (unsigned)p.revents);
	SHOW(shutdown(s[1], SHUT_WR));
	SHOW(poll(&p, 1, 0));
	SAY("revents %x", (unsigned)p.revents);
	SHOW(recv(s[0], buf, 10, MSG_DONTWAIT));
	SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
	SHOW(send(s[0], "still", 5, MSG_NOSIGNAL));
	SHOW(recv(s[1], buf, 10, 0));
	SHOW(send(s[0], "lost", 4, 0));
	SHOW(close(s[1]));
	SHOW(poll(&p, 1, 0));
	SAY("revents %x", (unsigned)p.revents);
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	SHOW(recv(s[0], buf, 10, MSG_DONTWAIT));
	SHOW(recv(s[0], buf, 10, MSG_DONTWAIT));
	SHOW(close(s[0]));
}

static void stream_pair(void)
{
	pair_of(SOCK_STREAM);
}

static void dgram_pair(void)
{
	pair_of(SOCK_DGRAM);
}

static void seqpacket_pair(void)
{
	pair_of(SOCK_SEQPACKET);
}

static struct sockaddr_un named(const char *path, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	/* '@' is for the abstract names, which are no files */
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = 0;
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
			   (path[0] != '@'));
	return a;
}

static void names(int s, const char *what)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (getsockname(s, (void *)&a, &len))
		SAY("%s: own name %s", what, errname(errno));
	else
		SAY("%s: own name family %d len %d '%s'", what, a.sun_family,
		    (int)len, a.sun_path[0] ? a.sun_path : a.sun_path + 1);
	len = sizeof(a);
	memset(&a, 0, sizeof(a));
	if (getpeername(s, (void *)&a, &len))
		SAY("%s: peer's name %s", what, errname(errno));
	else
		SAY("%s: peer's name family %d len %d '%s'", what, a.sun_family,
		    (int)len, a.sun_path[0] ? a.sun_path : a.sun_path + 1);
}

static void connecting(const char *path, int type)
{
	int l, c, s;
	socklen_t len;
	struct sockaddr_un a = named(path, &len);

	SHOW(l = socket(AF_UNIX, type, 0));
	SHOW(c = socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
	SHOW(connect(c, (void *)&a, len));
	SHOW(bind(l, (void *)&a, len));
	SHOW(connect(c, (void *)&a, len));
	SHOW(accept(l, NULL, NULL));
	SHOW(listen(l, 5));
	names(l, "listener");
	int t = socket(AF_UNIX, type, 0);

	SHOW(bind(t, (void *)&a, len));
	SHOW(close(t));
	SHOW(fcntl(l, F_SETFL, O_NONBLOCK));
	SHOW(accept(l, NULL, NULL));
	struct pollfd p = { l, POLLIN, 0 };

	SHOW(poll(&p, 1, 0));
	SHOW(connect(c, (void *)&a, len));
	SHOW(connect(c, (void *)&a, len));
	SHOW(poll(&p, 1, 0));
	SHOW(send(c, "early", 5, 0));
	struct sockaddr_un from;

	len = sizeof(from);
	SHOW(s = accept4(l, (void *)&from, &len, SOCK_NONBLOCK));
	SAY("from family %d len %d", from.sun_family, (int)len);
	SHOW(fcntl(s, F_GETFL) & O_NONBLOCK);
	names(s, "accepted");
	names(c, "client");
	SHOW(recv(s, buf, 100, 0));
	SHOW(recv(s, buf, 100, 0));
	struct {
		int pid, uid, gid;
	} cred = { 0, -1, -1 };

	len = sizeof(cred);
	SHOW(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	YES(cred.pid == getpid() && cred.uid == (int)getuid());
	SHOW(close(c));
	SHOW(recv(s, buf, 100, 0));
	SHOW(send(s, "x", 1, MSG_NOSIGNAL));
	SHOW(close(s));
	SHOW(close(l));
	SHOW(c = socket(AF_UNIX, type, 0));
	a = named(path, &len);
	SHOW(connect(c, (void *)&a, len));
	SHOW(close(c));
	if (path[0] != '@')
		SHOW(unlink(path));
}

static void streams(void)
{
	enter_dir();
	connecting("sock", SOCK_STREAM);
	leave_dir();
}

static void packets(void)
{
	enter_dir();
	connecting("sock", SOCK_SEQPACKET);
	leave_dir();
}

static void abstract(void)
{
	connecting("@abi-test-name", SOCK_STREAM);
}

static void datagrams(void)
{
	int a, b, c;
	socklen_t la, lb, len;
	struct sockaddr_un na = named("a", &la), nb = named("b", &lb), from;

	enter_dir();
	NEED(a = socket(AF_UNIX, SOCK_DGRAM, 0));
	NEED(b = socket(AF_UNIX, SOCK_DGRAM, 0));
	NEED(c = socket(AF_UNIX, SOCK_DGRAM, 0));
	SHOW(sendto(a, "x", 1, 0, (void *)&nb, lb));
	SHOW(bind(a, (void *)&na, la));
	SHOW(bind(b, (void *)&nb, lb));
	SHOW(listen(b, 1));
	SHOW(sendto(a, "one", 3, 0, (void *)&nb, lb));
	SHOW(sendto(c, "two two", 7, 0, (void *)&nb, lb));
	SHOW(sendto(c, "", 0, 0, (void *)&nb, lb));
	len = sizeof(from);
	SHOW(recvfrom(b, buf, 100, 0, (void *)&from, &len));
	SAY("from '%s' len %d", from.sun_path, (int)len);
	len = sizeof(from);
	SHOW(recvfrom(b, buf, 3, 0, (void *)&from, &len));
	SAY("len %d", (int)len);
	SHOW(recvfrom(b, buf, 3, 0, NULL, NULL));
	SHOW(recv(b, buf, 3, MSG_DONTWAIT));
	SHOW(send(a, "x", 1, 0));
	SHOW(connect(a, (void *)&nb, lb));
	SHOW(send(a, "connected", 9, 0));
	SHOW(recv(b, buf, 100, 0));
	SHOW(send(a, buf, 300000, MSG_DONTWAIT));
	SHOW(close(b));
	SHOW(send(a, "x", 1, 0));
	SHOW(unlink("a"));
	SHOW(unlink("b"));
	SHOW(close(a));
	SHOW(close(c));
	leave_dir();
}

/* One descriptor through a socket */
static int pass(int s, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { (char *)"fd", 2 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return (int)sendmsg(s, &m, 0);
}

static int receive(int s, int *flags)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { buf, 100 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	int fd = -1;

	NEED(recvmsg(s, &m, MSG_CMSG_CLOEXEC));
	*flags = m.msg_flags;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

static void passing(void)
{
	int s[2], p[2], got, flags = 0;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	NEED(pipe(p));
	SHOW(pass(s[0], p[1]));
	SHOW(close(p[1]));
	got = receive(s[1], &flags);
	YES(got >= 0);
	SAY("flags %x, cloexec %d", (unsigned)flags & ~0x40000000u,
	    fcntl(got, F_GETFD));
	SHOW(write(got, "through", 7));
	SHOW(read(p[0], buf, 100));
	SHOW(close(got));
	SHOW(read(p[0], buf, 100));
	SHOW(pass(s[0], 99));
	/* sent and never received: closed with the socket */
	NEED(pipe(p));
	SHOW(pass(s[0], p[1]));
	SHOW(close(p[1]));
	SHOW(close(s[0]));
	SHOW(close(s[1]));
	SHOW(read(p[0], buf, 100));
	SHOW(close(p[0]));
}

static int stream[2];

static void *sends(void *arg)
{
	return (void *)(uintptr_t)send_seeded(stream[1], *(long *)arg);
}

static void flowing(void)
{
	long n = scaled(4 << 20), got = 0;
	uint32_t r = 6, h = 0;
	pthread_t t;
	void *sent;
	ssize_t k;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
	NEED0(pthread_create(&t, NULL, sends, &n));
	while ((k = recv(stream[0], buf, 1 + rnd(&r) % sizeof(buf), 0)) > 0) {
		h = sum(buf, (size_t)k, h);
		got += k;
	}
	NEED0(pthread_join(t, &sent));
	YES(got == n && h == (uint32_t)(uintptr_t)sent);
	SHOW(close(stream[0]));
	SHOW(close(stream[1]));
}

static void filling(void)
{
	int s[2], v = 0;
	socklen_t len = sizeof(v);
	long total = 0;
	ssize_t n;

	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	while ((n = send(s[0], buf, 5000, 0)) > 0)
		total += n;
	SAY("%s", errname(errno));
	YES(total > 30000);
	struct pollfd p = { s[0], POLLOUT, 0 };

	SHOW(poll(&p, 1, 0));
	while ((n = recv(s[1], buf, sizeof(buf), 0)) > 0)
		total -= n;
	SAY("%ld left, %s", total, errname(errno));
	SHOW(poll(&p, 1, 0));
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, &len));
	SAY("type %d len %d", v, (int)len);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &v, &len));
	SAY("domain %d", v);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &v, &len));
	SAY("%d", v);
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &len));
	SAY("%d", v);
	struct timeval tv = { 0, 3000 };

	SHOW(fcntl(s[1], F_SETFL, 0));
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(recv(s[1], buf, 10, 0));
	SHOW(close(s[0]));
	SHOW(close(s[1]));
}

static void mistakes(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s, v, two[2];
	socklen_t len = sizeof(a);

	SHOW(socket(AF_UNIX, 77, 0));
	SHOW(socket(AF_UNIX, SOCK_STREAM, 77));
	SHOW(socket(200, SOCK_STREAM, 0));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, two));
	SHOW(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8l));
	NEED(s = socket(AF_UNIX, SOCK_STREAM, 0));
	SHOW(bind(s, (void *)&a, 1));
	SHOW(bind(s, (void *)&a, 200));
	a.sun_family = AF_INET;
	SHOW(bind(s, (void *)&a, sizeof(a)));
	SHOW(connect(s, (void *)&a, sizeof(a)));
	SHOW(listen(s, 1));
	SHOW(send(s, "x", 1, MSG_NOSIGNAL));
	SHOW(recv(s, buf, 1, 0));
	SHOW(shutdown(s, SHUT_RD));
	SHOW(shutdown(s, 77));
	SHOW(getpeername(s, (void *)&a, &len));
	SHOW(getsockname(99, (void *)&a, &len));
	SHOW(getsockname(0, (void *)&a, &len));
	SHOW(getsockopt(s, SOL_SOCKET, 4711, &v, &len));
	SHOW(syscall(SYS_bind, s, 8l, 10));
	SHOW(lseek(s, 0, SEEK_SET));
	SHOW(close(s));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, two));
}

MAIN(CASE(stream_pair), CASE(dgram_pair), CASE(seqpacket_pair), CASE(streams),
     CASE(packets), CASE(abstract), CASE(datagrams), CASE(passing),
     CASE(flowing), CASE(filling), CASE(mistakes))
