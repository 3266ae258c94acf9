/* socket.c: sockets as files, their lives, and waiting for them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket.h"

#include "kernel/clock.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/errno.h"
#include "linux/file.h"
#include "net/message.h"

#define FIONREAD   0x541bu
#define TIOCOUTQ   0x5411u
#define SIOCATMARK 0x8905u

#define BUFFER_DEFAULT 212992u

static const struct file_ops socket_file_ops;

/* --- lives ------------------------------------------------------------------ */

struct socket *socket_new(const struct socket_ops *ops, uint16_t family,
			  uint8_t type, int protocol)
{
	struct socket *s = kmem_alloc(ops->size);

	if (!s)
		return NULL;
	s->ops = ops;
	s->refs = 1;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->rcv_max = s->snd_max = BUFFER_DEFAULT;
	return s;
}

struct socket *socket_new_child(const struct socket *listener)
{
	struct socket *s = socket_new(listener->ops, listener->family,
				      listener->type, listener->protocol);

	if (!s)
		return NULL;
	s->state = SOCKET_CONNECTED;
	s->rcv_max = listener->rcv_max;
	s->snd_max = listener->snd_max;
	s->rcv_timeout_ns = listener->rcv_timeout_ns;
	s->snd_timeout_ns = listener->snd_timeout_ns;
	s->flags = listener->flags;
	s->linger_s = listener->linger_s;
	s->priority = listener->priority;
	s->mark = listener->mark;
	return s;
}

struct socket *socket_get(struct socket *s)
{
	s->refs++;
	return s;
}

void socket_put(struct socket *s)
{
	if (--s->refs)
		return;
	message_drop_all(&s->rcv);
	if (s->ops->free)
		s->ops->free(s);
	kmem_free(s, s->ops->size);
}

/* Nobody has it open any more. */
static void close_socket(struct socket *s)
{
	s->file = NULL;
	if (s->state == SOCKET_LISTENS)
		socket_drop_waiting(s);
	s->ops->close(s);
	s->shut = SHUT_BOTH;
	socket_put(s);
}

/* --- waiting ---------------------------------------------------------------- */

int socket_wait(struct socket *s, uint64_t until_ns)
{
	int rc;

	if (!until_ns)
		return -LINUX_EAGAIN;
	rc = waitq_sleep(&s->queue, until_ns);
	if (rc == -LINUX_ETIMEDOUT)
		return -LINUX_EAGAIN;
	return rc && until_ns != WAIT_FOREVER ? -LINUX_EINTR : rc;
}

uint64_t socket_until(const struct socket *s, uint64_t timeout_ns,
		      bool dontwait)
{
	if (dontwait || (s->file->flags & O_NONBLOCK))
		return 0;
	return timeout_ns ? clock_now() + timeout_ns : WAIT_FOREVER;
}

void socket_wake(struct socket *s, unsigned events)
{
	waitq_wake(&s->queue, events);
}

int socket_take_error(struct socket *s)
{
	int error = s->error;

	s->error = 0;
	return -error;
}

void socket_fail(struct socket *s, int error)
{
	s->error = error;
	s->shut = SHUT_BOTH;
	socket_wake(s, WAKE_ANY);
}

/* --- listeners -------------------------------------------------------------- */

void socket_enqueue(struct socket *listener, struct socket *child)
{
	child->listener = listener;
	child->next = NULL;
	if (listener->last)
		listener->last->next = child;
	else
		listener->first = child;
	listener->last = child;
	listener->n_waiting++;
	socket_wake(listener, POLL_READABLE);
}

static struct socket *dequeue(struct socket *listener)
{
	struct socket *s = listener->first;

	listener->first = s->next;
	if (!s->next)
		listener->last = NULL;
	listener->n_waiting--;
	s->next = NULL;
	return s;
}

void socket_drop_waiting(struct socket *listener)
{
	while (listener->first)
		close_socket(dequeue(listener));
}

int socket_accept(struct socket *listener, uint64_t until_ns,
		  struct socket **ret)
{
	for (;;) {
		int rc;

		if (listener->state != SOCKET_LISTENS)
			return -LINUX_EINVAL;
		if (listener->first)
			break;
		rc = socket_wait(listener, until_ns);
		if (rc)
			return rc;
	}
	*ret = dequeue(listener);
	(*ret)->listener = NULL;
	if (listener->ops->accepted)
		listener->ops->accepted(listener, *ret);
	return 0;
}

/* --- files ------------------------------------------------------------------ */

struct socket *socket_of(const struct file *f)
{
	return f->ops == &socket_file_ops ? f->data : NULL;
}

int64_t socket_install(struct socket *s, uint32_t flags)
{
	struct file *f =
		file_new(&socket_file_ops, O_RDWR | (flags & O_NONBLOCK), s);

	if (!f) {
		close_socket(s);
		return -LINUX_ENOMEM;
	}
	s->file = f;
	return fd_return(f, flags & O_CLOEXEC);
}

struct socket *socket_hold(uint64_t fd, int64_t *ret_error)
{
	struct file *f = fd_hold(fd);
	struct socket *s = f ? socket_of(f) : NULL;

	if (!f)
		*ret_error = -LINUX_EBADF;
	else if (f->flags & O_PATH)
		*ret_error = -LINUX_EBADF;
	else if (!s)
		*ret_error = -LINUX_ENOTSOCK;
	if (f && !s)
		file_put(f);
	return s;
}

static int64_t transfer(struct file *f, struct io *io, bool send)
{
	struct socket *s = f->data;
	struct message m = { .io = *io };
	int64_t rc;

	/* Nothing to read: nothing is waited for. An empty datagram is one. */
	if (!io->left && (!send || s->type == SOCK_STREAM))
		return 0;
	rc = send ? message_send(s, &m) : message_receive(s, &m);
	rights_free(m.rights); /* nobody asked for them */
	*io = m.io;
	return rc;
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	(void)pos;
	return transfer(f, io, false);
}

static int64_t write(struct file *f, struct io *io, uint64_t *pos)
{
	(void)pos;
	return transfer(f, io, true);
}

static unsigned poll(struct file *f)
{
	struct socket *s = f->data;

	return s->ops->poll(s);
}

static struct waitq *queue(struct file *f)
{
	return &((struct socket *)f->data)->queue;
}

/* All bytes, but of datagrams the first one's. */
static uint32_t readable(const struct socket *s)
{
	if (s->type != SOCK_DGRAM)
		return (uint32_t)s->rcv.len;
	return s->rcv.first ? s->rcv.first->len : 0;
}

static int64_t ioctl(struct file *f, uint32_t request, uint64_t arg)
{
	struct socket *s = f->data;
	uint32_t value = 0;

	switch (request) {
	case FIONREAD:
		if (s->state == SOCKET_LISTENS)
			return -LINUX_EINVAL;
		value = readable(s);
		break;
	case TIOCOUTQ:
		if (s->peer && s->type == SOCK_STREAM)
			value = readable(s->peer);
		break;
	case SIOCATMARK:
		break;
	default:
		return s->ops->ioctl ? s->ops->ioctl(s, request, arg)
				     : interface_ioctl(request, arg);
	}
	return user_write(arg, &value, sizeof(value));
}

static int stat(struct file *f, struct linux_stat *ret)
{
	*ret = (struct linux_stat){ .dev = 8,
				    .ino = (uintptr_t)f->data / 32 & 0xffffffff,
				    .nlink = 1,
				    .mode = S_IFSOCK | 0777,
				    .blksize = PAGE_LEN };
	return 0;
}

static void release(struct file *f)
{
	close_socket(f->data);
}

static const struct file_ops socket_file_ops = { .read = read,
						 .write = write,
						 .poll = poll,
						 .queue = queue,
						 .ioctl = ioctl,
						 .stat = stat,
						 .release = release };
