/* sys_socket.c: system calls that make, name and connect sockets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/address.h"
#include "net/message.h"
#include "net/socket.h"

#define TYPE_MASK 15u

#define SOMAXCONN 4096u

int address_read(struct sockaddr *ret, uint64_t gva, uint32_t len)
{
	*ret = (struct sockaddr){ 0 };
	if (len > sizeof(*ret))
		return -LINUX_EINVAL;
	return user_read(ret, gva, len);
}

int address_write(uint64_t gva, uint64_t gva_len, const struct sockaddr *a,
		  uint32_t len)
{
	int32_t room;

	if (user_read(&room, gva_len, sizeof(room)))
		return -LINUX_EFAULT;
	if (room < 0)
		return -LINUX_EINVAL;
	if (user_write(gva, a, min_u64((uint32_t)room, len)))
		return -LINUX_EFAULT;
	return user_write(gva_len, &len, sizeof(len));
}

static int64_t create(struct regs *r, struct socket **ret)
{
	const unsigned type = (uint32_t)ARG2(r) & TYPE_MASK;
	const int protocol = (int)ARG3(r);

	if ((uint32_t)ARG2(r) & ~(TYPE_MASK | O_NONBLOCK | O_CLOEXEC))
		return -LINUX_EINVAL;
	switch ((int)ARG1(r)) {
	case AF_UNIX:
		return unix_new(type, protocol, ret);
	case AF_NETLINK:
		return netlink_new(type, protocol, ret);
	case AF_VSOCK:
		return vsock_new(type, protocol, ret);
	case AF_INET:
	case AF_INET6:
		return inet_new((uint16_t)ARG1(r), type, protocol, ret);
	default:
		return -LINUX_EAFNOSUPPORT;
	}
}

int64_t sys_socket(struct regs *r)
{
	struct socket *s;
	int64_t rc = create(r, &s);

	return rc ? rc : socket_install(s, (uint32_t)ARG2(r));
}

int64_t sys_socketpair(struct regs *r)
{
	struct socket *s[2];
	int64_t rc = create(r, &s[0]);
	int32_t fd[2];

	if (rc)
		return rc;
	rc = s[0]->family == AF_UNIX ? create(r, &s[1]) : -LINUX_EOPNOTSUPP;
	if (rc) {
		socket_put(s[0]);
		return rc;
	}
	unix_join(s[0], s[1]);
	rc = socket_install(s[0], (uint32_t)ARG2(r));
	fd[0] = (int32_t)rc;
	if (rc < 0) {
		socket_put(s[1]);
		return rc;
	}
	rc = socket_install(s[1], (uint32_t)ARG2(r));
	fd[1] = (int32_t)rc;
	if (rc >= 0) {
		rc = user_write(ARG4(r), fd, sizeof(fd));
		if (!rc)
			return 0;
		fd_close((uint32_t)fd[1]);
	}
	fd_close((uint32_t)fd[0]);
	return rc;
}

typedef int64_t address_fn(struct socket *s, const struct sockaddr *a,
			   uint32_t len);

static int64_t with_address(struct regs *r, address_fn *fn)
{
	struct sockaddr a;
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = address_read(&a, ARG2(r), (uint32_t)ARG3(r));
	if (!rc)
		rc = fn(s, &a, (uint32_t)ARG3(r));
	file_put(s->file);
	return rc;
}

static int64_t bind(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	return s->ops->bind ? s->ops->bind(s, a, len) : -LINUX_EOPNOTSUPP;
}

static int64_t connect(struct socket *s, const struct sockaddr *a, uint32_t len)
{
	if (!s->ops->connect)
		return -LINUX_EOPNOTSUPP;
	return s->ops->connect(s, a, len,
			       socket_until(s, s->snd_timeout_ns, false));
}

int64_t sys_bind(struct regs *r)
{
	return with_address(r, bind);
}

int64_t sys_connect(struct regs *r)
{
	return with_address(r, connect);
}

int64_t sys_listen(struct regs *r)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = -LINUX_EOPNOTSUPP;
	if (s->ops->listen) {
		s->backlog = (uint32_t)min_u64((uint32_t)ARG2(r), SOMAXCONN);
		rc = s->ops->listen(s);
	}
	file_put(s->file);
	return rc;
}

static int64_t accept(struct socket *s, struct regs *r, uint32_t flags)
{
	struct socket *child;
	struct sockaddr a = { 0 };
	uint32_t len = 0;
	int64_t fd, rc;

	if (flags & ~(O_NONBLOCK | O_CLOEXEC))
		return -LINUX_EINVAL;
	if (!s->ops->listen)
		return -LINUX_EOPNOTSUPP;
	if (!fd_room()) /* who waits stays where it is */
		return -LINUX_EMFILE;
	rc = socket_accept(s, socket_until(s, s->rcv_timeout_ns, false),
			   &child);
	if (rc)
		return rc;
	if (ARG2(r) && child->ops->name(child, true, &a, &len))
		a.family = child->family; /* it has gone since */
	fd = socket_install(child, flags);
	if (fd < 0 || !ARG2(r))
		return fd;
	rc = address_write(ARG2(r), ARG3(r), &a, len);
	if (rc)
		fd_close((uint64_t)fd);
	return rc ? rc : fd;
}

static int64_t accept_on(struct regs *r, uint32_t flags)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = accept(s, r, flags);
	file_put(s->file);
	return rc;
}

int64_t sys_accept(struct regs *r)
{
	return accept_on(r, 0);
}

int64_t sys_accept4(struct regs *r)
{
	return accept_on(r, (uint32_t)ARG4(r));
}

static int64_t name(struct regs *r, bool peer)
{
	struct sockaddr a = { 0 };
	uint32_t len = 0;
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = s->ops->name(s, peer, &a, &len);
	if (!rc)
		rc = address_write(ARG2(r), ARG3(r), &a, len);
	file_put(s->file);
	return rc;
}

int64_t sys_getsockname(struct regs *r)
{
	return name(r, false);
}

int64_t sys_getpeername(struct regs *r)
{
	return name(r, true);
}

int64_t sys_shutdown(struct regs *r)
{
	const uint32_t how = (uint32_t)ARG2(r);
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	/* SHUT_RD, SHUT_WR, SHUT_RDWR: one less than the bits */
	rc = how > 2 ? -LINUX_EINVAL : s->ops->shutdown(s, how + 1);
	file_put(s->file);
	return rc;
}
