/* startup.h: what the guest kit is told beyond the PVH start info.
 *
 * PVH module 0 is the program (an ELF file, page-aligned). The others are told
 * by their first 8 bytes: a root image (rootfs.h) and a startup block, which is
 * this header, then argc + envc NUL-terminated strings. Without the block
 * (other monitors) the arguments are the words of the command line after
 * " -- ", argv[0] being "program".
 * Devices come from `virtio_mmio.device=SIZE@BASE:IRQ` on the command line,
 * the platform page from `mayfly.platform=0xGPA`. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_STARTUP_H
#define ABI_STARTUP_H

#include <stdint.h>

#define STARTUP_MAGIC   0x3150555452415453ull /* "STARTUP1" */
#define STARTUP_VERBOSE 1u /* say what is not supported, once each */
#define STARTUP_STRACE  2u /* a line on standard error for every call */
/* abi/debug.h: which stops are reported */
#define STARTUP_CORE  4u  /* DEBUG_FATAL */
#define STARTUP_DEBUG 8u  /* all, and DEBUG_GSI asks for one */
#define STARTUP_WAIT  16u /* with STARTUP_DEBUG: DEBUG_START, too */

struct startup_block {
	uint64_t magic;
	uint32_t len; /* of the whole block */
	uint32_t flags;
	uint32_t argc, envc;
	uint32_t strings_off; /* from the start of the block */
	uint32_t pad;
};

_Static_assert(sizeof(struct startup_block) == 32, "ABI");

#endif
