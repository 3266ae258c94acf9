/* boot.c: see boot.h. Chooses the protocol; the units do the work. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/boot.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "boot/cmdline.h"
#include "boot/elf.h"
#include "boot/image.h"
#include "boot/place.h"
#include "boot/probe.h"
#include "boot/program.h"
#include "boot/pvh.h"
#include "boot/x86_acpi.h"
#include "boot/x86_linux.h"
#include "boot/x86_mptable.h"

static int check_config(const struct boot_config *cfg, const struct gmem *mem,
			struct err *err)
{
	if (cfg->n_cpus < 1 || cfg->n_cpus > BOOT_CPUS_MAX)
		return err_set(err, -EINVAL, "%u processors: 1 to %u",
			       cfg->n_cpus, BOOT_CPUS_MAX);
	if (cfg->n_devices > LAYOUT_VIRTIO_MAX)
		return err_set(err, -EINVAL, "%u virtio devices: at most %u",
			       cfg->n_devices, LAYOUT_VIRTIO_MAX);
	if (place_low_ram(mem) == 0)
		return err_set(err, -EINVAL, "no guest memory at 0");
	return 0;
}

static int load_initrd(const struct boot_src *initrd, struct place *place,
		       struct pvh_module *ret, struct err *err)
{
	struct image img = { .src = initrd };
	gpa_t gpa;
	int code;

	code = place_high(place, UINT64_MAX, initrd->len, "it", &gpa, err);
	if (code == 0)
		code = image_load(&img, 0, place->mem, gpa, (size_t)initrd->len,
				  "the initrd", err);
	if (code != 0)
		return err_wrap(err, "initrd %s", initrd->name);
	*ret = (struct pvh_module){ gpa, initrd->len };
	return 0;
}

/* Whoever has the direct note is linked with the guest kit, and knows the
 * platform page; the user may have another idea of it. */
static const char *platform_word(const struct boot_config *cfg)
{
	return strstr(cfg->cmdline, "mayfly.platform=") ? NULL
							: PROGRAM_PLATFORM_WORD;
}

static int load_pvh(const struct boot_config *cfg, const struct image *img,
		    const struct probe *probe, gpa_t rsdp, struct place *place,
		    struct boot_entry *entry, struct err *err)
{
	const bool direct = cfg->kind == BOOT_AUTO && probe->notes.has_direct;
	struct pvh_info info = { .rsdp = rsdp };
	struct cmdline cmdline;
	uint64_t end = 0;
	int code;

	/* Linux cuts longer ones without a word: our entries are at the end */
	if (probe->notes.is_linux)
		code = cmdline_build_linux(cfg->cmdline, cfg->n_devices,
					   LINUX_LINE_MAX, &cmdline, err);
	else
		code = cmdline_build(cfg->cmdline, cfg->n_devices,
				     direct ? platform_word(cfg) : NULL,
				     BOOT_CMDLINE_MAX, &cmdline, err);
	if (code == 0)
		code = place_claim(place, PLACE_INFO_GPA, PVH_INFO_LEN,
				   "the start info", -1, err);
	if (code == 0)
		code = elf_load(img, &probe->elf, place, &end, err);
	if (code == 0)
		code = pvh_entry(&probe->elf, &probe->notes,
				 cfg->kind == BOOT_AUTO, place, entry, err);
	if (code == 0 && cfg->initrd) {
		code = load_initrd(cfg->initrd, place, &info.module[0], err);
		info.n_modules = 1;
	}
	if (code == 0 && entry->mode == BOOT_MODE_DIRECT && cfg->argv &&
	    !cmdline_has_arguments(cfg->cmdline))
		code = program_load_startup(
			cfg, place, end, &info.module[info.n_modules++], err);
	if (code != 0)
		return code;
	info.cmdline = &cmdline;
	return pvh_write_info(place, &info, err);
}

/* For kernels; a program's kit needs neither and starts sooner without. */
static int write_tables(const struct boot_config *cfg, const struct gmem *mem,
			gpa_t *ret_rsdp, struct err *err)
{
	int code = mptable_write(mem, cfg->n_cpus, err);

	return code != 0 ? code : acpi_write(cfg, mem, ret_rsdp, err);
}

static int load(const struct boot_config *cfg, const struct gmem *mem,
		struct boot_entry *entry, struct err *err)
{
	struct probe probe;
	struct place place;
	struct image img;
	gpa_t rsdp = 0;
	int code;

	code = image_open(&img, &cfg->image, err);
	if (code == 0)
		code = probe_image(&img, cfg->kind, &probe, err);
	if (code != 0)
		return code;
	place_init(&place, mem);
	entry->kind = probe.kind;
	if (probe.kind == BOOT_PROGRAM) {
		code = program_check(&img, &probe.elf, cfg->rootfs, err);
		return code < 0 ? code
				: program_load(cfg, &img, &place, entry, err);
	}
	code = write_tables(cfg, mem, &rsdp, err);
	if (code != 0)
		return code;
	if (probe.kind == BOOT_PVH)
		return load_pvh(cfg, &img, &probe, rsdp, &place, entry, err);
	return linux_load(cfg, &img, &probe, rsdp, &place, entry, err);
}

int boot_load(const struct boot_config *cfg, struct gmem *mem,
	      struct boot_entry *ret_entry, struct err *err)
{
	struct boot_entry entry = { 0 };
	int code = check_config(cfg, mem, err);

	if (code != 0)
		return code;
	code = load(cfg, mem, &entry, err);
	if (code != 0)
		return err_wrap(err, "%s", cfg->image.name);
	*ret_entry = entry;
	return 0;
}
