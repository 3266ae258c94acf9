/* test_blk.c: the block device doing what it is for, on real files and both
 * loop engines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/blk_rig.h"
#include "tests/support/faulty_file.h"
#include "virtio/mmio.h"

/* Every test runs once an engine. */
#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(blk, name)                                \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, blk, name, .timeout = 20)

static uint64_t config(unsigned off, unsigned n)
{
	uint64_t x = 0;

	loop_lock(disk.loop);
	mmio_read(disk.v, MMIO_REG_CONFIG + off, &x, n);
	loop_unlock(disk.loop);
	return x;
}

static void set_writeback(uint8_t on)
{
	loop_lock(disk.loop);
	mmio_write(disk.v, MMIO_REG_CONFIG + 32, &on, 1);
	loop_unlock(disk.loop);
}

/* Bytes of the file are what `want` says. */
static void expect_file(uint64_t off, const uint8_t *want, size_t len)
{
	static uint8_t got[DISK_LEN];

	cr_assert_eq(pread(disk.fd, got, len, (off_t)off), (ssize_t)len);
	cr_assert_eq(memcmp(got, want, len), 0, "file at %llu",
		     (unsigned long long)off);
}

static void expect_fresh(gpa_t gpa, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(disk_ram[gpa + i], disk_byte(off + i),
			     "byte %zu of the disk", (size_t)off + i);
}

static void fill(gpa_t gpa, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		disk_ram[gpa + i] = (uint8_t)(seed + i * 3 + i / 300);
}

/* --- what it says about itself --------------------------------------------- */

BOTH_ENGINES(configuration)
{
	disk_up(*engine);
	cr_expect_eq(vdriver_reg(disk.v, MMIO_REG_DEVICE_ID), 2);
	cr_expect_eq(config(0, 8), DISK_LEN / 512);
	cr_expect_eq(config(8, 4), BLK_SEG_LEN_MAX);
	cr_expect_eq(config(12, 4), DISK_RING - 2, "header and status byte");
	cr_expect_eq(config(20, 4), 512);
	cr_expect_eq(config(24, 1), 3, "eight logical blocks in a physical");
	cr_expect_eq(config(26, 2), 8);
	cr_expect_eq(config(32, 1), 1, "write-back");
	cr_expect_eq(config(34, 2), 1);
	cr_expect_eq(config(36, 4), BLK_RANGE_SECTORS_MAX);
	cr_expect_eq(config(40, 4), BLK_RANGES_MAX);
	cr_expect_eq(config(56, 1), 1);
	cr_expect_not(disk.v->offered & (BLK_F_RO | BLK_F_MQ));
	disk_down();
}

BOTH_ENGINES(a_read_only_disk_says_so)
{
	disk.cfg.read_only = true;
	disk.fd = disk_file(0);
	disk_up(*engine);
	cr_expect(disk.v->offered & BLK_F_RO);
	cr_expect_not(disk.v->offered & (BLK_F_DISCARD | BLK_F_WRITE_ZEROES));
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_IOERR);
	cr_expect_eq(disk_do(BLK_T_DISCARD, 0, DISK_DATA, 16), BLK_S_UNSUPP);
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, DISK_LEN), BLK_S_OK);
	expect_fresh(DISK_DATA, 0, DISK_LEN);
	disk_down();
}

BOTH_ENGINES(serial_number)
{
	disk.cfg.serial = "0123456789abcdefghijklm";
	disk_up(*engine);
	memset(disk_ram + DISK_DATA, 'x', 32);
	cr_expect_eq(disk_do(BLK_T_GET_ID, 0, DISK_DATA, 20), BLK_S_OK);
	cr_expect_eq(disk_used_len(), 21);
	cr_expect_eq(memcmp(disk_ram + DISK_DATA, "0123456789abcdefghijx", 21),
		     0);
	cr_expect_eq(disk_do(BLK_T_GET_ID, 0, DISK_DATA, 19), BLK_S_IOERR);
	disk_down();
	disk.cfg.serial = "s";
	disk_up(*engine);
	cr_expect_eq(disk_do(BLK_T_GET_ID, 0, DISK_DATA, 20), BLK_S_OK);
	cr_expect_eq(disk_ram[DISK_DATA], 's');
	cr_expect_eq(disk_ram[DISK_DATA + 1], 0);
	disk_down();
}

/* --- moving ----------------------------------------------------------------- */

BOTH_ENGINES(reads_and_writes)
{
	disk_up(*engine);
	cr_expect_eq(disk_do(BLK_T_IN, 3, DISK_DATA, 1024), BLK_S_OK);
	cr_expect_eq(disk_used_len(), 1025);
	expect_fresh(DISK_DATA, 3 * 512, 1024);
	fill(DISK_DATA, 4096, 5);
	cr_expect_eq(disk_do(BLK_T_OUT, 16, DISK_DATA, 4096), BLK_S_OK);
	cr_expect_eq(disk_used_len(), 1);
	expect_file(16 * 512, disk_ram + DISK_DATA, 4096);
	cr_expect_eq(disk_do(BLK_T_IN, 16, DISK_DATA + 8192, 4096), BLK_S_OK);
	cr_expect_eq(
		memcmp(disk_ram + DISK_DATA, disk_ram + DISK_DATA + 8192, 4096),
		0);
	/* the neighbours are as they were */
	cr_expect_eq(disk_do(BLK_T_IN, 15, DISK_DATA, 512), BLK_S_OK);
	expect_fresh(DISK_DATA, 15 * 512, 512);
	cr_expect_eq(disk_do(BLK_T_IN, 24, DISK_DATA, 512), BLK_S_OK);
	expect_fresh(DISK_DATA, 24 * 512, 512);
	cr_expect_eq(disk.v->in_flight, 0);
	disk_down();
}

BOTH_ENGINES(buffers_may_be_cut_anywhere)
{
	const gpa_t h = 0x8000;
	const struct vdriver_buf in[] = {
		{ h, 5, false },
		{ h + 5, 11, false },
		{ DISK_DATA, 1, true },
		{ DISK_DATA + 1, 510, true },
		{ DISK_DATA + 511, 2, true } /* the last byte is the status */
	};
	const struct vdriver_buf out[] = {
		{ h, 15, false },
		{ h + 15, 18, false }, /* a byte of header, 17 of data */
		{ DISK_DATA, 495, false },
		{ DISK_DATA + 1000, 1, true },
	};

	disk_up(*engine);
	disk_header(h, BLK_T_IN, 7);
	(void)vdriver_add(&disk.drv[0], in, ARRAY_SIZE(in));
	disk_kick(0);
	disk_run();
	cr_expect_eq(disk_used_len(), 513);
	expect_fresh(DISK_DATA, 7 * 512, 512);
	cr_expect_eq(disk_ram[DISK_DATA + 512], BLK_S_OK);

	disk_header(h, BLK_T_OUT, 9);
	fill(h + 16, 17, 1);
	fill(DISK_DATA, 495, 9);
	disk_ram[DISK_DATA + 1000] = 0xff;
	(void)vdriver_add(&disk.drv[0], out, ARRAY_SIZE(out));
	disk_kick(0);
	disk_run();
	cr_expect_eq(disk_ram[DISK_DATA + 1000], BLK_S_OK);
	expect_file(9 * 512, disk_ram + h + 16, 17);
	expect_file(9 * 512 + 17, disk_ram + DISK_DATA, 495);
	disk_down();
}

BOTH_ENGINES(a_full_ring_at_once_is_one_interrupt)
{
	unsigned slot[DISK_RING];

	disk_up(*engine);
	for (unsigned i = 0; i < DISK_RING; i++)
		slot[i] = disk_add(0, BLK_T_IN, (uint64_t)i * 8,
				   DISK_DATA + i * 4096, 4096);
	disk_kick(0);
	cr_expect_eq(disk.v->in_flight, DISK_RING);
	disk_run();
	for (unsigned i = 0; i < DISK_RING; i++)
		cr_expect_eq(disk_status(slot[i]), BLK_S_OK);
	expect_fresh(DISK_DATA, 0, DISK_RING * 4096);
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), DISK_RING);
	cr_expect_leq(disk.fired, *engine == LOOP_POLL ? 1 : DISK_RING / 2,
		      "%u interrupts", disk.fired);
	disk_down();
}

/* What one kick may move by itself, and what is left for the loop. */
BOTH_ENGINES(a_kick_answers_what_is_at_hand)
{
	unsigned slot[20];

	disk.cfg.now_max = 16 * 4096;
	disk_up(*engine);
	faulty_file.never_waits = true;
	for (unsigned i = 0; i < 20; i++)
		slot[i] = disk_add(0, BLK_T_IN, (uint64_t)i * 8,
				   DISK_DATA + i * 4096, 4096);
	disk_kick(0);
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), 16);
	cr_expect_eq(disk.v->in_flight, 4);
	cr_expect_eq(disk.fired, 1);
	disk_run();
	for (unsigned i = 0; i < 20; i++)
		cr_expect_eq(disk_status(slot[i]), BLK_S_OK);
	expect_fresh(DISK_DATA, 0, 20 * 4096);
	disk_down();
}

BOTH_ENGINES(a_kick_that_gets_less_leaves_the_rest_to_the_loop)
{
	unsigned in, out;

	disk.cfg.now_max = 1 << 20;
	disk_up(*engine);
	fill(DISK_DATA + 8192, 4096, 5);
	in = disk_add(0, BLK_T_IN, 0, DISK_DATA, 4096);
	out = disk_add(0, BLK_T_OUT, 64, DISK_DATA + 8192, 4096);
	faulty_file.never_waits = true;
	faulty_file.max_len = 1000;
	disk_kick(0);
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), 0);
	disk_run();
	cr_expect_eq(disk_status(in), BLK_S_OK);
	cr_expect_eq(disk_status(out), BLK_S_OK);
	expect_fresh(DISK_DATA, 0, 4096);
	faulty_file.max_len = 0;
	expect_file(64 * 512, disk_ram + DISK_DATA + 8192, 4096);
	disk_down();
}

BOTH_ENGINES(a_write_through_write_is_never_answered_by_the_kick)
{
	unsigned slot;

	disk.cfg.now_max = 1 << 20;
	disk_create(*engine);
	disk_drive(DISK_FEATURES & ~BLK_F_FLUSH & ~BLK_F_CONFIG_WCE);
	faulty_file.never_waits = true;
	slot = disk_add(0, BLK_T_OUT, 0, DISK_DATA, 4096);
	disk_kick(0);
	cr_expect_eq(disk_status(slot), 0xff);
	cr_expect_eq(disk.v->in_flight, 1);
	disk_run();
	cr_expect_eq(disk_status(slot), BLK_S_OK);
	disk_down();
}

/* Reads are the kernel's own; the others need a thread of it. */
BOTH_ENGINES(what_kernel_threads_do_is_counted)
{
	disk_up(*engine);
	(void)disk_add(0, BLK_T_IN, 0, DISK_DATA, 4096);
	(void)disk_add(0, BLK_T_OUT, 8, DISK_DATA, 4096);
	(void)disk_add(0, BLK_T_FLUSH, 0, 0, 0);
	disk_kick(0);
	cr_expect_eq(disk.v->in_flight, 3);
	cr_expect_eq(disk.v->elsewhere, 2);
	disk_run();
	cr_expect_eq(disk.v->elsewhere, 0);
	disk_down();
}

BOTH_ENGINES(a_kick_meets_errors_too)
{
	unsigned slot;

	disk.cfg.now_max = 1 << 20;
	disk_up(*engine);
	faulty_file.never_waits = true;
	faulty_file.read_error = EIO;
	slot = disk_add(0, BLK_T_IN, 0, DISK_DATA, 4096);
	disk_kick(0);
	cr_expect_eq(disk_status(slot), BLK_S_IOERR);
	cr_expect_eq(disk.v->in_flight, 0);
	disk_down();
}

BOTH_ENGINES(writes_at_once_land_where_they_should)
{
	const unsigned n = 96;
	unsigned slot[96];

	disk_up(*engine);
	fill(DISK_DATA, n * 2048, 77);
	for (unsigned i = 0; i < n; i++)
		slot[i] = disk_add(0, BLK_T_OUT, (uint64_t)(n - 1 - i) * 4,
				   DISK_DATA + (n - 1 - i) * 2048, 2048);
	disk_kick(0);
	disk_run();
	for (unsigned i = 0; i < n; i++)
		cr_expect_eq(disk_status(slot[i]), BLK_S_OK);
	expect_file(0, disk_ram + DISK_DATA, n * 2048);
	disk_down();
}

BOTH_ENGINES(every_queue_works)
{
	unsigned slot[8];

	disk.cfg.queues = 8;
	disk_up(*engine);
	cr_expect(disk.v->offered & BLK_F_MQ);
	cr_expect_eq(config(34, 2), 8);
	for (unsigned q = 0; q < 8; q++)
		slot[q] = disk_add(q, BLK_T_IN, q, DISK_DATA + q * 512, 512);
	for (unsigned q = 8; q-- > 0;)
		disk_kick(q);
	disk_run();
	for (unsigned q = 0; q < 8; q++) {
		cr_expect_eq(disk_status(slot[q]), BLK_S_OK, "queue %u", q);
		cr_expect_eq(vdriver_used_idx(&disk.drv[q]), 1);
	}
	expect_fresh(DISK_DATA, 0, 8 * 512);
	disk_down();
}

BOTH_ENGINES(the_last_sector_is_the_last)
{
	const uint64_t end = DISK_LEN / 512;

	disk_up(*engine);
	cr_expect_eq(disk_do(BLK_T_IN, end - 1, DISK_DATA, 512), BLK_S_OK);
	expect_fresh(DISK_DATA, DISK_LEN - 512, 512);
	cr_expect_eq(disk_do(BLK_T_OUT, end - 1, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_OUT, end - 1, DISK_DATA, 1024), BLK_S_IOERR);
	cr_expect_eq(disk_do(BLK_T_OUT, end, DISK_DATA, 512), BLK_S_IOERR);
	cr_expect_eq(lseek(disk.fd, 0, SEEK_END), DISK_LEN);
	disk_down();
}

BOTH_ENGINES(half_a_block_at_the_end_is_no_part_of_the_disk)
{
	disk.cfg.len = DISK_LEN - 100;
	disk_up(*engine);
	cr_expect_eq(config(0, 8), DISK_LEN / 512 - 1);
	disk_down();
}

/* --- ranges ----------------------------------------------------------------- */

static void put_range(unsigned i, uint64_t sector, uint32_t n, uint32_t flags)
{
	struct blk_range r = { le64_of(sector), le32_of(n), le32_of(flags) };

	memcpy(disk_ram + DISK_DATA + i * 16, &r, 16);
}

BOTH_ENGINES(write_zeroes_and_discard)
{
	static const uint8_t zeros[64 * 512];

	disk_up(*engine);
	put_range(0, 8, 8, 0);
	put_range(1, 100, 0, 0); /* an empty one */
	put_range(2, 40, 64, BLK_SEG_UNMAP);
	cr_expect_eq(disk_do(BLK_T_WRITE_ZEROES, 0, DISK_DATA, 48), BLK_S_OK);
	cr_expect_eq(disk_used_len(), 1);
	expect_file(8 * 512, zeros, 8 * 512);
	expect_file(40 * 512, zeros, 64 * 512);
	cr_expect_eq(disk_do(BLK_T_IN, 16, DISK_DATA + 4096, 512), BLK_S_OK);
	expect_fresh(DISK_DATA + 4096, 16 * 512, 512);
	cr_expect_eq(disk_do(BLK_T_IN, 104, DISK_DATA + 4096, 512), BLK_S_OK);
	expect_fresh(DISK_DATA + 4096, 104 * 512, 512);
	put_range(0, 1024, 256, 0);
	cr_expect_eq(disk_do(BLK_T_DISCARD, 0, DISK_DATA, 16), BLK_S_OK);
	cr_expect_eq(lseek(disk.fd, 0, SEEK_END), DISK_LEN, "size is kept");
	disk_down();
}

Test(blk, what_fallocate_cannot_do_is_written, .timeout = 20)
{
	static const uint8_t zeros[3u << 20];

	faulty_file.alloc_error = EOPNOTSUPP;
	disk_up(LOOP_POLL);
	put_range(0, 0, (3u << 20) / 512, 0); /* more than one write */
	put_range(1, (3u << 20) / 512 + 1, 1, BLK_SEG_UNMAP);
	cr_expect_eq(disk_do(BLK_T_WRITE_ZEROES, 0, DISK_DATA, 32), BLK_S_OK);
	expect_file(0, zeros, sizeof(zeros));
	expect_file(sizeof(zeros) + 512, zeros, 512);
	cr_expect_eq(disk_do(BLK_T_IN, sizeof(zeros) / 512, DISK_DATA, 512),
		     BLK_S_OK);
	expect_fresh(DISK_DATA, sizeof(zeros), 512);
	put_range(0, 5000, 8, 0);
	cr_expect_eq(disk_do(BLK_T_DISCARD, 0, DISK_DATA, 16), BLK_S_OK,
		     "a wish that need not be granted");
	faulty_file.alloc_error = EIO;
	cr_expect_eq(disk_do(BLK_T_DISCARD, 0, DISK_DATA, 16), BLK_S_IOERR);
	disk_down();
}

/* --- durability -------------------------------------------------------------- */

Test(blk, flush_is_a_sync, .timeout = 20)
{
	disk_up(LOOP_POLL);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 0);
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 1);
	disk_down();
}

Test(blk, write_through_syncs_every_write, .timeout = 20)
{
	disk_up(LOOP_POLL);
	set_writeback(0);
	cr_expect_eq(config(32, 1), 0);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 1);
	put_range(0, 8, 8, 0);
	cr_expect_eq(disk_do(BLK_T_WRITE_ZEROES, 0, DISK_DATA, 16), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 2);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 2);
	set_writeback(1);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 2);
	/* a driver that never heard of FLUSH */
	disk_drive(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC |
		   BLK_F_CONFIG_WCE);
	cr_expect_eq(config(32, 1), 0);
	set_writeback(1);
	cr_expect_eq(config(32, 1), 0);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 3);
	/* one that cannot choose */
	disk_drive(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | BLK_F_FLUSH);
	set_writeback(0);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(faulty_file.n_syncs, 3);
	disk_down();
}

Test(blk, the_choice_ends_with_a_reset, .timeout = 20)
{
	disk_up(LOOP_POLL);
	set_writeback(0);
	disk_drive(DISK_FEATURES);
	cr_expect_eq(config(32, 1), 1);
	disk_down();
}

Test(blk, nothing_lasts_after_a_sync_that_failed, .timeout = 20)
{
	disk_up(LOOP_POLL);
	faulty_file.sync_error = EIO;
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_IOERR);
	faulty_file.sync_error = 0;
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_IOERR);
	disk_drive(DISK_FEATURES);
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_IOERR);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_OK);
	set_writeback(0);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_IOERR);
	disk_down();
}

/* --- direct ------------------------------------------------------------------ */

static bool go_direct(enum loop_engine engine)
{
	disk.fd = disk_file(O_DIRECT);
	if (disk.fd < 0)
		cr_skip_test("no direct I/O here");
	disk.cfg.io_align = disk.cfg.mem_align = disk.cfg.block_len = 4096;
	disk_up(engine);
	return true;
}

BOTH_ENGINES(direct_reads_and_writes)
{
	go_direct(*engine);
	cr_expect_eq(config(20, 4), 4096);
	cr_expect_eq(disk_do(BLK_T_IN, 8, DISK_DATA, 8192), BLK_S_OK);
	expect_fresh(DISK_DATA, 4096, 8192);
	fill(DISK_DATA, 8192, 3);
	cr_expect_eq(disk_do(BLK_T_OUT, 64, DISK_DATA, 8192), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_IN, 64, DISK_DATA + 65536, 8192), BLK_S_OK);
	cr_expect_eq(memcmp(disk_ram + DISK_DATA, disk_ram + DISK_DATA + 65536,
			    8192),
		     0);
	/* no read-modify-write */
	cr_expect_eq(disk_do(BLK_T_IN, 1, DISK_DATA, 4096), BLK_S_IOERR);
	cr_expect_eq(disk_do(BLK_T_IN, 8, DISK_DATA, 512), BLK_S_IOERR);
	disk_down();
}

BOTH_ENGINES(direct_with_buffers_anywhere)
{
	const unsigned n = 40, len = 200 << 10; /* beyond one bounce buffer */
	unsigned slot[40];

	go_direct(*engine);
	fill(DISK_DATA + 1, len, 99);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA + 1, 200 << 10), BLK_S_OK);
	memset(disk_ram + (4u << 20), 0, len + 16);
	cr_expect_eq(disk_do(BLK_T_IN, 0, (4u << 20) + 7, 200 << 10), BLK_S_OK);
	cr_expect_eq(memcmp(disk_ram + DISK_DATA + 1, disk_ram + (4u << 20) + 7,
			    len),
		     0);
	cr_expect_eq(disk_ram[(4u << 20) + 6], 0);
	cr_expect_eq(disk_ram[(4u << 20) + 7 + len], 0);
	/* more than there are bounce buffers: the rest waits */
	for (unsigned i = 0; i < n; i++)
		slot[i] = disk_add(0, BLK_T_IN, 1024 + i * 8,
				   DISK_DATA + i * 8192 + 1, 4096);
	disk_kick(0);
	cr_expect_eq(disk.v->in_flight, BLK_BOUNCES);
	disk_run();
	for (unsigned i = 0; i < n; i++) {
		cr_expect_eq(disk_status(slot[i]), BLK_S_OK);
		expect_fresh(DISK_DATA + i * 8192 + 1,
			     (1024 + (uint64_t)i * 8) * 512, 4096);
	}
	disk_down();
}
