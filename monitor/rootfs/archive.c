/* archive.c: what readers of archives share, see source.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/source.h"

#include <errno.h>

#include "base/err.h"
#include "base/file.h"
#include "rootfs/tree.h"

int archive_read(const struct archive *a, uint64_t off, void *dst, size_t len,
		 const char *what, struct err *err)
{
	int code = -ENODATA;

	if (off <= a->len && len <= a->len - off)
		code = file_read_at(a->fd, off, dst, len);
	if (code == -ENODATA)
		return err_set(err, -EINVAL,
			       "truncated: %s is %zu bytes at offset %llu, the "
			       "archive has %llu bytes",
			       what, len, (unsigned long long)off,
			       (unsigned long long)a->len);
	return code ? err_set(err, code, "read %s", what) : 0;
}

static int copy_contents(void *ctx, const struct tree_node *node, int to,
			 uint64_t off, struct err *err)
{
	const struct archive *a = ctx;
	const struct tree_inode *inode = node->inode;

	/* the scan has seen that it lies in the file */
	int code = file_copy(a->fd, inode->from, to, off, inode->size);

	return code ? err_set(err, code, "copy %s", node->name) : 0;
}

void archive_open(struct archive *a, struct pack_source *ret)
{
	*ret = (struct pack_source){ copy_contents, a };
}
