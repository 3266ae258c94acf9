/* balloon_rig.h: a balloon on a real loop, with its guest on plain memory.
 * One at a time; what cannot fail on a sane host is CHECKed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_BALLOON_RIG_H
#define SUPPORT_BALLOON_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/balloon.h"

#define BLN_RAM   (8u << 20)
#define BLN_HOLE  (4u << 20) /* RAM goes on behind a hole of as much again */
#define BLN_LIST  0x20000u   /* for page numbers and the like */
#define BLN_PAGES 0x100000u  /* from here on memory is the test's */
#define BLN_RING  64u
#define BLN_FILL  0x77
#define BLN_ALL                                                \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC |         \
	 BALLOON_F_MUST_TELL_HOST | BALLOON_F_STATS_VQ |       \
	 BALLOON_F_DEFLATE_ON_OOM | BALLOON_F_FREE_PAGE_HINT | \
	 BALLOON_F_PAGE_REPORTING)

struct balloon_rig {
	struct loop *loop;
	struct vdev *v;
	struct gmem mem;
	struct balloon_config cfg; /* set what differs before bln_create */
	struct vdriver drv[BALLOON_QUEUES];
	unsigned fired; /* interrupts */
	_Atomic bool stop;
};

extern struct balloon_rig bln;
/* Guest-physical 0 up to BLN_HOLE is at the start, 2 * BLN_HOLE and up is
 * the rest. */
extern uint8_t bln_ram[BLN_RAM];

/* Everything is offered, statistics every 1000 s, unless bln.cfg says
 * something else; memory from BLN_PAGES on is BLN_FILL. */
void bln_create(void);
/* Its driver; queues whose bit is in `queues` are enabled. */
void bln_drive(uint64_t features, unsigned queues);
void bln_up(void); /* both, with all features but PAGE_POISON */
void bln_down(void);

/* A list of page numbers as one chain of `queue`, kicked. */
void bln_list(unsigned queue, const uint32_t *pages, unsigned n);
/* A chain of buffers, kicked. */
void bln_chain(unsigned queue, const struct vdriver_buf *b, unsigned n);
void bln_kick(unsigned queue);
/* Runs the loop until the device interrupts. */
void bln_await(void);
/* As the machine does after a kick; how often that was needed. */
unsigned bln_again(void);

/* 1: all of the page holds `byte`. */
bool bln_page_is(uint64_t off, uint8_t byte);
/* Used elements of a queue since the last call; each must have length 0. */
unsigned bln_used(unsigned queue);

#endif
