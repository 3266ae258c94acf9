/* pvh.c: see pvh.h. Layout and rules: Xen's public header
 * arch-x86/hvm/start_info.h and docs/misc/pvh.pandoc. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/pvh.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "boot/elf.h"
#include "boot/memmap.h"
#include "boot/place.h"
#include "mem/gmem.h"

#define START_INFO_MAGIC   0x336ec578u
#define START_INFO_VERSION 1u

struct start_info {
	le32 magic, version, flags, n_modules;
	le64 modules, cmdline, rsdp, memmap;
	le32 n_memmap, reserved;
};

struct module_entry {
	le64 gpa, len, cmdline, reserved;
};

struct map_entry {
	le64 gpa, len;
	le32 type, reserved;
};

/* What lies at PLACE_INFO_GPA; the command line follows. */
struct info_block {
	struct start_info info;
	struct module_entry module[PVH_MODULES_MAX];
	struct map_entry map[MEMMAP_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "PVH ABI");
_Static_assert(sizeof(struct module_entry) == 32, "PVH ABI");
_Static_assert(sizeof(struct map_entry) == 24, "PVH ABI");
_Static_assert(sizeof(struct info_block) + BOOT_CMDLINE_MAX <= PVH_INFO_LEN,
	       "the command line follows the start info");

/* The pvclock ABI: sizes of what the hypervisor writes. */
#define PVCLOCK_TIME_LEN 32
#define PVCLOCK_WALL_LEN 12

static le64 at(size_t off)
{
	return le64_of(PLACE_INFO_GPA + off);
}

int pvh_write_info(const struct place *place, const struct pvh_info *info,
		   struct err *err)
{
	gpa_t cmdline_gpa = PLACE_INFO_GPA + sizeof(struct info_block);
	struct memmap_entry map[MEMMAP_MAX];
	struct info_block b = { 0 };
	unsigned n_map = memmap_build(place->mem, map);

	CHECK(info->n_modules <= PVH_MODULES_MAX);
	b.info = (struct start_info){
		.magic = le32_of(START_INFO_MAGIC),
		.version = le32_of(START_INFO_VERSION),
		.n_modules = le32_of(info->n_modules),
		.cmdline = le64_of(cmdline_gpa),
		.rsdp = le64_of(info->rsdp),
		.memmap = at(offsetof(struct info_block, map)),
		.n_memmap = le32_of(n_map),
	};
	if (info->n_modules > 0)
		b.info.modules = at(offsetof(struct info_block, module));
	for (unsigned i = 0; i < info->n_modules; i++) {
		b.module[i].gpa = le64_of(info->module[i].gpa);
		b.module[i].len = le64_of(info->module[i].len);
	}
	for (unsigned i = 0; i < n_map; i++) {
		b.map[i].gpa = le64_of(map[i].gpa);
		b.map[i].len = le64_of(map[i].len);
		b.map[i].type = le32_of(map[i].type);
	}
	if (gmem_write(place->mem, PLACE_INFO_GPA, &b, sizeof(b)) < 0 ||
	    gmem_write(place->mem, cmdline_gpa, info->cmdline->text,
		       info->cmdline->len + 1) < 0)
		return err_set(err, -ENOMEM, "start info: no RAM at %#llx",
			       PLACE_INFO_GPA);
	return 0;
}

static bool is_canonical(uint64_t gva)
{
	uint64_t top = gva >> 47;

	return top == 0 || top == 0x1ffff;
}

/* What would make entering it fail, as far as it can be told from here. */
static bool direct_is_usable(const struct direct_note *n,
			     const struct gmem *mem)
{
	if (n->cr3 % PAGE_LEN != 0 || !gmem_has(mem, n->cr3, PAGE_LEN))
		return false;
	if ((n->cs & ~3u) == 0 || (n->ss & ~3u) == 0 ||
	    (n->cs & 3) != (n->ss & 3) || (n->tr & ~3u) == 0)
		return false;
	if (!is_canonical(n->rip) || !is_canonical(n->rsp) ||
	    !is_canonical(n->gdt) || !is_canonical(n->idt) ||
	    !is_canonical(n->tss) || !is_canonical(n->lstar))
		return false;
	if (n->clock_gpa != 0 &&
	    (n->clock_gpa % 4 != 0 ||
	     !gmem_has(mem, n->clock_gpa, PVCLOCK_TIME_LEN)))
		return false;
	return n->wall_clock_gpa == 0 ||
	       (n->wall_clock_gpa % 4 == 0 &&
		gmem_has(mem, n->wall_clock_gpa, PVCLOCK_WALL_LEN));
}

int pvh_entry(const struct elf *elf, const struct elf_notes *notes,
	      bool allow_direct, const struct place *place,
	      struct boot_entry *entry, struct err *err)
{
	_Static_assert(sizeof(notes->direct) <= sizeof(entry->direct),
		       "boot.h carries the note");

	if (allow_direct && notes->has_direct &&
	    direct_is_usable(&notes->direct, place->mem)) {
		entry->mode = BOOT_MODE_DIRECT;
		entry->rip = notes->direct.rip;
		entry->rsp = notes->direct.rsp;
		entry->cr3 = notes->direct.cr3;
		entry->rdi = PLACE_INFO_GPA;
		memcpy(entry->direct, &notes->direct, sizeof(notes->direct));
		return 0;
	}
	if (!notes->has_pvh)
		return err_set(err, -ENOEXEC,
			       "no PVH note (Xen, type 18) in it");
	if (notes->pvh_entry >> 32 || !elf_has_paddr(elf, notes->pvh_entry))
		return err_set(err, -ENOEXEC,
			       "its PVH entry %#llx is in no segment below "
			       "4 GiB",
			       (unsigned long long)notes->pvh_entry);
	entry->mode = BOOT_MODE_PVH;
	entry->rip = notes->pvh_entry;
	entry->rbx = PLACE_INFO_GPA;
	return 0;
}
