/* text.c: growing text, and files that read it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/text.h"

#include "fs/inode.h"
#include "fs/node.h"
#include "fs/regular.h"
#include "kernel/kmem.h"
#include "lib/format.h"
#include "lib/string.h"
#include "linux/errno.h"

static bool grow(struct text *t, uint64_t len)
{
	uint64_t room = t->room ? t->room : 512;
	char *buf;

	while (room - t->len < len)
		room *= 2;
	buf = kmem_alloc(room);
	if (!buf) {
		t->failed = true;
		return false;
	}
	memcpy(buf, t->buf, t->len);
	kmem_free(t->buf, t->room);
	t->buf = buf;
	t->room = room;
	return true;
}

void text_bytes(struct text *t, const void *bytes, uint64_t len)
{
	if (t->failed || (t->room - t->len < len && !grow(t, len)))
		return;
	memcpy(t->buf + t->len, bytes, len);
	t->len += len;
}

void text_add(struct text *t, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	uint64_t len;

	va_start(ap, fmt);
	len = format_v(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_bytes(t, line, len);
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	const struct text *t = f->data;
	int64_t n;

	if (*pos >= t->len)
		return 0;
	n = io_put(io, t->buf + *pos, t->len - *pos);
	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

static int64_t write(struct file *f, struct io *io, uint64_t *pos)
{
	uint64_t len = io->left;

	(void)f;
	io->left = 0;
	*pos += len;
	return (int64_t)len;
}

static int64_t seek(struct file *f, int64_t off, unsigned whence)
{
	int64_t pos = -LINUX_EINVAL;

	if (whence == SEEK_SET || whence == SEEK_CUR)
		pos = file_seek(f->pos, 0, off, whence);
	if (pos >= 0)
		f->pos = (uint64_t)pos;
	return pos;
}

static void release(struct file *f)
{
	struct text *t = f->data;

	kmem_free(t->buf, t->room);
	kmem_free(t, sizeof(*t));
}

int text_open(struct file *f, struct text *t)
{
	static const struct file_ops ops = { .read = read,
					     .write = write,
					     .seek = seek,
					     .stat = node_stat,
					     .release = release };
	struct text *kept = kmem_alloc(sizeof(*kept));

	if (!kept || t->failed) {
		kmem_free(kept, sizeof(*kept));
		kmem_free(t->buf, t->room);
		return -LINUX_ENOMEM;
	}
	*kept = *t;
	f->data = kept;
	f->ops = &ops;
	return 0;
}
