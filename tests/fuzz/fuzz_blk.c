/* fuzz_blk.c: the block device under rings written by a fuzzer, over a real
 * loop, with a memory file as its disk.
 *
 * Input: modes, n, n steps of 2 bytes, and the bytes of guest memory from
 * RINGS on. The oracle: bytes around RAM stay as they are; the file keeps its
 * length and the bytes behind the disk, a read-only one all its bytes; a
 * quiet loop means that no request and no chain is in flight and that every
 * chain taken was given back; a reset always ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "loop/loop.h"
#include "mem/gmem.h"
#include "tests/support/faulty_file.h"
#include "tests/support/vdriver.h"
#include "tests/support/walls.h"
#include "virtio/blk.h"
#include "virtio/mmio.h"

#define RAM      0x4000u
#define RINGS    0x100u
#define SECTORS  16u
#define DISK_END (SECTORS * BLK_SECTOR + 300) /* and a part of a sector */
#define FILE_LEN (DISK_END + 4096)
#define QUEUES   2u
#define FEATURES                                                     \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | BLK_F_FLUSH | \
	 BLK_F_CONFIG_WCE | BLK_F_DISCARD | BLK_F_WRITE_ZEROES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static _Alignas(4096) uint8_t host[WALL + RAM + WALL];
static uint8_t *const ram = host + WALL;
static uint8_t *file; /* mapped */
static struct loop *loop;
static int fd;
static uint64_t features;
static bool cut; /* the file was made shorter, for once */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err = { 0 };
	int r;

	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	fd = memfd_create("disk", MFD_CLOEXEC);
	CHECK(fd >= 0);
	r = ftruncate(fd, FILE_LEN);
	CHECK(r == 0);
	file = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(file != MAP_FAILED);
	r = loop_new(8, LOOP_POLL, &loop, &err);
	CHECK(r == 0);
	return 0;
}

static void fire(void *ctx)
{
	(void)ctx;
}

static void run_quiet(struct vdev *v)
{
	int r = loop_run(loop, NULL, true);

	CHECK(r == 0);
	CHECK(v->in_flight == 0 && !v->reset_pending);
	for (unsigned i = 0; i < QUEUES; i++)
		CHECK(v->queue[i].in_flight == 0);
}

static void up(struct vdev *v, struct vdriver *drv)
{
	(void)vdriver_negotiate(v, features & v->offered);
	for (unsigned i = 0; i < QUEUES; i++)
		vdriver_set_queue(v, i, &drv[i]);
	vdriver_go(v);
}

static void set_length(off_t n)
{
	int r = ftruncate(fd, n);

	CHECK(r == 0);
}

static void step(struct vdev *v, struct vdriver *drv, const uint8_t *p)
{
	struct vdriver *d = &drv[p[1] % QUEUES];

	switch (p[0] % 12) {
	case 0:
	case 1:
	case 2:
	case 3:
		vdriver_publish(d, (uint16_t)(d->avail_idx + p[1] / 16));
		vdriver_set_reg(v, MMIO_REG_QUEUE_NOTIFY, p[1] % QUEUES);
		break;
	case 4:
	case 5:
		loop_unlock(loop);
		run_quiet(v);
		loop_lock(loop);
		break;
	case 6:
		vdriver_set_reg(v, MMIO_REG_STATUS, 0);
		break;
	case 7:
		up(v, drv);
		break;
	case 8:
		vdriver_set_reg(v, MMIO_REG_QUEUE_SEL, p[1] & 1);
		vdriver_set_reg(v, MMIO_REG_QUEUE_READY, p[1] / 2 & 1);
		break;
	case 9:
		mmio_write(v, MMIO_REG_CONFIG + p[1] % 64, p, 1);
		break;
	case 10:
		faulty_file.max_len = p[1];
		break;
	default:
		cut = true;
		set_length(p[1] * 50);
		break;
	}
}

static struct vdev *make(uint8_t mode, const struct gmem *mem)
{
	const struct blk_config cfg = {
		.loop = loop,
		.mem = mem,
		.irq = { fire, NULL },
		.fd = fd,
		.read_only = mode & 1,
		.len = DISK_END,
		.queues = QUEUES,
		.block_len = 512,
		.physical_len = 512,
		.io_align = mode & 2 ? 512 : 0,
		.mem_align = mode & 2 ? 512 : 0,
		/* a sector is half a microsecond of waiting */
		.limit = { .bytes = mode & 64 ? 1u << 30 : 0,
			   .bytes_burst = 1 },
		.serial = "fuzz",
		.now_max = mode & 32 ? 2048 : 0,
	};
	struct err err = { 0 };
	struct vdev *v = NULL;
	int r = blk_new(&cfg, &v, &err);

	CHECK(r == 0);
	features = FEATURES & ~(mode & 4 ? BLK_F_FLUSH : 0) &
		   ~(mode & 8 ? BLK_F_CONFIG_WCE : 0);
	return v;
}

static void check_file(bool read_only)
{
	struct stat st;
	int r = fstat(fd, &st);
	const unsigned from = read_only ? 0 : SECTORS * BLK_SECTOR;

	CHECK(r == 0);
	if (cut) { /* it may have grown again, as far as the disk */
		CHECK(st.st_size <= 255 * 50 ||
		      st.st_size <= SECTORS * BLK_SECTOR);
		return;
	}
	CHECK(st.st_size == FILE_LEN);
	for (unsigned i = from; i < FILE_LEN; i++)
		CHECK(file[i] == BRICK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vdriver drv[QUEUES];
	struct gmem mem;
	struct vdev *v;
	size_t steps, n;

	if (len < 2)
		return 0;
	steps = data[1] % 32;
	if (len < 2 + 2 * steps)
		return 0;
	walls_build(host, RAM);
	set_length(FILE_LEN);
	memset(file, BRICK, FILE_LEN);
	cut = false;
	faulty_file = (struct faulty_file){
		.sync_error = data[0] & 16 ? 5 : 0,
		.never_waits = data[0] & 32,
		.alloc_error = data[0] & 32 ? 95 : 0, /* EOPNOTSUPP */
	};

	gmem_init_borrowed(&mem, 0, ram, RAM);
	v = make(data[0], &mem);
	vdriver_init(&drv[0], ram, RINGS, 8);
	vdriver_init(&drv[1], ram, (drv[0].end + 15) & ~15ull, 4);
	n = len - 2 - 2 * steps;
	memcpy(ram + RINGS, data + 2 + 2 * steps,
	       n < RAM - RINGS ? n : RAM - RINGS);
	loop_lock(loop);
	up(v, drv);
	for (size_t i = 0; i < steps; i++)
		step(v, drv, data + 2 + 2 * i);
	vdriver_set_reg(v, MMIO_REG_STATUS, 0);
	vdev_shutdown(v);
	loop_unlock(loop);
	run_quiet(v);
	CHECK(v->status == 0);
	check_file(data[0] & 1);
	walls_check(host, RAM);
	vdev_free(v);
	return 0;
}
