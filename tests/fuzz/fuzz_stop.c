/* fuzz_stop.c: what a guest may say of its program's stop: the structure, its
 * arrays, the page tables.
 *
 * Input: patches to a stop that is right, each an address (2 bytes, times 8),
 * a count and as many times 8 bytes. The oracle: a stop is refused, or keeps
 * its limits; its core, if one can be written, is not larger than it may be;
 * reading all its memory stays in guest memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "debug/core.h"
#include "debug/gdb_regs.h"
#include "tests/support/stop_rig.h"

/* Notes of the largest stop, and twice its memory. */
#define BLOCKS_MAX ((16u << 20) / 512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct stop_rig rig;
static _Atomic bool cancel;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_setup(STDERR_FILENO, LOG_ERR);
	return 0;
}

static void patch(const uint8_t *data, size_t len)
{
	while (len >= 3) {
		const size_t at = (size_t)(data[0] | data[1] << 8) * 8;
		size_t n = (size_t)(data[2] % 8 + 1) * 8;

		data += 3;
		len -= 3;
		if (n > len)
			n = len;
		memcpy(rig.ram + at, data, n);
		data += n;
		len -= n;
	}
}

static void check_limits(const struct stop *s)
{
	uint64_t end = 0;

	CHECK(s->s.n_threads >= 1 && s->s.n_threads <= DEBUG_THREADS_MAX);
	CHECK(s->s.n_areas <= DEBUG_AREAS_MAX);
	CHECK(s->s.fpu_len <= STOP_FPU_MAX);
	for (uint32_t i = 0; i < s->s.n_areas; i++) {
		CHECK(s->area[i].start >= end);
		CHECK(s->area[i].end > s->area[i].start);
		end = s->area[i].end;
		CHECK(strlen(stop_area_name(s, &s->area[i])) <
		      DEBUG_STRINGS_MAX);
	}
	CHECK(end <= STOP_GVA_END);
}

static void look_at(const struct stop *s)
{
	uint8_t buf[8192], value[GDB_REG_LEN_MAX];
	uint64_t missing;

	for (uint32_t i = 0; i < s->s.n_threads && i < 4; i++)
		for (unsigned n = 0; n < gdb_regs_count(s); n++)
			if (gdb_reg_read(s, &s->thread[i], n, value))
				CHECK(gdb_reg_write(s, &s->thread[i], n,
						    value));
	for (uint32_t i = 0; i < s->s.n_areas && i < 64; i++) {
		const size_t n =
			stop_read(s, s->area[i].start, buf, sizeof(buf));

		CHECK(n <= sizeof(buf));
		(void)!stop_write(s, s->area[i].start, buf, n, true, &missing);
	}
}

static void write_core(const struct stop *s)
{
	struct core core;
	struct err err = { 0 };
	struct stat st;
	const int fd = memfd_create("core", MFD_CLOEXEC);

	CHECK(fd >= 0 && core_init(&core, fd, "/host/program", &err) == 0);
	(void)!core_write(&core, s, &cancel, &err);
	CHECK(fstat(fd, &st) == 0 && st.st_blocks <= BLOCKS_MAX);
	core_fini(&core);
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	stop_rig_up(&rig);
	patch(data, len);
	if (stop_load(&rig.stop, RIG_STOP) == 0) {
		check_limits(&rig.stop);
		write_core(&rig.stop);
		look_at(&rig.stop);
		stop_store(&rig.stop);
	} else {
		CHECK(rig.stop.s.n_areas == 0 && rig.stop.s.n_threads == 0);
	}
	stop_rig_down(&rig);
	return 0;
}
