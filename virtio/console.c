/* console.c: see console.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/err.h"
#include "loop/loop.h"
#include "virtio/console_ctrl.h"

/* also the iovecs and chains of one write */
#define QUEUE_MAX CONSOLE_QUEUE_MAX

/* What the loop holds for us. */
enum op_state { OP_IDLE, OP_MOVE, OP_STEP };

/* The configuration space. */
struct config {
	le16 cols, rows;
	le32 max_nr_ports, emerg_wr;
	le32 mayfly_flags;
};
_Static_assert(sizeof(struct config) == 16, "ABI");
_Static_assert(offsetof(struct config, mayfly_flags) == CONSOLE_FLAGS_OFFSET,
	       "ABI");

/* Output popped and not yet pushed. `at` and `skip` say how far it got. */
struct batch {
	struct iovec iov[QUEUE_MAX];
	uint16_t head[QUEUE_MAX];
	unsigned n_iov, n_heads;
	unsigned at; /* first iovec with bytes left */
	size_t skip; /* bytes of it that are done */
};

struct console {
	struct vdev v;
	struct console_config cfg;
	struct console_ctrl ctrl;

	struct loop_op out_op;
	enum op_state out_state;
	bool out_closed;
	struct batch out;
	struct iovec out_iov[QUEUE_MAX]; /* what the kernel looks at */

	struct loop_op in_op;
	bool in_flight, in_started, in_stopped;
	bool in_eof, in_ended;  /* seen by us, by the guest */
	unsigned in_at, in_end; /* bytes of in_buf not yet with the guest */
	struct iovec in_iov, rx_iov[QUEUE_MAX];
	uint8_t in_buf[CONSOLE_IN_MAX];
};

static struct console *of(struct vdev *v)
{
	return CONTAINER_OF(v, struct console, v);
}

static const struct console *of_const(const struct vdev *v)
{
	return (const void *)((const char *)v - offsetof(struct console, v));
}

/* --- output --------------------------------------------------------------- */

/* Takes chains until the batch is full. 1: there are some. A bad chain is
 * looked at again, and reported, once those before it are out. */
static int out_gather(struct console *c)
{
	struct vq *q = &c->v.queue[CONSOLE_TX];
	struct batch *b = &c->out;
	int r = 0;

	b->n_iov = b->n_heads = b->at = 0;
	b->skip = 0;
	while (b->n_heads < QUEUE_MAX) {
		struct vq_chain chain;

		r = vq_pop(q, b->iov + b->n_iov, QUEUE_MAX - b->n_iov, &chain);
		if (r > 0 && chain.n_write > 0) {
			vq_undo(q);
			r = -EPROTO;
		}
		if (r <= 0)
			break;
		b->n_iov += chain.n_read;
		b->head[b->n_heads++] = chain.head;
	}
	return b->n_heads > 0 ? 1 : r;
}

/* Up to CONSOLE_OUT_MAX bytes of the rest of the batch. Returns iovecs. */
static unsigned out_rest(const struct batch *b, struct iovec *iov)
{
	size_t room = CONSOLE_OUT_MAX, skip = b->skip;
	unsigned n = 0;

	for (unsigned i = b->at; i < b->n_iov && room > 0; i++, n++) {
		uint8_t *p = b->iov[i].iov_base;
		size_t len = b->iov[i].iov_len - skip;

		if (len > room)
			len = room;
		iov[n] = (struct iovec){ p + skip, len };
		room -= len;
		skip = 0;
	}
	return n;
}

static void out_show(const struct console *c, const uint8_t *p, size_t len)
{
	uint8_t copy[CONSOLE_SEEN_MAX];

	if (!c->cfg.on_output)
		return;
	while (len > 0) {
		size_t n = len < sizeof(copy) ? len : sizeof(copy);

		memcpy(copy, p, n);
		__asm__ volatile("" ::: "memory"); /* one load of each byte */
		c->cfg.on_output(c->cfg.ctx, copy, n);
		p += n;
		len -= n;
	}
}

/* `n` bytes more are out, or as many as there are. */
static void out_advance(struct console *c, size_t n)
{
	struct batch *b = &c->out;

	while (n > 0 && b->at < b->n_iov) {
		const struct iovec *io = &b->iov[b->at];
		size_t len = io->iov_len - b->skip;

		if (len > n)
			len = n;
		out_show(c, (uint8_t *)io->iov_base + b->skip, len);
		n -= len;
		b->skip += len;
		if (b->skip == io->iov_len) {
			b->at++;
			b->skip = 0;
		}
	}
}

/* The guest gets its buffers back. On a stopped queue this only counts. */
static void out_return(struct console *c)
{
	for (unsigned i = 0; i < c->out.n_heads; i++)
		vq_push(&c->v.queue[CONSOLE_TX], c->out.head[i], 0);
	c->out.n_heads = 0;
	vdev_interrupt(&c->v, CONSOLE_TX);
}

static void out_fail(struct console *c, int error)
{
	if (c->out_closed)
		return;
	c->out_closed = true;
	if (c->cfg.on_output_closed)
		c->cfg.on_output_closed(c->cfg.ctx, error);
}

/* Puts the rest of the batch to the loop. Where there is nobody to write to,
 * or nothing to write, the loop only gets to breathe, so that a guest cannot
 * keep us here. False: refused, nothing is in flight. */
static bool out_submit(struct console *c)
{
	struct loop *l = c->cfg.loop;
	const unsigned n = out_rest(&c->out, c->out_iov);
	int r;

	if (c->v.queue[CONSOLE_TX].stopped)
		return false;
	if (n == 0 || c->cfg.out_fd < 0 || c->out_closed) {
		c->out_state = OP_STEP;
		r = loop_timer(l, &c->out_op, 0);
	} else {
		c->out_state = OP_MOVE;
		r = loop_writev(l, &c->out_op, c->cfg.out_fd, c->out_iov, n,
				LOOP_OFF_STREAM);
	}
	if (r == 0)
		return true;
	c->out_state = OP_IDLE;
	out_fail(c, r);
	return false;
}

/* Writes what needs no waiting. True: that was all of the batch. */
static bool out_now(struct console *c)
{
	const unsigned n = out_rest(&c->out, c->out_iov);
	int r;

	if (n == 0 || c->cfg.out_fd < 0 || c->out_closed)
		return false;
	r = loop_writev_now(c->cfg.out_fd, c->out_iov, n, LOOP_OFF_STREAM);
	if (r > 0)
		out_advance(c, (size_t)r);
	else if (r != -EAGAIN) /* 0 would never end */
		out_fail(c, r < 0 ? r : -EIO);
	return c->out.at == c->out.n_iov;
}

/* `now`: a first batch may go out here and now (docs/adr/0008); a guest that
 * goes on gets the loop, so that it cannot keep us here. */
static int out_pump(struct console *c, bool now)
{
	int r = 0;

	while (c->out_state == OP_IDLE && vdev_live(&c->v)) {
		r = out_gather(c);
		if (r <= 0)
			break;
		/* out_done looks at the queue again by itself */
		vq_kicks_off(&c->v.queue[CONSOLE_TX]);
		vdev_op_begin(&c->v);
		if (!(now && out_now(c)) && out_submit(c))
			return 0;
		now = false;
		out_return(c);
		vdev_op_end(&c->v);
	}
	return r;
}

static void out_done(struct loop_op *op, int res)
{
	struct console *c = CONTAINER_OF(op, struct console, out_op);
	const enum op_state was = c->out_state;
	int r;

	c->out_state = OP_IDLE;
	if (was == OP_STEP)
		out_advance(c, CONSOLE_OUT_MAX);
	else if (res > 0)
		out_advance(c, (size_t)res);
	else if (res != -ECANCELED) /* 0 would never end */
		out_fail(c, res < 0 ? res : -EIO);
	if (c->out.at < c->out.n_iov && out_submit(c))
		return;
	out_return(c);
	vdev_op_end(&c->v); /* may reset the device */
	r = out_pump(c, false);
	if (r < 0)
		vdev_fault(&c->v, CONSOLE_TX, r, "bad output chain");
}

bool console_output_pending(const struct vdev *v)
{
	return of_const(v)->out_state != OP_IDLE;
}

/* --- input ---------------------------------------------------------------- */

static uint32_t in_copy(struct console *c, const struct vq_chain *chain)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < chain->n_write; i++) {
		const struct iovec *io = &chain->iov[i];
		size_t n = c->in_end - c->in_at;

		if (n > io->iov_len)
			n = io->iov_len;
		memcpy(io->iov_base, c->in_buf + c->in_at, n);
		c->in_at += (unsigned)n;
		done += (uint32_t)n;
	}
	return done;
}

/* Moves the buffer to the guest as far as it offers room. */
static int in_deliver(struct console *c)
{
	struct vq *q = &c->v.queue[CONSOLE_RX];
	int r = 0;

	while (c->in_at < c->in_end && console_ctrl_open(&c->ctrl)) {
		struct vq_chain chain;

		r = vq_pop(q, c->rx_iov, QUEUE_MAX, &chain);
		if (r <= 0)
			break;
		if (chain.n_read > 0 || chain.n_write == 0) {
			vq_undo(q);
			r = -EPROTO;
			break;
		}
		vq_push(q, chain.head, in_copy(c, &chain));
	}
	vdev_interrupt(&c->v, CONSOLE_RX);
	return r < 0 ? r : 0;
}

/* May more be read now? A filter wants to see all there is room for. */
static bool in_wanted(struct console *c)
{
	const unsigned held = c->in_end - c->in_at;

	if (c->in_flight || c->in_stopped || c->in_eof)
		return false;
	if (c->cfg.filter_input)
		return c->in_started && held < CONSOLE_IN_MAX;
	if (held > 0 || !console_ctrl_open(&c->ctrl))
		return false;
	/* a kick is asked for only when there is nothing to fill */
	return vq_has_avail(&c->v.queue[CONSOLE_RX]) ||
	       vq_arm(&c->v.queue[CONSOLE_RX]);
}

static void in_submit(struct console *c)
{
	const unsigned held = c->in_end - c->in_at;

	memmove(c->in_buf, c->in_buf + c->in_at, held);
	c->in_at = 0;
	c->in_end = held;
	c->in_iov = (struct iovec){ c->in_buf + held, CONSOLE_IN_MAX - held };
	c->in_flight = true;
	if (loop_readv(c->cfg.loop, &c->in_op, c->cfg.in_fd, &c->in_iov, 1,
		       LOOP_OFF_STREAM) == 0)
		return;
	c->in_flight = false;
	c->in_eof = true;
}

static int in_pump(struct console *c)
{
	int r = in_deliver(c);

	/* even if the guest misbehaves: a filter still wants to look */
	if (in_wanted(c))
		in_submit(c);
	if (c->in_eof && !c->in_ended && c->in_at == c->in_end) {
		c->in_ended = true;
		vdev_config_changed(&c->v);
	}
	return r;
}

static void in_done(struct loop_op *op, int res)
{
	struct console *c = CONTAINER_OF(op, struct console, in_op);
	size_t n = res > 0 ? (size_t)res : 0;
	int r;

	c->in_flight = false;
	if (n > 0 && c->cfg.filter_input) {
		n = c->cfg.filter_input(c->cfg.ctx, c->in_iov.iov_base, n);
		CHECK(n <= (size_t)res);
	}
	c->in_end += (unsigned)n;
	/* a terminal that went away (EIO) is an end, too */
	if (res <= 0 && res != -ECANCELED)
		c->in_eof = true;
	r = in_pump(c);
	if (r < 0)
		vdev_fault(&c->v, CONSOLE_RX, r, "bad input chain");
}

void console_input_start(struct vdev *v)
{
	struct console *c = of(v);

	c->in_started = true;
	if (in_wanted(c))
		in_submit(c);
}

void console_input_stop(struct vdev *v)
{
	struct console *c = of(v);

	c->in_stopped = true;
	if (c->in_flight)
		loop_cancel(c->cfg.loop, &c->in_op);
}

/* --- device --------------------------------------------------------------- */

static int console_activate(struct vdev *v)
{
	struct console *c = of(v);

	if (console_ctrl_open(&c->ctrl) && c->cfg.on_open)
		c->cfg.on_open(c->cfg.ctx);
	return 0;
}

static int control_pump(struct console *c, unsigned queue)
{
	int r = console_ctrl_notify(&c->ctrl, queue), in;

	if (r < 0)
		return r;
	in = in_pump(c); /* the port may have opened */
	if (in < 0)
		vdev_fault(&c->v, CONSOLE_RX, in, "bad input chain");
	return r;
}

static int console_notify(struct vdev *v, unsigned queue)
{
	switch (queue) {
	case CONSOLE_RX:
		return in_pump(of(v));
	case CONSOLE_TX:
		return out_pump(of(v), of(v)->cfg.output_now);
	default:
		return control_pump(of(v), queue);
	}
}

static void console_quiesce(struct vdev *v)
{
	struct console *c = of(v);

	if (c->out_state != OP_IDLE)
		loop_cancel(c->cfg.loop, &c->out_op);
	if (!v->reset_pending) /* the next driver will want input, too */
		console_input_stop(v);
}

static void console_reset(struct vdev *v)
{
	console_ctrl_reset(&of(v)->ctrl);
}

static void console_fini(struct vdev *v)
{
	struct console *c = of(v);

	CHECK(!c->in_flight && c->out_state == OP_IDLE);
	free(c);
}

static void console_config_read(struct vdev *v, unsigned off, void *buf,
				unsigned n)
{
	const struct console *c = of(v);
	const struct config config = {
		.cols = le16_of(c->cfg.cols),
		.rows = le16_of(c->cfg.rows),
		.max_nr_ports = le32_of(1),
		.mayfly_flags =
			le32_of(c->in_ended ? CONSOLE_FLAG_INPUT_ENDED : 0),
	};

	memcpy(buf, (const uint8_t *)&config + off, n);
}

void console_resize(struct vdev *v, uint16_t cols, uint16_t rows)
{
	struct console *c = of(v);

	if (c->cfg.cols == cols && c->cfg.rows == rows)
		return;
	c->cfg.cols = cols;
	c->cfg.rows = rows;
	if (vdev_has(v, CONSOLE_F_SIZE))
		vdev_config_changed(v);
	console_ctrl_resized(&c->ctrl);
}

bool console_is_open(const struct vdev *v)
{
	return console_ctrl_open(&of_const(v)->ctrl);
}

void console_announce(struct vdev *v)
{
	console_ctrl_send(&of(v)->ctrl);
}

static const struct vdev_ops console_ops = {
	.name = "console",
	.device_id = 3,
	.features = CONSOLE_F_SIZE | CONSOLE_F_MULTIPORT,
	.queues = CONSOLE_QUEUES,
	.queue_max = QUEUE_MAX,
	.config_len = sizeof(struct config),
	.activate = console_activate,
	.notify = console_notify,
	.quiesce = console_quiesce,
	.reset = console_reset,
	.fini = console_fini,
	.config_read = console_config_read,
};

int console_new(const struct console_config *cfg, struct vdev **ret_v,
		struct err *err)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(err, -ENOMEM, "console device");
	vdev_init(&c->v, &console_ops, cfg->mem, cfg->irq);
	if (cfg->cols == 0 && cfg->rows == 0)
		c->v.offered &= ~CONSOLE_F_SIZE;
	c->cfg = *cfg;
	console_ctrl_init(&c->ctrl, &c->v, &c->cfg);
	c->out_op.done = out_done;
	c->in_op.done = in_done;
	c->in_eof = c->in_ended = cfg->in_fd < 0;
	*ret_v = &c->v;
	return 0;
}
