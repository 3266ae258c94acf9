/* program.c: see program.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/program.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "boot/elf.h"
#include "boot/image.h"
#include "boot/place.h"
#include "boot/pvh.h"
#include "guest-kit/include/abi/platform.h"
#include "guest-kit/include/abi/startup.h"
#include "mem/gmem.h"
#include "rootfs/rootfs.h"

#define USER_END 0x7ffffffff000ULL /* Linux: the last user page is unmapped */

#define INTERP_MAX  200 /* of the interpreter's path that is shown */
#define DYNAMIC_MAX 256 /* entries of a dynamic section looked at */

_Static_assert(PLATFORM_GPA == LAYOUT_PLATFORM, "two headers, one machine");
_Static_assert(PLATFORM_GPA == 0xc0000000u, "program.h spells it out");

struct dyn {
	le64 tag, value;
};

struct startup_header {
	le64 magic;
	le32 len, flags, argc, envc, strings_off, pad;
};

_Static_assert(sizeof(struct startup_header) == sizeof(struct startup_block),
	       "abi/startup.h");

/* A dynamic program runs if its interpreter is in the root. */
static int check_interp(const struct image *img, const struct elf_segment *s,
			const struct rootfs *rootfs, struct err *err)
{
	size_t len = s->filesz < INTERP_MAX ? (size_t)s->filesz : INTERP_MAX;
	uint8_t buf[INTERP_MAX];
	char path[INTERP_MAX + 1] = { 0 };
	struct rootfs_file file;
	const uint8_t *raw;

	raw = image_view(img, s->off, len, buf, "the interpreter's name", err);
	if (!raw)
		return err->code;
	for (size_t i = 0; i < len && raw[i] != '\0'; i++)
		path[i] = isprint(raw[i]) ? (char)raw[i] : '?';
	if (rootfs && path[0] && rootfs_find(rootfs, path, &file) == 0)
		return 0;
	if (rootfs)
		return err_set(err, -ENOEXEC,
			       "dynamically linked, it needs %s, which is not "
			       "in --rootfs %s",
			       path[0] ? path : "an interpreter", rootfs->name);
	return err_set(err, -ENOEXEC,
		       "dynamically linked, it needs %s: link it with "
		       "-static, or give it a --rootfs",
		       path[0] ? path : "an interpreter");
}

/* A shared library and a static PIE are both ET_DYN without interpreter. */
static int check_dynamic(const struct image *img, const struct elf *elf,
			 const struct elf_segment *s, struct err *err)
{
	struct dyn buf[DYNAMIC_MAX];
	size_t n = s->filesz / sizeof(buf[0]);
	bool is_library = elf->entry == 0, needs = false;
	const uint8_t *raw;

	n = n < DYNAMIC_MAX ? n : DYNAMIC_MAX;
	raw = image_view(img, s->off, n * sizeof(buf[0]), buf,
			 "the dynamic section", err);
	if (!raw)
		return err->code;
	for (size_t i = 0; i < n; i++) {
		struct dyn d;

		memcpy(&d, raw + i * sizeof(d), sizeof(d));
		if (le64_get(d.tag) == DT_NULL)
			break;
		needs |= le64_get(d.tag) == DT_NEEDED;
		is_library |= le64_get(d.tag) == DT_SONAME;
	}
	if (is_library)
		return err_set(err, -ENOEXEC,
			       "a shared library, not a program");
	if (needs)
		return err_set(err, -ENOEXEC,
			       "it needs shared libraries: link it with "
			       "-static");
	return 0;
}

static int check_segments(const struct elf *elf, struct err *err)
{
	bool has_entry = false;
	uint64_t last = 0;

	for (unsigned i = 0; i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];

		if (s->type != PT_LOAD || s->memsz == 0)
			continue;
		if (s->vaddr >= USER_END || s->memsz > USER_END - s->vaddr)
			return err_set(err, -ENOEXEC,
				       "segment %u: %#llx bytes at %#llx: not "
				       "user addresses (limit %#llx)",
				       i, (unsigned long long)s->memsz,
				       (unsigned long long)s->vaddr, USER_END);
		if (s->vaddr < last)
			return err_set(err, -ENOEXEC,
				       "segment %u at %#llx overlaps or comes "
				       "before the one that ends at %#llx",
				       i, (unsigned long long)s->vaddr,
				       (unsigned long long)last);
		last = s->vaddr + s->memsz;
		if ((s->flags & PF_X) && elf->entry - s->vaddr < s->memsz)
			has_entry = true;
	}
	if (last == 0)
		return err_set(err, -ENOEXEC, "no loadable segment");
	if (!has_entry)
		return err_set(err, -ENOEXEC,
			       "its entry %#llx is in no executable segment",
			       (unsigned long long)elf->entry);
	return 0;
}

int program_check(const struct image *img, const struct elf *elf,
		  const struct rootfs *rootfs, struct err *err)
{
	for (unsigned i = 0; i < elf->n_segments; i++)
		if (elf->segment[i].type == PT_INTERP)
			return check_interp(img, &elf->segment[i], rootfs, err)
				       ? err->code
				       : check_segments(elf, err);
	for (unsigned i = 0; i < elf->n_segments; i++) {
		const struct elf_segment *s = &elf->segment[i];
		int code;

		if (s->type != PT_DYNAMIC || elf->type != ET_DYN)
			continue;
		code = check_dynamic(img, elf, s, err);
		if (code != 0)
			return code;
	}
	return check_segments(elf, err);
}

/* Adds the strings of a list, with their NULs; stops past the limit. */
static uint32_t count(char *const *list, uint64_t *total)
{
	uint32_t n = 0;

	for (; list && list[n] && *total <= PROGRAM_STARTUP_MAX; n++)
		*total += strlen(list[n]) + 1;
	return n;
}

static uint8_t *put_strings(uint8_t *to, char *const *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]) + 1;

		memcpy(to, list[i], len);
		to += len;
	}
	return to;
}

int program_load_startup(const struct boot_config *cfg, struct place *place,
			 gpa_t from, struct pvh_module *ret, struct err *err)
{
	uint64_t len = sizeof(struct startup_header);
	uint32_t argc = count(cfg->argv, &len);
	uint32_t envc = count(cfg->envp, &len);
	struct startup_header h;
	struct iovec span;
	uint8_t *to;
	gpa_t gpa;
	int code;

	if (argc == 0)
		return err_set(err, -EINVAL, "no argv[0]");
	if (len > PROGRAM_STARTUP_MAX)
		return err_set(err, -E2BIG,
			       "arguments and environment of more than %u "
			       "bytes, which is the limit",
			       PROGRAM_STARTUP_MAX);
	code = place_low(place, from, len, "the startup block", &gpa, err);
	if (code != 0)
		return code;
	code = gmem_span(place->mem, gpa, len, &span);
	if (code < 0)
		return err_set(err, code, "startup block: no RAM at %#llx",
			       (unsigned long long)gpa);
	h = (struct startup_header){
		.magic = le64_of(STARTUP_MAGIC),
		.len = le32_of((uint32_t)len),
		.flags = le32_of(cfg->startup_flags),
		.argc = le32_of(argc),
		.envc = le32_of(envc),
		.strings_off = le32_of(sizeof(h)),
	};
	to = span.iov_base;
	memcpy(to, &h, sizeof(h));
	to = put_strings(to + sizeof(h), cfg->argv, argc);
	(void)put_strings(to, cfg->envp, envc);
	*ret = (struct pvh_module){ gpa, len };
	return 0;
}

static int load_kit(const struct boot_src *src, struct place *place,
		    struct boot_entry *entry, gpa_t *ret_end, struct err *err)
{
	struct elf_notes notes;
	struct image img;
	struct elf elf;
	int code;

	code = image_open(&img, src, err);
	if (code == 0 && !elf_is_elf(&img))
		code = err_set(err, -ENOEXEC, "not an ELF file");
	if (code == 0)
		code = elf_parse(&img, &elf, err);
	if (code == 0)
		code = elf_read_notes(&img, &elf, &notes, err);
	if (code == 0)
		code = elf_load(&img, &elf, place, ret_end, err);
	if (code == 0)
		code = pvh_entry(&elf, &notes, true, place, entry, err);
	return code;
}

/* The root as high as it goes: the kit's tables for memory begin low. */
static int load_rootfs(const struct rootfs *r, struct place *place,
		       struct pvh_module *ret, struct err *err)
{
	gpa_t gpa;
	int code = place_high(place, UINT64_MAX, r->len, "it", &gpa, err);

	if (code == 0) {
		code = gmem_map_file(place->mem, gpa, r->len, r->fd);
		if (code != 0)
			(void)err_set(err, code, "map it as guest memory");
	}
	if (code != 0)
		return err_wrap(err, "--rootfs %s", r->name);
	*ret = (struct pvh_module){ gpa, r->len };
	return 0;
}

static int load_file(const struct image *img, struct place *place, gpa_t from,
		     struct pvh_module *ret, struct err *err)
{
	uint64_t len = img->src->len;
	gpa_t gpa;
	int code = place_low(place, from, len, "the program", &gpa, err);

	if (code == 0)
		code = image_load(img, 0, place->mem, gpa, (size_t)len,
				  "the program", err);
	if (code == 0)
		*ret = (struct pvh_module){ gpa, len };
	return code;
}

/* Program, startup block and root, from `from` on. A program of the root is
 * not loaded twice. */
static int load_modules(const struct boot_config *cfg, const struct image *img,
			struct place *place, gpa_t from, struct pvh_info *info,
			struct err *err)
{
	struct pvh_module *program = &info->module[0];
	struct pvh_module *startup = &info->module[1];
	struct pvh_module *root = &info->module[2];

	info->n_modules = cfg->rootfs ? 3 : 2;
	if (cfg->rootfs && load_rootfs(cfg->rootfs, place, root, err))
		return err->code;
	if (cfg->rootfs && cfg->image_off > 0) {
		*program = (struct pvh_module){ root->gpa + cfg->image_off,
						img->src->len };
	} else {
		if (load_file(img, place, from, program, err))
			return err->code;
		from = program->gpa + program->len;
	}
	return program_load_startup(cfg, place, from, startup, err);
}

int program_load(const struct boot_config *cfg, const struct image *img,
		 struct place *place, struct boot_entry *entry, struct err *err)
{
	struct pvh_info info = { 0 };
	struct cmdline cmdline;
	gpa_t end;
	int code;

	code = cmdline_build(cfg->cmdline, cfg->n_devices,
			     PROGRAM_PLATFORM_WORD, BOOT_CMDLINE_MAX, &cmdline,
			     err);
	if (code != 0)
		return code;
	code = place_claim(place, PLACE_INFO_GPA, PVH_INFO_LEN,
			   "the start info", -1, err);
	if (code != 0)
		return code;
	code = load_kit(&cfg->kit, place, entry, &end, err);
	if (code != 0)
		return err_wrap(err, "guest kernel %s", cfg->kit.name);
	if (end > LAYOUT_HOLE_START)
		end = PLACE_HIGH_GPA; /* a kit above 4 GiB: modules stay low */
	code = load_modules(cfg, img, place, end, &info, err);
	if (code != 0)
		return code;
	info.cmdline = &cmdline;
	return pvh_write_info(place, &info, err);
}
