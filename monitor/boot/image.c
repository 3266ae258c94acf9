/* image.c: see image.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/image.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "boot/boot.h"
#include "mem/gmem.h"

int boot_src_read(const struct boot_src *src, uint64_t off, void *dst,
		  size_t len)
{
	if (off > src->len || len > src->len - off)
		return -ENODATA;
	if (src->fd < 0) {
		if (len > 0)
			memcpy(dst, src->bytes + off, len);
		return 0;
	}
	return file_read_at(src->fd, off, dst, len);
}

static int read_failed(const struct image *img, int code, uint64_t off,
		       size_t len, const char *what, struct err *err)
{
	if (code == -ENODATA)
		return err_set(err, -ENOEXEC,
			       "truncated: %s is %zu bytes at offset %llu, "
			       "the file has %llu bytes",
			       what, len, (unsigned long long)off,
			       (unsigned long long)img->src->len);
	return err_set(err, code, "read %s", what);
}

int image_open(struct image *img, const struct boot_src *src, struct err *err)
{
	int code;

	img->src = src;
	img->head_len =
		src->len < IMAGE_HEAD_LEN ? (size_t)src->len : IMAGE_HEAD_LEN;
	img->head = src->bytes;
	if (src->fd < 0)
		return 0;
	img->head = img->buf;
	code = boot_src_read(src, 0, img->buf, img->head_len);
	if (code < 0)
		return read_failed(img, code, 0, img->head_len,
				   "the first page", err);
	return 0;
}

const uint8_t *image_view(const struct image *img, uint64_t off, size_t len,
			  void *buf, const char *what, struct err *err)
{
	int code;

	if (off <= img->head_len && len <= img->head_len - off)
		return img->head + off;
	code = boot_src_read(img->src, off, buf, len);
	if (code < 0) {
		(void)read_failed(img, code, off, len, what, err);
		return NULL;
	}
	return buf;
}

int image_load(const struct image *img, uint64_t off, const struct gmem *mem,
	       gpa_t gpa, size_t len, const char *what, struct err *err)
{
	struct iovec span;
	int code;

	if (len == 0)
		return 0;
	code = gmem_span(mem, gpa, len, &span);
	if (code < 0)
		return err_set(err, code, "%s: no RAM at %#llx", what,
			       (unsigned long long)gpa);
	code = boot_src_read(img->src, off, span.iov_base, len);
	if (code < 0)
		return read_failed(img, code, off, len, what, err);
	return 0;
}
