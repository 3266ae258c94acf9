/* sys_splice.c: splice, tee and vmsplice. Nothing is shared: bytes are
 * copied, through a buffer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fifo.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

#define SPLICE_F_MOVE     1u
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_MORE     4u
#define SPLICE_F_GIFT     8u
#define SPLICE_F_ALL      15u

#define BUF_LEN (16u << 10)

/* One side of a splice. */
struct side {
	struct file *f;
	uint64_t gva; /* of a position, or 0 */
	uint64_t at;
	uint64_t *pos;
};

/* Once: what is there, as far as there is room; the bytes of a pipe leave it
 * when they have been written. */
static int64_t move_once(struct side *in, struct side *out, uint8_t *buf,
			 uint64_t len, bool wait)
{
	uint64_t from = *in->pos;
	struct io io;
	int64_t n, done;

	len = min_u64(len, BUF_LEN);
	if (fifo_is(out->f)) {
		n = fifo_room(out->f, wait);
		if (n < 0)
			return n;
		len = min_u64(len, (uint64_t)n);
	}
	io_kernel(&io, buf, len);
	n = fifo_is(in->f) ? fifo_peek(in->f, buf, len, wait)
			   : file_read(in->f, &io, &from);
	if (n <= 0)
		return n;
	io_kernel(&io, buf, (uint64_t)n);
	done = file_write(out->f, &io, out->pos);
	if (done > 0 && fifo_is(in->f))
		fifo_skip(in->f, (uint64_t)done);
	else if (done > 0)
		*in->pos += (uint64_t)done;
	return done;
}

static int64_t move(struct side *in, struct side *out, uint64_t len, bool wait)
{
	uint8_t *buf = kmem_alloc(BUF_LEN);
	int64_t done = 0, n = 0;

	if (!buf)
		return -LINUX_ENOMEM;
	/* What comes at once; later rounds do not wait for more. */
	while (len && (n = move_once(in, out, buf, len, wait && !done)) > 0) {
		done += n;
		len -= (uint64_t)n;
		if (fifo_is(in->f) == fifo_is(out->f) || (uint64_t)n < BUF_LEN)
			break;
	}
	kmem_free(buf, BUF_LEN);
	return done ? done : n;
}

static int64_t check_side(const struct side *s)
{
	if (fifo_is(s->f))
		return s->gva ? -LINUX_ESPIPE : 0;
	if (s->gva && !s->f->ops->seek)
		return -LINUX_EINVAL;
	return (int64_t)*s->pos < 0 ? -LINUX_EINVAL : 0;
}

static bool may_read(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static int64_t check(const struct side *in, const struct side *out)
{
	int64_t rc;

	if (!may_read(in->f) || !may_write(out->f))
		return -LINUX_EBADF;
	if (!fifo_is(in->f) && !fifo_is(out->f))
		return -LINUX_EINVAL;
	rc = check_side(in);
	if (!rc)
		rc = check_side(out);
	if (!rc && fifo_is(in->f) && in->f->node == out->f->node)
		rc = -LINUX_EINVAL;
	if (!rc && (out->f->flags & O_APPEND))
		rc = -LINUX_EINVAL;
	return rc;
}

static int64_t open_side(struct side *s, uint64_t fd, uint64_t gva)
{
	*s = (struct side){ .f = fd_hold(fd), .gva = gva };
	if (!s->f)
		return -LINUX_EBADF;
	s->pos = gva ? &s->at : &s->f->pos;
	return gva ? user_read(&s->at, gva, sizeof(s->at)) : 0;
}

static int64_t close_side(struct side *s, int64_t rc)
{
	if (rc > 0 && s->gva && user_write(s->gva, &s->at, sizeof(s->at)))
		rc = -LINUX_EFAULT;
	if (s->f)
		file_put(s->f);
	return rc;
}

int64_t sys_splice(struct regs *r)
{
	uint32_t flags = (uint32_t)ARG6(r);
	struct side in, out;
	int64_t rc, rc2;

	if (!ARG5(r))
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -LINUX_EINVAL;
	rc = open_side(&in, ARG1(r), ARG2(r));
	rc2 = open_side(&out, ARG3(r), ARG4(r));
	rc = rc ? rc : rc2;
	if (!rc)
		rc = check(&in, &out);
	if (!rc)
		rc = move(&in, &out, ARG5(r), !(flags & SPLICE_F_NONBLOCK));
	rc = close_side(&in, rc);
	return close_side(&out, rc);
}

/* From one pipe to another, which it also stays in. */
static int64_t copy(struct file *in, struct file *out, uint64_t len, bool wait)
{
	uint8_t *buf;
	struct io io;
	uint64_t none;
	int64_t n;

	if (!may_read(in) || !may_write(out))
		return -LINUX_EBADF;
	if (!fifo_is(in) || !fifo_is(out) || in->node == out->node)
		return -LINUX_EINVAL;
	n = fifo_room(out, wait);
	if (n < 0)
		return n;
	len = min_u64(min_u64(len, (uint64_t)n), BUF_LEN);
	buf = kmem_alloc(BUF_LEN);
	if (!buf)
		return -LINUX_ENOMEM;
	n = fifo_peek(in, buf, len, wait);
	if (n > 0) {
		io_kernel(&io, buf, (uint64_t)n);
		n = file_write(out, &io, &none);
	}
	kmem_free(buf, BUF_LEN);
	return n;
}

int64_t sys_tee(struct regs *r)
{
	uint32_t flags = (uint32_t)ARG4(r);
	struct file *in, *out;
	int64_t rc = -LINUX_EBADF;

	if (flags & ~SPLICE_F_ALL)
		return -LINUX_EINVAL;
	if (!ARG3(r))
		return 0;
	in = fd_hold(ARG1(r));
	out = fd_hold(ARG2(r));
	if (in && out)
		rc = copy(in, out, ARG3(r), !(flags & SPLICE_F_NONBLOCK));
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return rc;
}

/* The program's pages are copied: as readv or writev of a pipe. */
int64_t sys_vmsplice(struct regs *r)
{
	struct file *f = fd_hold(ARG1(r));
	bool pipe = f && fifo_is(f), writes = f && may_write(f);

	if (f)
		file_put(f);
	if (!f || !pipe)
		return -LINUX_EBADF;
	if ((uint32_t)ARG4(r) & ~SPLICE_F_ALL)
		return -LINUX_EINVAL;
	return writes ? sys_writev(r) : sys_readv(r);
}
