/* fifo.c: pipes and FIFOs (pipe(7), fifo(7)). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fifo.h"

#include "fs/inode.h"
#include "fs/node.h"
#include "fs/open.h"
#include "kernel/kmem.h"
#include "kernel/page.h"
#include "kernel/user.h"
#include "lib/format.h"
#include "linux/errno.h"
#include "linux/signal.h"

#define FIONREAD 0x541b

struct fifo {
	/* A circle of twice as many pages as there may be bytes for, so that
	 * the first and the last byte never share one; NULL: nothing in it. */
	uint8_t **page;
	uint32_t n_pages; /* half of them, a power of two */
	uint64_t in, out; /* bytes that ever came and went */
	unsigned readers, writers;
	unsigned opened_readers, opened_writers; /* ever: for those who open */
	struct waitq queue; /* everybody: either end, and open */
};

static uint64_t held(const struct fifo *p)
{
	return p->in - p->out;
}

static uint64_t room(const struct fifo *p)
{
	return p->n_pages * PAGE_LEN - held(p);
}

static uint8_t **page_at(const struct fifo *p, uint64_t at)
{
	return &p->page[at / PAGE_LEN & (2 * p->n_pages - 1)];
}

static uint64_t table_len(const struct fifo *p)
{
	return 2ull * p->n_pages * sizeof(*p->page);
}

/* Everything in it is forgotten. */
static void clear(struct fifo *p)
{
	for (uint64_t at = page_down(p->out); at < p->in; at += PAGE_LEN) {
		page_free(*page_at(p, at));
		*page_at(p, at) = NULL;
	}
	p->in = p->out = 0;
}

void fifo_free(struct inode *node)
{
	struct fifo *p = node->fifo;

	if (!p)
		return;
	clear(p);
	kmem_free(p->page, table_len(p));
	kmem_free(p, sizeof(*p));
}

static int make(struct inode *node)
{
	struct fifo *p = node->fifo ? node->fifo : kmem_alloc(sizeof(*p));

	if (!p)
		return -LINUX_ENOMEM;
	if (node->fifo)
		return 0;
	p->n_pages = FIFO_LEN / PAGE_LEN;
	p->page = kmem_alloc(table_len(p));
	if (!p->page) {
		kmem_free(p, sizeof(*p));
		return -LINUX_ENOMEM;
	}
	node->fifo = p;
	return 0;
}

/* What is there, up to io's end; 0: nothing. It stays. */
static int64_t peek(const struct fifo *p, struct io *io)
{
	uint64_t at = p->out;

	while (io->left && at < p->in) {
		uint64_t off = at & PAGE_MASK;
		uint64_t len = min_u64(PAGE_LEN - off, p->in - at);
		int64_t n = io_put(io, *page_at(p, at) + off, len);

		if (n < 0)
			return at > p->out ? (int64_t)(at - p->out) : n;
		at += (uint64_t)n;
	}
	return (int64_t)(at - p->out);
}

static void skip(struct fifo *p, uint64_t len)
{
	for (len = min_u64(len, held(p)); len;) {
		uint64_t n = min_u64(len, PAGE_LEN - (p->out & PAGE_MASK));
		uint8_t **page = page_at(p, p->out);

		p->out += n;
		len -= n;
		if (p->in == p->out || !(p->out & PAGE_MASK)) {
			page_free(*page);
			*page = NULL;
		}
	}
	/* Empty: the next byte begins a page. */
	if (p->in == p->out)
		p->in = p->out = 0;
	waitq_wake(&p->queue, POLL_WRITABLE);
}

/* There is something: 0; all writers are gone: 0, too. */
static int wait_bytes(struct fifo *p, bool wait)
{
	int rc = 0;

	while (!rc && !held(p) && p->writers)
		rc = wait ? waitq_sleep(&p->queue, WAIT_FOREVER)
			  : -LINUX_EAGAIN;
	return rc;
}

/* What there is room for; 0: none. */
static int64_t give(struct fifo *p, struct io *io)
{
	int64_t done = 0, n;

	while (io->left && room(p)) {
		uint64_t off = p->in & PAGE_MASK;
		uint64_t len = min_u64(PAGE_LEN - off, room(p));
		uint8_t **page = page_at(p, p->in);

		if (!*page)
			*page = page_alloc_program();
		n = *page ? io_get(io, *page + off, len) : -LINUX_ENOMEM;
		if (n < 0) {
			if (*page && !off) { /* a new one, for nothing */
				page_free(*page);
				*page = NULL;
			}
			return done ? done : n;
		}
		p->in += (uint64_t)n;
		done += n;
	}
	return done;
}

static int64_t read(struct file *f, struct io *io, uint64_t *pos)
{
	struct fifo *p = f->node->fifo;
	int64_t n;
	int rc;

	(void)pos;
	if (!io->left)
		return 0;
	rc = wait_bytes(p, !(f->flags & O_NONBLOCK));
	if (rc)
		return rc;
	n = peek(p, io);
	if (n > 0)
		skip(p, (uint64_t)n);
	return n;
}

static int64_t write(struct file *f, struct io *io, uint64_t *pos)
{
	struct fifo *p = f->node->fifo;
	/* Up to PIPE_BUF all at once. */
	uint64_t need = io->left <= PIPE_BUF ? io->left : 1;
	int64_t done = 0, n = 0;

	(void)pos;
	while (io->left) {
		if (!p->readers) {
			signal_send_current(LINUX_SIGPIPE);
			return done ? done : -LINUX_EPIPE;
		}
		if (room(p) >= need) {
			n = give(p, io);
			if (n > 0)
				waitq_wake(&p->queue, POLL_READABLE);
			if (n < 0)
				return done ? done : n;
			done += n;
			continue;
		}
		if (f->flags & O_NONBLOCK)
			return done ? done : -LINUX_EAGAIN;
		n = waitq_sleep(&p->queue, WAIT_FOREVER);
		if (n)
			return done ? done : n;
	}
	return done;
}

static bool reads(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static unsigned poll(struct file *f)
{
	const struct fifo *p = f->node->fifo;
	unsigned events = 0;

	if (reads(f)) {
		if (held(p))
			events |= POLL_READABLE;
		/* Not before there ever was a writer. */
		if (!p->writers && p->opened_writers != f->pos)
			events |= POLLHUP;
	}
	if (writes(f)) {
		if (room(p) >= PIPE_BUF)
			events |= POLL_WRITABLE;
		if (!p->readers)
			events |= POLLERR;
	}
	return events;
}

static struct waitq *queue(struct file *f)
{
	return &f->node->fifo->queue;
}

static int64_t ioctl(struct file *f, uint32_t request, uint64_t arg)
{
	uint32_t n = (uint32_t)held(f->node->fifo);

	if (request != FIONREAD)
		return -LINUX_ENOTTY;
	return user_write(arg, &n, sizeof(n));
}

static void release(struct file *f)
{
	struct fifo *p = f->node->fifo;

	p->readers -= reads(f);
	p->writers -= writes(f);
	if (!p->readers || !p->writers)
		waitq_wake(&p->queue, WAKE_ANY);
	if (p->readers || p->writers)
		return;
	clear(p); /* a FIFO that nobody has open is empty */
}

static const struct file_ops ops = {
	.read = read,
	.write = write,
	.poll = poll,
	.queue = queue,
	.ioctl = ioctl,
	.stat = node_stat,
	.release = release,
};

static int wait_for(struct fifo *p, const unsigned *opened)
{
	unsigned before = *opened;
	int rc = 0;

	while (!rc && *opened == before)
		rc = waitq_sleep(&p->queue, WAIT_FOREVER);
	return rc;
}

int fifo_open(struct inode *node, struct file *f)
{
	int rc = make(node);
	struct fifo *p = node->fifo;

	if (rc)
		return rc;
	if (!reads(f) && !p->readers && (f->flags & O_NONBLOCK))
		return -LINUX_ENXIO;
	f->pos = p->writers ? UINT64_MAX : p->opened_writers + writes(f);
	p->readers += reads(f);
	p->opened_readers += reads(f);
	p->writers += writes(f);
	p->opened_writers += writes(f);
	f->ops = &ops; /* from now on release undoes it */
	waitq_wake(&p->queue, WAKE_ANY);
	if (!(f->flags & O_NONBLOCK) && !writes(f) && !p->writers)
		rc = wait_for(p, &p->opened_writers);
	if (!(f->flags & O_NONBLOCK) && !reads(f) && !p->readers)
		rc = wait_for(p, &p->opened_readers);
	return rc;
}

int fifo_pipe(uint32_t flags, struct file **ret_reader,
	      struct file **ret_writer)
{
	struct inode *node =
		page_has_room() ? inode_new(FS_PIPE, S_IFIFO | 0600) : NULL;
	struct file *reader;
	char name[24];
	int rc;

	if (!node)
		return -LINUX_ENFILE;
	rc = make(node);
	if (rc) {
		inode_put(node);
		return rc;
	}
	format(name, sizeof(name), "pipe:[%u]", node->ino);
	/* Nobody waits for the other end: it comes next. */
	rc = open_nameless(node, name, true, O_RDONLY | O_NONBLOCK, &reader);
	if (rc)
		return rc;
	rc = open_dentry(dentry_get(reader->at), O_WRONLY | flags, ret_writer);
	if (rc) {
		file_put(reader);
		return rc;
	}
	reader->flags = flags | O_RDONLY;
	(*ret_writer)->flags = flags | O_WRONLY;
	*ret_reader = reader;
	return 0;
}

bool fifo_is(const struct file *f)
{
	return f->ops == &ops;
}

int64_t fifo_peek(struct file *f, void *buf, uint64_t len, bool wait)
{
	struct fifo *p = f->node->fifo;
	int rc = wait_bytes(p, wait && !(f->flags & O_NONBLOCK));
	struct io io;

	io_kernel(&io, buf, len);
	return rc ? rc : peek(p, &io);
}

void fifo_skip(struct file *f, uint64_t len)
{
	skip(f->node->fifo, len);
}

int64_t fifo_room(struct file *f, bool wait)
{
	struct fifo *p = f->node->fifo;
	int rc = 0;

	while (!rc && p->readers && !room(p))
		rc = wait && !(f->flags & O_NONBLOCK)
			     ? waitq_sleep(&p->queue, WAIT_FOREVER)
			     : -LINUX_EAGAIN;
	if (rc)
		return rc;
	if (p->readers)
		return (int64_t)room(p);
	signal_send_current(LINUX_SIGPIPE);
	return -LINUX_EPIPE;
}

int64_t fifo_capacity(const struct file *f)
{
	if (f->ops != &ops)
		return -LINUX_EBADF;
	return (int64_t)(f->node->fifo->n_pages * PAGE_LEN);
}

int64_t fifo_set_capacity(struct file *f, uint32_t len)
{
	struct fifo *p = f->node ? f->node->fifo : NULL;
	struct fifo new = { .n_pages = 1 };

	if (f->ops != &ops)
		return -LINUX_EBADF;
	if (len > FIFO_LEN_MAX)
		return len >> 31 ? -LINUX_EINVAL : -LINUX_EPERM;
	while (new.n_pages * PAGE_LEN < len)
		new.n_pages *= 2;
	if (held(p) > new.n_pages * PAGE_LEN)
		return -LINUX_EBUSY;
	new.page = kmem_alloc(table_len(&new));
	if (!new.page)
		return -LINUX_ENOMEM;
	for (uint64_t at = page_down(p->out); at < p->in; at += PAGE_LEN)
		*page_at(&new, at) = *page_at(p, at);
	kmem_free(p->page, table_len(p));
	p->page = new.page;
	p->n_pages = new.n_pages;
	waitq_wake(&p->queue, POLL_WRITABLE);
	return (int64_t)(p->n_pages * PAGE_LEN);
}
