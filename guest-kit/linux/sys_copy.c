/* sys_copy.c: bytes from one file to another. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/inode.h"
#include "kernel/kmem.h"
#include "kernel/user.h"
#include "linux/calls.h"
#include "linux/errno.h"
#include "linux/file.h"

#define BUF_LEN (64u << 10)

/* From `in` at *in_pos to `out` at *out_pos, both moved on by what was
 * written. */
static int64_t copy(struct file *out, uint64_t *out_pos, struct file *in,
		    uint64_t *in_pos, uint64_t len)
{
	uint64_t room = BUF_LEN, done = 0;
	uint8_t *buf = kmem_alloc(room);
	int64_t n = 0;

	if (!buf) {
		room = PAGE_LEN;
		buf = kmem_alloc(room);
	}
	if (!buf)
		return -LINUX_ENOMEM;
	len = min_u64(len, IO_LEN_MAX);
	while (done < len) {
		uint64_t at = *in_pos, got;
		struct io io;

		io_kernel(&io, buf, min_u64(room, len - done));
		n = file_read(in, &io, &at);
		if (n <= 0)
			break;
		got = (uint64_t)n;
		io_kernel(&io, buf, got);
		n = file_write(out, &io, out_pos);
		if (n <= 0)
			break;
		*in_pos += (uint64_t)n;
		done += (uint64_t)n;
		if ((uint64_t)n < got)
			break;
	}
	kmem_free(buf, room);
	return done ? (int64_t)done : n;
}

static bool is_regular(const struct file *f)
{
	return f->node && inode_is(f->node, S_IFREG);
}

static int64_t send(struct file *out, struct file *in, uint64_t *pos,
		    uint64_t len)
{
	if ((in->flags & O_ACCMODE) == O_WRONLY ||
	    (out->flags & O_ACCMODE) == O_RDONLY)
		return -LINUX_EBADF;
	/* What can be read twice at one place */
	if (!in->node || !in->ops->seek ||
	    !(inode_is(in->node, S_IFREG) || inode_is(in->node, S_IFBLK) ||
	      inode_is(in->node, S_IFCHR)))
		return pos != &in->pos && !in->ops->seek ? -LINUX_ESPIPE
							 : -LINUX_EINVAL;
	if (out->flags & O_APPEND)
		return -LINUX_EINVAL;
	return copy(out, &out->pos, in, pos, len);
}

int64_t sys_sendfile(struct regs *r)
{
	struct file *out = fd_hold(ARG1(r)), *in = fd_hold(ARG2(r));
	uint64_t pos = 0;
	int64_t rc = 0;

	if (!in || !out)
		rc = -LINUX_EBADF;
	else if (ARG3(r) && user_read(&pos, ARG3(r), sizeof(pos)))
		rc = -LINUX_EFAULT;
	else if ((int64_t)pos < 0)
		rc = -LINUX_EINVAL;
	else
		rc = send(out, in, ARG3(r) ? &pos : &in->pos, ARG4(r));
	if (rc >= 0 && ARG3(r) && user_write(ARG3(r), &pos, sizeof(pos)))
		rc = -LINUX_EFAULT;
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return rc;
}

struct place {
	struct file *f;
	uint64_t gva; /* of a position, or 0: the file's */
	uint64_t pos;
};

static int64_t copy_range(struct place *in, struct place *out, uint64_t len)
{
	uint64_t *in_pos = in->gva ? &in->pos : &in->f->pos;
	uint64_t *out_pos = out->gva ? &out->pos : &out->f->pos;

	if (!is_regular(in->f) || !is_regular(out->f))
		return (in->f->node && inode_is(in->f->node, S_IFDIR)) ||
				       (out->f->node &&
					inode_is(out->f->node, S_IFDIR))
			       ? -LINUX_EISDIR
			       : -LINUX_EINVAL;
	if ((in->f->flags & O_ACCMODE) == O_WRONLY ||
	    (out->f->flags & O_ACCMODE) == O_RDONLY ||
	    (out->f->flags & O_APPEND))
		return -LINUX_EBADF;
	if (*in_pos > INT64_MAX || *out_pos > INT64_MAX)
		return -LINUX_EINVAL;
	if (*in_pos >= inode_size(in->f->node))
		return 0;
	len = min_u64(len, inode_size(in->f->node) - *in_pos);
	if (in->f->node == out->f->node && *in_pos < *out_pos + len &&
	    *out_pos < *in_pos + len)
		return -LINUX_EINVAL;
	return copy(out->f, out_pos, in->f, in_pos, len);
}

static int64_t read_place(struct place *p, uint64_t fd, uint64_t gva)
{
	*p = (struct place){ .f = fd_hold(fd), .gva = gva };
	if (!p->f)
		return -LINUX_EBADF;
	return gva ? user_read(&p->pos, gva, sizeof(p->pos)) : 0;
}

static int64_t end_place(struct place *p, int64_t rc)
{
	if (rc >= 0 && p->gva && user_write(p->gva, &p->pos, sizeof(p->pos)))
		rc = -LINUX_EFAULT;
	if (p->f)
		file_put(p->f);
	return rc;
}

int64_t sys_copy_file_range(struct regs *r)
{
	struct place in, out;
	int64_t rc = read_place(&in, ARG1(r), ARG2(r));
	int64_t rc2 = read_place(&out, ARG3(r), ARG4(r));

	rc = rc ? rc : rc2;
	if (!rc && (uint32_t)ARG6(r))
		rc = -LINUX_EINVAL;
	if (!rc)
		rc = copy_range(&in, &out, min_u64(ARG5(r), IO_LEN_MAX));
	rc = end_place(&in, rc);
	return end_place(&out, rc);
}
