/* blk_rig.c: see blk_rig.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/blk_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "virtio/mmio.h"

#define RINGS     0x1000u /* a page for each */
#define SLOTS     0x10000u
#define SLOT_LEN  256u
#define STATUS_AT 32u
#define TABLE_AT  64u

struct blk_rig disk = { .fd = -1 };
_Alignas(4096) uint8_t disk_ram[DISK_RAM];

static void fire(void *ctx)
{
	(void)ctx;
	disk.fired++;
}

uint8_t disk_byte(uint64_t off)
{
	return (uint8_t)(off * 13 + off / 512 * 7 + off / 65536);
}

int disk_file(int flags)
{
	char path[] = "/tmp/mayfly-disk-XXXXXX";
	uint8_t *bytes = malloc(DISK_LEN);
	ssize_t n;
	int fd = mkstemp(path), again;

	CHECK(fd >= 0 && bytes);
	for (unsigned i = 0; i < DISK_LEN; i++)
		bytes[i] = disk_byte(i);
	n = write(fd, bytes, DISK_LEN);
	CHECK(n == DISK_LEN);
	free(bytes);
	again = open(path, (flags & O_ACCMODE) == 0 ? O_RDWR | flags | O_CLOEXEC
						    : flags | O_CLOEXEC);
	(void)close(fd);
	(void)unlink(path);
	return again;
}

void disk_create(enum loop_engine engine)
{
	struct err err = { 0 };
	int r = loop_new(256, engine, &disk.loop, &err);

	CHECK(r == 0);
	if (disk.fd < 0)
		disk.fd = disk_file(0);
	CHECK(disk.fd >= 0);
	gmem_init_borrowed(&disk.mem, 0, disk_ram, sizeof(disk_ram));
	disk.cfg.loop = disk.loop;
	disk.cfg.mem = &disk.mem;
	disk.cfg.irq = (struct irq_line){ fire, NULL };
	disk.cfg.fd = disk.fd;
	if (!disk.cfg.len)
		disk.cfg.len = DISK_LEN;
	if (!disk.cfg.queues)
		disk.cfg.queues = 1;
	if (!disk.cfg.block_len)
		disk.cfg.block_len = 512;
	if (!disk.cfg.physical_len)
		disk.cfg.physical_len = 4096;
	if (!disk.cfg.serial)
		disk.cfg.serial = "rig";
	r = blk_new(&disk.cfg, &disk.v, &err);
	CHECK(r == 0);
}

void disk_drive(uint64_t features)
{
	bool ok;

	disk.next_slot = 0;
	loop_lock(disk.loop);
	ok = vdriver_negotiate(disk.v, features & disk.v->offered);
	for (unsigned i = 0; i < disk.cfg.queues; i++) {
		vdriver_init(&disk.drv[i], disk_ram, RINGS + i * 0x1000,
			     DISK_RING);
		vdriver_set_queue(disk.v, i, &disk.drv[i]);
	}
	vdriver_go(disk.v);
	loop_unlock(disk.loop);
	CHECK(ok && vdev_live(disk.v));
}

void disk_up(enum loop_engine engine)
{
	disk_create(engine);
	disk_drive(DISK_FEATURES);
}

void disk_down(void)
{
	loop_lock(disk.loop);
	vdev_shutdown(disk.v);
	loop_unlock(disk.loop);
	disk_run();
	vdev_free(disk.v);
	loop_free(disk.loop);
	(void)close(disk.fd);
	disk.fd = -1;
}

gpa_t disk_header_gpa(unsigned slot)
{
	return SLOTS + (gpa_t)slot * SLOT_LEN;
}

gpa_t disk_status_gpa(unsigned slot)
{
	return disk_header_gpa(slot) + STATUS_AT;
}

uint8_t disk_status(unsigned slot)
{
	return disk_ram[disk_status_gpa(slot)];
}

void disk_header(gpa_t gpa, uint32_t type, uint64_t sector)
{
	struct blk_header h = { .type = le32_of(type),
				.sector = le64_of(sector) };

	memcpy(disk_ram + gpa, &h, sizeof(h));
}

unsigned disk_add(unsigned queue, uint32_t type, uint64_t sector, gpa_t data,
		  uint32_t len)
{
	const unsigned slot = disk.next_slot++ % DISK_SLOTS;
	const bool in = type == BLK_T_IN || type == BLK_T_GET_ID;
	struct vdriver_buf b[3] = { { disk_header_gpa(slot), 16, false } };
	unsigned n = 1;

	disk_header(disk_header_gpa(slot), type, sector);
	disk_ram[disk_status_gpa(slot)] = 0xff;
	if (len)
		b[n++] = (struct vdriver_buf){ data, len, in };
	b[n++] = (struct vdriver_buf){ disk_status_gpa(slot), 1, true };
	(void)vdriver_add_indirect(&disk.drv[queue],
				   disk_header_gpa(slot) + TABLE_AT, b, n);
	return slot;
}

void disk_kick(unsigned queue)
{
	loop_lock(disk.loop);
	vdriver_set_reg(disk.v, MMIO_REG_QUEUE_NOTIFY, queue);
	loop_unlock(disk.loop);
}

void disk_run(void)
{
	int r = loop_run(disk.loop, NULL, true);

	CHECK(r == 0);
}

void disk_reset(void)
{
	loop_lock(disk.loop);
	vdriver_set_reg(disk.v, MMIO_REG_STATUS, 0);
	loop_unlock(disk.loop);
}

uint8_t disk_do(uint32_t type, uint64_t sector, gpa_t data, uint32_t len)
{
	unsigned slot = disk_add(0, type, sector, data, len);

	disk_kick(0);
	disk_run();
	return disk_status(slot);
}

uint32_t disk_used_len(void)
{
	uint32_t head, len = 0;

	while (vdriver_used(&disk.drv[0], &head, &len))
		;
	return len;
}
