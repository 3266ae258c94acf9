/* test_program.c: a program, the kit and the startup block in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/program.h"
#include "guest-kit/include/abi/startup.h"
#include "mem/gmem.h"
#include "tests/support/elf_make.h"

#define MIB (1ULL << 20)

static struct elf_make program, kit;
static struct gmem mem;
static struct boot_entry entry;
static struct err err;

static char arg0[] = "hello", arg1[] = "two words", arg2[] = "";
static char env0[] = "HOME=/", env1[] = "X=";
static char *const argv[] = { arg0, arg1, arg2, NULL };
static char *const envp[] = { env0, env1, NULL };

static struct boot_config config(void)
{
	return (struct boot_config){
		.image = elf_make_src(&program, "prog"),
		.kit = elf_make_src(&kit, "kit"),
		.cmdline = "debug",
		.n_cpus = 1,
		.n_devices = 1,
		.argv = argv,
		.envp = envp,
		.startup_flags = STARTUP_VERBOSE,
	};
}

static int load(const struct boot_config *cfg, uint64_t len)
{
	err = (struct err){ 0 };
	cr_assert_eq(gmem_init(&mem, len, &err), 0);
	return boot_load(cfg, &mem, &entry, &err);
}

static uint64_t get(gpa_t gpa, unsigned len)
{
	uint64_t v = 0;

	cr_assert_eq(gmem_read(&mem, gpa, &v, len), 0);
	return v;
}

static gpa_t module(unsigned i)
{
	return get(entry.rdi + 16, 8) + i * 32;
}

static void setup(void)
{
	elf_make_program(&program);
	elf_make_kit(&kit);
}

Test(program, enters_the_kit_directly, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();
	char line[120] = { 0 };

	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	cr_assert_eq(entry.kind, BOOT_PROGRAM);
	cr_assert_eq(entry.mode, BOOT_MODE_DIRECT);
	cr_assert_eq(get(entry.rdi + 32, 8), 0, "no ACPI");
	cr_assert_eq(gmem_read(&mem, get(entry.rdi + 24, 8), line, 119), 0);
	cr_assert_str_eq(line, "debug virtio_mmio.device=4K@0xc0001000:5 "
			       "mayfly.platform=0xc0000000");
	gmem_fini(&mem);
}

Test(program, whole_file_is_module_0_after_the_kit, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();
	static uint8_t back[ELF_MAKE_CAP];
	gpa_t m;

	program.bytes[program.len++] =
		0x11; /* an odd length, not in a segment */
	cfg.image.len = program.len;
	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	cr_assert_eq(get(entry.rdi + 12, 4), 2);
	m = module(0);
	cr_assert_eq(get(m, 8), 0x102000, "right after the kit");
	cr_assert_eq(get(m + 8, 8), program.len);
	cr_assert_eq(gmem_read(&mem, get(m, 8), back, program.len), 0);
	cr_assert_arr_eq(back, program.bytes, program.len);
	gmem_fini(&mem);
}

Test(program, startup_block_is_module_1, .init = setup, .timeout = 5)
{
	static const char strings[] = "hello\0two words\0\0HOME=/\0X=";
	struct boot_config cfg = config();
	struct startup_block b;
	char back[sizeof(strings)];
	gpa_t m;

	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	m = module(1);
	cr_assert_eq(get(m, 8) % PAGE_LEN, 0);
	cr_assert_eq(gmem_read(&mem, get(m, 8), &b, sizeof(b)), 0);
	cr_assert_eq(b.magic, STARTUP_MAGIC);
	cr_assert_eq(b.len, sizeof(b) + sizeof(strings));
	cr_assert_eq(b.len, get(m + 8, 8));
	cr_assert_eq(b.flags, STARTUP_VERBOSE);
	cr_assert_eq(b.argc, 3);
	cr_assert_eq(b.envc, 2);
	cr_assert_eq(b.strings_off, sizeof(b));
	cr_assert_eq(
		gmem_read(&mem, get(m, 8) + b.strings_off, back, sizeof(back)),
		0);
	cr_assert_arr_eq(back, strings, sizeof(strings));
	gmem_fini(&mem);
}

Test(program, no_environment, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();

	cfg.envp = NULL;
	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	cr_assert_eq(get(get(module(1), 8) + 20, 4), 0);
	gmem_fini(&mem);
}

Test(program, no_argv0, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();
	char *const none[] = { NULL };

	cfg.argv = none;
	cr_assert_eq(load(&cfg, 16 * MIB), -EINVAL);
	gmem_fini(&mem);
}

Test(program, arguments_have_a_limit, .init = setup, .timeout = 5)
{
	static char big[PROGRAM_STARTUP_MAX];
	char *const list[] = { arg0, big, NULL };
	struct boot_config cfg = config();
	size_t fits = PROGRAM_STARTUP_MAX - 32 - sizeof(arg0) - 1;

	cfg.argv = list;
	cfg.envp = NULL;
	memset(big, 'x', fits);
	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	cr_assert_eq(get(module(1) + 8, 8), PROGRAM_STARTUP_MAX);
	gmem_fini(&mem);
	big[fits] = 'x';
	cr_assert_eq(load(&cfg, 16 * MIB), -E2BIG);
	cr_assert(strstr(err.msg, "1048576"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(program, memory_too_small, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();

	cfg.image.len = 5 * MIB; /* a file with much behind its segments */
	cfg.image.bytes = NULL;
	cfg.image.fd = memfd_create("big", MFD_CLOEXEC);
	cr_assert_geq(cfg.image.fd, 0);
	cr_assert_eq(ftruncate(cfg.image.fd, 5 * MIB), 0);
	cr_assert_eq(pwrite(cfg.image.fd, program.bytes, program.len, 0),
		     (ssize_t)program.len);
	cr_assert_eq(load(&cfg, 2 * MIB), -ENOMEM);
	cr_assert_str_eq(err.msg, "prog: the program needs 7 MiB of guest "
				  "memory, there are 2 MiB");
	gmem_fini(&mem);
	cr_assert_eq(load(&cfg, 7 * MIB), 0, "%s", err.msg);
	gmem_fini(&mem);
	close(cfg.image.fd);
}

Test(program, kit_too_large_for_memory, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();

	cr_assert_eq(load(&cfg, MIB), -ENOMEM);
	cr_assert_str_eq(err.msg, "prog: guest kernel kit: segment 0 needs 2 "
				  "MiB of guest memory, there are 1 MiB");
	gmem_fini(&mem);
}

Test(program, kit_without_any_entry, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();

	elf_make_program(&kit);
	cfg.kit = elf_make_src(&kit, "kit");
	cr_assert_eq(load(&cfg, 16 * MIB), -ENOEXEC);
	cr_assert(strstr(err.msg, "no PVH note"), "%s", err.msg);
	gmem_fini(&mem);
	kit.bytes[0] = 0;
	cr_assert_eq(load(&cfg, 16 * MIB), -ENOEXEC);
	cr_assert(strstr(err.msg, "not an ELF file"), "%s", err.msg);
	gmem_fini(&mem);
}

Test(program, kit_below_1_mib_leaves_modules_above, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();
	uint32_t at = 0x10000;

	elf_make_init(&kit, at);
	(void)elf_make_load(&kit, at, at, 16, 16, 0x90);
	elf_make_note(&kit, "Xen", 18, &at, sizeof(at));
	cfg.kit = elf_make_src(&kit, "kit");
	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	cr_assert_eq(entry.mode, BOOT_MODE_PVH);
	cr_assert_eq(entry.rip, at);
	cr_assert_eq(get(get(entry.rbx + 16, 8), 8), MIB);
	gmem_fini(&mem);
}

Test(program, kit_above_4_gib_leaves_modules_low, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();

	(void)elf_make_load(&kit, 0, LAYOUT_HOLE_END, 16, 16, 0x90);
	cfg.kit = elf_make_src(&kit, "kit");
	cr_assert_eq(load(&cfg, LAYOUT_HOLE_START + MIB), 0, "%s", err.msg);
	cr_assert_eq(get(module(0), 8), 0x102000, "behind its low segment");
	gmem_fini(&mem);
}

Test(program, no_room_for_the_arguments, .init = setup, .timeout = 5)
{
	static char big[3000];
	char *const list[] = { big, NULL };
	struct boot_config cfg = config();

	memset(big, 'x', sizeof(big) - 1);
	cfg.argv = list;
	/* kit to 0x102000, program to 0x104000 */
	cr_assert_eq(load(&cfg, 0x104000), -ENOMEM);
	cr_assert(strstr(err.msg, "the startup block needs 2 MiB"), "%s",
		  err.msg);
	gmem_fini(&mem);
	cr_assert_eq(load(&cfg, 0x105000), 0, "%s", err.msg);
	gmem_fini(&mem);
}

Test(program, static_pie_runs, .init = setup, .timeout = 5)
{
	static const Elf64_Dyn dyn[] = { { DT_FLAGS_1, { DF_1_PIE } },
					 { DT_NULL, { 0 } } };
	struct boot_config cfg;

	elf_make_ehdr(&program)->e_type = ET_DYN;
	elf_make_segment(&program, PT_DYNAMIC, dyn, sizeof(dyn));
	cfg = config();
	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	gmem_fini(&mem);
}

Test(program, command_line_too_long, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();
	static char line[4096];

	memset(line, 'a', 4040);
	cfg.cmdline = line;
	cr_assert_eq(load(&cfg, 16 * MIB), -E2BIG);
	gmem_fini(&mem);
}

/* The pages of guest memory that loading a small program touches: start
 * info, kit, file and startup block. */
Test(program, touches_few_pages, .init = setup, .timeout = 5)
{
	struct boot_config cfg = config();
	unsigned char seen[16 * MIB / 4096];
	unsigned n = 0;

	cr_assert_eq(load(&cfg, 16 * MIB), 0, "%s", err.msg);
	cr_assert_eq(mincore(mem.region[0].host, 16 * MIB, seen), 0);
	for (size_t i = 0; i < sizeof(seen); i++)
		n += seen[i] & 1;
	/* 1 start info, 1 kit, 2 program, 1 startup block */
	cr_assert_leq(n, 5, "%u pages", n);
	gmem_fini(&mem);
}

/* The build machine's own static programs are what people will run. */
Test(program, own_file_by_descriptor, .init = setup, .timeout = 5)
{
	AUTO_FD fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct boot_config cfg = config();

	cr_assert_geq(fd, 0);
	cfg.image = (struct boot_src){ "self", NULL,
				       (uint64_t)lseek(fd, 0, SEEK_END), fd };
	cr_assert_eq(load(&cfg, 16 * MIB), -ENOEXEC);
	cr_assert(strstr(err.msg, "ld-linux-x86-64.so.2: link it with -static"),
		  "%s", err.msg);
	gmem_fini(&mem);
}
