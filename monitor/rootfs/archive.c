/* archive.c: what readers of archives share, see source.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rootfs/source.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "rootfs/tree.h"

#define SHOWN_MAX 200u /* bytes of a name */

int source_wrap(struct err *err, const char *name)
{
	size_t len = strlen(name), n = 0;
	char text[SHOWN_MAX + 4] = "";

	if (len > SHOWN_MAX) {
		name += len - SHOWN_MAX;
		n = strlen(strcpy(text, "..."));
	}
	for (; *name; name++)
		text[n++] = iscntrl((unsigned char)*name) ? '?' : *name;
	text[n] = '\0';
	return err_wrap(err, "%s", text);
}

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

	if (code == 0)
		return 0;
	(void)err_set(err, code, "copy");
	return source_wrap(err, node->name);
}

void archive_open(struct archive *a, struct pack_source *ret)
{
	*ret = (struct pack_source){ copy_contents, a };
}
