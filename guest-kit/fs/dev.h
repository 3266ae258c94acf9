/* dev.h: /dev: character devices and the disks' nodes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_DEV_H
#define FS_DEV_H

#include "kernel/types.h"

struct dentry;

/* What a device directory has, where it is not there yet. 0 or -ENOMEM. */
WUR int dev_make_nodes(struct dentry *dir);

/* As struct stat has them, for minors below 256. */
#define DEV_NUMBER(major, minor) ((uint32_t)(major) << 8 | (uint32_t)(minor))
#define DEV_MAJOR(rdev)          ((rdev) >> 8 & 0xfffu)
#define DEV_MINOR(rdev)          (((rdev)&0xffu) | ((rdev) >> 12 & 0xfff00u))

#endif
