/* pack.h: a tree of files becomes a root image (abi/rootfs.h). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_PACK_H
#define ROOTFS_PACK_H

#include <stdint.h>

#include "base/attr.h"

struct err;
struct tree;
struct tree_node;

/* The order of a tree's nodes in its image, and where everything lies. */
struct pack {
	const struct tree *tree;       /* borrowed */
	const struct tree_node **node; /* by entry; owned, like the rest */
	uint32_t *index;               /* of each node, by id */
	uint32_t *first;               /* child of each entry */
	uint64_t strings_off, strings_len, data_off, len;
};

/* Where contents come from: writes all inode->size bytes of a regular file into
 * another one, at `off`. */
struct pack_source {
	int (*copy)(void *ctx, const struct tree_node *node, int fd,
		    uint64_t off, struct err *err);
	void *ctx;
};

/* Lays the image out; for pack_fini. The tree does not change any more. -EFBIG: the image would be larger than any guest memory;
 * -ENOMEM. */
WUR int pack_init(struct pack *p, const struct tree *tree, struct err *err);
void pack_fini(struct pack *p);

/* Writes the image into a file of p->len zeros. Equal trees and contents make
 * equal images. */
WUR int pack_write(const struct pack *p, const struct pack_source *source,
		   int fd, struct err *err);

#endif
