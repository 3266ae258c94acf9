/* image.h: the root image (abi/rootfs.h) where the monitor put it. Checked by
 * the monitor; nothing of it is copied before it is used. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FS_IMAGE_H
#define FS_IMAGE_H

#include "kernel/types.h"

struct inode;
struct rootfs_entry;
struct store;

/* The root's entry; NULL: there is no image. */
const struct rootfs_entry *image_root(void);
/* Its number of entries, 0 without one. */
uint32_t image_entries(void);

const struct rootfs_entry *image_entry(uint32_t index);
const char *image_name(const struct rootfs_entry *e);
/* Among n siblings from `first` on; their number from there. */
WUR bool image_search(uint32_t first, uint32_t n, const char *name,
		      unsigned len, uint32_t *ret);

/* One reference to the inode of an entry; names of one file share theirs.
 * NULL: no memory. */
WUR struct inode *image_inode(const struct rootfs_entry *e);
/* The last reference went: false if the inode must stay for other names. */
bool image_forget(struct inode *node);
/* The contents of a regular file; NULL: no memory. */
WUR struct store *image_store(const struct rootfs_entry *e);

#endif
