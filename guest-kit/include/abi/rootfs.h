/* rootfs.h: the root image: a tree of files that lies in guest memory as a
 * PVH module, page-aligned, and is recognised by its magic. The same bytes are
 * a packed image (`mayfly pack`).
 *
 *   header | entries | strings | zeros to a page | file data
 *
 * Offsets are from the start of the image unless said otherwise. Integers are
 * little-endian. The monitor checks all that is said here, but for the zeros,
 * before a guest runs.
 *
 * Entry 0 is the root directory (its own parent, name ""). The others are in
 * breadth-first order: the children of a directory follow one another, sorted
 * by name (bytes compared as unsigned, a prefix first), and have higher
 * indices than their directory. So a name is found by binary search, and
 * nothing has to be built before the first look-up.
 *
 * What `size` and `data` mean is a matter of the type in `mode`:
 *
 *   S_IFREG   bytes; offset of the contents, page-aligned; 0 when size is 0.
 *             Contents follow one another from data_off on, in the order of
 *             the entries and without a gap, and share no page: the rest of
 *             each last one is zero
 *   S_IFLNK   bytes of the target (1 .. 4095); its offset in the strings, where
 *             a NUL follows it
 *   S_IFDIR   number of children; index of the first of them, 0 without any
 *   S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK   0; 0
 *
 * A hard link has the index of its first name in `link`; that entry precedes
 * it, is no directory and no link itself. All other fields but parent and name
 * are equal in both. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABI_ROOTFS_H
#define ABI_ROOTFS_H

#include <stdint.h>

#define ROOTFS_MAGIC   0x31305346544f4f52ull /* "ROOTFS01" */
#define ROOTFS_VERSION 1u
#define ROOTFS_NO_LINK 0xffffffffu

#define ROOTFS_ENTRIES_MAX (1u << 20)
#define ROOTFS_NAME_MAX    255u  /* bytes of one name, without the NUL */
#define ROOTFS_TARGET_MAX  4095u /* bytes of a symbolic link's target */
#define ROOTFS_PAGE        4096u

/* Device numbers as Linux keeps them: 12 bits of major, 20 of minor. */
#define ROOTFS_RDEV(major, minor) ((uint32_t)(major) << 20 | (uint32_t)(minor))
#define ROOTFS_RDEV_MAJOR(rdev)   ((rdev) >> 20)
#define ROOTFS_RDEV_MINOR(rdev)   ((rdev)&0xfffffu)

struct rootfs_header {
	uint64_t magic;
	uint32_t version;
	uint32_t n_entries;   /* at least 1 */
	uint64_t len;         /* of the image, a multiple of the page */
	uint64_t entries_off; /* a multiple of 8 */
	uint64_t strings_off;
	uint64_t strings_len;
	uint64_t data_off; /* a multiple of the page; == len without data */
	uint64_t pad;      /* 0 */
};

struct rootfs_entry {
	uint32_t parent;   /* index of the directory it lies in */
	uint32_t mode;     /* type and permissions, as in struct stat */
	uint32_t uid, gid; /* as in the source */
	uint32_t name_off; /* in the strings, a NUL follows */
	uint16_t name_len; /* no '/', no NUL, neither "." nor ".." */
	uint16_t pad;      /* 0 */
	uint32_t link;     /* first name of a hard link, or ROOTFS_NO_LINK */
	uint32_t nlink; /* names of this file; directories: as Linux counts */
	uint64_t size, data;
	int64_t mtime_sec;
	uint32_t mtime_nsec; /* below 1,000,000,000 */
	uint32_t rdev;       /* S_IFCHR, S_IFBLK: ROOTFS_RDEV; else 0 */
};

_Static_assert(sizeof(struct rootfs_header) == 64, "ABI");
_Static_assert(sizeof(struct rootfs_entry) == 64, "ABI");

#endif
