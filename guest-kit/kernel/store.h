/* store.h: paged contents: of a regular file, of shared memory. A page is
 * there once it was written; before, it reads as what the store was made
 * from, or as zeros. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_STORE_H
#define KERNEL_STORE_H

#include "kernel/io.h"
#include "kernel/types.h"

struct store;

/* Empty, or with the len bytes at gpa (page-aligned, the last page padded
 * with zeros), which stay as they are: a page is copied when it is written.
 * One reference; NULL: no memory. */
WUR struct store *store_new(void);
WUR struct store *store_new_image(gpa_t gpa, uint64_t len);
struct store *store_get(struct store *s);
void store_put(struct store *s);
/* The same for a mapping: while there are any, vm_store_changed is called. */
struct store *store_get_mapped(struct store *s);
void store_put_mapped(struct store *s);

uint64_t store_len(const struct store *s);
/* Pages of its own and of its image, for st_blocks. */
uint64_t store_pages(const struct store *s);
/* Cut pages leave every mapping; growth reads as zeros. -ENOMEM, -EFBIG. */
WUR int store_resize(struct store *s, uint64_t len);

/* Page n to look at or, with write, to change; it stays until the store is
 * cut or gone. NULL: no memory. Beyond the length too: the caller checks. */
WUR void *store_page(struct store *s, uint64_t n, bool write);

/* All of it in a row, if it is still as its image was; else NULL. */
const void *store_image(const struct store *s);

/* At off; bytes moved, 0 at the end, -EFAULT; writing grows the store.
 * -ENOSPC when memory is nearly used up before the first byte. */
WUR int64_t store_read(struct store *s, uint64_t off, struct io *io);
WUR int64_t store_write(struct store *s, uint64_t off, struct io *io);
/* Zeros for a range within the length; whole pages are given back. */
WUR int store_punch(struct store *s, uint64_t off, uint64_t len);

#endif
