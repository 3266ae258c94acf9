/* console_rig.c: see console_rig.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/console_rig.h"

#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "virtio/mmio.h"

#define QUEUE_SIZE      16
#define CTRL_QUEUE_SIZE 32

struct console_rig rig;
_Alignas(4096) uint8_t rig_ram[RIG_RAM];

static void fire(void *ctx)
{
	(void)ctx;
	rig.fired++;
	rig.stop = true;
}

static void on_output(void *ctx, const uint8_t *bytes, size_t n)
{
	CHECK(ctx == &rig && n > 0 && n <= CONSOLE_SEEN_MAX);
	CHECK(n <= sizeof(rig.seen) - rig.n_seen);
	memcpy(rig.seen + rig.n_seen, bytes, n);
	rig.n_seen += n;
}

static void on_output_closed(void *ctx, int error)
{
	CHECK(ctx == &rig);
	rig.closed_error = error;
	rig.n_closed++;
}

void rig_create(enum loop_engine engine, int in_fd, int out_fd)
{
	struct err err = { 0 };
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = loop_new(8, engine, &rig.loop, &err);
	CHECK(r == 0);
	gmem_init_borrowed(&rig.mem, 0, rig_ram, sizeof(rig_ram));
	rig.cfg.loop = rig.loop;
	rig.cfg.mem = &rig.mem;
	rig.cfg.irq = (struct irq_line){ fire, NULL };
	rig.cfg.in_fd = in_fd;
	rig.cfg.out_fd = out_fd;
	rig.cfg.cols = 80;
	rig.cfg.rows = 25;
	rig.cfg.ctx = &rig;
	rig.cfg.on_output = on_output;
	rig.cfg.on_output_closed = on_output_closed;
	r = console_new(&rig.cfg, &rig.v, &err);
	CHECK(r == 0);
}

void rig_drive(void)
{
	bool ok;

	vdriver_init(&rig.rx, rig_ram, 0x1000, QUEUE_SIZE);
	vdriver_init(&rig.tx, rig_ram, 0x2000, QUEUE_SIZE);
	vdriver_init(&rig.ctrl_rx, rig_ram, 0x3000, CTRL_QUEUE_SIZE);
	vdriver_init(&rig.ctrl_tx, rig_ram, 0x4000, CTRL_QUEUE_SIZE);
	loop_lock(rig.loop);
	ok = vdriver_negotiate(
		rig.v, RIG_FEATURES | (rig.ports ? CONSOLE_F_MULTIPORT : 0));
	vdriver_set_queue(rig.v, CONSOLE_RX, &rig.rx);
	vdriver_set_queue(rig.v, CONSOLE_TX, &rig.tx);
	if (rig.ports) {
		vdriver_set_queue(rig.v, CONSOLE_CTRL_RX, &rig.ctrl_rx);
		vdriver_set_queue(rig.v, CONSOLE_CTRL_TX, &rig.ctrl_tx);
	}
	vdriver_go(rig.v);
	loop_unlock(rig.loop);
	CHECK(ok && vdev_live(rig.v));
}

void rig_up(enum loop_engine engine, int in_fd, int out_fd)
{
	rig_create(engine, in_fd, out_fd);
	rig_drive();
}

void rig_down(void)
{
	loop_lock(rig.loop);
	vdev_shutdown(rig.v);
	loop_unlock(rig.loop);
	rig_run_quiet();
	vdev_free(rig.v);
	loop_free(rig.loop);
}

void rig_run_quiet(void)
{
	int r = loop_run(rig.loop, NULL, true);

	CHECK(r == 0);
}

void rig_run_some(void)
{
	int r = loop_run(rig.loop, &rig.stop, false);

	CHECK(r == 0);
	rig.stop = false;
}

void rig_kick(unsigned queue)
{
	loop_lock(rig.loop);
	vdriver_set_reg(rig.v, MMIO_REG_QUEUE_NOTIFY, queue);
	loop_unlock(rig.loop);
}

void rig_reset(void)
{
	loop_lock(rig.loop);
	vdriver_set_reg(rig.v, MMIO_REG_STATUS, 0);
	loop_unlock(rig.loop);
}

uint32_t rig_flags(void)
{
	return vdriver_reg(rig.v, MMIO_REG_CONFIG + CONSOLE_FLAGS_OFFSET);
}

void rig_say(const char *text)
{
	static gpa_t at = RIG_DATA;
	struct vdriver_buf b = { at, (uint32_t)strlen(text), false };

	memcpy(rig_ram + at, text, b.len);
	at += b.len;
	(void)vdriver_add(&rig.tx, &b, 1);
}

void rig_offer(unsigned off, uint32_t len)
{
	struct vdriver_buf b = { RIG_IN + off, len, true };

	(void)vdriver_add(&rig.rx, &b, 1);
}
