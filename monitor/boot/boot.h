/* boot.h: an image becomes guest memory and entry registers. Knows no KVM.
 *
 * Everything read from an image, an initrd or a command line is untrusted. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct err;
struct gmem;
struct rootfs;

/* Bytes of an image: a descriptor (pread) or memory; never mmapped, because
 * whoever truncates a mapped file kills the reader. Borrowed. */
struct boot_src {
	const char *name;     /* for messages */
	const uint8_t *bytes; /* used when fd < 0 */
	uint64_t len;
	int fd;
};

/* Exactly `len` bytes at `off`, or -ENODATA (beyond the end), or -errno. */
WUR int boot_src_read(const struct boot_src *src, uint64_t off, void *dst,
		      size_t len);

enum boot_kind { BOOT_AUTO, BOOT_PVH, BOOT_LINUX, BOOT_PROGRAM };

#define BOOT_CMDLINE_MAX 4096 /* with the NUL */
#define BOOT_CPUS_MAX    32

struct boot_config {
	struct boot_src image;
	const struct boot_src *initrd; /* NULL: none */
	enum boot_kind kind;           /* BOOT_AUTO: told by the bytes */
	const char *cmdline;           /* the user's --kernel-args, or "" */
	unsigned n_cpus;               /* 1..BOOT_CPUS_MAX */
	unsigned n_devices;            /* virtio-mmio devices, from device 0 */
	bool legacy_serial, legacy_pic, legacy_i8042, legacy_rtc;

	/* BOOT_PROGRAM; argv (or NULL), envp and flags BOOT_MODE_DIRECT, too */
	struct boot_src kit;             /* the guest kernel's ELF file */
	char *const *argv, *const *envp; /* NULL-terminated; argv[0] is set */
	uint32_t startup_flags;          /* STARTUP_* */
	const struct rootfs *rootfs;     /* borrowed; NULL: none */
	uint64_t image_off; /* where in the root `image` lies; 0: not there */
};

enum boot_mode {
	BOOT_MODE_PVH,     /* 32-bit protected mode, paging off */
	BOOT_MODE_LINUX64, /* 64-bit, identity-mapped, Linux boot protocol */
	BOOT_MODE_DIRECT,  /* see abi/direct.h */
};

struct direct_note;

struct boot_entry {
	enum boot_mode mode;
	enum boot_kind kind; /* what BOOT_AUTO found */
	uint64_t rip, rsp;
	uint64_t rbx; /* PVH: gpa of start info */
	uint64_t rsi; /* LINUX64: gpa of boot_params */
	uint64_t rdi; /* DIRECT: gpa of start info */
	uint64_t cr3; /* LINUX64: gpa of the PML4; DIRECT: from the note */
	uint64_t gdt; /* LINUX64: gpa of a GDT with __BOOT_CS 0x10, __BOOT_DS
			 0x18; limit gdt_limit */
	uint16_t gdt_limit;
	uint8_t direct[128]; /* DIRECT: the struct direct_note */
};

/*
 * Loads everything: image, initrd, command line, memory map, ACPI tables,
 * start info or boot_params. Errors: -ENOEXEC the image cannot run (exit
 * 126), -ENOMEM guest memory too small (the message says how much is needed),
 * -E2BIG command line, -EINVAL, -EIO. `mem` starts at 0 and is all zero: what
 * an image leaves zero is not touched. *ret_entry is written on success only;
 * guest memory is in any state after an error.
 *
 * BOOT_AUTO enters an image that has both notes by the direct one (mode
 * BOOT_MODE_DIRECT, kind BOOT_PVH): it is linked with the kit and gets
 * arguments and environment as a program does, unless arguments are in the
 * command line, behind "--". BOOT_PVH insists on PVH.
 */
WUR int boot_load(const struct boot_config *cfg, struct gmem *mem,
		  struct boot_entry *ret_entry, struct err *err);

#endif
