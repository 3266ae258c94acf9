/* console.h: virtio console device (virtio 1.2, 5.3), one port. Drivers may
 * negotiate MULTIPORT (console_ctrl.h); they still find one.
 *
 * Output (queue 1). Guest chains go to out_fd straight from guest memory, in
 * order, one write in flight at a time; chains that pile up meanwhile are
 * gathered into the next one. A slow reader therefore holds the guest's own
 * buffers back and nothing grows here. When out_fd fails, output is thrown
 * away from then on, so that the guest goes on.
 *
 * Input (queue 0). in_fd is read into one small host buffer, only while that
 * buffer is empty and only when the guest has offered receive buffers; then
 * it is copied into them. So no guest buffer is tied to a read that may take
 * forever, and a reset or a snapshot never waits for a key press. With a
 * filter (a tty with an escape key) in_fd is read even if the guest is not
 * listening, until the buffer is full: the key works on a guest that hangs.
 * A driver with MULTIPORT gets input only while it has the port open, so none
 * is lost on one that offers receive buffers before it can use them.
 *
 * End of input. The specification has no word for it. Ours is one more field
 * of the configuration, behind those of the specification:
 *
 *   0 le16 cols   2 le16 rows   4 le32 max_nr_ports   8 le32 emerg_wr
 *  12 le32 mayfly_flags, bit 0: input ended
 *
 * The bit is set, with a configuration interrupt, once every byte read has
 * been copied to the guest; or from the start where there is no in_fd. Other
 * drivers never look there; on other monitors the field reads 0. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "virtio/vdev.h"

struct err;
struct loop;

enum {
	CONSOLE_RX,
	CONSOLE_TX,
	CONSOLE_CTRL_RX, /* with MULTIPORT */
	CONSOLE_CTRL_TX,
	CONSOLE_QUEUES,
};

#define CONSOLE_F_SIZE           (1ull << 0)
#define CONSOLE_F_MULTIPORT      (1ull << 1)
#define CONSOLE_FLAGS_OFFSET     12u
#define CONSOLE_FLAG_INPUT_ENDED 1u
#define CONSOLE_IN_MAX           (32u << 10) /* bytes of the input buffer */
#define CONSOLE_OUT_MAX          (64u << 10) /* bytes of one write */
#define CONSOLE_SEEN_MAX         1024u       /* bytes of one on_output */

/* All is borrowed and outlives the device, except for the struct itself,
 * which is copied. Callbacks may be NULL and run with the machine lock held;
 * ctx is handed to each. */
struct console_config {
	struct loop *loop;
	const struct gmem *mem;
	struct irq_line irq;
	int in_fd, out_fd;   /* or -1; not closed by the device */
	bool output_now;     /* a kick writes by itself what need not wait */
	uint16_t cols, rows; /* both 0: the size is not offered */
	void *ctx;

	/* Every byte of output, after it was written (or, without an out_fd,
	 * consumed), in pieces of at most CONSOLE_SEEN_MAX: a copy, which a
	 * guest that overwrites its buffer in flight can make differ from
	 * what out_fd got. */
	void (*on_output)(void *ctx, const uint8_t *bytes, size_t n);
	/* out_fd failed with this negative errno. Once. */
	void (*on_output_closed)(void *ctx, int error);
	/* Looks at each piece of input first; moves what the guest shall get
	 * to the front and returns its length, at most n. May call
	 * console_input_stop. */
	size_t (*filter_input)(void *ctx, uint8_t *bytes, size_t n);
	/* The driver is there for input: console_is_open has become true. */
	void (*on_open)(void *ctx);
	/* May a driver with MULTIPORT hear of its port yet? Asked when it
	 * wants to, and by console_announce. NULL: yes. */
	bool (*may_announce)(void *ctx);
};

/* Returns owned in *ret_v, for vdev_free. Nothing is submitted yet. The
 * device allocates nothing afterwards. -ENOMEM. SIGPIPE must be ignored by
 * the process. */
WUR int console_new(const struct console_config *cfg, struct vdev **ret_v,
		    struct err *err);

/* With a filter: starts reading. Without one there is no need to call it. */
void console_input_start(struct vdev *v);

/* No more input is read; what is in the buffer still reaches the guest. The
 * guest is not told. Asks a read in flight to end, which is not among those
 * vdev counts: vdev_shutdown does this too. */
void console_input_stop(struct vdev *v);

/* True while output the device was kicked for is not written yet. At guest
 * exit run the loop until this is false; where kicks travel by ioeventfd,
 * vdev_notify(v, CONSOLE_TX) catches up with them first. */
bool console_output_pending(const struct vdev *v);

/* The terminal's size changed. */
void console_resize(struct vdev *v, uint16_t cols, uint16_t rows);

/* The driver is up and takes input: with MULTIPORT, while it has the port
 * open. */
bool console_is_open(const struct vdev *v);

/* may_announce has another answer now. */
void console_announce(struct vdev *v);

#endif
