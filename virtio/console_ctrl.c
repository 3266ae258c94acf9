/* console_ctrl.c: see console_ctrl.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/console_ctrl.h"

#include <errno.h>

#include "base/iov.h"
#include "base/metrics.h"
#include "virtio/console.h"

#define KICK_MESSAGES 16 /* looked at in one go */

/* What can be in `todo`, in the order it is sent. */
enum {
	SEND_ADD = 1,
	SEND_CONSOLE = 2,
	SEND_OPEN = 4,
	SEND_SIZE = 8,
};

static struct metric ignored = { "ignored_messages_console",
				 "console control messages that mean nothing",
				 0 };

struct metric *const console_ctrl_metrics[] = { &ignored, NULL };

void console_ctrl_init(struct console_ctrl *k, struct vdev *v,
		       const struct console_config *cfg)
{
	*k = (struct console_ctrl){ .v = v, .cfg = cfg };
}

void console_ctrl_reset(struct console_ctrl *k)
{
	console_ctrl_init(k, k->v, k->cfg);
}

bool console_ctrl_open(const struct console_ctrl *k)
{
	return vdev_live(k->v) &&
	       (k->open || !vdev_has(k->v, CONSOLE_F_MULTIPORT));
}

/* --- to the driver -------------------------------------------------------- */

static bool size_known(const struct console_ctrl *k)
{
	return k->cfg->cols != 0 || k->cfg->rows != 0;
}

/* 1: sent. 0: no buffer for it yet. */
static int send_msg(struct console_ctrl *k, enum console_event event,
		    uint16_t value)
{
	struct vq *q = &k->v->queue[CONSOLE_CTRL_RX];
	const struct {
		struct console_msg msg;
		struct console_size size;
	} out = {
		{ le32_of(0), le16_of((uint16_t)event), le16_of(value) },
		{ le16_of(k->cfg->cols), le16_of(k->cfg->rows) },
	};
	const size_t len =
		event == CONSOLE_RESIZE ? sizeof(out) : sizeof(out.msg);
	struct vq_chain chain;
	int r = vq_pop(q, k->iov, CONSOLE_QUEUE_MAX, &chain);

	_Static_assert(sizeof(out) == 12, "ABI");
	if (r <= 0)
		return r;
	if (chain.n_read > 0 || chain.write_len < len) {
		vq_undo(q);
		return -EPROTO;
	}
	(void)iov_scatter(chain.iov, chain.n_write, &out, len);
	vq_push(q, chain.head, (uint32_t)len);
	return 1;
}

static bool may_send(const struct console_ctrl *k, unsigned bit)
{
	return bit != SEND_ADD || !k->cfg->may_announce ||
	       k->cfg->may_announce(k->cfg->ctx);
}

static int send_all(struct console_ctrl *k)
{
	static const struct {
		unsigned bit;
		enum console_event event;
		uint16_t value;
	} order[] = {
		{ SEND_ADD, CONSOLE_PORT_ADD, 0 },
		{ SEND_CONSOLE, CONSOLE_CONSOLE_PORT, 1 },
		{ SEND_OPEN, CONSOLE_PORT_OPEN, 1 },
		{ SEND_SIZE, CONSOLE_RESIZE, 0 },
	};
	int r = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		const unsigned bit = order[i].bit;

		if (!(k->todo & bit) || !may_send(k, bit))
			continue;
		r = send_msg(k, order[i].event, order[i].value);
		if (r <= 0)
			break;
		k->todo &= ~bit;
		if (bit == SEND_ADD)
			k->known = true;
	}
	vdev_interrupt(k->v, CONSOLE_CTRL_RX);
	return r < 0 ? r : 0;
}

void console_ctrl_send(struct console_ctrl *k)
{
	int r;

	if (!vdev_live(k->v) || k->todo == 0)
		return;
	r = send_all(k);
	if (r < 0)
		vdev_fault(k->v, CONSOLE_CTRL_RX, r, "bad control chain");
}

void console_ctrl_resized(struct console_ctrl *k)
{
	if (!k->ready || !size_known(k))
		return; /* part of what PORT_READY brings */
	k->todo |= SEND_SIZE;
	console_ctrl_send(k);
}

/* --- from the driver ------------------------------------------------------ */

static bool device_ready(struct console_ctrl *k, uint16_t value)
{
	if (value != 1 || k->known)
		return false;
	k->todo |= SEND_ADD;
	return true;
}

/* A driver that comes back from sleep still knows its port and starts here. */
static bool port_ready(struct console_ctrl *k, uint16_t value)
{
	if (value != 1)
		return false;
	k->known = k->ready = true;
	k->todo &= ~(unsigned)SEND_ADD;
	k->todo |= SEND_CONSOLE | SEND_OPEN;
	if (size_known(k))
		k->todo |= SEND_SIZE;
	return true;
}

static bool port_open(struct console_ctrl *k, uint16_t value)
{
	if (value > 1)
		return false;
	k->open = value;
	return true;
}

/* False: it means nothing here. */
static bool handle(struct console_ctrl *k, const struct console_msg *msg)
{
	const uint16_t event = le16_get(msg->event);
	const uint16_t value = le16_get(msg->value);

	if (event == CONSOLE_DEVICE_READY)
		return device_ready(k, value); /* names no port */
	if (le32_get(msg->port) != 0)
		return false;
	if (event == CONSOLE_PORT_READY)
		return port_ready(k, value);
	return event == CONSOLE_PORT_OPEN && port_open(k, value);
}

/* As notify: 1 when there may be more than was looked at. */
static int receive(struct console_ctrl *k)
{
	struct vq *q = &k->v->queue[CONSOLE_CTRL_TX];
	int r = 1;

	for (unsigned n = 0; n < KICK_MESSAGES; n++) {
		struct console_msg msg;
		struct vq_chain chain;

		r = vq_pop(q, k->iov, CONSOLE_QUEUE_MAX, &chain);
		if (r <= 0)
			break;
		if (chain.n_write > 0) {
			vq_undo(q);
			r = -EPROTO;
			break;
		}
		if (!iov_gather(chain.iov, chain.n_read, &msg, sizeof(msg)) ||
		    !handle(k, &msg))
			metric_inc(&ignored);
		vq_push(q, chain.head, 0);
	}
	vdev_interrupt(k->v, CONSOLE_CTRL_TX);
	return r;
}

int console_ctrl_notify(struct console_ctrl *k, unsigned queue)
{
	const bool was_open = k->open;
	int r = 0;

	if (!vdev_has(k->v, CONSOLE_F_MULTIPORT))
		return 0; /* queues that are not there */
	if (queue == CONSOLE_CTRL_TX)
		r = receive(k);
	if (r < 0)
		return r;
	console_ctrl_send(k);
	if (k->open && !was_open && k->cfg->on_open && vdev_live(k->v))
		k->cfg->on_open(k->cfg->ctx);
	return r;
}
