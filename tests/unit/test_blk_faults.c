/* test_blk_faults.c: the block device under hosts that fail, drivers that
 * break rules, and resets in the middle. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/blk_rig.h"
#include "tests/support/faulty_file.h"
#include "virtio/mmio.h"

#define BOTH_ENGINES(name)                                                    \
	ParameterizedTestParameters(blk_faults, name)                         \
	{                                                                     \
		static enum loop_engine engines[] = { LOOP_AUTO, LOOP_POLL }; \
		return cr_make_param_array(enum loop_engine, engines, 2);     \
	}                                                                     \
	ParameterizedTest(enum loop_engine *engine, blk_faults, name,         \
			  .timeout = 20)

static void expect_fresh(gpa_t gpa, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(disk_ram[gpa + i], disk_byte(off + i),
			     "byte %zu of the disk", (size_t)off + i);
}

/* --- the host ---------------------------------------------------------------- */

Test(blk_faults, short_reads_and_writes_go_on, .timeout = 20)
{
	faulty_file.max_len = 700;
	disk_up(LOOP_POLL);
	cr_expect_eq(disk_do(BLK_T_IN, 2, DISK_DATA, 8192), BLK_S_OK);
	cr_expect_eq(disk_used_len(), 8193);
	expect_fresh(DISK_DATA, 1024, 8192);
	cr_expect_geq(faulty_file.n_reads, 12);
	cr_expect_eq(disk_do(BLK_T_OUT, 100, DISK_DATA, 8192), BLK_S_OK);
	faulty_file.max_len = 0;
	memset(disk_ram + DISK_DATA, 0, 8192);
	cr_expect_eq(disk_do(BLK_T_IN, 100, DISK_DATA, 8192), BLK_S_OK);
	expect_fresh(DISK_DATA, 1024, 8192);
	disk_down();
}

BOTH_ENGINES(a_file_that_was_cut_is_an_error)
{
	disk_up(*engine);
	cr_assert_eq(ftruncate(disk.fd, 10 * 512 + 100), 0);
	cr_expect_eq(disk_do(BLK_T_IN, 9, DISK_DATA, 512), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_IN, 10, DISK_DATA, 512), BLK_S_IOERR);
	cr_expect_eq(disk_used_len(), 100, "as far as it got");
	cr_expect_eq(disk_do(BLK_T_IN, 11, DISK_DATA, 512), BLK_S_IOERR);
	cr_expect_eq(disk_used_len(), 0);
	cr_expect(vdev_live(disk.v), "the guest goes on");
	disk_down();
}

BOTH_ENGINES(a_file_that_may_not_grow_is_an_error)
{
	struct rlimit old, few = { 64 << 10, RLIM_INFINITY };

	disk_up(*engine);
	cr_assert_eq(ftruncate(disk.fd, 0), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	few.rlim_max = old.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 4096), BLK_S_OK);
	cr_expect_eq(disk_do(BLK_T_OUT, 120, DISK_DATA, 16384), BLK_S_IOERR,
		     "the first part fits");
	cr_expect_eq(disk_do(BLK_T_OUT, 1000, DISK_DATA, 4096), BLK_S_IOERR);
	cr_expect_eq(disk_used_len(), 1);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	cr_expect_eq(disk_do(BLK_T_OUT, 1000, DISK_DATA, 4096), BLK_S_OK);
	disk_down();
}

Test(blk_faults, host_errors_are_io_errors, .timeout = 20)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EROFS, EFBIG };

	disk_up(LOOP_POLL);
	for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
		faulty_file.read_error = faulty_file.write_error = errors[i];
		cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_IOERR);
		cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512),
			     BLK_S_IOERR);
	}
	faulty_file.read_error = faulty_file.write_error = 0;
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_OK);
	disk_down();
}

BOTH_ENGINES(a_closed_descriptor_is_an_io_error)
{
	int fd;

	disk_up(*engine);
	fd = dup(disk.fd);
	(void)close(disk.fd);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_IOERR);
	cr_expect_eq(disk_do(BLK_T_OUT, 0, DISK_DATA, 512), BLK_S_IOERR);
	cr_expect_eq(disk_do(BLK_T_FLUSH, 0, 0, 0), BLK_S_IOERR);
	cr_assert_eq(dup2(fd, disk.fd), disk.fd);
	(void)close(fd);
	disk_down();
}

Test(blk_faults, less_than_a_block_is_no_disk, .timeout = 20)
{
	struct err err = { 0 };
	struct vdev *v = NULL;

	disk_create(LOOP_POLL);
	disk.cfg.len = 511;
	cr_expect_eq(blk_new(&disk.cfg, &v, &err), -EINVAL);
	cr_expect_null(v);
	disk_down();
}

/* --- requests that are refused ------------------------------------------------ */

struct refused {
	char why[48];
	uint32_t type;
	uint64_t sector;
	uint32_t len;
	struct {
		uint64_t sector;
		uint32_t n, flags;
	} range;
	uint8_t status;
};

#define END (DISK_LEN / 512)

ParameterizedTestParameters(blk_faults, refuses)
{
	static struct refused r[] = {
		{ "read behind the end", BLK_T_IN, END, 512, { 0 }, 1 },
		{ "read over the end", BLK_T_IN, END - 1, 1024, { 0 }, 1 },
		{ "read far away", BLK_T_IN, UINT64_MAX, 512, { 0 }, 1 },
		{ "read that wraps",
		  BLK_T_IN,
		  UINT64_MAX / 512,
		  512,
		  { 0 },
		  1 },
		{ "write behind the end", BLK_T_OUT, END, 512, { 0 }, 1 },
		{ "write that wraps", BLK_T_OUT, 1ull << 55, 512, { 0 }, 1 },
		{ "part of a sector", BLK_T_IN, 0, 100, { 0 }, 1 },
		{ "part of a sector more", BLK_T_OUT, 0, 513, { 0 }, 1 },
		{ "no ranges", BLK_T_DISCARD, 0, 0, { 0 }, 1 },
		{ "part of a range", BLK_T_DISCARD, 0, 17, { 0 }, 1 },
		{ "too many ranges", BLK_T_DISCARD, 0, 17 * 16, { 0 }, 1 },
		{ "range behind the end",
		  BLK_T_DISCARD,
		  0,
		  16,
		  { END, 1, 0 },
		  1 },
		{ "range over the end",
		  BLK_T_WRITE_ZEROES,
		  0,
		  16,
		  { END - 1, 2, 0 },
		  1 },
		{ "range that wraps",
		  BLK_T_WRITE_ZEROES,
		  0,
		  16,
		  { UINT64_MAX, 1, 0 },
		  1 },
		{ "huge range",
		  BLK_T_WRITE_ZEROES,
		  0,
		  16,
		  { 0, UINT32_MAX, 0 },
		  1 },
		{ "discard with unmap", BLK_T_DISCARD, 0, 16, { 0, 1, 1 }, 2 },
		{ "unknown flag", BLK_T_WRITE_ZEROES, 0, 16, { 0, 1, 2 }, 2 },
		{ "unknown flags",
		  BLK_T_WRITE_ZEROES,
		  0,
		  16,
		  { 0, 1, 0xffffffff },
		  2 },
		{ "lifetime", 10, 0, 512, { 0 }, 2 },
		{ "secure erase", 14, 0, 16, { 0, 1, 0 }, 2 },
		{ "legacy flags", 0x80000000, 0, 512, { 0 }, 2 },
		{ "the highest type", UINT32_MAX, 0, 0, { 0 }, 2 },
	};

	return cr_make_param_array(struct refused, r, ARRAY_SIZE(r));
}

ParameterizedTest(struct refused *c, blk_faults, refuses, .timeout = 20)
{
	const struct blk_range r = { le64_of(c->range.sector),
				     le32_of(c->range.n),
				     le32_of(c->range.flags) };

	disk_up(LOOP_POLL);
	memset(disk_ram + DISK_DATA, 0x55, 4096);
	memcpy(disk_ram + DISK_DATA, &r, sizeof(r));
	cr_expect_eq(disk_do(c->type, c->sector, DISK_DATA, c->len), c->status,
		     "%s", c->why);
	cr_expect_eq(faulty_file.n_reads + faulty_file.n_writes +
			     faulty_file.n_allocs,
		     0, "%s touched the file", c->why);
	cr_expect(vdev_live(disk.v), "%s", c->why);
	/* the next one is fine */
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, DISK_LEN), BLK_S_OK);
	expect_fresh(DISK_DATA, 0, DISK_LEN);
	disk_down();
}

Test(blk_faults, what_was_not_negotiated_is_not_supported, .timeout = 20)
{
	const struct blk_range r = { le64_of(0), le32_of(1), le32_of(0) };

	disk_create(LOOP_POLL);
	disk_drive(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC);
	memcpy(disk_ram + DISK_DATA, &r, sizeof(r));
	cr_expect_eq(disk_do(BLK_T_DISCARD, 0, DISK_DATA, 16), BLK_S_UNSUPP);
	cr_expect_eq(disk_do(BLK_T_WRITE_ZEROES, 0, DISK_DATA, 16),
		     BLK_S_UNSUPP);
	disk_down();
}

/* --- chains that are broken --------------------------------------------------- */

#define H 0x8000u

struct broken {
	char why[40];
	uint32_t type;
	struct vdriver_buf buf[4];
	unsigned n;
};

ParameterizedTestParameters(blk_faults, faults_on)
{
	static struct broken b[] = {
		{ "no header", 0, { { H, 1, true } }, 1 },
		{ "header to write",
		  0,
		  { { H, 16, true }, { H, 1, true } },
		  2 },
		{ "short header", 0, { { H, 15, false }, { H, 1, true } }, 2 },
		{ "empty header", 0, { { H, 0, false }, { H, 1, true } }, 2 },
		{ "no status byte", 0, { { H, 16, false } }, 1 },
		{ "empty status byte",
		  0,
		  { { H, 16, false }, { H, 0, true } },
		  2 },
		{ "status byte to read",
		  1,
		  { { H, 16, false },
		    { DISK_DATA, 512, false },
		    { H, 1, false } },
		  3 },
		{ "read into what the guest wrote",
		  0,
		  { { H, 16, false },
		    { DISK_DATA, 512, false },
		    { H, 1, true } },
		  3 },
		{ "write from what the device writes",
		  1,
		  { { H, 16, false },
		    { DISK_DATA, 512, true },
		    { H, 1, true } },
		  3 },
		{ "both",
		  1,
		  { { H, 16, false },
		    { DISK_DATA, 512, false },
		    { DISK_DATA, 512, true },
		    { H, 1, true } },
		  4 },
		{ "ranges to write",
		  BLK_T_DISCARD,
		  { { H, 16, false }, { DISK_DATA, 16, true }, { H, 1, true } },
		  3 },
		{ "serial number to read",
		  BLK_T_GET_ID,
		  { { H, 16, false },
		    { DISK_DATA, 20, false },
		    { H, 1, true } },
		  3 },
		{ "data outside memory",
		  0,
		  { { H, 16, false }, { DISK_RAM, 512, true }, { H, 1, true } },
		  3 },
		{ "data over the end of memory",
		  0,
		  { { H, 16, false },
		    { DISK_RAM - 256, 512, true },
		    { H, 1, true } },
		  3 },
		{ "address that wraps",
		  0,
		  { { H, 16, false },
		    { UINT64_MAX - 8, 512, true },
		    { H, 1, true } },
		  3 },
		{ "nothing", 0, { { H, 0, false } }, 1 },
	};

	return cr_make_param_array(struct broken, b, ARRAY_SIZE(b));
}

ParameterizedTest(struct broken *c, blk_faults, faults_on, .timeout = 20)
{
	disk_up(LOOP_POLL);
	disk_header(H, c->type, 0);
	(void)vdriver_add(&disk.drv[0], c->buf, c->n);
	disk_kick(0);
	disk_run();
	cr_expect(disk.v->status & VIRTIO_STATUS_NEEDS_RESET, "%s", c->why);
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), 0, "%s", c->why);
	cr_expect_eq(faulty_file.n_reads + faulty_file.n_writes, 0, "%s",
		     c->why);
	disk_drive(DISK_FEATURES);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_OK, "%s",
		     c->why);
	disk_down();
}

BOTH_ENGINES(a_fault_lets_what_is_in_flight_end)
{
	const struct vdriver_buf bad = { H, 1, true };

	disk_up(*engine);
	for (unsigned i = 0; i < 20; i++)
		(void)disk_add(0, BLK_T_IN, i, DISK_DATA + i * 512, 512);
	(void)vdriver_add(&disk.drv[0], &bad, 1);
	disk_kick(0);
	cr_expect(disk.v->status & VIRTIO_STATUS_NEEDS_RESET);
	cr_expect_eq(disk.v->in_flight, 20);
	disk_run();
	cr_expect_eq(disk.v->in_flight, 0);
	cr_expect_eq(vdriver_used_idx(&disk.drv[0]), 0);
	disk_drive(DISK_FEATURES);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_OK);
	disk_down();
}

/* --- resets ------------------------------------------------------------------- */

BOTH_ENGINES(a_reset_waits_for_what_is_in_flight)
{
	disk_up(*engine);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 60; i++)
			(void)disk_add(0, i % 7 ? BLK_T_OUT : BLK_T_FLUSH,
				       (uint64_t)i * 8, DISK_DATA,
				       i % 7 ? 4096 : 0);
		disk_kick(0);
		disk_reset();
		cr_expect(disk.v->reset_pending);
		cr_expect_neq(vdriver_reg(disk.v, MMIO_REG_STATUS), 0);
		disk_run();
		cr_expect_not(disk.v->reset_pending);
		cr_expect_eq(vdriver_reg(disk.v, MMIO_REG_STATUS), 0);
		cr_expect_eq(disk.v->in_flight, 0);
		cr_expect_eq(vdriver_used_idx(&disk.drv[0]), round > 0,
			     "what the round before read");
		disk_drive(DISK_FEATURES);
		cr_expect_eq(disk_do(BLK_T_IN, 4000, DISK_DATA, 512), BLK_S_OK);
	}
	disk_down();
}

BOTH_ENGINES(a_queue_may_be_taken_back)
{
	disk_up(*engine);
	for (unsigned i = 0; i < 30; i++)
		(void)disk_add(0, BLK_T_IN, i, DISK_DATA + i * 512, 512);
	disk_kick(0);
	loop_lock(disk.loop);
	vdriver_set_reg(disk.v, MMIO_REG_QUEUE_SEL, 0);
	vdriver_set_reg(disk.v, MMIO_REG_QUEUE_READY, 0);
	loop_unlock(disk.loop);
	disk_run();
	cr_expect_eq(vdriver_reg(disk.v, MMIO_REG_QUEUE_READY), 0);
	disk_drive(DISK_FEATURES);
	cr_expect_eq(disk_do(BLK_T_IN, 0, DISK_DATA, 512), BLK_S_OK);
	disk_down();
}

BOTH_ENGINES(the_end_comes_with_requests_in_flight)
{
	disk_up(*engine);
	for (unsigned i = 0; i < DISK_RING; i++)
		(void)disk_add(0, BLK_T_OUT, (uint64_t)i * 8, DISK_DATA, 4096);
	disk_kick(0);
	disk_down();
}
