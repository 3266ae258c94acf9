/* fuzz_console.c: the console under rings written by a fuzzer, over a real
 * loop, with memory files as its input and output.
 *
 * Input: modes, n, n steps of 2 bytes, and the bytes of guest memory from
 * RINGS on. The oracle: bytes around RAM stay as they are; a quiet loop means
 * no output is pending and no chain in flight; every byte written was shown;
 * a reset always ends. */
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
#include "virtio/console.h"
#include "virtio/mmio.h"

#define RAM    0x4000u
#define RINGS  0x100u
#define WALL   0x1000u
#define BRICK  0xa5
#define IN_LEN 3000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static struct loop *loop;
static int in_fd, out_fd;
static size_t shown, filtered;
static bool closed;

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

static void rewind_fd(int fd)
{
	off_t at = lseek(fd, 0, SEEK_SET);

	CHECK(at == 0);
}

static void run_quiet(struct vdev *v)
{
	int r = loop_run(loop, NULL, true);

	CHECK(r == 0);
	CHECK(!console_output_pending(v));
	CHECK(v->in_flight == 0 && !v->reset_pending);
	CHECK(v->queue[CONSOLE_RX].in_flight == 0);
	CHECK(v->queue[CONSOLE_TX].in_flight == 0);
}

static void step(struct vdev *v, struct vdriver *drv, const uint8_t *p)
{
	struct vdriver *d = &drv[p[1] % CONSOLE_QUEUES];

	switch (p[0] % 10) {
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
		run_quiet(v);
		loop_lock(loop);
		break;
	case 5:
		vdriver_set_reg(v, MMIO_REG_STATUS, 0);
		break;
	case 6:
		(void)vdriver_negotiate(v, VIRTIO_F_VERSION_1 |
						   VIRTIO_F_INDIRECT_DESC);
		vdriver_set_queue(v, CONSOLE_RX, &drv[CONSOLE_RX]);
		vdriver_set_queue(v, CONSOLE_TX, &drv[CONSOLE_TX]);
		vdriver_go(v);
		break;
	case 7:
		vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, p[1] & 1);
		vdriver_set_reg(v, MMIO_REG_QUEUE_READY, p[1] / 2 & 1);
		break;
	case 8:
		console_resize(v, p[1], 25);
		break;
	default:
		if (p[1] == 0x77)
			console_input_stop(v);
		else
			console_input_start(v);
		break;
	}
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
	};
	struct err err = { 0 };
	struct vdriver drv[CONSOLE_QUEUES];
	struct vdev *v = NULL;
	size_t steps, n;
	off_t written;
	int r;

	if (len < 2)
		return 0;
	steps = data[1] % 32;
	if (len < 2 + 2 * steps)
		return 0;
	memset(host, BRICK, WALL);
	memset(ram, 0, RAM);
	memset(ram + RAM, BRICK, WALL);
	shown = filtered = 0;
	closed = false;
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
	n = len - 2 - 2 * steps;
	memcpy(ram + RINGS, data + 2 + 2 * steps,
	       n < RAM - RINGS ? n : RAM - RINGS);
	loop_lock(loop);
	step(v, drv, (const uint8_t[]){ 6, 0 });
	for (size_t i = 0; i < steps; i++)
		step(v, drv, data + 2 + 2 * i);
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	run_quiet(v);
	CHECK(v->status == 0);
	written = lseek(out_fd, 0, SEEK_CUR);
	CHECK((data[0] & 2) || closed || written == (off_t)shown);
	for (unsigned i = 0; i < WALL; i++)
		CHECK(host[i] == BRICK && ram[RAM + i] == BRICK);
	vdev_free(v);
	return 0;
}
