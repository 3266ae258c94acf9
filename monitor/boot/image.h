/* image.h: bounded views and reads of an image's bytes, with messages.
 *
 * The first page is read once and kept: headers, program headers and notes
 * of small files lie there, so that looking at them costs one pread. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct boot_src;
struct err;
struct gmem;

#define IMAGE_HEAD_LEN 4096

struct image {
	const struct boot_src *src; /* borrowed */
	size_t head_len;            /* min(len, IMAGE_HEAD_LEN) */
	const uint8_t *head;        /* `buf`, or the bytes of the source */
	uint8_t buf[IMAGE_HEAD_LEN];
};

/* Borrows `src`, which must outlive the image. -EIO and other read errors. */
WUR int image_open(struct image *img, const struct boot_src *src,
		   struct err *err);

/*
 * `len` bytes at `off`: a pointer to bytes already here, or into `buf` (of at
 * least `len` bytes) which was filled. NULL: err is set, -ENOEXEC when the
 * file ends before, naming `what`.
 */
WUR const uint8_t *image_view(const struct image *img, uint64_t off, size_t len,
			      void *buf, const char *what, struct err *err);

/*
 * Bytes of the image straight into guest memory. The guest range must be RAM;
 * -EFAULT otherwise. Nothing is read for len 0.
 */
WUR int image_load(const struct image *img, uint64_t off,
		   const struct gmem *mem, gpa_t gpa, size_t len,
		   const char *what, struct err *err);

#endif
