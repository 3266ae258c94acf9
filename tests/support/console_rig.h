/* console_rig.h: a console on a real loop, with its guest on plain memory,
 * for the tests of both directions. One at a time; what cannot fail on a sane
 * host is CHECKed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_CONSOLE_RIG_H
#define SUPPORT_CONSOLE_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/console.h"

#define RIG_RAM      (1u << 20)
#define RIG_DATA     0x10000u /* output, here and behind */
#define RIG_IN       0x8000u  /* receive buffers */
#define RIG_FEATURES (VIRTIO_F_VERSION_1 | CONSOLE_F_SIZE)

struct console_rig {
	struct loop *loop;
	struct vdev *v;
	struct vdriver rx, tx, ctrl_rx, ctrl_tx;
	struct gmem mem;
	struct console_config cfg; /* set a filter before rig_create */
	bool ports;                /* the driver takes MULTIPORT */
	_Atomic bool stop;         /* ends rig_run_some */
	unsigned fired;            /* interrupts */

	uint8_t seen[RIG_RAM]; /* by on_output */
	size_t n_seen;
	int closed_error; /* by on_output_closed */
	unsigned n_closed;
};

extern struct console_rig rig;
extern uint8_t rig_ram[RIG_RAM];

/* A device its driver has not seen yet; fds as in console_config. */
void rig_create(enum loop_engine engine, int in_fd, int out_fd);
/* The driver comes up. */
void rig_drive(void);
/* Both. */
void rig_up(enum loop_engine engine, int in_fd, int out_fd);
void rig_down(void);

/* Until nothing is in flight; until the next interrupt. */
void rig_run_quiet(void);
void rig_run_some(void);

void rig_kick(unsigned queue);
void rig_reset(void);
uint32_t rig_flags(void); /* mayfly_flags */

/* Queues text for output, a receive buffer at RIG_IN + off. No kick. */
void rig_say(const char *text);
void rig_offer(unsigned off, uint32_t len);

#endif
