/* fuzz_program.c: a program, its arguments and the kit through boot_load.
 *
 * Input: a control byte, the number of argument bytes, those bytes (split at
 * NULs), then an ELF file: the program, or with bit 0 of control the kit.
 * The oracle: module 0 is the whole file, module 1 a startup block whose
 * strings are the arguments; nothing overlaps the kit's segments. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"
#include "boot/boot.h"
#include "guest-kit/include/abi/startup.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define RAM_LEN  (8ULL << 20)
#define ARGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct gmem mem;
static struct elf_make program, kit;

static void setup(void)
{
	struct err err = { 0 };
	int code;

	if (mem.n_regions > 0)
		return;
	code = gmem_init(&mem, RAM_LEN, &err);
	CHECK(code == 0);
	(void)madvise(mem.region[0].host, RAM_LEN, MADV_NOHUGEPAGE);
	elf_make_program(&program);
	elf_make_kit(&kit);
}

static uint64_t get(gpa_t gpa, unsigned len)
{
	uint64_t v = 0;

	CHECK(gmem_has(&mem, gpa, len));
	memcpy(&v, mem.region[0].host + gpa, len);
	return v;
}

/* Splits at NULs, in place; the last byte is a NUL. */
static unsigned split(char *text, size_t len, char *argv[ARGS_MAX + 1])
{
	unsigned n = 0;

	for (size_t i = 0; i < len && n < ARGS_MAX; i += strlen(text + i) + 1)
		argv[n++] = text + i;
	argv[n] = NULL;
	return n;
}

static void check_startup(gpa_t gpa, uint64_t len, char *const *argv,
			  unsigned argc, unsigned envc)
{
	struct startup_block b;
	uint64_t off;

	CHECK(len >= sizeof(b) && gpa % PAGE_LEN == 0);
	CHECK(gmem_read(&mem, gpa, &b, sizeof(b)) == 0);
	CHECK(b.magic == STARTUP_MAGIC && b.len == len);
	CHECK(b.argc == argc && b.envc == envc);
	off = b.strings_off;
	for (unsigned i = 0; i < argc + envc; i++) {
		size_t n = strlen(argv[i]) + 1;

		CHECK(off <= len && n <= len - off);
		CHECK(memcmp(mem.region[0].host + gpa + off, argv[i], n) == 0);
		off += n;
	}
	CHECK(off == len);
}

/* No module on the start info, on the other, or on a segment of the kit. */
static void check_apart(gpa_t gpa, uint64_t len, const struct boot_src *k)
{
	Elf64_Ehdr h;

	CHECK(gpa >= 1 << 20 && gmem_has(&mem, gpa, len));
	memcpy(&h, k->bytes, sizeof(h));
	for (unsigned i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, k->bytes + h.e_phoff + i * sizeof(p), sizeof(p));
		CHECK(p.p_type != PT_LOAD || p.p_memsz == 0 ||
		      gpa + len <= p.p_paddr || p.p_paddr + p.p_memsz <= gpa);
	}
}

static void check(const struct boot_config *cfg, const struct boot_entry *entry,
		  unsigned argc, unsigned envc)
{
	gpa_t info = entry->mode == BOOT_MODE_PVH ? entry->rbx : entry->rdi;
	gpa_t list = get(info + 16, 8);
	gpa_t file = get(list, 8), block = get(list + 32, 8);
	uint64_t file_len = get(list + 8, 8), block_len = get(list + 40, 8);

	CHECK(entry->mode != BOOT_MODE_LINUX64);
	CHECK(get(info, 4) == 0x336ec578 && get(info + 12, 4) == 2);
	CHECK(get(info + 32, 8) == 0);
	CHECK(file_len == cfg->image.len && file % PAGE_LEN == 0);
	CHECK(memcmp(mem.region[0].host + file, cfg->image.bytes, file_len) ==
	      0);
	check_startup(block, block_len, cfg->argv, argc, envc);
	check_apart(file, file_len, &cfg->kit);
	check_apart(block, block_len, &cfg->kit);
	CHECK(file + file_len <= block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[256] = { 0 };
	/* one NULL between the lists: argv is the first, envp the second */
	char *argv[ARGS_MAX + 1], *env[ARGS_MAX + 1];
	struct boot_entry entry;
	struct boot_config cfg;
	struct err err = { 0 };
	unsigned n, argc;
	struct boot_src elf;
	size_t args_len;
	int code;

	if (len < 2)
		return 0;
	setup();
	args_len = data[1];
	if (args_len > len - 2)
		args_len = len - 2;
	memcpy(text, data + 2, args_len);
	n = split(text, args_len, argv);
	argc = n - n / 3;
	memcpy(env, argv, sizeof(env));
	argv[argc] = NULL;
	elf = (struct boot_src){ "elf", data + 2 + args_len, len - 2 - args_len,
				 -1 };
	cfg = (struct boot_config){
		.image = elf_make_src(&program, "program"),
		.kit = elf_make_src(&kit, "kit"),
		.kind = data[0] & 2 ? BOOT_PROGRAM : BOOT_AUTO,
		.cmdline = "",
		.n_cpus = 1,
		.n_devices = 1,
		.argv = argv,
		.envp = env + argc,
	};
	if (data[0] & 1)
		cfg.kit = elf;
	else
		cfg.image = elf;
	code = boot_load(&cfg, &mem, &entry, &err);
	CHECK(code == err.code);
	CHECK(code == 0 || code == -ENOEXEC || code == -ENOMEM ||
	      (code == -EINVAL && argc == 0));
	if (code == 0 && entry.kind == BOOT_PROGRAM) {
		cfg.argv = env; /* both lists, without the gap */
		check(&cfg, &entry, argc, n - argc);
	}
	CHECK(madvise(mem.region[0].host, RAM_LEN, MADV_DONTNEED) == 0);
	return 0;
}
