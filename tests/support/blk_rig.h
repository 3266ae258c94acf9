/* blk_rig.h: a disk on a real loop and a real file, with its guest on plain
 * memory. One at a time; what cannot fail on a sane host is CHECKed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_BLK_RIG_H
#define SUPPORT_BLK_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/vdriver.h"
#include "virtio/blk.h"

#define DISK_RAM   (8u << 20)
#define DISK_DATA  0x100000u  /* from here on memory is the test's */
#define DISK_LEN   (4u << 20) /* bytes of the file */
#define DISK_SLOTS 512u
#define DISK_RING  128u
#define DISK_FEATURES                                                    \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | BLK_F_SIZE_MAX |  \
	 BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY | \
	 BLK_F_CONFIG_WCE | BLK_F_DISCARD | BLK_F_WRITE_ZEROES)

struct blk_rig {
	struct loop *loop;
	struct vdev *v;
	struct gmem mem;
	struct blk_config cfg; /* set what differs before disk_create */
	int fd;
	struct vdriver drv[BLK_NUM_QUEUES_MAX];
	unsigned next_slot;
	unsigned fired; /* interrupts */
};

extern struct blk_rig disk;
extern uint8_t disk_ram[DISK_RAM];

/* A file without a name, DISK_LEN bytes that say where they are. `flags` for
 * open(2). -1: the file system refuses them. */
int disk_file(int flags);
/* The byte at `off` of a fresh file. */
uint8_t disk_byte(uint64_t off);

/* A device on disk_file(0), or on disk.fd when that is set. */
void disk_create(enum loop_engine engine);
/* Its driver; features that the device does not offer are not taken. */
void disk_drive(uint64_t features);
void disk_up(enum loop_engine engine);
void disk_down(void);

/* A request in a slot of its own, published, not kicked. Returns the slot. */
unsigned disk_add(unsigned queue, uint32_t type, uint64_t sector, gpa_t data,
		  uint32_t len);
/* The same from buffers; they include header and status byte. */
void disk_header(gpa_t gpa, uint32_t type, uint64_t sector);
/* What was answered; 0xff: nothing yet. */
uint8_t disk_status(unsigned slot);
gpa_t disk_status_gpa(unsigned slot);
gpa_t disk_header_gpa(unsigned slot);

void disk_kick(unsigned queue);
void disk_run(void); /* until nothing is in flight */
void disk_reset(void);

/* One request on queue 0, start to end; its status. */
uint8_t disk_do(uint32_t type, uint64_t sector, gpa_t data, uint32_t len);
/* The used length of the request that ended last on queue 0. */
uint32_t disk_used_len(void);

#endif
