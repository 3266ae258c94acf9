/* console_file.c: the standard streams: they look like pipes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/console_file.h"

#include "drivers/console.h"
#include "fs/node.h"
#include "kernel/page.h"
#include "linux/errno.h"
#include "linux/file.h"

static struct waitq input;

static void wake_input(void)
{
	waitq_wake(&input, POLL_READABLE);
}

static int64_t read_input(struct file *f, struct io *io, uint64_t *pos)
{
	uint8_t buf[512];
	int64_t done = 0;

	(void)pos;
	while (io->left) {
		int64_t n = console_read(buf, min_u64(io->left, sizeof(buf)));

		if (n > 0) {
			n = io_put(io, buf, (uint64_t)n);
			done += n;
		}
		if (n == -LINUX_EAGAIN && !done && !(f->flags & O_NONBLOCK)) {
			int rc = console_listen(wake_input)
					 ? 0
					 : waitq_sleep(&input, WAIT_FOREVER);

			if (rc)
				return rc;
			continue;
		}
		if (n <= 0)
			return done ? done : n;
		if ((uint64_t)n < sizeof(buf))
			break;
	}
	return done;
}

static enum console_stream stream_of(const struct file *f)
{
	return f->data ? CONSOLE_ERR : CONSOLE_OUT;
}

static struct lock writing;

static int64_t write_output(struct file *f, struct io *io, uint64_t *pos)
{
	uint8_t buf[512];
	int64_t done = 0, n = 0;

	(void)pos;
	lock_take(&writing); /* what one call writes stays together */
	while (io->left && (n = io_get(io, buf, sizeof(buf))) > 0) {
		console_write(stream_of(f), buf, (uint64_t)n);
		done += n;
	}
	lock_drop(&writing);
	if (done)
		console_push(stream_of(f));
	return done ? done : n;
}

static unsigned poll_input(struct file *f)
{
	(void)f;
	return console_readable() || console_listen(wake_input) ? POLL_READABLE
								: 0;
}

static unsigned poll_output(struct file *f)
{
	(void)f;
	return POLL_WRITABLE;
}

static struct waitq *queue(struct file *f)
{
	(void)f;
	return &input;
}

static int stat(struct file *f, struct linux_stat *ret)
{
	*ret = (struct linux_stat){
		.dev = 1,
		.ino = 1 + (f->flags & O_ACCMODE) + (f->data != NULL),
		.nlink = 1,
		.mode = S_IFIFO | 0600,
		.blksize = PAGE_LEN,
	};
	return 0;
}

static unsigned poll_both(struct file *f)
{
	return poll_input(f) | poll_output(f);
}

const struct file_ops *console_file_ops(void)
{
	static const struct file_ops both = { .read = read_input,
					      .write = write_output,
					      .poll = poll_both,
					      .queue = queue,
					      .stat = node_stat };

	return &both;
}

struct file *console_file(unsigned stream)
{
	static const struct file_ops in = { .read = read_input,
					    .poll = poll_input,
					    .queue = queue,
					    .stat = stat };
	static const struct file_ops out = { .write = write_output,
					     .poll = poll_output,
					     .queue = queue,
					     .stat = stat };
	static struct file files[3] = {
		{ .ops = &in, .refs = 1, .flags = O_RDONLY },
		{ .ops = &out, .refs = 1, .flags = O_WRONLY },
		{ .ops = &out,
		  .refs = 1,
		  .flags = O_WRONLY,
		  .data = &files[2] },
	};

	return file_get(&files[stream]);
}
