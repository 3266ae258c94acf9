/* test_boot.c: sources of bytes, places in guest memory, and how failures of
 * either reach the caller. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/image.h"
#include "boot/place.h"
#include "boot/x86_longmode.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct elf_make made;
static struct gmem mem;
static struct place place;
static struct err err;

/* --- sources -------------------------------------------------------------- */

Test(image, memory_and_file_read_alike, .timeout = 5)
{
	static const uint8_t bytes[] = "0123456789";
	AUTO_FD fd = memfd_create("src", MFD_CLOEXEC);
	struct boot_src src[] = { { "m", bytes, 10, -1 },
				  { "f", NULL, 10, fd } };

	cr_assert_eq(write(fd, bytes, 10), 10);
	for (int i = 0; i < 2; i++) {
		char to[8] = { 0 };

		cr_assert_eq(boot_src_read(&src[i], 3, to, 4), 0);
		cr_assert_str_eq(to, "3456");
		cr_assert_eq(boot_src_read(&src[i], 10, to, 0), 0);
		cr_assert_eq(boot_src_read(&src[i], 10, to, 1), -ENODATA);
		cr_assert_eq(boot_src_read(&src[i], 7, to, 4), -ENODATA);
		cr_assert_eq(boot_src_read(&src[i], UINT64_MAX, to, 1),
			     -ENODATA);
		cr_assert_eq(boot_src_read(&src[i], 1, to, SIZE_MAX), -ENODATA);
		cr_assert_str_eq(to, "3456", "nothing more was written");
	}
}

Test(image, file_that_shrank_is_no_data, .timeout = 5)
{
	AUTO_FD fd = memfd_create("src", MFD_CLOEXEC);
	struct boot_src src = { "f", NULL, 10, fd };
	char to[10];

	cr_assert_eq(write(fd, "abc", 3), 3);
	cr_assert_eq(boot_src_read(&src, 0, to, 3), 0);
	cr_assert_eq(boot_src_read(&src, 0, to, 4), -ENODATA);
}

static int load(const struct boot_src *image, const struct boot_src *initrd)
{
	struct boot_config cfg = {
		.image = *image,
		.initrd = initrd,
		.cmdline = "",
		.n_cpus = 1,
	};
	struct boot_entry entry;
	int code;

	err = (struct err){ 0 };
	cr_assert_eq(gmem_init(&mem, 4 * MIB, &err), 0);
	code = boot_load(&cfg, &mem, &entry, &err);
	gmem_fini(&mem);
	return code;
}

Test(image, read_errors_keep_their_code, .timeout = 5)
{
	AUTO_FD dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct boot_src image = { "/", NULL, 4096, dir };
	struct boot_src initrd = image;

	cr_assert_eq(load(&image, NULL), -EISDIR);
	cr_assert_str_eq(err.msg, "/: read the first page");
	elf_make_pvh(&made);
	image = elf_make_src(&made, "img");
	cr_assert_eq(load(&image, &initrd), -EISDIR);
	cr_assert_str_eq(err.msg, "img: initrd /: read the initrd");
}

Test(image, tail_that_cannot_be_read, .timeout = 5)
{
	AUTO_FD fd = memfd_create("src", MFD_CLOEXEC);
	struct boot_src image;

	/* the header is there, the segment went away since */
	elf_make_pvh(&made);
	cr_assert_eq(write(fd, made.bytes, 4096), 4096);
	image = (struct boot_src){ "img", NULL, made.len, fd };
	cr_assert_eq(load(&image, NULL), -ENOEXEC);
	cr_assert(strstr(err.msg, "truncated: a segment is 256 bytes at "
				  "offset 4096"),
		  "%s", err.msg);
}

Test(image, load_needs_ram, .timeout = 5)
{
	struct boot_src src = elf_make_src(&made, "img");
	struct image img;

	src.len = 16;
	cr_assert_eq(gmem_init(&mem, MIB, &err), 0);
	cr_assert_eq(image_open(&img, &src, &err), 0);
	cr_assert_eq(image_load(&img, 0, &mem, MIB, 0, "it", &err), 0);
	cr_assert_eq(image_load(&img, 0, &mem, MIB - 15, 16, "it", &err),
		     -EFAULT);
	cr_assert_str_eq(err.msg, "it: no RAM at 0xffff1");
	gmem_fini(&mem);
}

/* --- places --------------------------------------------------------------- */

static void start(uint64_t len)
{
	err = (struct err){ 0 };
	cr_assert_eq(gmem_init(&mem, len, &err), 0);
	place_init(&place, &mem);
}

static void claim(gpa_t gpa, uint64_t len)
{
	cr_assert_eq(place_claim(&place, gpa, len, "a thing", -1, &err), 0,
		     "%s", err.msg);
}

Test(place, claims_may_touch, .timeout = 5)
{
	start(16 * MIB);
	claim(2 * MIB, PAGE_LEN);
	claim(2 * MIB + PAGE_LEN, PAGE_LEN);
	claim(2 * MIB - PAGE_LEN, PAGE_LEN);
	claim(2 * MIB, 0); /* nothing overlaps nothing */
	cr_assert_eq(place_end(&place), 2 * MIB + 2 * PAGE_LEN);
	gmem_fini(&mem);
}

Test(place, overlap_names_both, .timeout = 5)
{
	start(16 * MIB);
	claim(2 * MIB, 16);
	cr_assert_eq(place_claim(&place, 2 * MIB + 15, 1, "segment", 7, &err),
		     -ENOEXEC);
	cr_assert_str_eq(err.msg, "segment 7 at 0x20000f-0x200010 overlaps a "
				  "thing at 0x200000-0x200010");
	gmem_fini(&mem);
}

Test(place, low_takes_the_first_gap, .timeout = 5)
{
	gpa_t gpa;

	start(16 * MIB);
	claim(MIB + PAGE_LEN, 1);
	claim(MIB + 4 * PAGE_LEN, PAGE_LEN);
	cr_assert_eq(place_low(&place, 0, PAGE_LEN, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, MIB);
	cr_assert_eq(place_low(&place, 0, 3 * PAGE_LEN, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, MIB + 5 * PAGE_LEN);
	cr_assert_eq(place_low(&place, 0, 2 * PAGE_LEN, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, MIB + 2 * PAGE_LEN);
	cr_assert_eq(place_low(&place, 15 * MIB + 1, 1, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, 15 * MIB + PAGE_LEN);
	cr_assert_eq(place_low(&place, 15 * MIB, MIB + 1, "x", &gpa, &err),
		     -ENOMEM);
	gmem_fini(&mem);
}

Test(place, low_cannot_pass_the_hole, .timeout = 5)
{
	gpa_t gpa;

	start(16 * MIB);
	cr_assert_eq(place_low(&place, 0, UINT64_MAX, "x", &gpa, &err),
		     -ENOMEM);
	cr_assert(strstr(err.msg, "do not fit below 0xc0000000"), "%s",
		  err.msg);
	err = (struct err){ 0 };
	cr_assert_eq(place_low(&place, 0, 3 * GIB, "x", &gpa, &err), -ENOMEM);
	cr_assert(strstr(err.msg, "do not fit below 0xc0000000"), "%s",
		  err.msg);
	err = (struct err){ 0 };
	cr_assert_eq(place_low(&place, 0, 3 * GIB - MIB, "x", &gpa, &err),
		     -ENOMEM);
	cr_assert_str_eq(err.msg, "x needs 3072 MiB of guest memory, there "
				  "are 16 MiB");
	gmem_fini(&mem);
}

Test(place, high_takes_the_last_gap, .timeout = 5)
{
	gpa_t gpa;

	start(16 * MIB);
	claim(16 * MIB - PAGE_LEN, PAGE_LEN);
	claim(16 * MIB - 4 * PAGE_LEN, PAGE_LEN);
	cr_assert_eq(
		place_high(&place, UINT64_MAX, 2 * PAGE_LEN, "x", &gpa, &err),
		0);
	cr_assert_eq(gpa, 16 * MIB - 3 * PAGE_LEN);
	cr_assert_eq(place_high(&place, UINT64_MAX, 1, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, 16 * MIB - 5 * PAGE_LEN);
	cr_assert_eq(place_high(&place, 2 * MIB, 1, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, 2 * MIB);
	cr_assert_eq(place_high(&place, 2 * MIB - 1, MIB, "x", &gpa, &err), 0);
	cr_assert_eq(gpa, MIB);
	cr_assert_eq(place_high(&place, 2 * MIB - 1, 1, "x", &gpa, &err),
		     -ENOMEM, "not below 1 MiB");
	gmem_fini(&mem);
}

Test(place, memory_of_less_than_1_mib, .timeout = 5)
{
	gpa_t gpa;

	start(0x8000);
	claim(0x1000, 0x7000);
	cr_assert_eq(place_claim(&place, 0x8000, 1, "x", -1, &err), -ENOMEM);
	err = (struct err){ 0 };
	cr_assert_eq(place_low(&place, 0, 1, "x", &gpa, &err), -ENOMEM);
	cr_assert(strstr(err.msg, "needs 2 MiB"), "%s", err.msg);
	err = (struct err){ 0 };
	cr_assert_eq(place_high(&place, UINT64_MAX, 1, "x", &gpa, &err),
		     -ENOMEM);
	gmem_fini(&mem);
}

/* --- the whole ------------------------------------------------------------ */

Test(boot, memory_must_start_at_0, .timeout = 5)
{
	static uint8_t bytes[8192];
	struct boot_config cfg = { .cmdline = "", .n_cpus = 1 };
	struct boot_entry entry;

	elf_make_pvh(&made);
	cfg.image = elf_make_src(&made, "img");
	gmem_init_borrowed(&mem, 4096, bytes, sizeof(bytes));
	cr_assert_eq(boot_load(&cfg, &mem, &entry, &err), -EINVAL);
	cr_assert_str_eq(err.msg, "no guest memory at 0");
}

Test(boot, entry_is_written_on_success_only, .timeout = 5)
{
	struct boot_config cfg = { .cmdline = "", .n_cpus = 1 };
	struct boot_entry entry;

	elf_make_pvh(&made);
	cfg.image = elf_make_src(&made, "img");
	memset(&entry, 0xa5, sizeof(entry));
	cr_assert_eq(gmem_init(&mem, MIB, &err), 0);
	cr_assert_eq(boot_load(&cfg, &mem, &entry, &err), -ENOMEM);
	for (size_t i = 0; i < sizeof(entry); i++)
		cr_assert_eq(((uint8_t *)&entry)[i], 0xa5);
	gmem_fini(&mem);
}

Test(boot, segments_of_no_length_are_no_segments, .timeout = 5)
{
	struct boot_src src;

	elf_make_pvh(&made);
	(void)elf_make_load(&made, 0, 0x100000, 0, 0, 0);
	(void)elf_make_load(&made, 0, LAYOUT_HOLE_START, 0, 0, 0);
	src = elf_make_src(&made, "img");
	cr_assert_eq(load(&src, NULL), 0, "%s", err.msg);
}

Test(x86_longmode, needs_ram, .timeout = 5)
{
	cr_assert_eq(gmem_init(&mem, 6 * PAGE_LEN, &err), 0);
	cr_assert_eq(longmode_write_tables(&mem, 0, &err), 0);
	cr_assert_eq(longmode_write_tables(&mem, PAGE_LEN, &err), -ENOMEM);
	err = (struct err){ 0 };
	cr_assert_eq(longmode_write_gdt(&mem, 6 * PAGE_LEN - 32, &err), 0);
	cr_assert_eq(longmode_write_gdt(&mem, 6 * PAGE_LEN - 31, &err),
		     -ENOMEM);
	gmem_fini(&mem);
}
