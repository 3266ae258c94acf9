/* sys_message.c: system calls that send and receive messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "lib/string.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "linux/process.h"
#include "linux/signal.h"
#include "linux/time.h"
#include "net/address.h"
#include "net/message.h"
#include "net/socket.h"

#define SOL_SOCKET      1
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2

#define CONTROL_MAX 4096 /* of what is sent */

struct msghdr {
	uint64_t name;
	uint32_t name_len, pad;
	uint64_t iov, iov_len;
	uint64_t control, control_len;
	uint32_t flags, pad2;
};

struct mmsghdr {
	struct msghdr hdr;
	uint32_t len, pad;
};

struct cmsghdr {
	uint64_t len;
	int32_t level, type;
};

_Static_assert(sizeof(struct msghdr) == 56, "ABI");
_Static_assert(sizeof(struct mmsghdr) == 64, "ABI");
_Static_assert(sizeof(struct cmsghdr) == 16, "ABI");

static uint64_t cmsg_space(uint64_t len)
{
	return (len + 7) & ~7ull;
}

/* --- sending and receiving --------------------------------------------------- */

int64_t message_send(struct socket *s, struct message *m)
{
	uint64_t until =
		socket_until(s, s->snd_timeout_ns, m->flags & MSG_DONTWAIT);
	int64_t rc;

	if (m->flags & MSG_OOB)
		return -LINUX_EOPNOTSUPP;
	rc = s->ops->send(s, m, until);
	if (rc == -LINUX_EPIPE && s->type == SOCK_STREAM &&
	    !(m->flags & MSG_NOSIGNAL))
		signal_send_current(LINUX_SIGPIPE);
	return rc;
}

int64_t message_receive(struct socket *s, struct message *m)
{
	uint64_t until =
		socket_until(s, s->rcv_timeout_ns, m->flags & MSG_DONTWAIT);
	int64_t rc;

	if (m->flags & MSG_OOB)
		rc = s->family == AF_UNIX ? -LINUX_EOPNOTSUPP : -LINUX_EINVAL;
	else if (m->flags & MSG_ERRQUEUE)
		rc = -LINUX_EAGAIN; /* nothing is ever queued there */
	else
		rc = s->ops->receive(s, m, until);
	return rc;
}

int64_t sys_sendto(struct regs *r)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);
	struct message m = { .flags = (uint32_t)ARG4(r) };

	if (!s)
		return rc;
	io_user(&m.io, ARG2(r), ARG3(r));
	rc = ARG5(r) ? address_read(&m.addr, ARG5(r), (uint32_t)ARG6(r)) : 0;
	if (!rc && ARG5(r))
		m.addr_len = (uint32_t)ARG6(r);
	if (!rc)
		rc = message_send(s, &m);
	file_put(s->file);
	return rc;
}

int64_t sys_recvfrom(struct regs *r)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);
	struct message m = { .flags = (uint32_t)ARG4(r) };

	if (!s)
		return rc;
	io_user(&m.io, ARG2(r), ARG3(r));
	rc = message_receive(s, &m);
	rights_free(m.rights);
	if (rc >= 0 && ARG5(r)) {
		int error =
			address_write(ARG5(r), ARG6(r), &m.addr, m.addr_len);

		rc = error ? error : rc;
	}
	file_put(s->file);
	return rc;
}

/* --- what goes with the bytes ------------------------------------------------ */

static int64_t read_rights(struct message *m, const uint8_t *data, uint64_t len)
{
	unsigned n = (unsigned)(len / 4);

	if (m->rights || n > RIGHTS_MAX)
		return -LINUX_EINVAL;
	if (!n)
		return 0;
	m->rights = rights_new(n);
	if (!m->rights)
		return -LINUX_ETOOMANYREFS;
	for (unsigned i = 0; i < n; i++) {
		struct file *f;
		int32_t fd;

		memcpy(&fd, data + 4ull * i, sizeof(fd));
		f = fd < 0 ? NULL : fd_hold((uint32_t)fd);
		if (!f)
			return -LINUX_EBADF;
		m->rights->file[m->rights->n++] = f;
	}
	return 0;
}

static int64_t read_credentials(struct message *m, const uint8_t *data,
				uint64_t len)
{
	if (len != sizeof(m->creds))
		return -LINUX_EINVAL;
	memcpy(&m->creds, data, sizeof(m->creds));
	m->has_creds = true;
	return m->creds.pid == PROCESS_PID ? 0 : -LINUX_ESRCH;
}

/* What is sent along; other families' own things are not looked at. */
static int64_t parse_control(struct message *m, const uint8_t *control,
			     uint64_t len)
{
	struct cmsghdr h;
	int64_t rc = 0;

	for (uint64_t off = 0; !rc && len - off >= sizeof(h);) {
		const uint8_t *data = control + off + sizeof(h);

		memcpy(&h, control + off, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - off)
			return -LINUX_EINVAL;
		if (h.level == SOL_SOCKET && h.type == SCM_RIGHTS)
			rc = read_rights(m, data, h.len - sizeof(h));
		else if (h.level == SOL_SOCKET && h.type == SCM_CREDENTIALS)
			rc = read_credentials(m, data, h.len - sizeof(h));
		else if (h.level == SOL_SOCKET)
			rc = -LINUX_EINVAL;
		off += min_u64(cmsg_space(h.len), len - off);
	}
	return rc;
}

static int64_t read_control(struct message *m, const struct msghdr *h)
{
	uint8_t *control;
	int64_t rc;

	if (!h->control_len)
		return 0;
	if (h->control_len > CONTROL_MAX)
		return -LINUX_ENOBUFS;
	control = kmem_alloc(h->control_len);
	if (!control)
		return -LINUX_ENOBUFS;
	rc = user_read(control, h->control, h->control_len);
	if (!rc)
		rc = parse_control(m, control, h->control_len);
	kmem_free(control, h->control_len);
	return rc;
}

/* One message behind another in the caller's buffer; *left shrinks. */
static bool put_control(uint64_t *gva, uint64_t *left, int type,
			const void *data, uint64_t len)
{
	const struct cmsghdr h = { sizeof(h) + len, SOL_SOCKET, type };
	uint64_t space = min_u64(cmsg_space(h.len), *left);

	if (h.len > *left || user_write(*gva, &h, sizeof(h)) ||
	    user_write(*gva + sizeof(h), data, len))
		return false;
	*gva += space;
	*left -= space;
	return true;
}

/* Descriptors for the files, as many as there is room for; the others are
 * closed. */
static bool put_rights(struct message *m, uint64_t *gva, uint64_t *left)
{
	uint64_t room = *left > sizeof(struct cmsghdr)
				? (*left - sizeof(struct cmsghdr)) / 4
				: 0;
	int32_t fds[RIGHTS_MAX];
	unsigned n = 0;

	while (n < m->rights->n && n < room) {
		int64_t fd = fd_install(file_get(m->rights->file[n]), 0,
					m->flags & MSG_CMSG_CLOEXEC);

		if (fd < 0) {
			file_put(m->rights->file[n]);
			break;
		}
		fds[n++] = (int32_t)fd;
	}
	return (!n || put_control(gva, left, SCM_RIGHTS, fds, n * 4ull)) &&
	       n == m->rights->n;
}

/* How much of the caller's control buffer was used. */
static uint64_t write_control(const struct socket *s, struct message *m,
			      const struct msghdr *h)
{
	const struct ucred self = { PROCESS_PID, 0, 0 };
	uint64_t gva = h->control, left = h->control ? h->control_len : 0;

	if ((s->flags & SOCKET_PASSCRED) && s->family == AF_UNIX &&
	    !put_control(&gva, &left, SCM_CREDENTIALS,
			 m->has_creds ? &m->creds : &self, sizeof(self)))
		m->ret_flags |= MSG_CTRUNC;
	if (m->rights && !put_rights(m, &gva, &left))
		m->ret_flags |= MSG_CTRUNC;
	return gva - h->control;
}

/* --- sendmsg and recvmsg ----------------------------------------------------- */

struct vectors {
	struct io_vec few[8], *vec;
	uint64_t len;
};

static void vectors_free(struct vectors *v)
{
	if (v->vec != v->few)
		kmem_free(v->vec, v->len);
}

static int64_t read_header(struct msghdr *h, uint64_t gva, struct message *m,
			   struct vectors *v)
{
	int64_t rc = user_read(h, gva, sizeof(*h));

	if (rc)
		return rc;
	if (h->iov_len > IO_VECS_MAX)
		return -LINUX_EMSGSIZE;
	v->len = h->iov_len * sizeof(struct io_vec);
	if (h->iov_len > ARRAY_LEN(v->few))
		v->vec = kmem_alloc(v->len);
	if (!v->vec)
		return -LINUX_ENOMEM;
	rc = user_read(v->vec, h->iov, v->len);
	return rc ? rc : io_vectors(&m->io, v->vec, (unsigned)h->iov_len);
}

static int64_t send_one(struct socket *s, uint64_t gva, uint32_t flags)
{
	struct message m = { .flags = flags };
	struct vectors v = { .vec = v.few };
	struct msghdr h;
	int64_t rc = read_header(&h, gva, &m, &v);

	if (!rc && h.name && h.name_len) {
		m.addr_len = (uint32_t)min_u64(h.name_len, sizeof(m.addr));
		rc = (int32_t)h.name_len < 0
			     ? -LINUX_EINVAL
			     : address_read(&m.addr, h.name, m.addr_len);
	}
	if (!rc && s->family == AF_UNIX)
		rc = read_control(&m, &h);
	if (!rc)
		rc = message_send(s, &m);
	rights_free(m.rights);
	vectors_free(&v);
	return rc;
}

static int64_t write_header(struct socket *s, struct message *m,
			    const struct msghdr *h, uint64_t gva)
{
	uint64_t control_len = write_control(s, m, h);
	const uint64_t len_at = gva + offsetof(struct msghdr, name_len);
	int rc = 0;

	if (h->name)
		rc = address_write(h->name, len_at, &m->addr, m->addr_len);
	if (!rc)
		rc = user_write(gva + offsetof(struct msghdr, control_len),
				&control_len, sizeof(control_len));
	if (!rc)
		rc = user_write(gva + offsetof(struct msghdr, flags),
				&m->ret_flags, sizeof(m->ret_flags));
	return rc;
}

static int64_t receive_one(struct socket *s, uint64_t gva, uint32_t flags)
{
	struct message m = { .flags = flags };
	struct vectors v = { .vec = v.few };
	struct msghdr h;
	int64_t rc = read_header(&h, gva, &m, &v);

	if (!rc && h.name && (int32_t)h.name_len < 0)
		rc = -LINUX_EINVAL;
	if (!rc)
		rc = message_receive(s, &m);
	if (rc >= 0) {
		int64_t error;

		m.ret_flags |= flags & MSG_CMSG_CLOEXEC;
		error = write_header(s, &m, &h, gva);
		rc = error ? error : rc;
	}
	rights_free(m.rights);
	vectors_free(&v);
	return rc;
}

int64_t sys_sendmsg(struct regs *r)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = send_one(s, ARG2(r), (uint32_t)ARG3(r));
	file_put(s->file);
	return rc;
}

int64_t sys_recvmsg(struct regs *r)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = receive_one(s, ARG2(r), (uint32_t)ARG3(r));
	file_put(s->file);
	return rc;
}

typedef int64_t one_fn(struct socket *s, uint64_t gva, uint32_t flags);

/* Until one fails, n are done, or it is time; how many were. */
static int64_t several(struct socket *s, uint64_t gva, uint64_t n,
		       uint32_t flags, one_fn *one, uint64_t until_ns)
{
	int64_t done = 0, rc = 0;

	n = min_u64(n, IO_VECS_MAX);
	while ((uint64_t)done < n) {
		uint64_t at = gva + (uint64_t)done * sizeof(struct mmsghdr);
		uint32_t len;

		rc = one(s, at, flags & ~MSG_WAITFORONE);
		if (rc < 0)
			break;
		len = (uint32_t)rc;
		rc = user_write(at + offsetof(struct mmsghdr, len), &len,
				sizeof(len));
		if (rc)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (until_ns != WAIT_FOREVER && clock_now() >= until_ns)
			break;
	}
	return done ? done : rc;
}

int64_t sys_sendmmsg(struct regs *r)
{
	int64_t rc;
	struct socket *s = socket_hold(ARG1(r), &rc);

	if (!s)
		return rc;
	rc = several(s, ARG2(r), (uint32_t)ARG3(r), (uint32_t)ARG4(r), send_one,
		     WAIT_FOREVER);
	file_put(s->file);
	return rc;
}

int64_t sys_recvmmsg(struct regs *r)
{
	uint64_t until = WAIT_FOREVER, ns;
	int64_t rc = 0;
	struct socket *s;

	if (ARG5(r)) {
		rc = time_read_interval(ARG5(r), &ns);
		if (rc)
			return rc;
		until = clock_now() + ns;
	}
	s = socket_hold(ARG1(r), &rc);
	if (!s)
		return rc;
	rc = several(s, ARG2(r), (uint32_t)ARG3(r), (uint32_t)ARG4(r),
		     receive_one, until);
	file_put(s->file);
	return rc;
}
