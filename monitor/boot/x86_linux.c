/* x86_linux.c: see x86_linux.h. Facts: Documentation/x86/boot.rst and
 * zero-page.rst of Linux 6.1. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/x86_linux.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/err.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "boot/elf.h"
#include "boot/image.h"
#include "boot/memmap.h"
#include "boot/place.h"
#include "boot/probe.h"
#include "boot/x86_longmode.h"
#include "mem/gmem.h"

#define GDT_GPA     PLACE_INFO_GPA
#define STACK_GPA   (GDT_GPA + PAGE_LEN) /* grows down towards the GDT */
#define PARAMS_GPA  (GDT_GPA + PAGE_LEN)
#define CMDLINE_GPA (PARAMS_GPA + PAGE_LEN)
#define TABLES_GPA  (CMDLINE_GPA + PAGE_LEN)
#define INFO_LEN    (TABLES_GPA + LONGMODE_TABLES_LEN - PLACE_INFO_GPA)

/* Offsets in boot_params; from 0x1f1 on, the setup header of a bzImage has
 * the same ones in its file. */
#define BP_ACPI_RSDP      0x070
#define BP_EXT_INITRD     0x0c0
#define BP_EXT_INITRD_LEN 0x0c4
#define BP_EXT_CMDLINE    0x0c8
#define BP_E820_ENTRIES   0x1e8
#define BP_SETUP_SECTS    0x1f1
#define BP_SYSSIZE        0x1f4
#define BP_BOOT_FLAG      0x1fe
#define BP_JUMP_LEN       0x201
#define BP_MAGIC          0x202
#define BP_VERSION        0x206
#define BP_LOADER         0x210
#define BP_LOADFLAGS      0x211
#define BP_CODE32         0x214
#define BP_INITRD         0x218
#define BP_INITRD_LEN     0x21c
#define BP_EXT_LOADER     0x226 /* version, then type */
#define BP_CMDLINE        0x228
#define BP_INITRD_MAX     0x22c
#define BP_ALIGNMENT      0x230
#define BP_RELOCATABLE    0x234
#define BP_XLOADFLAGS     0x236
#define BP_CMDLINE_SIZE   0x238
#define BP_SETUP_DATA     0x250
#define BP_PREF_ADDRESS   0x258
#define BP_INIT_SIZE      0x260
#define BP_HDR_MIN_END    0x264 /* of protocol 2.12: through init_size */
#define BP_HDR_END        0x290 /* the next field of boot_params */
#define BP_E820           0x2d0

#define SECTOR            512
#define PROTOCOL_MIN      0x020c /* 2.12: xloadflags */
#define XLF_KERNEL_64     1u
#define LOADED_HIGH       1u
#define KASLR_FLAG        2u /* for the kernel's own use */
#define LOADER_UNDEFINED  0xff
#define ENTRY64_OFF       0x200
#define ALIGNMENT_MAX     (1u << 30)
#define VMLINUX_ALIGNMENT 0x1000000
#define SETUP_SECTS_OLD   4 /* what 0 means */

struct e820_entry {
	le32 gpa_lo, gpa_hi, len_lo, len_hi, type;
};

_Static_assert(sizeof(struct e820_entry) == 20, "boot_params ABI");

/* What the kernel says about itself, checked. */
struct kernel {
	uint8_t params[PAGE_LEN];    /* boot_params in the making */
	uint64_t code_off, code_len; /* bzImage: in the file */
	gpa_t load_gpa, entry_gpa;
	uint64_t load_len;
	size_t line_max; /* with the NUL */
	uint64_t initrd_last;
};

static uint16_t get16(const uint8_t *p)
{
	le16 v;

	memcpy(&v, p, sizeof(v));
	return le16_get(v);
}

static uint32_t get32(const uint8_t *p)
{
	le32 v;

	memcpy(&v, p, sizeof(v));
	return le32_get(v);
}

static uint64_t get64(const uint8_t *p)
{
	le64 v;

	memcpy(&v, p, sizeof(v));
	return le64_get(v);
}

static void put16(uint8_t *p, uint16_t v)
{
	le16 x = le16_of(v);

	memcpy(p, &x, sizeof(x));
}

static void put32(uint8_t *p, uint32_t v)
{
	le32 x = le32_of(v);

	memcpy(p, &x, sizeof(x));
}

static void put64(uint8_t *p, uint64_t v)
{
	le64 x = le64_of(v);

	memcpy(p, &x, sizeof(x));
}

/* Copies the setup header, the only part of the file that is believed. */
static int read_header(const struct image *img, uint8_t *params,
		       struct err *err)
{
	unsigned version;
	size_t end;

	if (img->head_len < BP_HDR_END)
		return err_set(err, -ENOEXEC,
			       "truncated: a bzImage has a header of %u bytes, "
			       "the file has %zu bytes",
			       BP_HDR_END, img->head_len);
	version = get16(img->head + BP_VERSION);
	if (version < PROTOCOL_MIN)
		return err_set(err, -ENOEXEC,
			       "boot protocol %u.%02u, at least 2.12 is "
			       "needed (Linux 3.8)",
			       version >> 8, version & 0xff);
	end = BP_MAGIC + img->head[BP_JUMP_LEN];
	if (end < BP_HDR_MIN_END)
		return err_set(err, -ENOEXEC,
			       "its setup header ends at %#zx, before %#x", end,
			       BP_HDR_MIN_END);
	if (end > BP_HDR_END)
		end = BP_HDR_END;
	memcpy(params + BP_SETUP_SECTS, img->head + BP_SETUP_SECTS,
	       end - BP_SETUP_SECTS);
	if (!(get16(params + BP_XLOADFLAGS) & XLF_KERNEL_64))
		return err_set(err, -ENOEXEC,
			       "a 32-bit Linux kernel, a 64-bit one is needed");
	return 0;
}

/* The protected-mode code: all of it must be there. */
static int find_code(const struct image *img, struct kernel *k, struct err *err)
{
	uint64_t sects = k->params[BP_SETUP_SECTS], rest;

	k->code_off = ((sects ? sects : SETUP_SECTS_OLD) + 1) * SECTOR;
	k->code_len = (uint64_t)get32(k->params + BP_SYSSIZE) * 16;
	rest = img->src->len > k->code_off ? img->src->len - k->code_off : 0;
	/* syssize is rounded up to 16 bytes, the file may not be */
	if (k->code_len > rest + 15)
		return err_set(err, -ENOEXEC,
			       "truncated: the kernel is %llu bytes at offset "
			       "%llu, the file has %llu bytes",
			       (unsigned long long)k->code_len,
			       (unsigned long long)k->code_off,
			       (unsigned long long)img->src->len);
	if (k->code_len > rest)
		k->code_len = rest;
	if (k->code_len <= ENTRY64_OFF)
		return err_set(err, -ENOEXEC,
			       "its code is %llu bytes: too short for a 64-bit "
			       "entry",
			       (unsigned long long)k->code_len);
	return 0;
}

static int parse_bzimage(const struct image *img, struct kernel *k,
			 struct err *err)
{
	uint64_t align, pref;
	int code = read_header(img, k->params, err);

	if (code == 0)
		code = find_code(img, k, err);
	if (code != 0)
		return code;
	align = get32(k->params + BP_ALIGNMENT);
	pref = get64(k->params + BP_PREF_ADDRESS);
	if (!is_pow2(align) || align > ALIGNMENT_MAX)
		return err_set(err, -ENOEXEC,
			       "its alignment %#llx is not a power of two up "
			       "to %#x",
			       (unsigned long long)align, ALIGNMENT_MAX);
	if (pref >= LAYOUT_HOLE_START)
		return err_set(err, -ENOEXEC,
			       "it wants to be at %#llx, at most %#llx",
			       (unsigned long long)pref, LAYOUT_HOLE_START);
	/* lower would do for its loader, not for the kernel it unpacks */
	if (k->params[BP_RELOCATABLE])
		pref = round_up_u64(pref, align);
	k->load_gpa = pref;
	k->load_len = get32(k->params + BP_INIT_SIZE);
	if (k->load_len < k->code_len)
		k->load_len = k->code_len;
	k->entry_gpa = pref + ENTRY64_OFF;
	k->initrd_last = get32(k->params + BP_INITRD_MAX);
	k->line_max = (size_t)get32(k->params + BP_CMDLINE_SIZE) + 1;
	if (k->line_max > BOOT_CMDLINE_MAX)
		k->line_max = BOOT_CMDLINE_MAX;
	return 0;
}

/* A vmlinux has no setup header: what its loader would have found there. */
static int parse_vmlinux(const struct elf *elf, struct kernel *k,
			 struct err *err)
{
	uint64_t entry = elf->entry;

	for (unsigned i = 0; i < elf->n_segments && entry >> 63; i++) {
		const struct elf_segment *s = &elf->segment[i];

		if (s->vaddr >> 63 && entry - s->vaddr < s->memsz)
			entry = s->paddr + (entry - s->vaddr);
	}
	if (entry >= LAYOUT_HOLE_END || !elf_has_paddr(elf, entry))
		return err_set(err, -ENOEXEC,
			       "its entry %#llx is in no segment below 4 GiB",
			       (unsigned long long)elf->entry);
	put16(k->params + BP_BOOT_FLAG, 0xaa55);
	memcpy(k->params + BP_MAGIC, "HdrS", 4);
	put16(k->params + BP_VERSION, PROTOCOL_MIN);
	put16(k->params + BP_XLOADFLAGS, XLF_KERNEL_64);
	put32(k->params + BP_ALIGNMENT, VMLINUX_ALIGNMENT);
	put32(k->params + BP_CMDLINE_SIZE, LINUX_LINE_MAX - 1);
	k->entry_gpa = entry;
	k->initrd_last = UINT32_MAX;
	k->line_max = LINUX_LINE_MAX;
	return 0;
}

static int load_kernel(const struct image *img, const struct probe *probe,
		       const struct kernel *k, struct place *place,
		       struct err *err)
{
	uint64_t end;
	int code;

	if (!probe->is_bzimage)
		return elf_load(img, &probe->elf, place, &end, err);
	code = place_claim(place, k->load_gpa, k->load_len, "the kernel", -1,
			   err);
	if (code != 0)
		return code;
	return image_load(img, k->code_off, place->mem, k->load_gpa,
			  (size_t)k->code_len, "the kernel", err);
}

static int load_initrd(const struct boot_src *initrd, struct kernel *k,
		       struct place *place, struct err *err)
{
	struct image img = { .src = initrd };
	gpa_t gpa;
	int code;

	code = place_high(place, k->initrd_last, initrd->len, "it", &gpa, err);
	if (code == 0)
		code = image_load(&img, 0, place->mem, gpa, (size_t)initrd->len,
				  "the initrd", err);
	if (code != 0)
		return err_wrap(err, "initrd %s", initrd->name);
	put32(k->params + BP_INITRD, (uint32_t)gpa);
	put32(k->params + BP_EXT_INITRD, (uint32_t)(gpa >> 32));
	put32(k->params + BP_INITRD_LEN, (uint32_t)initrd->len);
	put32(k->params + BP_EXT_INITRD_LEN, (uint32_t)(initrd->len >> 32));
	return 0;
}

static void fill_e820(uint8_t *params, const struct gmem *mem)
{
	struct memmap_entry map[MEMMAP_MAX];
	unsigned n = memmap_build(mem, map);

	params[BP_E820_ENTRIES] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		struct e820_entry e = {
			.gpa_lo = le32_of((uint32_t)map[i].gpa),
			.gpa_hi = le32_of((uint32_t)(map[i].gpa >> 32)),
			.len_lo = le32_of((uint32_t)map[i].len),
			.len_hi = le32_of((uint32_t)(map[i].len >> 32)),
			.type = le32_of(map[i].type),
		};

		memcpy(params + BP_E820 + i * sizeof(e), &e, sizeof(e));
	}
}

static void fill_params(struct kernel *k, gpa_t rsdp, const struct gmem *mem)
{
	uint8_t *p = k->params;

	p[BP_LOADER] = LOADER_UNDEFINED;
	put16(p + BP_EXT_LOADER, 0);
	p[BP_LOADFLAGS] |= LOADED_HIGH;
	p[BP_LOADFLAGS] &= (uint8_t)~KASLR_FLAG;
	put32(p + BP_CODE32, (uint32_t)k->load_gpa);
	put32(p + BP_CMDLINE, CMDLINE_GPA);
	put32(p + BP_EXT_CMDLINE, 0);
	put64(p + BP_SETUP_DATA, 0);
	put64(p + BP_ACPI_RSDP, rsdp);
	fill_e820(p, mem);
}

static int write_info(const struct kernel *k, const struct cmdline *cmdline,
		      const struct place *place, struct err *err)
{
	int code;

	code = longmode_write_gdt(place->mem, GDT_GPA, err);
	if (code == 0)
		code = longmode_write_tables(place->mem, TABLES_GPA, err);
	if (code != 0)
		return code;
	if (gmem_write(place->mem, PARAMS_GPA, k->params, sizeof(k->params)) <
		    0 ||
	    gmem_write(place->mem, CMDLINE_GPA, cmdline->text,
		       cmdline->len + 1) < 0)
		return err_set(err, -ENOMEM, "boot_params: no RAM at %#llx",
			       PARAMS_GPA);
	return 0;
}

int linux_load(const struct boot_config *cfg, const struct image *img,
	       const struct probe *probe, gpa_t rsdp, struct place *place,
	       struct boot_entry *entry, struct err *err)
{
	struct kernel k = { 0 };
	struct cmdline cmdline;
	int code;

	if (probe->is_bzimage)
		code = parse_bzimage(img, &k, err);
	else
		code = parse_vmlinux(&probe->elf, &k, err);
	if (code == 0)
		code = cmdline_build_linux(cfg->cmdline, cfg->n_devices,
					   k.line_max, &cmdline, err);
	if (code == 0)
		code = place_claim(place, PLACE_INFO_GPA, INFO_LEN,
				   "boot_params", -1, err);
	if (code == 0)
		code = load_kernel(img, probe, &k, place, err);
	if (code == 0 && cfg->initrd)
		code = load_initrd(cfg->initrd, &k, place, err);
	if (code != 0)
		return code;
	fill_params(&k, rsdp, place->mem);
	code = write_info(&k, &cmdline, place, err);
	if (code != 0)
		return code;
	entry->mode = BOOT_MODE_LINUX64;
	entry->rip = k.entry_gpa;
	entry->rsp = STACK_GPA;
	entry->rsi = PARAMS_GPA;
	entry->cr3 = TABLES_GPA;
	entry->gdt = GDT_GPA;
	entry->gdt_limit = LONGMODE_GDT_LEN - 1;
	return 0;
}
