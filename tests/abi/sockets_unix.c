/* sockets_unix.c: AF_UNIX. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "abi.h"

static char buf[1 << 18];

static short polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	poll(&p, 1, 0);
	return p.revents;
}

#define POLLED(fd) SAY("%s: %x", #fd, polled(fd))

static socklen_t name(struct sockaddr_un *a, const char *text)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(a->sun_path + 1, text); /* abstract */
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text);
}

static void show_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_un a = { 0 };
	socklen_t len = sizeof(a);
	int rc = get(fd, (struct sockaddr *)&a, &len);

	if (rc)
		SAY("name: %s", errname(errno));
	else
		SAY("name: %u family %d %d %s", len, a.sun_family,
		    a.sun_path[0], len > 3 ? a.sun_path + !a.sun_path[0] : "");
}

static void making(void)
{
	int fd, p[2];

	SHOW((fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	close(fd);
	SHOW((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  0)) >= 0);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL) & O_NONBLOCK);
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(pread(fd, buf, 1, 0));
	SHOW(ftruncate(fd, 0));
	POLLED(fd);
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW(recv(fd, buf, 1, 0));
	SHOW(accept(fd, NULL, NULL));
	SHOW(listen(fd, 5));
	SHOW(shutdown(fd, 7));
	show_name(fd, getsockname);
	show_name(fd, getpeername);
	close(fd);
	SHOW(socket(AF_UNIX, 77, 0));
	SHOW(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0));
	SHOW(socket(AF_UNIX, SOCK_STREAM, 99));
	SHOW(socket(99, SOCK_STREAM, 0));
	SHOW(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, p));
	SHOW(send(0, "x", 1, 0));
	SHOW(send(99, "x", 1, 0));
}

static void pairs(void)
{
	int p[2];
	socklen_t len = sizeof(int);
	int n = 5;

	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	show_name(p[0], getsockname);
	show_name(p[0], getpeername);
	SHOW(write(p[0], "hello", 5));
	SHOW(send(p[0], " world", 6, 0));
	SHOW(ioctl(p[1], FIONREAD, &n));
	SAY("%d", n);
	POLLED(p[0]);
	POLLED(p[1]);
	SHOW(recv(p[1], buf, 3, MSG_PEEK));
	SHOW(read(p[1], buf, 100));
	SAY("%.11s", buf);
	SHOW(recv(p[1], buf, 1, MSG_DONTWAIT));
	SHOW(shutdown(p[0], SHUT_WR));
	POLLED(p[0]);
	POLLED(p[1]);
	SHOW(read(p[1], buf, 1));
	SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
	SHOW(write(p[1], "back", 4));
	SHOW(read(p[0], buf, 9));
	SHOW(write(p[1], "lost", 4));
	SHOW(close(p[0]));
	POLLED(p[1]);
	SHOW(getsockopt(p[1], SOL_SOCKET, SO_ERROR, &n, &len));
	SAY("%s", errname(n));
	SHOW(read(p[1], buf, 1));
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	SHOW(close(p[1]));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	SHOW(shutdown(p[0], SHUT_RD));
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	POLLED(p[0]);
	POLLED(p[1]);
	SHOW(shutdown(p[0], SHUT_RDWR));
	POLLED(p[0]);
	POLLED(p[1]);
	close(p[0]);
	close(p[1]);
}

static void listening(void)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, "abi-listen"), n = sizeof(int);
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), c[4], s, v;

	SHOW(connect(l, (void *)&a, len));
	SHOW(bind(l, (void *)&a, 2 + sizeof(a.sun_path) + 1));
	SHOW(bind(l, (void *)&a, 1));
	SHOW(bind(l, (void *)8, len));
	SHOW(bind(l, (void *)&a, len));
	SHOW(bind(l, (void *)&a, len));
	show_name(l, getsockname);
	c[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SHOW(bind(c[0], (void *)&a, len));
	SHOW(connect(c[0], (void *)&a, len));
	SHOW(accept(l, NULL, NULL));
	SHOW(listen(l, 1));
	POLLED(l);
	SHOW(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &n));
	SAY("%d", v);
	SHOW(accept(l, NULL, NULL));
	SHOW(connect(c[0], (void *)&a, len));
	SHOW(connect(c[0], (void *)&a, len));
	POLLED(l);
	POLLED(c[0]);
	SHOW(write(c[0], "early", 5));
	for (int i = 1; i < 4; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		SHOW(connect(c[i], (void *)&a, len));
	}
	SHOW((s = accept4(l, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	SHOW(fcntl(s, F_GETFD));
	SHOW(fcntl(s, F_GETFL));
	show_name(s, getsockname);
	show_name(s, getpeername);
	show_name(c[0], getpeername);
	SHOW(read(s, buf, 10));
	SHOW(connect(c[2], (void *)&a, len));
	close(s);
	SHOW(read(c[0], buf, 1));
	SHOW(close(l));
	POLLED(c[1]);
	SHOW(read(c[1], buf, 1));
	SHOW(read(c[1], buf, 1));
	SHOW(connect(c[3], (void *)&a, len));
	SHOW(sendto(c[3], "x", 1, MSG_NOSIGNAL, (void *)&a, len));
	SHOW(sendto(c[0], "x", 1, MSG_NOSIGNAL, (void *)&a, len));
	for (int i = 0; i < 4; i++)
		close(c[i]);
	a.sun_family = AF_INET;
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(bind(l, (void *)&a, len));
	a.sun_family = AF_UNIX;
	SHOW(bind(l, (void *)&a, sizeof(sa_family_t)));
	len = sizeof(a);
	SHOW(getsockname(l, (void *)&a, &len));
	SAY("%u %d", len, a.sun_path[0]);
	close(l);
}

static void datagrams(void)
{
	struct sockaddr_un a, b, from;
	socklen_t la = name(&a, "abi-a"), lb = name(&b, "abi-b"), len;
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int c = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), p[2], n = 0;

	SHOW(send(c, "x", 1, 0));
	SHOW(sendto(c, "x", 1, 0, (void *)&a, la));
	SHOW(bind(s, (void *)&a, la));
	SHOW(listen(s, 1));
	SHOW(accept(s, NULL, NULL));
	SHOW(sendto(c, "anonymous", 9, 0, (void *)&a, la));
	len = sizeof(from);
	SHOW(recvfrom(s, buf, 4, 0, (void *)&from, &len));
	SAY("%u", len);
	SHOW(bind(c, (void *)&b, lb));
	SHOW(sendto(c, "named", 5, 0, (void *)&a, la));
	SHOW(sendto(c, "", 0, 0, (void *)&a, la));
	POLLED(s);
	len = sizeof(from);
	SHOW(recvfrom(s, buf, 3, MSG_TRUNC, (void *)&from, &len));
	SAY("%u %s", len, from.sun_path + 1);
	SHOW(recv(s, buf, 3, 0));
	SHOW(recv(s, buf, 3, 0));
	SHOW(connect(c, (void *)&a, la));
	SHOW(connect(s, (void *)&b, lb));
	while (send(c, "fill", 4, 0) == 4)
		n++;
	YES(n >= 10 && errno == EAGAIN);
	POLLED(c);
	SHOW(recv(s, buf, 10, 0));
	SHOW(send(c, "more", 4, 0));
	SHOW(send(c, buf, 240000, 0));
	show_name(c, getpeername);
	close(s);
	SHOW(send(c, "x", 1, 0));
	SHOW(send(c, "x", 1, 0));
	SHOW(recv(c, buf, 1, 0));
	close(c);
	SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	SHOW(write(p[0], "one", 3));
	SHOW(write(p[0], "two", 3));
	SHOW(read(p[1], buf, 100));
	SHOW(ioctl(p[1], FIONREAD, &n));
	SAY("%d", n);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(bind(s, (void *)&a, la));
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	SHOW(connect(c, (void *)&a, la));
	close(s);
	close(c);
	close(p[0]);
	SHOW(read(p[1], buf, 100));
	SHOW(send(p[1], "x", 1, MSG_DONTWAIT));
	close(p[1]);
}

static void records(void)
{
	struct iovec v[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	struct iovec w[2] = { { buf, 1 }, { buf + 1, 10 } };
	struct msghdr m = { .msg_iov = w, .msg_iovlen = 2 };
	int p[2];

	SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
	SHOW(writev(p[0], v, 3));
	SHOW(send(p[0], "second", 6, MSG_EOR));
	SHOW(recvmsg(p[1], &m, 0));
	SAY("%.5s %x", buf, m.msg_flags);
	m.msg_iovlen = 1;
	SHOW(recvmsg(p[1], &m, 0));
	SAY("%.1s %x", buf, m.msg_flags);
	SHOW(recv(p[1], buf, 1, MSG_DONTWAIT));
	SHOW(syscall(SYS_sendmsg, p[0], 8, 0));
	m.msg_iovlen = 1025;
	SHOW(syscall(SYS_sendmsg, p[0], &m, 0));
	close(p[0]);
	SHOW(recv(p[1], buf, 1, 0));
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	close(p[1]);
}

static int send_fds(int to, const int *fds, unsigned n, const char *text)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int) * 8)];
	} c = { 0 };
	struct iovec v = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * n) };

	c.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int) * n),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&c.h), fds, sizeof(int) * n);
	return sendmsg(to, &m, MSG_NOSIGNAL);
}

static int take_fds(int from, int *fds, unsigned room, size_t len)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int) * 8)];
	} c = { 0 };
	struct iovec v = { buf, len };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = room ? CMSG_SPACE(4 * room) : 0 };
	long n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);

	SAY("recvmsg %ld %s flags %x controllen %zu", n,
	    n < 0 ? errname(errno) : "", m.msg_flags & ~MSG_CMSG_CLOEXEC,
	    (size_t)m.msg_controllen);
	if (n < 0 || !m.msg_controllen)
		return 0;
	SAY("cmsg %zu %d %d", (size_t)c.h.cmsg_len, c.h.cmsg_level,
	    c.h.cmsg_type);
	n = (c.h.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(&c.h), n * sizeof(int));
	return n;
}

static void passing(void)
{
	int p[2], q[2], got[8] = { 0 }, bad = 77;

	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, q));
	SHOW(send_fds(p[0], q, 2, "two"));
	SHOW(close(q[0]));
	SHOW(take_fds(p[1], got, 8, 100));
	SHOW(fcntl(got[0], F_GETFD));
	SHOW(write(got[0], "through", 7));
	SHOW(read(q[1], buf, 100));
	close(got[0]);
	close(got[1]);
	SHOW(send_fds(p[0], &bad, 1, "bad"));
	/* files stay with their bytes */
	SHOW(write(p[0], "plain", 5));
	SHOW(send_fds(p[0], q + 1, 1, "with"));
	SHOW(write(p[0], "after", 5));
	SHOW(take_fds(p[1], got, 8, 100));
	SHOW(take_fds(p[1], got, 8, 100));
	close(got[0]);
	/* no room, and none asked for */
	SHOW(send_fds(p[0], (int[]){ q[1], q[1], q[1] }, 3, "x"));
	SHOW(take_fds(p[1], got, 1, 1));
	close(got[0]);
	close(got[1]);
	SHOW(send_fds(p[0], q + 1, 1, "y"));
	SHOW(take_fds(p[1], got, 0, 1));
	SHOW(send_fds(p[0], q + 1, 1, "z"));
	SHOW(read(p[1], buf, 10));
	/* in flight while everything is closed */
	SHOW(send_fds(p[0], p + 1, 1, "self"));
	close(p[0]);
	close(p[1]);
	close(q[1]);
}

static void credentials(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} c = { 0 };
	struct iovec v = { buf, 10 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	struct ucred u;
	socklen_t len = sizeof(u);
	int p[2], one = 1;

	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	SHOW(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
	YES(u.pid == getpid() && u.uid == getuid() && u.gid == getgid());
	SHOW(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	SHOW(write(p[0], "who", 3));
	SHOW(recvmsg(p[1], &m, 0));
	SAY("%zu %d %d", (size_t)c.h.cmsg_len, c.h.cmsg_level, c.h.cmsg_type);
	memcpy(&u, CMSG_DATA(&c.h), sizeof(u));
	YES(u.pid == getpid() && u.uid == getuid() && u.gid == getgid());
	close(p[0]);
	close(p[1]);
}

static void *reader(void *arg)
{
	uint32_t h = 0;
	long n, total = 0;
	static char in[40000];

	while ((n = read(*(int *)arg, in, sizeof(in))) > 0) {
		h = sum(in, n, h);
		total += n;
	}
	SAY("%ld bytes, sum %x", total, h);
	return NULL;
}

static void streaming(void)
{
	pthread_t t;
	uint32_t state = 1, h = 0;
	int p[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	NEED0(pthread_create(&t, NULL, reader, &p[1]));
	for (int i = 0; i < 300; i++) {
		size_t len = rnd(&state) % 60000 + 1;

		for (size_t k = 0; k < len; k++)
			buf[k] = (char)(k * 7 + (size_t)i);
		h = sum(buf, len, h);
		if (write(p[0], buf, len) != (long)len)
			SAY("short write %s", errname(errno));
	}
	close(p[0]);
	pthread_join(t, NULL);
	SAY("sum %x", h);
	close(p[1]);
}

static void broken(int signo, siginfo_t *si, void *uc)
{
	(void)si;
	(void)uc;
	SAY("signal %d", signo);
}

static void pipes(void)
{
	int p[2];

	on(SIGPIPE, broken, 0);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	close(p[0]);
	SHOW(write(p[1], "x", 1));
	SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
	close(p[1]);
	off(SIGPIPE);
}

static void edges(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET |
					   EPOLLRDHUP };
	int p[2], ep = epoll_create1(0), n = 0;

	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	SHOW(epoll_wait(ep, &e, 1, 0));
	SAY("%x", e.events);
	SHOW(epoll_wait(ep, &e, 1, 0));
	while (write(p[0], buf, 65536) > 0)
		n++;
	YES(n >= 1 && errno == EAGAIN);
	SHOW(epoll_wait(ep, &e, 1, 0));
	while (read(p[1], buf, sizeof(buf)) > 0)
		;
	SHOW(epoll_wait(ep, &e, 1, 0));
	SAY("%x", e.events);
	SHOW(write(p[1], "x", 1));
	SHOW(epoll_wait(ep, &e, 1, 0));
	SAY("%x", e.events);
	SHOW(epoll_wait(ep, &e, 1, 0));
	SHOW(write(p[1], "x", 1));
	SHOW(epoll_wait(ep, &e, 1, 0));
	SHOW(shutdown(p[1], SHUT_WR));
	SHOW(epoll_wait(ep, &e, 1, 0));
	SAY("%x", e.events);
	close(p[1]);
	SHOW(epoll_wait(ep, &e, 1, 0));
	SAY("%x", e.events);
	close(p[0]);
	SHOW(epoll_wait(ep, &e, 1, 0));
	close(ep);
}

static void timeouts(void)
{
	struct timeval tv = { 0, 20000 }, got = { 0 };
	socklen_t len = sizeof(got);
	int p[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(getsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	SAY("%u %ld %ld", len, (long)got.tv_sec, (long)got.tv_usec);
	SHOW(read(p[0], buf, 1));
	SHOW(write(p[1], "ab", 2));
	SHOW(recv(p[0], buf, 10, MSG_WAITALL));
	tv.tv_usec = 1000000;
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	tv = (struct timeval){ 0, 10000 };
	SHOW(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	while (write(p[0], buf, 65536) > 0)
		;
	SAY("%s", errname(errno));
	close(p[0]);
	close(p[1]);
}

static void paths(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct stat st;
	int l, c, s;

	enter_dir();
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(bind(l, (void *)&a, sizeof(a)));
	show_name(l, getsockname);
	SHOW(stat("sock", &st));
	YES(S_ISSOCK(st.st_mode));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(listen(l, 3));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW((s = accept(l, NULL, NULL)) >= 0);
	SHOW(write(c, "hi", 2));
	SHOW(read(s, buf, 3));
	close(s);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(bind(c, (void *)&a, sizeof(a)));
	close(l);
	SHOW(bind(c, (void *)&a, sizeof(a)));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(unlink("sock"));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(bind(c, (void *)&a, sizeof(a)));
	SHOW(unlink("sock"));
	SHOW(creat("sock", 0600) >= 0);
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(connect(l, (void *)&a, sizeof(a)));
	SHOW(open("sock", O_RDWR) >= 0);
	strcpy(a.sun_path, "no/such");
	SHOW(bind(l, (void *)&a, sizeof(a)));
	close(l);
	close(c);
	leave_dir();
}

MAIN(CASE(making), CASE(pairs), CASE(listening), CASE(datagrams), CASE(records),
     CASE(passing), CASE(credentials), CASE(edges), CASE(timeouts),
     CASE(streaming), CASE(pipes), CASE(paths))
