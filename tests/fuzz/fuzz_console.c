/* fuzz_console.c: the console under rings written by a fuzzer, over a real
 * loop, with memory files as its input and output.
 *
 * Input: modes, n, n steps of 2 bytes, and the bytes of guest memory from
 * RINGS on. The oracle: bytes around RAM stay as they are; a quiet loop means
 * no output is pending and no chain in flight; every byte written was shown;
 * no input goes to a closed port; a reset always ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "tests/support/walls.h"
#include "virtio/console.h"
#include "virtio/console_ctrl.h"
#include "virtio/mmio.h"

#define RAM    0x4000u
#define RINGS  0x100u
#define MSGS   0x700u /* control messages of steps 10 and 11 */
#define IN_LEN 3000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static struct loop *loop;
static int in_fd, out_fd;
static size_t shown, filtered;
static bool closed, may;
static struct vdev *v;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t line[IN_LEN] = "mayfly";
	struct err err = { 0 };
	ssize_t n;
	int r;

	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	in_fd = memfd_create("in", MFD_CLOEXEC);
	out_fd = memfd_create("out", MFD_CLOEXEC);
	CHECK(in_fd >= 0 && out_fd >= 0);
	n = write(in_fd, line, sizeof(line));
	CHECK(n == (ssize_t)sizeof(line));
	r = loop_new(8, LOOP_POLL, &loop, &err);
	CHECK(r == 0);
	return 0;
}

static void fire(void *ctx)
{
	(void)ctx;
}

static void on_output(void *ctx, const uint8_t *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	CHECK(n > 0 && n <= CONSOLE_SEEN_MAX);
	shown += n;
}

static void on_output_closed(void *ctx, int error)
{
	(void)ctx;
	CHECK(error < 0 && !closed);
	closed = true;
}

static size_t filter(void *ctx, uint8_t *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	CHECK(n > 0 && n <= CONSOLE_IN_MAX);
	filtered += n;
	return filtered % 3 ? n : n / 2;
}

static void on_open(void *ctx)
{
	(void)ctx;
	CHECK(console_is_open(v));
}

static bool may_announce(void *ctx)
{
	(void)ctx;
	return may;
}

static void rewind_fd(int fd)
{
	off_t at = lseek(fd, 0, SEEK_SET);

	CHECK(at == 0);
}

static void run_quiet(void)
{
	int r = loop_run(loop, NULL, true);

	CHECK(r == 0);
	CHECK(!console_output_pending(v));
	CHECK(v->in_flight == 0 && !v->reset_pending);
	for (unsigned i = 0; i < CONSOLE_QUEUES; i++)
		CHECK(v->queue[i].in_flight == 0);
}

/* A well-formed chain with a message: event, value and port are of `what`. */
static void send_msg(struct vdriver *drv, uint8_t what)
{
	const struct console_msg msg = {
		.port = le32_of(what >> 6),
		.event = le16_of(what & 15),
		.value = le16_of(what >> 4 & 3),
	};
	const struct vdriver_buf b = { MSGS, sizeof(msg), false };

	memcpy(ram + MSGS, &msg, sizeof(msg));
	(void)vdriver_add(&drv[CONSOLE_CTRL_TX], &b, 1);
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, CONSOLE_CTRL_TX);
}

static void offer_msg(struct vdriver *drv, uint8_t len)
{
	const struct vdriver_buf b = { MSGS + 16, len, true };

	(void)vdriver_add(&drv[CONSOLE_CTRL_RX], &b, 1);
	vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, CONSOLE_CTRL_RX);
}

static void negotiate(struct vdriver *drv, bool ports)
{
	(void)vdriver_negotiate(v, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC |
					   (ports ? CONSOLE_F_MULTIPORT : 0));
	for (unsigned i = 0; i < CONSOLE_QUEUES; i++)
		vdriver_set_queue(v, i, &drv[i]);
	vdriver_go(v);
}

static void step(struct vdriver *drv, const uint8_t *p)
{
	struct vdriver *d = &drv[p[1] % CONSOLE_QUEUES];

	switch (p[0] % 12) {
	case 0:
	case 1:
	case 2:
		vdriver_publish(d, (uint16_t)(d->avail_idx + p[1] / 16));
		vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY,
				p[1] % CONSOLE_QUEUES);
		break;
	case 3:
	case 4:
		loop_unlock(loop);
		run_quiet();
		loop_lock(loop);
		break;
	case 5:
		vdriver_set_reg(v, MMIO_REG_STATUS, 0);
		break;
	case 6:
		negotiate(drv, p[1] & 1);
		break;
	case 7:
		vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, p[1] & 3);
		vdriver_set_reg(v, MMIO_REG_QUEUE_READY, p[1] / 4 & 1);
		break;
	case 8:
		console_resize(v, p[1], 25);
		break;
	case 10:
		send_msg(drv, p[1]);
		break;
	case 11:
		offer_msg(drv, p[1] % 32);
		break;
	default:
		may = p[1] & 2;
		console_announce(v);
		if (p[1] == 0x77)
			console_input_stop(v);
		else
			console_input_start(v);
		break;
	}
}

/* Input moves only while the port is open. A device that failed on the way
 * may have been. */
static void checked_step(struct vdriver *drv, const uint8_t *p)
{
	const bool was_open = console_is_open(v);
	const uint16_t used = v->queue[CONSOLE_RX].next_used;

	step(drv, p);
	if (!was_open && !console_is_open(v) && vdev_live(v))
		CHECK(v->queue[CONSOLE_RX].next_used == used ||
		      v->queue[CONSOLE_RX].next_used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gmem mem;
	struct console_config cfg = {
		.loop = loop,
		.mem = &mem,
		.irq = { fire, NULL },
		.cols = 80,
		.rows = 25,
		.on_output = on_output,
		.on_output_closed = on_output_closed,
		.on_open = on_open,
		.may_announce = may_announce,
	};
	struct err err = { 0 };
	struct vdriver drv[CONSOLE_QUEUES];
	size_t steps, n;
	off_t written;
	int r;

	if (len < 2)
		return 0;
	steps = data[1] % 32;
	if (len < 2 + 2 * steps)
		return 0;
	walls_build(host, RAM);
	shown = filtered = 0;
	closed = false;
	may = !(data[0] & 8);
	rewind_fd(in_fd);
	rewind_fd(out_fd);
	r = ftruncate(out_fd, 0);
	CHECK(r == 0);

	gmem_init_borrowed(&mem, 0, ram, RAM);
	cfg.in_fd = data[0] & 1 ? -1 : in_fd;
	cfg.out_fd = data[0] & 2 ? -1 : out_fd;
	cfg.filter_input = data[0] & 4 ? filter : NULL;
	r = console_new(&cfg, &v, &err);
	CHECK(r == 0);
	vdriver_init(&drv[CONSOLE_RX], ram, RINGS, 4);
	vdriver_init(&drv[CONSOLE_TX], ram, (drv[CONSOLE_RX].end + 15) & ~15ull,
		     8);
	for (unsigned i = CONSOLE_CTRL_RX; i < CONSOLE_QUEUES; i++)
		vdriver_init(&drv[i], ram, (drv[i - 1].end + 15) & ~15ull, 8);
	CHECK(drv[CONSOLE_QUEUES - 1].end <= MSGS);
	n = len - 2 - 2 * steps;
	memcpy(ram + RINGS, data + 2 + 2 * steps,
	       n < RAM - RINGS ? n : RAM - RINGS);
	loop_lock(loop);
	negotiate(drv, data[0] & 16);
	for (size_t i = 0; i < steps; i++)
		checked_step(drv, data + 2 + 2 * i);
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	run_quiet();
	CHECK(v->status == 0);
	written = lseek(out_fd, 0, SEEK_CUR);
	CHECK((data[0] & 2) || closed || written == (off_t)shown);
	walls_check(host, RAM);
	vdev_free(v);
	return 0;
}
