/* fuzz_elf.c: ELF images (PVH kernels, vmlinux, programs) through boot_load.
 *
 * Input: a control byte, then the image. Control: bits 0-1 the kind asked
 * for, bit 2 an initrd, bit 3 less memory.
 * The oracle: a refusal has a code and words and an acceptance an entry in
 * RAM; every segment's bytes are where the file wants them; everything the
 * start info or boot_params point at is RAM. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"
#include "boot/boot.h"
#include "guest-kit/include/abi/direct.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define RAM_LEN   (32ULL << 20)
#define RAM_SMALL (4ULL << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct gmem whole;
static struct elf_make kit;

static void setup(void)
{
	struct err err = { 0 };
	int code;

	if (whole.n_regions > 0)
		return;
	code = gmem_init(&whole, RAM_LEN, &err);
	CHECK(code == 0);
	(void)madvise(whole.region[0].host, RAM_LEN, MADV_NOHUGEPAGE);
	elf_make_kit(&kit);
}

static uint64_t get(const struct gmem *mem, gpa_t gpa, unsigned len)
{
	uint64_t v = 0;

	CHECK(gmem_has(mem, gpa, len));
	memcpy(&v, mem->region[0].host + gpa, len);
	return v;
}

static void check_segments(const struct gmem *mem, const uint8_t *image,
			   size_t len)
{
	Elf64_Ehdr h;

	CHECK(len >= sizeof(h));
	memcpy(&h, image, sizeof(h));
	for (unsigned i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr p;

		CHECK(h.e_phoff <= len &&
		      (i + 1) * sizeof(p) <= len - h.e_phoff);
		memcpy(&p, image + h.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD || p.p_memsz == 0)
			continue;
		CHECK(gmem_has(mem, p.p_paddr, p.p_memsz));
		CHECK(p.p_filesz <= p.p_memsz);
		if (p.p_filesz == 0)
			continue;
		CHECK(p.p_offset <= len && p.p_filesz <= len - p.p_offset);
		CHECK(memcmp(mem->region[0].host + p.p_paddr,
			     image + p.p_offset, p.p_filesz) == 0);
	}
}

static void check_string(const struct gmem *mem, gpa_t gpa)
{
	for (unsigned i = 0; get(mem, gpa + i, 1) != 0; i++)
		CHECK(i < BOOT_CMDLINE_MAX);
}

static void check_start_info(const struct gmem *mem, gpa_t info)
{
	unsigned n_modules = (unsigned)get(mem, info + 12, 4);
	unsigned n_map = (unsigned)get(mem, info + 48, 4);
	gpa_t mod = get(mem, info + 16, 8), map = get(mem, info + 40, 8);

	CHECK(get(mem, info, 4) == 0x336ec578);
	CHECK(n_modules <= 2 && n_map >= 2 && n_map <= 16);
	for (unsigned i = 0; i < n_modules; i++)
		CHECK(gmem_has(mem, get(mem, mod + i * 32, 8),
			       get(mem, mod + i * 32 + 8, 8)));
	for (unsigned i = 0; i < n_map; i++)
		CHECK(get(mem, map + i * 24 + 16, 4) != 1 ||
		      gmem_has(mem, get(mem, map + i * 24, 8),
			       get(mem, map + i * 24 + 8, 8)));
	check_string(mem, get(mem, info + 24, 8));
}

static void check_direct(const struct gmem *mem, const struct boot_entry *e)
{
	struct direct_note n;

	memcpy(&n, e->direct, sizeof(n));
	CHECK(n.version == DIRECT_VERSION);
	CHECK(n.cr3 % PAGE_LEN == 0 && gmem_has(mem, n.cr3, PAGE_LEN));
	CHECK(n.clock_gpa == 0 || gmem_has(mem, n.clock_gpa, 32));
	CHECK(n.wall_clock_gpa == 0 || gmem_has(mem, n.wall_clock_gpa, 12));
	CHECK(e->rip == n.rip && e->rsp == n.rsp);
	check_start_info(mem, e->rdi);
}

static void check_entry(const struct gmem *mem, const struct boot_entry *e)
{
	switch (e->mode) {
	case BOOT_MODE_PVH:
		CHECK(gmem_has(mem, e->rip, 1) && e->rip >> 32 == 0);
		check_start_info(mem, e->rbx);
		break;
	case BOOT_MODE_LINUX64:
		CHECK(e->kind == BOOT_LINUX);
		CHECK(gmem_has(mem, e->rip, 1));
		CHECK(gmem_has(mem, e->cr3, 6 * PAGE_LEN));
		check_string(mem, get(mem, e->rsi + 0x228, 4));
		break;
	case BOOT_MODE_DIRECT:
		check_direct(mem, e);
		break;
	default:
		CHECK(!"a mode");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t initrd_bytes[100] = { 7 };
	static char arg0[] = "p";
	char *const argv[] = { arg0, NULL };
	struct boot_src initrd = { "initrd", initrd_bytes, sizeof(initrd_bytes),
				   -1 };
	struct boot_entry entry;
	struct boot_config cfg;
	struct err err = { 0 };
	struct gmem mem;
	int code;

	if (len < 1)
		return 0;
	setup();
	gmem_init_borrowed(&mem, 0, whole.region[0].host,
			   data[0] & 8 ? RAM_SMALL : RAM_LEN);
	cfg = (struct boot_config){
		.image = { "img", data + 1, len - 1, -1 },
		.initrd = data[0] & 4 ? &initrd : NULL,
		.kind = (enum boot_kind)(data[0] & 3),
		.cmdline = "quiet -- x",
		.n_cpus = 2,
		.n_devices = 2,
		.kit = elf_make_src(&kit, "kit"),
		.argv = argv,
	};
	code = boot_load(&cfg, &mem, &entry, &err);
	CHECK(code == err.code);
	if (code < 0) {
		CHECK(code == -ENOEXEC || code == -ENOMEM);
		CHECK(err.msg[0] != '\0');
	} else {
		check_entry(&mem, &entry);
		if (entry.kind != BOOT_PROGRAM)
			check_segments(&mem, data + 1, len - 1);
	}
	/* back to zero pages, only those that were touched cost */
	CHECK(madvise(whole.region[0].host, RAM_LEN, MADV_DONTNEED) == 0);
	return 0;
}
