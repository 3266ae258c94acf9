/* machine.h: the machine as the start info and the command line tell it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include "boot/pvh.h"
#include "kernel/types.h"

#define MACHINE_DEVICES_MAX 32

struct machine_device {
	uint32_t gpa; /* of its virtio-mmio registers */
	uint16_t gsi;
	uint16_t id; /* virtio device id, 0: none there */
};

/* Filled by machine_init, then read-only (but for ids, virtio.c). */
struct machine {
	const struct pvh_start_info *start;
	gpa_t platform;     /* the platform page, or 0 */
	uint16_t exit_port; /* QEMU's isa-debug-exit, or 0 */
	bool verbose;
	uint32_t flags; /* STARTUP_* of abi/startup.h */
	gpa_t program;  /* the ELF file, page-aligned, or 0 */
	uint64_t program_len;
	gpa_t rootfs; /* the root image (abi/rootfs.h), page-aligned, or 0 */
	uint64_t rootfs_len;
	/* argc + envc strings, NUL-terminated, one after another */
	const char *strings;
	uint64_t strings_len;
	unsigned argc, envc;
	uint64_t tsc_entry;
	uint32_t features_ecx, features_edx; /* CPUID 1 */
	unsigned n_devices, n_ids;           /* ids known from the start */
	struct machine_device device[MACHINE_DEVICES_MAX];
};

#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_RDRAND       (1u << 30)

extern struct machine machine;

/* Start info and command line; ends in machine_panic if there is neither. */
void machine_init(gpa_t start_info, uint64_t tsc_entry);
/* The program's arguments; needs pages. */
void machine_read_arguments(void);
/* The last part of argv[0]. */
const char *machine_program_name(void);

#endif
