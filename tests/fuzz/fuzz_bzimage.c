/* fuzz_bzimage.c: bzImages through boot_load.
 *
 * Input: a control byte, then the image. Control: bit 0 an initrd, bit 1
 * less memory, bits 2-7 the length of the command line in steps of 64.
 * The oracle: kernel and initrd are whole, in RAM and apart; boot_params
 * keeps to the rules of the loader and to what the header allows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"
#include "boot/boot.h"
#include "mem/gmem.h"

#define RAM_LEN   (64ULL << 20)
#define RAM_SMALL (17ULL << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct gmem whole;

static void setup(void)
{
	struct err err = { 0 };
	int code;

	if (whole.n_regions > 0)
		return;
	code = gmem_init(&whole, RAM_LEN, &err);
	CHECK(code == 0);
	(void)madvise(whole.region[0].host, RAM_LEN, MADV_NOHUGEPAGE);
}

static uint64_t get_host(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return v;
}

static uint64_t get(const struct gmem *mem, gpa_t gpa, unsigned len)
{
	CHECK(gmem_has(mem, gpa, len));
	return get_host(mem->region[0].host + gpa, len);
}

static bool apart(gpa_t a, uint64_t a_len, gpa_t b, uint64_t b_len)
{
	return a + a_len <= b || b + b_len <= a;
}

static void check_kernel(const struct gmem *mem, const struct boot_src *img,
			 gpa_t load)
{
	size_t sects = img->bytes[0x1f1] ? img->bytes[0x1f1] : 4;
	size_t off = (sects + 1) * 512;
	size_t code_len = get_host(img->bytes + 0x1f4, 4) * 16;
	uint64_t pref = get_host(img->bytes + 0x258, 8);
	uint64_t align = get_host(img->bytes + 0x230, 4);

	CHECK(off < img->len && code_len <= img->len - off + 15);
	if (code_len > img->len - off)
		code_len = img->len - off;
	CHECK(code_len > 0x200 && gmem_has(mem, load, code_len));
	CHECK(memcmp(mem->region[0].host + load, img->bytes + off, code_len) ==
	      0);
	CHECK(gmem_has(mem, load, get_host(img->bytes + 0x260, 4)));
	CHECK(load >= pref && load - pref < align);
	CHECK(img->bytes[0x234] ? load % align == 0 : load == pref);
}

static void check_initrd(const struct gmem *mem, const struct boot_src *img,
			 const struct boot_src *initrd, gpa_t bp, gpa_t load)
{
	gpa_t gpa = get(mem, bp + 0x218, 4) | get(mem, bp + 0xc0, 4) << 32;
	uint64_t len = get(mem, bp + 0x21c, 4) | get(mem, bp + 0xc4, 4) << 32;

	if (!initrd)
		return;
	CHECK(len == initrd->len && gpa % PAGE_LEN == 0);
	CHECK(gmem_has(mem, gpa, len));
	CHECK(memcmp(mem->region[0].host + gpa, initrd->bytes, len) == 0);
	CHECK(gpa + len - 1 <= get_host(img->bytes + 0x22c, 4));
	CHECK(apart(gpa, len, load, get_host(img->bytes + 0x260, 4)));
}

static void check(const struct gmem *mem, const struct boot_config *cfg,
		  const struct boot_entry *e)
{
	gpa_t bp = e->rsi, load = e->rip - 0x200;
	char line[BOOT_CMDLINE_MAX + 16]; /* ours, then the user's */
	size_t line_len =
		(size_t)snprintf(line, sizeof(line), "reboot=a%s%s",
				 *cfg->cmdline ? " " : "", cfg->cmdline);
	uint64_t end = 0x202 + cfg->image.bytes[0x201];

	CHECK(e->mode == BOOT_MODE_LINUX64 && e->kind == BOOT_LINUX);
	CHECK(gmem_has(mem, bp, PAGE_LEN));
	CHECK(gmem_has(mem, e->cr3, 6 * PAGE_LEN));
	CHECK(get(mem, bp + 0x1ef, 1) == 0); /* the sentinel */
	CHECK(get(mem, bp + 0x202, 4) == 0x53726448);
	CHECK(get(mem, bp + 0x210, 1) == 0xff);
	CHECK((get(mem, bp + 0x211, 1) & 3) == 1);
	CHECK(get(mem, bp + 0x214, 4) == load);
	CHECK(get(mem, bp + 0x250, 8) == 0);
	for (uint64_t i = end; i < 0x290; i++)
		CHECK(get(mem, bp + i, 1) == 0);
	CHECK(line_len <= get_host(cfg->image.bytes + 0x238, 4));
	CHECK(memcmp(mem->region[0].host + get(mem, bp + 0x228, 4), line,
		     line_len + 1) == 0);
	check_kernel(mem, &cfg->image, load);
	check_initrd(mem, &cfg->image, cfg->initrd, bp, load);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t bytes[5000] = { 7, 1, 9 };
	struct boot_src initrd = { "initrd", bytes, sizeof(bytes), -1 };
	char line[BOOT_CMDLINE_MAX] = { 0 };
	struct boot_entry entry;
	struct boot_config cfg;
	struct err err = { 0 };
	struct gmem mem;
	int code;

	if (len < 1)
		return 0;
	setup();
	memset(line, 'a', (size_t)(data[0] >> 2) * 64);
	gmem_init_borrowed(&mem, 0, whole.region[0].host,
			   data[0] & 2 ? RAM_SMALL : RAM_LEN);
	cfg = (struct boot_config){
		.image = { "img", data + 1, len - 1, -1 },
		.initrd = data[0] & 1 ? &initrd : NULL,
		.kind = BOOT_LINUX,
		.cmdline = line,
		.n_cpus = 1,
	};
	code = boot_load(&cfg, &mem, &entry, &err);
	CHECK(code == err.code);
	CHECK(code == 0 || code == -ENOEXEC || code == -ENOMEM ||
	      code == -E2BIG);
	/* an ELF file is the other target's */
	if (code == 0 && memcmp(data + 1,
				"\x7f"
				"ELF",
				4) != 0)
		check(&mem, &cfg, &entry);
	CHECK(madvise(whole.region[0].host, RAM_LEN, MADV_DONTNEED) == 0);
	return 0;
}
