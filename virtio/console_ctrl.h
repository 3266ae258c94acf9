/* console_ctrl.h: the control queues of a console (virtio 1.2, 5.3.6.2). A
 * driver that negotiated MULTIPORT learns of its one port here, and says here
 * when it wants input:
 *
 *   driver (queue 3)               device (queue 2)
 *   DEVICE_READY 1    ------->
 *                     <-------     PORT_ADD
 *   PORT_READY 1      ------->
 *                     <-------     CONSOLE_PORT, PORT_OPEN 1, RESIZE
 *   PORT_OPEN 1       ------->     input flows
 *   PORT_OPEN 0       ------->     input is held again
 *
 * What the device has to say is a set of at most one message of each kind,
 * composed when the driver has a buffer for it: nothing can pile up. Messages
 * that mean nothing are counted; chains that break the rules stop the device.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_CONSOLE_CTRL_H
#define VIRTIO_CONSOLE_CTRL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/attr.h"
#include "base/endian.h"

struct console_config;
struct metric;
struct vdev;

#define CONSOLE_QUEUE_MAX 64 /* entries of each queue of a console */

enum console_event {
	CONSOLE_DEVICE_READY, /* driver; value 1: it goes on */
	CONSOLE_PORT_ADD,
	CONSOLE_PORT_REMOVE,
	CONSOLE_PORT_READY, /* driver; value 1: the port can be used */
	CONSOLE_CONSOLE_PORT,
	CONSOLE_RESIZE,    /* struct console_size follows */
	CONSOLE_PORT_OPEN, /* both; value 1: open, 0: closed */
	CONSOLE_PORT_NAME,
};

struct console_msg {
	le32 port;
	le16 event, value;
};
_Static_assert(sizeof(struct console_msg) == 8, "ABI");

/* Columns first: the specification's order. */
struct console_size {
	le16 cols, rows;
};
_Static_assert(sizeof(struct console_size) == 4, "ABI");

/* Part of a console, written here alone. */
struct console_ctrl {
	struct vdev *v;                   /* borrows: the console */
	const struct console_config *cfg; /* borrows: the console's */
	unsigned todo;                    /* messages to send, a bit each */
	bool known; /* the driver has been told of the port, or knew */
	bool ready; /* it can be told about the port */
	bool open;  /* it wants the port's input */
	struct iovec iov[CONSOLE_QUEUE_MAX]; /* scratch */
};

/* Counters of this unit, NULL at the end. */
extern struct metric *const console_ctrl_metrics[];

void console_ctrl_init(struct console_ctrl *k, struct vdev *v,
		       const struct console_config *cfg);
/* The device is reset: as after init. */
void console_ctrl_reset(struct console_ctrl *k);

/* A control queue was kicked: as vdev_ops.notify. */
WUR int console_ctrl_notify(struct console_ctrl *k, unsigned queue);

/* Sends what waits and can be sent now. Stops the device by itself. */
void console_ctrl_send(struct console_ctrl *k);
/* cfg->cols and cfg->rows changed. */
void console_ctrl_resized(struct console_ctrl *k);

/* The device is live and its driver takes input: the port is open, or ports
 * were not negotiated. */
bool console_ctrl_open(const struct console_ctrl *k);

#endif
